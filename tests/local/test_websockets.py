"""WebSocket APIs in `microlambda local`, with a client of the same library that browsers' tests use."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from socket import SHUT_RDWR
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from microlambda.local.server import LocalServer
from tests.local.events import WAIT, Events

Get = Callable[[str], tuple[int, str]]

APP = """\
import os

from microlambda import App, WebSocketDisconnected

app = App("chat")


@app.get("/")
def index():
    return "hello"


@app.get("/env")
def env():
    return sorted(os.environ)


@app.get("/send/<connection_id>")
def send(connection_id):
    try:
        app.websocket.send(connection_id, {"from": "a view"})
    except WebSocketDisconnected:
        return "gone", 410
    return ""


@app.on_ws_connect()
def join(event):
    request = event.request
    if request.headers.get("origin") == "https://evil.example":
        return {"statusCode": 403}
    if request.args.get("fail"):
        raise ValueError("on purpose")
    asked = request.headers.get("sec-websocket-protocol")
    return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": asked.split(",")[0]} if asked else {}}


@app.on_ws_message()
def said(event):
    if event.body == "fail":
        raise ValueError("on purpose")
    if event.body == "close":
        app.websocket.close(event.connection_id)
        return
    if event.body == "info":
        info = app.websocket.info(event.connection_id)
        told = [info["source_ip"], info["user_agent"], str(info["connected_at"].tzinfo)]
        app.websocket.send(event.connection_id, told)
        return
    app.websocket.send(event.connection_id, {"default": event.body, "id": event.connection_id})


@app.on_ws_message("greet")
def greet(event):
    app.websocket.send(event.connection_id, {"greeted": event.json()["name"], "route": event.route_key})


@app.on_ws_disconnect()
def leave(event):
    return str(event.raw["requestContext"]["disconnectStatusCode"])


@app.on_sqs_message("orders")
def ordered(event): ...
"""


GREETING = """\
from microlambda import App

app = App("chat")


@app.on_ws_message("greet")
def greet(event): ...
"""

ROUTES = """\
from microlambda import App

app = App("shop")


@app.get("/")
def index():
    return "hello"
"""


MOUNTED = """\
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from microlambda import App

api = FastAPI()


@api.get("/")
def index():
    return "hello"


@api.websocket("/rooms/{room}")
async def chat(socket: WebSocket, room: str, token: str | None = None):
    if token != "t":
        await socket.close(4003)
        return
    await socket.accept(subprotocol=socket.scope["subprotocols"][-1])
    await socket.send_text(f"welcome to {room}")
    count = 0
    try:
        while (text := await socket.receive_text()) != "bye":
            count += 1
            await socket.send_text(f"{count}: {text}")
        await socket.close(4001)
    except WebSocketDisconnect as gone:
        print(f"gone with {gone.code}")


