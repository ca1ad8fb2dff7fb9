"""What an app has around its views: hooks, error handlers, middleware and CORS.

    middleware                       what get_response raises, it sees
      before_request                 the app's, then the blueprints' from the outside in
      the view
    errorhandler                     for what came through the middleware
    after_this_request, after_request    the blueprints' from the inside out, then the app's
    CORS
    teardown_request                 when the answer is finished

Loaded with the first of these that an app registers.
"""

from __future__ import annotations

from ..awaiting import settled
from ..context import CURRENT, PROPAGATE
from ..errors import HTTPException, InternalServerError, RequestRedirect
from ..http.cors import CORS
from ..http.response import Response
from ..middleware import Middleware, onion
from . import view_response
from .after import processed, take_hooks
from .failures import (
    answer_of,
    failure_response,
    handled_error,
    handlers_response,
    log_failure,
    problem_response,
    routing_response,
)
from .streamed import prepared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from ..app import App
    from ..context import RequestContext
    from ..http.request import Request
    from ..routing.rule import Rule

    Hook = Callable[..., Any]
    Obstacle = HTTPException | RequestRedirect | None


def route(app: App, request: Request) -> Obstacle:
    """Match the request by the app's one table; what keeps it from a view is the answer."""
    try:
        request.url_rule, request.view_args = app.route_table.match(request.path, request.method)
    except (HTTPException, RequestRedirect) as exc:
        request.routing_exception = exc
        return exc
    return None


