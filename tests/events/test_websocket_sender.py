"""`app.websocket`: what goes over the wire to API Gateway, where it goes, and what takes its place."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from botocore.exceptions import ClientError

from microlambda import (
    App,
    EncodingError,
    MessageTooLarge,
    MicrolambdaError,
    WebSocketDisconnected,
    WebSocketEvent,
)
from microlambda.emulator.events.websocket import build
from microlambda.runtime.errors import ConfigurationError
from microlambda.runtime.websocket import LIMIT, URL, websocket_transport

GONE = "gone="
INFO = {
    "connectedAt": "2026-11-24T10:00:00.123Z",
    "lastActiveAt": "2026-11-24T10:00:05.000Z",
    "identity": {"sourceIp": "203.0.113.7", "userAgent": "probe/1"},
}


@dataclass(kw_only=True)
class Gateway:
    """API Gateway's management API, on this machine; it keeps what it is sent."""

    url: str
    requests: list[tuple[str, str, bytes, str]] = field(default_factory=list)


@pytest.fixture(autouse=True)
def outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function's environment that knows no WebSocket API."""
    monkeypatch.delenv(URL, raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found.requests.append((self.command, self.path, body, self.headers["Authorization"]))
            self.send_response(403 if "forbidden" in self.path else 410 if "gone" in self.path else 200)
            reply = json.dumps(INFO).encode() if self.command == "GET" else b""
            if "gone" in self.path:
                self.send_header("x-amzn-ErrorType", "GoneException")
            self.send_header("Content-Length", str(len(reply)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(reply)

        do_POST = do_DELETE = do_GET = answer

        def log_message(self, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Gateway(url=f"http://127.0.0.1:{server.server_port}/dev")
    thread = Thread(target=server.serve_forever, args=(0.01,))  # how often it looks whether to stop
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Recorder:
    """A transport that keeps what it is given."""

    calls: list[Any] = field(default_factory=list)

    def post(self, connection_id: str, data: bytes) -> None:
        if connection_id == GONE:
            raise WebSocketDisconnected(connection_id)
        self.calls.append(("post", connection_id, data))

    def delete(self, connection_id: str) -> None:
        self.calls.append(("delete", connection_id))

    def get(self, connection_id: str) -> dict[str, Any]:
        return {"source_ip": connection_id}


@pytest.mark.parametrize(
    ("data", "body"),
    [
        pytest.param("héllo", "héllo".encode(), id="text"),
        pytest.param("", b"", id="empty"),
        pytest.param(b"\x00\xff", b"\x00\xff", id="bytes"),
        pytest.param(bytearray(b"ab"), b"ab", id="a bytearray"),
        pytest.param({"said": "Zoë"}, '{"said":"Zoë"}'.encode(), id="a dict"),
        pytest.param([1], b"[1]", id="a list"),
        pytest.param(None, b"null", id="None"),
        pytest.param(datetime.date(2026, 11, 24), b'"2026-11-24"', id="the encoder's types"),
    ],
)
def test_a_message_goes_over_the_wire(app: App, gateway: Gateway, data: Any, body: bytes) -> None:
    app.websocket.endpoint = gateway.url

    app.websocket.send("L0SM9cOFvHcCIhw=", data)

    ((method, path, sent, authorization),) = gateway.requests
    assert (method, path) == ("POST", "/dev/@connections/L0SM9cOFvHcCIhw%3D")
    assert sent == body
    assert authorization.startswith("AWS4-HMAC-SHA256")
    assert "/eu-west-1/execute-api/aws4_request" in authorization


def test_the_apps_own_types_are_encoded(app: App, gateway: Gateway) -> None:
    app.websocket.endpoint = gateway.url
    app.json_default = lambda value: repr(value)

    app.websocket.send("c=", {"at": 1j})

    assert gateway.requests[0][2] == b'{"at":"1j"}'


def test_a_connection_is_closed_and_told_of(app: App, gateway: Gateway) -> None:
    app.websocket.endpoint = gateway.url

    app.websocket.close("c=")
    info = app.websocket.info("c=")

    assert [request[:2] for request in gateway.requests] == [
        ("DELETE", "/dev/@connections/c%3D"),
        ("GET", "/dev/@connections/c%3D"),
    ]
    assert info == {
        "connected_at": datetime.datetime(2026, 11, 24, 10, 0, 0, 123_000, tzinfo=datetime.UTC),
        "last_active_at": datetime.datetime(2026, 11, 24, 10, 0, 5, tzinfo=datetime.UTC),
        "source_ip": "203.0.113.7",
        "user_agent": "probe/1",
    }
    assert info["connected_at"].tzinfo is datetime.UTC


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda sender: sender.send(GONE, "x"), id="send"),
        pytest.param(lambda sender: sender.close(GONE), id="close"),
        pytest.param(lambda sender: sender.info(GONE), id="info"),
    ],
)
def test_a_client_who_is_gone_is_an_error_that_names_the_connection(
    app: App, gateway: Gateway, call: Any
) -> None:
    app.websocket.endpoint = gateway.url

    with pytest.raises(WebSocketDisconnected, match="'gone='") as caught:
        call(app.websocket)

    assert caught.value.connection_id == GONE
    assert isinstance(caught.value, MicrolambdaError)
    assert isinstance(caught.value, ConnectionError)
    assert isinstance(caught.value.__cause__, ClientError)


def test_any_other_error_of_aws_is_left_as_it_is(app: App, gateway: Gateway) -> None:
    app.websocket.endpoint = gateway.url

    with pytest.raises(ClientError):
        app.websocket.send("forbidden", "x")


def test_a_message_over_128_kb_is_refused_before_it_is_sent(app: App, gateway: Gateway) -> None:
    app.websocket.endpoint = gateway.url

    app.websocket.send("c=", "x" * LIMIT)
    with pytest.raises(MessageTooLarge, match=r"131,074 bytes.*131,072 \(128 kB\)"):
        app.websocket.send("c=", "ü" * (LIMIT // 2 + 1))

    assert len(gateway.requests) == 1


def test_what_json_cannot_hold_is_an_encoding_error(app: App, gateway: Gateway) -> None:
    app.websocket.endpoint = gateway.url

    with pytest.raises(EncodingError, match="object"):
        app.websocket.send("c=", object())

    assert gateway.requests == []


def test_a_view_sends_by_the_environment(app: App, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URL, gateway.url)

    @app.post("/tell/<connection_id>")
    def tell(connection_id: str) -> dict[str, str]:
        app.websocket.send(connection_id, "lunch")
        return {"told": connection_id}

    response = app.test_client().post("/tell/c=")

    assert response.json == {"told": "c="}
    assert gateway.requests[0][2] == b"lunch"


# Where it goes ---------------------------------------------------------------------------------------

EXECUTE_API = "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("domain", "region", "url"),
    [
        pytest.param(EXECUTE_API, "eu-west-1", f"https://{EXECUTE_API}/prod", id="execute-api"),
        pytest.param(
            "ws.example.com",
            "eu-west-1",
            "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/prod",
            id="a custom domain",
        ),
        pytest.param(
            "ws.example.com",
            "cn-north-1",
            "https://a1b2c3d4e5.execute-api.cn-north-1.amazonaws.com.cn/prod",
            id="a custom domain in China",
        ),
    ],
)
@pytest.mark.parametrize("event_type", ["CONNECT", "MESSAGE", "DISCONNECT"])
def test_the_current_event_knows_its_api(
    app: App, monkeypatch: pytest.MonkeyPatch, event_type: str, domain: str, region: str, url: str
) -> None:
    monkeypatch.setenv("AWS_REGION", region)
    monkeypatch.setenv(URL, "https://other.example/dev")
    app.websocket.endpoint = "https://another.example/dev"
    seen: list[str] = []

    async def handle(event: WebSocketEvent) -> None:
        seen.append(app.websocket.endpoint)

    app.on_ws_connect(name="connect")(handle)
    app.on_ws_message(name="message")(handle)
    app.on_ws_disconnect(name="end")(handle)

    app(build(event_type, domain_name=domain, stage="prod"), None)

    assert seen == [url]
    assert app.websocket.endpoint == "https://another.example/dev"


def test_without_a_region_a_custom_domain_leaves_it_to_the_other_ways(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.setenv(URL, "https://other.example/dev")
    app.on_ws_message(name="say")(lambda event: app.websocket.endpoint)

    result = app(build("MESSAGE", domain_name="localhost:8000"), None)

    assert result["body"] == "https://other.example/dev"


def test_what_is_set_goes_before_the_environment(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URL, "https://environment.example/dev")
    app.websocket.endpoint = "https://set.example/dev"

    first = app.websocket.endpoint
    app.websocket.endpoint = None

    assert (first, app.websocket.endpoint) == ("https://set.example/dev", "https://environment.example/dev")


@pytest.mark.parametrize("handled", [True, False], ids=["in another handler", "outside"])
def test_without_any_endpoint_the_error_tells_the_three_ways(app: App, handled: bool) -> None:
    app.on(lambda event: True, name="other")(lambda event: app.websocket.send("c=", "x"))

    with pytest.raises(ConfigurationError) as caught:
        app({"any": 1}, None) if handled else app.websocket.send("c=", "x")

    for words in ("three ways", "on_ws_message", "app.websocket.endpoint = 'https://", URL):
        assert words in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://x.example/dev",
        "https://x.example/dev/",
        "https://x.example/dev/@connections",
        "wss://x.example/dev",
        "wss://x.example/dev/@connections/",
    ],
)
def test_the_urls_that_the_console_shows_are_taken(app: App, url: str) -> None:
    app.websocket.endpoint = url

    assert app.websocket.endpoint == "https://x.example/dev"


@pytest.mark.parametrize("url", ["x.example/dev", "", 7, "https://", "ftp://x.example"])
def test_what_is_no_url_is_refused(app: App, url: Any) -> None:
    with pytest.raises(ConfigurationError, match="no URL"):
        app.websocket.endpoint = url


def test_a_client_is_made_once_for_each_endpoint(
    app: App, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3

    made: list[tuple[str, str]] = []
    client = boto3.client

    def counted(service: str, **options: Any) -> Any:
        made.append((options["endpoint_url"], options["region_name"]))
        return client(service, **options)

    monkeypatch.setattr(boto3, "client", counted)
    app.websocket.endpoint = gateway.url
    app.websocket.send("a=", "1")
    app.websocket.send("b=", "2")
    app.websocket.endpoint = f"{gateway.url}2"
    app.websocket.send("c=", "3")

    assert [request[1] for request in gateway.requests] == [
        "/dev/@connections/a%3D",
        "/dev/@connections/b%3D",
        "/dev2/@connections/c%3D",
    ]
    assert made == [(gateway.url, "eu-west-1"), (f"{gateway.url}2", "eu-west-1")]


def test_requests_are_signed_for_the_apis_region(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3

    regions: list[str] = []

    def refuse(service: str, **options: Any) -> Any:
        regions.append(options["region_name"])
        raise InterruptedError

    monkeypatch.setattr(boto3, "client", refuse)
    app.websocket.endpoint = f"https://{EXECUTE_API}/dev"

    with pytest.raises(InterruptedError):
        app.websocket.send("c=", "x")

    assert regions == ["us-east-1"]


# Another transport -----------------------------------------------------------------------------------


def test_another_transport_takes_the_place_of_aws(app: App) -> None:
    """It needs no endpoint, and holds in handlers, async ones too."""
    recorder = Recorder()

    @app.on_ws_message()
    async def say(event: WebSocketEvent) -> None:
        app.websocket.send(event.connection_id, {"echo": event.body})
        app.websocket.close(event.connection_id)

    with websocket_transport(recorder):
        app(build("MESSAGE", body="hi", connection_id="c="), None)
        info = app.websocket.info("c=")
        with pytest.raises(WebSocketDisconnected):
            app.websocket.send(GONE, "x")
        with pytest.raises(MessageTooLarge):
            app.websocket.send("c=", b"x" * (LIMIT + 1))

    assert recorder.calls == [("post", "c=", b'{"echo":"hi"}'), ("delete", "c=")]
    assert info == {"source_ip": "c="}
    with pytest.raises(ConfigurationError):
        app.websocket.send("c=", "x")


def test_the_sender_is_one_for_each_app(app: App) -> None:
    assert app.websocket is app.websocket
    assert app.websocket is not App("other").websocket
    assert repr(app.websocket) == "<WebSocket of <App 'shop'>>"


def test_boto3_is_loaded_with_the_first_message_only() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from microlambda import App; a = App('x'); a.websocket.endpoint = 'https://x.test/d'; "
        "print(sorted({'boto3', 'botocore', 'typing', 'datetime'} & set(sys.modules)))"
    )

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"
