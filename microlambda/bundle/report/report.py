"""What a report tells: archives, packages, what was removed from them, the time that imports take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from microlambda.bundle.code.import_times import ImportTime
    from microlambda.bundle.code.trial import Trial
    from microlambda.bundle.parts import Bundle, Part

#: As many modules and packages are shown; the rest is one row.
SHOWN = 15

_KB, _MB = 1024, 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of a chart: what it is of, its size in bytes or microseconds, and more about it."""

    name: str
    size: int
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class ArchiveRow:
    """An archive beside the limits that it is held to, in bytes; `users` are its functions, if not all."""

    name: str
    size: int
    unpacked: int
    users: str = ""


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that a report tells; `trial` is None where the app's import was not tried."""

    name: str
    target: str
    archives: tuple[ArchiveRow, ...]
    packages: tuple[Row, ...] = ()
    removed: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()
    trial: Trial | None = None

    @classmethod
    def of(cls, bundle: Bundle, *, name: str, target: str, trial: Trial | None = None) -> Report:
        """Tell of a bundle; `target` is what it is made for, in words."""
        return cls(
            name=name,
            target=target,
            archives=tuple(map(_archive, bundle.parts)),
            packages=_largest(_packages(bundle.parts), "package"),
            removed=tuple(
                Row(name=one.what, size=one.size, detail=_counted(one.files, "file"))
                for one in sorted(bundle.removed, key=lambda one: one.size, reverse=True)
            ),
            notes=tuple(dict.fromkeys((*bundle.notes, *(trial.notes if trial is not None else ())))),
            trial=trial,
        )

    @property
    def modules(self) -> tuple[ImportTime, ...]:
        """Give the modules that took the most time to import, by themselves."""
        return self.trial.heaviest[:SHOWN] if self.trial is not None else ()

    @property
    def import_summary(self) -> str:
        """Say how long the import of the app took."""
        return self.trial.summary if self.trial is not None else ""


def _archive(part: Part) -> ArchiveRow:
    users = ", ".join(part.functions)
    return ArchiveRow(name=part.archive.name, size=part.size, unpacked=part.unpacked_size, users=users)


def _packages(parts: Sequence[Part]) -> list[Row]:
    """Give each package once, though several archives have it; the largest first."""
    found = {(one.name, one.version): one.size for part in parts for one in part.packages}
    rows = [Row(name=name, detail=version, size=size) for (name, version), size in found.items()]
    return sorted(rows, key=lambda row: (-row.size, row.name))


def _largest(rows: list[Row], noun: str) -> tuple[Row, ...]:
    shown, rest = rows[:SHOWN], rows[SHOWN:]
    if rest:
        shown.append(Row(name=f"{_counted(len(rest), noun)} more", size=sum(row.size for row in rest)))
    return tuple(shown)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shares(sizes: Sequence[int]) -> list[float]:
    """Measure sizes by the largest of them."""
    largest = max(sizes, default=0) or 1
    return [size / largest for size in sizes]


def printable(text: str) -> str:
    """Show control characters by their escapes: a name must not steer the terminal."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def shown_size(size: int) -> str:
    """Write a size as people read it: 3.1 MB, 12 kB, 80 B."""
    if size >= _MB / 10:
        return f"{size / _MB:.1f} MB"
    return f"{size / _KB:.0f} kB" if size >= _KB else f"{size} B"


def shown_time(microseconds: int) -> str:
    """Write a time in milliseconds."""
    return f"{microseconds / 1000:.1f} ms"
