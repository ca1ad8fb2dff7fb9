"""JSON as views answer it: the types of the standard library that JSON lacks, and the app's own."""

from __future__ import annotations

from json.encoder import JSONEncoder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class JSON:
    """An encoder for one app: compact, UTF-8, NaN refused (RFC 8259 has none).

    `default` is asked first for what JSON has no type for; it raises TypeError for what it does
    not know. Then come datetime, date and time (ISO 8601), Decimal (a number), UUID, set,
    dataclass, Enum, mappings and what has `__html__`. Keys are str, int, float, bool or None.
    """

    __slots__ = ("_encode", "default")

    #: Finds the encoder of the app that is answering; set where the current app is known.
    current: Callable[[], JSON]

    def __init__(self, default: Callable[[Any], Any] | None = None) -> None:
        self.default = default
        self._encode = JSONEncoder(
            default=self._convert, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        ).encode

    def dumps(self, value: object) -> str:
        """`value` as JSON; an `EncodingError` names the type that it cannot hold."""
        try:
            text = self._encode(value)
        except (TypeError, ValueError, RecursionError) as exc:
            from .json_types import refusal

            raise refusal(value, exc) from exc
        if text.isascii():
            return text
        from .json_types import in_utf8

        return in_utf8(text)

    def _convert(self, value: Any) -> Any:
        from .json_types import plain

        return plain(value, self.default)


JSON.current = JSON
