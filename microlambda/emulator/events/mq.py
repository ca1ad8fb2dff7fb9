"""Messages as Lambda reads them from a queue of Amazon MQ.

https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from microlambda.emulator.events.origin import ORIGIN, Origin, as_bytes, millis, moment, new_id

_BROKER = "broker:demo:b-9bcfa592-423a-4942-879d-eb284b418fc8"
_KINDS = ("activemq", "rabbitmq")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message with more than its data. `headers` are RabbitMQ's, and ActiveMQ's properties."""

    data: Any
    headers: Mapping[str, Any] = field(default_factory=dict)
    message_id: str | None = None
    correlation_id: str | None = None
    redelivered: bool = False


def build(
    queue: str = "orders",
    messages: Sequence[Any] = ("Hello from MQ!",),
    *,
    broker: str | None = None,
    broker_kind: str = "activemq",
    virtual_host: str = "/",
    time: datetime | None = None,
    origin: Origin = ORIGIN,
) -> dict[str, Any]:
    """The event of a queue of the broker of that ARN, an "activemq" or a "rabbitmq" (with a virtual host).

    Each message is a `Message` or its data, JSON unless str or bytes. ValueError for another kind of broker.
    """
    if broker_kind not in _KINDS:
        raise ValueError(f"broker_kind={broker_kind!r} is none of {', '.join(_KINDS)}.")
    arn = broker or origin.arn("mq", _BROKER)
    own = [one if isinstance(one, Message) else Message(data=one) for one in messages]
    sent = moment(time)
    if broker_kind == "rabbitmq":
        built = [_of_rabbitmq(one, sent) for one in own]
        place = f"{queue}::{virtual_host}"
        return {"eventSource": "aws:rmq", "eventSourceArn": arn, "rmqMessagesByQueue": {place: built}}
    built = [_of_activemq(one, queue, arn, millis(sent)) for one in own]
    return {"eventSource": "aws:amq", "eventSourceArn": arn, "messages": built}


def _of_activemq(message: Message, queue: str, arn: str, sent: int) -> dict[str, Any]:
    host = f"{arn.rpartition(':')[2]}-1.mq.{arn.split(':')[3]}.amazonaws.com"
    kind = "bytes" if isinstance(message.data, bytes) else "text"
    return {
        "messageID": message.message_id or f"ID:{host}-37557-{sent}-4:1:1:1:{new_id()[:8]}",
        "messageType": f"jms/{kind}-message",
        "deliveryMode": 1,
        "replyTo": None,
        "type": None,
        "expiration": 0,
        "priority": 4,
        "correlationID": message.correlation_id,
        "connectionId": "myJMSCoID",
        "redelivered": message.redelivered,
        "destination": {"physicalName": queue},
        "data": b64encode(as_bytes(message.data)).decode(),
        "timestamp": sent,
        "brokerInTime": sent,
        "brokerOutTime": sent + 1,
        "properties": dict(message.headers),
    }


def _of_rabbitmq(message: Message, sent: datetime) -> dict[str, Any]:
    data = as_bytes(message.data)
    return {
        "basicProperties": {
            "contentType": "application/octet-stream" if isinstance(message.data, bytes) else "text/plain",
            "contentEncoding": None,
            "headers": {name: _header(value) for name, value in message.headers.items()},
            "deliveryMode": 1,
            "priority": 0,
            "correlationId": message.correlation_id,
            "replyTo": None,
            "expiration": None,
            "messageId": message.message_id,
            "timestamp": _english(sent),
            "type": None,
            "userId": None,
            "appId": None,
            "clusterId": None,
            "bodySize": len(data),
        },
        "redelivered": message.redelivered,
        "data": b64encode(data).decode(),
    }


def _header(value: Any) -> Any:
    """RabbitMQ's text is bytes, which come one by one, as Java counts them."""
    if isinstance(value, Mapping):
        return {name: _header(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_header(one) for one in value]
    if not isinstance(value, str | bytes):
        return value
    return {"bytes": [one - 256 if one > 127 else one for one in as_bytes(value)]}


def _english(time: datetime) -> str:
    """`Jan 1, 1970, 12:33:41 AM`."""
    half = "AM" if time.hour < 12 else "PM"
    day = f"{_MONTHS[time.month - 1]} {time.day}, {time.year}"
    return f"{day}, {time.hour % 12 or 12}:{time.minute:02d}:{time.second:02d} {half}"