app = App("chat")
app.mount("/", api)
app.mount_websocket(lambda event: "/rooms/" + event.request.args["room"], api)
"""


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def server(events: Events, tmp_path: Path) -> Iterator[LocalServer]:
    (tmp_path / "app.py").write_text(APP)
    with LocalServer(tmp_path, port=0, reload=True, console=events) as server:
        yield server


def client(server: LocalServer, path: str = "/", **options: Any) -> Any:
    return connect(f"ws://127.0.0.1:{server.port}{path}", proxy=None, **options)


def received(socket: ClientConnection) -> Any:
    return json.loads(socket.recv(timeout=WAIT))


def test_messages_go_to_the_handler_of_their_action_and_the_rest_to_the_default(server: LocalServer) -> None:
    with client(server) as socket:
        socket.send(json.dumps({"action": "greet", "name": "Zoë"}))
        assert received(socket) == {"greeted": "Zoë", "route": "greet"}

        for text in ("plain", '{"action": "other"}', "[1]"):
            socket.send(text)
            assert received(socket)["default"] == text


def test_views_reach_clients_through_the_same_connection(server: LocalServer, get: Get) -> None:
    with client(server, "/local") as socket:
        socket.send("hello")
        connection_id = received(socket)["id"]

        assert get(f"{server.url}/send/{connection_id}")[0] == 200
        assert received(socket) == {"from": "a view"}

    assert get(f"{server.url}/send/nobody") == (410, "gone")


def test_info_and_close_reach_the_real_client(server: LocalServer, events: Events) -> None:
    with client(server, user_agent_header="mine/1") as socket:
        socket.send("info")
        assert received(socket) == ["127.0.0.1", "mine/1", "UTC"]

        socket.send("close")
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=WAIT)

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1000
    assert events.until("leave")["body"] == "1000"


@pytest.mark.parametrize("code", [1000, 4001])
def test_the_end_of_a_connection_runs_its_handler_with_the_code(
    server: LocalServer, events: Events, code: int
) -> None:
    with client(server) as socket:
        socket.close(code)

    assert events.until("leave")["body"] == str(code)


def test_a_dropped_line_is_an_end_too(server: LocalServer, events: Events) -> None:
    with client(server) as socket:
        socket.socket.shutdown(SHUT_RDWR)

        assert events.until("leave")["body"] == "1006"


def test_a_client_that_the_app_refuses_gets_its_status(server: LocalServer) -> None:
    with pytest.raises(InvalidStatus) as refused, client(server, origin="https://evil.example"):
        pass

    assert refused.value.response.status_code == 403


def test_a_handler_of_connections_that_raises_is_502(server: LocalServer) -> None:
    with pytest.raises(InvalidStatus) as refused, client(server, "/?fail=1"):
        pass

    assert refused.value.response.status_code == 502


def test_another_path_than_the_stage_is_forbidden(server: LocalServer) -> None:
    with pytest.raises(InvalidStatus) as refused, client(server, "/other"):
        pass

    assert refused.value.response.status_code == 403


def test_a_handler_of_messages_that_raises_is_told_as_api_gateway_tells_it(server: LocalServer) -> None:
    with client(server) as socket:
        socket.send("fail")
        told = received(socket)
        socket.send("still there")

        assert (told["message"], sorted(told)) == (
            "Internal server error",
            ["connectionId", "message", "requestId"],
        )
        assert received(socket)["default"] == "still there"


def test_a_message_that_nobody_handles_is_forbidden(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(GREETING)

    with LocalServer(tmp_path, port=0) as server, client(server) as socket:
        socket.send("hello")
        assert received(socket)["message"] == "Forbidden"


@pytest.mark.parametrize(
    ("message", "code"),
    [(b"\x00\xff", 1003), ("x" * 131_073, 1009), ("x" * 32_769, 1009)],
    ids=["binary", "too large", "frame too large"],
)
def test_what_api_gateway_does_not_take_ends_the_connection(
    server: LocalServer, message: str | bytes, code: int
) -> None:
    with client(server) as socket:
        socket.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=WAIT)

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == code


def test_a_message_in_several_frames_is_one(server: LocalServer) -> None:
    with client(server) as socket:
        socket.send(["x" * 30_000, "y" * 30_000])

        assert received(socket)["default"] == "x" * 30_000 + "y" * 30_000


def test_the_app_chooses_the_subprotocol(server: LocalServer) -> None:
    with client(server, subprotocols=["chat.v2", "chat.v1"]) as socket:
        assert socket.subprotocol == "chat.v2"


def test_connections_stay_open_through_a_reload(server: LocalServer, events: Events, tmp_path: Path) -> None:
    with client(server) as socket:
        file = tmp_path / "app.py"
        file.write_text(file.read_text().replace('{"greeted":', '{"hailed":'))
        events.reloads.get(timeout=WAIT)

        socket.send(json.dumps({"action": "greet", "name": "Ann"}))

        assert received(socket) == {"hailed": "Ann", "route": "greet"}


def test_requests_beside_are_answered_as_ever_and_know_nothing_of_the_way_to_us(
    server: LocalServer, get: Get
) -> None:
    with client(server):
        assert get(f"{server.url}/") == (200, "hello")
        assert "MICROLAMBDA_PARENT" not in get(f"{server.url}/env")[1]


def test_clients_are_reached_though_the_app_is_served_to_the_network(tmp_path: Path, events: Events) -> None:
    (tmp_path / "app.py").write_text(APP)

    with LocalServer(tmp_path, host="0.0.0.0", port=0, console=events) as server, client(server) as socket:
        socket.send(json.dumps({"action": "greet", "name": "Zoë"}))
        assert received(socket) == {"greeted": "Zoë", "route": "greet"}

        assert server.control_url.startswith("http://127.0.0.1:")
        assert f"By hand: curl -X POST {server.control_url}/" in events.out.getvalue()


def test_many_clients_at_once(server: LocalServer) -> None:
    with ExitStack() as opened:
        sockets = [opened.enter_context(client(server)) for _ in range(30)]
        for number, socket in enumerate(sockets):
            socket.send(f"message {number}")

        assert [received(socket)["default"] for socket in sockets] == [f"message {n}" for n in range(30)]


def test_the_end_of_the_server_is_told_to_clients(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    server = LocalServer(tmp_path, port=0).start()
    with client(server) as socket:
        server.stop()

        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=WAIT)


def test_an_app_without_such_handlers_answers_as_to_any_request(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(ROUTES)

    with LocalServer(tmp_path, port=0) as server, pytest.raises(InvalidStatus) as refused, client(server):
        pass

    assert refused.value.response.status_code == 200


def test_a_mounted_application_keeps_its_coroutine_from_message_to_message(
    tmp_path: Path, events: Events, get: Get
) -> None:
    (tmp_path / "app.py").write_text(MOUNTED)
    with LocalServer(tmp_path, port=0, console=events) as server:
        with client(server, "/?room=tea&token=t", subprotocols=["v1", "v2"]) as ann:
            for number, expected in (1, ["welcome to tea", "1: one"]), (2, ["2: two"]):
                settled(events)  # an event that comes while one is answered goes to another environment
                ann.send(["", "one", "two"][number])
                assert [ann.recv(timeout=WAIT) for _ in expected] == expected
            assert ann.subprotocol == "v2"
            settled(events)
            ann.close(4002)
        settled(events)
        with client(server, "/?room=cake&token=t", subprotocols=["v1"]) as bob:
            settled(events)
            bob.send("bye")
            with pytest.raises(ConnectionClosed):
                [bob.recv(timeout=WAIT) for _ in range(2)]
        with pytest.raises(InvalidStatus) as refused, client(server, "/?room=tea"):
            pass

        assert refused.value.response.status_code == 403
        assert "gone with 4002" in events.out.getvalue()
        assert get(f"{server.url}/") == (200, '"hello"')


def settled(events: Events) -> None:
    name, result, error = events.next()
    assert (name, result["statusCode"], error) == ("websocket", 200, None)


def test_a_connection_that_a_reload_left_behind_is_ended_for_its_client_to_connect_anew(
    tmp_path: Path, events: Events
) -> None:
    file = tmp_path / "app.py"
    file.write_text(MOUNTED)
    with (
        LocalServer(tmp_path, port=0, reload=True, console=events) as server,
        client(server, "/?room=tea&token=t", subprotocols=["v1"]) as ann,
    ):
        file.write_text(MOUNTED.replace("welcome", "hail"))
        events.reloads.get(timeout=WAIT)

        ann.send("hello")

        with pytest.raises(ConnectionClosed):
            ann.recv(timeout=WAIT)
