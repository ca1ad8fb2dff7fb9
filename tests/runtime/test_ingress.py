"""Every case of the wire format, on every ingress, on two roads: a recorded event, and our own gateway.

The recorded events are written here by hand as AWS writes them; the gateway builds its own from HTTP. Both
reach the app, and what comes back is read here too, so that a mistake cannot pass by being shared.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, unquote_plus

import pytest

from microlambda import App, Response, request

INGRESSES = ["rest-api", "http-api", "http-api-1.0", "function-url", "alb", "alb-multi-value", "vpc-lattice"]
#: Of repeated headers and keys these gateways tell the last one only; answers have one value for each name.
LAST_ONLY = ("alb",)
ONE_VALUE = ("http-api", "function-url", "alb", "vpc-lattice")


@dataclass
class Answer:
    """What a caller gets, whatever the gateway's format."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes
    result: dict[str, Any] = field(repr=False)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key.lower() == name]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Send = Callable[..., Answer]


@pytest.fixture(params=INGRESSES)
def ingress(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=["event", "gateway"])
def send(
    app: App,
    ingress: str,
    request: pytest.FixtureRequest,
    load_event: Callable[[str], dict[str, Any]],
    lambda_context: object,
) -> Send:
    """Sends a request whose target is still encoded; `is_binary` has the event's body in base64."""

    def by_event(
        method: str,
        path: str,
        *,
        query: str = "",
        headers: list[tuple[str, str]] | None = None,
        body: bytes | None = None,
        is_binary: bool = False,
    ) -> Answer:
        event = load_event(ingress)
        if body is not None:
            event["body"] = base64.b64encode(body).decode() if is_binary else body.decode()
            event["isBase64Encoded"] = is_binary
        WRITERS[ingress](event, method, path, query, headers or [])
        return read(app(event, lambda_context))

    def by_gateway(
        method: str,
        path: str,
        *,
        query: str = "",
        headers: list[tuple[str, str]] | None = None,
        body: bytes | None = None,
        is_binary: bool = False,
    ) -> Answer:
        client = app.test_client(ingress=ingress, raise_errors=False, use_cookies=False)
        target = f"{path}?{query}" if query else path
        sent = [("Host", "api.example.com"), *(headers or [])]
        if body is not None and not is_binary:
            sent.append(("Content-Type", "text/plain"))
        response = client.open(target, method=method, headers=sent, data=body)
        return Answer(
            response.status_code, list(response.headers), response.data, response.lambda_result or {}
        )

    return by_event if request.param == "event" else by_gateway


def read(result: dict[str, Any]) -> Answer:
    """An answer of any format, as its caller would get it."""
    assert json.loads(json.dumps(result)) == result
    fields = list((result.get("headers") or {}).items())
    for name, values in (result.get("multiValueHeaders") or {}).items():
        fields += [(name, value) for value in values]
    fields += [("set-cookie", cookie) for cookie in result.get("cookies", [])]
    body = result["body"]
    raw = base64.b64decode(body) if result["isBase64Encoded"] else body.encode()
    return Answer(result["statusCode"], fields, raw, result)


# The recorded events with another request in them --------------------------------------------------

Headers = list[tuple[str, str]]


def pairs_of(query: str, decode: Callable[[str], str]) -> list[tuple[str, str]]:
    pieces = [piece.partition("=") for piece in query.split("&") if piece]
    return [(decode(key), decode(value)) for key, _, value in pieces]


