"""The server, spoken to over sockets: kept connections, exact headers, limits, and clients that misbehave."""

from __future__ import annotations

import errno
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from microlambda.emulator.errors import PortInUse, PortRefused
from microlambda.emulator.server import Server

from .gateways import Front


def describe(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Tell what was received."""
    body = environ["wsgi.input"].read()
    told = {
        "method": environ["REQUEST_METHOD"],
        "target": environ["REQUEST_URI"],
        "headers": environ["microlambda.headers"],
        "body": body.decode("latin-1"),
        "x": environ.get("HTTP_X"),
    }
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(told).encode()]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(describe) as server:
        yield server


@pytest.fixture
def line(server: Server) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as line:
        yield line


def answer(line: socket.socket) -> tuple[int, dict[str, str], bytes]:
    response = http.client.HTTPResponse(line)
    response.begin()
    body = response.read()
    headers = {name.lower(): value for name, value in response.getheaders()}
    response.close()
    return response.status, headers, body


def test_several_requests_are_answered_on_one_connection(line: socket.socket) -> None:
    for number in range(3):
        line.sendall(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number)
        status, headers, body = answer(line)
        assert (status, json.loads(body)["target"]) == (200, f"/{number}")
        assert "connection" not in headers


def test_headers_are_handed_on_exactly(line: socket.socket) -> None:
    line.sendall(b"GET / HTTP/1.1\r\nhOST: x\r\nX: 1\r\nx:2\r\nX_Y: hidden\r\nEmpty:\r\nL: caf\xe9\r\n\r\n")

    told = json.loads(answer(line)[2])

    assert told["headers"] == [
        ["hOST", "x"],
        ["X", "1"],
        ["x", "2"],
        ["X_Y", "hidden"],
        ["Empty", ""],
        ["L", "café"],
    ]
    assert told["x"] == "1,2"


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(b"Content-Length: 5\r\n\r\nhello", id="by-length"),
        pytest.param(
            b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nTrailer: t\r\n\r\n",
            id="chunked",
        ),
    ],
)
def test_bodies_are_read_by_length_and_in_chunks(line: socket.socket, request_bytes: bytes) -> None:
    line.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n" + request_bytes)
    assert json.loads(answer(line)[2])["body"] == "hello"

    line.sendall(b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n")

    assert json.loads(answer(line)[2])["target"] == "/next"


def test_expect_100_continue_is_answered(line: socket.socket) -> None:
    line.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert line.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"

    line.sendall(b"hi")

    assert json.loads(answer(line)[2])["body"] == "hi"


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(b"nonsense\r\n\r\n", 400, id="no-request-line"),
        pytest.param(b"GET / HTTP/9.9\r\n\r\n", 400, id="unknown-version"),
        pytest.param(b"GET /a b HTTP/1.1\r\n\r\n", 400, id="space-in-the-target"),
        pytest.param(b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, id="field-without-colon"),
        pytest.param(b"GET / HTTP/1.1\r\nA : b\r\n\r\n", 400, id="space-before-the-colon"),
        pytest.param(b"GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", 400, id="folded-field"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400, id="length-is-a-word"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, id="negative-length"),
        pytest.param(
            b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, id="two-lengths"
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
            id="length-and-chunks",
        ),
        pytest.param(b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 400, id="unknown-coding"),
        pytest.param(
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, id="chunk-size-is-a-word"
        ),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 300 + b"\r\n", 431, id="too-many-fields"),
        pytest.param(b"GET / HTTP/1.1\r\nA: " + b"b" * 70_000 + b"\r\n\r\n", 431, id="field-too-long"),
        pytest.param(b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414, id="target-too-long"),
    ],
)
def test_what_is_not_http_is_refused_and_the_connection_ends(
    line: socket.socket, request_bytes: bytes, status: int
) -> None:
    line.sendall(request_bytes)

    got, headers, _ = answer(line)

    assert got == status
    assert headers["connection"] == "close"
    assert line.recv(1) == b""


@pytest.mark.parametrize(
    ("request_bytes", "stays"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", True),
    ],
    ids=["asked-to-close", "http-1.0", "http-1.0-kept"],
)
def test_connections_end_when_the_client_wants(
    line: socket.socket, request_bytes: bytes, stays: bool
) -> None:
    line.sendall(request_bytes)

    _, headers, _ = answer(line)

    assert headers["connection"] == ("keep-alive" if stays else "close")
    if not stays:
        assert line.recv(1) == b""


def test_an_application_that_raises_is_a_500_and_is_logged() -> None:
    logged: list[str] = []

    def broken(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        raise ZeroDivisionError("of mine")

    with (
        Server(broken, log=logged.append) as server,
        socket.create_connection(("127.0.0.1", server.port)) as line,
    ):
        line.sendall(b"GET /x HTTP/1.1\r\n\r\n")
        status, _, body = answer(line)

    assert status == 500
    assert b"of mine" not in body
    assert "GET /x failed in the server" in logged[0]
    assert "ZeroDivisionError: of mine" in logged[0]


def test_a_port_in_use_is_told_with_the_remedy(server: Server) -> None:
    with pytest.raises(PortInUse, match=rf"port {server.port} .*in use.*--port {server.port + 1}"):
        Server(describe, port=server.port).start()


def test_a_port_that_the_system_keeps_for_others_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)

    with pytest.raises(PortRefused, match="port 80 .*--port 8080"):
        Server(describe, port=80).start()


def test_a_stopped_server_leaves_the_port_free_and_its_clients_without_connection() -> None:
    server = Server(describe).start()
    port = server.port
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answer(line)

        server.stop()
        server.stop()

        assert line.recv(1) == b""
    with Server(describe, port=port) as again:
        assert again.port == port


def test_clients_that_dawdle_hold_up_nobody_and_are_cut_off() -> None:
    with Server(describe, patience=0.2) as server:
        address = ("127.0.0.1", server.port)
        with socket.create_connection(address) as silent, socket.create_connection(address) as half:
            half.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
            with socket.create_connection(address) as line:
                line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                assert answer(line)[0] == 200

            assert silent.recv(1) == b""
            assert half.recv(1) == b""


def test_a_client_that_leaves_half_way_is_no_error() -> None:
    logged: list[str] = []
    with Server(describe, log=logged.append) as server:
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", server.port)) as line:
                line.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
        with socket.create_connection(("127.0.0.1", server.port)) as line:
            line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert answer(line)[0] == 200
    assert logged == []


def test_a_body_over_the_ingress_limit_is_answered_without_reading_it_all() -> None:
    front = Front("http-api")
    with Server(front.gateway) as server, socket.create_connection(("127.0.0.1", server.port)) as line:
        line.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n" + b"x" * 2_000_000)
        status, headers, body = answer(line)

    assert (status, body) == (413, b'{"message":"Request Entity Too Large"}')
    assert headers["connection"] == "close"
    assert front.events == []


def test_a_chunked_body_over_the_ingress_limit_is_answered_too() -> None:
    front = Front("function-url")
    with Server(front.gateway) as server, socket.create_connection(("127.0.0.1", server.port)) as line:
        line.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(7):
            line.sendall(b"100000\r\n" + b"x" * 0x100000 + b"\r\n")
        line.sendall(b"0\r\n\r\n")
        assert answer(line)[0] == 413


def test_repeated_and_odd_headers_reach_the_event_through_the_server() -> None:
    front = Front("rest-api", {"statusCode": 200, "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]}})
    with Server(front.gateway) as server, socket.create_connection(("127.0.0.1", server.port)) as line:
        line.sendall(b"GET //x%20y?q=%7C HTTP/1.1\r\nHost: h:1\r\nX-A: 1\r\nX-A: 2\r\n\r\n")
        response = http.client.HTTPResponse(line)
        response.begin()
        cookies = response.headers.get_all("set-cookie")
        response.close()

    assert cookies == ["a=1", "b=2"]
    assert front.events[0]["path"] == "//x%20y"
    assert front.events[0]["multiValueHeaders"]["X-A"] == ["1", "2"]


@pytest.mark.slow
def test_a_thousand_connections_at_once_are_all_answered(server: Server) -> None:
    lines = [socket.create_connection(("127.0.0.1", server.port), timeout=60) for _ in range(1000)]
    try:
        for number, line in enumerate(lines):
            line.sendall(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number)
        answers = [json.loads(answer(line)[2])["target"] for line in lines]
    finally:
        for line in lines:
            line.close()

    assert answers == [f"/{number}" for number in range(1000)]


def test_requests_at_once_do_not_wait_for_each_other() -> None:
    together = threading.Barrier(4, timeout=20)

    def meet(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        together.wait()
        start_response("200 OK", [])
        return [b"met"]

    with Server(meet) as server:
        lines = [socket.create_connection(("127.0.0.1", server.port), timeout=20) for _ in range(4)]
        for line in lines:
            line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        bodies = [answer(line)[2] for line in lines]
        for line in lines:
            line.close()

    assert bodies == [b"met"] * 4
