"""The answer of a view, and how the kinds of things that views return become one."""

from __future__ import annotations

from ..late import lend
from .headers import Headers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .headers import HeadersLike
    from .response_fields import ResponseFields as _Late
else:
    _Late = object

HTML = "text/html; charset=utf-8"  # Flask's default for str
JSON_TYPE = "application/json"
BINARY = "application/octet-stream"

_BYTES = (bytes, bytearray, memoryview)
_WHOLE = (str, *_BYTES, dict, list, type(None))


class Response(_Late):
    """An answer: body, status and headers.

    `body` is str, bytes, a dict or list, which is sent as JSON, or an iterable of str and bytes,
    which is joined or streamed. The content type follows from the body unless `mimetype`,
    `content_type` or a header says otherwise: text/html for str, as in Flask. `status` is another
    name for `status_code`. What else a Response can do stands in `response_fields`.
    """

    __slots__ = ("body", "headers", "on_close", "status_code")

    def __init__(
        self,
        body: Any = b"",
        *,
        status_code: int | str = 200,
        headers: HeadersLike | None = None,
        mimetype: str | None = None,
        status: int | str | None = None,
        content_type: str | None = None,
    ) -> None:
        self.body = body
        self.status_code = checked_status(status_code if status is None else status)
        self.headers = headers if type(headers) is Headers else Headers(headers)
        self.on_close: list[Callable[[], object]] | None = None
        if content_type is not None:
            self.headers.set("Content-Type", content_type)
        elif mimetype is not None:
            if not mimetype.endswith("json"):
                from .media_types import with_charset

                mimetype = with_charset(mimetype)
            self.headers.set("Content-Type", mimetype)

    def copy(self) -> Response:
        """Another one with the same body, and headers of its own."""
        made = type(self).__new__(type(self))
        made.body, made.status_code, made.on_close = self.body, self.status_code, self.on_close
        made.headers = self.headers.copy()
        if hasattr(self, "__dict__"):  # a subclass without __slots__
            made.__dict__.update(self.__dict__)
        return made

    @property
    def status(self) -> int:
        """The same as `status_code`."""
        return self.status_code

    @status.setter
    def status(self, value: int | str) -> None:
        self.status_code = checked_status(value)

    @property
    def is_streamed(self) -> bool:
        """Is the body an iterable, of which nobody knows the length?"""
        return not isinstance(self.body, _WHOLE)

    def finished_body(self, dumps: Callable[[object], str]) -> str | bytes:
        """The body as text or bytes, with the content type set; `dumps` encodes JSON.

        An iterable is joined and closed. Raises `EncodingError` where the body has a type that HTTP
        cannot carry.
        """
        if type(self.status_code) is not int or not 200 <= self.status_code <= 599:
            self.status_code = checked_status(self.status_code)
        body = self.body
        content_type = HTML
        if isinstance(body, (dict, list)):
            body = dumps(body)
            content_type = JSON_TYPE
        elif body is None or isinstance(body, _BYTES):
            body = bytes(body or b"") or ""
            content_type = BINARY if body else HTML
        elif not isinstance(body, str):
            from .streaming import joined

            body = joined(self)
        elif type(body) is not str:
            body = str.__str__(body)  # an Enum's own __str__ would give its name
        if type(body) is str and not body.isascii():
            _check_text(body)
        headers = self.headers
        if type(headers) is not Headers:  # somebody set a dict
            headers = self.headers = Headers(headers)
        if headers.get("content-type") is None:
            headers._items.append(("Content-Type", content_type))
        if self.status_code != 200 and headers.get("location") is not None:
            from .location import settle_location

            settle_location(headers)
        finished: str | bytes = body
        return finished


lend(
    Response,
    f"{__package__}.response_fields",
    "ResponseFields",
    "data get_data set_data json get_json is_json content_type mimetype mimetype_params content_length "
    "content_encoding content_language content_location location vary allow age date expires last_modified "
    "retry_after accept_ranges cache_control set_etag get_etag add_etag make_conditional set_cookie "
    "delete_cookie iter_body started_body call_on_close close __repr__",
)


def _check_text(body: str) -> None:
    try:
        body.encode()
    except UnicodeEncodeError as exc:
        from .refused import no_text

        raise no_text(exc) from exc


def checked_status(status: object) -> int:
    """`status` as an int, if HTTP has it (RFC 9110, 15); `"201 CREATED"` is 201, as in Flask."""
    if type(status) is int and 200 <= status <= 599:
        return status
    from .refused import parsed_status

    return parsed_status(status)


def make_response(*values: Any) -> Response:
    """What a view returned, as a Response; several arguments are the tuple of them, as in Flask.

    Known are str, bytes, dict, list, Response, iterables of str and bytes, and the tuples
    `(body, status)`, `(body, headers)` and `(body, status, headers)`, as in Flask. Anything else is
    an `EncodingError`.
    """
    value = values[0] if len(values) == 1 else values
    if isinstance(value, Response):
        return value
    if type(value) is tuple:
        from .answer_tuple import from_tuple

        return from_tuple(value)
    if isinstance(value, _WHOLE):
        if value is not None:
            return Response(value)
    else:
        from .streaming import is_stream

        if is_stream(value):
            return Response(value)
    from .refused import problem_or_refusal

    return problem_or_refusal(value)
