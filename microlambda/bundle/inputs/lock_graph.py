"""The walk through a lock that says what each of its packages needs.

It starts at what the project asks for and does not go through microlambda, so that what only our tools need
is never reached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from packaging.utils import canonicalize_name

from microlambda.bundle.inputs.names import OURS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from microlambda.bundle.inputs.tables import Table


class Need(Protocol):
    """An edge of the graph, already judged for the target."""

    @property
    def name(self) -> str:
        """Name what is needed, in its normal spelling."""

    @property
    def extras(self) -> tuple[str, ...]:
        """Name the extras that are needed of it."""


PackageT = TypeVar("PackageT")
NeedT = TypeVar("NeedT", bound=Need)


class Graph(Protocol[PackageT, NeedT]):
    """A lock, for a target."""

    def find(self, need: NeedT, asking: PackageT | None) -> PackageT:
        """Find the one package that answers a need; `asking` is None for the project."""

    def needs(self, package: PackageT, extra: str) -> Iterable[NeedT]:
        """Give what a package needs for one of its extras, or for itself ("")."""


def packages_of(lock: Table) -> dict[str, list[Table]]:
    """Give the [[package]] tables of a lock by normal names; a name may have several versions."""
    found: dict[str, list[Table]] = {}
    for package in lock.tables("package"):
        found.setdefault(canonicalize_name(package.text("name")), []).append(package)
    return found


def walk(roots: Iterable[NeedT], graph: Graph[PackageT, NeedT]) -> list[PackageT]:
    """List every package that the roots need, each once."""
    pending: list[tuple[NeedT, PackageT | None]] = [(root, None) for root in roots]
    packages: dict[int, PackageT] = {}
    seen: set[tuple[int, str]] = set()
    while pending:
        need, asking = pending.pop()
        if need.name == OURS:
            continue
        package = graph.find(need, asking)
        packages[id(package)] = package
        for extra in ("", *need.extras):
            if (id(package), extra) not in seen:
                seen.add((id(package), extra))
                pending += [(one, package) for one in graph.needs(package, extra)]
    return list(packages.values())
