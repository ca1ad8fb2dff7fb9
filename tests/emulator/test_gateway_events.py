"""HTTP to events, on each ingress; AWS's own Powertools read them as the judge."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import (
    APIGatewayProxyEvent,
    APIGatewayProxyEventV2,
    LambdaFunctionUrlEvent,
)

from .gateways import Front

INGRESSES = ("http-api", "http-api-1.0", "rest-api", "function-url", "alb", "alb-multi-value", "vpc-lattice")


def headers_of(event: dict[str, Any]) -> dict[str, str]:
    """The headers by their names in lower case; of a list the last value."""
    headers = event.get("headers") or event["multiValueHeaders"]
    return {name.lower(): value[-1] if isinstance(value, list) else value for name, value in headers.items()}


@pytest.mark.parametrize(
    ("target", "http_api", "rest_api", "function_url"),
    [
        pytest.param("/", "/", "/", "/", id="root"),
        pytest.param("/users/7", "/users/7", "/users/7", "/users/7", id="plain"),
        pytest.param("/users/", "/users/", "/users/", "/users/", id="trailing-slash"),
        pytest.param("/a%20b", "/a b", "/a%20b", "/a%20b", id="space"),
        pytest.param("/caf%C3%A9", "/café", "/caf%C3%A9", "/caf%C3%A9", id="utf-8"),
        pytest.param("/a%2Fb", "/a/b", "/a%2Fb", "/a%2Fb", id="encoded-slash"),
        pytest.param("/f/%2541", "/f/%41", "/f/%2541", "/f/%2541", id="encoded-percent"),
        pytest.param("//x", "//x", "//x", "//x", id="double-slash"),
        pytest.param("http://api.example.com/a%20b", "/a b", "/a%20b", "/a%20b", id="absolute-form"),
        pytest.param("http://api.example.com", "/", "/", "/", id="absolute-form-without-path"),
    ],
)
def test_paths_are_decoded_as_each_ingress_does_it(
    target: str, http_api: str, rest_api: str, function_url: str
) -> None:
    v2 = Front("http-api").event("GET", target)
    v1 = Front("rest-api").event("GET", target)
    url = Front("function-url").event("GET", target)

    assert v2["rawPath"] == http_api
    assert v2["requestContext"]["http"]["path"] == http_api
    assert v1["path"] == rest_api
    assert v1["requestContext"]["path"] == rest_api
    assert url["rawPath"] == function_url
    assert url["requestContext"]["http"]["path"] == http_api


@pytest.mark.parametrize(
    ("target", "resource", "proxy"),
    [
        pytest.param("/", "/", None, id="root"),
        pytest.param("/users", "/{proxy+}", "users", id="one-segment"),
        pytest.param("/users/7", "/{proxy+}", "users/7", id="two-segments"),
        pytest.param("/users/", "/{proxy+}", "users", id="trailing-slash-is-not-in-the-parameter"),
        pytest.param("/a%2Bb@c", "/{proxy+}", "a%2Bb@c", id="the-parameter-stays-encoded"),
    ],
)
def test_rest_events_name_the_resource_that_was_resolved(
    target: str, resource: str, proxy: str | None
) -> None:
    event = Front("rest-api").event("GET", target)

    assert event["resource"] == resource
    assert event["requestContext"]["resourcePath"] == resource
    assert event["pathParameters"] == ({"proxy": proxy} if proxy else None)


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        pytest.param("a=1&b=2", [("a", "1"), ("b", "2")], id="two"),
        pytest.param("a=1&a=2", [("a", "1"), ("a", "2")], id="repeated"),
        pytest.param("a=b+c", [("a", "b c")], id="plus-is-a-space"),
        pytest.param("a=b%2Bc", [("a", "b+c")], id="encoded-plus"),
        pytest.param("a=", [("a", "")], id="empty-value"),
        pytest.param("a", [("a", "")], id="key-without-value"),
        pytest.param("a=1,2", [("a", "1,2")], id="comma"),
        pytest.param("%C3%A9=%C3%BC", [("é", "ü")], id="utf-8"),
        pytest.param("a=%zz", [("a", "%zz")], id="broken-escape-stands-for-itself"),
    ],
)
def test_queries_reach_the_function(query: str, pairs: list[tuple[str, str]]) -> None:
    v2 = Front("http-api").event("GET", f"/?{query}")
    v1 = Front("rest-api").event("GET", f"/?{query}")
    url = Front("function-url").event("GET", f"/?{query}")

    multi: dict[str, list[str]] = {}
    for key, value in pairs:
        multi.setdefault(key, []).append(value)
    assert v2["rawQueryString"] == url["rawQueryString"] == query
    joined = {key: ",".join(values) for key, values in multi.items()}
    assert v2["queryStringParameters"] == url["queryStringParameters"] == joined
    assert v1["multiValueQueryStringParameters"] == multi
    assert v1["queryStringParameters"] == dict(pairs)


def test_what_is_not_there_is_absent_in_payload_2_and_null_in_payload_1() -> None:
    v2 = Front("http-api").event()
    url = Front("function-url").event()
    v1 = Front("rest-api").event()

    for event in (v2, url):
        assert event["rawQueryString"] == ""
        assert not {"queryStringParameters", "body", "cookies", "pathParameters"} & event.keys()
        assert event["isBase64Encoded"] is False
    nulls = (
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "stageVariables",
        "body",
    )
    assert [v1[name] for name in nulls] == [None] * 5
    assert v1["isBase64Encoded"] is False


def test_repeated_headers_are_joined_by_commas_or_kept_apart() -> None:
    headers = (("X-One", "1"), ("x-many", "a"), ("X-Many", "b"))

    v2 = Front("http-api").event("GET", "/", *headers)
    v1 = Front("rest-api").event("GET", "/", ("X-One", "1"), ("X-Many", "a"), ("X-Many", "b"))

    assert v2["headers"]["x-one"] == "1"
    assert v2["headers"]["x-many"] == "a,b"
    assert v1["headers"]["X-One"] == "1"
    assert v1["headers"]["X-Many"] == "b"
    assert v1["multiValueHeaders"]["X-Many"] == ["a", "b"]


def test_rest_events_keep_the_case_of_header_names_but_for_a_few() -> None:
    event = Front("rest-api").event(
        "GET", "/", ("tEsT-HEADeR", "aValUE"), ("authorization", "x"), ("user-agent", "t")
    )

    assert event["headers"]["tEsT-HEADeR"] == "aValUE"
    assert event["headers"]["Authorization"] == "x"
    assert event["headers"]["User-Agent"] == "t"


@pytest.mark.parametrize(
    ("header", "cookies"),
    [
        pytest.param(None, None, id="none"),
        pytest.param("a=1", ["a=1"], id="one"),
        pytest.param("a=1; b=2", ["a=1", "b=2"], id="two"),
        pytest.param("a=1;b=x=y", ["a=1", "b=x=y"], id="no-space-and-an-equals-sign"),
    ],
)
def test_cookies_come_as_each_ingress_sends_them(header: str | None, cookies: list[str] | None) -> None:
    headers = (("Cookie", header),) if header else ()

    v2 = Front("http-api").event("GET", "/", *headers)
    v1 = Front("rest-api").event("GET", "/", *headers)
    url = Front("function-url").event("GET", "/", *headers)

    assert v2.get("cookies") == url.get("cookies") == cookies
    assert "cookie" not in v2["headers"]
    assert url["headers"].get("cookie") == header
    assert v1["headers"].get("Cookie") == header


@pytest.mark.parametrize(
    ("content_type", "is_text"),
    [
        pytest.param("application/json", True, id="json"),
        pytest.param("application/json; charset=utf-8", True, id="json-with-charset"),
        pytest.param("Text/Plain", True, id="text"),
        pytest.param("text/csv", True, id="csv"),
        pytest.param("application/xml", True, id="xml"),
        pytest.param("application/javascript", True, id="javascript"),
        pytest.param("application/x-www-form-urlencoded", False, id="form"),
        pytest.param("multipart/form-data; boundary=x", False, id="multipart"),
        pytest.param("application/octet-stream", False, id="bytes"),
        pytest.param(None, False, id="no-content-type"),
    ],
)
@pytest.mark.parametrize("ingress", ["http-api", "function-url"])
def test_bodies_are_text_by_content_type(ingress: str, content_type: str | None, is_text: bool) -> None:
    headers = (("Content-Type", content_type),) if content_type else ()

    event = Front(ingress).event("POST", "/", *headers, body=b'{"a": "\xc3\xa9"}')

    assert event["isBase64Encoded"] is not is_text
    assert event["body"] == '{"a": "é"}' if is_text else b64decode(event["body"]) == b'{"a": "\xc3\xa9"}'


def test_text_that_is_not_utf_8_is_base64() -> None:
    event = Front("http-api").event("POST", "/", ("Content-Type", "text/plain"), body=b"caf\xe9")

    assert event["isBase64Encoded"] is True
    assert b64decode(event["body"]) == b"caf\xe9"


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "image/png"])
def test_rest_bodies_are_base64_because_every_type_is_binary(content_type: str) -> None:
    event = Front("rest-api").event("POST", "/", ("Content-Type", content_type), body=b"{}")

    assert event["isBase64Encoded"] is True
    assert b64decode(event["body"]) == b"{}"


@pytest.mark.parametrize("ingress", INGRESSES)
def test_the_gateway_adds_where_the_request_came_from(ingress: str) -> None:
    event = Front(ingress).event("GET", "/", ("Host", "localhost:8000"), ("X-Forwarded-For", "198.51.100.1"))

    headers = headers_of(event)
    assert headers["x-forwarded-for"] == "198.51.100.1, 203.0.113.7"
    assert headers["host"] == "localhost:8000"
    if ingress == "vpc-lattice":
        assert not {"x-forwarded-port", "x-forwarded-proto", "x-amzn-trace-id"} & headers.keys()
        return
    assert headers["x-forwarded-port"] == "8000"
    assert headers["x-forwarded-proto"] == "http"
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", headers["x-amzn-trace-id"])


@pytest.mark.parametrize("ingress", INGRESSES)
def test_what_belongs_to_the_connection_is_dropped(ingress: str) -> None:
    event = Front(ingress).event(
        "GET",
        "/",
        ("Connection", "keep-alive, X-Hop"),
        ("Keep-Alive", "5"),
        ("X-Hop", "1"),
        ("TE", "trailers"),
    )

    names = headers_of(event).keys()
    assert not {"connection", "keep-alive", "x-hop", "te", "transfer-encoding"} & names


@pytest.mark.parametrize("ingress", INGRESSES)
def test_header_values_beyond_ascii_reach_the_function(ingress: str) -> None:
    event = Front(ingress).event(
        "GET", "/", ("X-Name", "Zoë".encode().decode("latin-1")), ("X-Old", "Zo\xeb")
    )

    headers = headers_of(event)
    assert headers["x-name"] == "Zoë"
    assert headers["x-old"] == "Zoë"


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PATCH", "DELETE"])
@pytest.mark.parametrize("ingress", INGRESSES)
def test_every_method_reaches_the_function(ingress: str, method: str) -> None:
    event = Front(ingress).event(method, "/x")

    http = event["requestContext"].get("http", event)
    assert method == event.get("httpMethod", http.get("method"))


def test_http_api_events_are_read_by_powertools() -> None:
    raw = Front("http-api").event(
        "POST",
        "/a/b?x=1&x=2",
        ("Cookie", "c=1"),
        ("Content-Type", "application/json"),
        ("User-Agent", "t"),
        body=b"{}",
    )

    event = APIGatewayProxyEventV2(raw)

    assert event.http_method == "POST"
    assert event.path == "/a/b"
    assert event.raw_query_string == "x=1&x=2"
    assert event.resolved_query_string_parameters == {"x": ["1,2"]} or event.query_string_parameters == {
        "x": "1,2"
    }
    assert event.cookies == ["c=1"]
    assert event.json_body == {}
    context = event.request_context
    assert (context.stage, context.route_key) == ("$default", "$default")
    assert context.domain_name == f"{context.api_id}.execute-api.us-east-1.amazonaws.com"
    assert context.domain_prefix == context.api_id
    assert (context.http.source_ip, context.http.user_agent) == ("203.0.113.7", "t")
    assert context.http.protocol == "HTTP/1.1"
    assert re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000", context.time)
    assert context.time_epoch > 1_700_000_000_000
    assert context.account_id == "123456789012"
    assert context.request_id


def test_function_url_events_are_read_by_powertools() -> None:
    raw = Front("function-url").event("GET", "/a%20b?x=1", ("User-Agent", "t"))

    event = LambdaFunctionUrlEvent(raw)

    assert event.raw_path == "/a%20b"
    assert event.request_context.http.path == "/a b"
    assert event.request_context.domain_name.endswith(".lambda-url.us-east-1.on.aws")
    assert event.request_context.account_id == "anonymous"
    assert re.fullmatch(r"[0-9a-f-]{36}", event.request_context.request_id)


def test_rest_events_are_read_by_powertools() -> None:
    raw = Front("rest-api", stage="dev").event("POST", "/a?x=1&x=2", ("User-Agent", "t"), body=b'{"a": 1}')

    event = APIGatewayProxyEvent(raw)

    assert (event.http_method, event.path, event.resource) == ("POST", "/a", "/{proxy+}")
    assert event.resolved_query_string_parameters == {"x": ["1", "2"]}
    assert event.json_body == {"a": 1}
    context = event.request_context
    assert (context.stage, context.http_method, context.path) == ("dev", "POST", "/a")
    assert (context.identity.source_ip, context.identity.user_agent) == ("203.0.113.7", "t")
    assert context.request_time is not None
    assert re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000", context.request_time)
    assert context.domain_name == "api.example.com"
    assert context.identity.caller is None


# What AWS's documents and the recorded events of a plain request list; the order does not matter.
MEMBERS: dict[str, tuple[set[str], set[str]]] = {
    "http-api": (
        {"version", "routeKey", "rawPath", "rawQueryString", "headers", "requestContext", "isBase64Encoded"},
        {
            "accountId",
            "apiId",
            "domainName",
            "domainPrefix",
            "http",
            "requestId",
            "routeKey",
            "stage",
            "time",
            "timeEpoch",
        },
    ),
    "rest-api": (
        {
            *(
                "resource",
                "path",
                "httpMethod",
                "headers",
                "multiValueHeaders",
                "queryStringParameters",
                "body",
            ),
            *("multiValueQueryStringParameters", "pathParameters", "stageVariables", "requestContext"),
            "isBase64Encoded",
        },
        {
            *(
                "accountId",
                "apiId",
                "deploymentId",
                "domainName",
                "domainPrefix",
                "extendedRequestId",
                "httpMethod",
            ),
            *("identity", "path", "protocol", "requestId", "requestTime", "requestTimeEpoch", "resourceId"),
            *("resourcePath", "stage"),
        },
    ),
}
MEMBERS["function-url"] = MEMBERS["http-api"]
MEMBERS["http-api-1.0"] = (MEMBERS["rest-api"][0] | {"version"}, MEMBERS["rest-api"][1] - {"deploymentId"})
MEMBERS["alb"] = (
    {"requestContext", "httpMethod", "path", "queryStringParameters", "headers", "body", "isBase64Encoded"},
    {"elb"},
)
MEMBERS["alb-multi-value"] = (
    {f"multiValue{name[0].upper()}{name[1:]}" if name in ("headers", "queryStringParameters") else name
     for name in MEMBERS["alb"][0]},
    {"elb"},
)  # fmt: skip
MEMBERS["vpc-lattice"] = (
    {"version", "path", "method", "headers", "body", "isBase64Encoded", "requestContext"},
    {"serviceNetworkArn", "serviceArn", "targetGroupArn", "identity", "region", "timeEpoch"},
)


@pytest.mark.parametrize("ingress", INGRESSES)
def test_events_have_the_members_that_aws_sends_and_no_others(ingress: str) -> None:
    event: dict[str, Any] = Front(ingress).event()

    members, context_members = MEMBERS[ingress]
    assert set(event) == members
    assert set(event["requestContext"]) == context_members
