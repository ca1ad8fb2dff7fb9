"""The Cookie request header, read as browsers write it (RFC 6265, 5.4)."""

from __future__ import annotations

from .multidict import MultiDict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def parse_cookies(headers: Iterable[str]) -> MultiDict:
    """The cookies of one or more Cookie headers; quotes around a value are dropped, escapes undone."""
    return MultiDict(pair for header in headers for pair in _pairs(header))


def _pairs(header: str) -> Iterator[tuple[str, str]]:
    for field in header.split(";") if '"' not in header else _outside_quotes(header):
        name, _, value = field.partition("=")
        if name := name.strip():
            value = value.strip()
            yield name, _unquoted(value) if value[:1] == '"' else value


def _outside_quotes(header: str) -> list[str]:
    """What stands between the semicolons; one in a quoted value belongs to it."""
    import re

    return re.findall(r'(?:="(?:\\.|[^\\"])*"|[^;])+', header)


def _unquoted(value: str) -> str:
    if len(value) < 2 or value[-1] != '"':
        return value
    value = value[1:-1]
    return _unescaped(value) if "\\" in value else value


def _unescaped(value: str) -> str:
    r"""`\"` is a quote, and `\054` the byte of that octal number: Python's servers write cookies so."""
    import re

    def byte(found: re.Match[bytes]) -> bytes:
        return bytes((int(found[1], 8),)) if len(found[1]) == 3 else found[1]

    return re.sub(rb"\\([0-3][0-7]{2}|.)", byte, value.encode()).decode("utf-8", "replace")
