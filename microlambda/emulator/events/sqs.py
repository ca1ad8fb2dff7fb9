"""Messages as Lambda polls them from a queue.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from microlambda.emulator.events.origin import ORIGIN, Origin, as_text, millis, moment, new_id

_FIFO = ".fifo"


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message with more than a body. `attributes` are the sender's: str, numbers or bytes.

    `group_id` and `deduplication_id` are a FIFO queue's; `receive_count` is how often it was delivered, this
    time included.
    """

    body: Any
    attributes: Mapping[str, Any] = field(default_factory=dict)
    message_id: str | None = None
    group_id: str | None = None
    deduplication_id: str | None = None
    receive_count: int = 1


def build(
    queue: str = "orders",
    messages: Sequence[Any] = ("Hello from SQS!",),
    *,
    time: datetime | None = None,
    origin: Origin = ORIGIN,
) -> dict[str, Any]:
    """The event of a queue (its name or ARN); a message is a `Message` or a body: str, bytes, else JSON."""
    arn = origin.arn("sqs", queue)
    sent = moment(time)
    own = [one if isinstance(one, Message) else Message(body=one) for one in messages]
    return {"Records": [_record(number, one, arn, sent) for number, one in enumerate(own)]}


def _record(number: int, message: Message, arn: str, sent: datetime) -> dict[str, Any]:
    body = as_text(message.body)
    account = arn.split(":")[4]
    attributes = {
        "ApproximateReceiveCount": str(message.receive_count),
        "SentTimestamp": str(millis(sent)),
        "SenderId": account,
        "ApproximateFirstReceiveTimestamp": str(millis(sent) + 1),
    }
    if arn.endswith(_FIFO):
        attributes |= {
            "SequenceNumber": str(18_849_496_460_467_696_128 + number * 256),
            "MessageGroupId": message.group_id or "1",
            "MessageDeduplicationId": message.deduplication_id or hashlib.sha256(body.encode()).hexdigest(),
        }
    elif message.group_id is not None:  # fair queues
        attributes["MessageGroupId"] = message.group_id
    return {
        "messageId": message.message_id or new_id(),
        "receiptHandle": b64encode(new_id().encode() * 3).decode(),
        "body": body,
        "attributes": attributes,
        "messageAttributes": {name: _attribute(value) for name, value in message.attributes.items()},
        "md5OfBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": arn.split(":")[3],
    }


def _attribute(value: Any) -> dict[str, Any]:
    common: dict[str, Any] = {"stringListValues": [], "binaryListValues": []}
    if isinstance(value, bytes):
        return {"binaryValue": b64encode(value).decode(), **common, "dataType": "Binary"}
    kind = "Number" if isinstance(value, int | float) else "String"
    return {"stringValue": str(value), **common, "dataType": kind}
