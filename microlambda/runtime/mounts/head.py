"""What of a mounted application's answer is looked at before it goes out: status and header fields."""

from __future__ import annotations

from ..errors import EncodingError
from ..http.binary import is_text
from ..http.headers import Headers
from ..http.response import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Protocol

    from ..ingress.base import Ingress

    class Answered(Protocol):
        """What an application answered: a status as WSGI or as ASGI has it, fields as text, and a body."""

        status: Any
        headers: Any
        body: Any


_PLAIN_STATUSES = ("200 OK", 200)
_SHORT = 400  # characters of a value; all of the names below with as many are less than any gateway takes

#: Names as most applications write them, which need no look at their characters; not of those that decide
#: how a body is sent.
_WRITTEN = (
    *("Content-Type", "Content-Length", "Content-Disposition", "Content-Language", "Vary", "Allow", "Date"),
    *("Cache-Control", "ETag", "Last-Modified", "Expires", "Accept-Ranges", "X-Frame-Options"),
    *("X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy"),
)
_PLAIN_NAMES = {name: name.lower() for name in _WRITTEN}
_PLAIN_NAMES |= {lower: lower for lower in _PLAIN_NAMES.values()}  # as ASGI has them


def plain_result(answered: Answered, ingress: Ingress, longest: int) -> dict[str, Any] | None:
    """The result of an answer like nearly all, HEAD's aside; None for one that needs a closer look.

    `longest` is how many bytes a body may have without one.
    """
    if answered.status not in _PLAIN_STATUSES:
        return None
    body, fields = answered.body, answered.headers
    try:
        values = {}
        for name, value in fields:
            if len(value) > _SHORT or not (value.isascii() and value.isprintable()):
                return None
            values[_PLAIN_NAMES[name]] = value
        if len(body) > longest or len(values) != len(fields):
            return None
        return (
            ingress.plain_result(fields, values, body.decode()) if is_text(values["content-type"]) else None
        )
    # pieces, fields of other names, of another type, bytes that are no text
    except (AttributeError, KeyError, TypeError, UnicodeDecodeError):
        return None


def response_of(answered: Answered) -> Response:
    """The answer as a Response, its head looked at."""
    status = answered.status
    code = str(status)[:3]
    if not (code.isascii() and code.isdigit()):
        raise EncodingError(
            f"the mounted application answered with the status {status!r}, which has no number."
        )
    return Response(answered.body, status_code=int(code), headers=Headers(_decoded(answered.headers)))


def _decoded(fields: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return [(name, _text(value)) for name, value in fields]


def _text(value: Any) -> Any:
    """The text that such bytes are, where they are UTF-8; what is no text is refused by the headers."""
    if type(value) is not str or value.isascii():
        return value
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value
