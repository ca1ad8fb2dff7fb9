"""What a lock comes to: pins, each of one package at one version."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from microlambda.bundle.errors import RequirementsUnreadable
from microlambda.bundle.inputs.collecting import as_requirements, portable_source, unfixed_notes
from microlambda.bundle.inputs.indexes import index_lines
from microlambda.bundle.inputs.local_sources import dotted
from microlambda.bundle.inputs.names import OURS
from microlambda.bundle.inputs.required import Requirements

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from microlambda.bundle.inputs.required import Choice, SourceRequirement

#: The hashes that pip and uv check; others are no protection today.
_ALGORITHMS = ("sha256", "sha384", "sha512")


@dataclass(frozen=True, kw_only=True)
class Pin:
    """One package of a lock: a version on an index, or a wheel by URL or path, or a source."""

    name: str
    version: str = ""
    hashes: tuple[str, ...] = ()  # "sha256:...", of every file of the version
    index: str | None = None  # the URL of the index
    find_links: Path | None = None  # or the folder of wheels that stands for one
    url: str | None = None  # of a wheel
    file: Path | None = None  # a wheel or a source archive of this machine
    source: SourceRequirement | None = None

    def requirement(self, where: str) -> Requirement:
        """Spell it as a requirement; `where` is the lock, for the error."""
        try:
            return Requirement(f"{self.name} @ {self._url}" if self._url else f"{self.name}=={self.version}")
        except InvalidRequirement as exc:
            raise RequirementsUnreadable(
                f"{where}: {self.version!r} is not a version of {self.name}: {exc}."
            ) from exc

    @property
    def _url(self) -> str | None:
        return self.file.resolve().as_uri() if self.file is not None else self.url

    def line(self, where: str) -> str:
        """Spell it for a resolver."""
        return " ".join((str(self.requirement(where)), *self._options))

    @property
    def _options(self) -> list[str]:
        return [f"--hash={one}" for one in dict.fromkeys(self.hashes)]

    def portable(self, root: Path) -> str:
        """Spell it without the paths of this machine."""
        if self.source is not None:
            return portable_source(self.source)
        at = dotted(self.file.resolve(), root) if self.file is not None else self.url
        return " ".join((f"{self.name} @ {at}" if at else f"{self.name}=={self.version}", *self._options))


def checkable(hashes: Iterable[str]) -> tuple[str, ...]:
    """Keep the hashes that resolvers check."""
    return tuple(one for one in hashes if one.partition(":")[0] in _ALGORITHMS)


def hash_of(path: Path) -> str:
    """Hash a file of this machine, for which a lock needs none."""
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def lock_requirements(
    label: str,
    pins: Iterable[Pin],
    choice: Choice,
    *,
    where: str,
    roots: Iterable[Requirement] | None = None,
    notes: tuple[str, ...] = (),
) -> Requirements:
    """Make requirements of pins; microlambda is none of them."""
    kept = sorted((pin for pin in pins if pin.name != OURS), key=lambda pin: (pin.name, pin.version))
    _refuse_two(kept, where)
    released = [pin for pin in kept if pin.source is None]
    sources = tuple(pin.source for pin in kept if pin.source is not None)
    return Requirements(
        label=label + choice.suffix,
        lines=(*index_lines(released, where), *(pin.line(where) for pin in released)),
        portable=tuple(pin.portable(choice.root) for pin in kept),
        direct=(*(pin.requirement(where) for pin in released), *as_requirements(sources)),
        roots=_without_ours(roots),
        is_locked=True,
        sources=sources,
        local_files=tuple(pin.file for pin in kept if pin.file is not None),
        notes=(*notes, *unfixed_notes(sources)),
    )


def _refuse_two(pins: list[Pin], where: str) -> None:
    for first, second in pairwise(pins):
        if first.name == second.name:
            raise RequirementsUnreadable(
                f"{where} has {first.name} twice for this target: {first.version} and {second.version}. "
                "Choose groups and extras that go together, or lock again."
            )


def _without_ours(roots: Iterable[Requirement] | None) -> tuple[Requirement, ...] | None:
    if roots is None:
        return None
    kept = [one for one in roots if canonicalize_name(one.name) != OURS]
    return tuple({str(one): one for one in kept}.values())
