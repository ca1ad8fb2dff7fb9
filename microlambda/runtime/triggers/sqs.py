"""`@app.on_sqs_message`.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
"""

from __future__ import annotations

from ..errors import RegistrationError
from ..events.arns import is_same, last_part, may_be_same
from ..events.sqs import SQSEvent, SQSRecord
from .base import EACH, REST, checked_int, refuse
from .mapping import MappingTrigger, checked_filters, checked_window, described
from .names import checked_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DECORATOR = "on_sqs_message"
_MOST_WITHOUT_WINDOW = 10
_FIFO_MOST = 10


class SqsTrigger(MappingTrigger):
    """A queue. `queue` is its name or ARN; a name that ends in `.fifo` is a FIFO queue's."""

    decorator = _DECORATOR
    source = "sqs"
    event_class = SQSEvent
    record_class = SQSRecord

    def __init__(
        self,
        *,
        queue: str | None = None,
        queue_arn: str | None = None,
        batch_size: int = 10,
        maximum_batching_window_in_seconds: int = 0,
        maximum_concurrency: int | None = None,
        filters: Any = None,
    ) -> None:
        self.queue = _checked_queue(queue, queue_arn)
        self.batch_size = checked_int(_DECORATOR, "batch_size", batch_size, 1, 10_000, "messages")
        self.maximum_batching_window_in_seconds = checked_window(
            _DECORATOR, maximum_batching_window_in_seconds
        )
        if maximum_concurrency is not None:
            checked_int(_DECORATOR, "maximum_concurrency", maximum_concurrency, 2, 1_000)
        self.maximum_concurrency = maximum_concurrency
        self.filters = checked_filters(_DECORATOR, filters, "body")
        self._check_batches()

    def _check_batches(self) -> None:
        window = self.maximum_batching_window_in_seconds
        if self.is_fifo:
            if self.batch_size > _FIFO_MOST:
                raise refuse(
                    _DECORATOR, "batch_size", self.batch_size, "a FIFO queue gives at most 10 messages."
                )
            if window:
                name = "maximum_batching_window_in_seconds"
                raise refuse(_DECORATOR, name, window, "a FIFO queue has no batching window.")
        elif self.batch_size > _MOST_WITHOUT_WINDOW and not window:
            raise refuse(
                _DECORATOR,
                "batch_size",
                self.batch_size,
                "more than 10 messages come only with a batching window: "
                "maximum_batching_window_in_seconds=1 or more.",
            )

    @property
    def is_fifo(self) -> bool:
        """Is the queue a FIFO queue?"""
        return self.queue.endswith(".fifo")

    def fits(self, event: dict[str, Any]) -> bool:
        """By the queue of the first message: an event has messages of one queue."""
        arn = event["Records"][0].get("eventSourceARN") or ""
        return is_same(self.queue, arn, last_part(arn))

    def shared_with(self, other: SqsTrigger) -> str | None:
        """The same queue: of two readers each would get some of the messages."""
        same = may_be_same(self.queue, other.queue)
        return f"the messages of the queue {last_part(self.queue)!r}" if same else None

    def failure_mode(self, event: SQSEvent) -> str:
        """A FIFO queue's order holds only where nothing behind a failure is done."""
        return REST if event[0].is_fifo else EACH

    def declared(self) -> str:
        """With the queue."""
        return described(_DECORATOR, {"queue": self.queue})


def _checked_queue(queue: object, queue_arn: object) -> str:
    if (queue is None) == (queue_arn is None):
        raise RegistrationError(
            f"{_DECORATOR}() takes the queue's name or ARN: write @app.{_DECORATOR}(queue='orders')."
        )
    keyword, value = ("queue", queue) if queue_arn is None else ("queue_arn", queue_arn)
    return checked_name(
        _DECORATOR,
        keyword,
        value,
        service="sqs",
        pattern=r"[A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\.fifo",
        rule="a queue's name has up to 80 letters, digits, '-' and '_', and may end in '.fifo'.",
        example="orders",
    )
