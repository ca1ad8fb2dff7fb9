"""Records that a Firehose stream hands over for transformation.

https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html
"""

from __future__ import annotations

import json
from binascii import b2a_base64

from .arns import resource_part
from .enclosed import EnclosedRecord, EnclosingBatch, PayloadRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from typing import Any

OK = "Ok"
DROPPED = "Dropped"
FAILED = "ProcessingFailed"

_OF_KAFKA = "kafkaRecordValue"  # what a stream with a source in MSK calls the payload, both ways


class FirehoseRecord(EnclosedRecord, PayloadRecord):
    """One record. `ok`, `dropped` and `failed` make the answers that Firehose takes for it."""

    __slots__ = ()

    @property
    def payload_key(self) -> str:
        """Where the payload stands, here and in the answer: `data`, or `kafkaRecordValue` from MSK."""
        return _OF_KAFKA if _OF_KAFKA in self._raw else "data"

    def _encoded(self) -> str:
        encoded: str = self._raw[self.payload_key]
        return encoded

    @property
    def record_id(self) -> str:
        """Firehose's id of the record, by which it is answered."""
        record_id: str = self._raw["recordId"]
        return record_id

    @property
    def timestamp(self) -> datetime | None:
        """When it arrived at the stream, in UTC."""
        from .timestamps import from_iso, from_millis

        arrived = self._raw.get("approximateArrivalTimestamp")
        if arrived is None:
            return None
        return from_iso(arrived) if isinstance(arrived, str) else from_millis(arrived)

    @property
    def partition_key(self) -> str | None:
        """The partition key; only of a stream with a source in Kinesis, as the next two."""
        return self._in_kinesis("partitionKey")

    @property
    def sequence_number(self) -> str | None:
        """The sequence number in Kinesis."""
        return self._in_kinesis("sequenceNumber")

    @property
    def shard_id(self) -> str | None:
        """The shard in Kinesis."""
        return self._in_kinesis("shardId")

    def _in_kinesis(self, name: str) -> str | None:
        return (self._raw.get("kinesisRecordMetadata") or {}).get(name)

    def ok(self, data: Any = None, partition_keys: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Deliver the record, with `data` in place of its own: bytes, str, or JSON; None keeps it.

        `partition_keys` are for dynamic partitioning.
        https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning.html
        """
        answer = self._answer(OK, self._encoded() if data is None else _encode(data))
        if partition_keys is not None:
            answer["metadata"] = {"partitionKeys": dict(partition_keys)}
        return answer

    def dropped(self) -> dict[str, Any]:
        """Leave the record out; it is no failure."""
        return self._answer(DROPPED, "")

    def failed(self, data: Any = None) -> dict[str, Any]:
        """Put the record among those that could not be processed; `data` as in `ok`."""
        return self._answer(FAILED, self._encoded() if data is None else _encode(data))

    def _answer(self, result: str, encoded: str) -> dict[str, Any]:
        return {"recordId": self.record_id, "result": result, self.payload_key: encoded}

    @property
    def item_identifier(self) -> str:
        """The record's id."""
        return self.record_id

    def _cloudevent(self) -> dict[str, Any]:
        return {
            "id": self.record_id,
            "source": FirehoseEvent(self._event).stream_arn or "aws:firehose",
            "type": "com.amazonaws.firehose.record",
            "subject": self.partition_key,
            "time": self.timestamp,
            "data": self.data,
        }

    def _label(self) -> str:
        return f"{self.record_id!r} of {FirehoseEvent(self._event).stream!r}"


class FirehoseEvent(EnclosingBatch):
    """Records of one stream, each of which is to be answered."""

    __slots__ = ()

    record_class = FirehoseRecord

    def _raw_records(self) -> Sequence[dict[str, Any]]:
        return self._raw.get("records") or ()

    @property
    def invocation_id(self) -> str | None:
        """Firehose's id of the call."""
        return self._raw.get("invocationId")

    @property
    def stream(self) -> str:
        """The Firehose stream's name."""
        return resource_part(self.stream_arn, "deliverystream")

    @property
    def stream_arn(self) -> str:
        """The Firehose stream's ARN; empty in those of AWS's own samples that leave it out."""
        return self._raw.get("deliveryStreamArn") or ""

    @property
    def source_stream_arn(self) -> str | None:
        """The ARN of the Kinesis stream, or of the MSK cluster, that the stream reads from."""
        return self._raw.get("sourceKinesisStreamArn") or self._raw.get("sourceMSKArn")

    if TYPE_CHECKING:

        def __iter__(self) -> Iterator[FirehoseRecord]: ...

        def __getitem__(self, index: int) -> FirehoseRecord: ...


def _encode(data: Any) -> str:
    """What Firehose takes as data, in base64; TypeError or ValueError for what is no JSON."""
    if isinstance(data, str):
        data = data.encode()
    elif not isinstance(data, (bytes, bytearray, memoryview)):
        data = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    return b2a_base64(data, newline=False).decode("ascii")
