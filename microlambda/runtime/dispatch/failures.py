"""Errors as responses: the one place where they become that. Loaded with the first error."""

from __future__ import annotations

from contextlib import suppress

from ..awaiting import named, settled
from ..context import CURRENT, PROPAGATE
from ..errors import (
    EncodingError,
    HTTPException,
    InternalServerError,
    RequestRedirect,
    UnsupportedMediaType,
)
from ..http.problem import problem
from ..http.response import Response
from ..ingress import RECOGNISED
from ..ingress.base import Ingress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any

    from ..app import App
    from ..context import RequestContext
    from ..http.request import Request
    from ..routing.rule import Rule


def routing_response(app: App, request: Request, obstacle: Exception) -> Response:
    """The answer where no view is reached: a redirect, the answer to OPTIONS, or the error, raised."""
    if isinstance(obstacle, RequestRedirect):
        return _redirect(request, obstacle.path)
    if request.method == "OPTIONS" and isinstance(obstacle, HTTPException):
        allowed = app.route_table.allowed_methods(request.path)
        if allowed:
            return Response(headers={"Allow": ", ".join(allowed)})
    raise obstacle


def _redirect(request: Request, path: str) -> Response:
    """308 keeps the method and the body. The root path and the query come along."""
    from ..percent import PATH, quote

    # One slash in front: '//host/' in a Location would be another site (an open redirect).
    location = quote("/" + f"{request.root_path}{path}".lstrip("/"), PATH)
    query = request._ingress.query_string(request.event)
    return Response(status_code=308, headers={"Location": f"{location}?{query}" if query else location})


def check_content_type(rule: Rule, request: Request) -> None:
    """Refuse with 415 a body of a type that the route does not list (Chalice's `content_types`)."""
    if request.mimetype not in rule.content_types and (request.data or request.mimetype):
        raise UnsupportedMediaType(
            f"this route reads {', '.join(rule.content_types)}; "
            f"the body is {request.mimetype or 'of no declared type'}."
        )


def error_response(app: App, request: Request, error: Exception) -> Response:
    """The answer to an error of routing or of a view: its handler's, its own, or 500."""
    try:
        if request.url_rule is None:
            return routing_response(app, request, error)
    except HTTPException:
        pass  # a 404 or 405 is answered like one that a view raises
    try:
        return handled_error(app, request, error)
    except Exception as exc:  # noqa: BLE001  # nobody handled it, or the handler itself failed
        return failure_response(app, request, exc)


def handled_error(app: App, request: Request, error: Exception) -> Response:
    """The answer of the error's handler, or an HTTP error's own; any other error is raised again."""
    if isinstance(error, HTTPException) and error.response is not None:
        return problem_response(error)
    handler = app.lifecycle.error_handler(error, request) if app.lifecycle is not None else None
    if handler is not None:
        try:
            return handlers_response(handler, error)
        except HTTPException as exc:
            if exc is not error:  # raising the error itself again is to leave it as it is
                raise
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code >= 500:
        log_failure(app, request, error)
    return problem_response(error)


def failure_result(scope: RequestContext, request: Request, error: Exception) -> dict[str, Any]:
    """The result for an unforeseen error; where answering it fails, too, a bare 500."""
    from . import finish

    try:
        return finish(scope, request, failure_response(scope.app, request, error))
    except Exception as exc:
        if PROPAGATE.get():
            raise
        log_failure(scope.app, request, exc)
        response = problem_response(InternalServerError())
        if scope.app.lifecycle is not None:
            with suppress(Exception):  # a pattern of the user's that fails has been logged by now
                scope.app.lifecycle.write_cors(request, response)
        return finish(scope, request, response)


def failure_response(app: App, request: Request, error: Exception) -> Response:
    """500 for the caller, the traceback for the log; in a test, the error itself."""
    scope = CURRENT.get(None)
    if scope is not None:
        scope.error = error
    if PROPAGATE.get():
        raise _placed(request, error)
    log_failure(app, request, error)
    unforeseen = InternalServerError()
    unforeseen.original_exception = error
    if app.lifecycle is not None:
        return app.lifecycle.failed(request, unforeseen)
    return problem_response(unforeseen)


def _placed(request: Request, error: Exception) -> Exception:
    """The error for a test: one without a frame of the user's says which view was being answered."""
    if request.url_rule is None or users_frames(error) is not None:
        return error
    error.add_note(f"{request.method} {request.path} was answered by {_view(request.url_rule)}")
    return error.with_traceback(None)


def _view(rule: Rule) -> str:
    return f"{rule.endpoint} ({rule.location})"


def closed(scope: RequestContext, request: Request, response: Response) -> None:
    """Run what `call_on_close` was given; the answer is not lost to a clean-up that fails."""
    try:
        response.close()
    except Exception as exc:
        if PROPAGATE.get():
            raise
        log_failure(scope.app, request, exc)


