"""What every input comes to, whatever it was written in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from packaging.requirements import Requirement

    from microlambda.bundle.target import Target


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What is asked of an input: the project in `root`, for a target, with these groups and extras."""

    root: Path
    target: Target
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()

    @property
    def suffix(self) -> str:
        """Tell the groups and extras, as the label of an input ends with them."""
        named = (("groups", self.groups), ("extras", self.extras))
        parts = [f"{kind} {', '.join(names)}" for kind, names in named if names]
        return f" with {' and '.join(parts)}" if parts else ""

    def with_extras(self, extras: tuple[str, ...]) -> Choice:
        """Ask for these extras alone, and no groups."""
        return replace(self, extras=extras, groups=())


@dataclass(frozen=True, kw_only=True)
class SourceRequirement:
    """A folder, a repository or a source archive; resolvers build a wheel of it before they resolve.

    `location` is what pip and uv take: an absolute file URL, a URL, or git+https://...@revision, the last two
    with #subdirectory=... where there is one. `portable` is the same without the paths of this machine.
    Its marker holds for the target. In locked requirements what it needs stands among the lines.
    """

    location: str
    name: str | None = None  # where it is known before the build
    extras: tuple[str, ...] = ()
    where: str  # the file and the line that ask for it
    folder: Path | None = None  # a folder of this machine: its contents count, not only its name
    portable: str = ""
    hashes: tuple[str, ...] = ()  # of a source archive: "sha256:..."


@dataclass(frozen=True, kw_only=True)
class Requirements:
    """What to resolve: `label` names the input, `lines` and `constraints` are ready for a resolver.

    `portable` is all of it without the paths of this machine. `is_locked` says that the lines are everything,
    each at one version, so that nothing is resolved any more.
    """

    label: str
    lines: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    portable: tuple[str, ...] = ()
    direct: tuple[Requirement, ...] = ()
    roots: tuple[Requirement, ...] | None = None  # what the project itself asks for; None: all of `direct`
    is_locked: bool = False
    sources: tuple[SourceRequirement, ...] = ()
    constrained: tuple[Requirement, ...] = ()
    local_files: tuple[Path, ...] = ()  # archives named by path: their contents count, not only their names
    notes: tuple[str, ...] = ()

    @property
    def is_hashed(self) -> bool:
        """Tell whether the input fixes the files by their hashes."""
        return any("--hash" in line for line in self.lines)
