"""Results to HTTP, on each ingress, and what callers get when there is no result to pass on."""

from __future__ import annotations

import threading
from base64 import b64encode
from typing import Any

import pytest

from microlambda.emulator.gateway import FAILURES, INGRESSES, Api, Failure, Gateway, UnknownIngress
from microlambda.emulator.gateway.failure import OF_AUTHORIZERS, OF_SIGNATURES
from microlambda.emulator.gateway.gateway import NotAllowed
from microlambda.emulator.invocation import Invocation
from microlambda.emulator.messages import HttpRequest, HttpResponse

from .gateways import Front

ALL = ("http-api", "http-api-1.0", "rest-api", "function-url", "alb", "vpc-lattice")


def pairs(response: HttpResponse, name: str) -> list[str]:
    return [value for key, value in response.headers if key.lower() == name]


@pytest.mark.parametrize("ingress", ALL)
def test_status_headers_and_body_go_out(ingress: str) -> None:
    front = Front(
        ingress, {"statusCode": 201, "headers": {"Content-Type": "text/html", "X-A": "1"}, "body": "<é>"}
    )

    response = front.send()

    assert response.status == 201
    assert response.body == "<é>".encode()
    assert response.header("content-type") == "text/html"
    assert response.header("x-a") == "1"
    assert pairs(response, "content-length") == ["4"]


@pytest.mark.parametrize(
    ("result", "body"),
    [
        pytest.param({"a": 1}, b'{"a": 1}', id="object"),
        pytest.param([1, 2], b"[1, 2]", id="list"),
        pytest.param("hello", b"hello", id="string"),
        pytest.param(7, b"7", id="number"),
        pytest.param(b"null", b"null", id="null"),
    ],
)
@pytest.mark.parametrize("ingress", ["http-api", "function-url"])
def test_a_result_without_status_code_becomes_a_200_json_body(ingress: str, result: Any, body: bytes) -> None:
    response = Front(ingress, result).send()

    assert (response.status, response.body) == (200, body)
    assert response.header("content-type") == "application/json"


@pytest.mark.parametrize(
    ("ingress", "content_type"),
    [
        ("http-api", "text/plain;charset=UTF-8"),
        ("http-api-1.0", "text/plain;charset=UTF-8"),
        ("rest-api", "application/json"),
        ("function-url", "application/json"),
        ("alb", "application/octet-stream"),
        ("vpc-lattice", "application/octet-stream"),
    ],
)
def test_an_answer_without_content_type_gets_the_ingress_default(ingress: str, content_type: str) -> None:
    assert Front(ingress).send().header("content-type") == content_type


@pytest.mark.parametrize("ingress", ["http-api", "function-url"])
@pytest.mark.parametrize("cookies", [[], ["a=1"], ["a=1; Path=/", "b=2"]], ids=["none", "one", "two"])
def test_each_cookie_becomes_a_set_cookie(ingress: str, cookies: list[str]) -> None:
    response = Front(ingress, {"statusCode": 200, "cookies": cookies}).send()

    assert pairs(response, "set-cookie") == cookies


def test_rest_merges_headers_and_multi_value_headers() -> None:
    answer = {
        "statusCode": 200,
        "headers": {"X-A": "1", "X-B": "b"},
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"], "x-a": ["1", "2"]},
    }

    response = Front("rest-api", answer).send()

    assert pairs(response, "set-cookie") == ["a=1", "b=2"]
    assert pairs(response, "x-a") == ["1", "2"]
    assert pairs(response, "x-b") == ["b"]


@pytest.mark.parametrize("ingress", ALL)
def test_base64_bodies_go_out_as_bytes(ingress: str) -> None:
    body = bytes(range(256))

    response = Front(
        ingress, {"statusCode": 200, "isBase64Encoded": True, "body": b64encode(body).decode()}
    ).send()

    assert response.body == body
    assert response.header("content-length") == "256"


