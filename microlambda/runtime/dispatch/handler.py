"""A handler of events that are not HTTP: the function, what it is called, and how it is run."""

from __future__ import annotations

from ..awaiting import settled
from ..context import CURRENT, RequestContext
from ..errors import RegistrationError
from ..middleware import onion
from ..registration import HTTP_FUNCTION
from . import CHECK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..app import App
    from ..blueprint import Scope


class Handler:
    """One decorated function. `kind` is its decorator's name, `name` that of its Lambda function."""

    __slots__ = ("blueprints", "function", "kind", "name")

    def __init__(
        self, kind: str, function: Callable[..., Any], name: str, blueprints: tuple[str, ...] = ()
    ) -> None:
        self.kind = kind
        self.function = function
        self.name = name
        self.blueprints = blueprints

    def run(self, app: App, event: Any, context: Any) -> Any:
        """The result of the function, middleware included; its errors fail the invocation."""
        layers = [] if app.lifecycle is None else app.lifecycle.middleware
        layers = [layer for layer in layers if layer.wraps(self.kind, self.blueprints)]
        token = CURRENT.set(RequestContext(app, None, context))
        try:
            return onion(layers, lambda given: settled(self.function(given, context)))(event)
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
        return handler.run(app, event, context)

    return handle


def add_handler(
    handlers: dict[str, Handler],
    kind: str,
    function: Callable[..., Any],
    name: str | None,
    scope: Scope | None,
) -> None:
    """Keep a handler of events under its name, which is unique in the app."""
    own = name or getattr(function, "__name__", None) or type(function).__name__
    full = own if scope is None else f"{scope.handlers}{own}"
    taken = handlers.get(full)
    if taken is not None and scope is not None and taken.function is function:
        return  # the same blueprint, registered again for its routes
    if taken is not None or full == HTTP_FUNCTION:
        other = "that of all routes" if taken is None else repr(taken)
        raise RegistrationError(
            f"the handler {full!r} has the name of another function: {other}. "
            "Give it one of its own: name='...'."
        )
    handlers[full] = Handler(kind, function, full, scope.names if scope is not None else ())
