"""Messages of an Amazon MQ queue, of ActiveMQ or of RabbitMQ.

https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html
"""

from __future__ import annotations

from .enclosed import EnclosedRecord, EnclosingBatch, PayloadRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from typing import Any


class MQRecord(EnclosedRecord, PayloadRecord):
    """One message. What only one of the brokers has stands in `raw`."""

    __slots__ = ("_place",)

    def __init__(self, raw: dict[str, Any], event: dict[str, Any], place: str | None = None) -> None:
        super().__init__(raw, event)
        self._place = place  # RabbitMQ's `queue::vhost`

    @property
    def queue(self) -> str:
        """The queue's name."""
        if self._place is not None:
            return _split(self._place)[0]
        return _physical_name(self._raw)

    @property
    def virtual_host(self) -> str | None:
        """RabbitMQ's virtual host, `/` unless another was made; None of ActiveMQ."""
        return None if self._place is None else _split(self._place)[1]

    @property
    def broker_arn(self) -> str:
        """The broker's ARN."""
        arn: str = self._event["eventSourceArn"]
        return arn

    @property
    def message_id(self) -> str | None:
        """The message's id; None where RabbitMQ's sender gave it none."""
        message_id: str | None = self._own("messageID", "messageId")
        return message_id

    @property
    def correlation_id(self) -> str | None:
        """What the sender ties messages together by."""
        correlation_id: str | None = self._own("correlationID", "correlationId")
        return correlation_id

    @property
    def message_type(self) -> str | None:
        """`jms/text-message` or `jms/bytes-message`; None of RabbitMQ."""
        return self._raw.get("messageType")

    @property
    def content_type(self) -> str | None:
        """What RabbitMQ's sender says of the data; None of ActiveMQ."""
        content_type: str | None = self._own("contentType")
        return content_type

    @property
    def redelivered(self) -> bool:
        """Was it handed out before?"""
        return bool(self._raw.get("redelivered"))

    @property
    def headers(self) -> dict[str, Any]:
        """The sender's own values by name: RabbitMQ's headers, ActiveMQ's properties.

        RabbitMQ has no text but bytes: those that are UTF-8 are str.
        """
        own = self._own("headers") if self._place is not None else self._raw.get("properties")
        return {name: _plain(value) for name, value in (own or {}).items()}

    properties = headers  # ActiveMQ's name

    @property
    def timestamp(self) -> datetime | None:
        """When it was sent, in UTC; None where RabbitMQ's sender did not say."""
        value = self._own("timestamp")
        if value is None:
            return None
        if isinstance(value, str) and not value.isdecimal():
            return _from_english(value)
        from .timestamps import from_millis

        return from_millis(value)

    def _own(self, *names: str) -> Any:
        """The first of these fields that is there, of which RabbitMQ's stand in a part of their own."""
        fields = self._raw if self._place is None else self._raw.get("basicProperties") or {}
        return next((fields[name] for name in names if fields.get(name) is not None), None)

    def _cloudevent(self) -> dict[str, Any]:
        return {
            "id": self.message_id or self._fingerprint(),
            "source": self.broker_arn,
            "type": "com.amazonaws.mq.message",
            "subject": self.queue,
            "time": self.timestamp,
            "data": self.data,
        }

    def _fingerprint(self) -> str:
        """An id for a message without one, the same at every delivery; it is that of its content."""
        import json
        from hashlib import sha256

        content = [self._place, self._raw.get("basicProperties"), self._raw["data"]]
        return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def _label(self) -> str:
        name = "" if self.message_id is None else f"{self.message_id!r} "
        return f"{name}of {self.queue!r}"


class MQEvent(EnclosingBatch):
    """Messages of one queue."""

    __slots__ = ()

    record_class = MQRecord

    def _raw_records(self) -> list[dict[str, Any]]:
        return [raw for _, raw in self._placed()]

    def _placed(self) -> list[tuple[str | None, dict[str, Any]]]:
        """Each message behind its place, which is None of ActiveMQ."""
        queues = self._raw.get("rmqMessagesByQueue") or {}
        placed: list[tuple[str | None, dict[str, Any]]] = [
            (None, one) for one in self._raw.get("messages") or ()
        ]
        placed += [(place, one) for place, messages in queues.items() for one in messages or ()]
        return placed

    def __iter__(self) -> Iterator[MQRecord]:
        return (MQRecord(raw, self._raw, place) for place, raw in self._placed())

    def __getitem__(self, index: int) -> MQRecord:
        place, raw = self._placed()[index]
        return MQRecord(raw, self._raw, place)

    @property
    def broker_arn(self) -> str:
        """The broker's ARN."""
        arn: str = self._raw["eventSourceArn"]
        return arn


def _split(place: str) -> tuple[str, str]:
    """Queue and virtual host of `queue::vhost`."""
    queue, colons, host = place.rpartition("::")
    return (queue, host) if colons else (place, "/")


def _physical_name(message: dict[str, Any]) -> str:
    """The queue of a message of ActiveMQ; AWS's documents spell its key in two ways."""
    destination = message["destination"]
    name: str = destination.get("physicalName") or destination["physicalname"]
    return name


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _from_english(text: str) -> datetime:
    """`Jan 1, 1970, 12:33:41 AM`, as AWS writes a time of RabbitMQ's; ValueError for another form.

    By hand: what `strptime` makes of months and of AM depends on the locale.
    """
    from datetime import UTC, datetime

    month, day, year, hour, minute, second, half = text.replace(",", " ").replace(":", " ").split()
    hours = int(hour) % 12 + (12 if half == "PM" else 0)
    return datetime(
        int(year), _MONTHS.index(month) + 1, int(day), hours, int(minute), int(second), tzinfo=UTC
    )


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    content = value.get("bytes")
    if len(value) != 1 or not isinstance(content, list):
        return {name: _plain(one) for name, one in value.items()}
    held = bytes([one & 255 for one in content])
    try:
        return held.decode()
    except UnicodeDecodeError:
        return held
