"""The groups and extras that are asked for, checked against those that an input has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from microlambda.bundle.errors import RequirementsUnreadable
from microlambda.project.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable


def selected(kind: str, wanted: Iterable[str], known: Iterable[str], label: str) -> list[str]:
    """Give what is wanted, in its normal spelling; `kind` is "group" or "extra"."""
    spelled = {canonicalize_name(name): name for name in known}
    for name in wanted:
        if canonicalize_name(name) not in spelled:
            names = sorted(spelled.values())
            has = f"It has: {', '.join(names)}." if names else f"It has no {kind}s at all."
            raise RequirementsUnreadable(
                f"{label} has no {kind} {name!r}.{nearest(name, names)} {has} "
                f"Change {kind}s in the settings, or write the {kind} and lock again."
            )
    return [canonicalize_name(name) for name in wanted]
