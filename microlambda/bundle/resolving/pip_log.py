"""Reading pip's log: which files of a package it looked at, and why it passed over them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from packaging.requirements import Requirement
    from packaging.version import Version

    from microlambda.bundle.target import Target

_FILE = re.compile(r"/([^/#\s]+?\.(?:whl|tar\.gz|zip|tar\.bz2|tgz))(?:[#\s,]|$)")
_NO_TAG_FITS = "none of the wheel's tags"
_ASKS_FOR_PYTHON = re.compile(r"requires-python:\s*([^)]+)\)")


def was_passed_over(requirement: Requirement, logged: str) -> bool:
    """Tell whether the index has files of what was asked for, though none that fit."""
    name = canonicalize_name(requirement.name)
    for line in logged.splitlines():
        if "Skipping link:" not in line and "Link requires a different Python" not in line:
            continue
        found = _release(line)
        if found is None or found[0] != name:
            continue
        if requirement.specifier.contains(found[1], prereleases=True):
            return True
    return False


def skipped_versions(logged: str, taken: Mapping[str, str], target: Target) -> dict[str, list[str]]:
    """Give the versions of packages that have wheels for the target's Python, and none that it can load."""
    skipped: dict[str, set[str]] = {}
    fitting: set[tuple[str, str]] = set()
    for line in logged.splitlines():
        found = _release(line)
        if found is None or found[0] not in taken:
            continue
        name, version = found[0], str(found[1])
        if "Found link " in line:
            fitting.add((name, version))
        elif _NO_TAG_FITS in line and ".whl" in line and _is_for(target, line):
            skipped.setdefault(name, set()).add(version)
    return {
        name: [version for version in sorted(versions) if (name, version) not in fitting]
        for name, versions in skipped.items()
    }


def _is_for(target: Target, line: str) -> bool:
    asked = _ASKS_FOR_PYTHON.search(line)
    try:
        return asked is None or SpecifierSet(asked[1]).contains(target.markers["python_full_version"])
    except InvalidSpecifier:
        return True


def _release(line: str) -> tuple[str, Version] | None:
    """Read the package and the version in the name of the file that a line is about."""
    file = _FILE.search(line)
    if file is None:
        return None
    try:
        if file[1].endswith(".whl"):
            name, version, _build, _tags = parse_wheel_filename(file[1].replace("%2B", "+"))
        else:
            name, version = parse_sdist_filename(file[1])
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None
    return name, version
