"""What a Response can do beyond being sent, with Werkzeug's names; loaded when one of them is touched."""

from __future__ import annotations

from .media_types import with_charset
from .response import BINARY, HTML, JSON_TYPE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime, timedelta
    from typing import Any

    from .cache_control import ResponseCacheControl
    from .header_set import HeaderSet
    from .headers import Headers
    from .request import Request
    from .response import Response


def _field(
    name: str, doc: str, load: Callable[[str], Any] | None = None, dump: Callable[[Any], str | None] = str
) -> Any:
    """A header as an attribute: None where it is missing or cannot be read; None and `del` remove it."""

    def get(response: Response) -> Any:
        value = response.headers.get(name)
        if value is None or load is None:
            return value
        try:
            return load(value)
        except (ValueError, OverflowError):
            return None

    def set_field(response: Response, value: Any) -> None:
        text = None if value is None else dump(value)
        if text is None:
            response.headers.remove(name)
        else:
            response.headers.set(name, text)

    return property(get, set_field, lambda response: response.headers.remove(name), doc)


def _date_field(name: str, doc: str) -> Any:
    """A header with a date: a datetime in UTC to read, and that or seconds since 1970 to set."""

    def load(text: str) -> datetime | None:
        from .dates import parse_date

        return parse_date(text)

    return _field(name, doc, load, _dumped_date)


def _dumped_date(value: Any) -> str:
    from .dates import http_date

    return value if isinstance(value, str) else http_date(value)


def _set_field(name: str, doc: str) -> Any:
    """A header with a list of items, as a set that writes the header when it changes."""

    def get(response: Response) -> HeaderSet:
        from .header_set import HeaderSet

        def changed(items: HeaderSet) -> None:
            _assign(response, name, items.to_header() or None)

        return HeaderSet.from_header(", ".join(response.headers.getlist(name)), changed)

    def set_items(response: Response, value: str | Iterable[str] | None) -> None:
        from .header_values import joined

        _assign(response, name, value if isinstance(value, str) else joined(value or ()))

    return property(get, set_items, lambda response: response.headers.remove(name), doc)


def _assign(response: Response, name: str, value: str | None) -> None:
    if value:
        response.headers.set(name, value)
    else:
        response.headers.remove(name)


def _load_age(text: str) -> timedelta | None:
    from datetime import timedelta

    return timedelta(seconds=int(text)) if text.isdecimal() else None


def _seconds(value: Any) -> str:
    return str(int(value.total_seconds() if hasattr(value, "total_seconds") else value))


def _load_retry_after(text: str) -> datetime | None:
    from datetime import UTC, datetime, timedelta

    from .dates import parse_date

    if text.isdecimal():
        return datetime.now(UTC) + timedelta(seconds=int(text))
    return parse_date(text)


def _dump_retry_after(value: Any) -> str:
    return _dumped_date(value) if hasattr(value, "utctimetuple") else str(value)


def _dump_location(value: str) -> str:
    from .location import safe_location

    return safe_location(value)


