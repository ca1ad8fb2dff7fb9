"""Asynchronous invocations: events that wait for their function, are tried again, and are never just lost.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from __future__ import annotations

import heapq
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

from microlambda.emulator.cloud.deployed import FunctionNotFound
from microlambda.emulator.cloud.moto_invoke_configs import InvokeConfig, invoke_config
from microlambda.emulator.cloud.triggers import failure_records
from microlambda.emulator.cloud.triggers.destinations import Parcel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from microlambda.emulator.cloud.triggers.caller import Caller
    from microlambda.emulator.cloud.triggers.destinations import Destinations
    from microlambda.emulator.cloud.triggers.failure_records import Attempt
    from microlambda.emulator.cloud.triggers.workers import Workers

#: Seconds before the first and the second retry. Lambda waits for 1 and 2 minutes.
RETRY_DELAYS = (1.0, 2.0)

#: Events of one function at a time: as many as it has environments.
CONCURRENCY = 10

_LOOK = 0.05  # s, between looks at events that wait for a retry: a later one may be due before


@dataclass(kw_only=True, order=True)
class _Event:
    """An event of a function, by the time (of the monotonic clock) at which it is to be tried."""

    due: float
    number: int
    arn: str = field(compare=False)
    payload: bytes = field(compare=False)
    request_id: str = field(compare=False)
    came: float = field(compare=False)
    tries: int = field(default=0, compare=False)
    attempt: Attempt | None = field(default=None, compare=False)


class _Lane:
    """The events of one function, and how many threads work on them."""

    def __init__(self) -> None:
        self.waiting: list[_Event] = []
        self.threads = 0


class Asynchronous:
    """Takes events at once and runs them beside; each function has a queue of its own."""

    def __init__(
        self, workers: Workers, caller: Caller, destinations: Destinations, retry_delays: Sequence[float]
    ) -> None:
        self._workers = workers
        self._caller = caller
        self._destinations = destinations
        self._retry_delays = retry_delays
        self._lanes: dict[str, _Lane] = defaultdict(_Lane)
        self._count = 0
        self._guard = threading.Lock()

    def submit(self, arn: str, payload: bytes, *, request_id: str | None = None) -> str:
        """Queue an event, which is JSON, for a function; gives the id of the request."""
        now = time.monotonic()
        with self._guard:
            self._count += 1
            number = self._count
        event = _Event(
            due=now,
            number=number,
            arn=arn,
            payload=payload,
            request_id=request_id or str(uuid4()),
            came=now,
        )
        self._queue(event)
        return event.request_id

    def _queue(self, event: _Event) -> None:
        name = event.arn.split(":")[6]
        with self._guard:
            lane = self._lanes[f"{event.arn.split(':')[3]}:{name}"]
            heapq.heappush(lane.waiting, event)
            if lane.threads >= CONCURRENCY:
                return
            lane.threads += 1
        self._workers.run(self._work, lane)

    def _work(self, lane: _Lane) -> None:
        while (event := self._next(lane)) is not None:
            self._run(event)

    def _next(self, lane: _Lane) -> _Event | None:
        """Take the next event that is due; None where nothing waits, and the thread is to end."""
        while True:
            with self._guard:
                wait = lane.waiting[0].due - time.monotonic() if lane.waiting else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(lane.waiting)
                # one thread is enough to wait for what is not due yet
                if wait is None or lane.threads > 1:
                    lane.threads -= 1
                    return None
            if not self._workers.pause(min(wait, _LOOK)):
                return None

    def _run(self, event: _Event) -> None:
        try:
            config = invoke_config(event.arn)
        except FunctionNotFound:
            self._caller.explain_missing(event.arn)
            return
        if time.monotonic() - event.came > config.maximum_age:
            self._give_up(event, config, failure_records.TOO_OLD)
            return
        event.attempt = self._caller.invoke(event.arn, event.payload, event.request_id)
        event.tries += 1
        if event.attempt is None or self._workers.are_halted:
            return
        if event.attempt[1].function_error is None:
            self._succeed(event, config)
        elif event.tries > config.retries:
            self._give_up(event, config, failure_records.EXHAUSTED)
        else:
            self._retry(event, config)

    def _retry(self, event: _Event, config: InvokeConfig) -> None:
        delay = self._retry_delays[min(event.tries, len(self._retry_delays)) - 1] if self._retry_delays else 0
        event.due = time.monotonic() + delay
        if event.due - event.came > config.maximum_age:
            self._give_up(event, config, failure_records.TOO_OLD)
        else:
            self._queue(event)

    def _succeed(self, event: _Event, config: InvokeConfig) -> None:
        if config.on_success is not None:
            self._send(config.on_success, event, "Success")

    def _give_up(self, event: _Event, config: InvokeConfig, condition: str) -> None:
        if config.on_failure is not None:
            self._send(config.on_failure, event, condition)
        if config.dead_letter is not None:
            parcel = Parcel(
                to=config.dead_letter,
                document=event.payload.decode(),
                about=event.arn,
                attributes=failure_records.dead_letter_attributes(event.request_id, event.attempt),
            )
            self._destinations.send(parcel)

    def _send(self, to: str, event: _Event, condition: str) -> None:
        record, folder = _record(event, condition), f"async/{event.arn.split(':')[6]}"
        self._destinations.send(Parcel(to=to, document=record, about=event.arn, folder=folder))


def _record(event: _Event, condition: str) -> dict[str, object]:
    return failure_records.of_invocation(
        event.arn,
        event.payload,
        request_id=event.request_id,
        condition=condition,
        count=event.tries,
        attempt=event.attempt,
    )
