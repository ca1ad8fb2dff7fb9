"""The built-in converters, Flask's and with Flask's arguments; loaded when a rule names one.

An app's own ones subclass `Converter` and are added to `app.url_map.converters` by name.
"""

from __future__ import annotations

from .captures import Converter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
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
        self.regex = "[^/]+" if bounds == "1," else f"[^/]{{{bounds}}}"


class PathConverter(Converter):
    """`<path:x>` and `{x+}`: one segment or more, not starting with a slash."""

    regex = "[^/].*?"
    weight = 200


class AnyConverter(Converter):
    """`<any(about, help):x>`: one of these words."""

    def __init__(self, *items: object) -> None:
        import re

        if not items:
            raise ValueError("any() lists no words")
        self.items = [str(item) for item in items]
        self.regex = "|".join([re.escape(item) for item in self.items])

    def to_url(self, value: Any) -> str:
        """The word; ValueError for any other."""
        if str(value) not in self.items:
            raise ValueError(f"{value!r} is not one of {', '.join(self.items)}")
        return super().to_url(value)


class NumberConverter(Converter):
    """What int and float share."""

    weight = 50
    number: Callable[[Any], Any] = int

    def __init__(
        self, fixed_digits: int = 0, min: float | None = None, max: float | None = None, signed: bool = False
    ) -> None:
        bounds: dict[str, Any] = {"min": min, "max": max}  # a rule is text: they may be anything
        for name, bound in bounds.items():
            if bound is not None and (isinstance(bound, bool) or not isinstance(bound, (int, float))):
                raise ValueError(f"{name}={bound!r} is no number")
        if min is not None and max is not None and max < min:
            raise ValueError(f"max={max} is below min={min}")
        digits: Any = fixed_digits
        if not isinstance(digits, int) or digits < 0:
            raise ValueError(f"fixed_digits={fixed_digits!r} is no number of digits")
        if not isinstance(signed, bool):
            raise ValueError(f"signed={signed!r} is neither True nor False")  # noqa: TRY004
        if signed:
            self.regex = f"-?{self.regex}"
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

    def to_url(self, value: Any) -> str:
        """The number with its digits filled up; its range is not checked, as in Flask."""
        return str(type(self).number(value)).zfill(self.fixed_digits)


class IntegerConverter(NumberConverter):
    """`<int(fixed_digits=4, min=1, max=99, signed=True):x>`."""

    regex = r"\d+"


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
#: Those that rules without arguments share.
_SHARED: dict[str, Converter] = {}


def make_converter(rule: str, kind: str, arguments: str, own: Mapping[str, type[Converter]]) -> Converter:
    """The converter that `<kind(arguments):name>` asks for; the app's own come before the built-in ones."""
    shared = _SHARED.get(kind)
    if shared is not None and not arguments and kind not in own:
        return shared
    converter = own.get(kind) or CONVERTERS.get(kind)
    if not isinstance(converter, type) or not issubclass(converter, Converter):
        from .problems import unknown_converter

        raise unknown_converter(rule, kind, converter, {*CONVERTERS, *own})
    if not arguments and kind not in own and kind != "any":
        made = _SHARED[kind] = converter()
        return made
    return _made(rule, kind, arguments, converter)


def _made(rule: str, kind: str, arguments: str, converter: type[Converter]) -> Converter:
    import re

    from .arguments import parse_arguments

    try:
        positional, keywords = parse_arguments(arguments)
        made = converter(*positional, **keywords)
        re.compile(made.regex)
    except (TypeError, ValueError, re.error) as exc:
        from .problems import wrong_converter

        raise wrong_converter(rule, f"{kind}({arguments})", converter, exc) from exc
    return made
