"""Markers judged for the target, with the extras that are asked for.

`extra` is one word in the standard, while a lock speaks of several extras at once; so each comparison with it
is decided first and stands in the marker as something that is always or never true.
https://packaging.python.org/en/latest/specifications/dependency-specifiers/#environment-markers
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from microlambda.bundle.errors import RequirementsUnreadable
from microlambda.bundle.inputs.masking import mask

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from microlambda.bundle.target import Target

_EXTRA = re.compile(
    r"""\bextra\s*(?P<sign>==|!=)\s*(?P<quote>["'])(?P<name>.*?)(?P=quote)"""
    r"""|(?P<quote2>["'])(?P<name2>[^"']*)(?P=quote2)\s*(?P<sign2>==|!=)\s*extra\b"""
)
_ALWAYS, _NEVER = "python_version >= '0'", "python_version < '0'"


def holds(marker: str | None, target: Target, *, where: str, extras: Collection[str] = ()) -> bool:
    """Judge a marker; no marker holds. `extras` are normalised names."""
    if not marker:
        return True

    def decide(match: re.Match[str]) -> str:
        asked = canonicalize_name(match["name"] or match["name2"] or "") in extras
        return _ALWAYS if asked == ((match["sign"] or match["sign2"]) == "==") else _NEVER

    try:
        return _parsed(_EXTRA.sub(decide, marker)).evaluate(target.markers)
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName) as exc:
        raise RequirementsUnreadable(f"{where}: {marker!r} is not a marker: {exc}.") from exc


@lru_cache(maxsize=4096)
def _parsed(marker: str) -> Marker:
    return Marker(marker)


def requirement(text: str, *, marker: str = "", where: str) -> Requirement:
    """Read a requirement, with a marker that stands apart from it."""
    try:
        return Requirement(f"{text} ; {marker}" if marker else text)
    except InvalidRequirement as exc:
        raise RequirementsUnreadable(f"{where}: {mask(text)!r} is not a requirement: {exc}.") from exc


def applicable(requirements: Iterable[Requirement], target: Target, *, where: str) -> list[Requirement]:
    """Keep the requirements whose markers hold."""
    return [one for one in requirements if holds(str(one.marker or ""), target, where=where)]


def fits_python(specifier: str | None, target: Target, *, where: str) -> bool:
    """Tell whether a `requires-python` admits the target, at its oldest patch release or a later one."""
    if not specifier:
        return True
    try:
        wanted = SpecifierSet(specifier)
    except InvalidSpecifier as exc:
        raise RequirementsUnreadable(f"{where}: {specifier!r} is not a range of versions: {exc}.") from exc
    full = target.markers["python_full_version"]
    return any(wanted.contains(version, prereleases=True) for version in (full, f"{target.python}.99"))
