"""Subscription filters of log groups; they take no tags, so the alias that they call tells whose they are.

They are looked for at the log groups that the plan names, and at those that the resource policies of our
functions name. Log groups of others are never made: who writes to them makes them.
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutSubscriptionFilter.html
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from microlambda.deploy.errors import DeployFailed
from microlambda.deploy.kinds.base import Attributes, Job, KindDeployer, Known, difference
from microlambda.deploy.kinds.callers import callers
from microlambda.deploy.kinds.function import is_left, live_arn
from microlambda.deploy.observed import Seen
from microlambda.plan.log_lines import LOGS
from microlambda.plan.records import LogSubscription
from microlambda.runtime.events.arns import is_arn
from microlambda.runtime.triggers.logs import group_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope

    Filter = Mapping[str, Any]


class LogSubscriptionDeployer(KindDeployer[LogSubscription]):
    """What CloudWatch Logs sends to functions."""

    kind = LogSubscription.kind

    def observe(
        self, aws: Aws, scope: Scope, planned: Sequence[LogSubscription], functions: Sequence[str]
    ) -> list[Seen]:
        """List what calls one of our aliases, of every log group that may, and what has a planned name."""
        wanted = {one.name: one for one in planned}
        for one in planned:
            _check_account(aws, one)
        known = {group_name(arn.removesuffix(":*")) for arn in callers(aws, scope, functions, LOGS)}
        groups = sorted({*wanted, *known})
        listed = aws.each(lambda group: _list(aws, group, wanted.get(group)), groups)
        names = {live_arn(aws, name): name for name in {*functions, *(one.function_name for one in planned)}}
        return [
            seen
            for group, filters in zip(groups, listed, strict=True)
            for seen in _seen(group, filters, names, [one for one in planned if one.name == group])
        ]

    def compare(self, record: LogSubscription, seen: Seen, known: Known) -> list[str]:
        """Compare which lines it sends, and to whom."""
        alias = known.value(record.target)
        return [
            *difference("pattern", seen.state["pattern"] or None, record.pattern or None),
            *([] if seen.state["alias"] == alias else ["target"]),
        ]

    def create(self, job: Job, record: LogSubscription) -> Attributes:
        """Put the filter; where there are two already, in the place of one that is left of ours."""
        logs = job.aws.client("logs")
        try:
            _put(job, record, record.function_name)
        except logs.exceptions.LimitExceededException as exc:
            filters = _list(job.aws, record.name, record)
            left = next((one for one in filters if is_left(job, one["destinationArn"])), None)
            if left is None:
                raise _full(record, filters) from exc
            _delete(job, record.name, left["filterName"])
            _put(job, record, record.function_name)
        return {}

    def update(self, job: Job, record: LogSubscription, seen: Seen, reasons: Sequence[str]) -> Attributes:
        """Put the filter anew, which replaces it as a whole."""
        del reasons
        _put(job, record, seen.state["filter"])
        return {}

    def remove(self, job: Job, seen: Seen) -> None:
        """Delete the filter."""
        _delete(job, seen.name, seen.state["filter"])


def _check_account(aws: Aws, record: LogSubscription) -> None:
    """Refuse a log group of another account: subscription filters call functions of their own alone."""
    if is_arn(record.declared) and (account := record.declared.split(":")[4]) != aws.identity.account:
        raise DeployFailed(
            f"the handler {record.key!r} listens to a log group of the account {account}, "
            f"{record.declared!r}, and is deployed to {aws.identity.account}. CloudWatch Logs calls "
            "functions of its own account alone: deploy it there, or name a log group that is here."
        )


def _put(job: Job, record: LogSubscription, name: str) -> None:
    job.call(
        job.aws.client("logs").put_subscription_filter,
        logGroupName=record.name,
        filterName=name,
        filterPattern=record.pattern,
        destinationArn=job.value(record.target),
    )


def _delete(job: Job, group: str, name: str) -> None:
    logs = job.aws.client("logs")
    with suppress(logs.exceptions.ResourceNotFoundException):
        logs.delete_subscription_filter(logGroupName=group, filterName=name)


def _list(aws: Aws, group: str, planned: LogSubscription | None) -> list[Filter]:
    """List the filters of a log group; `planned` is one that is to be there."""
    logs = aws.client("logs")
    pages = logs.get_paginator("describe_subscription_filters").paginate(logGroupName=group)
    try:
        return [one for page in pages for one in page["subscriptionFilters"]]
    except logs.exceptions.ResourceNotFoundException as exc:
        if planned is None or planned.own is not None:
            return []
        raise DeployFailed(
            f"the log group {group!r} of the handler {planned.key!r} does not exist in {aws.region}. "
            "Create it, or name another: log_group=..."
        ) from exc


def _seen(
    group: str, filters: Sequence[Filter], names: Mapping[str, str], planned: Sequence[LogSubscription]
) -> list[Seen]:
    """Give those that call our aliases, and those of others that have the name of one to come."""
    called = {names.get(one["destinationArn"]) for one in filters}
    coming = {one.function_name for one in planned} - called
    found = []
    for one in filters:
        alias, name = one["destinationArn"], one["filterName"]
        function = names.get(alias)
        if function is None and name not in coming:
            continue
        found.append(
            Seen(
                kind=LogSubscription.kind,
                address=f"{function or name}/{group}",
                name=group,
                tags={} if function is None else None,
                state={"filter": name, "pattern": one["filterPattern"], "alias": alias},
            )
        )
    return found


def _full(record: LogSubscription, filters: Sequence[Filter]) -> DeployFailed:
    others = ", ".join(repr(one["filterName"]) for one in filters)
    return DeployFailed(
        f"the log group {record.name!r} of the handler {record.key!r} has as many subscription filters as "
        f"AWS lets it have: {others}. Remove one of them."
    )
