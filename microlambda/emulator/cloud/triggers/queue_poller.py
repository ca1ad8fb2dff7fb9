"""A queue that Lambda polls for a function: batches, several at a time.

What failed stays hidden until the queue's visibility timeout is over, and is read again; it reaches the
dead-letter queue by the queue's own redrive policy.
https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
"""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from microlambda.emulator.cloud import moto_queues
from microlambda.emulator.cloud.moto_mappings import mapping as look_up
from microlambda.emulator.cloud.triggers.bell import Bell
from microlambda.emulator.cloud.triggers.filters import passes
from microlambda.emulator.cloud.triggers.partial_failures import reported

if TYPE_CHECKING:
    from microlambda.emulator.cloud.moto_mappings import Mapping
    from microlambda.emulator.cloud.triggers.caller import Caller
    from microlambda.emulator.cloud.triggers.workers import Workers

    Record = dict[str, Any]

#: Batches at a time, unless the mapping says how many; where Lambda begins, too.
#: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
CONCURRENCY = 5

_LOOK_FOR_FUNCTION = 1.0  # s
_AT_ONCE = 10  # messages at once, as ReceiveMessage gives them
_FULL = 3_500_000  # bytes; with ten more messages a batch stays within the 6 MB of an invocation


class QueuePoller:
    """Polls for one mapping, as that is at each batch, until it is deleted."""

    def __init__(self, mapping: Mapping, workers: Workers, caller: Caller) -> None:
        self.bell = Bell()
        self.feed_arn = mapping.feed_arn
        self._id = mapping.id
        self._region = mapping.region
        self._workers = workers
        self._caller = caller
        self._running = 0
        self._guard = threading.Lock()

    def run(self) -> None:
        """Poll, on the calling thread."""
        while True:
            heard = self.bell.rings  # before the look, so that no ring after it is missed
            mapping = self._mapping()
            if mapping is None:
                return
            if self._caller.function(mapping.function_arn) is None:  # it may come back
                self._caller.explain_missing(mapping.function_arn)
                self.bell.wait(heard, _LOOK_FOR_FUNCTION)
                continue
            if not mapping.is_enabled or not self._has_room(mapping):
                self.bell.wait(heard, None)
                continue
            batch = self._gather(mapping)
            if batch:
                self._start(mapping, batch)
            else:
                self.bell.wait(heard, moto_queues.seconds_to_next(self.feed_arn))

    def _mapping(self) -> Mapping | None:
        """Look at the mapping; None where polling is over."""
        return None if self._workers.are_halted else look_up(self._region, self._id)

    def _is_enabled(self) -> bool:
        mapping = self._mapping()
        return mapping is not None and mapping.is_enabled

    def _has_room(self, mapping: Mapping) -> bool:
        with self._guard:
            return self._running < (mapping.maximum_concurrency or CONCURRENCY)

    def _gather(self, mapping: Mapping) -> list[Record]:
        """Take what is there; with a window wait for more, until the batch is full or the time is over."""
        batch: list[Record] = []
        until = time.monotonic() + mapping.window
        while True:
            heard = self.bell.rings
            if not self._is_enabled():  # switched off while it waited for more
                moto_queues.release(self.feed_arn, _handles(batch))
                return []
            room = min(_AT_ONCE, mapping.batch_size - len(batch))
            found = moto_queues.receive(self.feed_arn, room, self._is_enabled)
            # what became visible again meanwhile is the same message, with a newer handle
            batch = list({one["messageId"]: one for one in [*batch, *found]}.values())
            if len(batch) >= mapping.batch_size or sum(len(one["body"]) for one in batch) > _FULL:
                break
            left = until - time.monotonic()
            if not found and (not batch or left <= 0):
                break
            if not found:
                self.bell.wait(heard, left)
        return batch

    def _start(self, mapping: Mapping, batch: list[Record]) -> None:
        passing: list[Record] = []
        others: list[Record] = []
        for one in batch:
            (passing if passes(mapping.filters, one) else others).append(one)
        # "If a message doesn't satisfy your filter criteria, Lambda removes the message from the queue"
        self._delete(others)
        if passing:
            with self._guard:
                self._running += 1
            self._workers.run(self._call, mapping, passing)

    def _call(self, mapping: Mapping, batch: list[Record]) -> None:
        try:
            self._delete(self._done(mapping, batch))
        finally:
            with self._guard:
                self._running -= 1
            self.bell.ring()

    def _done(self, mapping: Mapping, batch: list[Record]) -> list[Record]:
        """Run the function; give the messages that it has done with."""
        payload = json.dumps({"Records": batch}).encode()
        called = self._caller.invoke(mapping.function_arn, payload, str(uuid4()))
        if called is None or called[1].function_error is not None:
            return []
        failed: set[str] | None = set()
        if mapping.reports_failures:
            failed = reported(called[1].payload, {one["messageId"] for one in batch})
        return [] if failed is None else [one for one in batch if one["messageId"] not in failed]

    def _delete(self, records: list[Record]) -> None:
        moto_queues.delete(self.feed_arn, _handles(records))


def _handles(records: list[Record]) -> list[str]:
    return [one["receiptHandle"] for one in records]
