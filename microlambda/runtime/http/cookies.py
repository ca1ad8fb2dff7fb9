"""The Cookie request header, read as browsers write it (RFC 6265, 5.4)."""

from __future__ import annotations

from .multidict import MultiDict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def parse_cookies(headers: Iterable[str]) -> MultiDict:
    """The cookies of one or more Cookie headers; quotes around a value are dropped."""
    return MultiDict(pair for header in headers for pair in _pairs(header))


def _pairs(header: str) -> Iterator[tuple[str, str]]:
    for field in header.split(";"):
        name, separator, value = field.partition("=")
        if separator and name.strip():
            yield name.strip(), _unquoted(value.strip())


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return value
