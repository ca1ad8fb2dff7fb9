"""DynamoDB's typed values as plain Python values; loaded when an image is read.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_AttributeValue.html
"""

from __future__ import annotations

from binascii import a2b_base64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal
    from typing import Any


def plain_item(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """An item, `{"id": {"N": "7"}}`, as a dict of plain values, `{"id": 7}`."""
    return {name: plain_value(value) for name, value in item.items()}


def plain_value(value: Mapping[str, Any]) -> Any:
    """A number is an int where it is written as one, else a Decimal, exactly; a set is a set; B is bytes.

    ValueError for a value of a type that DynamoDB does not have.
    """
    if len(value) != 1:
        raise ValueError(f"a value of DynamoDB names one type, and this one names {sorted(value)}.")
    ((kind, content),) = value.items()
    if kind not in _PLAIN:
        raise ValueError(f"DynamoDB has no type {kind!r}: it has {', '.join(_PLAIN)}.")
    return _PLAIN[kind](content)


def _number(text: str) -> int | Decimal:
    if text.removeprefix("-").isdecimal():
        return int(text)
    from decimal import Decimal

    return Decimal(text)


_PLAIN: dict[str, Callable[[Any], Any]] = {
    "S": str,
    "N": _number,
    "B": a2b_base64,
    "BOOL": bool,
    "NULL": lambda _: None,
    "M": plain_item,
    "L": lambda values: [plain_value(one) for one in values],
    "SS": set,
    "NS": lambda texts: {_number(one) for one in texts},
    "BS": lambda texts: {a2b_base64(one) for one in texts},
}
