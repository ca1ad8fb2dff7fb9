"""Rules of EventBridge, each with its one target, `live`; other targets are others' and stay.

Those of handlers that are gone are looked for on the default bus, on the planned ones, and on those that the
resource policies of our functions name. A rule goes after its targets: EventBridge asks for that order.
https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteRule.html
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from microlambda.deploy.errors import DeployFailed
from microlambda.deploy.kinds.base import (
    Attributes,
    Job,
    KindDeployer,
    Known,
    difference,
    missing_tags,
    tag_reasons,
)
from microlambda.deploy.kinds.callers import callers
from microlambda.deploy.observed import Seen
from microlambda.deploy.ownership import seen_or_left_alone
from microlambda.plan.names import function_prefix
from microlambda.plan.records import Rule
from microlambda.plan.rules import DEFAULT_BUS, EVENTBRIDGE, bus_of
from microlambda.runtime.events.arns import is_arn
from microlambda.runtime.naming import LIVE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope

    Place = tuple[str, str]  # the bus's ARN, the rule's name

TARGET = "target"

_ENABLED, _DISABLED = "ENABLED", "DISABLED"
# What of a target is ours to say.
_OURS = ("Id", "Arn", "Input", "InputPath", "InputTransformer")


class RuleDeployer(KindDeployer[Rule]):
    """EventBridge's rules."""

    kind = Rule.kind

    def observe(
        self, aws: Aws, scope: Scope, planned: Sequence[Rule], functions: Sequence[str]
    ) -> list[Seen]:
        """List the rules of our tags, and those of planned names, on every bus that may have one."""
        wanted = {(_bus_arn(aws, one.bus), one.name): one for one in planned}
        known = {bus_of(rule) for rule in callers(aws, scope, functions, EVENTBRIDGE)}
        buses = sorted({_bus_arn(aws, DEFAULT_BUS), *known, *(bus for bus, _name in wanted)})
        handlers = {bus: one for (bus, _name), one in wanted.items()}
        listed = aws.each(lambda bus: _list(aws, scope, bus, handlers.get(bus)), buses)
        rules = {(bus, one["Name"]): one for bus, some in zip(buses, listed, strict=True) for one in some}

        def look(place: Place) -> Seen | None:
            record = wanted.get(place)
            return seen_or_left_alone(
                self.kind,
                place[1],
                lambda _name: _seen(aws, place[0], rules[place], record),
                planned=record is not None,
            )

        addresses = {one.address for one in planned}
        seen = [one for one in aws.each(look, rules) if one is not None]
        return [
            one for one in seen if one.address in addresses or one.left_alone or scope.owns(one.tags or {})
        ]

    def compare(self, record: Rule, seen: Seen, known: Known) -> list[str]:
        """Compare what it matches, whether it is on, whom it calls with what, and tags."""
        planned = _target(record, known.value(record.target))
        return [
            *([] if seen.state["pattern"] == record.pattern else ["pattern"]),
            *difference("expression", seen.state["expression"], record.expression),
            *([] if seen.state["description"] == record.description else ["description"]),
            *difference("state", seen.state["state"], _state(record)),
            *([] if seen.state["target"] == planned else [TARGET]),
            *tag_reasons(record.tags, seen.tags),
        ]

    def create(self, job: Job, record: Rule) -> Attributes:
        """Put the rule, then its target."""
        events = job.aws.client("events")
        tags = [{"Key": name, "Value": value} for name, value in record.tags.items()]
        answer = events.put_rule(**_rule(record), Tags=tags)
        _put_target(job, record)
        return {"arn": answer["RuleArn"]}

    def update(self, job: Job, record: Rule, seen: Seen, reasons: Sequence[str]) -> Attributes:
        """Put what differs anew: EventBridge replaces both, the rule and the target, as a whole."""
        events = job.aws.client("events")
        if any(one != TARGET and not one.startswith("tags ") for one in reasons):
            events.put_rule(**_rule(record))
        if TARGET in reasons:
            _put_target(job, record)
        if tags := missing_tags(record.tags, seen.tags):  # PutRule leaves those of a rule that is there
            events.tag_resource(
                ResourceARN=seen.attributes["arn"],
                Tags=[{"Key": name, "Value": value} for name, value in tags.items()],
            )
        return seen.attributes

    def remove(self, job: Job, seen: Seen) -> None:
        """Remove the targets, then the rule."""
        events = job.aws.client("events")
        where = {"EventBusName": seen.state["bus"]}
        with suppress(events.exceptions.ResourceNotFoundException):
            if ids := seen.state["ids"]:
                answer = events.remove_targets(Rule=seen.name, Ids=ids, **where)
                _check(answer, f"removing the targets of the rule {seen.name!r}")
            events.delete_rule(Name=seen.name, **where)


