"""Views that the gateway protects, with an authorizer or an API key; loaded when the first is asked for.

Beside such a view's own route stands one for everything, which protects nothing. So the event has to show
that it came through the view's own, and what the gateway has found out about the caller: it matches paths by
rules of its own, and where the two differ, a spelling would get around the authorizer.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
"""

from __future__ import annotations

import re

from ..errors import Forbidden, Unauthorized
from ..routing.rule import merged_slashes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..app import App
    from ..http.request import Request
    from ..routing.rule import Rule

_CAPTURE = re.compile(r"<(?:(\w+)(?:\([^()<>/]*\))?:)?(\w+)>", re.ASCII)


def check_protection(app: App, rule: Rule, request: Request) -> None:
    """Raise Unauthorized or Forbidden unless the event shows that the gateway let the caller in.

    The message is the same whatever is missing.
    """
    if rule.api_key_required:
        _check_api_key(rule, request)
    if rule.authorizer is not None:
        _check_authorizer(app, rule, request)


def _check_api_key(rule: Rule, request: Request) -> None:
    event = request.event
    if request._ingress.name == "rest-api" and event.get("resource") == resource_of(rule):
        identity = event["requestContext"].get("identity") or {}
        if identity.get("apiKeyId") and identity.get("apiKey"):
            return
    raise Forbidden("this view asks for an API key.")


def _check_authorizer(app: App, rule: Rule, request: Request) -> None:
    from ..auth import authorizer_of

    authorizer = authorizer_of(app, rule.authorizer)
    context = request.event.get("requestContext") or {}  # none behind a WSGI server
    ingress = _INGRESSES.get(request._ingress.name)
    is_let_in = ingress in authorizer.ingresses and authorizer.admits(context, ingress)
    if not is_let_in or _is_sent_twice(authorizer, request):
        if authorizer.challenge is None:
            raise Forbidden("this view asks for a signature of AWS's.")
        raise Unauthorized(
            "this view asks for credentials.", headers={"WWW-Authenticate": authorizer.challenge}
        )
    if not _came_through(rule, request):
        raise Forbidden("this view is reached through its own route alone.")


def _is_sent_twice(authorizer: Any, request: Request) -> bool:
    """Has the request several credentials? A REST API checks one of them, and the view may see another.

    Authorization is a field that is sent once (RFC 9110, 5.3 and 11.6.2); an HTTP API joins several to one
    that is none. Cookies come in as many fields as the caller likes.
    """
    asked = getattr(authorizer, "asked", None)
    sources = (f"header.{getattr(authorizer, 'header', '')}",) if asked is None else asked.identity_sources
    headers = [name for kind, _, name in (one.partition(".") for one in sources) if kind == "header" and name]
    return any(len(request.headers.getlist(one)) > 1 for one in headers if one.lower() != "cookie")


#: The ingresses that ask authorizers, by those of ours that read their events.
_INGRESSES = {
    "http-api": "http-api",
    "http-api-1.0": "http-api",
    "rest-api": "rest-api",
    "function-url": "function-url",
}


def _came_through(rule: Rule, request: Request) -> bool:
    """Does the event name the rule's own route? A Function URL has one for everything, and asks at it."""
    event, ingress = request.event, request._ingress.name
    if ingress == "function-url":
        return True
    if ingress == "http-api":
        return event.get("routeKey") in route_keys(rule, request.method)
    if ingress == "http-api-1.0":  # here the resource is the path of the route's key
        return f"{request.method} {event.get('resource')}" in route_keys(rule, request.method)
    return event.get("resource") == resource_of(rule)


def route_keys(rule: Rule, method: str) -> tuple[str, ...]:
    """The routes of an HTTP API that lead to the rule, with the slash at its end and without."""
    path = resource_of(rule)
    return (
        (f"{method} {path}",)
        if path == "/" or path.endswith("+}")
        else (f"{method} {path}", f"{method} {path}/")
    )


def resource_of(rule: Rule) -> str:
    """The rule as a resource of API Gateway has it, `/users/{id}`.

    What none can express stays in it as it is, and API Gateway has no resource of such a name. A REST API
    takes a path with a slash at its end for the one without.
    """
    greedy = _greedy(rule)
    named = _CAPTURE.sub(lambda part: f"{{{part[2]}{'+' * (part[2] == greedy)}}}", merged_slashes(rule.rule))
    return named.rstrip("/") or "/"


def _greedy(rule: Rule) -> str | None:
    """The capture that takes the rest of the path, where one does."""
    last: Any = rule.parts[-1]
    if rule.parts[-1:] == ("",) and len(rule.parts) > 1:
        last = rule.parts[-2]
    return rule.names[-1] if type(last) is not str and last.final else None
