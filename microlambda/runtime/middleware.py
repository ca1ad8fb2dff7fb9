"""The onion: functions around every handler of a kind, the first one registered outermost.

    @app.middleware("http")
    def timed(request, get_response):
        start = time.perf_counter()
        response = get_response(request)
        response.headers["Server-Timing"] = f"app;dur={(time.perf_counter() - start) * 1000:.1f}"
        return response

What get_response raises, the middleware sees.
"""

from __future__ import annotations

from .awaiting import is_async, settled
from .context import CURRENT
from .errors import RegistrationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Call = Callable[[Any], Any]

#: What a middleware may be for: the words of sources.
_SOURCES = (
    "schedule s3 sqs sns dynamodb kinesis eventbridge kafka mq documentdb logs alarm email cognito iot "
    "firehose websocket custom task lambda_function"
)
KINDS = ("all", "http", *_SOURCES.split())
#: Chalice's words.
_ALIASES = {"pure_lambda": "lambda_function", "scheduled": "schedule", "cloudwatch": "eventbridge"}


class Middleware:
    """A function around handlers, which of KINDS it is for, and the blueprint that it belongs to."""

    __slots__ = ("blueprint", "function", "is_async", "kind")

    def __init__(self, function: Callable[..., Any], kind: str, blueprint: str | None) -> None:
        self.function = function
        self.kind = kind
        self.is_async = is_async(function)
        self.blueprint = blueprint

    def wraps(self, kind: str, blueprints: Sequence[str]) -> bool:
        """Does it belong around a handler of that kind and those blueprints?"""
        return self.kind in ("all", kind) and (self.blueprint is None or self.blueprint in blueprints)


def _as_it_is(_function: Callable[..., Any], value: Any) -> Any:
    return value


def onion(layers: Sequence[Middleware], inside: Call, shaped: Callable[..., Any] = _as_it_is) -> Call:
    """`inside` with the layers around it; `shaped` makes a result of what the function of each answers."""
    call = inside
    for layer in reversed(layers):
        call = _around(layer, call, shaped)
    return call


def _around(layer: Middleware, inner: Call, shaped: Callable[..., Any]) -> Call:
    get_response: Callable[[Any], Any] = _awaitable(inner) if layer.is_async else inner
    return lambda event: shaped(layer.function, settled(layer.function(event, get_response)))


def _awaitable(inner: Call) -> Callable[[Any], Any]:
    """`inner` for an `async def` middleware: in another thread, for it may wait for the loop itself."""
    from .aio.threads import in_thread

    async def get_response(event: Any) -> Any:
        return await in_thread(inner, event)

    return get_response


class ConvertToMiddleware:
    """A decorator of Lambda handlers as a middleware (Chalice's name): Powertools' logger, metrics or tracer.

        app.register_middleware(ConvertToMiddleware(logger.inject_lambda_context))

    The decorator gets a handler of the raw event and the Lambda context.
    """

    def __init__(self, decorator: Callable[[Callable[[Any, Any], Any]], Callable[[Any, Any], Any]]) -> None:
        self.decorator = decorator

    def __call__(self, event: Any, get_response: Call) -> Any:
        """Run the decorated rest of the way."""
        scope = CURRENT.get()
        raw = getattr(event, "raw", event) if scope.request is None else scope.request.event

        def handler(_event: Any, _context: Any) -> Any:
            return get_response(event)

        return self.decorator(handler)(raw, scope.lambda_context)


def checked_kind(kind: object) -> str:
    """The kind, if there is one of that name."""
    name = _ALIASES.get(kind, kind) if isinstance(kind, str) else kind
    if name in KINDS:
        return str(name)
    if callable(kind):
        raise RegistrationError("write @app.middleware('all') with its parentheses, or name a kind.")
    from .routing.problems import nearest

    raise RegistrationError(
        f"there is no kind of event {kind!r} for a middleware. {nearest(str(kind), KINDS)}"
    )
