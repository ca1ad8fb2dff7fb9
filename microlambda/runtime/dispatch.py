"""From an event to its result: the one place where errors become responses."""

from __future__ import annotations

from .context import CURRENT, PROPAGATE, RequestContext
from .errors import (
    EncodingError,
    HTTPException,
    InternalServerError,
    MethodNotAllowed,
    NotFound,
    RequestRedirect,
    UnknownEvent,
)
from .http.response import Response, make_response
from .ingress import RECOGNISED, infer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from .app import App
    from .http.request import Request
    from .ingress.base import Ingress

#: What the deployer asks a new version.
CHECK: dict[str, Any] = {"microlambda": {"check": 1}}

#: A synchronous result ends at 6 MB, and the runtime client encodes it as JSON.
#: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_RESULT = 6_291_556


def dispatch(app: App, event: Any, context: Any) -> dict[str, Any]:
    """The result for an event of any kind; `UnknownEvent` for one that this app cannot read."""
    ingress = infer(event)
    if ingress is not None:
        return answer(app, ingress, event, context)
    if event == CHECK:
        # The deployer's question to a new version: that it is answered proves that the app imports.
        return CHECK
    raise UnknownEvent(_unknown(event))


def answer(app: App, ingress: Ingress, event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The result for an HTTP event; no error of a view leaves it, unless a test asks for that."""
    request = ingress.to_request(event, context)
    token = CURRENT.set(RequestContext(app, request))
    try:
        try:
            try:
                return finish(app, ingress, request, call_view(app, request))
            except HTTPException as exc:
                if exc.status_code >= 500:
                    log_failure(app, request, exc)
                return finish(app, ingress, request, problem_response(exc))
        except Exception as exc:  # noqa: BLE001  # whatever a view raises is answered with 500
            return finish(app, ingress, request, failure_response(app, request, exc))
    finally:
        CURRENT.reset(token)


def finish(app: App, ingress: Ingress, request: Request, response: Response) -> dict[str, Any]:
    """The response as a result; one that Lambda would not pass on becomes a 500."""
    is_head = request.method == "HEAD"
    result = ingress.to_result(response, response.finished_body(app.json_encoder.dumps), is_head)
    # A character takes at most six bytes in JSON, so nearly every answer is settled by its length.
    length = len(result["body"]) + sum([len(name) + len(value) for name, value in response.headers]) + 200
    if length * 6 > MAX_RESULT and _size(result) > MAX_RESULT:
        return finish(app, ingress, request, _too_large(app, request))
    return result


def call_view(app: App, request: Request) -> Response:
    """The view's answer to the request, routed by the app's one table."""
    try:
        rule, request.view_args = app.route_table.match(request.path, request.method)
    except (MethodNotAllowed, NotFound):
        allowed = app.route_table.allowed_methods(request.path) if request.method == "OPTIONS" else ()
        if not allowed:
            raise
        return Response(headers={"Allow": ", ".join(allowed)})
    except RequestRedirect as exc:
        return _redirect(request, exc.path)
    request.url_rule = rule
    return make_response(rule.view(**request.view_args))


def _redirect(request: Request, path: str) -> Response:
    """308 keeps the method and the body. The root path and the query come along."""
    from .http.percent import quote

    safe = "!$&'()*+,/:;=@"
    # One slash in front: '//host/' in a Location would be another site (an open redirect).
    location = quote("/" + f"{request.root_path}{path}".lstrip("/"), safe)
    query = request._ingress.query_string(request.event)
    return Response(status_code=308, headers={"Location": f"{location}?{query}" if query else location})


def problem_response(error: HTTPException) -> Response:
    """The error as problem+json (RFC 9457)."""
    return Response(
        error.problem,
        status_code=error.status_code,
        headers=error.headers,
        mimetype="application/problem+json",
    )


def failure_response(app: App, request: Request, error: Exception) -> Response:
    """500 for the caller, the traceback for the log; in a test, the error itself."""
    if PROPAGATE.get():
        raise error
    log_failure(app, request, error)
    return problem_response(InternalServerError())


def log_failure(app: App, request: Request, error: Exception) -> None:
    """One line, with the traceback where the user's code is in it."""
    traceback = users_frames(error)
    where = (
        f"{request.url_rule.endpoint} ({request.url_rule.location})"
        if request.url_rule is not None
        else "routing"
    )
    app.logger.error(
        "%s %s: %s in %s",
        request.method,
        _shown(request.path),
        error if isinstance(error, EncodingError) else type(error).__name__,
        where,
        exc_info=None if traceback is None else (type(error), error, traceback),
    )


def _shown(path: str) -> str:
    """The path as it stands in a URL: decoded, a caller could write lines of his own into the log."""
    from .http.percent import quote

    return quote(path)


def users_frames(error: BaseException) -> TracebackType | None:
    """The traceback from the first frame that is not ours; None where every frame is."""
    traceback = error.__traceback__
    while traceback is not None:
        if not traceback.tb_frame.f_globals.get("__name__", "").startswith("microlambda.runtime."):
            return traceback
        traceback = traceback.tb_next
    return None


def _size(result: dict[str, Any]) -> int:
    """The bytes that AWS's runtime client makes of it; before Python 3.12 it escapes what is not ASCII."""
    import json
    import sys

    text = json.dumps(result, ensure_ascii=sys.version_info < (3, 12))
    return len(text.encode("utf-8", "surrogatepass"))


def _too_large(app: App, request: Request) -> Response:
    path = _shown(request.path)
    app.logger.error(
        "%s %s: the answer is over the %d bytes that Lambda passes on.", request.method, path, MAX_RESULT
    )
    return problem_response(
        InternalServerError(f"The answer is over the {MAX_RESULT} bytes that Lambda passes on.")
    )


def _unknown(event: Any) -> str:
    shape = (
        f"the keys {', '.join(sorted(map(str, event)))}"
        if isinstance(event, dict) and event
        else repr(event)[:200]
    )
    return (
        f"this event has {shape}, and is none that the app knows. It reads the events of "
        + "; ".join(RECOGNISED)
        + "."
    )
