"""The resolvers that are installed on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from microlambda.bundle.errors import ResolverMissing
from microlambda.bundle.resolving.names import RESOLVERS
from microlambda.bundle.resolving.uv import find_uv

if TYPE_CHECKING:
    from microlambda.bundle.resolving.request import Resolver


def find_resolver(name: str | None = None) -> Resolver:
    """Take uv where it is installed and pip otherwise, or the one of this name."""
    if name is not None and name not in RESOLVERS:
        raise ResolverMissing(f"{name!r} is not a resolver. There are: {', '.join(RESOLVERS)}.")
    found: Resolver | None = find_uv() if name != "pip" else None
    if found is None and name != "uv":
        from microlambda.bundle.resolving.pip import find_pip  # not loaded beside uv

        found = find_pip()
    if found is None:
        what = name or "neither uv nor pip"
        verb = "is not" if name else "is"
        raise ResolverMissing(f"{what} {verb} installed beside this interpreter. Install it: pip install uv")
    return found
