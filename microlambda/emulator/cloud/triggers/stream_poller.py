"""A stream that Lambda reads for a function: each shard in order, one batch after the other.

https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from microlambda.emulator.cloud import moto_streams
from microlambda.emulator.cloud.moto_mappings import mapping as look_up
from microlambda.emulator.cloud.triggers.bell import Bell
from microlambda.emulator.cloud.triggers.filters import passes

if TYPE_CHECKING:
    from microlambda.emulator.cloud.moto_mappings import Mapping
    from microlambda.emulator.cloud.moto_streams import StreamRecord
    from microlambda.emulator.cloud.triggers.batches import Batches
    from microlambda.emulator.cloud.triggers.workers import Workers

_LOOK_FOR_SHARDS = 5.0  # s; a record in a new one rings before that


class StreamPoller:
    """Reads the shards of one mapping's stream, as the mapping is at each batch, until it is deleted.

    Where it starts is settled when it is made: what comes after CreateEventSourceMapping is after LATEST.
    `places` are those that an earlier run has come to, by shards.
    """

    def __init__(
        self, mapping: Mapping, workers: Workers, batches: Batches, places: dict[str, int] | None = None
    ) -> None:
        self.bell = Bell()
        self.feed_arn = mapping.feed_arn
        self.function_arn = mapping.function_arn
        self._id = mapping.id
        self._region = mapping.region
        self._workers = workers
        self._batches = batches
        self._readers: dict[str, ShardReader] = {}
        for shard in moto_streams.shards(self.feed_arn):
            start = (places or {}).get(shard)
            self._readers[shard] = ShardReader(
                self, shard, _start(mapping, shard) if start is None else start
            )

    @property
    def places(self) -> dict[str, int]:
        """Tell how far each shard has been read, by the last record whose batch has come to its end."""
        return {shard: reader.place for shard, reader in list(self._readers.items())}

    def run(self) -> None:
        """Watch over the readers of the shards, on the calling thread."""
        for reader in list(self._readers.values()):
            self._workers.run(reader.run)
        while True:
            heard = self.bell.rings  # before the look, so that no ring after it is missed
            if self.mapping() is None:
                break
            for shard in moto_streams.shards(self.feed_arn):
                if shard not in self._readers:  # what was split or merged begins at its beginning
                    self._readers[shard] = ShardReader(self, shard, -1)
                    self._workers.run(self._readers[shard].run)
            for reader in self._readers.values():
                reader.bell.ring()
            self.bell.wait(heard, _LOOK_FOR_SHARDS if len(self._readers) > 1 else None)
        for reader in self._readers.values():
            reader.bell.ring()

    def mapping(self) -> Mapping | None:
        """Look at the mapping; None where reading is over."""
        return None if self._workers.are_halted else look_up(self._region, self._id)

    def deliver(self, shard: str, records: list[StreamRecord]) -> int | None:
        """Bring a batch to its end; gives the last place if that was stopped midway, else None."""
        return self._batches.deliver(self.mapping, shard, records)


class ShardReader:
    """Reads one shard, from a place on."""

    def __init__(self, poller: StreamPoller, shard: str, after: int) -> None:
        self.bell = Bell()
        self._poller = poller
        self._shard = shard
        self.place = after
        self._guard = threading.Lock()

    def run(self) -> None:
        """Read, on the calling thread."""
        while True:
            heard = self.bell.rings
            mapping = self._poller.mapping()
            if mapping is None:
                return
            records = self._gather(mapping) if mapping.is_enabled else []
            if not records:
                self.bell.wait(heard, None)
                continue
            passing = [one for one in records if passes(mapping.filters, one.record)]
            stopped_at = self._poller.deliver(self._shard, passing) if passing else None
            self.place = records[-1].sequence if stopped_at is None else stopped_at

    def _gather(self, mapping: Mapping) -> list[StreamRecord]:
        """Read what is there; with a window wait for more, until the batch is full or the time is over."""
        until = time.monotonic() + mapping.window
        while True:
            heard = self.bell.rings
            now = self._poller.mapping()
            if now is None or not now.is_enabled:
                return []
            found = moto_streams.read(self._poller.feed_arn, self._shard, self.place, mapping.batch_size)
            left = until - time.monotonic()
            if not found or len(found) >= mapping.batch_size or left <= 0:
                return found
            self.bell.wait(heard, left)


def _start(mapping: Mapping, shard: str) -> int:
    if mapping.starting_position == "TRIM_HORIZON":
        return -1
    before = mapping.starting_timestamp if mapping.starting_position == "AT_TIMESTAMP" else None
    return moto_streams.last(mapping.feed_arn, shard, before)
