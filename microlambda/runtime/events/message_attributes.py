"""Attributes of messages, as SQS and SNS carry them, as plain values."""

from __future__ import annotations

from binascii import a2b_base64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def plain_attributes(
    attributes: Mapping[str, Mapping[str, Any]] | None, type_key: str, text_key: str, binary_key: str
) -> dict[str, Any]:
    """Values by name: of type `Number` int or float, of type `Binary` bytes, of all others what stands there.

    A type may have a label of the sender's behind a dot (`Number.int`).
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
    """
    values: dict[str, Any] = {}
    for name, attribute in (attributes or {}).items():
        kind = str(attribute.get(type_key)).partition(".")[0]
        if kind == "Binary":
            values[name] = a2b_base64(attribute.get(binary_key) or "")
        else:
            text = attribute.get(text_key)
            values[name] = _number(text) if kind == "Number" else text
    return values


def _number(text: Any) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except (TypeError, ValueError):
            continue
    return text