class Lifecycle:
    """The registrations of one app, by the blueprint that made them; None stands for the app itself."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._before: dict[str | None, list[Hook]] = {}
        self._after: dict[str | None, list[Hook]] = {}
        self._teardown: dict[str | None, list[Hook]] = {}
        self._handlers: dict[str | None, dict[tuple[int | None, type], Hook]] = {}
        self.middleware: list[Middleware] = []
        self.cors: CORS | None = None

    def add_hook(self, stage: str, function: Hook, blueprint: str | None) -> None:
        """Keep a hook; `stage` is "before", "after" or "teardown"."""
        kept = {"before": self._before, "after": self._after, "teardown": self._teardown}[stage]
        kept.setdefault(blueprint, []).append(function)

    def add_error_handler(self, code: int | None, kind: type, function: Hook, blueprint: str | None) -> None:
        """Keep a handler of errors; the last one for the same error wins, as in Flask."""
        self._handlers.setdefault(blueprint, {})[code, kind] = function

    # One request -------------------------------------------------------------------------------

    def respond(self, request: Request) -> Response:
        """The app's answer to the request; no Exception leaves it, unless a test asks for that."""
        obstacle = route(self._app, request)
        try:
            preflight = self._preflight(request) if request.method == "OPTIONS" else None
            if preflight is not None:
                return preflight
            response = self._handled(request, obstacle)
            if hasattr(response.body, "__aiter__"):  # hooks read it like any other
                prepared(response)
            return self._processed(request, response)
        except Exception as exc:  # noqa: BLE001  # what a hook raises is answered like a view's error
            return failure_response(self._app, request, exc)

    def _handled(self, request: Request, obstacle: Obstacle) -> Response:
        def inside(_: Any) -> Response:
            return self._viewed(request, obstacle)

        names = _blueprints(request)
        layers = [one for one in self.middleware if one.wraps("http", names)]
        rule = request.url_rule
        try:
            if rule is not None and rule.is_protected:
                # before the middleware, which may answer in the view's place: from a cache
                from .protection import check_protection

                check_protection(self._app, rule, request)
            response: Response = onion(layers, inside, _middleware_answer)(request)
        except Exception as exc:  # noqa: BLE001  # whatever a view raises is answered
            return handled_error(self._app, request, exc)
        return response

    def _viewed(self, request: Request, obstacle: Obstacle) -> Response:
        for name in (None, *reversed(_blueprints(request))):
            for hook in self._before.get(name, ()):
                value = settled(hook())
                if value is not None:
                    return answer_of("before_request function", hook, value)
        if obstacle is not None:
            return routing_response(self._app, request, obstacle)
        return view_response(request)

    def _processed(self, request: Request, response: Response) -> Response:
        """The response through the hooks that follow, and with the fields of CORS."""
        response = processed(CURRENT.get(), self._following(request), response)
        self.write_cors(request, response)
        return response

    def _following(self, request: Request) -> Iterator[Hook]:
        scope = CURRENT.get()
        yield from take_hooks(scope)
        for name in (*_blueprints(request), None):
            for hook in reversed(self._after.get(name, ())):
                if hook is not scope.broken_hook:  # it led here, and would again
                    yield hook

    def failed(self, request: Request, error: InternalServerError) -> Response:
        """The answer to an unforeseen error: errorhandler(500), the hooks that follow, CORS."""
        response = None
        handler = self.error_handler(error, request)
        if handler is not None:
            try:
                response = handlers_response(handler, error)
            except Exception as exc:  # noqa: BLE001  # a broken handler must not hide the error behind it
                log_failure(self._app, request, exc)
        if response is None:
            response = problem_response(error)
        try:
            return self._processed(request, response)
        except Exception as exc:  # noqa: BLE001  # another hook's error, beside the one that led here
            log_failure(self._app, request, exc)
            self.write_cors(request, response)
            return response

    def error_handler(self, error: BaseException, request: Request) -> Hook | None:
        """The handler for an error, as Flask chooses it.

        One by status comes before one by class alone, a blueprint's before the app's, a class before those
        that it inherits from.
        """
        code = error.status_code if isinstance(error, HTTPException) else None
        for wanted in (code, None) if code is not None else (None,):
            for name in (*_blueprints(request), None):
                known = self._handlers.get(name)
                for kind in type(error).__mro__ if known else ():
                    handler = known.get((wanted, kind))  # type: ignore[union-attr]  # not empty
                    if handler is not None:
                        return handler
        return None

    def tear_down(self, scope: RequestContext) -> None:
        """Run every teardown hook, whatever the others raise; each gets the error that nobody handled."""
        request = scope.request
        if request is None:
            return
        failure: Exception | None = None
        for name in (*_blueprints(request), None):
            for hook in reversed(self._teardown.get(name, ())):
                try:
                    settled(hook(scope.error))
                except Exception as exc:  # noqa: BLE001  # the answer is finished: it is not lost to this
                    failure = failure or exc
                    if not PROPAGATE.get():
                        log_failure(self._app, request, exc)
        if failure is not None and PROPAGATE.get() and scope.error is None:
            raise failure

    # CORS --------------------------------------------------------------------------------------

    def write_cors(self, request: Request, response: Response) -> None:
        """Put the fields of CORS into a response, of whatever status."""
        policy = self._policy(request)
        if policy is not None:
            policy.write(response.headers, request.headers.get("origin"))

    def _preflight(self, request: Request) -> Response | None:
        """The answer to a preflight, without any hook, because it has no credentials; else None."""
        origin = request.headers.get("origin")
        asked_method = request.headers.get("access-control-request-method")
        if origin is None or asked_method is None:
            return None
        policy = None if request.url_rule is not None else self._policy(request)
        if policy is None:
            return None
        response = Response(status_code=204)
        # Of an unknown path whatever was asked, so that the page may read the 404.
        allowed = self._app.route_table.allowed_methods(request.path) or (asked_method,)
        asked = request.headers.get("access-control-request-headers")
        policy.write_preflight(response.headers, origin, asked, allowed)
        return response

    def _policy(self, request: Request) -> CORS | None:
        """The policy for the request: its rule's own, else the app's; None for none."""
        rule = request.url_rule or self._asked_rule(request)
        policy = self.cors if rule is None or rule.cors is None else rule.cors
        return policy or None

    def _asked_rule(self, request: Request) -> Rule | None:
        """The rule that a preflight, a redirect or a 405 is about."""
        table = self._app.route_table
        asked = request.headers.get("access-control-request-method")
        for method in (asked, *table.allowed_methods(request.path)):
            path = request.path
            for _ in range(2):  # a second time where a redirect leads to the rule
                try:
                    return table.match(path, (method or "").upper())[0]
                except RequestRedirect as exc:
                    path = exc.path
                except HTTPException:
                    break
        return None


def _middleware_answer(function: Hook, value: Any) -> Response:
    return answer_of("middleware", function, value)


def _blueprints(request: Request) -> tuple[str, ...]:
    rule = request.url_rule
    return rule.blueprints if rule is not None else ()
