"""`@app.on_mq_message`.

https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html
https://docs.aws.amazon.com/lambda/latest/dg/services-mq-params.html
"""

from __future__ import annotations

import re

from ..events.mq import MQEvent, MQRecord
from .base import checked_int, refuse
from .mapping import MappingTrigger, checked_filters, checked_window, described
from .names import checked_arn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DECORATOR = "on_mq_message"
_QUEUE_MOST = 1_000
_HOST = r"[ a-zA-Z0-9/*:_+=.@-]{1,200}"


class MqTrigger(MappingTrigger):
    """A queue of a broker; `virtual_host` is RabbitMQ's, "/" where AWS is told of none."""

    decorator = _DECORATOR
    source = "mq"
    event_class = MQEvent
    record_class = MQRecord

    def __init__(
        self,
        *,
        queue: str,
        broker: str,
        credentials: str | None = None,
        virtual_host: str | None = None,
        batch_size: int = 100,
        maximum_batching_window_in_seconds: int = 0,
        filters: Any = None,
    ) -> None:
        self.queue = _checked_queue(queue)
        self.broker = _checked_broker(broker)
        if credentials is not None:
            checked_arn(_DECORATOR, "credentials", credentials, service="secretsmanager")
        self.credentials = credentials
        self.virtual_host = _checked_host(virtual_host)
        self.batch_size = checked_int(_DECORATOR, "batch_size", batch_size, 1, 10_000, "messages")
        self.maximum_batching_window_in_seconds = checked_window(
            _DECORATOR, maximum_batching_window_in_seconds
        )
        self.filters = checked_filters(_DECORATOR, filters, "data")

    @property
    def reports_failures(self) -> bool:
        """Lambda retries a batch of messages as a whole."""
        return False

    def fits(self, event: dict[str, Any]) -> bool:
        """By the broker, the queue, and RabbitMQ's virtual host where one is declared."""
        if event["eventSourceArn"] != self.broker:
            return False
        first = next(iter(MQEvent(event)), None)
        if first is None:
            return True
        return first.queue == self.queue and first.virtual_host in (
            None,
            self.virtual_host or first.virtual_host,
        )

    def shared_with(self, other: MqTrigger) -> str | None:
        """The same queue: of two readers each would get some of the messages."""
        hosts = {self.virtual_host, other.virtual_host}
        same = (
            self.broker == other.broker and self.queue == other.queue and (len(hosts) == 1 or None in hosts)
        )
        return f"the messages of the queue {self.queue!r}" if same else None

    def declared(self) -> str:
        """With the queue, the broker and the virtual host."""
        words = {"queue": self.queue, "broker": self.broker, "virtual_host": self.virtual_host}
        return described(_DECORATOR, words)


def _checked_queue(queue: object) -> str:
    if not isinstance(queue, str) or not 0 < len(queue) <= _QUEUE_MOST:
        why = "write the queue's name, of up to 1,000 characters: queue='orders'."
        raise refuse(_DECORATOR, "queue", queue, why)
    if queue.startswith("arn:") or "://" in queue:
        raise refuse(_DECORATOR, "queue", queue, "write the queue's name; the ARN is the broker's.")
    return queue


def _checked_broker(broker: object) -> str:
    arn = checked_arn(_DECORATOR, "broker", broker, service="mq")
    if not re.fullmatch(r"broker:[^:]+:[^:]+", arn.split(":", 5)[5]):
        form = "arn:aws:mq:REGION:ACCOUNT:broker:NAME:ID"
        raise refuse(_DECORATOR, "broker", broker, f"that is not the ARN of a broker, {form}.")
    return arn


def _checked_host(host: object) -> str | None:
    if host is not None and not (isinstance(host, str) and re.fullmatch(_HOST, host)):
        why = "a virtual host has up to 200 letters, digits, spaces and any of '/*:_+=.@-'."
        raise refuse(_DECORATOR, "virtual_host", host, why)
    return host
