"""What a resolver installed, looked at before anything is made of it."""

from __future__ import annotations

import base64
import csv
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from microlambda.bundle.distributions import distributions_in
from microlambda.bundle.resolving.building import tags_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.metadata import Distribution

#: The size of larger files is compared alone, for hashing them takes longer than installing them does. Both
#: installers check the sums that zip archives have of their files.
_HASHED = 256 * 1024  # bytes


def installed(site: Path) -> Mapping[str, Distribution]:
    """Give the distributions in a folder by their names."""
    return {canonicalize_name(one.name): one for one in distributions_in(site)}


def is_native(distribution: Distribution) -> bool:
    """Tell whether a distribution came as a wheel of a certain platform."""
    return any(not tag.endswith("-any") for tag in tags_of(distribution))


def find_damaged(site: Path) -> list[tuple[Distribution, str]]:
    """Find distributions of which a file is not what its RECORD says, each with the file's name.

    Neither uv nor pip compares them: a wheel that was changed and closed again would ship.
    https://packaging.python.org/en/latest/specifications/recording-installed-packages/
    """
    first = ((one, _first_damaged(one, str(site))) for one in distributions_in(site))
    return [(one, name) for one, name in first if name is not None]


def _first_damaged(distribution: Distribution, site: str) -> str | None:
    record = (distribution.read_text("RECORD") or "").splitlines()
    for row in csv.reader(record):
        if len(row) == 3 and not _is_installers(row[0]) and _is_damaged(f"{site}/{row[0]}", row[1], row[2]):
            return row[0]
    return None


def _is_installers(name: str) -> bool:
    """Tell whether a file is no copy of one in the wheel, or lies outside of the folder."""
    top = name.partition("/")[0]
    return top in {"..", "bin", ""} or top.endswith(".dist-info")


def _is_damaged(path: str, digest: str, size: str) -> bool:
    try:
        found = os.stat(path).st_size  # noqa: PTH116  # thousands of files, and a Path costs more than this
    except OSError:
        return False  # whoever installed it put it elsewhere
    if size and found != int(size):
        return True
    return found <= _HASHED and not _is_whole(Path(path), digest)


def _is_whole(path: Path, recorded: str) -> bool:
    method, _, digest = recorded.partition("=")
    if method != "sha256":
        return True
    found = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest())
    return found.rstrip(b"=").decode() == digest.rstrip("=")
