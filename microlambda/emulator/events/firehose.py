"""Records as Firehose hands them over for transformation.

https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from microlambda.emulator.events.origin import ORIGIN, Origin, as_bytes, millis, moment, new_id


@dataclass(frozen=True, kw_only=True)
class Record:
    """A record with an id or, of a stream with a source in Kinesis, a partition key of its own."""

    data: Any
    record_id: str | None = None
    partition_key: str = "1"


def build(
    stream: str = "clicks",
    records: Sequence[Any] = ("Hello from Firehose!",),
    *,
    source_stream: str | None = None,
    time: datetime | None = None,
    origin: Origin = ORIGIN,
) -> dict[str, Any]:
    """The event of a Firehose stream (its name or ARN); with `source_stream`, of Kinesis, it reads from that.

    Each record is a `Record` or its data, JSON unless str or bytes.
    """
    arn = origin.arn("firehose", stream if stream.startswith("arn:") else f"deliverystream/{stream}")
    own = [one if isinstance(one, Record) else Record(data=one) for one in records]
    arrived = millis(moment(time))
    first = 495 * 10**53 + uuid4().int % 10**36 * 10**6
    event: dict[str, Any] = {
        "invocationId": new_id(),
        "deliveryStreamArn": arn,
        "region": arn.split(":")[3],
        "records": [_record(one, str(first + number), arrived) for number, one in enumerate(own)],
    }
    if source_stream is not None:
        source = source_stream if source_stream.startswith("arn:") else f"stream/{source_stream}"
        event["sourceKinesisStreamArn"] = origin.arn("kinesis", source)
        for one, record in zip(own, event["records"], strict=True):
            record["kinesisRecordMetadata"] = _in_kinesis(one, record["recordId"], arrived)
    return event


def _record(record: Record, number: str, arrived: int) -> dict[str, Any]:
    return {
        "recordId": record.record_id or number,
        "approximateArrivalTimestamp": arrived,
        "data": b64encode(as_bytes(record.data)).decode(),
    }


def _in_kinesis(record: Record, number: str, arrived: int) -> dict[str, Any]:
    return {
        "shardId": "shardId-000000000000",
        "partitionKey": record.partition_key,
        "approximateArrivalTimestamp": arrived,
        "sequenceNumber": number,
        "subsequenceNumber": 0,
    }
