"""A handler of events that are not HTTP: the function, what it is called, and how it is run."""

from __future__ import annotations

from contextvars import copy_context

from ..awaiting import settled
from ..context import CURRENT, RequestContext
from ..errors import RegistrationError, UnknownEvent
from ..middleware import onion
from ..registration import HTTP_FUNCTION
from ..triggers.base import check_has_run
from . import CHECK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..app import App
    from ..blueprint import Scope
    from ..triggers.base import Trigger


class Handler:
    """One decorated function. `kind` is its decorator's name, `name` that of its Lambda function.

    `trigger` is what its decorator declares.
    """

    __slots__ = ("blueprints", "function", "kind", "name", "trigger")

    def __init__(
        self,
        kind: str,
        function: Callable[..., Any],
        name: str,
        trigger: Trigger,
        blueprints: tuple[str, ...] = (),
    ) -> None:
        self.kind = kind
        self.function = function
        self.name = name
        self.blueprints = blueprints
        self.trigger = trigger

    @property
    def source(self) -> str:
        """The word for its events in middleware and commands."""
        return self.trigger.source

    def run(self, app: App, raw: Any, context: Any) -> Any:
        """The result for an event that is this handler's; an error that leaves it fails the invocation."""
        if self.trigger.is_by_name:
            value = self._called(app, raw, context, lambda given: self.function(given, context))
            return self.trigger.result(app, self.name, raw, value)
        event = self._view(raw, context)
        if event is None:
            return None
        if self.trigger.is_per_record:
            from .records import run_records

            return self._called(app, event, context, lambda given: run_records(app, self, given))
        try:
            self.trigger.check_caller(event)
            value = self._called(app, event, context, self.function)
        except Exception as exc:
            result = self.trigger.failure(app, self.name, event, exc)
            if result is None:
                raise
            return result
        if not self.trigger.iterates_answers:
            check_has_run(self.name, value)
        return self.trigger.result(app, self.name, event, value)

    def _view(self, raw: Any, context: Any) -> Any:
        """What the handler gets; only an event that was written by hand cannot be read as it."""
        try:
            return self.trigger.make_event(raw, context)
        except (AttributeError, KeyError, TypeError, ValueError) as exc:
            sample = f"`microlambda event {self.source}` prints one as AWS sends it."
            raise UnknownEvent(
                f"this event has the marks of one of {self.source}, and cannot be read as one: "
                f"{type(exc).__name__}: {exc}. {sample if self.trigger.has_sample else ''}".rstrip()
            ) from exc

    def _called(self, app: App, event: Any, context: Any, inside: Callable[[Any], Any]) -> Any:
        """What comes out of the middleware around `inside`."""
        layers = [] if app.lifecycle is None else app.lifecycle.middleware
        layers = [layer for layer in layers if layer.wraps(self.source, self.blueprints)]
        scope = RequestContext(app, getattr(event, "http_request", None), context)
        scope.event = event
        token = CURRENT.set(scope)
        try:
            if app.around_events is not None:
                return app.around_events(lambda: onion(layers, lambda given: settled(inside(given)))(event))
            return onion(layers, lambda given: settled(inside(given)))(event)
        finally:
            CURRENT.reset(token)

    def __repr__(self) -> str:
        return f"<Handler {self.name!r} of {self.kind}>"


def bound(app: App, handler: Handler) -> Callable[[Any, Any], Any]:
    """The Lambda handler of a function that runs this handler alone."""

    def handle(event: Any, context: Any) -> Any:
        if event == CHECK:
            return CHECK
        app.is_serving = True
        if not handler.trigger.is_by_name:
            check_meant(handler, event)
        return copy_context().run(handler.run, app, event, context)

    return handle


def check_meant(handler: Handler, event: Any) -> None:
    """Refuse an event that is not for the handler: it goes back to its source, and is not lost."""
    from ..events import source_of
    from .sources import is_for, not_meant

    if not is_for(handler, event, source_of(event)):
        raise UnknownEvent(not_meant([handler], event, is_bound=True))


def add_handler(
    app: App,
    kind: str,
    function: Callable[..., Any],
    name: str | None,
    trigger: Trigger,
    scope: Scope | None = None,
) -> None:
    """Keep a handler of events under its name, which is unique in the app."""
    own = name or getattr(function, "__name__", None) or type(function).__name__
    full = own if scope is None else f"{scope.handlers}{own}"
    handlers = app.handlers
    taken = handlers.get(full)
    if taken is not None and scope is not None and taken.function is function:
        return  # the same blueprint, registered again for its routes
    if taken is not None or full == HTTP_FUNCTION:
        other = "that of all routes" if taken is None else repr(taken)
        raise RegistrationError(
            f"the handler {full!r} has the name of another function: {other}. "
            "Give it one of its own: name='...'."
        )
    trigger = trigger.for_handler(app, full)
    made = Handler(kind, function, full, trigger, scope.names if scope is not None else ())
    _check_alone(handlers, made)
    handlers[full] = made


def _check_alone(handlers: dict[str, Handler], made: Handler) -> None:
    """Refuse a second handler of the same events."""
    for other in handlers.values():
        if type(other.trigger) is not type(made.trigger):
            continue
        shared = made.trigger.shared_with(other.trigger)
        if shared is not None:
            from ..awaiting import named

            raise RegistrationError(
                f"{named(other.function)} and {named(made.function)} would both get {shared}. "
                "Let one of them do the work of both, or declare what tells their events apart."
            )
