"""Generators under `microlambda local`: handed on as they come where the ingress streams, else joined."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from microlambda.local.console import Console
from microlambda.local.server import LocalServer

Get = Callable[[str], tuple[int, str]]

APP = """\
import os
import socket
from pathlib import Path

from microlambda import App, g, request

app = App("shop")
LIFE = Path("life.txt")


def note(text):
    with LIFE.open("a") as file:
        file.write(f"{text} ")


@app.teardown_request
def torn_down(error):
    note(f"teardown-{request.path}")


@app.get("/")
def index():
    def pieces():
        try:
            yield "a"
            if gate := request.args.get("gate"):
                with socket.create_connection(("127.0.0.1", int(gate))) as connection:
                    connection.recv(1)
            yield f"b{request.path}"
        finally:
            note("clean-up")

    return pieces(), 201, {"X-Kind": "pieces"}


@app.get("/endless")
def endless():
    def pieces():
        try:
            while True:
                yield "x" * 1000
        finally:
            note("clean-up")

    return pieces()


@app.get("/broken")
def broken():
    yield "a"
    raise KeyError("half-way")


@app.get("/pid")
def pid():
    return str(os.getpid())
"""


class Events(Console):
    """Keeps what was said, and hands on the status of each request to the test that waits for it."""

    def __init__(self) -> None:
        self.out = StringIO()
        super().__init__(self.out, StringIO())
        self.statuses: Queue[int] = Queue()

    def request(self, request: Any, response: Any, invocation: Any) -> None:
        super().request(request, response, invocation)
        self.statuses.put(response.status)


class Gate:
    """Lets a view that waits go on."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(30)
        self.port = self._listener.getsockname()[1]

    def open(self) -> None:
        connection, _ = self._listener.accept()
        connection.close()

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.close()


def life(project: Path) -> str:
    return (project / "life.txt").read_text()


@pytest.mark.parametrize("ingress", ["function-url", "rest-api"])
def test_a_piece_is_sent_before_the_next_is_made(
    project: Path, events: Events, gate: Gate, ingress: str
) -> None:
    with LocalServer(project, port=0, ingress=ingress, console=events) as server:
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        client.request("GET", f"/?gate={gate.port}")
        response = client.getresponse()
        first = response.read(1)
        shown = events.out.getvalue()
        gate.open()
        rest = response.read()
        client.close()

    assert (response.status, response.getheader("X-Kind"), first, rest) == (201, "pieces", b"a", b"b/")
    assert "GET /?gate" not in shown  # a request is told of when it is answered
    assert "GET /?gate" in events.out.getvalue()
    assert life(project) == "clean-up teardown-/ "


def test_an_ingress_that_buffers_gets_the_pieces_joined(project: Path, get: Get) -> None:
    with LocalServer(project, port=0, ingress="http-api") as server:
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        client.request("GET", "/")
        response = client.getresponse()
        answer = (response.status, response.getheader("Content-Length"), response.read())
        client.close()

    assert answer == (201, "3", b"ab/")
    assert life(project) == "clean-up teardown-/ "


def test_a_client_that_leaves_makes_the_generator_clean_up(project: Path, events: Events, get: Get) -> None:
    with LocalServer(project, port=0, ingress="function-url", console=events) as server:
        before = get(f"{server.url}/pid")
        assert events.statuses.get(timeout=30) == 200
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        client.request("GET", "/endless")
        response = client.getresponse()
        assert response.read(5) == b"xxxxx"
        response.close()
        client.close()

        assert events.statuses.get(timeout=30) == 200
        assert life(project) == "teardown-/pid clean-up teardown-/endless "
        assert get(f"{server.url}/pid") == before


def test_an_error_half_way_cuts_the_connection_and_is_told(project: Path, events: Events) -> None:
    with LocalServer(project, port=0, ingress="function-url", console=events) as server:
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        client.request("GET", "/broken")
        with pytest.raises(http.client.IncompleteRead):
            client.getresponse().read()
        client.close()

    told = events.out.getvalue().partition("GET /broken")[2]
    _, reason, *printed = told.splitlines()
    assert reason == "  KeyError: 'half-way'"
    assert printed[0].startswith("  [ERROR]")
    assert sum("KeyError: 'half-way'" in one for one in printed) == 1
    assert "microlambda/runtime" not in "".join(printed)


def test_a_version_finishes_the_streams_that_it_began(project: Path, gate: Gate, get: Get) -> None:
    reloads: Queue[object] = Queue()

    class Reloads(Events):
        def reloaded(self, *args: Any) -> None:
            reloads.put(args)

    with LocalServer(project, port=0, ingress="function-url", reload=True, console=Reloads()) as server:
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        client.request("GET", f"/?gate={gate.port}")
        response = client.getresponse()
        assert response.read(1) == b"a"
        (project / "app.py").write_text(APP.replace("return str(os.getpid())", 'return "new"'))
        reloads.get(timeout=30)
        assert get(f"{server.url}/pid") == (200, "new")
        gate.open()

        assert response.read() == b"b/"
        client.close()


def test_stop_does_not_wait_for_streams(project: Path, gate: Gate) -> None:
    with LocalServer(project, port=0, ingress="function-url") as server:
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        client.request("GET", f"/?gate={gate.port}")
        response = client.getresponse()
        assert response.read(1) == b"a"

    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        response.read()
    client.close()
