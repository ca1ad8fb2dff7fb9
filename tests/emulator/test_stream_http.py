"""Answers in pieces over sockets: the gateway hands them on, the server sends them as they come."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from microlambda.emulator.gateway import Gateway
from microlambda.emulator.invocation import Invocation
from microlambda.emulator.messages import HttpRequest, HttpResponse
from microlambda.emulator.sandbox import SandboxPool
from microlambda.emulator.server import Server

from .conftest import MakeSpec
from .streams import FUNCTION, Gate


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.close()


@pytest.fixture
def life(tmp_path: Path) -> Path:
    """Where the function notes its clean-up."""
    return tmp_path / "life"


class Client(http.client.HTTPConnection):
    """Asks a server on this machine."""

    def __init__(self, server: Server) -> None:
        super().__init__("127.0.0.1", server.port, timeout=30)

    def ask(self, target: str, method: str = "GET") -> http.client.HTTPResponse:
        self.request(method, target)
        return self.getresponse()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Told(list[tuple[HttpRequest, HttpResponse, Invocation | None]]):
    """What the gateway tells of its requests."""

    def __call__(self, *told: Any) -> None:
        self.append(told)


@pytest.mark.parametrize("ingress", ["function-url", "rest-api"])
def test_the_client_has_a_piece_before_the_next_is_made(function: MakeSpec, gate: Gate, ingress: str) -> None:
    told = Told()
    with (
        SandboxPool(function(FUNCTION, environment=gate.environment)) as pool,
        Server(Gateway(ingress, pool.invoke, observe=told)) as server,
        Client(server) as client,
    ):
        response = client.ask("/halves")
        first = response.read(1)
        told_before = list(told)
        gate.open()
        rest = response.read()

    assert (response.status, first, rest) == (200, b"a", b"b")
    assert response.getheader("Transfer-Encoding") == "chunked"
    assert response.getheader("Content-Type") == "text/plain"
    assert response.getheader("Content-Length") is None
    assert not told_before
    assert [answer.status for _, answer, _ in told] == [200]


@pytest.mark.parametrize(
    ("ingress", "target"), [("function-url", "/cookies-2.0"), ("rest-api", "/cookies-1.0")]
)
def test_cookies_stand_before_the_body(function: MakeSpec, ingress: str, target: str) -> None:
    with (
        SandboxPool(function(FUNCTION)) as pool,
        Server(Gateway(ingress, pool.invoke)) as server,
        Client(server) as client,
    ):
        response = client.ask(target)
        assert (response.status, response.read().isdigit()) == (201, True)
        assert response.msg.get_all("set-cookie") == ["a=1", "b=2"]


def test_an_error_half_way_cuts_the_connection(function: MakeSpec) -> None:
    told, said = Told(), list[str]()
    with SandboxPool(function(FUNCTION), output=lambda *_: None) as pool:
        gateway = Gateway("function-url", pool.invoke, observe=told)
        with Server(gateway, log=said.append) as server, Client(server) as client:
            with pytest.raises(http.client.IncompleteRead):
                client.ask("/late-error").read()
            client.close()
            assert client.ask("/pid").status == 200

    ended = told[0][2]
    assert ended is not None
    assert ended.function_error == "Unhandled"
    assert not said


def test_a_client_that_leaves_makes_the_function_break_off(function: MakeSpec, life: Path) -> None:
    is_over = threading.Event()
    with SandboxPool(function(FUNCTION, environment={"LIFE": str(life)})) as pool:
        gateway = Gateway("function-url", pool.invoke, observe=lambda *_: is_over.set())
        with Server(gateway) as server, Client(server) as client:
            response = client.ask("/endless")
            assert len(response.read(5000)) == 5000
            response.close()
            client.close()
            assert is_over.wait(30)

        assert life.read_text() == "clean-up "
        assert pool.size == 1
        assert pool.invoke(b'"whole"').function_error is None


def test_a_malformed_head_is_a_502_and_the_function_breaks_off(function: MakeSpec, life: Path) -> None:
    with (
        SandboxPool(function(FUNCTION, environment={"LIFE": str(life)}), max_size=1) as pool,
        Server(Gateway("function-url", pool.invoke)) as server,
        Client(server) as client,
    ):
        response = client.ask("/odd")
        assert (response.status, response.read()) == (502, b"Internal Server Error")
        assert life.read_text() == "clean-up "
        assert client.ask("/pid").status == 200


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [pytest.param("HEAD", "/endless", 200, id="HEAD"), pytest.param("GET", "/no-body", 204, id="204")],
)
def test_where_no_body_may_be_there_is_none(
    function: MakeSpec, life: Path, method: str, target: str, status: int
) -> None:
    with (
        SandboxPool(function(FUNCTION, environment={"LIFE": str(life)}), max_size=1) as pool,
        Server(Gateway("function-url", pool.invoke)) as server,
        Client(server) as client,
    ):
        for _ in range(2):  # on one connection, which stays in step
            response = client.ask(target, method)
            assert (response.status, response.read()) == (status, b"")
            assert response.getheader("Content-Length") is None

    assert life.read_text() == "clean-up clean-up "


def test_a_stream_that_begins_when_the_gateway_has_given_up_is_closed(
    function: MakeSpec, gate: Gate, life: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {**gate.environment, "LIFE": str(life)}
    with SandboxPool(function(FUNCTION, timeout=60, environment=environment), max_size=1) as pool:
        gateway = Gateway("rest-api", pool.invoke, timeout=60)
        monkeypatch.setattr(gateway.ingress, "integration_timeout", 0.01)
        answer = gateway.handle(HttpRequest(method="GET", target="/late", headers=(("Host", "x"),)))
        gate.open()

        assert answer.status == 504
        assert pool.invoke(b'"whole"').function_error is None  # the only environment has become free
        assert life.read_text() == "clean-up "


# The server alone.


def answering(pieces: Callable[[], Iterable[bytes]], *headers: tuple[str, str]) -> Any:
    def app(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", list(headers))
        return pieces()

    return app


def read_all(line: socket.socket) -> bytes:
    return b"".join(iter(lambda: line.recv(65_536), b""))


def test_http_1_0_gets_a_body_that_ends_with_the_connection() -> None:
    app = answering(lambda: iter([b"a", b"", b"b"]))
    with Server(app) as server, socket.create_connection(("127.0.0.1", server.port), timeout=30) as line:
        line.sendall(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        head, _, body = read_all(line).partition(b"\r\n\r\n")

    assert body == b"ab"
    assert b"Connection: close" in head
    assert b"Transfer-Encoding" not in head


def test_a_declared_length_is_kept_and_so_is_the_connection() -> None:
    app = answering(lambda: iter([b"a", b"b"]), ("Content-Length", "2"))
    with Server(app) as server, Client(server) as client:
        for _ in range(2):
            response = client.ask("/")
            assert response.getheader("Transfer-Encoding") is None
            assert response.read() == b"ab"


def test_pieces_leave_the_connection_in_step() -> None:
    def app(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        write = start_response("200 OK", [])  # as late as the first piece, which PEP 3333 allows
        write(b"w")
        yield b""
        yield b"a"
        write(b"x")
        yield b"b"

    with Server(app) as server, Client(server) as client:
        told = [client.ask("/", method).read() for method in ("GET", "GET", "HEAD", "GET")]

    assert told == [b"waxb", b"waxb", b"", b"waxb"]


def test_an_application_that_raises_before_its_first_piece_is_a_500() -> None:
    def app(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        start_response("200 OK", [])
        raise KeyError("early")
        yield b"a"

    said: list[str] = []
    with Server(app, log=said.append) as server, Client(server) as client:
        assert client.ask("/").status == 500

    assert len(said) == 1
    assert "KeyError: 'early'" in said[0]


def test_an_application_that_raises_half_way_is_cut_off_closed_and_logged() -> None:
    closed = threading.Event()

    class Pieces:
        def __iter__(self) -> Iterator[bytes]:
            yield b"a"
            raise KeyError("half-way")

        def close(self) -> None:
            closed.set()

    said: list[str] = []
    with Server(answering(Pieces), log=said.append) as server, Client(server) as client:
        with pytest.raises(http.client.IncompleteRead):
            client.ask("/").read()
        assert closed.wait(30)

    assert len(said) == 1
    assert "KeyError: 'half-way'" in said[0]


def test_a_request_body_that_stays_unread_ends_the_connection() -> None:
    app = answering(lambda: iter([b"a"]))
    with Server(app) as server, socket.create_connection(("127.0.0.1", server.port), timeout=30) as line:
        line.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde")
        assert b"Connection: close" in read_all(line)
