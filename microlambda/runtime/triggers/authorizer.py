"""`@app.authorizer`: a function that API Gateway asks whether a caller may in.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
"""

from __future__ import annotations

from ..auth.authorizers import TTL, Asked
from ..auth.responses import AuthResponse
from ..errors import Forbidden, Unauthorized, WrongAnswer
from ..events.authorizer import AuthRequest
from .base import Trigger, as_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ..app import App
    from ..http.request import Request

#: The most that a policy may have, in characters of JSON.
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
_LONGEST = 8_192


class _Unauthorized(Exception):  # API Gateway reads its message
    """What lets API Gateway answer 401: an error with this very message."""


class AuthorizerTrigger(Trigger):
    """What API Gateway asks with, and how long it keeps the answer."""

    decorator = source = "authorizer"
    event_class = AuthRequest
    has_sample = False

    def __init__(
        self,
        *,
        identity_sources: str | Iterable[str] = ("header.Authorization",),
        ttl: int = TTL,
        ttl_seconds: int | None = None,
        type: str = "request",  # AWS's word
        simple: bool = False,
    ) -> None:
        self.asked = Asked(
            self.decorator, identity_sources, ttl if ttl_seconds is None else ttl_seconds, type, simple
        )

    def shared_with(self, other: AuthorizerTrigger) -> str | None:  # noqa: ARG002  # nothing tells them apart
        """Nothing that is told at once: each has a function of its own."""
        return None

    def declared(self) -> str:
        """With the identity sources."""
        return f"@app.authorizer(identity_sources={list(self.asked.identity_sources)!r})"

    def make_event(self, raw: dict[str, Any], context: Any) -> AuthRequest:
        """The view, with the request as far as the question has it."""
        if raw["type"] == "TOKEN":
            return AuthRequest(raw, context, None, raw.get("authorizationToken"))
        request = _request(raw, context)
        token = raw["identitySource"][0] if raw.get("identitySource") else self._token(request)
        return AuthRequest(raw, context, request, token)

    def _token(self, request: Request | None) -> str | None:
        """The first identity source: payload 1.0 does not say what it was."""
        kind, _, name = (self.asked.identity_sources or ("",))[0].partition(".")
        if request is None or kind not in ("header", "query"):
            return None
        value: str | None = request.headers.get(name) if kind == "header" else request.args.get(name)
        return value

    def result(self, app: App, handler: str, event: AuthRequest, value: Any) -> Any:
        """The answer in the form that the API asks for; what AWS documents is taken, too."""
        if isinstance(value, bool):
            value = AuthResponse(["*"] if value else [])
        if isinstance(value, AuthResponse):
            value = self._written(handler, event, value)
        elif not isinstance(value, dict) or not value.keys() & {"policyDocument", "isAuthorized"}:
            raise WrongAnswer(
                f"the authorizer {handler!r} answered a {type(value).__name__}. Return an AuthResponse, True "
                "or False, or what AWS documents, with 'policyDocument' or 'isAuthorized'."
            )
        elif event.raw.get("version") == "2.0" and isinstance(value.get("context") or {}, dict):
            # By its context dispatch knows that it was asked: without one the view's event has null.
            who = value.get("principalId") or "user"
            value = {**value, "context": {"principalId": who, **(value.get("context") or {})}}
        answer = as_json(app, handler, value)
        if len(app.json_encoder.dumps(answer)) > _LONGEST:
            raise WrongAnswer(
                f"the authorizer {handler!r} answered more than the {_LONGEST:,} characters that API Gateway "
                "takes. Let its routes share paths, with a '*', or its context say less."
            )
        return answer

    def _written(self, handler: str, event: AuthRequest, value: AuthResponse) -> dict[str, Any]:
        is_new = event.raw.get("version") == "2.0"
        if is_new and self.asked.is_simple:
            return self._simple(handler, event, value)
        answer = value.to_policy(event.method_arn)
        if is_new:  # here the view is told of the context alone
            answer["context"] = {**value.context, "principalId": value.principal_id}
        else:
            _check_context(handler, value.context)
        return answer

    def _simple(self, handler: str, event: AuthRequest, value: AuthResponse) -> dict[str, Any]:
        allowed = value.allows_all
        if allowed is None:
            if self.asked.ttl:
                raise WrongAnswer(
                    f"the authorizer {handler!r} allows some routes, and its simple answers are kept for all "
                    "of them. Write ttl=0, or leave simple=True out: then it answers a policy."
                )
            allowed = value.allows(*event._asked)
        return {
            "isAuthorized": allowed,
            "context": {**value.context, "principalId": value.principal_id},
        }

    def failure(self, app: App, handler: str, event: Any, error: Exception) -> Any:
        """`abort(401)` has the API answer 401, `abort(403)` lets the caller reach nothing."""
        if isinstance(error, Unauthorized):
            raise _Unauthorized("Unauthorized") from error
        return self.result(app, handler, event, AuthResponse([])) if isinstance(error, Forbidden) else None


def _request(raw: dict[str, Any], context: Any) -> Request | None:
    """The request that the question is about: it has the same members as the event for a view."""
    if raw.get("version") == "2.0":
        from ..ingress.http_api import HTTP_API

        return HTTP_API.to_request(raw, context)
    if (raw.get("requestContext") or {}).get("connectionId"):
        from ..ingress.websocket import WEBSOCKET

        return WEBSOCKET.to_request(raw, context)
    from ..ingress.rest_api import REST_API

    return REST_API.to_request(raw, context)


def _check_context(handler: str, context: dict[str, Any]) -> None:
    for name, value in context.items():
        if value is not None and not isinstance(value, str | int | float | bool):
            raise WrongAnswer(
                f"the authorizer {handler!r} has a {type(value).__name__} as {name!r} in its context, and "
                "API Gateway takes str, numbers and bools there. Write it as JSON: json.dumps(...)."
            )
