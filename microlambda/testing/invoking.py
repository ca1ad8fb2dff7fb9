"""One call of the app with an event, in this process: in and out through JSON, as on Lambda."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from microlambda.runtime.context import propagating_errors, streaming_answers
from microlambda.runtime.dispatch.sources import chosen
from microlambda.testing.event_result import EventResult
from microlambda.testing.filters import is_empty, split
from microlambda.testing.lambda_context import make_context

if TYPE_CHECKING:
    from collections.abc import Callable

    from microlambda import App
    from microlambda.runtime.dispatch.handler import Handler


def send_event(app: App, event: dict[str, Any], *, raise_errors: bool) -> EventResult:
    """Let the app find the handler that the event is for; the trigger's filters come first."""
    meant = [handler for handler in app.handlers.values() if not handler.trigger.is_by_name]
    handlers = chosen(meant, event)
    if len(handlers) != 1:
        return _invoked(app, app, "", event, (), raise_errors)  # the app tells what is wrong
    left, filtered = split(handlers[0].trigger, event)
    if filtered and is_empty(left):
        return EventResult(event=None, filtered=filtered)
    return _invoked(app, app, handlers[0].name, left, filtered, raise_errors)


def invoke_handler(app: App, name: str, event: Any, *, raise_errors: bool) -> EventResult:
    """Call the handler of that name, as its own Lambda function does."""
    return _invoked(app, app.handler(name), name, event, (), raise_errors)


def handlers_of(app: App, source: str) -> list[Handler]:
    """The app's handlers of one source."""
    return [handler for handler in app.handlers.values() if handler.source == source]


def _invoked(
    app: App,
    handler: Callable[[Any, Any], Any],
    name: str,
    event: Any,
    filtered: tuple[Any, ...],
    raise_errors: bool,
) -> EventResult:
    context = make_context(app.name, name or "http")
    given = json.loads(json.dumps(event))
    request_id = context.aws_request_id
    with streaming_answers(False):
        try:
            if raise_errors:
                with propagating_errors():
                    value = handler(given, context)
            else:
                value = handler(given, context)
            result = json.loads(value if isinstance(value, bytes) else json.dumps(value))
        except Exception as exc:
            if raise_errors:
                raise
            return EventResult(event=event, error=exc, filtered=filtered, request_id=request_id)
    return EventResult(event=event, result=result, filtered=filtered, request_id=request_id)
