"""The short way to the answer of a mounted application, in an app with nothing around its views."""

from __future__ import annotations

from contextvars import copy_context

from ..context import CURRENT, RequestContext
from ..dispatch import answer, finish, followed
from .base import keep_body
from .head import plain_result, response_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..app import App
    from ..http.request import Request
    from ..ingress.base import Ingress
    from ..routing.rule import Rule


class MountedContext(RequestContext):
    """A request whose `Request` is made when somebody asks for it; mounted applications rarely do.

    Who makes one sets `app`, `lambda_context` and `asked`: an `__init__` is a call that each request pays.
    """

    __init__ = object.__init__
    asked: tuple[Ingress, dict[str, Any], Rule]
    made: Request | None = None

    @property
    def request(self) -> Request:  # type: ignore[override]  # an attribute there
        """The request, as views have it."""
        if self.made is None:
            ingress, event, rule = self.asked
            self.made = ingress.to_request(event, self.lambda_context)
            self.made.config = self.app.config
            self.made.url_rule = rule
        return self.made


def answer_mounted(app: App, ingress: Ingress, event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The same as `answer`, which takes over what is not plainly the application's.

    A WSGI application is called in the context of the thread, as servers do: Django keeps its caches there.
    """
    body = event.get("body", True)
    if app.lifecycle is not None or (body and "MAX_CONTENT_LENGTH" in app.config):
        return _apart(app, ingress, event, context)
    rule = None
    try:
        method, path, _ = place = ingress.place(event)
        if type(method) is str and path.startswith("/"):
            table = app.route_table
            rule = table.only or table.plain_mount(path)
    except (AttributeError, KeyError, TypeError):
        return _apart(app, ingress, event, context)  # it tells what is wrong with the event
    if rule is None:
        return _apart(app, ingress, event, context)
    app.is_serving = True
    scope = MountedContext()
    scope.app, scope.lambda_context, scope.asked = app, context, (ingress, event, rule)
    token = CURRENT.set(scope)
    view: Any = rule.view
    try:
        answered = view.answered(ingress, event, context, place, ingress.body(event) if body else b"")
        # Who leaves a hook, or opens the session, has looked at the request.
        if method != "HEAD" and (scope.made is None or not (scope.after or scope.opened_session)):
            result = plain_result(answered, ingress, app._longest_plain)
            if result is not None:
                return result
        keep_body(scope.request, answered.body)
        return finish(scope, scope.request, followed(scope, response_of(answered)))
    except Exception as exc:  # noqa: BLE001  # whatever a view raises is answered
        return _failed(scope, exc)
    finally:
        try:
            if scope.made is not None and scope.made._to_close is not None:
                from ..dispatch.scope import end_request

                end_request(scope)
        finally:
            CURRENT.reset(token)


def _apart(app: App, ingress: Ingress, event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer where what is left in context variables is not for the next request."""
    return copy_context().run(answer, app, ingress, event, context)


def _failed(scope: MountedContext, error: Exception) -> dict[str, Any]:
    from ..dispatch.failures import error_response, failure_result

    request = scope.request
    try:
        return finish(scope, request, followed(scope, error_response(scope.app, request, error)))
    except Exception as exc:  # noqa: BLE001  # a body that cannot be encoded
        return failure_result(scope, request, exc)
