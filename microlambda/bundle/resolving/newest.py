"""Saying so where not the newest version is taken, for want of a wheel that the target can load."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from microlambda.bundle.resolving.installed import installed, is_native

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from importlib.metadata import Distribution
    from pathlib import Path

    from microlambda.bundle.resolving.request import Request, Resolver


def passed_over_notes(
    request: Request, resolver: Resolver, work: Path, site: Path
) -> Callable[[], tuple[str, ...]]:
    """Give what finds each newer version that has no wheel for the target; `site` is read now, not then.

    Asked only where a wheel of a certain platform is among what was installed, and its version was free.
    """
    if request.requirements.is_locked or request.requirements.is_hashed or request.target.host:
        return tuple
    every = installed(site)
    taken = {
        name: one.version for name, one in every.items() if is_native(one) and not _is_fixed(name, request)
    }
    if not taken:
        return tuple
    allowed = {name: _allowed(name, request, every) for name in taken}

    def find() -> tuple[str, ...]:
        found = sorted(resolver.passed_over(request, work, taken, allowed).items())
        newest = {name: _newest(versions, taken[name], allowed[name]) for name, versions in found}
        return tuple(
            f"{name} {newer} has no wheel for {request.target}; {taken[name]} is taken."
            for name, newer in newest.items()
            if newer is not None
        )

    return find


def _is_fixed(name: str, request: Request) -> bool:
    return any(
        one.url is not None or any(clause.operator in {"==", "==="} for clause in one.specifier)
        for one in request.asked
        if canonicalize_name(one.name) == name
    )


def _allowed(name: str, request: Request, every: Mapping[str, Distribution]) -> SpecifierSet:
    """Join what everybody asks of a package's version."""
    needed = [Requirement(text) for one in every.values() for text in one.requires or ()]
    markers = {**request.target.markers, "extra": ""}
    allowed = SpecifierSet()
    for one in (*request.asked, *needed):
        if canonicalize_name(one.name) == name and (one.marker is None or one.marker.evaluate(markers)):
            allowed &= one.specifier
    return allowed


def _newest(versions: Iterable[str], taken: str, allowed: SpecifierSet) -> Version | None:
    """Take the newest final release that is newer than what was taken."""
    newer = []
    for text in versions:
        try:
            version = Version(text)
        except InvalidVersion:
            continue
        if version > Version(taken) and not version.is_prerelease and allowed.contains(version):
            newer.append(version)
    return max(newer, default=None)
