"""Events that nobody's gateway made: what does not show that the caller was let in runs no protected view."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from microlambda.emulator.gateway import INGRESSES
from tests.testing.test_protected_spellings import KEY, KINDS, PATHS, Guarded, client_of, guarded

GATEWAYS = [(name, ingress) for name, kind in KINDS.items() for ingress in kind.ingresses]


def let_in(made: Guarded, kind: str, ingress: str, path: str) -> dict[str, Any]:
    """The event of a request whose caller was let in."""
    client = client_of(made.app, ingress)
    if kind.startswith("iam"):
        client = client.signed()
    elif kind == "somebody-elses":
        client = client.as_user("ann")
    right = KINDS[kind].credentials().get("right")
    fields = {} if right is None else {KINDS[kind].header: right}
    answer = client.get(path, headers={**fields, **({"X-Api-Key": KEY} if KINDS[kind].api_key else {})})
    assert answer.status_code == 200
    made.ran.clear()
    event: dict[str, Any] = answer.event
    return event


def answered(made: Guarded, event: dict[str, Any]) -> int | None:
    """The status that the app answers an event with; None where it fails at what is no event."""
    try:
        status: int = made.app(event, None)["statusCode"]
    except Exception:  # whatever it is, the view's list tells whether it ran
        return None
    return status


Change = Callable[[dict[str, Any], dict[str, Any]], Any]  # of an event, and its context

_EMPTY: dict[str, Any] = {
    "null": None,
    "object": {},
    "list": [],
    "list-of-one": [{}],
    "text": "ann",
    "empty-text": "",
    "number": 1,
    "true": True,
    "false": False,
    "results-of-null": {"jwt": None, "lambda": None, "iam": None, "claims": None, "principalId": None},
    "results-of-nothing": {"jwt": {}, "lambda": {}, "iam": {}, "claims": {}, "principalId": ""},
    "results-of-lists": {"jwt": [1], "lambda": [1], "iam": [1], "claims": [1], "principalId": ["ann"]},
    "results-of-text": {"jwt": "a", "lambda": "a", "iam": "a", "claims": "a"},
    "results-of-true": {"jwt": True, "lambda": True, "iam": True, "claims": True, "principalId": True},
    "results-without-members": {"jwt": {"claims": {}}, "iam": {"userArn": ""}},
    "results-with-null": {"jwt": {"claims": None}, "iam": {"userArn": None}},
    "results-of-other-types": {"jwt": {"claims": [1]}, "iam": {"userArn": ["arn"]}},
    "scopes-alone": {"jwt": {"scopes": ["admin"]}, "scopes": ["admin"]},
    "latency-alone": {"integrationLatency": 7},
    "other-case": {
        "JWT": {"claims": {"sub": "a"}},
        "Lambda": {"a": 1},
        "PrincipalId": "a",
        "Claims": {"a": 1},
    },
}


def without_result(value: Any) -> Change:
    """What the authorizer has found is replaced, and of what is known of a caller's key nothing left."""

    def change(_event: dict[str, Any], context: dict[str, Any]) -> None:
        context["authorizer"] = value
        context["identity"] = value if value is None or type(value) is dict else {}

    return change


def result_gone(_event: dict[str, Any], context: dict[str, Any]) -> None:
    context.pop("authorizer", None)
    context.pop("identity", None)


RESULTS: dict[str, Change] = {"gone": result_gone, **{n: without_result(v) for n, v in _EMPTY.items()}}


@pytest.mark.parametrize(("kind", "ingress"), GATEWAYS)
def test_no_view_runs_without_the_authorizers_result(kind: str, ingress: str) -> None:
    made = guarded(KINDS[kind])
    for path in PATHS:
        event = let_in(made, kind, ingress, path)
        for name, change in RESULTS.items():
            changed = copy.deepcopy(event)
            change(changed, changed["requestContext"])

            assert (name, answered(made, changed) in (401, 403), made.ran) == (name, True, [])
        assert (answered(made, event), len(made.ran)) == (200, 1)
        made.ran.clear()


def routed(value: Any) -> Change:
    """The event names another route, in whichever way its ingress does."""

    def change(event: dict[str, Any], context: dict[str, Any]) -> None:
        for holder, member in (
            (event, "routeKey"),
            (event, "resource"),
            (context, "routeKey"),
            (context, "resourcePath"),
        ):
            if member in holder:
                holder[member] = value

    return change


