"""`@app.on_log_events`: a subscription filter of a log group, and the permission for CloudWatch Logs to call.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from microlambda.plan.errors import PlanError
from microlambda.plan.names import log_group_name
from microlambda.plan.records import Arn, LogGroup, LogSubscription, Record, Ref
from microlambda.plan.wiring import Wiring, allow_calls, check_region
from microlambda.runtime.events.arns import is_arn
from microlambda.runtime.triggers.logs import group_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from microlambda.plan.wiring import Target
    from microlambda.runtime.triggers.logs import LogsTrigger

LOGS = "logs.amazonaws.com"

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
_MOST = 2  # subscription filters of a log group


def plan_log_lines(trigger: LogsTrigger, target: Target) -> Wiring:
    """Plan the subscription of a handler's alias, and before it the permission to call it."""
    check_region(target, "log group", trigger.log_group)
    group = group_name(trigger.log_group)
    if group == log_group_name(target.function_name):
        raise PlanError(
            f"the handler {target.key!r} listens to its own log group, {group!r}: each of its lines would "
            "call it again, for ever. Name another one."
        )
    permission = allow_calls(
        target,
        LOGS,
        statement=f"logs-{trigger.log_group}",
        source=f"{trigger.log_group}:*" if is_arn(trigger.log_group) else _lines_of(group),
    )
    subscription = LogSubscription(
        key=target.key,
        name=group,
        declared=trigger.log_group,
        function_name=target.function_name,
        target=target.alias,
        pattern=trigger.filter_pattern,
    )
    return Wiring(records=(permission, subscription))


def linked(records: Sequence[Record]) -> list[Record]:
    """Put what listens to log groups of the same plan behind them; `PlanError` where one has too many."""
    groups = {one.name: Ref(kind=LogGroup.kind, key=one.key) for one in records if isinstance(one, LogGroup)}
    subscriptions = [one for one in records if isinstance(one, LogSubscription)]
    _check_number(subscriptions)
    last = [replace(one, own=groups[one.name]) for one in subscriptions if one.name in groups]
    behind = {one.address for one in last}
    return [
        *(one for one in records if not (isinstance(one, LogSubscription) and one.address in behind)),
        *last,
    ]


def _check_number(subscriptions: Sequence[LogSubscription]) -> None:
    handlers = defaultdict(list)
    for one in subscriptions:
        handlers[one.name].append(one.key)
    for group, listening in handlers.items():
        if len(listening) > _MOST:
            raise PlanError(
                f"the handlers {', '.join(map(repr, listening))} listen to the log group {group!r}, and AWS "
                f"lets {_MOST} listen to one. Let one of them call the others."
            )


def _lines_of(group: str) -> Arn:
    return Arn(service="logs", resource=f"log-group:{group}:*")
