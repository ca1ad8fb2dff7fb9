"""Records as Lambda reads them from a Kafka topic, of MSK or of a cluster of your own.

https://docs.aws.amazon.com/lambda/latest/dg/with-msk.html
https://docs.aws.amazon.com/lambda/latest/dg/with-kafka.html
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from microlambda.emulator.events.origin import ORIGIN, Origin, as_bytes, millis, moment

_CLUSTER = "cluster/demo/751d2973-a626-431c-9d4e-d7975eb44dd7-2"


@dataclass(frozen=True, kw_only=True)
class Record:
    """A record with a key, a partition and headers of its own. A `value` of None is a tombstone."""

    value: Any = None
    key: Any = None
    partition: int = 0
    headers: Sequence[tuple[str, Any]] = ()


def build(
    topic: str = "orders",
    messages: Sequence[Any] = ("Hello from Kafka!",),
    *,
    key: str | None = None,
    partition: int = 0,
    offset: int = 0,
    cluster: str | None = None,
    bootstrap_servers: Sequence[str] = (),
    time: datetime | None = None,
    origin: Origin = ORIGIN,
) -> dict[str, Any]:
    """The event of a topic of the MSK cluster of that ARN, or else of the one behind `bootstrap_servers`.

    Each message is a `Record` or its value, JSON unless str or bytes. Partitions begin at `offset`.
    """
    own = [
        one if isinstance(one, Record) else Record(value=one, key=key, partition=partition)
        for one in messages
    ]
    created = millis(moment(time))
    partitions: dict[str, list[dict[str, Any]]] = {}
    for one in own:
        records = partitions.setdefault(f"{topic}-{one.partition}", [])
        records.append(_record(one, topic, offset + len(records), created))
    return {**_cluster(cluster, bootstrap_servers, origin), "records": partitions}


def _cluster(cluster: str | None, servers: Sequence[str], origin: Origin) -> dict[str, Any]:
    if servers and cluster is None:
        return {"eventSource": "aws:SelfManagedKafka", "bootstrapServers": ",".join(servers)}
    arn = cluster or origin.arn("kafka", _CLUSTER)
    region = arn.split(":")[3]
    known = servers or [f"b-{number}.demo.a1bcde.c1.kafka.{region}.amazonaws.com:9092" for number in (1, 2)]
    return {"eventSource": "aws:kafka", "eventSourceArn": arn, "bootstrapServers": ",".join(known)}


def _record(record: Record, topic: str, offset: int, created: int) -> dict[str, Any]:
    built: dict[str, Any] = {
        "topic": topic,
        "partition": record.partition,
        "offset": offset,
        "timestamp": created,
        "timestampType": "CREATE_TIME",
    }
    for name, payload in (("key", record.key), ("value", record.value)):
        if payload is not None:
            built[name] = b64encode(as_bytes(payload)).decode()
    built["headers"] = [{name: [_signed(one) for one in as_bytes(value)]} for name, value in record.headers]
    return built


def _signed(byte: int) -> int:
    """As Java counts bytes: those over 127 down from zero."""
    return byte - 256 if byte > 127 else byte
