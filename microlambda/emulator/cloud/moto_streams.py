"""moto's streams, of Kinesis and of DynamoDB's tables, as Lambda reads them: shard by shard, in order.

moto's shards know no lock, and a table's stream has a record even of a write that changes nothing.
"""

from __future__ import annotations

import threading
from base64 import b64decode, b64encode
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from microlambda.emulator.cloud.moto_adapter import ACCOUNT
from microlambda.emulator.events import kinesis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_one_at_a_time = threading.RLock()


@dataclass(frozen=True, kw_only=True)
class StreamRecord:
    """A record with its place in the shard, the time (s since 1970) that it came, and as events have it."""

    sequence: int
    arrived: float
    record: dict[str, Any]


@contextmanager
def telling_of_streams(changed: Callable[[str], None]) -> Iterator[None]:
    """Call back with the ARN of a stream that has something new."""
    from moto.dynamodb.models import DynamoDBBackend
    from moto.dynamodb.models.table import StreamShard
    from moto.kinesis.models import Stream

    add, put = StreamShard.add, Stream.put_record
    transact = DynamoDBBackend.transact_write_items

    def added(shard: Any, old: Any, new: Any) -> None:
        # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html: "If you perform a
        # PutItem or UpdateItem operation that doesn't change any data in an item, DynamoDB Streams doesn't
        # write a stream record"
        if old is not None and new is not None and old.to_json() == new.to_json():
            return
        with _one_at_a_time:
            add(shard, old, new)
        changed(_stream_arn(shard.table))

    def recorded(stream: Any, partition_key: str, explicit_hash_key: str, data: str) -> Any:
        with _one_at_a_time:
            answer = put(stream, partition_key, explicit_hash_key, data)
        changed(stream.arn)
        return answer

    def transacted(*args: Any, **named: Any) -> Any:
        # nobody reads meanwhile: what is cancelled is taken back, and its places are given away again
        with _one_at_a_time:
            return transact(*args, **named)

    with (
        patch.object(StreamShard, "add", added),
        patch.object(DynamoDBBackend, "transact_write_items", transacted),
        patch.object(Stream, "put_record", recorded),
    ):
        yield


def shards(arn: str) -> list[str]:
    """Name the shards of a stream; none where it is gone."""
    if _is_table(arn):
        shard = _table_shard(arn)
        return [] if shard is None else [shard.id]
    stream = _kinesis(arn)
    return [] if stream is None else list(stream.shards)


def read(arn: str, shard: str, after: int, limit: int) -> list[StreamRecord]:
    """Read what follows after a place."""
    with _one_at_a_time:
        if _is_table(arn):
            return _read_table(arn, after, limit)
        stream = _kinesis(arn)
        found = None if stream is None else stream.shards.get(shard)
        if found is None:
            return []
        records, _, _ = found.get_records(str(after), limit)
        return [_of_kinesis(arn, shard, one) for one in records]


def last(arn: str, shard: str, before: float | None = None) -> int:
    """Give the place of the last record, or of the last that came before a time; -1 where there is none."""
    records = read(arn, shard, -1, 1_000_000)
    return max((one.sequence for one in records if before is None or one.arrived < before), default=-1)


def _is_table(arn: str) -> bool:
    return arn.split(":")[2] == "dynamodb"


def _kinesis(arn: str) -> Any:
    from moto.kinesis.models import kinesis_backends

    stream = kinesis_backends[ACCOUNT][arn.split(":")[3]].streams.get(arn.rpartition("/")[2])
    return stream if stream is not None and stream.arn == arn else None


def _of_kinesis(arn: str, shard: str, record: Any) -> StreamRecord:
    data = kinesis.Record(data=b64decode(record.data), partition_key=record.partition_key)
    built: dict[str, Any] = kinesis.build(arn, [data], time=record.created_at_datetime)["Records"][0]
    built["kinesis"]["sequenceNumber"] = str(record.sequence_number)
    built["eventID"] = f"{shard}:{record.sequence_number}"
    return StreamRecord(sequence=int(record.sequence_number), arrived=record.created_at, record=built)


def _stream_arn(table: Any) -> str:
    return f"{table.table_arn}/stream/{table.latest_stream_label}"


def _table_shard(arn: str) -> Any:
    from moto.dynamodb.models import dynamodb_backends

    name = arn.split(":", 5)[5].split("/")[1]
    table = dynamodb_backends[ACCOUNT][arn.split(":")[3]].tables.get(name)
    # a stream that was switched off and on is another one
    return table.stream_shard if table is not None and _stream_arn(table) == arn else None


def _read_table(arn: str, after: int, limit: int) -> list[StreamRecord]:
    shard = _table_shard(arn)
    if shard is None:
        return []
    begin = max(0, after + 1 - shard.starting_sequence_number)
    return [_of_table(arn, one.to_json()) for one in shard.items[begin : begin + limit]]


def _of_table(arn: str, stored: dict[str, Any]) -> StreamRecord:
    from moto.core.utils import unix_time

    arrived = unix_time(stored["dynamodb"]["ApproximateCreationDateTime"])
    record = {
        **stored,
        "eventVersion": "1.1",
        "awsRegion": arn.split(":")[3],
        "dynamodb": {**_as_json(stored["dynamodb"]), "ApproximateCreationDateTime": int(arrived)},
        "eventSourceARN": arn,
    }
    return StreamRecord(sequence=int(stored["dynamodb"]["SequenceNumber"]), arrived=arrived, record=record)


def _as_json(value: Any) -> Any:
    """Write bytes as base64, wherever they stand."""
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, dict):
        return {name: _as_json(inner) for name, inner in value.items()}
    return [_as_json(inner) for inner in value] if isinstance(value, list) else value