def lists_of(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    lists: dict[str, list[str]] = {}
    for key, value in pairs:
        lists.setdefault(key, []).append(value)
    return lists


def write_maps(event: dict[str, Any], pairs: list[tuple[str, str]], headers: Headers) -> None:
    event["queryStringParameters"] = dict(pairs) or None
    event["multiValueQueryStringParameters"] = lists_of(pairs) or None
    for name, value in headers:
        event["headers"][name] = value
        event["multiValueHeaders"].setdefault(name, []).append(value)


def write_rest_api(event: dict[str, Any], method: str, path: str, query: str, headers: Headers) -> None:
    event["httpMethod"] = method
    event["path"] = path
    event["requestContext"]["path"] = path
    event["resource"] = "/" if path == "/" else "/{proxy+}"
    event["pathParameters"] = None if path == "/" else {"proxy": path.strip("/")}
    write_maps(event, pairs_of(query, unquote_plus), headers)


def write_http_api_1(event: dict[str, Any], method: str, path: str, query: str, headers: Headers) -> None:
    event["httpMethod"] = method
    event["path"] = event["requestContext"]["path"] = unquote(path)
    write_maps(event, pairs_of(query, unquote_plus), headers)


def write_payload_2(event: dict[str, Any], method: str, path: str, query: str, headers: Headers) -> None:
    is_url = ".lambda-url." in event["requestContext"]["domainName"]
    event["requestContext"]["http"].update(method=method, path=unquote(path))
    event["rawPath"] = path if is_url else unquote(path)
    event["rawQueryString"] = query
    for name, value in headers:
        if name.lower() == "cookie":
            event.setdefault("cookies", []).extend(value.split("; "))
            if not is_url:
                continue
        known = event["headers"].get(name.lower())
        event["headers"][name.lower()] = value if known is None else f"{known},{value}"


def write_alb(event: dict[str, Any], method: str, path: str, query: str, headers: Headers) -> None:
    event.update(httpMethod=method, path=path)
    pairs = pairs_of(query, str)
    if "multiValueHeaders" in event:
        event["multiValueQueryStringParameters"] = lists_of(pairs)
        for name, value in headers:
            event["multiValueHeaders"].setdefault(name.lower(), []).append(value)
    else:
        event["queryStringParameters"] = dict(pairs)
        event["headers"].update({name.lower(): value for name, value in headers})


def write_vpc_lattice(event: dict[str, Any], method: str, path: str, query: str, headers: Headers) -> None:
    event.update(method=method, path=f"{path}?{query}" if query else path)
    if query:
        event["queryStringParameters"] = lists_of(pairs_of(query, unquote_plus))
    for name, value in headers:
        event["headers"].setdefault(name.lower(), []).append(value)


WRITERS = {
    "rest-api": write_rest_api,
    "http-api": write_payload_2,
    "http-api-1.0": write_http_api_1,
    "function-url": write_payload_2,
    "alb": write_alb,
    "alb-multi-value": write_alb,
    "vpc-lattice": write_vpc_lattice,
}


# Requests --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "decoded"),
    [
        ("/a%20b", "/a b"),
        ("/caf%C3%A9", "/café"),
        ("/a%2Fb", "/a/b"),
        ("/%2541", "/%41"),  # decoding twice gives /A: Mangum's fault on HTTP APIs
        ("/100%25", "/100%"),
        ("/a+b", "/a+b"),
        ("/a%3Fb%23c", "/a?b#c"),
        ("/", "/"),
        ("/a/", "/a/"),
    ],
)
def test_a_path_is_decoded_once(app: App, send: Send, raw: str, decoded: str) -> None:
    @app.get("/")
    @app.get("/<path:rest>", strict_slashes=False)
    def show(rest: str = "") -> list[str]:
        return [request.path, request.root_path]

    assert send("GET", raw).json == [decoded, ""]


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        ("", {}),
        ("a=1&a=2", {"a": ["1", "2"]}),
        ("a=1&b=2&a=3", {"a": ["1", "3"], "b": ["2"]}),
        ("a=1+2", {"a": ["1 2"]}),
        ("a=1%2B2", {"a": ["1+2"]}),
        ("a=%2541", {"a": ["%41"]}),
        ("a=", {"a": [""]}),
        ("a", {"a": [""]}),
        ("a=1,2", {"a": ["1,2"]}),
        ("caf%C3%A9=%26", {"café": ["&"]}),
        ("a=b=c", {"a": ["b=c"]}),
    ],
)
def test_a_query_is_decoded_once_and_keeps_repeats(
    app: App, send: Send, ingress: str, query: str, pairs: dict[str, list[str]]
) -> None:
    @app.get("/q")
    def show() -> dict[str, Any]:
        return request.args.to_dict(flat=False)

    told = {key: values[-1:] for key, values in pairs.items()} if ingress in LAST_ONLY else pairs
    assert send("GET", "/q", query=query).json == told


@pytest.mark.parametrize("cookies", [{}, {"a": "1"}, {"a": "1", "b": "x y"}], ids=["none", "one", "two"])
def test_cookies_come_in(app: App, send: Send, cookies: dict[str, str]) -> None:
    @app.get("/c")
    def show() -> dict[str, Any]:
        return request.cookies.to_dict()

    line = "; ".join(f"{name}={value}" for name, value in cookies.items())

    assert send("GET", "/c", headers=[("Cookie", line)] if cookies else []).json == cookies


