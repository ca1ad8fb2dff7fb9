"""Which answers travel as text in Lambda's JSON, and which as base64."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

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


_KEPT = 64


class _Known(dict):  # type: ignore[type-arg]  # of str to bool
    """What is known of the first content types."""

    def __missing__(self, content_type: str) -> bool:
        kind = content_type.partition(";")[0].strip().lower()
        found = kind.startswith("text/") or kind in _TEXT_TYPES or kind.endswith(("+json", "+xml"))
        if len(self) < _KEPT:
            self[content_type] = found
        return found


#: Is a body of this type text, whatever its charset parameter says?
is_text: Callable[[str], bool] = _Known().__getitem__


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
