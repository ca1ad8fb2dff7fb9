"""Reading the lines that a function has written, and those that it writes from now on."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from microlambda.deploy.errors import NotDeployed
from microlambda.deploy.explain import error_code, explained
from microlambda.deploy.ownership import check_ours
from microlambda.plan.names import log_group_name
from microlambda.plan.records import LogGroup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope

# Lines of one moment may arrive in any order, and late: each look reaches this far back over what was seen.
_LATE = 10_000  # ms
_BETWEEN_LOOKS = 1.0  # s


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One line, or what was written at once; `at` is in UTC."""

    id: str
    at: datetime
    stream: str
    text: str


def readable(text: str) -> str:
    """Give a line as it was meant: AWS's runtime client joins the lines of a traceback with CR."""
    return text.replace("\r", "\n").rstrip("\n")


def read_logs(aws: Aws, scope: Scope, function: str, *, since: datetime) -> Iterator[LogLine]:
    """Give the lines from `since` until now, the oldest first."""
    _check(aws, scope, log_group_name(function))
    yield from _page_through(aws, function, _milliseconds(since))


def follow_logs(aws: Aws, scope: Scope, function: str, *, since: datetime) -> Iterator[LogLine]:
    """Give the lines from `since` on, and go on giving them as they come; it ends when the caller stops."""
    _check(aws, scope, log_group_name(function))
    start, seen = _milliseconds(since), dict[str, int]()
    while True:
        latest = start
        for line in _page_through(aws, function, start):
            moment = _milliseconds(line.at)
            latest = max(latest, moment)
            if line.id not in seen:
                seen[line.id] = moment
                yield line
        start = max(start, latest - _LATE)
        seen = {name: moment for name, moment in seen.items() if moment >= start}
        aws.sleep(_BETWEEN_LOOKS)


def _page_through(aws: Aws, function: str, start: int) -> Iterator[LogLine]:
    group = log_group_name(function)
    pages = (
        aws.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group, startTime=start)
    )
    with _reading(aws, group):
        for page in pages:
            for event in page["events"]:
                yield LogLine(
                    id=event["eventId"],
                    at=datetime.fromtimestamp(event["timestamp"] / 1000, UTC),
                    stream=event["logStreamName"],
                    text=readable(event["message"]),
                )


def _check(aws: Aws, scope: Scope, group: str) -> None:
    """Read the group's own tags, not the function's: logs outlive the function that wrote them."""
    with _reading(aws, group):
        arn = aws.arn("logs", f"log-group:{group}")
        tags = aws.client("logs").list_tags_for_resource(resourceArn=arn)["tags"]
    check_ours(LogGroup.kind, group, tags, scope)


@contextmanager
def _reading(aws: Aws, group: str) -> Iterator[None]:
    with explained(f"reading the log group {group!r}"):
        try:
            yield
        except ClientError as exc:
            if error_code(exc) == "ResourceNotFoundException":
                raise NotDeployed(
                    f"there is no log group {group!r} in {aws.region}. Deploy first: microlambda deploy"
                ) from exc
            raise


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