@pytest.mark.parametrize("ingress", ALL)
def test_head_has_the_length_and_not_the_body(ingress: str) -> None:
    response = Front(ingress, {"statusCode": 200, "body": "hello"}).send("HEAD")

    assert response.body == b""
    assert response.header("content-length") == "5"


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("ingress", ALL)
def test_204_and_304_have_neither_body_nor_length(ingress: str, status: int) -> None:
    response = Front(ingress, {"statusCode": status, "body": "hello"}).send()

    assert response.status == status
    assert response.body == b""
    assert response.header("content-length") is None
    assert response.header("content-type") is None


@pytest.mark.parametrize("ingress", ["rest-api", "function-url"])
@pytest.mark.parametrize("name", ["WWW-Authenticate", "Date", "Server", "Content-Length"])
def test_rest_and_function_urls_rename_what_is_theirs(ingress: str, name: str) -> None:
    response = Front(ingress, {"statusCode": 401, "headers": {name: "x"}}).send()

    assert response.header(f"x-amzn-remapped-{name}") == "x"
    assert "x" not in pairs(response, name.lower())


def test_http_apis_do_not_rename() -> None:
    response = Front(
        "http-api", {"statusCode": 401, "headers": {"WWW-Authenticate": "Basic", "Date": "x"}}
    ).send()

    assert response.header("www-authenticate") == "Basic"
    assert response.header("date") is None


@pytest.mark.parametrize(
    ("ingress", "names"),
    [
        ("http-api", {"apigw-requestid"}),
        ("http-api-1.0", {"apigw-requestid"}),
        ("alb", {"server"}),
        ("rest-api", {"x-amzn-requestid", "x-amz-apigw-id", "x-amzn-trace-id"}),
        ("function-url", {"x-amzn-requestid", "x-amzn-trace-id"}),
    ],
)
def test_every_answer_carries_the_gateways_own_fields(ingress: str, names: set[str]) -> None:
    answered = {name.lower() for name, _ in Front(ingress).send().headers}
    failed = {name.lower() for name, _ in Front(ingress, error="Unhandled").send().headers}

    assert names <= answered
    assert names <= failed


MALFORMED: list[Any] = [
    pytest.param({"statusCode": "abc"}, id="status-is-a-word"),
    pytest.param({"statusCode": 99}, id="status-below-100"),
    pytest.param({"statusCode": 1000}, id="status-above-599"),
    pytest.param({"statusCode": True}, id="status-is-a-boolean"),
    pytest.param({"statusCode": 200, "headers": ["a"]}, id="headers-are-a-list"),
    pytest.param({"statusCode": 200, "headers": {"X": ["a"]}}, id="header-value-is-a-list"),
    pytest.param({"statusCode": 200, "headers": {"X": "a\r\nSet-Cookie: b=1"}}, id="cr-lf-in-a-value"),
    pytest.param({"statusCode": 200, "headers": {"X\n": "a"}}, id="lf-in-a-name"),
    pytest.param({"statusCode": 200, "headers": {"": "a"}}, id="empty-name"),
    pytest.param({"statusCode": 200, "body": 7}, id="body-is-a-number"),
    pytest.param({"statusCode": 200, "body": "*", "isBase64Encoded": True}, id="body-is-not-base64"),
    pytest.param(b"nonsense", id="not-json"),
]


@pytest.mark.parametrize("answer", MALFORMED)
@pytest.mark.parametrize("ingress", ALL)
def test_a_malformed_answer_is_the_gateways_error(ingress: str, answer: Any) -> None:
    front = Front(ingress, answer)

    response = front.send()

    cell = FAILURES[ingress][Failure.MALFORMED_ANSWER]
    assert (response.status, response.body) == (cell.status, cell.body.encode())
    assert front.reasons[0].startswith("the function's answer is not one that the gateway understands: ")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param([1], id="list"),
        pytest.param("text", id="string"),
        pytest.param(b"null", id="null"),
        pytest.param({"statusCode": 200, "cookies": ["a=1"]}, id="a-member-of-payload-2"),
        pytest.param({"statusCode": 200, "multiValueHeaders": {"X": "a"}}, id="multi-value-is-no-list"),
    ],
)
def test_rest_takes_nothing_but_its_own_format(answer: Any) -> None:
    assert Front("rest-api", answer).send().status == 502


