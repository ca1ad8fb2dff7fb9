"""Reading the lines that functions have written, merged by time, and those that they write from now on."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from microlambda.deploy.errors import NotDeployed, deploy_first
from microlambda.deploy.explain import error_code, explained
from microlambda.deploy.kinds import DEPLOYERS
from microlambda.deploy.log_lines import LogLine, Requests, is_error
from microlambda.deploy.log_marks import Marks
from microlambda.deploy.ownership import check_ours
from microlambda.plan.names import function_name, log_group_name
from microlambda.plan.records import LogGroup

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope

# Lines of one moment may arrive in any order, and late: each look reaches this far back over what was seen.
_LATE = 10_000  # ms
_BETWEEN_LOOKS = 1.0  # s


def readable(text: str) -> str:
    """Give a line as it was meant: AWS's runtime client joins the lines of a traceback with CR."""
    return text.replace("\r", "\n").rstrip("\n")


@dataclass(frozen=True, kw_only=True)
class Logs:
    """The logs of functions of a stage; `pattern` is CloudWatch's own language, None for every line.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
    """

    aws: Aws
    functions: Sequence[str]
    pattern: str | None = None
    requests: Requests = field(default_factory=Requests)
    marks: dict[str, Marks] = field(default_factory=dict)  # by functions

    @classmethod
    def of(cls, aws: Aws, scope: Scope, handler: str | None, pattern: str | None = None) -> Logs:
        """Find the logs of one handler's function, or of all; they outlive the functions that wrote them."""
        if handler is not None:
            name = function_name(scope.app, scope.stage, handler)
            _check(aws, scope, name)
            return cls(aws=aws, functions=[name], pattern=pattern)
        return cls(aws=aws, functions=_logging(aws, scope), pattern=pattern)

    def read(self, since: datetime) -> Iterator[LogLine]:
        """Give the lines from `since` until now, the oldest first."""
        yield from self._look(_milliseconds(since))

    def follow(self, since: datetime) -> Iterator[LogLine]:
        """Give the lines from `since` on, and go on as they come; it ends when the caller stops."""
        start, seen = _milliseconds(since), dict[str, int]()
        while True:
            latest = start
            for line in self._look(start, seen):
                seen[line.id] = _milliseconds(line.at)
                latest = max(latest, seen[line.id])
                yield line
            start = max(start, latest - _LATE)
            seen = {name: moment for name, moment in seen.items() if moment >= start}
            self.aws.sleep(_BETWEEN_LOOKS)

    def _look(self, start: int, seen: Mapping[str, int] | None = None) -> Iterator[LogLine]:
        """Give what is not seen yet, merged: events are told apart by their ids."""
        self.marks.clear()  # a beginning may arrive after later ones were read: none is known for good
        groups = self.aws.each(lambda name: list(self._events(name, start)), self.functions)
        events = [one for group in groups for one in group if one[1]["eventId"] not in (seen or {})]
        for function, event in sorted(events, key=lambda one: one[1]["timestamp"]):
            yield self._line(function, event)

    def _events(self, function: str, start: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
        asked = {"filterPattern": self.pattern} if self.pattern is not None else {}
        for event in _matching(self.aws, function, startTime=start, **asked):
            yield function, event

    def _marks(self, function: str) -> Marks:
        def ask(stream: str, start: int, pattern: str) -> Iterator[Mapping[str, Any]]:
            return _matching(
                self.aws, function, logStreamNames=[stream], startTime=start, filterPattern=pattern
            )

        return self.marks.setdefault(function, Marks(ask))

    def _line(self, function: str, event: Mapping[str, Any]) -> LogLine:
        text, stream = readable(event["message"]), event["logStreamName"]
        request = self.requests.of(f"{function} {stream}", text) or self._marks(function).request_of(event)
        return LogLine(
            id=event["eventId"],
            at=datetime.fromtimestamp(event["timestamp"] / 1000, UTC),
            stream=stream,
            text=text,
            function=function,
            request=request,
            is_error=is_error(text),
        )


def _matching(aws: Aws, function: str, **asked: Any) -> Iterator[Mapping[str, Any]]:
    """Give the events of a function's logs that match what is asked for."""
    group = log_group_name(function)
    pages = aws.client("logs").get_paginator("filter_log_events")
    with _reading(aws, group):
        for page in pages.paginate(logGroupName=group, **asked):
            yield from page["events"]


def _logging(aws: Aws, scope: Scope) -> list[str]:
    """List the functions that have logs; `NotDeployed` where there are none."""
    with explained("looking for logs"):
        seen = DEPLOYERS[LogGroup.kind].observe(aws, scope, (), ())
    start = log_group_name("")
    names = sorted(one.name.removeprefix(start) for one in seen if not one.left_alone)
    if not names:
        raise NotDeployed(
            f"stage {scope.stage!r} of {scope.app!r} has no logs in {aws.region}. {deploy_first(scope.stage)}"
        )
    return names


def _check(aws: Aws, scope: Scope, function: str) -> None:
    """Read the group's own tags, not the function's: logs outlive the function that wrote them."""
    group, logs = log_group_name(function), aws.client("logs")
    with _reading(aws, group):
        like = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        is_there = any(one["logGroupName"] == group for one in like)
        arn = aws.arn("logs", f"log-group:{group}")
        tags = logs.list_tags_for_resource(resourceArn=arn)["tags"] if is_there else {}
    if not is_there:
        has = ", ".join(_logging(aws, scope))
        raise NotDeployed(f"stage {scope.stage!r} has no logs of a function {function!r}. It has: {has}.")
    check_ours(LogGroup.kind, group, tags, scope, remedy="")


@contextmanager
def _reading(aws: Aws, group: str) -> Iterator[None]:
    with explained(f"reading the log group {group!r}"):
        try:
            yield
        except ClientError as exc:
            if error_code(exc) == "ResourceNotFoundException":
                raise NotDeployed(f"there is no log group {group!r} in {aws.region} any more.") from exc
            raise


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
