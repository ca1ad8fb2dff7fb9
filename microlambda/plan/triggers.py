"""What the triggers of handlers come to on AWS, and what the handler's role has to be allowed for them.

One planner for each decorator. A trigger without one is refused by name, never left out in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from microlambda.plan.buckets import plan_bucket
from microlambda.plan.log_lines import plan_log_lines
from microlambda.plan.mappings import plan_queue, plan_stream, plan_table
from microlambda.plan.rules import plan_events
from microlambda.plan.schedules import plan_schedules
from microlambda.plan.topics import plan_topic
from microlambda.plan.wiring import Target, Wiring

if TYPE_CHECKING:
    from microlambda.runtime.dispatch.handler import Handler

Planner = Callable[[Any, Target], Wiring]

#: Handlers that are called by name alone.
BY_NAME = ("lambda_function", "task")

#: Handlers that an API asks: `plan/authorizers.py` wires them, with the routes that name them.
ASKED = ("authorizer",)

PLANNERS: dict[str, Planner] = {
    "on_sqs_message": plan_queue,
    "on_dynamodb_record": plan_table,
    "on_kinesis_record": plan_stream,
    "on_event": plan_events,
    "on_cw_event": plan_events,
    "schedule": plan_schedules,
    "on_sns_message": plan_topic,
    "on_s3_event": plan_bucket,
    "on_log_events": plan_log_lines,
}


def is_deployed(handler: Handler) -> bool:
    """Tell whether this version can bring the handler's trigger to AWS."""
    return handler.kind in (*BY_NAME, *ASKED, *PLANNERS)


def wire(handler: Handler, target: Target) -> Wiring:
    """Plan the trigger of a handler; nothing for one that is called by name."""
    planner = PLANNERS.get(handler.kind)
    return Wiring() if planner is None else planner(handler.trigger, target)
