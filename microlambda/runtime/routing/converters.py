"""What a capture accepts and what the view gets: Flask's converters and their arguments.

Loaded when a rule names a converter. A custom one subclasses `Converter` and is added to
`CONVERTERS` by name.
"""

from __future__ import annotations

from ..errors import RegistrationError
from .rule import Converter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class StringConverter(Converter):
    """`<string(length=2):x>`, `<string(minlength=1, maxlength=9):x>`: one segment of that many characters."""

    def __init__(self, minlength: int = 1, maxlength: int | None = None, length: int | None = None) -> None:
        for bound in (minlength, maxlength, length):
            if bound is not None and int(bound) < 0:
                raise ValueError(f"a length of {bound} is none")
        if maxlength is not None and int(maxlength) < int(minlength):
            raise ValueError(f"maxlength={maxlength} is below minlength={minlength}")
        bounds = (
            f"{int(length)}"
            if length is not None
            else f"{int(minlength)},{'' if maxlength is None else int(maxlength)}"
        )
        self.regex = f"[^/]{{{bounds}}}"
        self.accepts = None


class PathConverter(Converter):
    """`<path:x>` and `{x+}`: one segment or more, not starting with a slash."""

    regex = "[^/].*?"
    weight = 200
    crosses_slashes = True

    @staticmethod
    def accepts(text: str) -> bool:  # a function is what the base class allows here
        """The same as the regular expression, without compiling it."""
        return bool(text) and text[0] != "/" and "\n" not in text[1:]


class AnyConverter(Converter):
    """`<any(about, help):x>`: one of these words."""

    def __init__(self, *items: str) -> None:
        import re

        if not items:
            raise ValueError("any() lists no words")
        self.accepts = None
        self.regex = f"(?:{'|'.join(re.escape(str(item)) for item in items)})"


class NumberConverter(Converter):
    """What int and float share."""

    weight = 50
    number: Callable[[str], Any] = int

    def __init__(
        self, fixed_digits: int = 0, min: float | None = None, max: float | None = None, signed: bool = False
    ) -> None:
        if signed:
            self.regex = f"-?{self.regex}"
            self.accepts = None
        self.fixed_digits = fixed_digits
        self.min = min
        self.max = max

    def to_python(self, value: str) -> Any:
        """The number; ValueError where it has other digits than asked for or is out of range."""
        if self.fixed_digits and len(value) != self.fixed_digits:
            raise ValueError(f"{value} has not {self.fixed_digits} digits")
        number = type(self).number(value)
        if (self.min is not None and number < self.min) or (self.max is not None and number > self.max):
            raise ValueError(f"{value} is out of range")
        return number


class IntegerConverter(NumberConverter):
    """`<int(fixed_digits=4, min=1, max=99, signed=True):x>`."""

    regex = r"\d+"
    accepts: Callable[[str], object] | None = staticmethod(str.isdecimal)


class FloatConverter(NumberConverter):
    r"""`<float(min=0, max=1, signed=True):x>`: digits, a point, digits."""

    regex = r"\d+\.\d+"
    number = float

    def __init__(self, min: float | None = None, max: float | None = None, signed: bool = False) -> None:
        super().__init__(min=min, max=max, signed=signed)


class UUIDConverter(Converter):
    """`<uuid:x>`: a UUID with its dashes; the view gets a `uuid.UUID`."""

    regex = "[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}"

    def to_python(self, value: str) -> Any:
        """The `uuid.UUID`."""
        from uuid import UUID

        return UUID(value)


CONVERTERS: dict[str, type[Converter]] = {
    "default": StringConverter,
    "string": StringConverter,
    "any": AnyConverter,
    "path": PathConverter,
    "int": IntegerConverter,
    "float": FloatConverter,
    "uuid": UUIDConverter,
}


def make_converter(kind: str, arguments: str) -> Converter:
    """The converter that `<kind(arguments):name>` asks for."""
    converter = CONVERTERS.get(kind)
    if converter is None:
        raise RegistrationError(f"there is no converter {kind!r}. Known: {', '.join(sorted(CONVERTERS))}.")
    try:
        positional, keywords = parse_arguments(arguments)
        return converter(*positional, **keywords)
    except TypeError as exc:
        code = converter.__init__.__code__
        known = ", ".join(code.co_varnames[1 : code.co_argcount]) or "no arguments"
        raise RegistrationError(
            f"the converter '{kind}({arguments})' does not work: {kind} takes {known}."
        ) from exc
    except ValueError as exc:
        raise RegistrationError(f"the converter '{kind}({arguments})' does not work: {exc}.") from exc


def parse_arguments(text: str) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a converter: words, numbers, True, False, None and quoted texts."""
    import re

    positional: list[Any] = []
    keywords: dict[str, Any] = {}
    argument = re.compile(r"""\s*(?:(\w+)\s*=\s*)?("[^"]*"|'[^']*'|-?[\w.]+)\s*(?:,|$)""")
    position = 0
    while text[position:].strip():
        found = argument.match(text, position)
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
