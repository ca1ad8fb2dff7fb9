"""URLs as a Location header carries them: ASCII, percent-encoded, never leaving the site by accident."""

from __future__ import annotations

import re

from ..errors import EncodingError
from ..percent import FRAGMENT, PATH, quote
from .header_methods import checked_field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .headers import Headers

#: scheme://authority, path, ?query, #fragment (RFC 3986, appendix B)
_PARTS = re.compile(
    r"(?:([A-Za-z][A-Za-z0-9+.-]*:)(//[^/?#]*)?)?([^?#]*)(\?[^#]*)?(#.*)?",
    re.DOTALL,
)
_CONTROLS = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")  # encoded, as any but CR, LF and NUL can be
# What may stand in each part without being encoded (https://url.spec.whatwg.org/), and % for what is already.
_PATH = f"%{PATH}"
_QUERY = f"{_PATH}?"
_AUTHORITY = "%!$&'()*+,;=:@[]"


def safe_location(location: object) -> str:
    """The URL or path in ASCII.

    CR, LF, NUL and bytes are an `EncodingError`. A path that starts with `//` loses all but one of them:
    `//evil.example` would be another site (an open redirect); to go there, give the URL with its scheme.
    """
    if isinstance(location, str):
        location = _CONTROLS.sub(lambda found: quote(found[0]), location)
    text = checked_field("Location", location)[1]
    found = _PARTS.fullmatch(text)
    scheme, authority, path, query, fragment = found.groups(default="") if found else ("", "", text, "", "")
    if not authority and path.startswith("//"):
        path = f"/{path.lstrip('/')}"
    try:
        host = _host(authority)
        return scheme + host + quote(path, _PATH) + quote(query, _QUERY) + quote(fragment, FRAGMENT)
    except UnicodeError as exc:
        raise EncodingError(f"{text!r} is no Location: {exc}.") from exc


def settle_location(headers: Headers) -> None:
    """Make the Location of an answer safe, whoever wrote it there."""
    headers.set("Location", safe_location(headers["location"]))


def _host(authority: str) -> str:
    """`//user:password@host:port`, the host in Punycode where it is not ASCII (RFC 3490)."""
    if authority.isascii():
        return quote(authority, f"/{_AUTHORITY}")
    user, at, host = authority[2:].rpartition("@")
    return f"//{quote(user, _AUTHORITY)}{at}{quote(host.encode('idna').decode('ascii'), _AUTHORITY)}"
