"""The comments in which pip-tools and `uv pip compile` say who asked for a pin.

click==8.1.7            click==8.1.7  # via flask, -r requirements.in
    # via
    #   -r requirements.in
    #   flask
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from microlambda.bundle.inputs.names import OURS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Origins = dict[str, set[str]]

_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?:==|@)")
_VIA = re.compile(r"via\b\s*(.*)")


def read_origins(text: str) -> Origins:
    """Give who asks for each pin of a file, package or file, as it is written; a pin without is not there."""
    origins: Origins = {}
    current: str | None = None
    listing = False
    for raw in text.splitlines():
        code, hash_sign, comment = raw.partition("#") if raw.lstrip().startswith("#") else _inline(raw)
        if code.strip() and not code.lstrip().startswith("--hash"):
            match = _PIN.match(code.strip())
            current, listing = (canonicalize_name(match[1]) if match else None), False
        if not hash_sign or current is None:
            continue
        via = _VIA.fullmatch(comment.strip())
        listing = listing or via is not None
        if listing:
            named = via[1] if via else comment
            origins.setdefault(current, set()).update(filter(None, map(str.strip, named.split(","))))
    return origins


def _inline(raw: str) -> tuple[str, str, str]:
    """Part a line from the comment behind it; the # of a URL has no space before it."""
    code, sign, comment = raw.partition(" #")
    return code, sign.strip(), comment


def asked_directly(pins: Collection[str], origins: Mapping[str, Collection[str]]) -> set[str]:
    """Name the pins that something other than a pin asks for: a file, or the project; or nobody is named."""
    return {name for name in pins if name not in origins or _outside(origins[name], pins)}


def not_only_ours(pins: Collection[str], origins: Mapping[str, Collection[str]]) -> set[str]:
    """Name the pins that are there for more than microlambda's own sake."""
    kept = asked_directly(pins, origins) - {OURS}
    pending = True
    while pending:
        more = {name for name in pins if name != OURS and kept & _names(origins.get(name, ()))} - kept
        kept |= more
        pending = bool(more)
    return kept


def _outside(asking: Collection[str], pins: Collection[str]) -> bool:
    # A file of constraints (-c) limits versions, and asks for nothing.
    inside = {*pins, OURS}
    return any(one.startswith("-r") or not (one.startswith("-") or _name(one) in inside) for one in asking)


def _names(asking: Collection[str]) -> set[str]:
    return {_name(one) for one in asking}


def _name(origin: str) -> str:
    return canonicalize_name(origin.partition("[")[0])
