"""Lambda's limits on what is uploaded, looked at before anything is.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from microlambda.bundle.errors import BundleTooLarge
from microlambda.project.limits import UPLOAD_LIMIT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from microlambda.bundle.selection import Selection
    from microlambda.bundle.slim.account import Package

#: Of a function, its layers included.
UNPACKED_LIMIT = 250 * 1024 * 1024  # bytes

_MB = 1024 * 1024
_SHOWN = 5


def refuse_too_large(unpacked: int, name: str, selection: Selection, packages: Sequence[Package]) -> None:
    """Refuse what Lambda would not unpack, naming what takes the most of it."""
    if unpacked <= UNPACKED_LIMIT:
        return
    of = "" if selection.is_common else f" for {', '.join(selection.functions)} ({selection})"
    raise BundleTooLarge(
        f"the bundle {name!r}{of} unpacks to {unpacked / _MB:.1f} MB; Lambda accepts 250 MB, "
        f"layers included. {largest(packages)}{_own(unpacked, packages)}Leave out what the app does not "
        "need, give single functions groups of their own, or use a container image: microlambda package "
        "--image (docs/guides/large-dependencies.md)."
    )


def refuse_huge_project(name: str, sizes: Mapping[str, int]) -> None:
    """Refuse a project whose own files alone are more than Lambda unpacks; `sizes` are in bytes, by names."""
    total = sum(sizes.values())
    if total <= UNPACKED_LIMIT:
        return
    first = sorted(sizes, key=lambda one: -sizes[one])[:_SHOWN]
    shown = ", ".join(f"{one} {sizes[one] / _MB:.0f} MB" for one in first)
    raise BundleTooLarge(
        f"the project's own files in the bundle {name!r} have {total / _MB:.1f} MB; Lambda accepts 250 MB, "
        f"dependencies included. Largest: {shown}. Leave out what the app does not need (exclude in the "
        "settings, or .lambdaignore), keep data in S3, or use a container image: microlambda package --image "
        "(docs/guides/large-dependencies.md)."
    )


def _own(unpacked: int, packages: Sequence[Package]) -> str:
    """Say that the project's own files are a large part, where they are."""
    own = unpacked - sum(package.size for package in packages)
    if own < unpacked // 2:
        return ""
    return f"The project's own files, with all bytecode, have {own / _MB:.0f} MB. "


def direct_upload_notes(name: str, size: int, packages: Sequence[Package]) -> list[str]:
    """Say of an archive that it is too large to be sent to Lambda directly."""
    if size <= UPLOAD_LIMIT:
        return []
    return [
        f"{name} has {size / _MB:.1f} MB; Lambda takes 50 MB in a direct upload, more only from S3. "
        f"{largest(packages)}`microlambda deploy` would refuse it."
    ]


def largest(packages: Sequence[Package]) -> str:
    """Write a sentence about the packages that take the most."""
    first = sorted(packages, key=lambda package: package.size, reverse=True)[:_SHOWN]
    shown = ", ".join(f"{package.name} {package.size / _MB:.0f} MB" for package in first)
    return f"Largest, without bytecode: {shown}. " if shown else ""
