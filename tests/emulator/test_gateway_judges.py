"""Requests of all kinds in the events that our gateway builds; AWS's Powertools and Mangum read them back.

Neither library is ours, so what both read out of an event is what a caller of AWS would have sent. Where a
judge is known to be wrong, the test says so and expects the fault.
"""

from __future__ import annotations

import asyncio
import base64
import json
import string
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote, unquote_plus

import pytest
from aws_lambda_powertools.utilities.data_classes import (
    ALBEvent,
    APIGatewayProxyEvent,
    APIGatewayProxyEventV2,
    LambdaFunctionUrlEvent,
    VPCLatticeEventV2,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from mangum import Mangum

from microlambda.emulator.gateway import Gateway
from microlambda.emulator.invocation import Invocation
from microlambda.emulator.messages import HttpRequest, HttpResponse
from microlambda.runtime.http.multidict import MultiDict
from microlambda.runtime.ingress import infer
from microlambda.runtime.percent import query_pairs

from .gateways import Front

PAYLOAD_1 = ("rest-api", "http-api-1.0")
PAYLOAD_2 = ("http-api", "function-url")
ALB = ("alb", "alb-multi-value")
INGRESSES = (*PAYLOAD_1, *PAYLOAD_2, *ALB, "vpc-lattice")
#: HTTP APIs tell the path decoded; all others tell it as it was sent.
DECODED_PATH = ("http-api", "http-api-1.0")


@dataclass(frozen=True)
class Sent:
    """What a caller means, and the target that says it."""

    method: str
    path: str
    target: str
    query: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...]
    cookies: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        line = "; ".join(f"{name}={value}" for name, value in self.cookies)
        return (*self.headers, *([("Cookie", line)] if line else []))

    @property
    def lists(self) -> dict[str, list[str]]:
        lists: dict[str, list[str]] = {}
        for key, value in self.query:
            lists.setdefault(key, []).append(value)
        return lists

    def value_of(self, name: str, joint: str) -> str:
        """The values of a header, joined."""
        return joint.join(value for key, value in self.headers if key.lower() == name)


_WORDS = st.text(st.sampled_from("aZ09-._~ +%&=/?#,;:@é\U0001f600"), max_size=6)
_SEGMENTS = st.lists(st.text(st.sampled_from("aZ0-._~ +%&=,;:@é/"), min_size=1, max_size=6), max_size=4)
_TOKENS = st.text(st.sampled_from(string.ascii_letters + string.digits + "-"), min_size=1, max_size=6)
_VALUES = st.text(st.sampled_from("aZ09 ,;=\"'()é"), max_size=8).map(str.strip)
_TYPES = st.sampled_from(
    ["application/json", "text/plain; charset=utf-8", "application/x-www-form-urlencoded", "image/png"]
)


@st.composite
def requests(draw: st.DrawFn) -> Sent:
    segments = draw(_SEGMENTS)
    path = "/" + "/".join(segments)
    target = "/" + "/".join(
        quote(segment, safe=draw(st.sampled_from(["", "~:@+,;="]))) for segment in segments
    )
    query = draw(st.lists(st.tuples(_WORDS.filter(bool), _WORDS), max_size=4))
    encode = draw(st.sampled_from([quote, quote_plus]))
    if query:
        target += "?" + "&".join(f"{encode(key, safe='')}={encode(value, safe='')}" for key, value in query)
    headers = draw(st.lists(st.tuples(st.sampled_from(["X-One", "x-two", "X-One"]), _VALUES), max_size=3))
    cookies = draw(st.lists(st.tuples(_TOKENS, _TOKENS), max_size=3, unique_by=lambda cookie: cookie[0]))
    body = draw(st.one_of(st.just(b""), st.binary(max_size=20), st.text(max_size=20).map(str.encode)))
    if body:
        headers.append(("Content-Type", draw(_TYPES)))
    return Sent(
        method=draw(st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])),
        path=path,
        target=target,
        query=tuple(query),
        headers=tuple(headers),
        cookies=tuple(cookies),
        body=body,
    )


def event_of(ingress: str, sent: Sent) -> dict[str, Any]:
    fields = [(name, value.encode().decode("latin-1")) for name, value in sent.fields]
    event: dict[str, Any] = Front(ingress).event(sent.method, sent.target, *fields, body=sent.body)
    return event


def body_of(event: Any) -> bytes:
    """The body by Powertools' reading of what it is."""
    body = event.body or ""
    return base64.b64decode(body) if event.is_base64_encoded else body.encode()


