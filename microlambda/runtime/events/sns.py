"""Notifications of an SNS topic.

https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
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


class SNSRecord(Record):
    """One notification, as Lambda gets it or out of the body of a message of SQS (`SQSRecord.sns()`)."""

    __slots__ = ()

    @property
    def message(self) -> str:
        """The message, as text."""
        message: str = self._sns["Message"]
        return message

    def json(self) -> Any:
        """The message, parsed; ValueError where it is no JSON."""
        return json.loads(self.message)

    @property
    def subject(self) -> str | None:
        """The subject, None where the sender gave none."""
        return self._sns.get("Subject")

    @property
    def message_id(self) -> str:
        """SNS's id of the message, the same at every delivery."""
        message_id: str = self._sns["MessageId"]
        return message_id

    @property
    def message_attributes(self) -> dict[str, Any]:
        """The sender's attributes by name, as plain values: text, a number, bytes, or a list."""
        from .message_attributes import plain_attributes

        attributes = self._sns.get("MessageAttributes") or {}
        values = plain_attributes(attributes, "Type", "Value", "Value")
        for name, attribute in attributes.items():
            if attribute.get("Type") == "String.Array":
                values[name] = _listed(values[name])
        return values

    @property
    def topic_arn(self) -> str:
        """The topic's ARN."""
        arn: str = self._sns["TopicArn"]
        return arn

    @property
    def topic(self) -> str:
        """The topic's name."""
        return last_part(self.topic_arn)

    @property
    def timestamp(self) -> datetime:
        """When it was published, in UTC."""
        from .timestamps import from_iso

        return from_iso(self._sns["Timestamp"])

    @property
    def subscription_arn(self) -> str | None:
        """The ARN of the function's subscription; None of a notification that came in a message of SQS."""
        return self._raw.get("EventSubscriptionArn")

    def s3(self) -> S3Event:
        """The S3 event in the message, of a topic that a bucket notifies; ValueError for another message.

        The test message that S3 sends when notifications are set up is an event without records.
        """
        from .s3 import S3Event

        try:
            message = self.json()
        except ValueError:
            message = None
        return S3Event.unwrapped(message, self)

    @property
    def _sns(self) -> dict[str, Any]:
        sns: dict[str, Any] = self._raw["Sns"]
        return sns

    def _cloudevent(self) -> dict[str, Any]:
        return {
            "id": self.message_id,
            "source": self.subscription_arn or self.topic_arn,
            "type": f"com.amazonaws.sns.{self._sns.get('Type') or 'Notification'}",
            "subject": self.subject,
            "time": self.timestamp if "Timestamp" in self._sns else None,
            "data": self._sns,
        }

    def _label(self) -> str:
        return f"{self.message_id!r} of {self.topic!r}"


class SNSEvent(Batch):
    """Notifications of one topic: Lambda gets one at a time."""

    __slots__ = ()

    record_class = SNSRecord

    @property
    def message(self) -> str:
        """Chalice's: the message of the only record."""
        return self._only("message").message  # type: ignore[no-any-return]

    @property
    def subject(self) -> str | None:
        """Chalice's: the subject of the only record."""
        return self._only("subject").subject  # type: ignore[no-any-return]

    if TYPE_CHECKING:

        def __iter__(self) -> Iterator[SNSRecord]: ...

        def __getitem__(self, index: int) -> SNSRecord: ...


def _listed(text: Any) -> Any:
    """The list that an attribute of the type `String.Array` is written as; what is none stays text."""
    try:
        values = json.loads(text)
    except (TypeError, ValueError):
        return text
    return values if isinstance(values, list) else text
