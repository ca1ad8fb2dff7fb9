"""The group of the stage's schedules: it carries the tags by which they are ours.

A group that is being deleted is there for a while yet, and cannot be made anew before it has gone.
https://docs.aws.amazon.com/scheduler/latest/APIReference/API_DeleteScheduleGroup.html
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from microlambda.deploy.kinds.base import Attributes, Job, KindDeployer, Known, missing_tags, tag_reasons
from microlambda.deploy.observed import Seen
from microlambda.deploy.transient import DELAYS
from microlambda.plan.records import ScheduleGroup
from microlambda.plan.schedules import group_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope

_ACTIVE = "ACTIVE"


class ScheduleGroupDeployer(KindDeployer[ScheduleGroup]):
    """Groups of EventBridge Scheduler."""

    kind = ScheduleGroup.kind

    def observe(
        self, aws: Aws, scope: Scope, planned: Sequence[ScheduleGroup], functions: Sequence[str]
    ) -> list[Seen]:
        """Look at the group of the stage's name, planned or not."""
        del functions
        seen = look_at(aws, group_name(scope.app, scope.stage))
        return [seen] if seen is not None and (planned or scope.owns(seen.tags or {})) else []

    def compare(self, record: ScheduleGroup, seen: Seen, known: Known) -> list[str]:
        """Compare tags: there is nothing else."""
        del known
        return tag_reasons(record.tags, seen.tags)

    def create(self, job: Job, record: ScheduleGroup) -> Attributes:
        """Create it, once another of its name has gone."""
        scheduler = job.aws.client("scheduler")
        for delay in DELAYS:
            if _find(job.aws, record.name) is None:
                break
            job.aws.sleep(delay)
        answer = scheduler.create_schedule_group(Name=record.name, Tags=_tag_list(record.tags))
        return {"arn": answer["ScheduleGroupArn"], "name": record.name}

    def update(self, job: Job, record: ScheduleGroup, seen: Seen, reasons: Sequence[str]) -> Attributes:
        """Add the tags that are missing."""
        del reasons
        job.aws.client("scheduler").tag_resource(
            ResourceArn=seen.attributes["arn"], Tags=_tag_list(missing_tags(record.tags, seen.tags))
        )
        return seen.attributes

    def remove(self, job: Job, seen: Seen) -> None:
        """Remove it, with what is left in it."""
        scheduler = job.aws.client("scheduler")
        with suppress(scheduler.exceptions.ResourceNotFoundException):
            scheduler.delete_schedule_group(Name=seen.name)


def look_at(aws: Aws, name: str) -> Seen | None:
    """Look at a group; None where there is none, or where it is on its way out."""
    return aws.once(("schedule group", name), lambda: _look_at(aws, name))


def _look_at(aws: Aws, name: str) -> Seen | None:
    group = _find(aws, name)
    if group is None or group["State"] != _ACTIVE:
        return None
    tags = aws.client("scheduler").list_tags_for_resource(ResourceArn=group["Arn"]).get("Tags", [])
    return Seen(
        kind=ScheduleGroup.kind,
        address=name,
        name=name,
        tags={tag["Key"]: tag["Value"] for tag in tags},
        attributes={"arn": group["Arn"], "name": name},
    )


def _find(aws: Aws, name: str) -> Mapping[str, Any] | None:
    scheduler = aws.client("scheduler")
    try:
        group: Mapping[str, Any] = scheduler.get_schedule_group(Name=name)
    except scheduler.exceptions.ResourceNotFoundException:
        return None
    return group


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": name, "Value": value} for name, value in tags.items()]