# Powertools ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ingress", PAYLOAD_1)
@settings(max_examples=60, deadline=None)
@given(sent=requests())
def test_powertools_reads_payload_1_as_it_was_sent(ingress: str, sent: Sent) -> None:
    event = APIGatewayProxyEvent(event_of(ingress, sent))

    path = event.path if ingress in DECODED_PATH else unquote(event.path)
    assert (event.http_method, path) == (sent.method, sent.path)
    assert event.resolved_query_string_parameters == sent.lists
    for name in {name.lower() for name, _ in sent.headers}:
        found = {key.lower(): values for key, values in event.multi_value_headers.items()}[name]
        assert found == [value for key, value in sent.headers if key.lower() == name]
    assert event.resolved_cookies_field == dict(sent.cookies)
    assert body_of(event) == sent.body
    assert event.request_context.identity.source_ip == "203.0.113.7"


@pytest.mark.parametrize("ingress", PAYLOAD_2)
@settings(max_examples=60, deadline=None)
@given(sent=requests())
def test_powertools_reads_payload_2_as_it_was_sent(ingress: str, sent: Sent) -> None:
    reader = APIGatewayProxyEventV2 if ingress == "http-api" else LambdaFunctionUrlEvent
    event = reader(event_of(ingress, sent))

    path = event.path if ingress in DECODED_PATH else unquote(event.path)
    assert (event.http_method, path) == (sent.method, sent.path)
    assert event.request_context.http.path == sent.path
    assert tuple(parse_qsl(event.raw_query_string, keep_blank_values=True)) == sent.query
    assert event.query_string_parameters == {key: ",".join(values) for key, values in sent.lists.items()}
    for name in {name.lower() for name, _ in sent.headers}:
        assert event.headers[name] == sent.value_of(name, ",")
    assert event.cookies == [f"{name}={value}" for name, value in sent.cookies]
    assert body_of(event) == sent.body
    assert event.request_context.http.source_ip == "203.0.113.7"


@pytest.mark.parametrize("ingress", ALB)
@settings(max_examples=60, deadline=None)
@given(sent=requests())
def test_powertools_reads_an_albs_event_as_it_was_sent(ingress: str, sent: Sent) -> None:
    event = ALBEvent(event_of(ingress, sent))

    assert (event.http_method, unquote(event.path)) == (sent.method, sent.path)
    # Not its own decoding (`decode_query_parameters`), which takes no '+' for a space.
    query = {
        unquote_plus(key): [unquote_plus(value) for value in values]
        for key, values in event.resolved_query_string_parameters.items()
    } if ingress == "alb-multi-value" else {
        unquote_plus(key): [unquote_plus(value)] for key, value in event.query_string_parameters.items()
    }  # fmt: skip
    is_last_only = ingress == "alb"
    assert query == ({key: values[-1:] for key, values in sent.lists.items()} if is_last_only else sent.lists)
    for name in {name.lower() for name, _ in sent.headers}:
        values = [value for key, value in sent.headers if key.lower() == name]
        assert event.resolved_headers_field[name] == (values[-1] if is_last_only else values)
    assert event.resolved_cookies_field == dict(sent.cookies)
    assert body_of(event) == sent.body


@settings(max_examples=60, deadline=None)
@given(sent=requests())
def test_powertools_reads_lattices_event_as_it_was_sent(sent: Sent) -> None:
    event = VPCLatticeEventV2(event_of("vpc-lattice", sent))

    assert (event.http_method, unquote(event.path)) == (sent.method, sent.path)
    assert event.query_string_parameters == {key: ",".join(values) for key, values in sent.lists.items()}
    headers: dict[str, Any] = {**event.resolved_headers_field}
    for name in {name.lower() for name, _ in sent.headers}:
        assert headers[name] == [value for key, value in sent.headers if key.lower() == name]
    assert event.resolved_cookies_field == dict(sent.cookies)
    assert body_of(event) == sent.body


# Our own adapters, by the same measure ---------------------------------------------------------------


@pytest.mark.parametrize("ingress", INGRESSES)
@settings(max_examples=60, deadline=None)
@given(sent=requests())
def test_our_adapters_read_what_was_sent(ingress: str, sent: Sent) -> None:
    event = event_of(ingress, sent)
    adapter = infer(event)
    assert adapter is not None

    request = adapter.to_request(event, None)

    assert (adapter.name, request.method, request.path, request.root_path) == (
        ingress,
        sent.method,
        sent.path,
        "",
    )
    lists = {key: values[-1:] for key, values in sent.lists.items()} if ingress == "alb" else sent.lists
    assert request.args.to_dict(flat=False) == lists
    assert MultiDict(query_pairs(adapter.query_string(event))).to_dict(flat=False) == lists
    for name in {name.lower() for name, _ in sent.headers}:
        values = [value for key, value in sent.headers if key.lower() == name]
        told = [",".join(values)] if ingress in PAYLOAD_2 else values
        assert request.headers.getlist(name) == (told[-1:] if ingress == "alb" else told)
    assert request.cookies.to_dict() == dict(sent.cookies)
    assert request.data == sent.body
    assert adapter.host(event) == "api.example.com"
    assert request.remote_addr == (None if ingress == "vpc-lattice" else "203.0.113.7")


