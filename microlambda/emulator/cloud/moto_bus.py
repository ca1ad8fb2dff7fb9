"""moto's EventBridge: what is put on a bus goes to the rules that match it, matched and written by us.

moto's matcher knows not all operators, it takes no heed of rules that are switched off, and fails the
sender where a target is a function.
"""

from __future__ import annotations

import copy
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from microlambda.emulator.cloud.moto_adapter import ACCOUNT
from microlambda.emulator.events.origin import iso
from microlambda.runtime.errors import RegistrationError
from microlambda.runtime.triggers.patterns import check_pattern, matches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Event = dict[str, Any]
    Deliver = Callable[["Rule", Mapping[str, Any], Event], bool]

_ON = ("ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule and its targets."""

    arn: str
    name: str
    region: str
    is_on: bool
    expression: str | None
    targets: tuple[Mapping[str, Any], ...] = ()


@contextmanager
def telling_of_events(
    deliver: Deliver, explain: Callable[[str], None], changed: Callable[[], None]
) -> Iterator[None]:
    """Call back with rule, target and event of each match, and when rules change.

    moto sends to a target itself where `deliver` answers that it does not.
    """
    from moto.events import notifications
    from moto.events.models import EventPattern, EventPatternParser, EventsBackend
    from moto.events.models import Rule as Stored

    send, put_rule = Stored.send_to_targets, EventsBackend.put_rule

    def sent(stored: Any, event: Any, transform_input: bool = True) -> None:
        pattern, written = stored.event_pattern.get_pattern(), _written(event)
        if stored.state not in _ON or not pattern or not matches(pattern, written):
            return
        rule = _read(stored)
        for target in rule.targets:
            if not deliver(rule, target, written):
                alone = copy.copy(stored)
                alone.targets, alone.event_pattern = [target], EventPattern.load(None)
                timed: Any = {**event, "time": _seconds(event["time"])}
                try:
                    send(alone, timed, transform_input)
                except NotImplementedError:
                    explain(f"the rule {stored.name} has the target {target['Arn']}, which gets nothing here")

    def put(*args: Any, **named: Any) -> Any:
        stored = put_rule(*args, **named)
        changed()
        return stored

    with (
        patch.object(Stored, "send_to_targets", sent),
        patch.object(EventsBackend, "put_rule", put),
        patch.object(EventPatternParser, "_validate_event_pattern", _check),
        patch.object(notifications, "_invoke_lambda", _nothing),
    ):
        yield


def _check(_parser: Any, pattern: Any) -> None:
    """Refuse a pattern that EventBridge refuses, and that would fail whoever puts an event."""
    from moto.events.exceptions import InvalidEventPatternException

    if pattern == {}:  # of a rule that has an expression
        return
    try:
        check_pattern("PutRule", "EventPattern", pattern)
    except RegistrationError as exc:
        raise InvalidEventPatternException(reason=str(exc)) from exc


def put_on_bus(region: str, make: Callable[[], Event]) -> None:
    """Hand an event of a service of AWS to the rules of a region's default bus."""
    event = make()
    for stored in list(_backend(region).event_buses["default"].rules.values()):
        stored.send_to_targets(event)


def scheduled_rules() -> list[Rule]:
    """List the rules that have an expression, of all regions."""
    from moto.events.models import events_backends

    return [
        _read(stored)
        for backend in list(events_backends[ACCOUNT].values())
        for stored in list(backend.event_buses["default"].rules.values())
        if stored.scheduled_expression
    ]


def _read(stored: Any) -> Rule:
    return Rule(
        arn=stored.arn,
        name=stored.name,
        region=stored.region_name,
        is_on=stored.state in _ON,
        expression=stored.scheduled_expression,
        targets=tuple(stored.targets),
    )


def _written(event: Event) -> Event:
    """Write an event as EventBridge does; moto has times as numbers, and one more of them."""
    return {
        **{name: value for name, value in event.items() if name != "ingestion-time"},
        "time": iso(datetime.fromtimestamp(_seconds(event["time"]), UTC), "seconds"),
    }


def _seconds(time: Any) -> float:
    if isinstance(time, str):
        try:
            return float(time)
        except ValueError:
            return datetime.fromisoformat(time).timestamp()
    return float(time)


def _backend(region: str) -> Any:
    from moto.events.models import events_backends

    return events_backends[ACCOUNT][region]


def _nothing(*_args: Any, **_named: Any) -> None:
    """In place of moto's own call of a function when a bucket is created."""
