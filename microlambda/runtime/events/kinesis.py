"""Records of a Kinesis data stream.

https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
"""

from __future__ import annotations

from .arns import resource_part
from .base import Batch
from .enclosed import PayloadRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from typing import Any


class KinesisRecord(PayloadRecord):
    """One record. Those that a producer has put together (the KPL's aggregation) are not taken apart."""

    __slots__ = ()

    def _encoded(self) -> str:
        encoded: str = self._raw["kinesis"]["data"]
        return encoded

    @property
    def partition_key(self) -> str:
        """What the producer chose, by which Kinesis chooses the shard."""
        key: str = self._raw["kinesis"]["partitionKey"]
        return key

    @property
    def sequence_number(self) -> str:
        """The record's place in its shard, all digits."""
        number: str = self._raw["kinesis"]["sequenceNumber"]
        return number

    @property
    def timestamp(self) -> datetime | None:
        """When it arrived at the stream, in UTC."""
        from .timestamps import from_seconds

        seconds = self._raw["kinesis"].get("approximateArrivalTimestamp")
        return None if seconds is None else from_seconds(seconds)

    @property
    def event_id(self) -> str:
        """The shard's id and the sequence number."""
        event_id: str = self._raw["eventID"]
        return event_id

    @property
    def shard_id(self) -> str:
        """The shard, `shardId-000000000006`."""
        return self.event_id.partition(":")[0]

    @property
    def stream(self) -> str:
        """The stream's name."""
        return resource_part(self.stream_arn, "stream")

    @property
    def stream_arn(self) -> str:
        """The ARN of the stream, or of the consumer through which it is read."""
        arn: str = self._raw["eventSourceARN"]
        return arn

    @property
    def item_identifier(self) -> str:
        """The sequence number."""
        return self.sequence_number

    def _cloudevent(self) -> dict[str, Any]:
        return {
            "id": self.event_id,
            "source": self.stream_arn,
            "type": "com.amazonaws.kinesis.record",
            "subject": self.partition_key,
            "time": self.timestamp,
            "data": self.data,
        }

    def _label(self) -> str:
        return f"{self.sequence_number!r} of {self.stream!r}"


class KinesisEvent(Batch):
    """Records of one shard, in order."""

    __slots__ = ()

    record_class = KinesisRecord

    if TYPE_CHECKING:

        def __iter__(self) -> Iterator[KinesisRecord]: ...

        def __getitem__(self, index: int) -> KinesisRecord: ...
