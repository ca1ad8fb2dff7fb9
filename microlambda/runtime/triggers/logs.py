"""`@app.on_log_events`.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutSubscriptionFilter.html
"""

from __future__ import annotations

from ..events.arns import is_arn, may_be_same
from ..events.logs import LogRecord, LogsEvent
from .asynchronous import AsyncOptions
from .base import Trigger, refuse
from .names import checked_name
from .rules import likeness

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..app import App

_DECORATOR = "on_log_events"
_GROUP = ":log-group:"
_MOST_CHARACTERS = 1024


class LogsTrigger(Trigger):
    """A subscription to a log group, by name or ARN, for the lines that match `filter_pattern`."""

    decorator = _DECORATOR
    source = "logs"
    event_class = LogsEvent
    record_class = LogRecord

    #: The handler's full name.
    handler = ""

    def __init__(self, *, log_group: str, filter_pattern: str = "", **options: Any) -> None:
        self.log_group = _checked_group(log_group)
        self.filter_pattern = _checked_filter(filter_pattern)
        self.asynchronous = AsyncOptions(_DECORATOR, **options)

    def for_handler(self, app: App, name: str) -> LogsTrigger:  # noqa: ARG002  # the base's
        """One that knows its handler's name, which the subscription filter has."""
        named: LogsTrigger = self._named(name)
        return named

    def fits(self, event: dict[str, Any]) -> bool:
        """By the log group; CloudWatch's own messages have none, and are for each."""
        try:
            lines = LogsEvent(event)
            if lines.is_control_message:
                return True
        except ValueError:  # not what CloudWatch packs
            return False
        account = self.log_group.split(":")[4] if is_arn(self.log_group) else lines.owner
        return lines.log_group == group_name(self.log_group) and lines.owner == account

    def prefers(self, event: dict[str, Any]) -> int:
        """By the name of the subscription filter: a log group may have two."""
        return max([likeness(one, self.handler) for one in LogsEvent(event).subscription_filters], default=0)

    def make_event(self, raw: dict[str, Any], context: Any) -> LogsEvent | None:
        """The view; None for CloudWatch's own message, which looks whether the function can be reached."""
        event = LogsEvent(raw, context)
        return None if event.is_control_message else event

    def shared_with(self, other: LogsTrigger) -> str | None:
        """The same lines of the same log group."""
        same = may_be_same(self.log_group, other.log_group, group_name)
        if not same or self.filter_pattern != other.filter_pattern:
            return None
        lines = f"that match {self.filter_pattern!r} " if self.filter_pattern else ""
        return f"the lines {lines}of the log group {group_name(self.log_group)!r}"

    def declared(self) -> str:
        """With the log group."""
        pattern = f", filter_pattern={self.filter_pattern!r}" if self.filter_pattern else ""
        return f"@app.{_DECORATOR}({self.log_group!r}{pattern})"


def _checked_group(log_group: object) -> str:
    """The name, or the ARN without the `:*` that CloudFormation and the console put behind it."""
    given = log_group.removesuffix(":*") if isinstance(log_group, str) else log_group
    checked = checked_name(
        _DECORATOR,
        "log_group",
        given,
        service="logs",
        pattern=r"[A-Za-z0-9_.\-/#]{1,512}",
        rule="a log group's name has up to 512 letters, digits, '.', '-', '_', '/' and '#'.",
        example="/aws/lambda/orders",
    )
    if is_arn(checked) and _GROUP not in checked:
        why = "a log group's ARN looks like arn:aws:logs:REGION:ACCOUNT:log-group:NAME."
        raise refuse(_DECORATOR, "log_group", log_group, why)
    return checked


def _checked_filter(pattern: object) -> str:
    if not isinstance(pattern, str):
        raise refuse(_DECORATOR, "filter_pattern", pattern, "write a str: '?ERROR ?Exception'.")
    if len(pattern) > _MOST_CHARACTERS:
        why = f"it has {len(pattern):,} characters; AWS takes {_MOST_CHARACTERS:,}."
        raise refuse(_DECORATOR, "filter_pattern", pattern, why)
    text = pattern.strip()
    for opening, closing in ("{}", "[]"):  # for JSON and for fields apart by blanks: the whole of a pattern
        if text.startswith(opening) != text.endswith(closing):
            why = f"a pattern that begins with {opening!r} ends with {closing!r}, and no other does."
            raise refuse(_DECORATOR, "filter_pattern", pattern, why)
    if text[:1] not in ("%", "") and text.count('"') % 2:  # between % is a regular expression
        raise refuse(
            _DECORATOR, "filter_pattern", pattern, "a quotation mark stands there without its partner."
        )
    return pattern


def group_name(log_group: str) -> str:
    """Give the name of a log group that is given by its name or ARN."""
    return log_group.partition(_GROUP)[2] if is_arn(log_group) else log_group
