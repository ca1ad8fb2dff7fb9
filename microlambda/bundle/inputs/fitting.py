"""Whether a lock still holds what the project asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from microlambda.bundle.errors import LockOutdated
from microlambda.bundle.inputs.names import OURS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from packaging.requirements import Requirement


def check_fit(
    asked: Iterable[Requirement],
    locked: Mapping[str, str | None],
    *,
    lock: str,
    command: str,
    unbound: Collection[str] = (),
) -> None:
    """Refuse a lock in which a direct dependency is missing, or has a version that is not asked for.

    `asked` are requirements whose markers hold; `unbound` are names whose versions are decided elsewhere.
    """
    for requirement in asked:
        name = canonicalize_name(requirement.name)
        if name == OURS:
            continue
        if name not in locked:
            raise missing(name, lock, command)
        version = locked[name]
        if version and name not in unbound and not requirement.specifier.contains(version, prereleases=True):
            raise unmet(name, version, str(requirement.specifier), lock, command)


def missing(name: str, lock: str, command: str) -> LockOutdated:
    """Say that the project asks for what a lock does not have."""
    return LockOutdated(f"{lock} does not hold {name}, which the project asks for. Run `{command}`.")


def unmet(name: str, version: str, wanted: str, lock: str, command: str) -> LockOutdated:
    """Say that the project asks for another version than a lock has."""
    return LockOutdated(
        f"{lock} holds {name} {version}, and the project asks for {name}{wanted}. Run `{command}`."
    )
