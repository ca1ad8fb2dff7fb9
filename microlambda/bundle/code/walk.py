"""A walk through the project's files: what may ship of them, and what never does."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from microlambda.bundle.archive import is_executable
from microlambda.bundle.code.leftout import (
    Patterns,
    is_left_out_by_default,
    is_never_shipped,
    is_secret,
    is_settings,
    is_virtual_environment,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


#: Where `microlambda package` writes to, if it is not told, and how the names of what it writes end.
OUT = "build"
_MADE = (".zip", "-report.html", "-image")


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file of the project and its name in the archive."""

    name: str
    path: Path
    is_executable: bool

    @property
    def top(self) -> str:
        """Name the module or the package at the archive's root that this file belongs to."""
        return top_level(self.name)


def top_level(name: str) -> str:
    """Name what an entry of the archive is imported as, at its root: a/b.py is a, x.cpython-313.so is x."""
    first, slash, _ = name.partition("/")
    return first if slash else first.partition(".")[0]


@dataclass
class Walk:
    """A walk through the project: where it is rooted, what it was told, what it noticed."""

    root: Path
    import_root: Path
    out: Path | None  # where archives are written
    projects: frozenset[Path]  # folders that are dependencies, and come as such
    include: Patterns
    exclude: Patterns
    notes: list[str] = field(default_factory=list)
    not_imported: list[str] = field(default_factory=list)

    def files(self, path: Path, above: tuple[Path, ...] = ()) -> Iterator[Source]:
        """Give the files at and under a path, those excluded left out."""
        if path.is_dir():
            real = path.resolve()
            if real in above:  # two links that lead to each other's folders
                return
            for child in children(path):
                if not self.is_skipped(child) and not is_left_out_by_default(child.name):
                    yield from self.files(child, (*above, real))
        elif path.is_file() and not self.exclude.match(self.relative(path)):
            yield self.source(path)

    def everything(self, folder: Path, above: tuple[Path, ...] = ()) -> Iterator[Path]:
        """Give all files under a folder that may ship at all."""
        real = folder.resolve()
        if real in above:
            return
        for child in children(folder):
            if self.is_skipped(child):
                continue
            if child.is_dir():
                yield from self.everything(child, (*above, real))
            elif child.is_file():
                yield child

    def is_skipped(self, path: Path, *, is_top: bool = False) -> bool:
        """Tell whether a path never ships; what a user would miss is noted."""
        if is_never_shipped(path.name) or self.is_output(path) or self.is_made(path):
            return True
        if _real(path) in self.projects:
            return True
        if is_secret(path.name):
            is_expected = is_top or path.name.startswith(".") or is_settings(path.name)
            if not is_expected and not self.exclude.match(self.relative(path)):
                self.note(f"{self.relative(path)} is left out: files of this name hold secrets.")
            return True
        if path.is_symlink() and (fault := self.fault(path)):
            expected = not is_left_out_by_default(path.name, is_top=is_top)
            if expected and not self.exclude.match(self.relative(path)):
                self.note(f"{self.relative(path)} is left out: it is a link {fault}.")
            return True
        return path.is_dir() and is_virtual_environment(path)

    def is_output(self, path: Path) -> bool:
        """Tell whether a path is a folder that archives are written to."""
        return self.out is not None and _real(path) == self.out

    def is_made(self, path: Path) -> bool:
        """Tell whether an earlier run wrote this, by the place and the name that it has without --out."""
        return path.parent == self.root / OUT and path.name.endswith(_MADE)

    def fault(self, link: Path) -> str:
        """Say why a link is not followed; empty for one that is."""
        if not link.exists():
            return f"to {link.readlink()}, which is not there"
        real = _real(link)
        if not real.is_relative_to(self.root):
            return "that leads out of the project"
        if _real(link.parent).is_relative_to(real):
            return "to a folder that it lies in"
        return ""

    def note(self, text: str) -> None:
        """Tell the user, once."""
        if text not in self.notes:
            self.notes.append(text)

    def relative(self, path: Path) -> str:
        """Write a path as patterns and messages have it: from the project's folder."""
        return path.relative_to(self.root).as_posix()

    def source(self, path: Path) -> Source:
        """Make a source of a file; what lies beside the src of a src layout keeps its path."""
        inside = path.is_relative_to(self.import_root)
        name = path.relative_to(self.import_root if inside else self.root).as_posix()
        return Source(name=name, path=path, is_executable=is_executable(path))


def children(folder: Path) -> list[Path]:
    """List a folder, in order of names."""
    with os.scandir(folder) as entries:
        return [Path(entry.path) for entry in sorted(entries, key=lambda entry: entry.name)]


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # unlike Path.resolve, takes a link to itself
