"""moto's DynamoDB: numbers as DynamoDB writes them."""

from __future__ import annotations

from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from microlambda.emulator.events.dynamodb import digits

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def trimmed_numbers() -> Iterator[None]:
    """Let moto write numbers as DynamoDB does: without zeros at the ends, whatever was sent."""
    from moto.dynamodb.models.dynamo_type import DynamoType

    make = DynamoType.__init__

    def made(value: Any, given: Any) -> None:
        make(value, given)
        if value.type == "N":
            value.value = _trimmed(value.value)
        elif value.type == "NS":
            value.value = [_trimmed(one) for one in value.value]

    with patch.object(DynamoType, "__init__", made):
        yield


def _trimmed(number: Any) -> Any:
    try:
        return digits(Decimal(number))
    except (ArithmeticError, TypeError, ValueError):  # moto, or whoever reads it, refuses it
        return number
