"""What the request's header fields say, read by their rules; names are Werkzeug's."""

from __future__ import annotations

from .request import lazy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from .accept import Accept, CharsetAccept, LanguageAccept, MediaAccept
    from .authorization import Authorization
    from .cache_control import RequestCacheControl
    from .etags import ETags
    from .header_set import HeaderSet
    from .headers import Headers
    from .ranges import IfRange, Range


class UserAgent(str):
    """The User-Agent header, a str; `string` is the same. Its parts are not guessed at: they are None."""

    __slots__ = ()

    browser = platform = version = language = None

    @property
    def string(self) -> str:
        """The header as a plain str."""
        return str.__str__(self)


def _field(name: str, doc: str) -> Any:
    """A header as it was sent; None where it is missing."""
    return property(lambda request: request.headers.get(name), doc=doc)


class HeaderFields:
    """The header fields as properties."""

    if TYPE_CHECKING:

        @property
        def headers(self) -> Headers:
            """The header fields, names without case."""

    # The body ----------------------------------------------------------------------------------

    content_type: str | None = _field("content-type", "The type of the body with its parameters.")

    @property
    def mimetype_params(self) -> dict[str, str]:
        """The parameters of the body's type."""
        from .header_parsing import parse_options

        return parse_options(self.content_type)[1]

    @lazy
    def charset(self) -> str:
        """Python's name for the charset of the body, UTF-8 by default; `BadRequest` for an unknown one."""
        declared = self.mimetype_params.get("charset")
        if declared is None:
            return "utf-8"
        from .forms import checked_charset

        return checked_charset(declared, "the body")

    @property
    def content_length(self) -> int | None:
        """The length that the caller declared; None for none, and where the body came in chunks."""
        from .header_parsing import split_list, whole_number

        declared = self.headers.get("content-length")
        chunked = "chunked" in map(str.lower, split_list(self.headers.get("transfer-encoding") or ""))
        if declared is None or chunked:
            return None
        return whole_number(declared) or 0

    content_encoding: str | None = _field("content-encoding", "How the body is compressed.")
    content_md5: str | None = _field("content-md5", "Content-MD5, as it was sent.")

    # The caller --------------------------------------------------------------------------------

    @lazy
    def authorization(self) -> Authorization | None:
        """The Authorization header, taken apart."""
        from .authorization import Authorization

        return Authorization.from_header(self.headers.get("authorization"))

    @lazy
    def user_agent(self) -> UserAgent:
        """The program that asks; empty where it does not say."""
        return UserAgent(self.headers.get("user-agent") or "")

    referrer: str | None = _field("referer", "Where the caller comes from: the header Referer.")
    origin: str | None = _field("origin", "The origin of the page that asks.")
    access_control_request_method: str | None = _field(
        "access-control-request-method", "The method that a preflight asks about."
    )

    @property
    def access_control_request_headers(self) -> HeaderSet | None:
        """The headers that a preflight asks about; None where it asks about none."""
        asked = self.headers.get("access-control-request-headers")
        return None if asked is None else _header_set(asked)

    # What the caller takes ---------------------------------------------------------------------

    @lazy
    def accept_mimetypes(self) -> MediaAccept:
        """Accept."""
        from .accept import MediaAccept

        return MediaAccept.from_header(self.headers.get("accept"))

    @lazy
    def accept_charsets(self) -> CharsetAccept:
        """Accept-Charset."""
        from .accept import CharsetAccept

        return CharsetAccept.from_header(self.headers.get("accept-charset"))

    @lazy
    def accept_encodings(self) -> Accept:
        """Accept-Encoding."""
        from .accept import Accept

        return Accept.from_header(self.headers.get("accept-encoding"))

    @lazy
    def accept_languages(self) -> LanguageAccept:
        """Accept-Language."""
        from .accept import LanguageAccept

        return LanguageAccept.from_header(self.headers.get("accept-language"))

    # Conditions --------------------------------------------------------------------------------

    @lazy
    def if_match(self) -> ETags:
        """The ETags of If-Match."""
        return _etags(self.headers.get("if-match"))

    @lazy
    def if_none_match(self) -> ETags:
        """The ETags of If-None-Match."""
        return _etags(self.headers.get("if-none-match"))

    @lazy
    def if_modified_since(self) -> datetime | None:
        """If-Modified-Since in UTC; None where it is missing or no date."""
        return _date(self.headers.get("if-modified-since"))

    @lazy
    def if_unmodified_since(self) -> datetime | None:
        """If-Unmodified-Since in UTC; None where it is missing or no date."""
        return _date(self.headers.get("if-unmodified-since"))

    @lazy
    def if_range(self) -> IfRange:
        """The ETag or the date of If-Range."""
        from .ranges import IfRange

        return IfRange.from_header(self.headers.get("if-range"))

    @lazy
    def range(self) -> Range | None:
        """The part of the answer that the caller wants; None for the whole and where it cannot be read."""
        from .ranges import Range

        return Range.from_header(self.headers.get("range"))

    # The way -----------------------------------------------------------------------------------

    @lazy
    def cache_control(self) -> RequestCacheControl:
        """The caller's directives for caches."""
        from .cache_control import RequestCacheControl
        from .header_parsing import parse_pairs

        return RequestCacheControl(parse_pairs(self.headers.get("cache-control") or ""))

    @lazy
    def pragma(self) -> HeaderSet:
        """Pragma."""
        return _header_set(self.headers.get("pragma"))

    @lazy
    def date(self) -> datetime | None:
        """When the caller sent the request, in UTC; None where it does not say."""
        return _date(self.headers.get("date"))

    @property
    def max_forwards(self) -> int | None:
        """How often the request may still be passed on; None where it is missing or no number."""
        try:
            return int(self.headers.get("max-forwards") or "")
        except ValueError:
            return None


def _header_set(value: str | None) -> HeaderSet:
    from .header_set import HeaderSet

    return HeaderSet.from_header(value)


def _etags(value: str | None) -> ETags:
    from .etags import parse_etags

    return parse_etags(value)


def _date(value: str | None) -> datetime | None:
    from .dates import parse_date

    return parse_date(value)
