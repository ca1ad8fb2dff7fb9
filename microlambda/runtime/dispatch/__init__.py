"""From an event to its result: routing, the view, and the answer in the gateway's shape.

An app without hooks, middleware or CORS is answered here alone; `lifecycle.py` runs what others have
around the same steps, and `failures.py` makes responses of errors. Both load when first needed.
"""

from __future__ import annotations

from contextvars import copy_context

from ..context import CURRENT, STREAMING, RequestContext
from ..errors import HTTPException, UnknownEvent
from ..http.response import Response, make_response
from ..ingress import infer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..app import App
    from ..http.request import Request
    from ..ingress.base import Ingress

#: What the deployer asks a new version.
CHECK: dict[str, Any] = {"microlambda": {"check": 1}}

#: What views answer and bodies are nearly always: these need no second look.
_PLAIN_ANSWERS = frozenset((dict, str, list, tuple))
_PLAIN_BODIES = frozenset((dict, str, list, bytes, type(None)))


def dispatch(app: App, event: Any, context: Any) -> Any:
    """The result for an event of any kind; `UnknownEvent` for one that this app cannot read."""
    ingress = infer(event)
    if ingress is not None:
        if app.way is not None:
            return app.way(app, ingress, event, context)
        # What views leave in context variables is not for the next request.
        return copy_context().run(answer, app, ingress, event, context)
    if event == CHECK:
        # The deployer's question to a new version: that it is answered proves that the app imports.
        return CHECK
    from .sources import dispatch_event

    return dispatch_event(app, event, context)


def answer(app: App, ingress: Ingress, event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The result for an HTTP event; no Exception leaves it, unless a test asks for that."""
    app.is_serving = True
    try:
        request = ingress.to_request(event, context)
        if type(request.path) is not str or type(request.method) is not str:
            raise TypeError("path and method are no strings")  # noqa: TRY301  # told like what an adapter raises
    except (AttributeError, KeyError, TypeError) as exc:
        from .failures import unreadable_event

        raise UnknownEvent(unreadable_event(ingress, exc)) from exc
    request.config = app.config
    scope = RequestContext(app, request, context)
    token = CURRENT.set(scope)
    try:
        try:
            return finish(scope, request, respond(scope, request))
        except Exception as exc:  # noqa: BLE001  # a body that cannot be encoded, and what hooks raise
            from .failures import failure_result

            return failure_result(scope, request, exc)
    except BaseException as exc:
        scope.error = exc  # for the teardown hooks: what they began is not to be kept
        raise
    finally:
        try:
            if app.lifecycle is not None or request._to_close is not None:
                from .scope import end_request

                end_request(scope)
        finally:
            CURRENT.reset(token)


def respond(scope: RequestContext, request: Request) -> Response:
    """The app's answer to the request: the view's, with what hooks and middleware make of it."""
    app = scope.app
    if app.lifecycle is not None:
        return app.lifecycle.respond(request)
    try:
        rule, request.view_args = app.route_table.match(request.path, request.method)
        request.url_rule = rule
        if rule.is_protected:
            from .protection import check_protection

            check_protection(app, rule, request)
        response = view_response(request)
    except Exception as exc:  # noqa: BLE001  # whatever a view raises is answered
        from .failures import error_response

        response = error_response(app, request, exc)
    return followed(scope, response)


def followed(scope: RequestContext, response: Response) -> Response:
    """The response through the functions that the view left with `after_this_request`."""
    if scope.after:
        from .after import processed, take_hooks

        return processed(scope, take_hooks(scope), response)
    return response


def view_response(request: Request) -> Response:
    """The answer of the view that the request was routed to, as a Response."""
    rule: Any = request.url_rule
    if rule.content_types is not None:
        from .failures import check_content_type

        check_content_type(rule, request)
    value = rule.view(**request.view_args)
    return make_response(value) if type(value) in _PLAIN_ANSWERS else response_of(value)


def response_of(value: Any) -> Response:
    """What a view, a hook or an error handler answered, as a Response; a coroutine is awaited.

    A Response is copied: what hooks, CORS and compression add to a constant is not for the next caller.
    """
    from ..awaiting import settled

    value = settled(value)
    if isinstance(value, HTTPException):
        from .failures import problem_response

        return problem_response(value)
    return value.copy() if isinstance(value, Response) else make_response(value)


def finish(scope: RequestContext, request: Request, response: Response) -> dict[str, Any]:
    """The response as a result; one that the gateway would not pass on becomes a 500."""
    app, ingress = scope.app, request._ingress
    if scope.opened_session is not None:
        scope.opened_session.save(app, request, response)
    is_head = request.method == "HEAD"
    if type(response.body) not in _PLAIN_BODIES:
        from .streamed import prepared, streamed_result

        prepared(response, is_head)
        if response.is_streamed and ingress.streams and STREAMING.get():
            return streamed_result(scope, request, response)
    try:
        body = response.finished_body(app.json_encoder.dumps)
    finally:
        if response.on_close is not None:
            from .failures import closed

            closed(scope, request, response)
    above = app._compress_above
    if above is not None and (len(body) > above or response.status_code == 304):
        from ..http.compression import compressed

        body = compressed(response, body, request.headers.get("accept-encoding"), above)
    result = ingress.to_result(response, body, is_head)
    # A character takes at most six bytes in JSON, so nearly every answer is settled by its length.
    length = len(result["body"]) + sum([len(name) + len(value) for name, value in response.headers]) + 200
    if length * 6 > ingress.limit:
        from .failures import check_size

        return check_size(scope, request, result)
    return result