def _list(aws: Aws, scope: Scope, bus: str, planned: Rule | None) -> list[dict[str, Any]]:
    """List the rules of a bus whose names start as ours do; `planned` is one that the bus is to have."""
    events = aws.client("events")
    pages = events.get_paginator("list_rules").paginate(
        EventBusName=bus, NamePrefix=function_prefix(scope.app, scope.stage)
    )
    try:
        return [one for page in pages for one in page["Rules"]]
    except events.exceptions.ResourceNotFoundException as exc:
        if planned is None:
            return []
        raise DeployFailed(
            f"the bus {planned.bus!r} of the handler {planned.target.key!r} does not exist in {aws.region}. "
            f"Create it, or name another: bus=..."
        ) from exc


def _seen(aws: Aws, bus: str, rule: Mapping[str, Any], record: Rule | None) -> Seen:
    events, arn = aws.client("events"), rule["Arn"]
    tags = events.list_tags_for_resource(ResourceARN=arn)["Tags"]
    pages = events.get_paginator("list_targets_by_rule").paginate(Rule=rule["Name"], EventBusName=bus)
    targets = [one for page in pages for one in page["Targets"]]
    ours = next((one for one in targets if one["Id"] == LIVE), None)
    return Seen(
        kind=Rule.kind,
        address=arn if record is None else record.address,
        name=rule["Name"],
        tags={tag["Key"]: tag["Value"] for tag in tags},
        attributes={"arn": arn},
        state={
            "bus": bus,
            "pattern": json.loads(rule["EventPattern"]) if rule.get("EventPattern") else None,
            "expression": rule.get("ScheduleExpression") or None,
            "description": rule.get("Description", ""),
            "state": rule["State"],
            "target": ours and {name: ours[name] for name in _OURS if name in ours},
            "ids": [one["Id"] for one in targets],
        },
    )


def _bus_arn(aws: Aws, bus: str) -> str:
    return bus if is_arn(bus) else aws.arn("events", f"event-bus/{bus}")


def _state(record: Rule) -> str:
    return _ENABLED if record.enabled else _DISABLED


def _rule(record: Rule) -> dict[str, Any]:
    # written as it was measured when it was declared: EventBridge counts its characters
    pattern = json.dumps(record.pattern, separators=(",", ":"), ensure_ascii=False)
    what = {"ScheduleExpression": record.expression} if record.expression else {"EventPattern": pattern}
    return {
        "Name": record.name,
        "EventBusName": record.bus,
        "Description": record.description,
        "State": _state(record),
        **what,
    }


def _target(record: Rule, arn: str | None) -> dict[str, Any]:
    target: dict[str, Any] = {"Id": LIVE, "Arn": arn}
    if record.template is not None:
        paths = dict(record.paths)
        target["InputTransformer"] = {"InputPathsMap": paths, "InputTemplate": record.template}
    return target


def _put_target(job: Job, record: Rule) -> None:
    answer = job.aws.client("events").put_targets(
        Rule=record.name, EventBusName=record.bus, Targets=[_target(record, job.value(record.target))]
    )
    _check(answer, f"giving the rule {record.name!r} its target")


def _check(answer: Mapping[str, Any], doing: str) -> None:
    """Raise what EventBridge says of entries that it did not take: the call itself succeeds."""
    if answer.get("FailedEntryCount"):
        failed: Mapping[str, str] = next(iter(answer.get("FailedEntries", ())), {})
        why = f"{failed.get('ErrorCode', 'no code')}: {failed.get('ErrorMessage', 'no reason given')}"
        raise DeployFailed(f"{doing} failed: {why}")
