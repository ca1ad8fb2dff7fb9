"""Which answers travel as text in Lambda's JSON, and which as base64."""

from __future__ import annotations

_TEXT_TYPES = frozenset(
    {
        "application/json",
        "application/javascript",
        "application/ecmascript",
        "application/xml",
        "application/x-www-form-urlencoded",
        "application/yaml",
        "image/svg+xml",
    }
)


_KNOWN: dict[str, bool] = {}  # what `is_text` found out
_KEPT = 64


def is_text(content_type: str) -> bool:
    """Is a body of this type text, whatever its charset parameter says?"""
    known = _KNOWN.get(content_type)
    if known is None:
        kind = content_type.partition(";")[0].strip().lower()
        known = kind.startswith("text/") or kind in _TEXT_TYPES or kind.endswith(("+json", "+xml"))
        if len(_KNOWN) < _KEPT:
            _KNOWN[content_type] = known
    return known


def as_text(body: bytes) -> str | None:
    """The body as text; None where it is not UTF-8 and needs base64."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def as_base64(body: bytes) -> str:
    """The body in base64, on one line."""
    import binascii

    return binascii.b2a_base64(body, newline=False).decode("ascii")
