"""`@app.schedule`: a rule for each expression, or a schedule of Scheduler where rules cannot do it.

Either way the event says which handler it is for, and brings the `input` that was declared: what a target is
given replaces the whole event, so ours is written out, in the shape that `ScheduleEvent` reads.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from microlambda.plan import names
from microlambda.plan.errors import PlanError
from microlambda.plan.policies import invoke_live
from microlambda.plan.records import Ref, Role, Rule, Schedule, ScheduleGroup
from microlambda.plan.rules import DEFAULT_BUS, allow, trigger_key, trigger_name
from microlambda.plan.wiring import Wiring
from microlambda.runtime.naming import aws_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from microlambda.plan.plan import Scope
    from microlambda.plan.records import Record
    from microlambda.plan.wiring import Target
    from microlambda.runtime.dispatch.handler import Handler
    from microlambda.runtime.triggers.schedule import ScheduleTrigger

#: The key of the role that Scheduler calls handlers as, and of the group of all schedules.
INVOKE, GROUP = "schedules.invoke", "schedules"

# What Scheduler does unless told otherwise:
# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html
_RETRIES, _MAXIMUM_AGE = 185, 86_400
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_InputTransformer.html
_MOST_OF_A_TEMPLATE = 8_192
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/scheduler-quotas.html
_MOST_OF_AN_INPUT = 262_144
# Of a resource policy's 20,480 bytes a statement takes up to some 480.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_MOST_RULES = 40

# Of an input, for what stands beside the detail.
_REST = 2_048

_SCHEDULER = "scheduler.amazonaws.com"
_TRUST: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": _SCHEDULER}, "Action": "sts:AssumeRole"}],
}

#: Every field of a scheduled event but its detail, by the variable that stands for it.
PATHS = {
    name: f"$.{name}"
    for name in ("version", "id", "detail-type", "source", "account", "time", "region", "resources")
}


def plan_schedules(trigger: ScheduleTrigger, target: Target) -> Wiring:
    """Plan a rule with its permission, or a schedule, for each expression of a handler."""
    if trigger.needs_scheduler:
        return Wiring(records=tuple(_schedules(trigger, target)))
    if len(trigger.expressions) > _MOST_RULES:
        raise PlanError(
            f"the handler {target.key!r} has {len(trigger.expressions)} expressions, and a function's policy "
            f'has room for some {_MOST_RULES} rules. With tz="UTC" they are schedules, which need none of it.'
        )
    rules = _rules(trigger, target)
    return Wiring(records=tuple(record for rule in rules for record in (allow(rule, target), rule)))


def common(
    scope: Scope, handlers: Iterable[Handler], functions: Iterable[str], tags: Mapping[str, str]
) -> list[Record]:
    """Plan what the stage's schedules share, if there are any: a group, and a role that calls handlers."""
    scheduled = {one.name: one.trigger for one in handlers if _needs_scheduler(one)}
    if not scheduled:
        return []
    _check_role_name(scope, functions)
    queues = [one.asynchronous.dead_letter_queue for one in scheduled.values()]
    return [
        Role(
            key=INVOKE,
            name=names.role_name(scope.app, scope.stage, INVOKE, scope.region),
            path=names.role_path(scope.app, scope.stage),
            trust=_TRUST,
            policies=_policies(scope, scheduled, [one for one in queues if one is not None]),
            tags=tags,
        ),
        ScheduleGroup(key=GROUP, name=group_name(scope.app, scope.stage), tags=tags),
    ]


def group_name(app: str, stage: str) -> str:
    """Name the group of the stage's schedules."""
    return aws_name(names.service_name(app, stage))


def _rules(trigger: ScheduleTrigger, target: Target) -> list[Rule]:
    template = _template(trigger, target)
    return [
        Rule(
            key=trigger_key(target, number),
            name=trigger_name(target, number),
            bus=DEFAULT_BUS,
            expression=str(expression),
            description=trigger.description,
            enabled=trigger.enabled,
            target=target.alias,
            template=template,
            paths=PATHS,
            tags=target.tags,
        )
        for number, expression in enumerate(trigger.expressions, start=1)
    ]


