"""Captures of all kinds: with converters, several in one segment, across slashes.

Loaded by a rule that has more than whole segments of any text. The built-in converters are in
`converters`; a capture among others in its part is matched by an expression of `patterns`.
"""

from __future__ import annotations

from .rule import ANY_SEGMENT, Part

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    #: A static text, or a capture's name and its converter.
    Piece = tuple[str, "Converter | None"]
    Converters = Mapping[str, type["Converter"]]


class Converter:
    """What a capture accepts, what the view gets and what `url_for` writes. Subclass it for your own:

        class YearConverter(Converter):
            regex = "[12][0-9]{3}"

            def to_python(self, value):
                return date(int(value), 1, 1)

            def to_url(self, value):
                return str(value.year)

    `regex` is what the whole capture must match. It stays within one segment unless it has a slash in it,
    or `part_isolating` is False. `weight` orders captures in one place, the lower first. What a rule
    writes in parentheses, `<year(min=1):x>`, are the arguments of `__init__`.
    """

    regex = "[^/]+"
    weight = 100
    part_isolating = True

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if "regex" in cls.__dict__ and "part_isolating" not in cls.__dict__:
            cls.part_isolating = "/" not in cls.regex

    def to_python(self, value: str) -> Any:
        """The captured text as the view gets it; ValueError for one that the rule must not match."""
        return value

    def to_url(self, value: Any) -> str:
        """The value as a part of a URL, percent-encoded; ValueError for one that the rule cannot hold."""
        from .builder import quoted

        return quoted(str(value))


PLAIN = Converter()


def read(rule: str, own: Converters) -> tuple[tuple[str | Part, ...], tuple[str, ...], dict[str, Converter]]:
    """The parts of a rule, the names that it captures, and the converters of those that need one."""
    parts: list[str | Part] = []
    pieces: list[Piece] = []
    captures: list[tuple[str, Converter]] = []
    final = False
    for text in cut(rule[1:]):
        if text[0] in "<{":
            capture = _capture(rule, text, own)
            captures.append(capture)
            pieces.append(capture)
            final = final or not capture[1].part_isolating
        elif text == "/" and not final:
            parts.append(_part(rule, pieces, final=False))
            pieces = []
        else:
            pieces.append((text, None))
    last = _part(rule, pieces, final=final)
    parts.append(last)
    if isinstance(last, Part) and last.suffixed:
        parts.append("")
    converters = {name: converter for name, converter in captures if converter is not PLAIN}
    return tuple(parts), tuple([name for name, _ in captures]), converters


def cut(rule: str) -> list[str]:
    """The static texts, the slashes and the captures of a rule, in order."""
    pieces: list[str] = []
    position = 0
    while position < len(rule):
        if rule[position] in "<{":
            end = _closing(rule, position) + 1
        elif rule[position] == "/":
            end = position + 1
        else:
            stops = [at for at in (rule.find(stop, position) for stop in "/<{") if at >= 0]
            end = min(stops, default=len(rule))
        pieces.append(rule[position:end])
        position = end
    return pieces


def _closing(rule: str, start: int) -> int:
    """Where the capture ends that starts here. Between quotes, an argument may hold any character."""
    closing = ">" if rule[start] == "<" else "}"
    end = rule.find(closing, start)
    arguments = rule.find("(", start)
    if closing == ">" and 0 <= arguments < end:
        after = _after_arguments(rule, arguments)
        if after < 0:
            from .problems import unclosed

            raise unclosed(f"/{rule}", "(", ")")
        end = rule.find(closing, after)
    if end < 0:
        from .problems import unclosed

        raise unclosed(f"/{rule}", rule[start], closing)
    return end


def _after_arguments(rule: str, start: int) -> int:
    quote = ""
    for position in range(start, len(rule)):
        character = rule[position]
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == ")":
            return position
    return -1


def _capture(rule: str, text: str, own: Converters) -> tuple[str, Converter]:
    """Name and converter of `<name>`, `<kind:name>`, `<kind(arguments):name>`, `{name}` or `{name+}`."""
    inside = text[1:-1]
    arguments = ""
    if text[0] == "{":
        kind, name = ("path", inside[:-1]) if inside.endswith("+") else ("", inside)
    elif "(" in inside:
        kind, _, rest = inside.partition("(")
        arguments, _, name = rest.rpartition("):")
    else:
        kind, _, name = inside.rpartition(":")
    if not name.isidentifier():
        from .problems import no_capture_name

        raise no_capture_name(rule, name or inside)
    if kind in ("", "string", "default") and not arguments and (kind or "default") not in own:
        return name, PLAIN
    from .converters import make_converter

    return name, make_converter(rule, kind if arguments else kind or "default", arguments, own)


def _part(rule: str, pieces: list[Piece], *, final: bool) -> str | Part:
    converters = [converter for _, converter in pieces if converter is not None]
    if not converters:
        return "".join([text for text, _ in pieces])
    if len(pieces) > 1:
        from .patterns import Pattern

        return Pattern(rule, pieces, final=final)
    if converters[0] is PLAIN:
        return ANY_SEGMENT
    regex = converters[0].regex
    return Part(regex, (0, (), -1, (converters[0].weight,)), QUICK.get(regex) or expression(regex), final)


def expression(regex: str) -> Callable[[str], Any]:
    """The full match of a regular expression, which is compiled when first asked."""
    match: Callable[[str], Any] | None = None

    def accepts(text: str) -> Any:
        nonlocal match
        if match is None:
            import re

            match = re.compile(regex).fullmatch
        return match(text)

    return accepts


def _is_path(text: str) -> bool:
    return bool(text) and text[0] != "/" and "\n" not in text[1:]


#: What says the same as these expressions without compiling them.
QUICK: Mapping[str, Callable[[str], object]] = {"[^/]+": bool, r"\d+": str.isdecimal, "[^/].*?": _is_path}