def test_a_cookie_header_is_there_once(app: App, send: Send) -> None:
    @app.get("/c")
    def show() -> list[str]:
        return request.headers.getlist("cookie")

    assert send("GET", "/c", headers=[("Cookie", "a=1; b=2")]).json == ["a=1; b=2"]


def test_repeated_headers_come_in(app: App, send: Send, ingress: str) -> None:
    @app.get("/h")
    def show() -> str:
        return ",".join(request.headers.getlist("x-tag"))

    answer = send("GET", "/h", headers=[("X-Tag", "1"), ("X-Tag", "2")])

    assert answer.body == (b"2" if ingress in LAST_ONLY else b"1,2")


@pytest.mark.parametrize("is_binary", [False, True], ids=["text", "base64"])
@pytest.mark.parametrize(
    "body", [b"", b"plain", "é".encode(), b'{"a": 1}', b"{no json"], ids=["empty", "text", "é", "json", "bad"]
)
def test_a_body_comes_in_as_bytes(app: App, send: Send, body: bytes, is_binary: bool) -> None:
    seen = []

    @app.post("/b")
    def show() -> str:
        seen.append(request.data)
        return ""

    send("POST", "/b", body=body, is_binary=is_binary)

    assert seen == [body]


def test_bytes_that_are_no_text_come_in(app: App, send: Send) -> None:
    @app.post("/b")
    def show() -> str:
        return request.data.hex()

    assert send("POST", "/b", body=bytes(range(256)), is_binary=True).body.decode() == bytes(range(256)).hex()


def test_no_body_is_empty(app: App, send: Send) -> None:
    @app.post("/b")
    def show() -> str:
        return repr(request.data)

    assert send("POST", "/b").body == b"b''"


@pytest.mark.parametrize("body", ["aG*k=", "aGk", "é", "aGk=aGk="])
def test_a_body_that_is_not_the_base64_it_claims_is_400(
    app: App, ingress: str, load_event: Callable[[str], dict[str, Any]], body: str
) -> None:
    @app.post("/b")
    def show() -> str:
        return repr(request.data)

    event = load_event(ingress)
    WRITERS[ingress](event, "POST", "/b", "", [])
    event.update(body=body, isBase64Encoded=True)

    assert read(app(event, None)).status == 400


def test_the_clients_address_is_the_gateways_word_never_the_callers(
    app: App, send: Send, ingress: str
) -> None:
    # Zappa's and apig-wsgi's fault: they took the first X-Forwarded-For hop, which the caller writes.
    @app.get("/ip")
    def show() -> dict[str, Any]:
        return {"address": request.remote_addr}

    # A load balancer tells the address in that header alone: it appends its own word.
    claimed = "1.2.3.4, 52.255.255.12" if ingress.startswith("alb") else "1.2.3.4"
    answer = send("GET", "/ip", headers=[("X-Forwarded-For", claimed)])

    known = (None,) if ingress == "vpc-lattice" else ("52.255.255.12", "127.0.0.1")
    assert answer.json["address"] in known


# Answers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cookies", [[], ["a=1; Path=/"], ["a=1; Path=/", "b=2"], ["a=1", "a=2", "a=3"]])
def test_each_cookie_goes_out_once(app: App, send: Send, cookies: list[str]) -> None:
    # Zappa's fault: two cookies came out as eight, under every spelling of the name.
    @app.get("/c")
    def show() -> Response:
        return Response("ok", headers={"Set-Cookie": cookies, "X-One": "1"})

    answer = send("GET", "/c")

    assert answer.all("set-cookie") == cookies
    assert answer.all("x-one") == ["1"]


def test_repeated_headers_go_out_all_of_them(app: App, send: Send, ingress: str) -> None:
    # serverless-wsgi's fault: the last of repeated headers was kept.
    @app.get("/h")
    def show() -> Response:
        return Response("", headers=[("Vary", "a"), ("vary", "b")])

    assert send("GET", "/h").all("vary") == (["a, b"] if ingress in ONE_VALUE else ["a", "b"])


