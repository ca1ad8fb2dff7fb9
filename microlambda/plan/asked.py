"""What an ingress asks of the callers of an app's views, as plain data: for emulators of that ingress.

Unlike a plan it is there for any app: what the ingress cannot ask is none of its business. The request goes
to the app without the result of an authorizer, and dispatch does not let it in.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from microlambda.plan import authorizers as planned
from microlambda.plan.errors import PlanError
from microlambda.plan.function_url import IAM
from microlambda.plan.protected import asking, explicit_resources, explicit_routes, protected_rules, shown
from microlambda.runtime.auth import authorizer_of
from microlambda.runtime.auth.authorizers import FUNCTION_URL, HTTP_API, REST_API, WEBSOCKET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microlambda import App
    from microlambda.plan.records import Authorizer
    from microlambda.runtime.routing.rule import Rule

#: The ingresses that ask, by what they are in a plan.
KINDS = {
    "http-api": HTTP_API,
    "http-api-1.0": HTTP_API,
    "rest-api": REST_API,
    "function-url": FUNCTION_URL,
}

_IAM = {"authorization": IAM}


def asked_of_callers(app: App, ingress: str) -> dict[str, Any]:
    """Give the guards of the API's methods (`routes` or `resources`), and its `authorizers`.

    `unasked` has a sentence for each view that the ingress cannot protect, and `error` says why there is no
    plan for the rules of the others.
    """
    rules, kind = protected_rules(app), KINDS.get(ingress)
    asked = [rule for rule in rules if kind is not None and _is_asked(app, rule, kind)]
    if kind == FUNCTION_URL and len(asked) < len(list(app.route_table)):
        asked = []  # it asks at all views or at none
    unasked = [
        f"{shown(rule)} {asking(rule)}, for which {ingress} cannot ask: it lets nobody in."
        for rule in rules
        if rule not in asked
    ]
    document: dict[str, Any] = {"unasked": unasked}
    if not asked or kind is None:
        return document
    try:
        return document | _asked(app, asked, kind)
    except PlanError as exc:
        return document | {"error": str(exc)}


def asked_at_handshake(app: App, declared: Any) -> dict[str, Any]:
    """Give what a WebSocket API asks at its `$connect`: a guard, and its authorizer where it has one."""
    found = authorizer_of(app, declared)
    asked = getattr(found, "asked", None)
    if asked is None:
        return {"guard": _IAM}
    handler = getattr(found, "handler", None)
    made = {
        "name": found.name or WEBSOCKET,
        "type": "REQUEST",
        "identity_sources": [_of_route(one) for one in asked.identity_sources],
        "function": None if handler is None else handler.name,
        "uri": getattr(found, "uri", None),
    }
    return {"guard": {"authorization": "CUSTOM", "authorizer": made["name"]}, "authorizer": made}


class _Part:
    """The app, as far as the plan's guards look at it, with some of its rules."""

    def __init__(self, app: App, rules: list[Rule]) -> None:
        self.route_table = rules
        self.handlers = app.handlers


def _is_asked(app: App, rule: Rule, kind: str) -> bool:
    if rule.api_key_required and kind != REST_API:
        return False
    return rule.authorizer is None or kind in authorizer_of(app, rule.authorizer).ingresses


def _asked(app: App, rules: list[Rule], kind: str) -> dict[str, Any]:
    if kind == FUNCTION_URL:
        return {"default": _IAM}
    part: Any = _Part(app, rules)
    found = planned.guards(part, kind)
    document: dict[str, Any] = {
        "authorizers": [_as_data(one) for one in planned.authorizers(part, kind)],
    }
    if kind == HTTP_API:
        return document | {"routes": _guards(explicit_routes(app, found))}
    resources = explicit_resources(app, found)
    return document | {"resources": {path: _guards(methods) for path, methods in resources.items()}}


def _guards(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: asdict(guard) for name, guard in found.items()}


def _as_data(authorizer: Authorizer) -> dict[str, Any]:
    target = authorizer.target
    return {**asdict(authorizer), "target": None, "function": None if target is None else target.key}


def _of_route(source: str) -> str:
    """Write an identity source in the words of a WebSocket API."""
    kind, _, name = source.partition(".")
    of = {"header": "route.request.header.", "query": "route.request.querystring.", "context": "context."}
    return f"{of.get(kind, 'stageVariables.')}{name}"
