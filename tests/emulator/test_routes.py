"""Which route or resource a request takes, what that asks of its caller, and what the event says of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.routing import Map, Rule

from microlambda.emulator.gateway import Api
from microlambda.emulator.gateway.guards import OPEN, Guard
from microlambda.emulator.gateway.resources import Resources
from microlambda.emulator.gateway.routes import DEFAULT, Routes

from .gateways import Front

IAM = Guard(authorization="AWS_IAM")

KEYS = (
    "GET /",
    "GET /users",
    "GET /users/",
    "GET /users/{id}",
    "POST /users/{id}",
    "ANY /users/{id}",
    "GET /users/me",
    "ANY /users/{id}/files",
    "GET /users/{id}/{rest+}",
    "GET /pets/dog/1",
    "ANY /pets/dog/{number}",
    "GET /pets/{kind}/1",
    "ANY /{proxy+}",
)


def routes(*keys: str) -> Routes:
    """Routes, each with a guard that has its key."""
    return Routes(guards={key: Guard(authorizer=key) for key in keys})


def event(front: Front, method: str, target: str) -> dict[str, Any]:
    made: dict[str, Any] = front.event(method, target)
    return made


# HTTP APIs: which route ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "key", "parameters"),
    [
        ("GET", "/", "GET /", {}),
        ("POST", "/", "ANY /{proxy+}", {"proxy": ""}),
        ("GET", "/users", "GET /users", {}),
        ("GET", "/users/", "GET /users/", {}),
        ("POST", "/users", "ANY /{proxy+}", {"proxy": "users"}),
        ("GET", "/users/7", "GET /users/{id}", {"id": "7"}),
        ("POST", "/users/7", "POST /users/{id}", {"id": "7"}),
        ("PUT", "/users/7", "ANY /users/{id}", {"id": "7"}),
        ("GET", "/users/7/", "GET /users/{id}/{rest+}", {"id": "7", "rest": ""}),
        ("GET", "/users/me", "GET /users/me", {}),
        ("PUT", "/users/me", "ANY /users/{id}", {"id": "me"}),
        ("GET", "/users/ME", "GET /users/{id}", {"id": "ME"}),
        ("GET", "/users/7/files", "ANY /users/{id}/files", {"id": "7"}),
        ("GET", "/users/7/files/a", "GET /users/{id}/{rest+}", {"id": "7", "rest": "files/a"}),
        ("GET", "/users/7/a//b", "GET /users/{id}/{rest+}", {"id": "7", "rest": "a//b"}),
        ("PUT", "/users/7/a/b", "ANY /{proxy+}", {"proxy": "users/7/a/b"}),
        ("GET", "/users//files", "ANY /{proxy+}", {"proxy": "users//files"}),
        ("GET", "//users", "ANY /{proxy+}", {"proxy": "/users"}),
        ("GET", "/pets/dog/1", "GET /pets/dog/1", {}),
        ("PUT", "/pets/dog/1", "ANY /pets/dog/{number}", {"number": "1"}),
        ("GET", "/pets/cat/1", "GET /pets/{kind}/1", {"kind": "cat"}),
        ("get", "/users/me", "ANY /users/{id}", {"id": "me"}),
    ],
)
def test_the_most_specific_route_takes_a_request(
    method: str, path: str, key: str, parameters: dict[str, str]
) -> None:
    for order in (KEYS, KEYS[::-1]):
        found = routes(*order).match(method, path)
        assert (found.key, found.parameters) == (key, parameters)
        assert found.guard.authorizer == key


@pytest.mark.parametrize("path", ["/", "/admin/", "//admin", "/admin/x", "/Admin", "/adminx", "", "/a/admin"])
def test_what_no_route_fits_takes_the_default(path: str) -> None:
    found = Routes(guards={"GET /admin": OPEN}, default=IAM).match("GET", path)

    assert (found.key, found.path, found.parameters, found.guard) == (DEFAULT, DEFAULT, {}, IAM)


_PATHS = st.lists(st.sampled_from(["a", "b", "c", "%"]), min_size=1, max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)
_PATTERNS = st.builds(
    lambda parts, last: "/" + "/".join([*parts, *last]),
    st.lists(st.sampled_from(["a", "b", "{x}", "{y}"]), max_size=3, unique=True),
    st.sampled_from([(), ("{rest+}",)]),
)


@given(st.lists(_PATTERNS, max_size=6, unique=True), _PATHS)
def test_werkzeug_takes_the_same_route(patterns: list[str], path: str) -> None:
    """Its order is the same; to an empty rest of a path, which it does not take, no path here leads."""
    patterns = _distinct(patterns)
    rules = Map(
        [Rule(_as_rule(one), endpoint=one) for one in patterns], strict_slashes=False, merge_slashes=False
    )

    found = routes(*(f"GET {one}" for one in patterns)).match("GET", path)

    adapter = rules.bind("example.com")
    expected = adapter.match(path, method="GET")[0] if adapter.test(path, "GET") else DEFAULT
    assert found.path == expected


def _distinct(patterns: Iterable[str]) -> list[str]:
    """Leave out patterns that differ in the names of their variables alone: AWS has no two of them."""
    return list({re.sub(r"\{\w+", "{", one): one for one in patterns}.values())


def _as_rule(pattern: str) -> str:
    return re.sub(r"\{(\w+)\}", r"<\1>", re.sub(r"\{(\w+)\+\}", r"<path:\1>", pattern))


# HTTP APIs: what the event says ----------------------------------------------------------------------


def test_the_event_names_the_route_and_has_its_variables() -> None:
    front = Front("http-api", api=Api(routes=routes("GET /users/{id}", "GET /files/{rest+}")))

    one = event(front, "GET", "/users/a%20b%2Bc")
    rest = event(front, "GET", "/files/a/%62%2Fc/")
    other = event(front, "GET", "/users/7/")

    assert (one["routeKey"], one["pathParameters"]) == ("GET /users/{id}", {"id": "a b+c"})
    assert (rest["routeKey"], rest["pathParameters"]) == ("GET /files/{rest+}", {"rest": "a/b/c/"})
    assert (other["routeKey"], other.get("pathParameters")) == ("$default", None)
    for made in (one, rest, other):
        assert made["requestContext"]["routeKey"] == made["routeKey"]
    assert "pathParameters" not in other


def test_payload_1_names_the_route_as_a_resource() -> None:
    front = Front("http-api-1.0", api=Api(routes=routes("GET /users/{id}")))

    one, other = event(front, "GET", "/users/7"), event(front, "POST", "/users/7")

    assert (one["resource"], one["pathParameters"]) == ("/users/{id}", {"id": "7"})
    assert one["requestContext"]["resourceId"] == "GET /users/{id}"
    assert one["requestContext"]["resourcePath"] == "/users/{id}"
    assert (other["resource"], other["pathParameters"]) == ("$default", None)
    assert (other["requestContext"]["resourceId"], other["requestContext"]["resourcePath"]) == (
        None,
        "$default",
    )


@pytest.mark.parametrize(
    "target",
    ["/admin", "/%61dmin", "/%61%64%6D%69%6e", "/admin?x=/", "/admin#x", "http://other.example/admin"],
)
def test_a_route_is_found_by_the_decoded_path(target: str) -> None:
    front = Front("http-api", api=Api(routes=Routes(guards={"GET /admin": IAM})))

    assert front.send("GET", target).status in (400, 401)
    assert front.events == []


@pytest.mark.parametrize("target", ["/admin/", "//admin", "/admin%2F", "/admin%20", "/Admin", "/./admin"])
def test_another_path_is_another_route(target: str) -> None:
    front = Front("http-api", api=Api(routes=Routes(guards={"GET /admin": IAM})))

    assert event(front, "GET", target)["routeKey"] == "$default"


def test_below_a_base_path_the_rest_of_the_path_counts() -> None:
    front = Front("http-api", api=Api(base_path="/v1", routes=Routes(guards={"GET /admin": IAM})))

    assert front.send("GET", "/v1/admin").status == 401
    assert front.send("GET", "/v1/%61dmin").status == 401
    assert front.send("GET", "/v1/v1/admin").status == 200
    assert front.send("GET", "/admin").body == b'{"message":"Missing Authentication Token"}'
    assert [one["rawPath"] for one in front.events] == ["/v1/v1/admin"]


def test_a_functions_url_has_one_route_for_all() -> None:
    api = Api(routes=Routes(guards={"GET /open": OPEN}, default=IAM))
    front = Front("function-url", api=api)

    assert [front.send("GET", path).status for path in ("/", "/open", "/a/b")] == [403] * 3
    assert event(Front("function-url"), "GET", "/open")["routeKey"] == "$default"


# REST APIs -------------------------------------------------------------------------------------------

RESOURCES: Mapping[str, Mapping[str, Guard]] = {
    "/": {"GET": IAM},
    "/{proxy+}": {},
    "/users": {"ANY": IAM, "POST": OPEN},
    "/users/{id}": {"GET": IAM},
}


@pytest.mark.parametrize(
    ("method", "path", "guard"),
    [
        ("GET", "/", IAM),
        ("GET", "//", IAM),
        ("POST", "/", OPEN),
        ("GET", "/users", IAM),
        ("GET", "/users/", IAM),
        ("GET", "//users//", IAM),
        ("DELETE", "/users", IAM),
        ("POST", "/users", OPEN),
        ("GET", "/users/7", IAM),
        ("GET", "/users/7/", IAM),
        ("PUT", "/users/7", OPEN),
        ("GET", "/USERS", OPEN),
        ("GET", "/%75sers", OPEN),
        ("GET", "/orders", OPEN),
        ("GET", "/users/7/files", OPEN),
    ],
)
def test_a_resource_has_guards_by_method(method: str, path: str, guard: Guard) -> None:
    assert Resources(guards=RESOURCES).guard(method, path) is guard


def test_the_event_names_the_resource_and_what_is_guarded_is_not_run() -> None:
    front = Front("rest-api", api=Api(resources=Resources(guards=RESOURCES)))

    assert front.send("GET", "/users/7/").status == 401
    made = event(front, "PUT", "/users/7/")

    assert (made["resource"], made["pathParameters"]) == ("/users/{id}", {"id": "7"})
    assert made["requestContext"]["resourcePath"] == "/users/{id}"
    assert len(front.events) == 1
