"""What JSON has no type for, as what it has; loaded when an answer holds such a thing."""

from __future__ import annotations

import sys

from ..errors import EncodingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_MOST_DIGITS = 4_000  # below Python's own limit for int to str


def plain(value: Any, default: Callable[[Any], Any] | None) -> Any:
    """`value` as something that JSON has; the app's `default` is asked first."""
    if default is not None:
        try:
            return default(value)
        except TypeError:
            pass  # the app's function does not know this type either: ours are next
    return _plain(value)


def _plain(value: Any) -> Any:  # noqa: PLR0911  # a table, a type on each line
    # A type that has not been imported cannot be the value's: looking into sys.modules costs no import.
    if isinstance(value, (set, frozenset)):
        return list(value)
    if _is(value, "datetime", "date", "time"):
        return value.isoformat()
    if _is(value, "decimal", "Decimal"):
        return _number(value)
    if _is(value, "uuid", "UUID"):
        return str(value)
    if _is(value, "enum", "Enum"):
        return value.value
    kind = type(value)
    if hasattr(kind, "__dataclass_fields__"):
        fields = sys.modules["dataclasses"].fields(value)  # without InitVar and ClassVar
        return {field.name: getattr(value, field.name) for field in fields}
    if hasattr(kind, "__html__"):
        return str(value.__html__())
    if hasattr(kind, "keys") and hasattr(kind, "__getitem__"):
        return dict(value)
    if hasattr(kind, "__await__"):
        raise EncodingError(
            f"the answer holds a {type_name(value)} that nobody awaited. Write `await` before it."
        )
    raise EncodingError(
        f"JSON has no type for {type_name(value)}. Answer str, numbers, dict or list, "
        "or teach the app with `app.json_default`."
    )


def _is(value: object, module: str, *names: str) -> bool:
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(value, tuple(getattr(loaded, name) for name in names))


def _number(value: Any) -> int | float:
    """A Decimal as the JSON number nearest to it; integers stay exact."""
    if not value.is_finite():
        raise EncodingError(f"JSON has no {value}.")
    # As an int it would have so many digits that writing them takes minutes.
    if value.adjusted() > _MOST_DIGITS:
        raise EncodingError(f"a Decimal of more than {_MOST_DIGITS} digits is not answered as JSON.")
    return int(value) if value == value.to_integral_value() else float(value)


def in_utf8(text: str) -> str:
    """`text`; where it holds half of a surrogate pair, which is no UTF-8, the same with those escaped."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join([f"\\u{ord(one):04x}" if "\ud800" <= one <= "\udfff" else one for one in text])
    return text


def refusal(value: object, error: Exception) -> EncodingError:
    """The error for an answer that cannot be encoded, with the type in it."""
    if isinstance(error, EncodingError):
        return error
    name = type_name(value)
    if isinstance(error, RecursionError):
        return EncodingError(f"a {name} is nested too deeply for JSON.")
    return EncodingError(f"a {name} cannot be answered as JSON: {error}.")


def type_name(value: object) -> str:
    """How error messages call the type of `value`."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