# Mangum, which knows no VPC Lattice (Kludex/mangum#319) ----------------------------------------------

#: It decodes the path that a HTTP API has decoded already, and `requestContext.http.path` of payload 2.0.
DECODED_TWICE = ("http-api", "http-api-1.0", "function-url")


class Echo:
    """An ASGI application that keeps what it was called with, and answers with every kind of field."""

    scope: dict[str, Any]
    body: bytes

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        self.scope, self.body = scope, message["body"]
        headers = [
            (b"x-a", b"1"),
            (b"set-cookie", b"a=1; Path=/"),
            (b"set-cookie", b"b=2"),
            (b"content-type", b"image/png"),
        ]
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        await send({"type": "http.response.body", "body": bytes(range(256))})


@pytest.fixture(scope="module")
def _loop() -> Iterator[None]:
    """Mangum asks for the thread's event loop."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


def through_mangum(ingress: str, sent: Sent) -> tuple[Echo, HttpResponse]:
    """The application behind Mangum behind our gateway, and the answer that came back."""
    echo = Echo()
    adapter: Any = Mangum(echo, lifespan="off")

    def invoke(payload: bytes) -> Invocation:
        return Invocation(request_id="r", payload=json.dumps(adapter(json.loads(payload), None)).encode())

    fields = tuple((name, value.encode().decode("latin-1")) for name, value in sent.fields)
    request = HttpRequest(
        method=sent.method,
        target=sent.target,
        headers=(("Host", "api.example.com"), *fields),
        body=sent.body,
        client_address="203.0.113.7",
    )
    return echo, Gateway(ingress, invoke).handle(request)


@pytest.mark.usefixtures("_loop")
@pytest.mark.parametrize("ingress", [name for name in INGRESSES if name != "vpc-lattice"])
@settings(max_examples=60, deadline=None)
@given(sent=requests())
def test_mangum_reads_what_was_sent(ingress: str, sent: Sent) -> None:
    echo, _ = through_mangum(ingress, sent)

    scope = echo.scope
    assert (scope["method"], scope["http_version"]) == (sent.method, "1.1")
    assert scope["path"] == (unquote(sent.path) if ingress in DECODED_TWICE else sent.path)
    query = parse_qsl(scope["query_string"].decode(), keep_blank_values=True)
    assert {key: [v for k, v in query if k == key] for key, _ in query} == (
        {key: values[-1:] for key, values in sent.lists.items()} if ingress == "alb" else sent.lists
    )
    headers: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode(), []).append(value.decode())
    for name in {name.lower() for name, _ in sent.headers}:
        values = [value for key, value in sent.headers if key.lower() == name]
        joint = {"alb": None, "alb-multi-value": None, "http-api": ",", "function-url": ","}.get(
            ingress, ", "
        )
        told = values if joint is None else [joint.join(values)]
        assert headers[name] == (told[-1:] if ingress == "alb" else told)
    line = "; ".join(f"{name}={value}" for name, value in sent.cookies)
    assert headers.get("cookie", []) == ([line] if line else [])
    assert echo.body == sent.body
    assert (scope["client"][0], scope["scheme"]) == ("203.0.113.7", "http")


@pytest.mark.usefixtures("_loop")
@pytest.mark.parametrize("ingress", [name for name in INGRESSES if name != "vpc-lattice"])
def test_what_mangum_answers_comes_out_of_our_gateway(ingress: str) -> None:
    sent = Sent("GET", "/", "/", (), (), (), b"")

    _, response = through_mangum(ingress, sent)

    assert (response.status, response.body) == (201, bytes(range(256)))
    assert response.header("x-a") == "1"
    cookies = [value for name, value in response.headers if name.lower() == "set-cookie"]
    assert sorted(cookies) == ["a=1; Path=/", "b=2"]


@pytest.mark.usefixtures("_loop")
def test_mangums_fault_a_path_of_a_http_api_is_decoded_twice() -> None:
    """If this fails, Mangum is mended: then DECODED_TWICE goes."""
    echo, _ = through_mangum("http-api", Sent("GET", "/%41", "/%2541", (), (), (), b""))

    assert echo.scope["path"] == "/A"
