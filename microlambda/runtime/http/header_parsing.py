"""Reading header values: lists, parameters, quoted strings (RFC 9110, 5.6)."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = r"[\w!#$%&'*+\-.^`|~]+"  # noqa: S105  # RFC 9110, 5.6.2: nothing secret
_ITEM = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+', re.DOTALL)
_QUOTED = re.compile(
    r'"(?:[^"\\]|\\.)*("?)', re.DOTALL
)  # without its end too, so that a caller cannot stall it
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_PARAMETER = re.compile(rf'({_TOKEN})=(?:({_TOKEN})|("(?:\\["\\]|\\(?!["\\])|[^"\\])*"))', re.ASCII)
_OPEN = re.compile(rf'{_TOKEN}="', re.ASCII)
_SECTION = re.compile(r"(.*?)(?:\*(\d+))?(\*)?", re.ASCII)  # RFC 2231: name*0*, name*1, name*
_ENCODED = re.compile(  # RFC 8187, 3.2: charset'language'value
    r"([\w!#$%&*+\-.^`|~]*)'[\w!#$%&*+\-.^`|~]*'([\w!#$%&'*+\-.^`|~]+)", re.ASCII
)
_CHARSETS = frozenset(("ascii", "us-ascii", "utf-8", "iso-8859-1"))


def split_list(value: str) -> list[str]:
    """The items between the commas, quotes around a whole item dropped; none where a quote stays open."""
    if any(not found[1] for found in _QUOTED.finditer(value)):
        return []
    return [unquote_value(item) for item in (item.strip(" \t") for item in _ITEM.findall(value)) if item]


def whole_number(text: str) -> int | None:
    """A length or a position; None for what is none, signs and other scripts among it."""
    text = text.strip(" \t")
    return int(text) if len(text) < 20 and text.isascii() and text.isdigit() else None


def unquote_value(value: str) -> str:
    """A quoted string without its quotes and escapes; any other value as it is."""
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return _ESCAPED.sub(r"\1", value[1:-1])
    return value


def parse_pairs(value: str) -> dict[str, str | None]:
    """The items of a list as `name=value`; None for a name that stands alone (Cache-Control, Digest)."""
    pairs: dict[str, str | None] = {}
    for item in split_list(value):
        name, equals, text = (part.strip(" \t") for part in item.partition("="))
        if not name:
            continue
        if not equals:
            pairs[name] = None
        elif name.endswith("*"):
            pairs[name[:-1]] = unquote_value(_decoded(text, "")[0])
        else:
            pairs[name] = unquote_value(text)
    return pairs


def parse_options(value: str | None) -> tuple[str, dict[str, str]]:
    """A value and its parameters: `text/html; charset=utf-8` is `("text/html", {"charset": "utf-8"})`.

    Parameters that are none are left out. `%22` in a quoted one is a quote, as browsers write file
    names; `name*=` and `name*0=` are read as RFC 2231 has them.
    """
    main, _, rest = (value or "").partition(";")
    main = main.strip(" \t")
    if not main:
        return main, {}
    parameters: dict[str, str] = {}
    charsets: dict[str, str] = {}
    continued: set[str] = set()
    for name, text in _parameters(rest.strip(" \t")):
        name, number, star = _SECTION.fullmatch(name).groups()  # type: ignore[union-attr]  # it fits any name
        if star:
            text, charsets[name] = _decoded(text, charsets.get(name, "") if number else "")
        else:
            text = unquote_value(text).replace("%22", '"')
        parameters[name] = parameters[name] + text if number and name in continued else text
        (continued.add if number else continued.discard)(name)
    return main, parameters


def _parameters(rest: str) -> Iterator[tuple[str, str]]:
    """Names in lower case and values as they stand; what cannot be read is skipped to the next `;`."""
    position = 0
    while True:
        found = _PARAMETER.match(rest, position)
        if found is not None:
            yield found[1].lower(), found[2] if found[2] is not None else found[3]
            position = found.end()
        elif _OPEN.match(rest, position):
            return  # a quote that nothing closes: where its value ends, nobody can tell
        semicolon = rest.find(";", position)
        if semicolon < 0:
            return
        position = semicolon + 1
        while rest[position : position + 1] in (" ", "\t"):
            position += 1


def _decoded(text: str, charset: str) -> tuple[str, str]:
    """An extended value (RFC 8187) as text, and its charset; unread where that is not one of the usual."""
    found = _ENCODED.fullmatch(text)
    if found is not None:
        charset, text = found[1].lower() or charset, found[2]
    if charset not in _CHARSETS:
        return text, charset
    from ..percent import unquote_bytes

    return unquote_bytes(text.encode()).decode(charset, "replace"), charset
