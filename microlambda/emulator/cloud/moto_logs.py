"""moto's CloudWatch Logs: subscription filters that look at the lines, and what they send to functions.

moto sends every line whatever a filter's pattern says, refuses to change one of two filters, and reads of
the patterns of `FilterLogEvents` their terms alone.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from microlambda.emulator.events.logs import line_id, packed
from microlambda.emulator.log_patterns import BadPattern, compiled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    #: Is told a function's ARN, that of a log group, and the event.
    Deliver = Callable[[str, str, dict[str, Any]], None]

_MOST = 2


@contextmanager
def faithful_filters() -> Iterator[None]:
    """Let moto hold filters to their patterns, as CloudWatch Logs does."""
    from moto.logs.exceptions import InvalidParameterException
    from moto.logs.models import LogGroup, LogsBackend, LogStream
    from moto.logs.utils import EventMessageFilter

    put, put_into, send = (
        LogsBackend.put_subscription_filter,
        LogGroup.put_subscription_filter,
        LogStream._send_log_events,
    )

    def checked(backend: Any, group: str, name: str, pattern: str, *given: Any) -> None:
        try:
            compiled(pattern)
        except BadPattern as exc:
            raise InvalidParameterException(f"Invalid filter pattern. {exc}") from exc
        put(backend, group, name, pattern, *given)

    def put_one(group: Any, name: str, pattern: str, destination: str, role: str) -> None:
        if name in group.subscription_filters and len(group.subscription_filters) == _MOST:
            group.subscription_filters[name].update(pattern, destination, role)
        else:
            put_into(group, name, pattern, destination, role)

    def sent(stream: Any, **named: Any) -> None:
        matches = compiled(stream.log_group.subscription_filters[named["filter_name"]].filter_pattern)
        if lines := [one for one in named["log_events"] if matches(one["message"])]:
            send(stream, **{**named, "log_events": lines})

    def read(looked: Any, pattern: str) -> None:
        try:
            looked.matches = compiled(pattern or "")
        except BadPattern as exc:
            raise InvalidParameterException(f"Invalid filter pattern. {exc}") from exc

    with (
        patch.object(LogsBackend, "put_subscription_filter", checked),
        patch.object(LogGroup, "put_subscription_filter", put_one),
        patch.object(LogStream, "_send_log_events", sent),
        patch.object(EventMessageFilter, "__init__", read),
    ):
        yield


@contextmanager
def telling_of_lines(deliver: Deliver, may_call: Callable[[str, str], bool]) -> Iterator[None]:
    """Call back with the lines that a filter sends to a function; a filter is put where it `may_call`."""
    from moto.awslambda.models import LambdaBackend
    from moto.logs.exceptions import InvalidParameterException
    from moto.logs.models import LogsBackend, logs_backends

    put = LogsBackend.put_subscription_filter

    def allowed(backend: Any, group: str, name: str, pattern: str, destination: str, role: str) -> None:
        found = backend.groups.get(group)
        is_function = destination.split(":")[2] == "lambda"
        if found is not None and is_function and not may_call(destination, found.arn):
            raise InvalidParameterException(
                "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission "
                "to execute your function."
            )
        put(backend, group, name, pattern, destination, role)

    def sent(
        backend: Any, function: str, filter_name: str, group: str, stream: str, lines: list[dict[str, Any]]
    ) -> None:
        arn = logs_backends[backend.account_id][backend.region_name].groups[group].arn
        content = {
            "messageType": "DATA_MESSAGE",
            "owner": backend.account_id,
            "logGroup": group,
            "logStream": stream,
            "subscriptionFilters": [filter_name],
            "logEvents": [{**one, "id": line_id(one["timestamp"], one["id"])} for one in lines],
        }
        deliver(function, arn, packed(content))

    with (
        patch.object(LogsBackend, "put_subscription_filter", allowed),
        patch.object(LambdaBackend, "send_log_event", sent),
    ):
        yield
