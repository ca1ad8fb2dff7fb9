"""One batch of a stream's shard: tried again, split, given up, as the mapping says.

https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

from microlambda.emulator.cloud.triggers import failure_records
from microlambda.emulator.cloud.triggers.destinations import Parcel
from microlambda.emulator.cloud.triggers.partial_failures import reported

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from microlambda.emulator.cloud.moto_mappings import Mapping
    from microlambda.emulator.cloud.moto_streams import StreamRecord
    from microlambda.emulator.cloud.triggers.caller import Caller
    from microlambda.emulator.cloud.triggers.destinations import Destinations
    from microlambda.emulator.cloud.triggers.failure_records import Attempt
    from microlambda.emulator.cloud.triggers.workers import Workers

    Look = Callable[[], Mapping | None]

_LOOK_FOR_FUNCTION = 1.0  # s


@dataclass(kw_only=True)
class _Batch:
    records: list[StreamRecord]
    failures: int = 0
    attempt: Attempt | None = None
    request_id: str = field(default_factory=lambda: str(uuid4()))


class Batches:
    """Calls functions with batches until each of their records is done, or given up."""

    def __init__(
        self, workers: Workers, caller: Caller, destinations: Destinations, retry_delays: Sequence[float]
    ) -> None:
        self._workers = workers
        self._caller = caller
        self._destinations = destinations
        self._retry_delays = retry_delays

    def deliver(self, look: Look, shard: str, records: list[StreamRecord]) -> int | None:
        """Deliver in order; the place before what is left, if the mapping was stopped meanwhile."""
        waiting = [_Batch(records=records)]
        while waiting:
            batch = waiting.pop(0)
            mapping = look()
            if mapping is None or not mapping.is_enabled:
                return batch.records[0].sequence - 1
            batch = self._without_old(mapping, shard, batch)
            if batch.records:
                waiting[:0] = self._tried(mapping, shard, batch)
        return None

    def _tried(self, mapping: Mapping, shard: str, batch: _Batch) -> list[_Batch]:
        """Call the function; give what is to be done next."""
        payload = json.dumps({"Records": [one.record for one in batch.records]}).encode()
        batch.attempt = self._caller.invoke(mapping.function_arn, payload, batch.request_id)
        if batch.attempt is None:  # the alias is gone, and may come again
            self._workers.pause(_LOOK_FOR_FUNCTION)
            return [batch]
        done = _count_done(mapping, batch)
        left = batch.records[done:]
        if not left or self._workers.are_halted:
            return [batch] if left else []
        if mapping.bisects and (done or len(left) > 1):  # "splitting a batch does not count as a retry"
            return _split(batch, left, is_shorter=bool(done))
        failures = batch.failures + 1
        if 0 <= mapping.retries < failures:
            self._give_up(mapping, shard, left, batch, failure_records.STREAM_EXHAUSTED, failures)
            return []
        self._workers.pause(self._delay(failures))
        return [_Batch(records=left, failures=failures, attempt=batch.attempt, request_id=batch.request_id)]

    def _delay(self, failures: int) -> float:
        if not self._retry_delays:
            return 0.0
        return self._retry_delays[min(failures, len(self._retry_delays)) - 1]

    def _without_old(self, mapping: Mapping, shard: str, batch: _Batch) -> _Batch:
        if mapping.maximum_age < 0:
            return batch
        oldest = time.time() - mapping.maximum_age
        old = [one for one in batch.records if one.arrived < oldest]
        if old:
            self._give_up(mapping, shard, old, batch, failure_records.STREAM_TOO_OLD, batch.failures)
        batch.records = [one for one in batch.records if one.arrived >= oldest]
        return batch

    def _give_up(
        self,
        mapping: Mapping,
        shard: str,
        records: list[StreamRecord],
        batch: _Batch,
        condition: str,
        count: int,
    ) -> None:
        if mapping.on_failure is None:
            return
        record = failure_records.of_batch(
            mapping,
            shard,
            records,
            request_id=batch.request_id,
            condition=condition,
            count=count,
            attempt=batch.attempt,
        )
        if mapping.on_failure.split(":")[2] == "s3":  # it has room for the batch itself
            record["payload"] = json.dumps({"Records": [one.record for one in records]})
        parcel = Parcel(
            to=mapping.on_failure,
            document=record,
            about=mapping.function_arn,
            folder=f"{mapping.id}/{shard}",
        )
        self._destinations.send(parcel)


def _count_done(mapping: Mapping, batch: _Batch) -> int:
    """Count the records before the first that failed."""
    assert batch.attempt is not None  # noqa: S101  # it has just been made
    invocation = batch.attempt[1]
    if invocation.function_error is not None:
        return 0
    if not mapping.reports_failures:
        return len(batch.records)
    numbers = [str(one.sequence) for one in batch.records]
    failed = reported(invocation.payload, numbers)
    if failed is None:
        return 0
    return min((numbers.index(one) for one in failed), default=len(numbers))


def _split(batch: _Batch, left: list[StreamRecord], *, is_shorter: bool) -> list[_Batch]:
    """Split what is left in halves; where the function said what failed, that was a split already."""
    if is_shorter:
        return [_Batch(records=left, failures=batch.failures)]
    middle = len(left) // 2
    return [_Batch(records=half, failures=batch.failures) for half in (left[:middle], left[middle:])]
