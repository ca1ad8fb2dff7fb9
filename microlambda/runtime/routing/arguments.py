"""The arguments that a rule gives to a converter, as in `<int(min=1, max=9):x>`."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ARGUMENT = re.compile(r"""\s*(?:(\w+)\s*=\s*)?("[^"]*"|'[^']*'|-?[\w.]+)\s*(?:,|$)""")


def parse_arguments(text: str) -> tuple[list[Any], dict[str, Any]]:
    """Positional and named arguments: words, numbers, True, False, None and quoted texts."""
    positional: list[Any] = []
    keywords: dict[str, Any] = {}
    position = 0
    while text[position:].strip():
        found = _ARGUMENT.match(text, position)
        if found is None:
            raise ValueError(f"{text[position:]!r} cannot be read as arguments")
        name, value = found.groups()
        if name is None:
            positional.append(_constant(value))
        else:
            keywords[name] = _constant(value)
        position = found.end()
    return positional, keywords


def _constant(text: str) -> Any:
    if text[0] in "\"'":
        return text[1:-1]
    constants = {"None": None, "True": True, "False": False}
    if text in constants:
        return constants[text]
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text
