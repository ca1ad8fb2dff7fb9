"""What belongs to one ingress alone: how it is recognised, its prefixes, its maps and its answer's format."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from microlambda import App, Response, request
from microlambda.runtime.errors import UnknownEvent
from microlambda.runtime.ingress import infer

Load = Callable[[str], dict[str, Any]]

INGRESSES = ["rest-api", "http-api", "http-api-1.0", "function-url", "alb", "alb-multi-value", "vpc-lattice"]


# Recognised by ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", INGRESSES)
def test_each_recorded_event_finds_its_adapter(load_event: Load, name: str) -> None:
    ingress = infer(load_event(name))

    assert ingress is not None
    assert ingress.name == name


def test_an_albs_health_check_is_an_albs_event(load_event: Load) -> None:
    ingress = infer(load_event("alb-health-check"))

    assert ingress is not None
    assert ingress.name == "alb"


@pytest.mark.parametrize("name", ["websocket-connect", "authorizer-rest-api", "authorizer-http-api"])
def test_what_only_looks_like_a_request_is_none(app: App, load_event: Load, name: str) -> None:
    event = load_event(name)

    assert infer(event) is None
    with pytest.raises(UnknownEvent):
        app(event, None)


def test_a_websockets_event_is_none_of_a_rest_api_if_it_names_a_method(load_event: Load) -> None:
    assert infer({**load_event("websocket-connect"), "httpMethod": "GET"}) is None


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"Records": []},
        [],
        None,
        "text",
        {"requestContext": {}},
        {"requestContext": None, "httpMethod": "GET"},
        {"requestContext": [], "httpMethod": "GET"},
        {"version": "2.0", "requestContext": {"http": {}}},
        {"version": "2.0", "requestContext": {"http": None}},
        {"version": "2.0", "requestContext": {"serviceArn": "arn"}},
        {"version": "3.0", "requestContext": {}, "httpMethod": "GET"},
        {"raw_path": "/", "method": "GET", "is_base64_encoded": False},  # VPC Lattice, version 1
        {"microlambda": "check"},
    ],
    ids=lambda event: repr(event)[:50],
)
def test_an_unknown_event_is_an_error_that_lists_the_known_shapes(app: App, event: object) -> None:
    # Zappa's fault: it answered None.
    with pytest.raises(
        UnknownEvent, match=r"REST API .* HTTP API .* Function URL .* Load Balancer .* VPC Lattice"
    ):
        app(event, None)


def test_the_deployers_check_runs_no_view(app: App) -> None:
    assert app({"microlambda": {"check": 1}}, None) == {"microlambda": {"check": 1}}


# Prefixes --------------------------------------------------------------------------------------------


@pytest.fixture
def seen(app: App) -> Callable[[dict[str, Any]], list[str]]:
    """The path and the root path that a view sees for an event."""

    @app.get("/")
    @app.get("/<path:rest>", strict_slashes=False)
    def show(rest: str = "") -> list[str]:
        return [request.path, request.root_path]

    def seen(event: dict[str, Any]) -> list[str]:
        found: list[str] = json.loads(app(event, None)["body"])
        return found

    return seen


@pytest.mark.parametrize(
    ("stage", "path", "expected"),
    [
        ("$default", "/hello", ["/hello", ""]),
        ("$default", "/$default/hello", ["/$default/hello", ""]),
        ("dev", "/dev/hello", ["/hello", "/dev"]),
        ("dev", "/dev/dev", ["/dev", "/dev"]),
        ("dev", "/dev/", ["/", "/dev"]),
        ("dev", "/dev", ["/", "/dev"]),
        ("dev", "/developers", ["/developers", ""]),  # Zappa's fault: the stage ate the first letters
        ("dev", "/dev/developers", ["/developers", "/dev"]),
        ("dev", "/hello", ["/hello", ""]),  # a custom domain whose mapping names the stage
        (None, "/hello", ["/hello", ""]),
    ],
)
@pytest.mark.parametrize("name", ["http-api", "http-api-1.0"])
def test_a_named_stage_of_an_http_api_is_the_root_path(
    seen: Callable[[dict[str, Any]], list[str]],
    load_event: Load,
    name: str,
    stage: str | None,
    path: str,
    expected: list[str],
) -> None:
    event = load_event(name)
    event["rawPath" if name == "http-api" else "path"] = path
    event["requestContext"]["stage"] = stage

    assert seen(event) == expected


@pytest.mark.parametrize(
    ("domain", "path", "expected"),
    [
        ("shop.example.com", "/v1/hello", ["/hello", "/v1"]),
        ("shop.example.com", "/v1", ["/", "/v1"]),
        ("shop.example.com", "/v1/", ["/", "/v1"]),
        ("shop.example.com", "/v1/v1", ["/v1", "/v1"]),
        ("shop.example.com", "/v10", ["/v10", ""]),
        ("shop.example.com", "/hello", ["/hello", ""]),  # a domain whose mapping has no path
        ("a1b2c3.execute-api.eu-west-1.amazonaws.com", "/v1/hello", ["/v1/hello", ""]),  # its own domain
    ],
)
@pytest.mark.parametrize("name", ["http-api", "http-api-1.0"])
def test_the_base_path_of_a_custom_domain_of_an_http_api_is_the_root_path(
    seen: Callable[[dict[str, Any]], list[str]],
    load_event: Load,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    domain: str,
    path: str,
    expected: list[str],
) -> None:
    monkeypatch.setenv("MICROLAMBDA_BASE_PATH", "/v1")
    event = load_event(name)
    event["rawPath" if name == "http-api" else "path"] = path
    event["requestContext"] |= {"stage": "$default", "domainName": domain}

    assert seen(event) == expected


@pytest.mark.parametrize(
    ("path", "resource", "parameters", "context_path", "expected"),
    [
        ("/hello", "/{proxy+}", {"proxy": "hello"}, "/Prod/hello", ["/hello", "/Prod"]),
        ("/hello", "/{proxy+}", {"proxy": "hello"}, "/hello", ["/hello", ""]),
        ("/v1/hello", "/{proxy+}", {"proxy": "hello"}, "/v1/hello", ["/hello", "/v1"]),
        ("/v1/v1", "/{proxy+}", {"proxy": "v1"}, "/v1/v1", ["/v1", "/v1"]),
        ("/v1/a%2Fb", "/{proxy+}", {"proxy": "a/b"}, "/v1/a%2Fb", ["/a/b", "/v1"]),
        ("/v1/a%2Fb", "/{proxy+}", {"proxy": "a%2Fb"}, "/v1/a%2Fb", ["/a/b", "/v1"]),
        ("/v1/users/7", "/users/{id}", {"id": "7"}, "/v1/users/7", ["/users/7", "/v1"]),
        ("/Prod/users/7", "/users/{id}", {"id": "7"}, "/Prod/users/7", ["/users/7", "/Prod"]),
        ("/v1", "/", None, "/v1", ["/", "/v1"]),
        ("/v1/", "/", None, "/v1/", ["/", "/v1"]),
        ("/", "/", None, "/Prod/", ["/", "/Prod"]),
        ("/", "/", None, "/Prod", ["/", "/Prod"]),
        ("/", "/", None, "/", ["/", ""]),
        ("/users/", "/{proxy+}", {"proxy": "users"}, "/Prod/users/", ["/users/", "/Prod"]),
        ("//hello", "/{proxy+}", {"proxy": "hello"}, "/Prod//hello", ["//hello", "/Prod"]),
        ("/developers", "/{proxy+}", {"proxy": "developers"}, "/dev/developers", ["/developers", ""]),
        ("/hello", None, None, None, ["/hello", ""]),  # an event written by hand
    ],
)
def test_what_stands_before_the_resource_of_a_rest_api_is_the_root_path(
    seen: Callable[[dict[str, Any]], list[str]],
    load_event: Load,
    path: str,
    resource: str | None,
    parameters: dict[str, str] | None,
    context_path: str | None,
    expected: list[str],
) -> None:
    event = load_event("rest-api")
    event.update(path=path, resource=resource, pathParameters=parameters)
    event["requestContext"]["path"] = context_path

    assert seen(event) == expected


def test_zappas_fault_a_rest_stage_does_not_eat_a_path_that_begins_alike(
    seen: Callable[[dict[str, Any]], list[str]], load_event: Load
) -> None:
    event = load_event("rest-api")
    event.update(path="/developers", pathParameters={"proxy": "developers"})
    event["requestContext"].update(stage="dev", path="/dev/developers")

    assert seen(event) == ["/developers", "/dev"]


@pytest.mark.parametrize(
    ("name", "path", "root_path"), [("rest-api", "/users", "/Prod"), ("http-api-1.0", "/dev/users", "/dev")]
)
def test_a_redirect_puts_the_prefix_back(
    app: App, load_event: Load, name: str, path: str, root_path: str
) -> None:
    @app.get("/users/")
    def users() -> str:
        return ""

    event = load_event(name)
    event["path"] = path
    event["requestContext"]["path"] = f"/Prod{path}"
    if name == "http-api-1.0":
        event["requestContext"]["stage"] = "dev"
    else:
        event["pathParameters"] = {"proxy": "users"}
    headers = app(event, None)["headers"]

    assert {name.lower(): value for name, value in headers.items()}["location"] == f"{root_path}/users/"


@pytest.mark.parametrize("name", ["alb", "alb-multi-value", "vpc-lattice", "function-url"])
@pytest.mark.parametrize("path", ["/", "/dev/hello"])
def test_the_others_have_no_prefix(
    seen: Callable[[dict[str, Any]], list[str]], load_event: Load, name: str, path: str
) -> None:
    event = load_event(name)
    event["rawPath" if name == "function-url" else "path"] = path

    assert seen(event) == [path, ""]


# Maps that are null, absent or empty -----------------------------------------------------------------

_MAPS = (
    "headers",
    "multiValueHeaders",
    "queryStringParameters",
    "multiValueQueryStringParameters",
    "cookies",
)


@pytest.mark.parametrize("how", ["null", "absent", "empty"])
@pytest.mark.parametrize("name", [*INGRESSES, "alb-health-check"])
def test_maps_may_be_missing(app: App, load_event: Load, name: str, how: str) -> None:
    """The console's test event has nulls, an ELB's health check has next to nothing."""

    @app.get("/hello")
    @app.get("/")
    def show() -> list[Any]:
        sizes = [len(request.headers), len(request.args), len(request.cookies), len(request.data)]
        ingress = request._ingress
        return [*sizes, ingress.scheme(request.event), ingress.query_string(request.event)]

    event = load_event(name)
    for key in _MAPS:
        if how == "absent":
            event.pop(key, None)
        elif key in event or key == "headers":
            event[key] = None if how == "null" else {}
    event["body"] = None

    assert app(event, None)["body"] == '[0,0,0,0,"https",""]'


def test_nobodys_address_is_none(app: App, load_event: Load) -> None:
    @app.get("/")
    @app.get("/hello")
    def show() -> dict[str, Any]:
        return {"address": request.remote_addr}

    rest = load_event("rest-api")
    rest["requestContext"]["identity"] = None

    assert app(rest, None)["body"] == app(load_event("alb-health-check"), None)["body"] == '{"address":null}'


# What the adapters tell of a request -----------------------------------------------------------------


@pytest.mark.parametrize("name", INGRESSES)
def test_the_host_is_the_one_asked_for(load_event: Load, name: str) -> None:
    event = load_event(name)
    ingress = infer(event)
    assert ingress is not None
    headers = dict(ingress.headers(event))

    assert ingress.host(event) == (headers.get("Host") or headers["host"])


@pytest.mark.parametrize("name", INGRESSES)
def test_without_a_host_header_it_is_the_apis_domain(load_event: Load, name: str) -> None:
    event = load_event(name)
    event.update(headers=None)
    event.pop("multiValueHeaders", None)
    ingress = infer(event)
    assert ingress is not None

    assert ingress.host(event) == event["requestContext"].get("domainName", "localhost")


@pytest.mark.parametrize("name", INGRESSES)
def test_the_scheme_is_the_one_the_gateway_was_reached_by(load_event: Load, name: str) -> None:
    event = load_event(name)
    ingress = infer(event)
    assert ingress is not None
    assert ingress.scheme(event) == "https"

    for key in ("headers", "multiValueHeaders"):
        for header in list(event.get(key) or {}):
            if header.lower() == "x-forwarded-proto":
                event[key][header] = ["http"] if key == "multiValueHeaders" else "http"

    assert ingress.scheme(event) == ("https" if name == "vpc-lattice" else "http")


def test_a_callers_x_forwarded_proto_means_nothing_on_vpc_lattice(load_event: Load) -> None:
    event = load_event("vpc-lattice")
    event["headers"]["x-forwarded-proto"] = ["http"]
    ingress = infer(event)
    assert ingress is not None

    assert ingress.scheme(event) == "https"


@pytest.mark.parametrize(
    ("hops", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("1.2.3.4, 203.0.113.7", "203.0.113.7"),
        ("1.2.3.4,203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:47001", "203.0.113.7"),  # routing.http.xff_client_port.enabled
        ("1.2.3.4, 2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]:47001", "2001:db8::1"),
        ("", None),
    ],
)
@pytest.mark.parametrize("name", ["alb", "alb-multi-value"])
def test_behind_an_alb_the_client_is_the_last_hop(
    load_event: Load, name: str, hops: str, address: str | None
) -> None:
    # apig-wsgi's fault: it took the first hop, which the caller writes.
    event = load_event(name)
    if name == "alb":
        event["headers"]["x-forwarded-for"] = hops
    else:
        event["multiValueHeaders"]["x-forwarded-for"] = [hops]
    ingress = infer(event)
    assert ingress is not None

    assert ingress.client_address(event) == address


@pytest.mark.parametrize("name", INGRESSES)
def test_function_urls_and_rest_apis_stream_and_the_others_do_not(load_event: Load, name: str) -> None:
    ingress = infer(load_event(name))

    assert ingress is not None
    assert ingress.streams is (name in ("function-url", "rest-api"))


@pytest.mark.parametrize("name", INGRESSES)
def test_an_alb_takes_a_megabyte_the_others_what_lambda_gives(load_event: Load, name: str) -> None:
    ingress = infer(load_event(name))

    assert ingress is not None
    assert ingress.limit == (1_048_576 if name.startswith("alb") else 6_291_556)


def test_lattices_values_may_be_plain_strings(app: App, load_event: Load) -> None:
    @app.get("/hello")
    def show() -> dict[str, Any]:
        return {"args": request.args.to_dict(flat=False), "agent": request.headers["user-agent"]}

    event = load_event("vpc-lattice")
    event["headers"] = {"user-agent": "curl/7.64.1"}
    event["queryStringParameters"] = {"order-id": "1", "tag": ["a b", "c"]}

    assert app(event, None)["body"] == '{"args":{"order-id":["1"],"tag":["a b","c"]},"agent":"curl/7.64.1"}'
    ingress = infer(event)
    assert ingress is not None
    assert ingress.query_string(event) == "order-id=1&tag=a%20b&tag=c"


def test_lattices_query_is_the_one_behind_the_path(app: App, load_event: Load) -> None:
    """The documents do not say whether the map is decoded; the request target tells it in any case."""

    @app.get("/hello")
    def show() -> dict[str, Any]:
        return request.args.to_dict(flat=False)

    event = load_event("vpc-lattice")
    event["path"] = "/hello?x=a%20b&x=c+d"
    event["queryStringParameters"] = {"x": ["a%20b", "c+d"]}

    assert app(event, None)["body"] == '{"x":["a b","c d"]}'


# Answers ---------------------------------------------------------------------------------------------


@pytest.fixture
def answer(app: App) -> Callable[[dict[str, Any]], dict[str, Any]]:
    @app.get("/hello")
    def hello() -> Response:
        return Response(
            "hi", headers=[("Set-Cookie", "a=1"), ("Vary", "a"), ("set-cookie", "b=2"), ("VARY", "b")]
        )

    def answer(event: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = app(event, None)
        return result

    return answer


HTML = "text/html; charset=utf-8"


@pytest.mark.parametrize("name", ["rest-api", "http-api-1.0"])
def test_payload_1_has_one_canonical_name_in_one_of_two_maps(
    answer: Callable[[dict[str, Any]], dict[str, Any]], load_event: Load, name: str
) -> None:
    assert answer(load_event(name)) == {
        "statusCode": 200,
        "headers": {"Content-Type": HTML},
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"], "Vary": ["a", "b"]},
        "body": "hi",
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize("name", ["http-api", "function-url"])
def test_payload_2_has_the_cookies_apart(
    answer: Callable[[dict[str, Any]], dict[str, Any]], load_event: Load, name: str
) -> None:
    assert answer(load_event(name)) == {
        "statusCode": 200,
        "headers": {"vary": "a, b", "content-type": HTML},
        "cookies": ["a=1", "b=2"],
        "body": "hi",
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize("name", ["alb", "vpc-lattice"])
def test_single_values_spell_each_cookies_name_another_way(
    answer: Callable[[dict[str, Any]], dict[str, Any]], load_event: Load, name: str
) -> None:
    assert answer(load_event(name)) == {
        "statusCode": 200,
        "statusDescription": "200 OK",
        "headers": {"set-cookie": "a=1", "Set-cookie": "b=2", "Vary": "a, b", "Content-Type": HTML},
        "body": "hi",
        "isBase64Encoded": False,
    }


def test_an_alb_with_multi_value_headers_gets_these_alone(
    answer: Callable[[dict[str, Any]], dict[str, Any]], load_event: Load
) -> None:
    assert answer(load_event("alb-multi-value")) == {
        "statusCode": 200,
        "statusDescription": "200 OK",
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"], "Vary": ["a", "b"], "Content-Type": [HTML]},
        "body": "hi",
        "isBase64Encoded": False,
    }


def test_many_cookies_have_as_many_names(app: App, load_event: Load) -> None:
    @app.get("/hello")
    def hello() -> Response:
        return Response("", headers={"Set-Cookie": [f"c{number}=1" for number in range(40)]})

    headers = app(load_event("alb"), None)["headers"]

    cookies = [value for name, value in headers.items() if name.lower() == "set-cookie"]
    assert cookies == [f"c{number}=1" for number in range(40)]


@pytest.mark.parametrize(
    ("status", "description"),
    [(200, "200 OK"), (404, "404 Not Found"), (418, "418 I'm a Teapot"), (299, "299 Unknown")],
)
def test_an_albs_status_is_described(app: App, load_event: Load, status: int, description: str) -> None:
    @app.get("/hello")
    def hello() -> tuple[str, int]:
        return "", status

    assert app(load_event("alb"), None)["statusDescription"] == description


@pytest.mark.parametrize(
    ("ingress", "spoilt"),
    [
        ("rest-api", {"path": 5}),
        ("rest-api", {"path": "/base/hello", "pathParameters": "x"}),
        ("rest-api", {"httpMethod": None, "path": ["x"]}),
        ("http-api", {"rawPath": 5}),
        ("function-url", {"rawPath": {"a": 1}}),
        ("alb", {"path": 5}),
    ],
)
def test_an_event_written_by_hand_that_cannot_be_read_is_a_named_error(
    app: App, load_event: Callable[[str], dict[str, Any]], ingress: str, spoilt: dict[str, Any]
) -> None:
    app.get("/hello")(lambda: "x")

    with pytest.raises(UnknownEvent, match=f"marks of one from {ingress}"):
        app({**load_event(ingress), **spoilt}, None)
