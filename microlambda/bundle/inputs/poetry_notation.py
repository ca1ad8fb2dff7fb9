"""Poetry's own notation of versions and dependencies, made into the standard's.

https://python-poetry.org/docs/dependency-specification/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from microlambda.bundle.errors import RequirementsUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_ALTERNATIVES = re.compile(r"\s*\|\|?\s*")
#: Clauses end at a comma or at a space; one behind an operator belongs to it.
_CLAUSES = re.compile(r"(?<![\^~=<>!,\s])\s*[,\s]\s*(?![,\s]|$)")
_CLAUSE = re.compile(r"(?P<sign>\^|~=|~|===|==|!=|<>|<=|>=|<|>|=)?\s*(?P<version>\S+)")
_SIGNS = {"": "==", "=": "==", "<>": "!="}
_ANY = re.compile(r"v?[xX*](\.[xX*])*", re.IGNORECASE)


def specifier_sets(constraint: str, *, where: str) -> list[SpecifierSet]:
    """Read a constraint: any one of the sets has to hold."""
    return [_specifiers(one, where) for one in _ALTERNATIVES.split(constraint.strip())]


def admits(constraint: str, version: str, *, where: str) -> bool:
    """Tell whether a version satisfies a constraint; what a lock holds may be a pre-release."""
    return any(one.contains(version, prereleases=True) for one in specifier_sets(constraint, where=where))


def specifier(constraint: str, *, where: str) -> str:
    """Spell a constraint as the standard does, which has no alternatives."""
    sets = specifier_sets(constraint, where=where)
    if len(sets) > 1:
        raise RequirementsUnreadable(
            f"{where}: the alternatives in {constraint!r} can be read beside a poetry.lock alone. "
            "Run `poetry lock`, or write one range."
        )
    return str(sets[0])


def python_marker(constraint: str, *, where: str) -> str:
    """Make a marker of a constraint on Python."""
    alternatives = [
        " and ".join(_python_clause(clause.operator, clause.version) for clause in one)
        for one in specifier_sets(constraint, where=where)
    ]
    return "" if "" in alternatives else _any_of(alternatives)


def all_of(markers: Iterable[str]) -> str:
    """Join markers that all have to hold."""
    given = [marker for marker in markers if marker]
    return given[0] if len(given) == 1 else " and ".join(f"({marker})" for marker in given)


def _any_of(markers: list[str]) -> str:
    return markers[0] if len(markers) == 1 else " or ".join(f"({marker})" for marker in markers)


def _python_clause(sign: str, version: str) -> str:
    short = version.removesuffix(".*")
    if short.count(".") == 1:  # python_version has two parts, python_full_version has all
        return f"python_version {sign} '{short}'"
    return f"python_full_version {sign} '{version}'"


def _specifiers(text: str, where: str) -> SpecifierSet:
    clauses = [clause for clause in _CLAUSES.split(text.strip().rstrip(",").strip()) if clause]
    try:
        return SpecifierSet(",".join(filter(None, map(_clause, clauses))))
    except (InvalidSpecifier, InvalidVersion) as exc:
        raise RequirementsUnreadable(f"{where}: {text!r} is not a range of versions: {exc}.") from exc


def _clause(text: str) -> str:
    match = _CLAUSE.fullmatch(text.strip())
    if match is None:
        raise InvalidVersion(f"{text!r} is no version")
    sign, version = match["sign"] or "", match["version"]
    if _ANY.fullmatch(version) and sign in {"", "=", "=="}:
        return ""
    if sign == "^":
        return _between(version, _next_breaking)
    if sign == "~":
        return _between(version, _next_close)
    return f"{_SIGNS.get(sign, sign)}{version}"


def _between(version: str, after: Callable[[Version], str]) -> str:
    low = Version(version)
    return f">={low},<{after(low)}"


def _next_breaking(version: Version) -> str:
    """Raise the first part that is not 0, or the last that is written."""
    release = version.release
    place = next((number for number, part in enumerate(release) if part), len(release) - 1)
    return _raised(version, place)


def _next_close(version: Version) -> str:
    return _raised(version, min(1, len(version.release) - 1))


def _raised(version: Version, place: int) -> str:
    parts = [*version.release[:place], version.release[place] + 1]
    epoch = f"{version.epoch}!" if version.epoch else ""
    return epoch + ".".join(map(str, parts))
