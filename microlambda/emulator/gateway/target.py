"""The request target: the part of the request line that says what is asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, unquote_plus

_ABSOLUTE_FORM = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PRINTABLE = re.compile(r'[!"$-~]*')  # ASCII without space, controls and "#"


class BadTarget(ValueError):
    """The target is not one that a gateway takes: broken escapes, bytes beyond ASCII, not a path."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A request target, taken apart; `raw_path` and `raw_query` are as they were sent."""

    raw_path: str
    path: str
    raw_query: str
    query: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, raw: str) -> Target:
        """Take a request target apart, in origin form (`/a?b`) or absolute form (`http://host/a?b`)."""
        origin = _ABSOLUTE_FORM.sub("", raw, count=1) if not raw.startswith("/") else raw
        if origin != raw and not origin.startswith("/"):
            origin = f"/{origin}"
        raw_path, _, raw_query = origin.partition("?")
        # '*' (OPTIONS) and 'host:port' (CONNECT) name no resource of an API.
        if not raw_path.startswith("/") or not _PRINTABLE.fullmatch(origin):
            raise BadTarget(f"{raw!r} is not a path and a query")
        if _BROKEN_ESCAPE.search(raw_path):
            raise BadTarget(f"{raw!r} has a '%' that no two hex digits follow")
        return cls(raw_path=raw_path, path=_decoded(raw_path), raw_query=raw_query, query=_pairs(raw_query))


def _decoded(raw_path: str) -> str:
    try:
        return unquote(raw_path, errors="strict")
    except UnicodeDecodeError as exc:
        raise BadTarget(f"{raw_path!r} does not decode to UTF-8") from exc


def _pairs(raw_query: str) -> tuple[tuple[str, str], ...]:
    """Decode a query; unlike a path's, its broken escapes stand for themselves, as in every URL library."""
    pairs = []
    for piece in raw_query.split("&"):
        if piece:
            key, _, value = piece.partition("=")
            pairs.append((unquote_plus(key), unquote_plus(value)))
    return tuple(pairs)