@pytest.mark.parametrize(
    ("content_type", "body", "is_binary"),
    [
        ("text/plain", b"hi", False),
        ("text/plain; charset=utf-8", "é".encode(), False),
        ("text/plain; charset=latin-1", "é".encode("latin-1"), True),
        ("application/vnd.api+json", b"{}", False),  # Zappa's fault: +json went out as base64
        ("image/svg+xml", b"<svg/>", False),
        ("application/xhtml+xml", b"<p/>", False),
        ("application/javascript", b"1", False),
        ("application/x-www-form-urlencoded", b"a=1", False),
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

    answer = send("GET", "/b", headers=[("Accept", "text/html")])

    assert answer.result["isBase64Encoded"] is is_binary
    assert answer.body == body


def test_what_the_view_compressed_goes_out_as_it_is(app: App, send: Send) -> None:
    @app.get("/z")
    def show() -> Response:
        packed = gzip.compress(b"text")
        return Response(packed, headers={"Content-Encoding": "gzip", "Content-Type": "text/plain"})

    answer = send("GET", "/z")

    assert answer.result["isBase64Encoded"] is True
    assert gzip.decompress(answer.body) == b"text"


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_content_has_neither_body_nor_type(app: App, send: Send, status: int) -> None:
    @app.get("/n")
    def show() -> Response:
        return Response("ignored", status=status, headers=[("X-A", "1"), ("X-A", "2"), ("ETag", '"1"')])

    answer = send("GET", "/n")

    assert (answer.status, answer.body, answer.all("content-type")) == (status, b"", [])
    assert answer.result["body"] == ""
    assert answer.all("etag") == ['"1"']


def test_head_is_get_without_the_body(app: App, send: Send) -> None:
    @app.get("/h")
    def show() -> dict[str, int]:
        return {"a": 1}

    answer = send("HEAD", "/h")

    assert (answer.status, answer.body, answer.all("content-type")) == (200, b"", ["application/json"])


def test_options_lists_the_methods(app: App, send: Send) -> None:
    @app.route("/o", methods=["GET", "PUT"])
    def show() -> str:
        return ""

    answer = send("OPTIONS", "/o")

    assert (answer.status, answer.all("allow")) == (200, ["GET, HEAD, OPTIONS, PUT"])


def test_another_method_is_405_with_those_that_there_are(app: App, send: Send) -> None:
    @app.get("/o")
    def show() -> str:
        return ""

    answer = send("DELETE", "/o")

    assert (answer.status, answer.all("allow")) == (405, ["GET, HEAD, OPTIONS"])


def test_an_unknown_path_is_a_problem_document(send: Send) -> None:
    answer = send("GET", "/nowhere")

    assert answer.status == 404
    assert answer.all("content-type") == ["application/problem+json"]
    assert answer.json == {"type": "about:blank", "title": "Not Found", "status": 404}
    assert answer.result["isBase64Encoded"] is False


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b=1", "a\nb", "a\rb", ["fine", "a\r\nb"]])
def test_a_header_that_would_smuggle_another_is_refused(app: App, send: Send, value: Any) -> None:
    # Chalice's fault: CR and LF passed through values that are lists.
    @app.get("/h")
    def show() -> Response:
        return Response("", headers={"X-A": value})

    answer = send("GET", "/h")

    assert (answer.status, answer.all("x-a"), answer.all("set-cookie")) == (500, [], [])


def test_an_answer_over_the_limit_is_a_500_that_says_so(
    app: App, send: Send, ingress: str, caplog: pytest.LogCaptureFixture
) -> None:
    size = 1_048_576 if ingress.startswith("alb") else 6_291_556

    @app.get("/large")
    def large() -> str:
        return "x" * size

    @app.get("/fits")
    def fits() -> str:
        return "x" * (size - 1_000)

    answer = send("GET", "/large")

    assert answer.status == 500
    assert str(size) in answer.json["detail"]
    assert str(size) in caplog.text
    assert send("GET", "/fits").status == 200


def test_a_redirect_keeps_the_query(app: App, send: Send) -> None:
    @app.get("/users/")
    def users() -> str:
        return ""

    answer = send("GET", "/users", query="q=a%20b&x=1")

    assert (answer.status, answer.all("location")) == (308, ["/users/?q=a%20b&x=1"])


def test_a_redirect_never_leads_to_another_site(app: App, send: Send) -> None:
    @app.get("/<path:anything>/")
    def show(anything: str) -> str:
        return anything

    locations = send("GET", "//evil.example").all("location")

    assert locations
    assert not any(location.startswith("//") for location in locations)
