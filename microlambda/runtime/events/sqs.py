"""Messages of an SQS queue.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
"""

from __future__ import annotations

import json

from .arns import last_part
from .base import Batch, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from typing import Any

    from .s3 import S3Event
    from .sns import SNSRecord


class SQSRecord(Record):
    """One message."""

    __slots__ = ()

    @property
    def body(self) -> str:
        """The body, as text."""
        body: str = self._raw["body"]
        return body

    def json(self) -> Any:
        """The body, parsed; ValueError where it is no JSON."""
        return json.loads(self.body)

    @property
    def message_id(self) -> str:
        """SQS's id of the message, the same at every delivery."""
        message_id: str = self._raw["messageId"]
        return message_id

    @property
    def receipt_handle(self) -> str:
        """The handle of this delivery, by which the message could be deleted."""
        handle: str = self._raw["receiptHandle"]
        return handle

    @property
    def attributes(self) -> dict[str, str]:
        """SQS's own attributes: `ApproximateReceiveCount`, `SentTimestamp`, `MessageGroupId`..., all text."""
        return self._raw.get("attributes") or {}

    @property
    def message_attributes(self) -> dict[str, Any]:
        """The sender's attributes by name, as plain values: text, a number (int or float), or bytes."""
        from .message_attributes import plain_attributes

        return plain_attributes(self._raw.get("messageAttributes"), "dataType", "stringValue", "binaryValue")

    @property
    def group_id(self) -> str | None:
        """The group whose order a FIFO queue keeps; None where there is none."""
        return self.attributes.get("MessageGroupId")

    @property
    def receive_count(self) -> int:
        """How often the message has been delivered, this time included."""
        return int(self.attributes["ApproximateReceiveCount"])

    @property
    def sent_at(self) -> datetime:
        """When it was sent, in UTC."""
        from .timestamps import from_millis

        return from_millis(self.attributes["SentTimestamp"])

    @property
    def queue(self) -> str:
        """The queue's name."""
        return last_part(self.queue_arn)

    @property
    def queue_arn(self) -> str:
        """The queue's ARN."""
        arn: str = self._raw["eventSourceARN"]
        return arn

    @property
    def is_fifo(self) -> bool:
        """Does it come from a FIFO queue?"""
        return self.queue_arn.endswith(".fifo")

    def sns(self) -> SNSRecord:
        """The SNS notification in the body, of a queue that is subscribed to a topic; else ValueError."""
        from .sns import SNSRecord

        body = self.json()
        if not isinstance(body, dict) or body.get("Type") != "Notification" or "TopicArn" not in body:
            raise ValueError(f"the body of {self!r} is no SNS notification.")
        return SNSRecord({"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": body})

    def s3(self) -> S3Event:
        """The S3 event in the body, or in the SNS notification in the body; ValueError for another body.

        The test message that S3 sends when notifications are set up is an event without records.
        """
        from .s3 import S3Event

        body = self.json()
        if isinstance(body, dict) and body.get("Type") == "Notification":
            return self.sns().s3()
        return S3Event.unwrapped(body, self)

    @property
    def item_identifier(self) -> str:
        """The message id."""
        return self.message_id

    def _cloudevent(self) -> dict[str, Any]:
        return {
            "id": self.message_id,
            "source": self.queue_arn,
            "type": "com.amazonaws.sqs.message",
            "subject": self.group_id,
            "time": self.sent_at if "SentTimestamp" in self.attributes else None,
            "data": self.body,
        }

    def _label(self) -> str:
        return f"{self.message_id!r} of {self.queue!r}"


class SQSEvent(Batch):
    """Messages of one queue, up to the batch size."""

    __slots__ = ()

    record_class = SQSRecord

    if TYPE_CHECKING:

        def __iter__(self) -> Iterator[SQSRecord]: ...

        def __getitem__(self, index: int) -> SQSRecord: ...
