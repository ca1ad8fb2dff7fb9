"""The Set-Cookie header (RFC 6265, 4.1), quoted as Werkzeug and `http.cookies` do."""

from __future__ import annotations

import re

from ..errors import EncodingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime, timedelta

_KEY = re.compile(r"[!#-+\--:<>-\[\]-~]+")  # printable ASCII without space, quote, comma, semicolon, = and \
_PLAIN = re.compile(r"[\w!#$%&'()*+\-./:<=>?@\[\]^`{|}~]*", re.ASCII)
_ESCAPED = re.compile(rb'[\x00-\x1f",;\\\x7f-\xff]')
_DOMAIN = re.compile(r"[A-Za-z0-9._-]*")

#: Browsers drop a longer cookie without a word.
MAX_SIZE = 4093


def dump_cookie(
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
) -> str:
    """The value of the header.

    What a name or an attribute cannot hold is an `EncodingError`; the value may be any text. A cookie
    that browsers would drop for its size is sent with a warning.
    """
    if not _KEY.fullmatch(key):
        raise EncodingError(
            f'{key!r} is no name for a cookie: it takes printable ASCII without spaces and ",;=\\.'
        )
    age = None if max_age is None else _seconds(max_age)
    attributes = (
        ("Domain", _domain(domain) if domain else None),
        ("Expires", _expires(expires, age)),
        ("Max-Age", age),
        ("Secure", bool(secure) or bool(partitioned)),
        ("HttpOnly", bool(httponly)),
        ("Path", _path(path)),
        ("SameSite", _samesite(samesite)),
        ("Partitioned", bool(partitioned)),
    )
    fields = [f"{key}={_value(key, value)}"]
    for name, content in attributes:
        if content is True:
            fields.append(name)
        elif content is not None and content is not False:
            fields.append(f"{name}={content}")
    cookie = "; ".join(fields)
    if len(cookie) > MAX_SIZE:
        _warn(key, len(cookie))
    return cookie


def _value(key: str, value: object) -> str:
    text = str(value) if isinstance(value, (int, float)) else value
    if not isinstance(text, str):
        raise EncodingError(f"the cookie {key!r} cannot have the value {value!r}: give str.")
    text = str.__str__(text)
    if _PLAIN.fullmatch(text):
        return text
    try:
        return f'"{_ESCAPED.sub(_escape, text.encode()).decode("ascii")}"'
    except UnicodeEncodeError as exc:
        raise EncodingError(f"the value of the cookie {key!r} is no UTF-8: {exc}.") from exc


def _escape(found: re.Match[bytes]) -> bytes:
    byte = found.group()
    return b"\\" + byte if byte in b'"\\' else b"\\%03o" % byte[0]


def _seconds(max_age: timedelta | int) -> int:
    return int(max_age if isinstance(max_age, (int, float)) else max_age.total_seconds())


def _expires(expires: str | datetime | float | None, age: int | None) -> str | None:
    """The date; with an age only, the same moment, for clients that know no Max-Age."""
    from .dates import http_date

    if isinstance(expires, str):
        if ";" in expires or not expires.isprintable():
            raise EncodingError(
                f"a cookie cannot expire on {expires!r}: give a datetime or seconds since 1970."
            )
        return expires
    if expires is not None:
        return http_date(expires)
    if age is None:
        return None
    import time

    return http_date(time.time() + age)


def _path(path: str | None) -> str | None:
    from ..percent import quote

    return None if path is None else quote(path, "%!$&'()*+,/:=@")


def _domain(domain: str) -> str:
    name = domain.partition(":")[0].lstrip(".")
    try:
        name = name if name.isascii() else name.encode("idna").decode("ascii")
    except UnicodeError as exc:
        raise EncodingError(f"{domain!r} is no domain for a cookie: {exc}.") from exc
    if not _DOMAIN.fullmatch(name):
        raise EncodingError(
            f"{domain!r} is no domain for a cookie: it takes letters, digits, dots and hyphens."
        )
    return name


def _samesite(samesite: str | None) -> str | None:
    if samesite is None:
        return None
    policy = str(samesite).title()
    if policy not in ("Strict", "Lax", "None"):
        raise EncodingError(f"{samesite!r} is no SameSite for a cookie: take 'Strict', 'Lax' or 'None'.")
    return policy


def _warn(key: str, size: int) -> None:
    import warnings

    warnings.warn(
        f"the cookie {key!r} takes {size} bytes; browsers drop one over {MAX_SIZE} without a word.",
        stacklevel=4,  # where the view calls set_cookie
    )
