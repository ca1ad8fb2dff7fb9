"""What a resolver is asked, and how it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

    from microlambda.bundle.errors import ResolutionFailed
    from microlambda.bundle.inputs.required import Requirements
    from microlambda.bundle.target import Target


@dataclass(frozen=True, kw_only=True)
class Request:
    """Requirements and what they are resolved for; in `root` resolvers look for the user's configuration."""

    requirements: Requirements
    target: Target
    root: Path

    @property
    def asked(self) -> tuple[Requirement, ...]:
        """Give every requirement of the project, constraints among them."""
        return (*self.requirements.direct, *self.requirements.constrained)

    def requirement_of(self, name: str) -> str:
        """Give what the project asks for of this package, or its name where only another package needs it."""
        for requirement in self.requirements.direct:
            if canonicalize_name(requirement.name) == canonicalize_name(name):
                return f"{requirement.name}{requirement.specifier}"
        return name


@dataclass(frozen=True, kw_only=True)
class Unfit:
    """A package without a wheel for the target: how it was asked for, and what is known of its wheels."""

    name: str
    requirement: str
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How a resolver's run ended: `unfit` where wheels are lacking, `error` where anything else is wrong."""

    unfit: tuple[Unfit, ...] = ()
    error: ResolutionFailed | None = None


@dataclass(frozen=True, kw_only=True)
class BuildFailed:
    """Why no wheel came of a source, in one sentence; `log` is what the build said, where that tells more.

    `is_native` tells of a source that is no pure Python: another machine than this one may build it.
    """

    why: str
    log: str = ""
    is_native: bool = False


class Resolver(Protocol):
    """A program that resolves and installs."""

    @property
    def name(self) -> str:
        """Name the program."""

    @property
    def version(self) -> str:
        """Name its version."""

    def install(
        self, request: Request, work: Path, into: Path, wheels: Path, *, afresh: bool = False
    ) -> Answer:
        """Install the request into a folder, taking wheels alone; `wheels` holds those built meanwhile.

        `afresh` downloads again what a cache of the resolver has.
        """

    def unpacked(self, request: Request) -> Path | None:
        """Find the folder where wheels stand as soon as each is fetched; None where there is none."""

    def pin(self, unfit: Unfit, request: Request, work: Path) -> str:
        """Give the requirement by which the source of a package is built."""

    def build(
        self, line: str, request: Request, work: Path, wheels: Path, *, name: str | None = None
    ) -> BuildFailed | None:
        """Build a requirement into a wheel under `wheels`; answer what went wrong, or None.

        `name` is that of a package of the index, which may have wheels as well; a location has none.
        """

    def passed_over(
        self, request: Request, work: Path, taken: Mapping[str, str], allowed: Mapping[str, SpecifierSet]
    ) -> Mapping[str, Iterable[str]]:
        """Give versions without a fitting wheel of packages that were just `taken` at these versions.

        `allowed` is what everybody asks of their versions; others may be given, too.
        """