def handlers_response(handler: Callable[..., Any], error: Exception) -> Response:
    """What an error handler answers."""
    return answer_of("error handler", handler, settled(handler(error)))


def answer_of(what: str, function: Callable[..., Any], value: Any) -> Response:
    """What a function that is no view answered; where that is no answer, the error names the function."""
    from . import response_of

    try:
        return response_of(value)
    except EncodingError as exc:
        raise EncodingError(str(exc).replace("the view", f"the {what} {named(function)}", 1)) from None


def problem_response(error: HTTPException) -> Response:
    """The error as problem+json (RFC 9457); in debug mode as a page, where the caller prefers that."""
    scope = CURRENT.get(None)
    request = scope.request if scope is not None and scope.app.debug else None
    if error.response is None and request is not None and _prefers_html(request):
        return _page(error)
    return problem(error)


def _prefers_html(request: Request) -> bool:
    kinds = ("application/problem+json", "application/json", "text/html")
    return request.accept_mimetypes.best_match(kinds) == "text/html"


def _page(error: HTTPException) -> Response:
    from html import escape

    title = escape(f"{error.status_code} {error.title}")
    body = (
        f'<!doctype html>\n<html lang="en">\n<title>{title}</title>\n'
        f"<h1>{escape(error.title)}</h1>\n<p>{escape(error.detail or '')}</p>\n"
    )
    return Response(body, status_code=error.status_code, headers=error.headers)


def log_failure(app: App, request: Request, error: BaseException) -> None:
    """One line, with the traceback where the user's code is in it, else with the message."""
    traceback = users_frames(error)
    rule = request.url_rule
    app.logger.error(
        "%s %s: %s%s",
        shown(request.method),
        shown(request.path),
        type(error).__name__
        if traceback is not None and not isinstance(error, EncodingError)
        else _told(error),
        f" in {_view(rule)}" if rule is not None else "",
        exc_info=None if traceback is None else (type(error), error, traceback),
    )


def _told(error: BaseException) -> str:
    """The error in words, whatever its own __str__ does."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  # the log line must come out
        text = ""
    if isinstance(error, EncodingError):
        return text.rstrip(".")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def shown(path: str) -> str:
    """The path as it stands in a URL: decoded, a caller could write lines of his own into the log."""
    from ..percent import quote

    return quote(path)


def users_frames(error: BaseException) -> TracebackType | None:
    """The traceback from the first frame that is not ours, nor JSON's; None where every frame is."""
    traceback = error.__traceback__
    while traceback is not None:
        if not traceback.tb_frame.f_globals.get("__name__", "").startswith(("microlambda.runtime.", "json.")):
            return traceback
        traceback = traceback.tb_next
    return None


def check_size(scope: RequestContext, request: Request, result: dict[str, Any]) -> dict[str, Any]:
    """The result, or a 500 where it is over what the gateway passes on."""
    ingress = request._ingress
    size = _size(result)
    if size <= ingress.limit:
        return result
    carrier = "Lambda" if ingress.limit == Ingress.limit else ingress.name
    reason = f"The answer is over the {ingress.limit} bytes that {carrier} passes on."
    path = shown(request.path)
    scope.app.logger.error("%s %s: %s It has %d.", shown(request.method), path, reason, size)
    response = problem_response(InternalServerError(reason))
    if scope.app.lifecycle is not None:
        scope.app.lifecycle.write_cors(request, response)
    body = response.finished_body(scope.app.json_encoder.dumps)
    return ingress.to_result(response, body, request.method == "HEAD")


def _size(result: dict[str, Any]) -> int:
    """The bytes that AWS's runtime client makes of it; before Python 3.12 it escapes what is not ASCII."""
    import json
    import sys

    text = json.dumps(result, ensure_ascii=sys.version_info < (3, 12))
    return len(text.encode("utf-8", "surrogatepass"))


def unreadable_event(ingress: Ingress, error: Exception) -> str:
    """Why an event that has the marks of a gateway cannot be read: only one written by hand is like that."""
    return (
        f"this event has the marks of one from {ingress.name}, and cannot be read as one: "
        f"{type(error).__name__}: {error}. Compare it with an event that AWS sends."
    )


def unknown_event(event: Any) -> str:
    """Why no adapter reads the event, and which shapes are read."""
    return (
        f"this event has {shape_of(event)}, and is none that the app knows. It reads the events of "
        + "; ".join(RECOGNISED)
        + "; and those of the sources that handlers are declared for."
    )


def shape_of(event: Any) -> str:
    """What an event has, without any of its values: they may be secret."""
    if isinstance(event, dict) and event:
        return f"the keys {', '.join(sorted(map(str, event)))[:500]}"
    return "no keys" if event == {} else f"the type {type(event).__name__}"
