"""JSON as views answer it: the types of the standard library that JSON lacks, and the app's own."""

from __future__ import annotations

import sys
from json.encoder import JSONEncoder

from ..errors import EncodingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


_MOST_DIGITS = 4_000  # below Python's own limit for int to str


class JSON:
    """An encoder for one app: compact, UTF-8, NaN refused (RFC 8259 has none).

    `default` is asked first for what JSON has no type for; it raises TypeError for what it does
    not know. Then come datetime, date and time (ISO 8601), Decimal (a number), UUID, set,
    dataclass, Enum and bytes-free mappings.
    """

    __slots__ = ("_encode", "default")

    def __init__(self, default: Callable[[Any], Any] | None = None) -> None:
        self.default = default
        self._encode = JSONEncoder(
            default=self._convert, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        ).encode

    def dumps(self, value: object) -> str:
        """`value` as JSON; an `EncodingError` names the type that it cannot hold."""
        try:
            text = self._encode(value)
            return text if text.isascii() else self._utf8(text, value)
        except EncodingError:
            raise
        except RecursionError as exc:
            raise EncodingError(f"a {_type_name(value)} is nested too deeply for JSON.") from exc
        except (TypeError, ValueError) as exc:
            raise EncodingError(f"a {_type_name(value)} cannot be answered as JSON: {exc}") from exc

    def _utf8(self, text: str, value: object) -> str:
        """`text`; where it holds half of a surrogate pair, which is no UTF-8, the same with escapes."""
        try:
            text.encode()
        except UnicodeEncodeError:
            return JSONEncoder(default=self._convert, separators=(",", ":"), allow_nan=False).encode(value)
        return text

    def _convert(self, value: Any) -> Any:
        if self.default is not None:
            try:
                return self.default(value)
            except TypeError:
                pass  # the app's function does not know this type either: ours are next
        return _plain(value)


def _plain(value: Any) -> Any:
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
    if hasattr(type(value), "__dataclass_fields__"):
        return {name: getattr(value, name) for name in type(value).__dataclass_fields__}
    raise EncodingError(
        f"JSON has no type for {_type_name(value)}. Answer str, numbers, dict or list, "
        "or teach the app with `app.json_default`."
    )


def _is(value: object, module: str, *names: str) -> bool:
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(value, tuple(getattr(loaded, name) for name in names))


def _number(value: Any) -> int | float:
    """A Decimal as the JSON number nearest to it; integers stay exact."""
    if not value.is_finite():
        raise EncodingError(f"JSON has no {value}.")
    if (
        value.adjusted() > _MOST_DIGITS
    ):  # as an int it would have so many digits that writing them takes minutes
        raise EncodingError(f"a Decimal of more than {_MOST_DIGITS} digits is not answered as JSON.")
    return int(value) if value == value.to_integral_value() else float(value)


def _type_name(value: object) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
