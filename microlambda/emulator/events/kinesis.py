"""Records as Lambda reads them from a Kinesis stream.

https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from microlambda.emulator.events.origin import ORIGIN, Origin, as_bytes, millis, moment


@dataclass(frozen=True, kw_only=True)
class Record:
    """A record with a partition key of its own."""

    data: Any
    partition_key: str


def build(
    stream: str = "clicks",
    records: Sequence[Any] = ("Hello from Kinesis!",),
    *,
    partition_key: str = "1",
    shard: int = 0,
    time: datetime | None = None,
    origin: Origin = ORIGIN,
) -> dict[str, Any]:
    """The event of a stream (its name or ARN, or a consumer's), whose records are of one shard.

    Each record is a `Record` or its data, JSON unless str or bytes.
    """
    arn = stream if stream.startswith("arn:") else origin.arn("kinesis", f"stream/{stream}")
    own = [
        one if isinstance(one, Record) else Record(data=one, partition_key=partition_key) for one in records
    ]
    seconds = millis(moment(time)) / 1000
    first = 496 * 10**53 + uuid4().int % 10**36 * 10**6
    return {"Records": [_record(one, arn, shard, first + number, seconds) for number, one in enumerate(own)]}


def _record(record: Record, arn: str, shard: int, number: int, seconds: float) -> dict[str, Any]:
    account, region = arn.split(":")[4], arn.split(":")[3]
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record.partition_key,
            "sequenceNumber": str(number),
            "data": b64encode(as_bytes(record.data)).decode(),
            "approximateArrivalTimestamp": seconds,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-{shard:012d}:{number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": f"arn:aws:iam::{account}:role/lambda-role",
        "awsRegion": region,
        "eventSourceARN": arn,
    }
