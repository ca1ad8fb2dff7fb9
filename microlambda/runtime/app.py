"""App: it owns the route table and the handlers, and is itself a Lambda handler."""

from __future__ import annotations

from .context import CURRENT
from .dispatch import dispatch
from .errors import ConfigurationError, RegistrationError
from .http.json import JSON
from .registration import HTTP_FUNCTION, Registration
from .routing.rule import Rule
from .routing.table import RouteTable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from logging import Logger
    from typing import Any

    from microlambda.testing.client import TestClient

    from .blueprint import Blueprint, Scope
    from .dispatch.handler import Handler
    from .dispatch.lifecycle import Lifecycle
    from .events.websocket import WebSocketEvent
    from .http.cors import CORS
    from .http.request import Request
    from .triggers.base import Trigger
    from .websocket import WebSocket
    from .wsgi import WSGI

_COMPRESS_ABOVE = 1_024

# inspect.CO_COROUTINE and CO_ASYNC_GENERATOR, without importing inspect
_IS_ASYNC = 0x80 | 0x200


def _current_encoder() -> JSON:
    """The encoder of the app that is answering; the plain one outside of requests."""
    scope = CURRENT.get(None)
    return scope.app.json_encoder if scope is not None else JSON()


JSON.current = _current_encoder


class App(Registration):
    """A serverless application: routes, handlers and what they share.

    `name` (Chalice calls it `app_name`) is the first part of every AWS name. `debug` makes the
    log verbose and shows errors as pages to those who prefer them. The app takes `(event, context)`,
    so `app.app` is a handler for any deployer.
    """

    #: What signs the `session`: a long random value, or what gives it when it is needed.
    secret_key: str | bytes | Callable[[], str | bytes] | None = None
    _default_authorizer: Any = None

    def __init__(
        self, name: str | None = None, *, app_name: str | None = None, debug: bool | None = None
    ) -> None:
        if name is not None and app_name is not None and name != app_name:
            raise TypeError(f"App got two names, {name!r} and app_name={app_name!r}: give one.")
        self.name = name if name is not None else app_name
        if not isinstance(self.name, str | None):
            raise TypeError(f"App got {self.name!r} as its name, which is no str.")
        self.debug = bool(debug)
        self.config: dict[str, Any] = {}
        self._compress_above: int | None = _COMPRESS_ABOVE
        self._longest_plain = _COMPRESS_ABOVE  # bytes of a body that is sent as it is without a closer look
        self.route_table = self.url_map = RouteTable()
        self.json_encoder = JSON()
        self.lifecycle: Lifecycle | None = None
        self.is_serving = False
        self.handlers: dict[str, Handler] = {}
        self.way: Callable[..., Any] | None = None  # an own one to the results of HTTP events
        self.startups: list[Callable[[], None]] = []  # what is to be done before the first event
        self.around_events: Callable[[Callable[[], Any]], Any] | None = None
        self.managed: Callable[[App, Any, Any], Any] | None = None  # runs a mounted Django's commands
        self._blueprints: dict[str, Blueprint] = {}
        self._logger: Logger | None = None
        self._websocket: WebSocket | None = None

    __call__ = dispatch  # the App answers an event as AWS Lambda sends it

    # Registration ------------------------------------------------------------------------------

    def _add_route(
        self,
        rule: str,
        view: Callable[..., Any],
        endpoint: str | None,
        options: dict[str, Any],
        scope: Scope | None = None,
    ) -> None:
        if self.is_serving:
            self._refuse_late(f"the route {rule!r}")
        if not options or options.keys() == {"methods"}:
            made = Rule(rule, view, endpoint=endpoint, converters=self.route_table.converters, **options)
        else:
            from .registration_options import rule_with_options

            made = rule_with_options(self, rule, view, endpoint, options)
        if scope is not None:
            scope.adopt(made)
            if made.cors:
                self.prepared_lifecycle()
        if self._default_authorizer is not None:
            from .auth import protect

            protect(made, self._default_authorizer)
        self.route_table.add(made)
        code = getattr(view, "__code__", None)
        if code is None or code.co_flags & _IS_ASYNC:
            from .awaiting import prepare

            prepare(view)

    def _add_hook(
        self, stage: str, function: Callable[..., Any], everywhere: bool, scope: Scope | None = None
    ) -> None:
        self._check(f"{stage}_request", function)
        blueprint = None if scope is None or everywhere else scope.name
        self.prepared_lifecycle().add_hook(stage, function, blueprint)

    def _add_error_handler(
        self,
        wanted: tuple[int | None, type],
        function: Callable[..., Any],
        everywhere: bool,
        scope: Scope | None = None,
    ) -> None:
        self._check("errorhandler", function)
        blueprint = None if scope is None or everywhere else scope.name
        self.prepared_lifecycle().add_error_handler(*wanted, function, blueprint)

    def _add_middleware(self, function: Callable[..., Any], kind: str, scope: Scope | None = None) -> None:
        from .middleware import Middleware

        self._check("middleware", function)
        made = Middleware(function, kind, None if scope is None else scope.name)
        self.prepared_lifecycle().middleware.append(made)

    def _add_handler(
        self,
        kind: str,
        function: Callable[..., Any],
        name: str | None,
        trigger: Trigger,
        scope: Scope | None = None,
    ) -> None:
        from .dispatch.handler import add_handler

        self._check(kind, function)
        add_handler(self, kind, function, name, trigger, scope)

    def register_blueprint(self, blueprint: Blueprint, **options: Any) -> None:
        """Take over what the blueprint recorded.

        `url_prefix` comes before its own paths; `name` (Flask's) is the first part of its endpoints,
        `name_prefix` (Chalice's) that of its handlers' names; `cors` and `url_defaults` are for its routes. A
        blueprint may be registered several times.
        """
        from .blueprint import register

        self._refuse_late(f"the blueprint {blueprint!r}")
        register(self, blueprint, options)

    def mount(
        self,
        path: str,
        application: Callable[..., Any],
        *,
        name: str | None = None,
        interface: str | None = None,
    ) -> None:
        """Let a WSGI (PEP 3333) or ASGI 3 application, such as a Flask or a FastAPI, answer below `path`.

        It gets what no route answers. `path` is fixed, "/" for all; it becomes the application's SCRIPT_NAME
        or root_path. Of several the longest counts. `name` is the endpoint's. `interface` is "wsgi" or "asgi"
        where how the application is called does not show it. RegistrationError for what is no application.
        """
        from .mounts import mount

        self._refuse_late(f"the application at {path!r}")
        mount(self, path, application, name=name, interface=interface)

    def mount_websocket(
        self,
        path: str | Callable[[WebSocketEvent], str],
        application: Callable[..., Any],
        *,
        authorizer: Any = None,
        name: str | None = None,
    ) -> None:
        """Let an ASGI 3 application, such as a FastAPI, serve the clients of the WebSocket API.

        That API has no paths: `path` is the one at which the application serves them, or what makes it of
        the `WebSocketEvent` of a client that connects. `authorizer` is asked before, as `on_ws_connect`
        asks one. `name` is the handler's. A connection stays in the environment where it began:
        docs/guides/web-applications.md says what follows from that. RegistrationError for what is no
        ASGI application, and where `on_ws_connect` or its kin have the events already.
        """
        from .mounts.websockets import mount_websocket

        self._refuse_late(f"the application at {path!r}")
        mount_websocket(self, path, application, authorizer=authorizer, name=name)

    def _check(self, kind: str, function: Callable[..., Any]) -> None:
        from .registration_options import check_function

        check_function(kind, function)
        if self.is_serving:
            from .awaiting import named

            self._refuse_late(f"the {kind} {named(function)}")

    def _refuse_late(self, what: str) -> None:
        if self.is_serving:
            raise RegistrationError(
                f"{what} comes after the first request was answered: other environments of the function "
                "would not have it. Register everything while the module is imported."
            )

    def prepared_lifecycle(self) -> Lifecycle:
        """What the app has around its views, made when the first of it is registered."""
        if self.lifecycle is None:
            from .dispatch.lifecycle import Lifecycle

            self.lifecycle = Lifecycle(self)
        return self.lifecycle

    @property
    def cors(self) -> CORS | None:
        """The policy for every route that has none of its own; set it to True or a `CORS`."""
        return self.lifecycle.cors if self.lifecycle is not None else None

    @cors.setter
    def cors(self, value: CORS | bool | None) -> None:
        from .http.cors import checked_cors

        self._refuse_late("the policy for CORS")
        self.prepared_lifecycle().cors = checked_cors(value)

    @property
    def default_authorizer(self) -> Any:
        """The authorizer of every route that says nothing of one (`authorizer=`); set it once."""
        return self._default_authorizer

    @default_authorizer.setter
    def default_authorizer(self, value: Any) -> None:
        from .auth import set_default

        self._refuse_late("the default authorizer")
        set_default(self, value)

    @property
    def compress_above(self) -> int | None:
        """The size in bytes above which answers are compressed for callers that accept it; None for never."""
        return self._compress_above

    @compress_above.setter
    def compress_above(self, value: int | None) -> None:
        if value is not None and (type(value) is not int or value < 0):
            raise TypeError(f"compress_above={value!r} is no number of bytes; None switches it off.")
        self._compress_above = value
        self._longest_plain = _COMPRESS_ABOVE if value is None else min(value, _COMPRESS_ABOVE)

    # Lambda functions --------------------------------------------------------------------------

    @property
    def functions(self) -> tuple[str, ...]:
        """The names of the Lambda functions that the app needs."""
        return ((HTTP_FUNCTION,) if len(self.route_table) else ()) + tuple(self.handlers)

    def handler(self, name: str | None) -> Callable[[Any, Any], Any]:
        """What the function `name` runs; without a name, what the event asks for."""
        if name in self.handlers:
            from .dispatch.handler import bound

            return bound(self, self.handlers[name])
        if name is None or name in self.functions:
            return self
        raise ConfigurationError(
            f"the app has no handler {name!r}. It has: {', '.join(self.functions) or 'none at all'}."
        )

    # What views reach for ----------------------------------------------------------------------

    @property
    def logger(self) -> Logger:
        """A standard logger whose lines carry the request id."""
        if self._logger is None:
            from .logger import make_logger

            self._logger = make_logger(self.name or "microlambda", debug=self.debug)
        return self._logger

    @property
    def log(self) -> Logger:
        """Chalice's name for `logger`."""
        return self.logger

    @property
    def websocket(self) -> WebSocket:
        """Sends to the clients of the app's WebSocket API, from every kind of handler."""
        if self._websocket is None:
            from .websocket import WebSocket

            self._websocket = WebSocket(self)
        return self._websocket

    def secret(self, name: str, *, ttl: float = 3600) -> str:
        """A parameter of SSM ("/path") or a secret of Secrets Manager, fetched once in `ttl` seconds.

        "ssm:name" and "secret:name" say which. The variable SECRET_NAME of the environment comes first, and
        is what tests set. ConfigurationError where there is none, or the function may not read it.
        """
        from .secret_values import secret_value

        return secret_value(name, ttl, self.logger)

    @property
    def json_default(self) -> Callable[[Any], Any] | None:
        """Turns what JSON has no type for into what it has; it raises TypeError for the rest."""
        return self.json_encoder.default

    @json_default.setter
    def json_default(self, function: Callable[[Any], Any] | None) -> None:
        self.json_encoder.default = function

    def url_for(self, endpoint: str, **values: Any) -> str:
        """The URL of a view; see `microlambda.url_for`."""
        from .urls import url_for

        return url_for(endpoint, _app=self, **values)

    # Other ways to run it ----------------------------------------------------------------------

    @property
    def wsgi(self) -> WSGI:
        """The app for any WSGI server: `gunicorn app:app.wsgi`."""
        from .wsgi import WSGI

        return WSGI(self)

    def test_client(self, **options: Any) -> TestClient:
        """A client for tests, which speaks to the app through the same gateway as `microlambda local`."""
        from microlambda.testing.client import TestClient

        return TestClient(self, **options)

    def test_request_context(self, *args: Any, **options: Any) -> AbstractContextManager[Request]:
        """Make a request the current one in a `with` block, unanswered; the arguments are the client's."""
        from microlambda.testing.request_context import request_context

        return request_context(self, *args, **options)

    def __repr__(self) -> str:
        return f"<App {self.name!r}>"
