"""Every case of the wire format, on every ingress, driven through an App."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest

from microlambda import App, Response, request
from microlambda.runtime.errors import UnknownEvent

INGRESSES = ["rest-api", "http-api", "function-url"]

Send = Callable[..., dict[str, Any]]


@pytest.fixture(params=INGRESSES)
def ingress(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def send(app: App, ingress: str, load_event: Callable[[str], dict[str, Any]], lambda_context: object) -> Send:
    """Calls the app with what this ingress makes of a request whose path is still encoded."""

    def send(
        method: str,
        path: str,
        *,
        query: str = "",
        headers: list[tuple[str, str]] | None = None,
        body: bytes | None = None,
        is_binary: bool = False,
    ) -> dict[str, Any]:
        event = load_event(ingress)
        if body is not None:
            event["body"] = base64.b64encode(body).decode() if is_binary else body.decode()
            event["isBase64Encoded"] = is_binary
        write = write_payload_1 if ingress == "rest-api" else write_payload_2
        write(event, ingress, method, path, query, headers or [])
        result: dict[str, Any] = app(event, lambda_context)
        return result

    return send


def write_payload_1(
    event: dict[str, Any], ingress: str, method: str, path: str, query: str, headers: list[tuple[str, str]]
) -> None:
    assert ingress == "rest-api"
    event["httpMethod"] = method
    event["path"] = path
    event["requestContext"]["path"] = f"/Prod{path}"
    event["resource"] = "/" if path == "/" else "/{proxy+}"
    event["pathParameters"] = None if path == "/" else {"proxy": path[1:]}
    for name, value in headers:
        event["headers"][name] = value
        event["multiValueHeaders"].setdefault(name, []).append(value)
    for field in query.split("&") if query else []:
        key, _, value = field.replace("+", " ").partition("=")
        for name in ("queryStringParameters", "multiValueQueryStringParameters"):
            event[name] = event[name] or {}
        event["queryStringParameters"][unquote(key)] = unquote(value)
        event["multiValueQueryStringParameters"].setdefault(unquote(key), []).append(unquote(value))


def write_payload_2(
    event: dict[str, Any], ingress: str, method: str, path: str, query: str, headers: list[tuple[str, str]]
) -> None:
    event["requestContext"]["http"].update(method=method, path=unquote(path))
    event["rawPath"] = unquote(path) if ingress == "http-api" else path
    event["rawQueryString"] = query
    for name, value in headers:
        if name.lower() == "cookie":
            event.setdefault("cookies", []).extend(value.split("; "))
            if ingress == "http-api":
                continue
        known = event["headers"].get(name.lower())
        event["headers"][name.lower()] = value if known is None else f"{known},{value}"


def header(result: dict[str, Any], name: str) -> str | None:
    found: str | None = {key.lower(): value for key, value in result["headers"].items()}.get(name)
    return found


@pytest.mark.parametrize(
    ("raw", "decoded"),
    [
        ("/a%20b", "/a b"),
        ("/caf%C3%A9", "/café"),
        ("/a%2Fb", "/a/b"),
        ("/%2541", "/%41"),  # decoding twice gives /A: Mangum's fault on HTTP APIs
        ("/100%25", "/100%"),
        ("/a+b", "/a+b"),
        ("/", "/"),
    ],
)
def test_a_path_is_decoded_once(app: App, send: Send, raw: str, decoded: str) -> None:
    @app.get("/")
    @app.get("/<path:rest>")
    def show(rest: str = "") -> str:
        return request.path

    assert send("GET", raw)["body"] == decoded


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        ("", {}),
        ("a=1&a=2", {"a": ["1", "2"]}),
        ("a=1+2", {"a": ["1 2"]}),
        ("a=1%2B2", {"a": ["1+2"]}),
        ("a=", {"a": [""]}),
        ("a", {"a": [""]}),
        ("a=1,2", {"a": ["1,2"]}),
        ("caf%C3%A9=%26", {"café": ["&"]}),
    ],
)
def test_a_query_is_decoded_once_and_keeps_repeats(
    app: App, send: Send, query: str, pairs: dict[str, list[str]]
) -> None:
    @app.get("/q")
    def show() -> dict[str, Any]:
        return request.args.to_dict(flat=False)

    assert app.json_encoder.dumps(pairs) == send("GET", "/q", query=query)["body"]


@pytest.mark.parametrize("cookies", [{}, {"a": "1"}, {"a": "1", "b": "x y"}])
def test_cookies_come_in(app: App, send: Send, cookies: dict[str, str]) -> None:
    @app.get("/c")
    def show() -> dict[str, Any]:
        return request.cookies.to_dict()

    line = "; ".join(f"{name}={value}" for name, value in cookies.items())
    result = send("GET", "/c", headers=[("Cookie", line)] if cookies else [])

    assert result["body"] == app.json_encoder.dumps(cookies)


def test_two_cookies_go_out(app: App, send: Send, ingress: str) -> None:
    @app.get("/c")
    def show() -> Response:
        return Response("ok", headers={"Set-Cookie": ["a=1; Path=/", "b=2"], "X-One": "1"})

    result = send("GET", "/c")

    if ingress == "rest-api":
        assert result["multiValueHeaders"] == {"Set-Cookie": ["a=1; Path=/", "b=2"]}
        assert "Set-Cookie" not in result["headers"]
    else:
        assert result["cookies"] == ["a=1; Path=/", "b=2"]
        assert "set-cookie" not in result["headers"]
    assert header(result, "x-one") == "1"


def test_repeated_headers_come_in_and_go_out(app: App, send: Send, ingress: str) -> None:
    @app.get("/h")
    def show() -> Response:
        return Response(", ".join(request.headers.getlist("x-tag")), headers=[("Vary", "a"), ("vary", "b")])

    result = send("GET", "/h", headers=[("X-Tag", "1"), ("X-Tag", "2")])

    assert result["body"].replace(" ", "") == "1,2"
    if ingress == "rest-api":
        assert result["multiValueHeaders"] == {"Vary": ["a", "b"]}
    else:
        assert result["headers"]["vary"] == "a, b"


@pytest.mark.parametrize("is_binary", [False, True], ids=["text", "base64"])
@pytest.mark.parametrize("body", [b"", b"plain", "é".encode(), b'{"a": 1}'])
def test_a_body_comes_in_as_bytes(app: App, send: Send, body: bytes, is_binary: bool) -> None:
    seen = []

    @app.post("/b")
    def show() -> str:
        seen.append(request.data)
        return ""

    send("POST", "/b", body=body, is_binary=is_binary)

    assert seen == [body]


def test_no_body_is_empty(app: App, send: Send) -> None:
    @app.post("/b")
    def show() -> str:
        return repr(request.data)

    assert send("POST", "/b")["body"] == "b''"


@pytest.mark.parametrize(
    ("content_type", "body", "is_binary"),
    [
        ("text/plain", b"hi", False),
        ("text/plain; charset=utf-8", "é".encode(), False),
        ("text/plain; charset=latin-1", "é".encode("latin-1"), True),
        ("application/vnd.api+json", b"{}", False),  # Zappa's fault: +json went out as base64
        ("image/svg+xml", b"<svg/>", False),
        ("application/xhtml+xml", b"<p/>", False),
        ("image/png", b"\x89PNG", True),
        ("application/octet-stream", b"abc", True),
    ],
)
def test_an_answer_is_text_or_base64_by_its_type_and_content(
    app: App, send: Send, content_type: str, body: bytes, is_binary: bool
) -> None:
    @app.get("/b")
    def show() -> Response:
        return Response(body, mimetype=content_type)

    result = send("GET", "/b")

    assert result["isBase64Encoded"] is is_binary
    assert (base64.b64decode(result["body"]) if is_binary else result["body"].encode()) == body


def test_a_content_encoding_makes_it_binary(app: App, send: Send) -> None:
    @app.get("/z")
    def show() -> Response:
        return Response(b"zipped", headers={"Content-Encoding": "gzip", "Content-Type": "text/plain"})

    result = send("GET", "/z")

    assert (result["isBase64Encoded"], base64.b64decode(result["body"])) == (True, b"zipped")


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_content_has_neither_body_nor_type(app: App, send: Send, status: int) -> None:
    @app.get("/n")
    def show() -> tuple[str, int]:
        return "ignored", status

    result = send("GET", "/n")

    assert (result["statusCode"], result["body"], header(result, "content-type")) == (status, "", None)


def test_head_is_get_without_the_body(app: App, send: Send) -> None:
    @app.get("/h")
    def show() -> dict[str, int]:
        return {"a": 1}

    result = send("HEAD", "/h")

    assert (result["statusCode"], result["body"], header(result, "content-type")) == (
        200,
        "",
        "application/json",
    )


def test_options_lists_the_methods(app: App, send: Send) -> None:
    @app.route("/o", methods=["GET", "PUT"])
    def show() -> str:
        return ""

    result = send("OPTIONS", "/o")

    assert (result["statusCode"], header(result, "allow")) == (200, "GET, HEAD, OPTIONS, PUT")


def test_an_unknown_path_is_a_problem_document(send: Send) -> None:
    result = send("GET", "/nowhere")

    assert result["statusCode"] == 404
    assert header(result, "content-type") == "application/problem+json"
    assert result["body"] == '{"type":"about:blank","title":"Not Found","status":404}'
    assert result["isBase64Encoded"] is False


def test_the_clients_address_is_the_gateways_word_never_the_callers(app: App, send: Send) -> None:
    # Zappa's and apig-wsgi's fault: they took the first X-Forwarded-For hop, which the caller writes.
    @app.get("/ip")
    def show() -> str:
        return str(request.remote_addr)

    assert send("GET", "/ip", headers=[("X-Forwarded-For", "1.2.3.4")])["body"] == "52.255.255.12"


def test_a_redirect_keeps_the_prefix_and_the_query(app: App, send: Send, ingress: str) -> None:
    @app.get("/users/")
    def users() -> str:
        return ""

    result = send("GET", "/users", query="q=a%20b&x=1")

    prefix = "/Prod" if ingress == "rest-api" else ""
    assert (result["statusCode"], header(result, "location")) == (308, f"{prefix}/users/?q=a%20b&x=1")


def test_a_redirect_never_leads_to_another_site(app: App, send: Send) -> None:
    @app.get("/<path:anything>/")
    def show(anything: str) -> str:
        return anything

    location = header(send("GET", "//evil.example"), "location")

    assert location is not None
    assert not location.startswith("//")


@pytest.mark.parametrize(
    ("stage", "path", "seen"),
    [
        ("$default", "/hello", ("/hello", "")),
        ("dev", "/dev/hello", ("/hello", "/dev")),
        ("dev", "/dev", ("/", "/dev")),
        ("dev", "/developers", ("/developers", "")),  # Zappa's fault: the stage ate the first letters
    ],
)
def test_a_named_stage_of_an_http_api_is_the_root_path(
    app: App, load_event: Callable[[str], dict[str, Any]], stage: str, path: str, seen: tuple[str, str]
) -> None:
    @app.get("/")
    @app.get("/<path:rest>")
    def show(rest: str = "") -> list[str]:
        return [request.path, request.root_path]

    event = load_event("http-api")
    event["rawPath"] = path
    event["requestContext"]["stage"] = stage

    assert app(event, None)["body"] == app.json_encoder.dumps(list(seen))


@pytest.mark.parametrize(
    ("path", "resource", "parameters", "context_path", "seen"),
    [
        ("/hello", "/{proxy+}", {"proxy": "hello"}, "/Prod/hello", ("/hello", "/Prod")),
        ("/hello", "/{proxy+}", {"proxy": "hello"}, "/hello", ("/hello", "")),
        ("/v1/hello", "/{proxy+}", {"proxy": "hello"}, "/v1/hello", ("/hello", "/v1")),
        ("/v1/a%2Fb", "/{proxy+}", {"proxy": "a/b"}, "/v1/a%2Fb", ("/a/b", "/v1")),
        ("/v1/a%2Fb", "/{proxy+}", {"proxy": "a%2Fb"}, "/v1/a%2Fb", ("/a/b", "/v1")),
        ("/v1/users/7", "/users/{id}", {"id": "7"}, "/v1/users/7", ("/users/7", "/v1")),
        ("/v1", "/", None, "/v1", ("/", "/v1")),
        ("/", "/", None, "/Prod/", ("/", "/Prod")),
        ("/users/", "/{proxy+}", {"proxy": "users"}, "/Prod/users/", ("/users/", "/Prod")),
        ("//hello", "/{proxy+}", {"proxy": "hello"}, "/Prod//hello", ("//hello", "/Prod")),
        ("/hello", None, None, None, ("/hello", "")),  # an event written by hand
    ],
)
def test_what_stands_before_the_resource_of_a_rest_api_is_the_root_path(
    app: App,
    load_event: Callable[[str], dict[str, Any]],
    path: str,
    resource: str | None,
    parameters: dict[str, str] | None,
    context_path: str | None,
    seen: tuple[str, str],
) -> None:
    @app.get("/")
    @app.get("/<path:rest>", strict_slashes=False)
    def show(rest: str = "") -> list[str]:
        return [request.path, request.root_path]

    event = load_event("rest-api")
    event.update(path=path, resource=resource, pathParameters=parameters)
    event["requestContext"]["path"] = context_path

    assert app(event, None)["body"] == app.json_encoder.dumps(list(seen))


def test_null_maps_are_empty(app: App, load_event: Callable[[str], dict[str, Any]]) -> None:
    """The console's test event has them."""

    @app.get("/hello")
    def show() -> list[int]:
        return [len(request.headers), len(request.args), len(request.cookies)]

    event = load_event("rest-api")
    event.update(headers=None, multiValueHeaders=None, pathParameters=None)
    event["requestContext"]["identity"] = None

    assert app(event, None)["body"] == "[0,0,0]"


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
        {"version": "2.0", "requestContext": {"http": {}}},
        {"microlambda": "check"},
        {"httpMethod": "GET", "requestContext": {"elb": {}}, "path": "/"},
    ],
)
def test_an_unknown_event_is_an_error_that_lists_the_known_shapes(app: App, event: object) -> None:
    with pytest.raises(UnknownEvent, match=r"REST API .* HTTP API .* Function URL"):
        app(event, None)


def test_the_deployers_check_runs_no_view(app: App) -> None:
    assert app({"microlambda": {"check": 1}}, None) == {"microlambda": {"check": 1}}
