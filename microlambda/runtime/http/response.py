"""The answer of a view, and how the kinds of things that views return become one."""

from __future__ import annotations

from ..errors import EncodingError
from .headers import Headers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .headers import HeadersLike

HTML = "text/html; charset=utf-8"  # Flask's default for str
JSON_TYPE = "application/json"
BINARY = "application/octet-stream"


class Response:
    """An answer: body, status and headers.

    `body` is str, bytes, or a dict or list, which is sent as JSON. The content type follows from
    the body unless `mimetype` or a header says otherwise: text/html for str, as in Flask.
    `status` is another name for `status_code`.
    """

    __slots__ = ("body", "headers", "mimetype", "status_code")

    def __init__(
        self,
        body: Any = b"",
        *,
        status_code: int | str = 200,
        headers: HeadersLike | None = None,
        mimetype: str | None = None,
        status: int | str | None = None,
    ) -> None:
        self.body = body
        self.status_code = checked_status(status_code if status is None else status)
        self.headers = headers if type(headers) is Headers else Headers(headers)
        self.mimetype = mimetype

    @property
    def status(self) -> int:
        """The same as `status_code`."""
        return self.status_code

    @status.setter
    def status(self, value: int | str) -> None:
        self.status_code = checked_status(value)

    def finished_body(self, dumps: Callable[[object], str]) -> str | bytes:
        """The body as text or bytes, with the content type set; `dumps` encodes JSON.

        Raises `EncodingError` where the body has a type that HTTP cannot carry.
        """
        if type(self.status_code) is not int or not 200 <= self.status_code <= 599:
            self.status_code = checked_status(self.status_code)
        body = self.body
        kind = type(body)
        if kind is str:
            content_type = HTML
        elif isinstance(body, (dict, list)):
            body = dumps(body)
            content_type = JSON_TYPE
        elif body is None or isinstance(body, (bytes, bytearray, memoryview)):
            body = bytes(body or b"") or ""
            content_type = BINARY if body else HTML
        elif isinstance(body, str):
            body, content_type = str.__str__(body), HTML  # an Enum's own __str__ would give its name
        else:
            raise EncodingError(
                f"a Response takes a body of str, bytes, dict or list, not {kind.__qualname__}."
            )
        headers = self.headers
        if type(body) is str and not body.isascii():
            _check_text(body)
        if self.mimetype is not None:
            headers.set("Content-Type", _with_charset(self.mimetype))
        elif headers.get("content-type") is None:
            headers._items.append(("Content-Type", content_type))
        finished: str | bytes = body
        return finished

    def __repr__(self) -> str:
        return f"<Response {self.status_code}>"


def _check_text(body: str) -> None:
    try:
        body.encode()
    except UnicodeEncodeError as exc:
        raise EncodingError(f"the text of the answer is no UTF-8: {exc}.") from exc


def _with_charset(mimetype: str) -> str:
    """The media type as Werkzeug sends it: text of ours is UTF-8, and says so."""
    if mimetype.startswith("text/") and "charset" not in mimetype:
        return f"{mimetype}; charset=utf-8"
    return mimetype


def checked_status(status: object) -> int:
    """`status` as an int, if HTTP has it (RFC 9110, 15); `"201 CREATED"` is 201, as in Flask."""
    if type(status) is int and 200 <= status <= 599:
        return status
    try:
        code = int(status.partition(" ")[0] if isinstance(status, str) else status)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        code = 0
    if not 200 <= code <= 599:
        raise EncodingError(f"{status!r} is no status that a view can answer: take an int from 200 to 599.")
    return int(code)


def make_response(*values: Any) -> Response:
    """What a view returned, as a Response; several arguments are the tuple of them, as in Flask.

    Known are str, bytes, dict, list, Response, and the tuples `(body, status)`, `(body, headers)`
    and `(body, status, headers)`, as in Flask. Anything else is an `EncodingError`.
    """
    value = values[0] if len(values) == 1 else values
    if isinstance(value, Response):
        return value
    if type(value) is tuple:
        return _from_tuple(value)
    if value is None:
        raise EncodingError(
            "the view answered None: it lacks a return, or a value behind it. For an empty answer return ''."
        )
    if isinstance(value, (str, bytes, bytearray, dict, list)):
        return Response(value)
    raise EncodingError(
        f"the view answered {type(value).__qualname__}, which is no answer: "
        "return str, bytes, dict, list, Response, or (body, status, headers)."
    )


def _from_tuple(value: tuple[Any, ...]) -> Response:
    if len(value) not in (2, 3):
        raise EncodingError(
            f"the view answered a tuple of {len(value)}; known are (body, status), (body, headers) "
            "and (body, status, headers)."
        )
    body, *rest = value
    status = rest.pop(0) if isinstance(rest[0], (int, str)) else None
    if len(rest) > 1:
        raise EncodingError(f"the status in the view's tuple is {rest[0]!r}, not an int.")
    response = make_response(body)
    if status is not None:
        response.status_code = checked_status(status)
    if rest:
        response.headers.update(rest[0])
    return response
