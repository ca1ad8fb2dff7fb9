"""Schedules of EventBridge Scheduler, in the group of their stage: what is in it is ours if the group is.

One whose moment has passed stays where it is, so that nothing is done about it again and again.
https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from microlambda.deploy.kinds.base import Attributes, Job, KindDeployer, Known, difference
from microlambda.deploy.kinds.schedule_group import look_at
from microlambda.deploy.observed import Seen
from microlambda.plan.records import Schedule
from microlambda.plan.schedules import event_text, group_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope


class ScheduleDeployer(KindDeployer[Schedule]):
    """EventBridge Scheduler's schedules."""

    kind = Schedule.kind

    def observe(
        self, aws: Aws, scope: Scope, planned: Sequence[Schedule], functions: Sequence[str]
    ) -> list[Seen]:
        """List the schedules of the stage's group, if it is ours or is going to be."""
        del functions
        group = look_at(aws, group_name(scope.app, scope.stage))
        if group is None or not (planned or scope.owns(group.tags or {})):
            return []
        pages = aws.client("scheduler").get_paginator("list_schedules").paginate(GroupName=group.name)
        names = [one["Name"] for page in pages for one in page["Schedules"]]
        seen = aws.each(lambda name: _observe(aws, group.name, name), names)
        return [one for one in seen if one is not None]

    def compare(self, record: Schedule, seen: Seen, known: Known) -> list[str]:
        """Compare when it is due, whether it is on, and whom it calls how."""
        now, planned = seen.state, _arguments(record, known.value, known.place.account)
        target = planned["Target"]
        return [
            *difference("expression", now["ScheduleExpression"], planned["ScheduleExpression"]),
            *difference(
                "time zone", now["ScheduleExpressionTimezone"], planned["ScheduleExpressionTimezone"]
            ),
            *([] if now["Description"] == planned["Description"] else ["description"]),
            *difference("state", now["State"], planned["State"]),
            *([] if now["FlexibleTimeWindow"] == planned["FlexibleTimeWindow"] else ["flexible window"]),
            *difference("after completion", now["ActionAfterCompletion"], planned["ActionAfterCompletion"]),
            *([] if now["StartDate"] is None and now["EndDate"] is None else ["start and end"]),
            *(name for name, part in _PARTS.items() if now["Target"].get(part) != target.get(part)),
        ]

    def create(self, job: Job, record: Schedule) -> Attributes:
        """Create it; a role that has just been made is waited for."""
        return self._put(job, job.aws.client("scheduler").create_schedule, record)

    def update(self, job: Job, record: Schedule, seen: Seen, reasons: Sequence[str]) -> Attributes:
        """Write all of it: Scheduler forgets what is left out."""
        del seen, reasons
        return self._put(job, job.aws.client("scheduler").update_schedule, record)

    def remove(self, job: Job, seen: Seen) -> None:
        """Remove it."""
        scheduler = job.aws.client("scheduler")
        with suppress(scheduler.exceptions.ResourceNotFoundException):
            scheduler.delete_schedule(GroupName=seen.state["GroupName"], Name=seen.name)

    def _put(self, job: Job, call: Callable[..., Any], record: Schedule) -> Attributes:
        answer = job.call(
            call,
            GroupName=record.group_name,
            Name=record.name,
            **_arguments(record, job.value, job.place.account),
        )
        return {"arn": answer["ScheduleArn"]}


# What we say of a target, in words.
_PARTS = {
    "target": "Arn",
    "role": "RoleArn",
    "input": "Input",
    "retries": "RetryPolicy",
    "dead letter queue": "DeadLetterConfig",
}


def _arguments(record: Schedule, value: Callable[[Any], str | None], account: str) -> dict[str, Any]:
    queue = record.dead_letter_queue
    return {
        "ScheduleExpression": record.expression,
        "ScheduleExpressionTimezone": record.tz,
        "Description": record.description,
        "State": "ENABLED" if record.enabled else "DISABLED",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "NONE",
        "Target": {
            "Arn": value(record.target),
            "RoleArn": value(record.role),
            "Input": event_text(record.event, account),
            "RetryPolicy": {
                "MaximumRetryAttempts": record.retries,
                "MaximumEventAgeInSeconds": record.maximum_age,
            },
            **({"DeadLetterConfig": {"Arn": queue}} if queue else {}),
        },
    }


def _observe(aws: Aws, group: str, name: str) -> Seen | None:
    scheduler = aws.client("scheduler")
    try:
        answer = scheduler.get_schedule(GroupName=group, Name=name)
    except scheduler.exceptions.ResourceNotFoundException:
        return None
    return Seen(
        kind=Schedule.kind,
        address=f"{group}/{name}",
        name=name,
        attributes={"arn": answer["Arn"]},
        state=_state(answer),
    )


def _state(answer: Mapping[str, Any]) -> dict[str, Any]:
    # an empty description and an action that is NONE need not come back
    default = {"Description": "", "ActionAfterCompletion": "NONE", "ScheduleExpressionTimezone": "UTC"}
    read = (
        "GroupName",
        "ScheduleExpression",
        "State",
        "FlexibleTimeWindow",
        "Target",
        "StartDate",
        "EndDate",
    )
    return {
        **{name: answer.get(name) for name in read},
        **{name: answer.get(name) or value for name, value in default.items()},
    }
