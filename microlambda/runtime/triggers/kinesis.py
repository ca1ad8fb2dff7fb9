"""`@app.on_kinesis_record`.

https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html
"""

from __future__ import annotations

import re

from ..events.arns import is_arn, is_same, may_be_same, resource_part
from ..events.kinesis import KinesisEvent, KinesisRecord
from .base import refuse
from .mapping import described
from .names import checked_name
from .stream import StreamTrigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DECORATOR = "on_kinesis_record"
_NAME = r"[A-Za-z0-9_.-]{1,128}"


class KinesisTrigger(StreamTrigger):
    """A stream. `stream` is its name or ARN, or the ARN of a consumer with a throughput of its own.

    https://docs.aws.amazon.com/streams/latest/dev/enhanced-consumers.html
    """

    decorator = _DECORATOR
    source = "kinesis"
    event_class = KinesisEvent
    record_class = KinesisRecord
    filter_key = "data"

    def __init__(self, *, stream: str, **options: Any) -> None:
        self.stream = _checked_stream(stream)
        super().__init__(**options)

    @property
    def stream_name(self) -> str:
        """The stream's name."""
        return resource_part(self.stream, "stream")

    def fits(self, event: dict[str, Any]) -> bool:
        """By the stream or consumer of the first record: an event has records of one."""
        arn = event["Records"][0]["eventSourceARN"]
        return is_same(self.stream, arn, resource_part(arn, "stream"))

    def shared_with(self, other: KinesisTrigger) -> str | None:
        """The same stream: each of the two would do all of its records. Of two consumers each has its ARN."""
        if self._has_other_filters(other):
            return None
        same = may_be_same(self.stream, other.stream, lambda stream: resource_part(stream, "stream"))
        return f"the records of the stream {self.stream_name!r}" if same else None

    def declared(self) -> str:
        """With the stream."""
        return described(_DECORATOR, {"stream": self.stream})


def _checked_stream(stream: object) -> str:
    checked = checked_name(
        _DECORATOR,
        "stream",
        stream,
        service="kinesis",
        pattern=_NAME,
        rule="a stream's name has up to 128 letters, digits, '-', '_' and '.'.",
        example="clicks",
    )
    resource = rf"stream/{_NAME}(/consumer/{_NAME}:[0-9]+)?"
    if is_arn(checked) and not re.fullmatch(resource, checked.split(":", 5)[5]):
        form = "arn:aws:kinesis:REGION:ACCOUNT:stream/NAME"
        why = f"that is not the ARN of a stream, {form}, or of a consumer, {form}/consumer/NAME:TIME."
        raise refuse(_DECORATOR, "stream", stream, why)
    return checked