def route_gone(event: dict[str, Any], context: dict[str, Any]) -> None:
    for holder in (event, context):
        for member in ("routeKey", "resource", "resourcePath"):
            holder.pop(member, None)


ROUTES: dict[str, Change] = {
    "gone": route_gone,
    **{
        str(value): routed(value)
        for value in (
            *(None, "", "$default", "/{proxy+}", "ANY /{proxy+}", "GET /{proxy+}", "GET /other", "/other"),
            *("GET /open", "/open", "/", "GET /", "POST /admin", "ANY /admin", "GET /admin/x", "/admin/x"),
            *("get /admin", "GET  /admin", "/ADMIN", "GET /ADMIN", "GET /users/{name}", "/users/{id+}"),
            *("/people/{name}", "GET /people/{name}", ["GET /admin"], ["/admin"], {"GET /admin": 1}, True, 0),
        )
    },
}


@pytest.mark.parametrize(
    ("kind", "ingress"), [(kind, ingress) for kind, ingress in GATEWAYS if ingress != "function-url"]
)
def test_no_view_runs_by_another_route(kind: str, ingress: str) -> None:
    made = guarded(KINDS[kind])
    for path in PATHS:
        event = let_in(made, kind, ingress, path)
        for name, change in ROUTES.items():
            changed = copy.deepcopy(event)
            change(changed, changed["requestContext"])

            # a REST API's "/" has the whole path for its base path, behind which nothing is
            assert (name, answered(made, changed) in (403, 404, None), made.ran) == (name, True, [])


@pytest.mark.parametrize(("kind", "ingress"), GATEWAYS)
def test_no_view_runs_by_the_route_of_another_view(kind: str, ingress: str) -> None:
    """The caller was let in at one path, and the event is one of another."""
    made = guarded(KINDS[kind])
    events = {path: let_in(made, kind, ingress, path) for path in PATHS}
    if ingress == "function-url":  # one route for all, at which everybody is asked
        assert [answered(made, event) for event in events.values()] == [200] * len(PATHS)
        return
    for path, event in events.items():
        for other in PATHS:
            changed = copy.deepcopy(event)
            for member in ("routeKey", "resource"):
                if member in event:
                    changed[member] = events[other][member]

            assert (answered(made, changed) == 200) is (other == path)
            assert len(made.ran) == (1 if other == path else 0)
            made.ran.clear()


@pytest.mark.parametrize("member", ["apiKey", "apiKeyId"])
@pytest.mark.parametrize("value", [None, "", 0, False])
@pytest.mark.parametrize("kind", ["api-key", "function-and-api-key"])
def test_no_view_runs_without_the_api_key_that_was_found(kind: str, member: str, value: Any) -> None:
    made = guarded(KINDS[kind])
    event = let_in(made, kind, "rest-api", "/admin")

    event["requestContext"]["identity"][member] = value

    assert (answered(made, event), made.ran) == (403, [])


@pytest.mark.parametrize(("kind", "ingress"), GATEWAYS)
@pytest.mark.parametrize("context", [None, [], "", {}, [{}]], ids=str)
def test_no_view_runs_for_an_event_without_a_context(kind: str, ingress: str, context: Any) -> None:
    made = guarded(KINDS[kind])
    event = let_in(made, kind, ingress, "/admin")

    assert (answered(made, {**event, "requestContext": context}) in (401, 403, None), made.ran) == (True, [])


@pytest.mark.parametrize(("kind", "ingress"), GATEWAYS)
def test_no_view_runs_for_what_another_ingress_would_have_had_to_ask(kind: str, ingress: str) -> None:
    """All that an authorizer's result adds to an event is in that of one that cannot ask it."""
    made = guarded(KINDS[kind])
    right = let_in(made, kind, ingress, "/admin")
    for other in INGRESSES:
        event = client_of(made.app, other).get("/admin").event
        if event is None or (kind == "iam" and other == "function-url"):
            continue  # it asks by itself; or a URL that asks at all views would let this one in
        said = right["requestContext"]
        for member in ("authorizer", "identity"):
            if member in said:
                event["requestContext"][member] = said[member]
        event.update({name: right[name] for name in ("routeKey", "resource") if name in right})

        assert (other, answered(made, event), made.ran) == (other, 403 if status_is_403(kind) else 401, [])


def status_is_403(kind: str) -> bool:
    """Whether the app tells of no way to bring credentials: signatures and keys have none."""
    return kind.startswith("iam") or KINDS[kind].api_key
