"""Parts in which captures stand beside static texts or beside each other: one regular expression for all."""

from __future__ import annotations

import re

from .rule import Part

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .captures import Piece

#: What renumbering has to see in an expression: numbers and names of groups, and what only looks like them.
_TOKEN = re.compile(
    r"""
      \\[0-7]{3} | \\0[0-7]?                    # an octal character, not a reference
    | \\(?P<number>[1-9][0-9]?)
    | \\.
    | \[\^?\]?(?:\\.|[^\]\\])*\]                # a character class
    | \(\?\#[^)]*\)                             # a comment
    | \(\?P(?P<sign>[<=])(?P<name>\w+)
    | \(\?\((?P<condition>\w+)\)
    """,
    re.VERBOSE | re.DOTALL,
)


class Pattern(Part):
    """A part of several pieces, as in `/v<int:major>.<int:minor>` and `/files/<path:rest>/edit`.

    With `suffixed`, the last of the texts that it matches is the trailing slash or empty.
    """

    __slots__ = ("_groups", "_regex")

    def __init__(self, rule: str, pieces: list[Piece], *, final: bool) -> None:
        text, self._groups = _joined(pieces)
        suffixed = final and text.endswith("/")
        if suffixed:
            # Without the look-behind a trailing slash would go to the capture before it.
            text = text[:-1] + "(?<!/)(?P<slash_>/?)"
            self._groups.append("slash_")
        super().__init__(text, _weight(pieces), None, final)
        self.suffixed = suffixed
        self._regex: re.Pattern[str] | None = None
        if any(converter is not None and "(" in converter.regex for _, converter in pieces):
            self._compile(rule)

    def _compile(self, rule: str) -> None:
        """Compile now what could fail: an expression that works by itself only."""
        try:
            self._regex = re.compile(str(self.key[0]))
        except re.error as exc:
            from .problems import wrong_expression

            raise wrong_expression(rule, str(self.key[0]), exc) from exc

    def match(self, text: str) -> tuple[str, ...] | None:
        """The captured texts, in order."""
        if self._regex is None:
            self._regex = re.compile(str(self.key[0]))
        found = self._regex.fullmatch(text)
        return tuple([found[group] for group in self._groups]) if found is not None else None


def _weight(pieces: list[Piece]) -> tuple[object, ...]:
    """As in Werkzeug: more static texts first, the longer ones first, then by the captures."""
    statics = [text for text, converter in pieces if converter is None and text != "/"]
    captures = [converter.weight for _, converter in pieces if converter is not None]
    lengths = tuple([(number, -len(text)) for number, text in enumerate(statics)])
    return -len(statics), lengths, -len(captures), tuple(captures)


def _joined(pieces: list[Piece]) -> tuple[str, list[int | str]]:
    """One expression for all pieces, and the groups in it that are the captures."""
    text = ""
    groups: list[int | str] = []
    following = 1
    for name, converter in pieces:
        if converter is None:
            text += re.escape(name)
            continue
        regex = converter.regex
        own = re.compile(regex).groups if "(" in regex else 0
        text += f"({_shifted(regex, following) if own else regex})"
        groups.append(following)
        following += 1 + own
    return text, groups


def _shifted(regex: str, by: int) -> str:
    """The expression with its references to its own groups right behind `by` groups of others."""

    def shift(token: re.Match[str]) -> str:
        if token["number"]:
            return f"(?:\\{int(token['number']) + by})"  # a digit may follow
        if token["name"]:
            return f"(?P{token['sign']}{token['name']}_{by}"
        if token["condition"]:
            own = token["condition"]
            return f"(?({int(own) + by if own.isdecimal() else f'{own}_{by}'})"
        return token[0]

    return _TOKEN.sub(shift, regex)
