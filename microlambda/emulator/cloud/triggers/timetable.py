"""The clock of scheduled rules and of EventBridge Scheduler.

It ticks every second and fires what became due since the last tick, each once: a machine that slept over
ten moments is told of the last.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from microlambda.emulator.cloud import moto_bus, moto_schedules
from microlambda.emulator.cloud.moto_adapter import ACCOUNT
from microlambda.emulator.cloud.triggers.destinations import Parcel
from microlambda.emulator.cloud.triggers.expressions import latest_due
from microlambda.emulator.events import schedule as scheduled
from microlambda.emulator.events.origin import Origin, iso
from microlambda.runtime.errors import RegistrationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from microlambda.emulator.cloud.moto_bus import Rule
    from microlambda.emulator.cloud.moto_schedules import Schedule
    from microlambda.emulator.cloud.triggers.asynchronous import Asynchronous
    from microlambda.emulator.cloud.triggers.caller import Caller
    from microlambda.emulator.cloud.triggers.deliveries import Deliveries
    from microlambda.emulator.cloud.triggers.destinations import Destinations
    from microlambda.emulator.cloud.triggers.workers import Workers

    Clock = Callable[[], datetime]

TICK = 1.0  # s
#: What EventBridge Scheduler writes in place of these, in a target's input.
#: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
_VARIABLES = "<aws.scheduler.{}>"


@dataclass(kw_only=True)
class _Entry:
    """A rule or schedule: what it said when it was seen first, and until when it has been looked at."""

    text: tuple[str, str]
    begin: datetime
    seen: datetime
    is_new: bool = True


class Timetable:
    """Fires rules and schedules, by the clock or on demand."""

    def __init__(
        self,
        workers: Workers,
        caller: Caller,
        deliveries: Deliveries,
        asynchronous: Asynchronous,
        destinations: Destinations,
        clock: Clock,
    ) -> None:
        self._workers = workers
        self._caller = caller
        self._deliveries = deliveries
        self._asynchronous = asynchronous
        self._destinations = destinations
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._guard = threading.Lock()

    def run(self) -> None:
        """Tick, on the calling thread."""
        while self._workers.pause(TICK):
            try:
                self.fire_due()
            except Exception as exc:  # noqa: BLE001  # one rule must not stop the clock of all others
                self._caller.explain(f"a schedule could not be fired: {type(exc).__name__}: {exc}")

    def look(self) -> None:
        """Note what there is, so that it is due from now on."""
        with self._guard:
            now = self._clock().astimezone(UTC)
            for one in self._there():
                self._entry(one, now)

    def fire_due(self) -> list[str]:
        """Fire what has become due by the clock since the last time; gives the ARNs."""
        with self._guard:
            now = self._clock().astimezone(UTC)
            due = [(one, moment) for one in self._there() if (moment := self._due(one, now)) is not None]
        for one, moment in due:
            self._fire(one, moment)
        return [one.arn for one, _ in due]

    def fire(self, arn: str) -> None:
        """Fire a rule or schedule now, whatever its expression and state; KeyError where there is none."""
        for one in _all():
            if one.arn == arn:
                self._fire(one, self._clock().astimezone(UTC))
                return
        raise KeyError(f"there is no rule with an expression and no schedule {arn}")

    def _there(self) -> list[Rule | Schedule]:
        """List all, and forget those that are gone."""
        there = _all()
        arns = {one.arn for one in there}
        self._entries = {arn: entry for arn, entry in self._entries.items() if arn in arns}
        return there

    def _entry(self, one: Rule | Schedule, now: datetime) -> _Entry:
        text = (one.expression or "", _zone(one))
        entry = self._entries.get(one.arn)
        if entry is None or entry.text != text:
            entry = self._entries[one.arn] = _Entry(text=text, begin=_begin(one) or now, seen=now)
        return entry

    def _due(self, one: Rule | Schedule, now: datetime) -> datetime | None:
        entry = self._entry(one, now)
        after, entry.seen = entry.seen, max(now, entry.seen)
        # "If you do not provide a StartDate for a rate-based schedule, your schedule starts invoking
        # the target immediately": https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
        at_once, entry.is_new = entry.is_new and isinstance(one, moto_schedules.Schedule), False
        if not one.is_on or not _is_within(one, now):
            return None
        try:
            moment = latest_due(
                *entry.text,
                after=after,
                until=now,
                begin=entry.begin,
                from_begin=at_once or _begin(one) is not None,
            )
        except (RegistrationError, ValueError, KeyError) as exc:
            self._caller.explain(f"{one.arn} is never due: {exc}")
            return None
        return moment

    def _fire(self, one: Rule | Schedule, moment: datetime) -> None:
        if isinstance(one, moto_bus.Rule):
            origin = Origin(region=one.region, account=ACCOUNT)
            event = scheduled.build(one.arn, time=moment, origin=origin)
            for target in one.targets:
                if not self._deliveries.match(one, target, event):
                    self._caller.explain(
                        f"the rule {one.name} has the target {target['Arn']}, which gets nothing here"
                    )
        else:
            self._fire_schedule(one, moment)

    def _fire_schedule(self, schedule: Schedule, moment: datetime) -> None:
        """Call the target; with the schedule's role, so that the function's policy is not asked."""
        target, text = schedule.target["Arn"], _input(schedule, moment)
        if target.split(":")[2] != "lambda":
            self._destinations.send_later(Parcel(to=target, document=text, about=schedule.arn))
        elif self._caller.function(target) is not None:
            self._asynchronous.submit(target, text.encode())
        else:
            self._caller.explain_missing(target)
            if queue := (schedule.target.get("DeadLetterConfig") or {}).get("Arn"):
                self._destinations.send_later(Parcel(to=queue, document=text, about=schedule.arn))
        if schedule.is_deleted_after and schedule.expression.startswith("at("):
            moto_schedules.delete(schedule)


def _all() -> list[Rule | Schedule]:
    return [*moto_bus.scheduled_rules(), *moto_schedules.schedules()]


def _zone(one: Rule | Schedule) -> str:
    return one.tz if isinstance(one, moto_schedules.Schedule) else "UTC"


def _begin(one: Rule | Schedule) -> datetime | None:
    return one.start if isinstance(one, moto_schedules.Schedule) else None


def _is_within(one: Rule | Schedule, now: datetime) -> bool:
    if isinstance(one, moto_bus.Rule):
        return True
    return (one.start is None or one.start <= now) and (one.end is None or now <= one.end)


def _input(schedule: Schedule, moment: datetime) -> str:
    text = schedule.target.get("Input")
    if text is None:
        origin = Origin(region=schedule.region, account=ACCOUNT)
        event: dict[str, Any] = scheduled.build(schedule.arn, time=moment, scheduler=True, origin=origin)
        return json.dumps(event)
    values = {
        "schedule-arn": schedule.arn,
        "scheduled-time": iso(moment, "seconds"),
        "execution-id": str(uuid4()),
        "attempt-number": "1",
    }
    for name, value in values.items():
        text = text.replace(_VARIABLES.format(name), value)
    return str(text)