class ResponseFields:
    """The later half of `Response`."""

    if TYPE_CHECKING:
        body: Any
        headers: Headers
        on_close: list[Callable[[], object]] | None
        status_code: int

        @property
        def is_streamed(self) -> bool:
            """Is the body an iterable?"""

    # The body --------------------------------------------------------------------------------

    def get_data(self: Any, as_text: bool = False) -> Any:
        """The body as bytes, or as text; an iterable is joined for that, and a dict or list encoded."""
        body = self.body
        if isinstance(body, (dict, list)):
            from .json import JSON

            body = JSON.current().dumps(body)
        elif self.is_streamed:
            from .streaming import joined

            _settle_type(self)
            body = joined(self)
        data = str.__str__(body).encode() if isinstance(body, str) else bytes(body or b"")
        return data.decode() if as_text else data

    def set_data(self: Any, value: str | bytes) -> None:
        """Replace the body; the content type stays what it is."""
        _settle_type(self)
        if self.is_streamed:
            from .streaming import close_iterable

            close_iterable(self)
        self.body = value
        if "content-length" in self.headers:
            self.content_length = len(value.encode() if isinstance(value, str) else value)

    data = property(get_data, set_data, doc="The body as bytes.")

    @property
    def json(self: Any) -> Any:
        """The body read as JSON; None where its type is another."""
        return self.get_json()

    def get_json(self: Any, force: bool = False, silent: bool = False) -> Any:
        """The body read as JSON; `force` ignores its type, `silent` answers None for what is no JSON."""
        if not (force or self.is_json):
            return None
        import json

        try:
            return json.loads(self.get_data())
        except ValueError:
            if silent:
                return None
            raise

    def iter_body(self: Any) -> Iterator[bytes]:
        """The body in pieces; an iterable is closed behind the last one, and when left early."""
        if self.is_streamed:
            from .streaming import chunks

            return chunks(self)
        return iter((self.get_data(),))

    def started_body(self: Any) -> str:
        """What stands for a body that is still to come: no text, with the status and content type settled."""
        from .response import checked_status

        self.status_code = checked_status(self.status_code)
        _settle_type(self)
        if "location" in self.headers:
            from .location import settle_location

            settle_location(self.headers)
        return ""

    def call_on_close(self, function: Callable[[], object]) -> Callable[[], object]:
        """Have `function` called once the answer has gone; works as a decorator."""
        self.on_close = [*(self.on_close or ()), function]
        return function

    def close(self: Any) -> None:
        """Let the iterable clean up, and call what `call_on_close` was given; each once."""
        from .streaming import close_iterable, run_all

        functions, self.on_close = self.on_close or [], None
        run_all([lambda: close_iterable(self), *functions])

    # Content -----------------------------------------------------------------------------------

    @property
    def content_type(self: Any) -> str | None:
        """The media type with its parameters: the header's, or what will follow from the body."""
        value: str | None = self.headers.get("content-type")
        return _type_of(self.body) if value is None else value

    @content_type.setter
    def content_type(self, value: str | None) -> None:
        _assign(self, "Content-Type", value)  # type: ignore[arg-type]  # every ResponseFields is a Response

    @property
    def mimetype(self) -> str | None:
        """The media type without parameters; text gets its charset when this is set."""
        return (self.content_type or "").partition(";")[0].strip() or None

    @mimetype.setter
    def mimetype(self, value: str) -> None:
        self.headers.set("Content-Type", with_charset(value))

    @property
    def mimetype_params(self) -> dict[str, str]:
        """The parameters of the media type; changing them changes the header."""
        from .header_parsing import parse_options
        from .header_values import with_parameters
        from .notifying import NotifyingDict

        def changed(pairs: dict[str, str]) -> None:
            self.headers.set("Content-Type", with_parameters(self.mimetype or "", pairs))

        return NotifyingDict(parse_options(self.content_type)[1], changed)

    @property
    def is_json(self) -> bool:
        """Does the answer say that it is JSON?"""
        mimetype = self.mimetype or ""
        return mimetype == JSON_TYPE or (mimetype.startswith("application/") and mimetype.endswith("+json"))

    content_length: int | None = _field("Content-Length", "The length in bytes.", int)
    content_encoding: str | None = _field("Content-Encoding", "How the body is compressed.")
    content_location: str | None = _field(
        "Content-Location", "Where else this answer is.", None, _dump_location
    )
    location: str | None = _field("Location", "Where to go instead, in ASCII.", None, _dump_location)
    accept_ranges: str | None = _field("Accept-Ranges", "The units of ranges: bytes or none.")
    content_language: Any = _set_field("Content-Language", "The languages of the body.")
    vary: Any = _set_field("Vary", "The request headers that the answer depends on.")
    allow: Any = _set_field("Allow", "The methods of the resource.")

    # Time and caching ----------------------------------------------------------------------------

    age: Any = _field("Age", "How long a cache has had the answer, a timedelta.", _load_age, _seconds)
    date: Any = _date_field("Date", "When the answer was made.")
    expires: Any = _date_field("Expires", "When the answer is stale.")
    last_modified: Any = _date_field("Last-Modified", "When the resource was changed last.")
    retry_after: Any = _field(
        "Retry-After", "When to ask again: set seconds or a date.", _load_retry_after, _dump_retry_after
    )

    @property
    def cache_control(self) -> ResponseCacheControl:
        """The directives of Cache-Control; changing one changes the header."""
        from .cache_control import ResponseCacheControl
        from .header_parsing import parse_pairs

        def changed(pairs: ResponseCacheControl) -> None:
            _assign(self, "Cache-Control", pairs.to_header())  # type: ignore[arg-type]

        return ResponseCacheControl(parse_pairs(", ".join(self.headers.getlist("cache-control"))), changed)

    def set_etag(self, etag: str, weak: bool = False) -> None:
        """Set the ETag, given without quotes."""
        from .etags import quote_etag

        self.headers.set("ETag", quote_etag(etag, weak))

    def get_etag(self) -> tuple[str, bool] | tuple[None, None]:
        """The ETag without quotes, and whether it is weak; `(None, None)` where there is none."""
        from .etags import unquote_etag

        return unquote_etag(self.headers.get("etag"))

    def add_etag(self, overwrite: bool = False, weak: bool = False) -> None:
        """Set an ETag made from the body, where there is none yet."""
        if overwrite or "etag" not in self.headers:
            import hashlib

            self.set_etag(hashlib.sha1(self.get_data(), usedforsecurity=False).hexdigest(), weak)

    def make_conditional(self: Any, request: Request) -> Response:
        """The answer itself, or what the caller's If-* headers make of it: 304, or 412.

        Compares the ETag and Last-Modified of this answer (RFC 9110, 13); only GET and HEAD have
        that. `add_etag()` first gives every answer an ETag.
        """
        from .conditional import apply_conditions

        response: Response = self
        apply_conditions(response, request)
        return response

    # Cookies -------------------------------------------------------------------------------------

    def set_cookie(
        self,
        key: str,
        value: str = "",
        max_age: timedelta | int | None = None,
        expires: str | datetime | float | None = None,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: str | None = None,
        partitioned: bool = False,
    ) -> None:
        """Add a cookie; `max_age` counts seconds, `samesite` is Strict, Lax or None."""
        from .set_cookie import dump_cookie

        cookie = dump_cookie(
            key, value, max_age, expires, path, domain, secure, httponly, samesite, partitioned
        )
        self.headers.add("Set-Cookie", cookie)

    def delete_cookie(
        self,
        key: str,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: str | None = None,
        partitioned: bool = False,
    ) -> None:
        """Have the caller forget a cookie; path and domain must be those that it was set with."""
        self.set_cookie(key, "", 0, 0, path, domain, secure, httponly, samesite, partitioned)

    def __repr__(self) -> str:
        return f"<Response {self.status_code}>"


def _type_of(body: object) -> str:
    """The content type that a body of this kind gets."""
    if isinstance(body, (dict, list)):
        return JSON_TYPE
    return BINARY if isinstance(body, (bytes, bytearray, memoryview)) and body else HTML


def _settle_type(response: Response) -> None:
    """Write down the content type before the body changes its kind."""
    response.headers.setdefault("Content-Type", _type_of(response.body))
