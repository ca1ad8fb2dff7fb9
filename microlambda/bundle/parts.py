"""What a bundle consists of: archives, what is in them, and what was left out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from microlambda.bundle.slim.account import Package, Removed
    from microlambda.project.pieces import Pieces
    from microlambda.project.settings import Settings

_MB = 1024 * 1024

#: As many kinds of what was left out are named in one line; the report has them all.
_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Part:
    """One archive; sizes are in bytes. `functions` are those that have it alone, empty for all."""

    key: str
    archive: Path
    size: int
    unpacked_size: int
    is_layer: bool = False
    packages: tuple[Package, ...] = ()
    functions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """What Lambda runs: the archives, the code of the most functions first, and what was left out of them."""

    parts: tuple[Part, ...]
    pieces: Pieces
    removed: tuple[Removed, ...] = ()
    notes: tuple[str, ...] = ()

    def part(self, key: str) -> Part:
        """Give the archive of this key."""
        return next(one for one in self.parts if one.key == key)

    @property
    def code(self) -> Part:
        """Give the archive of the code that most functions share."""
        return self.parts[0]

    @property
    def layers(self) -> tuple[Part, ...]:
        """Give the archives that are layers."""
        return tuple(one for one in self.parts if one.is_layer)

    @property
    def packages(self) -> tuple[Package, ...]:
        """List what was installed, each once, in order of names."""
        found = {(one.name, one.version): one for part in self.parts for one in part.packages}
        return tuple(found[place] for place in sorted(found))

    @property
    def left_out(self) -> str:
        """Say how much was taken from the dependencies, and of what most; empty where nothing was."""
        if not self.removed:
            return ""
        shown = ", ".join(f"{one.what} {one.size / _MB:.1f}" for one in self.removed[:_SHOWN])
        total = sum(one.size for one in self.removed)
        return f"Left out of the dependencies: {total / _MB:.1f} MB ({shown})"

    @property
    def inputs_hash(self) -> str:
        """Hash what decides all of it."""
        from microlambda.bundle.fingerprint import total  # with all that reads code

        return total(self.pieces)


class Shape(Enum):
    """What the archives are for: Lambda, or a container image, which may be larger.

    An image may also install the dependencies itself; then there is the code alone.
    """

    ARCHIVES = "archives"
    IMAGE = "image"
    IMAGE_OF_CODE = "image of the code"


def bundle_name(settings: Settings) -> str:
    """Name the bundle as its files are."""
    name = settings.name or settings.root.resolve().name
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.") or "bundle"


def archive_name(settings: Settings, suffix: str = "") -> str:
    """Name the file of an archive: the app's name, and what tells it from its others."""
    return f"{bundle_name(settings)}{suffix}.zip"
