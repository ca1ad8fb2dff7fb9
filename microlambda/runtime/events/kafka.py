"""Records of a Kafka topic, of Amazon MSK or of a cluster of your own.

https://docs.aws.amazon.com/lambda/latest/dg/with-msk.html
https://docs.aws.amazon.com/lambda/latest/dg/with-kafka.html
"""

from __future__ import annotations

import json
from binascii import a2b_base64

from .enclosed import EnclosedRecord, EnclosingBatch, PayloadRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from typing import Any

_NO_TIMESTAMP = "NO_TIMESTAMP_TYPE"


class KafkaRecord(EnclosedRecord, PayloadRecord):
    """One record. What a schema registry says of key and value stands in `raw` (`valueSchemaMetadata`)."""

    __slots__ = ()

    @property
    def topic(self) -> str:
        """The topic's name."""
        topic: str = self._raw["topic"]
        return topic

    @property
    def partition(self) -> int:
        """The number of the partition."""
        partition: int = self._raw["partition"]
        return partition

    @property
    def offset(self) -> int:
        """The record's place in its partition."""
        offset: int = self._raw["offset"]
        return offset

    @property
    def timestamp(self) -> datetime | None:
        """When it was made, or appended to the log, whichever the topic says; None where it says neither."""
        from .timestamps import from_millis

        millis = self._raw.get("timestamp")
        if millis is None or self._raw.get("timestampType") == _NO_TIMESTAMP:
            return None
        return from_millis(millis)

    @property
    def key(self) -> bytes | None:
        """The key; None for a record without one."""
        key = self._raw.get("key")
        return None if key is None else a2b_base64(key)

    @property
    def value(self) -> bytes | None:
        """The value; None for a tombstone, which says that the key is gone."""
        value = self._raw.get("value")
        return None if value is None else a2b_base64(value)

    @property
    def data(self) -> bytes:
        """The value, empty for a tombstone."""
        return self.value or b""

    def json(self) -> Any:
        """The value, parsed, and None for a tombstone; ValueError where it is no JSON."""
        value = self.value
        return None if value is None else json.loads(value)

    @property
    def headers(self) -> list[tuple[str, bytes]]:
        """Names and values, in order; a name may stand there twice."""
        chunks = self._raw.get("headers") or ()
        return [(name, _as_bytes(value)) for chunk in chunks for name, value in chunk.items()]

    @property
    def item_identifier(self) -> dict[str, Any]:
        """Topic and partition as one word, and the offset.

        https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html
        """
        return {"partition": f"{self.topic}-{self.partition}", "offset": self.offset}

    def _cloudevent(self) -> dict[str, Any]:
        event = KafkaEvent(self._event)
        servers = event.bootstrap_servers
        return {
            "id": f"{self.topic}-{self.partition}-{self.offset}",
            "source": event.cluster_arn or (f"kafka://{servers[0]}" if servers else f"kafka:{self.topic}"),
            "type": "com.amazonaws.kafka.record",
            "subject": self.topic,
            "time": self.timestamp,
            "data": self.value,
        }

    def _label(self) -> str:
        return f"{self.offset} of '{self.topic}-{self.partition}'"


class KafkaEvent(EnclosingBatch):
    """Records of one topic, those of each partition in order."""

    __slots__ = ()

    record_class = KafkaRecord

    def _raw_records(self) -> list[dict[str, Any]]:
        partitions = self._raw.get("records") or {}
        return [record for records in partitions.values() for record in records or ()]

    @property
    def cluster_arn(self) -> str | None:
        """The ARN of the MSK cluster; None for a cluster of your own."""
        return self._raw.get("eventSourceArn")

    @property
    def bootstrap_servers(self) -> tuple[str, ...]:
        """The cluster's servers, `host:port`."""
        return tuple((self._raw.get("bootstrapServers") or "").replace(",", " ").split())

    if TYPE_CHECKING:

        def __iter__(self) -> Iterator[KafkaRecord]: ...

        def __getitem__(self, index: int) -> KafkaRecord: ...


def _as_bytes(value: Any) -> bytes:
    """A header's value, whose bytes are numbers: Java writes those over 127 as negative ones."""
    return b"" if value is None else bytes([one & 255 for one in value])
