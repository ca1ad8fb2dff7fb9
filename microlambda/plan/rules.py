"""`@app.on_event` as a rule of EventBridge; what rules of schedules have in common with it.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from microlambda.plan.errors import PlanError
from microlambda.plan.names import service_name
from microlambda.plan.records import Arn, Permission, Rule, Schedule
from microlambda.plan.wiring import Wiring, allow_calls, check_region
from microlambda.runtime.events.arns import is_arn
from microlambda.runtime.naming import aws_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from microlambda.plan.records import Record
    from microlambda.plan.wiring import Target
    from microlambda.runtime.triggers.eventbridge import EventBridgeTrigger

#: The bus that every account has, and the only one with schedules.
DEFAULT_BUS = "default"
EVENTBRIDGE = "events.amazonaws.com"

_BUS = ":event-bus/"


def plan_events(trigger: EventBridgeTrigger, target: Target) -> Wiring:
    """Plan the rule of a handler of events, and the permission to call it."""
    check_region(
        target,
        "bus",
        trigger.bus,
        ": a rule calls functions of its own region. Deploy it there, or forward the events to a bus here.",
    )
    rule = Rule(
        key=target.key,
        name=trigger_name(target, 1),
        bus=trigger.bus,
        pattern=trigger.event_pattern,
        description=trigger.description,
        target=target.alias,
        tags=target.tags,
    )
    return Wiring(records=(allow(rule, target), rule))


def trigger_name(target: Target, number: int) -> str:
    """Name the rule or schedule of a handler; from its second on with the number behind."""
    return aws_name(_numbered(f"{service_name(target.scope.app, target.scope.stage)}-{target.key}", number))


def trigger_key(target: Target, number: int) -> str:
    """Give the key of a handler's rule or schedule."""
    return _numbered(target.key, number, "#")


def allow(rule: Rule, target: Target) -> Permission:
    """Let a rule call the handler."""
    bus = "" if rule.bus == DEFAULT_BUS else f"{rule.bus}/"
    return allow_calls(
        target,
        EVENTBRIDGE,
        statement=f"rule-{bus}{rule.name}",
        source=rule_arn(rule.bus, rule.name),
        key=rule.key,
    )


def rule_arn(bus: str, name: str) -> Arn | str:
    """Give the ARN that a rule has on a bus, given by its name or ARN; the default one's names no bus."""
    if is_arn(bus):
        place, _, bus = bus.partition(_BUS)
        return f"{place}:{_resource(bus, name)}"
    return Arn(service="events", resource=_resource(bus, name))


def bus_of(rule: str) -> str:
    """Give the ARN of the bus that a rule is on, by the rule's ARN."""
    place, _, resource = rule.partition(":rule/")
    return f"{place}{_BUS}{resource.rpartition('/')[0] or DEFAULT_BUS}"


def check_alone(records: Iterable[Record]) -> None:
    """Raise `PlanError` where two handlers would have one: the second rule of `x` and the first of `x-2`."""
    taken: dict[tuple[str, str], str] = {}
    for record in records:
        if not isinstance(record, Permission | Rule | Schedule):
            continue
        handler = record.alias.key if isinstance(record, Permission) else record.target.key
        for place in (record.address, record.key):
            other = taken.setdefault((record.kind, place), handler)
            if other != handler:
                raise PlanError(
                    f"the handlers {other!r} and {handler!r} would both have the {record.kind} "
                    f"{record.name!r} on AWS. Give one of them another name: name=..."
                )


def _resource(bus: str, name: str) -> str:
    return f"rule/{name}" if bus == DEFAULT_BUS else f"rule/{bus}/{name}"


def _numbered(text: str, number: int, mark: str = "-") -> str:
    return text if number == 1 else f"{text}{mark}{number}"