@pytest.mark.parametrize(
    ("ingress", "status", "body"),
    [
        ("http-api", 500, b'{"message":"Internal Server Error"}'),
        ("http-api-1.0", 500, b'{"message":"Internal Server Error"}'),
        ("rest-api", 502, b'{"message": "Internal server error"}'),
        ("function-url", 502, b"Internal Server Error"),
    ],
)
def test_a_failed_function_answers_as_on_aws(ingress: str, status: int, body: bytes) -> None:
    response = Front(ingress, {"errorMessage": "secret"}, error="Unhandled").send()

    assert (response.status, response.body) == (status, body)


@pytest.mark.parametrize("ingress", ALL)
def test_a_function_out_of_time_answers_as_on_aws(ingress: str) -> None:
    front = Front(ingress, {"errorMessage": "Task timed out"}, error="Unhandled")
    front.timed_out = True

    assert front.send().status == FAILURES[ingress][Failure.FUNCTION_TIMEOUT].status


@pytest.mark.parametrize(
    ("ingress", "status", "body"),
    [
        ("http-api", 503, b'{"message":"Service Unavailable"}'),
        ("rest-api", 504, b'{"message": "Endpoint request timed out"}'),
    ],
)
def test_the_gateway_waits_no_longer_than_its_limit(
    ingress: str, status: int, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(INGRESSES[ingress], "integration_timeout", 0.01)
    release = threading.Event()

    def slow(payload: bytes) -> Invocation:
        release.wait(20)
        return Invocation(request_id="r", payload=payload)

    response = Gateway(ingress, slow, timeout=60).handle(HttpRequest(method="GET", target="/"))

    release.set()
    assert (response.status, response.body) == (status, body)


def test_where_function_and_gateway_have_the_same_limit_the_gateways_comes_first() -> None:
    def out_of_time(payload: bytes) -> Invocation:
        return Invocation(
            request_id="r", payload=b"{}", function_error="Unhandled", timed_out=True, duration=30_000.1
        )

    response = Gateway("http-api", out_of_time, timeout=30).handle(HttpRequest(method="GET", target="/"))

    assert response.status == 503


@pytest.mark.parametrize("ingress", ALL)
def test_a_body_over_the_limit_is_413_and_no_invocation(ingress: str) -> None:
    front = Front(ingress)

    response = front.send("POST", "/", body=b"x" * (INGRESSES[ingress].max_body + 1))

    assert response.status == 413
    assert front.events == []


@pytest.mark.parametrize("ingress", ALL)
def test_an_event_over_lambdas_limit_is_413_and_no_invocation(ingress: str) -> None:
    front = Front(ingress)

    response = front.send("POST", "/", body=b"\xff" * 5_500_000)

    assert response.status == 413
    assert front.events == []


@pytest.mark.parametrize("ingress", ["http-api", "rest-api"])
def test_headers_over_the_limit_are_431(ingress: str) -> None:
    front = Front(ingress)

    assert front.send("GET", "/", ("X-Long", "x" * 10_241)).status == 431
    assert front.send("GET", "/", ("X-Long", "x" * 9_000)).status == 200


@pytest.mark.parametrize("ingress", ALL)
def test_an_answer_over_lambdas_limit_is_the_gateways_error(ingress: str) -> None:
    front = Front(ingress, {"statusCode": 200, "body": "x" * 6_300_000})

    assert front.send().status == FAILURES[ingress][Failure.RESPONSE_TOO_LARGE].status


@pytest.mark.parametrize(
    ("method", "target"),
    [
        pytest.param("BREW", "/", id="unknown-method"),
        pytest.param("CONNECT", "example.com:443", id="connect"),
        pytest.param("TRACE", "/", id="trace"),
        pytest.param("OPTIONS", "*", id="asterisk"),
        pytest.param("GET", "/%zz", id="broken-escape"),
        pytest.param("GET", "/%", id="broken-escape-at-the-end"),
        pytest.param("GET", "/%ff", id="not-utf-8"),
        pytest.param("GET", "/caf\xe9", id="bytes-beyond-ascii"),
        pytest.param("GET", "/?a=\xff", id="bytes-beyond-ascii-in-the-query"),
        pytest.param("GET", "/a b", id="space"),
        pytest.param("GET", "/a\x00", id="nul"),
        pytest.param("GET", "", id="empty"),
        pytest.param("GET", "ftp://example.com/", id="another-scheme"),
    ],
)
@pytest.mark.parametrize("ingress", ALL)
def test_what_a_gateway_does_not_take_is_400_and_no_invocation(
    ingress: str, method: str, target: str
) -> None:
    front = Front(ingress)

    response = front.send(method, target)

    assert response.status == 400
    assert front.events == []


@pytest.mark.parametrize("query", ["a=x|y", "a={x}"])
def test_rest_refuses_what_a_query_must_escape(query: str) -> None:
    assert Front("rest-api").send("GET", f"/?{query}").status == 400
    assert Front("http-api").send("GET", f"/?{query}").status == 200


@pytest.mark.parametrize(("ingress", "status"), [("http-api", 500), ("rest-api", 500), ("function-url", 403)])
def test_a_gateway_without_permission_answers_as_on_aws(ingress: str, status: int) -> None:
    def refused(payload: bytes) -> Invocation:
        raise NotAllowed

    assert Gateway(ingress, refused).handle(HttpRequest(method="GET", target="/")).status == status


@pytest.mark.parametrize("ingress", ALL)
def test_the_failure_table_is_complete_and_names_its_sources(ingress: str) -> None:
    unasked = set() if ingress == "rest-api" else {Failure.NO_API_KEY}  # nobody else checks keys
    if "api" not in ingress:
        unasked |= {Failure.NO_API}  # nobody else has custom domains
        unasked |= OF_AUTHORIZERS  # nor authorizers
    if ingress in ("alb", "alb-multi-value", "vpc-lattice"):
        unasked |= OF_SIGNATURES  # these let everybody in
    assert set(FAILURES[ingress]) == set(Failure) - unasked
    assert all(cell.source for cell in FAILURES[ingress].values())


def test_observe_is_told_of_every_request() -> None:
    seen: list[tuple[str, int, bool]] = []
    front = Front(
        "http-api",
        observe=lambda request, response, run: seen.append((request.target, response.status, run is None)),
    )

    front.send("GET", "/fine")
    front.send("GET", "/%zz")

    assert seen == [("/fine", 200, False), ("/%zz", 400, True)]


def test_an_unknown_ingress_names_the_nearest() -> None:
    with pytest.raises(UnknownIngress, match="Did you mean 'http-api'"):
        Gateway("http_api", lambda payload: Invocation(request_id="", payload=payload))


def test_events_carry_the_api_that_was_given() -> None:
    front = Front(
        "http-api", api=Api(api_id="abc123", account_id="000000000000", region="eu-west-1", stage="$default")
    )

    context = front.event()["requestContext"]

    assert (context["apiId"], context["accountId"]) == ("abc123", "000000000000")
    assert context["domainName"] == "abc123.execute-api.eu-west-1.amazonaws.com"


def test_wsgi_callers_are_served(monkeypatch: pytest.MonkeyPatch) -> None:
    from werkzeug.test import Client

    front = Front("http-api", {"statusCode": 200, "headers": {"X-A": "1"}, "cookies": ["a=1"], "body": "hi"})
    client = Client(front.gateway)

    response = client.post("/a%20b?x=1", data=b"body", headers={"X-Test": "t"}, content_type="text/plain")

    assert (response.status_code, response.data, response.headers["x-a"]) == (200, b"hi", "1")
    event = front.events[0]
    assert event["rawPath"] == "/a b"
    assert event["rawQueryString"] == "x=1"
    assert event["body"] == "body"
    assert event["headers"]["x-test"] == "t"


def test_wsgi_bodies_over_the_limit_are_not_read() -> None:
    from werkzeug.test import Client

    front = Front("function-url")

    response = Client(front.gateway).post("/", data=b"x" * 6_300_000)

    assert response.status_code == 413
    assert front.events == []
