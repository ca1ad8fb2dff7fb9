"""Which media types are sent with a charset."""

from __future__ import annotations

#: Types other than text/* and +xml that IANA registers with a charset, as Werkzeug lists them.
_WITH_CHARSET = frozenset(
    {
        "application/ecmascript",
        "application/javascript",
        "application/sql",
        "application/xml",
        "application/xml-dtd",
        "application/xml-external-parsed-entity",
    }
)


def with_charset(mimetype: str) -> str:
    """The media type as Werkzeug sends it: text of ours is UTF-8, and says so."""
    if "charset" not in mimetype and (
        mimetype.startswith("text/") or mimetype.endswith("+xml") or mimetype in _WITH_CHARSET
    ):
        return f"{mimetype}; charset=utf-8"
    return mimetype
