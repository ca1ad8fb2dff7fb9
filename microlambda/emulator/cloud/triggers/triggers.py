"""All that calls functions by itself, started and stopped as a whole."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from functools import wraps
from typing import TYPE_CHECKING, Any

from microlambda.emulator.cloud.moto_buckets import telling_of_objects
from microlambda.emulator.cloud.moto_bus import put_on_bus, telling_of_events
from microlambda.emulator.cloud.moto_logs import telling_of_lines
from microlambda.emulator.cloud.moto_mappings import Mapping, mapping, telling_of_mappings
from microlambda.emulator.cloud.moto_queues import telling_of_queues
from microlambda.emulator.cloud.moto_schedules import telling_of_schedules
from microlambda.emulator.cloud.moto_streams import telling_of_streams
from microlambda.emulator.cloud.moto_topics import telling_of_notifications
from microlambda.emulator.cloud.triggers.asynchronous import RETRY_DELAYS, Asynchronous
from microlambda.emulator.cloud.triggers.batches import Batches
from microlambda.emulator.cloud.triggers.caller import Caller
from microlambda.emulator.cloud.triggers.deliveries import Deliveries
from microlambda.emulator.cloud.triggers.destinations import Destinations
from microlambda.emulator.cloud.triggers.queue_poller import QueuePoller
from microlambda.emulator.cloud.triggers.stream_poller import StreamPoller
from microlambda.emulator.cloud.triggers.timetable import Timetable
from microlambda.emulator.cloud.triggers.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from microlambda.emulator.cloud.functions import Functions
    from microlambda.emulator.cloud.moto_adapter import Moto
    from microlambda.emulator.cloud.policies import Policies
    from microlambda.emulator.cloud.triggers.timetable import Clock

    Poller = QueuePoller | StreamPoller

#: How far shards have been read, for a function from a stream, by their ARNs.
Places = dict[tuple[str, str], dict[str, int]]


class Triggers:
    """What calls functions in one cloud.

    `client` makes boto3's clients for it, `explain` is told why a function is not called, and `say` what
    failed here.
    """

    def __init__(
        self,
        moto: Moto,
        functions: Functions,
        policies: Policies,
        *,
        client: Callable[..., Any],
        clock: Clock,
        explain: Callable[[str], None],
        say: Callable[[str], None],
        retry_delays: Sequence[float] = RETRY_DELAYS,
    ) -> None:
        self._say = say
        self._workers = Workers(say)
        self._caller = Caller(moto, functions, policies, explain)
        destinations = Destinations(self._workers, client, explain)
        self.asynchronous = Asynchronous(self._workers, self._caller, destinations, retry_delays)
        self._batches = Batches(self._workers, self._caller, destinations, retry_delays)
        self._deliveries = Deliveries(self._caller, self.asynchronous, destinations)
        self.timetable = Timetable(
            self._workers, self._caller, self._deliveries, self.asynchronous, destinations, clock
        )
        self._pollers: dict[str, Poller] = {}
        self._earlier: Places = {}
        self._guard = threading.Lock()
        self._patches = ExitStack()

    def start(self) -> None:
        """Listen to what happens in moto, which is started, and start the clock."""
        shielded, deliveries = self._shielded, self._deliveries
        for listening in (
            telling_of_mappings(shielded(self._mapping_changed, None)),
            telling_of_queues(self._has_news),
            telling_of_streams(self._has_news),
            telling_of_notifications(shielded(deliveries.notify, None)),
            telling_of_objects(shielded(deliveries.tell_of_object, None), shielded(put_on_bus, None)),
            telling_of_events(
                shielded(deliveries.match, True), self._caller.explain, shielded(self.timetable.look, None)
            ),
            telling_of_lines(
                shielded(deliveries.send_lines, None), shielded(deliveries.may_send_lines, True)
            ),
            telling_of_schedules(shielded(self.timetable.look, None)),
        ):
            self._patches.enter_context(listening)
        self._workers.run(self.timetable.run)

    def go_on_from(self, places: Places) -> None:
        """Let the mappings that come, the first of each pair, go on where an earlier run has ended."""
        self._earlier = dict(places)

    @property
    def places(self) -> Places:
        """Tell how far streams have been read, also for what no mapping has gone on with yet."""
        with self._guard:
            pollers = list(self._pollers.values())
        read = {
            (one.function_arn, one.feed_arn): one.places for one in pollers if isinstance(one, StreamPoller)
        }
        return {**self._earlier, **read}

    def halt(self) -> None:
        """Begin nothing more; what runs goes on until its function is ended."""
        self._workers.halt()
        with self._guard:
            pollers = list(self._pollers.values())
        for poller in pollers:
            poller.bell.ring()

    def join(self) -> None:
        """Wait for the end of what was halted, and leave moto alone."""
        self._workers.join()
        self._patches.close()

    def _mapping_changed(self, changed: Mapping) -> None:
        with self._guard:
            poller = self._pollers.get(changed.id)
            if poller is None:
                poller = self._pollers[changed.id] = self._poller(changed)
                self._workers.run(poller.run)
            elif mapping(changed.region, changed.id) is None:
                del self._pollers[changed.id]
        poller.bell.ring()

    def _poller(self, changed: Mapping) -> Poller:
        if changed.service == "sqs":
            return QueuePoller(changed, self._workers, self._caller)
        places = self._earlier.pop((changed.function_arn, changed.feed_arn), None)
        return StreamPoller(changed, self._workers, self._batches, places)

    def _has_news(self, arn: str) -> None:
        with self._guard:
            pollers = [one for one in self._pollers.values() if one.feed_arn == arn]
        for poller in pollers:
            poller.bell.ring()

    def _shielded(self, call: Callable[..., Any], otherwise: Any) -> Any:
        """Keep what goes wrong here from whoever put an object or published a message: say it instead."""

        @wraps(call)
        def shielded(*args: Any) -> Any:
            try:
                return call(*args)
            except Exception as exc:  # noqa: BLE001  # of a trigger no caller of an AWS API may learn
                self._say(f"a trigger failed in the embedded cloud: {type(exc).__name__}: {exc}")
                return otherwise

        return shielded
