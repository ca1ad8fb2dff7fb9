"""How names are written: the one that means something else to us than to an index, and extras."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Stands for the runtime, whatever its extras and versions: what only our tools need never ships.
OURS = "microlambda"


def bracketed(extras: Iterable[str]) -> str:
    """Write extras as a requirement has them: [a,b], or nothing."""
    listed = ",".join(extras)
    return f"[{listed}]" if listed else ""