def _schedules(trigger: ScheduleTrigger, target: Target) -> list[Schedule]:
    options, event = trigger.asynchronous, _event(trigger, target)
    _check_queue(options.dead_letter_queue, target)
    return [
        Schedule(
            key=trigger_key(target, number),
            name=trigger_name(target, number),
            group=Ref(kind=ScheduleGroup.kind, key=GROUP, attribute="name"),
            group_name=group_name(target.scope.app, target.scope.stage),
            expression=str(expression),
            tz=trigger.tz or "UTC",
            description=trigger.description,
            enabled=trigger.enabled,
            target=target.alias,
            role=Ref(kind=Role.kind, key=INVOKE),
            event=event,
            retries=_RETRIES if options.retries is None else options.retries,
            maximum_age=_MAXIMUM_AGE if options.maximum_age is None else options.maximum_age,
            dead_letter_queue=options.dead_letter_queue,
        )
        for number, expression in enumerate(trigger.expressions, start=1)
    ]


def _template(trigger: ScheduleTrigger, target: Target) -> str:
    """Write the event with variables; those without quotes become the JSON that they stand for."""
    fields = ",".join(f'"{name}":<{name}>' for name in PATHS)
    template = f'{{{fields},"detail":{_plain_text(_detail(trigger, target))}}}'
    if len(template) > _MOST_OF_A_TEMPLATE:
        raise _too_long(target, len(template), _MOST_OF_A_TEMPLATE)
    return template


def _event(trigger: ScheduleTrigger, target: Target) -> dict[str, Any]:
    size = len(_plain_text(_detail(trigger, target)).encode())
    if size > _MOST_OF_AN_INPUT - _REST:
        raise _too_long(target, size, _MOST_OF_AN_INPUT - _REST)
    return {
        "version": "0",
        "id": "<aws.scheduler.execution-id>",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "time": "<aws.scheduler.scheduled-time>",
        "region": target.scope.region,
        "resources": ["<aws.scheduler.schedule-arn>"],
        "detail": _detail(trigger, target),
    }


def _detail(trigger: ScheduleTrigger, target: Target) -> dict[str, Any]:
    return {"handler": target.key, "input": trigger.input}


def event_text(event: Mapping[str, Any], account: str) -> str:
    """Write a schedule's event as its target's input: with variables, but none in its detail."""
    outside = {name: value for name, value in event.items() if name != "detail"} | {"account": account}
    return f'{json.dumps(outside, separators=(",", ":"))[:-1]},"detail":{_plain_text(event["detail"])}}}'


def _plain_text(value: Any) -> str:
    """Write JSON in which nothing looks like a variable: AWS replaces `<name>` wherever it stands."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e")


def _too_long(target: Target, size: int, most: int) -> PlanError:
    return PlanError(
        f"the handler {target.key!r} has an event of {size:,} characters with its input; AWS takes {most:,}. "
        "Shorten input=, or let the handler read it from elsewhere."
    )


def _needs_scheduler(handler: Handler) -> bool:
    trigger: Any = handler.trigger
    return handler.kind == "schedule" and bool(trigger.needs_scheduler)


def _check_role_name(scope: Scope, functions: Iterable[str]) -> None:
    taken = names.function_name(scope.app, scope.stage, INVOKE)
    for handler in functions:
        if names.function_name(scope.app, scope.stage, handler) == taken:
            raise PlanError(
                f"the handler {handler!r} has the name of the role that EventBridge Scheduler calls "
                f"handlers as: {taken!r}. Give it another: name=..."
            )


def _check_queue(queue: str | None, target: Target) -> None:
    if queue is not None and queue.split(":")[2] != "sqs":
        raise PlanError(
            f"the handler {target.key!r} has dead_letter_queue={queue!r}, and EventBridge Scheduler, which "
            "its schedule needs, sends to queues of SQS alone. Name a queue."
        )


def _policies(scope: Scope, handlers: Iterable[str], queues: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    called = [names.function_name(scope.app, scope.stage, one) for one in handlers]
    policies: dict[str, Mapping[str, Any]] = {"microlambda-invoke": invoke_live(called)}
    if queues:
        policies["microlambda-failures"] = _allow("sqs:SendMessage", list(dict.fromkeys(queues)))
    return policies


def _allow(action: str, resources: Sequence[str]) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": action, "Resource": resources}],
    }
