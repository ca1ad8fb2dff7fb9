"""Log groups, found by prefix. They outlive what wrote them, unless their removal is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from microlambda.deploy.kinds.base import (
    Attributes,
    Job,
    KindDeployer,
    Known,
    difference,
    missing_tags,
    tag_reasons,
)
from microlambda.deploy.observed import Seen
from microlambda.deploy.ownership import check_ours, seen_or_left_alone
from microlambda.plan.names import function_prefix, log_group_name
from microlambda.plan.records import LogGroup

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope


class LogGroupDeployer(KindDeployer[LogGroup]):
    """CloudWatch log groups."""

    kind = LogGroup.kind
    kept = True

    def observe(
        self, aws: Aws, scope: Scope, planned: Sequence[LogGroup], functions: Sequence[str]
    ) -> list[Seen]:
        """List the log groups whose names start as ours do, with their tags."""
        del functions
        prefix = log_group_name(function_prefix(scope.app, scope.stage))
        pages = aws.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
        groups = {group["logGroupName"]: group for page in pages for group in page["logGroups"]}
        wanted = {record.name for record in planned}

        def look(name: str) -> Seen | None:
            return seen_or_left_alone(
                self.kind, name, lambda one: _seen(aws, groups[one]), planned=name in wanted
            )

        seen = [one for one in aws.each(look, groups) if one is not None]
        return [one for one in seen if one.name in wanted or one.left_alone or scope.owns(one.tags or {})]

    def compare(self, record: LogGroup, seen: Seen, known: Known) -> list[str]:
        """Compare for how long lines are kept, and tags."""
        del known
        now, planned = seen.state["retention"], record.retention
        return [
            *difference("retention", now or "forever", planned or "forever", " days" if planned else ""),
            *tag_reasons(record.tags, seen.tags),
        ]

    def create(self, job: Job, record: LogGroup) -> Attributes:
        """Create the group, then say for how long it keeps."""
        logs = job.aws.client("logs")
        arn = job.aws.arn("logs", f"log-group:{record.name}")
        try:
            logs.create_log_group(logGroupName=record.name, tags=dict(record.tags))
        except logs.exceptions.ResourceAlreadyExistsException:  # the list did not have it yet
            tags = logs.list_tags_for_resource(resourceArn=arn)["tags"]
            check_ours(self.kind, record.name, tags, job.plan.scope)
        _set_retention(logs, record)
        return {"arn": arn, "name": record.name}

    def update(self, job: Job, record: LogGroup, seen: Seen, reasons: Sequence[str]) -> Attributes:
        """Write what differs."""
        del reasons
        logs = job.aws.client("logs")
        if seen.state["retention"] != record.retention:
            _set_retention(logs, record)
        if tags := missing_tags(record.tags, seen.tags):
            logs.tag_resource(resourceArn=seen.attributes["arn"], tags=tags)
        return seen.attributes

    def remove(self, job: Job, seen: Seen) -> None:
        """Remove the group and all lines in it."""
        logs = job.aws.client("logs")
        try:
            logs.delete_log_group(logGroupName=seen.name)
        except logs.exceptions.ResourceNotFoundException:
            return


def _set_retention(logs: Any, record: LogGroup) -> None:
    if record.retention is None:
        logs.delete_retention_policy(logGroupName=record.name)
    else:
        logs.put_retention_policy(logGroupName=record.name, retentionInDays=record.retention)


def _seen(aws: Aws, group: Mapping[str, Any]) -> Seen:
    arn = group["arn"].removesuffix(":*")  # as ListTagsForResource and TagResource want it
    return Seen(
        kind=LogGroup.kind,
        address=group["logGroupName"],
        name=group["logGroupName"],
        tags=aws.client("logs").list_tags_for_resource(resourceArn=arn)["tags"],
        attributes={"arn": arn, "name": group["logGroupName"]},
        state={"retention": group.get("retentionInDays")},
    )
