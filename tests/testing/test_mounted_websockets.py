"""ASGI applications serve the clients of a WebSocket API as they do behind a plain server: uvicorn."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest
import quart
from asgiref import typing as asgi
from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer  # type: ignore[import-untyped]
from channels.routing import URLRouter  # type: ignore[import-untyped]
from django.urls import re_path
from fastapi import FastAPI
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from microlambda import App
from microlambda.emulator.events.websocket import build
from microlambda.testing.websocket_session import WebSocketRefused
from tests.runtime.test_mounts_asgi_checks import judged
from tests.testing.plain_servers import served_by_uvicorn
from tests.testing.test_mounted_asgi import made_django

WAIT = 10  # seconds that a test waits for what has to come

#: What a client saw: whether it was let in (or with which status not), the messages, and whether the
#: application ended the connection.
Seen = tuple[int, list[str], bool]


# The applications -----------------------------------------------------------------------------------


async def answer(count: int, text: str, say: Callable[[str], Coroutine[Any, Any, None]]) -> None:
    """Say what each of them says to a text that ends nothing."""
    if text == "fail":
        raise RuntimeError("as it should")
    if text == "twice":
        await say(text)
    if text == "slowly":
        await asyncio.to_thread(time.sleep, 0.001)
    if text == "task":
        await asyncio.create_task(say("of a task"))
    await say(f"{count}: {text}")


async def starlette_chat(socket: WebSocket) -> None:
    query = socket.query_params
    if "deny" in query:
        await socket.send_denial_response(PlainTextResponse("no", status_code=int(query["deny"])))
        return
    if "refuse" in query:
        await socket.close(4000)
        return
    offered = socket.scope["subprotocols"]
    await socket.accept(subprotocol=offered[-1] if offered else None)
    facts = {
        "path": socket.url.path,
        "query": query.multi_items(),
        "asked": socket.headers.getlist("x-asked"),
        "cookies": socket.cookies,
    }
    await socket.send_json(facts)
    count = 0
    try:
        while True:
            text = await socket.receive_text()
            count += 1
            if text == "close":
                await socket.close(4001, "asked to")
                return
            if text == "return":
                return
            await answer(count, text, socket.send_text)
    except WebSocketDisconnect:
        return


def made_starlette() -> Starlette:
    return Starlette(routes=[WebSocketRoute("/ws", starlette_chat)])


def made_fastapi() -> FastAPI:
    made = FastAPI()

    @made.websocket("/ws")
    async def chat(websocket: WebSocket, deny: int = 0) -> None:
        await starlette_chat(websocket)

    return made


def made_quart() -> quart.Quart:
    made = quart.Quart("chat")

    @made.websocket("/ws")
    async def chat() -> Any:
        socket = quart.websocket
        if "deny" in socket.args:
            return "no", int(socket.args["deny"])
        if "refuse" in socket.args:
            return "no", 403
        offered = socket.requested_subprotocols
        await socket.accept(subprotocol=offered[-1] if offered else None)
        facts = {
            "path": socket.path,
            "query": list(socket.args.items(multi=True)),
            "asked": socket.headers.getlist("x-asked"),
            "cookies": socket.cookies,
        }
        await socket.send(json.dumps(facts))
        count = 0
        while True:
            text: Any = await socket.receive()
            count += 1
            if text == "close":
                await socket.close(4001, "asked to")
                return None
            if text == "return":
                return None
            await answer(count, text, socket.send)

    return made


class Consumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # which has no types
    """The same by Django's Channels, which knows no denial."""

    async def connect(self) -> None:
        query = parse_qsl(self.scope["query_string"].decode(), keep_blank_values=True)
        headers = [(name.decode(), value.decode()) for name, value in self.scope["headers"]]
        if {"deny", "refuse"} & dict(query).keys():
            await self.close()
            return
        offered = self.scope["subprotocols"]
        await self.accept(subprotocol=offered[-1] if offered else None)
        facts = {
            "path": self.scope["path"],
            "query": query,
            "asked": [value for name, value in headers if name in ("x-asked", "cookie")],
        }
        await self.send(text_data=json.dumps(facts))
        self.count = 0

    async def receive(self, text_data: str, bytes_data: None = None) -> None:
        self.count += 1
        if text_data in ("close", "return"):
            await self.close(4001)
            return
        if text_data == "slowly":
            await sync_to_async(time.sleep, thread_sensitive=False)(0.001)
        await answer(self.count, text_data, self.send)


def made_channels() -> Any:
    made_django()  # for its settings
    return URLRouter([re_path("^ws$", Consumer.as_asgi())])


MADE: dict[str, Callable[[], Any]] = {
    "starlette": made_starlette,
    "fastapi": made_fastapi,
    "quart": made_quart,
    "channels": made_channels,
}


MESSAGES: dict[str, Any] = {
    "websocket.connect": asgi.WebSocketConnectEvent,
    "websocket.receive": asgi.WebSocketReceiveEvent,
    "websocket.disconnect": asgi.WebSocketDisconnectEvent,
}


class Judged:
    """Another application, with all that it is given held against asgiref's types."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "websocket":
            await self._application(scope, receive, send)
            return
        own = {"microlambda.event", "microlambda.context", "aws.event", "aws.context", "state"}
        judged(asgi.WebSocketScope, {name: value for name, value in scope.items() if name not in own})

        async def judging() -> Any:
            message = await receive()
            judged(MESSAGES[message["type"]], message)
            return message

        await self._application(scope, judging, send)


@pytest.fixture(scope="module", params=MADE)
def served(request: pytest.FixtureRequest) -> Iterator[tuple[int, App]]:
    """Serve an application by uvicorn, and mounted in an App."""
    app = App("chat")
    application = MADE[request.param]()
    app.mount("/", application)
    app.mount_websocket("/ws", Judged(application))
    with served_by_uvicorn(MADE[request.param](), ws="websockets-sansio") as port:
        yield port, app


# A conversation, both ways --------------------------------------------------------------------------


def plainly(port: int, query: str, headers: dict[str, str], said: list[str]) -> Seen:
    target = f"ws://127.0.0.1:{port}/ws{query}"
    try:
        with connect(target, additional_headers=headers, proxy=None, open_timeout=WAIT) as socket:
            heard = [str(socket.recv(WAIT, decode=True))]
            try:
                for number, text in enumerate(said, 1):
                    socket.send(text)
                    # One after the other: who ends a connection with messages unread loses some of his own.
                    while heard[-1] != f"{number}: {text}":
                        heard.append(str(socket.recv(WAIT, decode=True)))
            except ConnectionClosed:
                return 200, heard, True
            return 200, heard, False
    except InvalidStatus as refused:
        return refused.response.status_code, [], False


def through(app: App, query: str, headers: dict[str, str], said: list[str]) -> Seen:
    asked = [pair.partition("=") for pair in query.removeprefix("?").split("&") if pair]
    given: dict[str, list[str]] = {}
    for name, _, value in asked:
        given.setdefault(name, []).append(value)
    options: Any = {"query": given} if given else {}
    try:
        with app.test_client(raise_errors=False).websocket(headers=headers, **options) as socket:
            for text in said or ["of which nobody hears"]:
                if socket.is_open:
                    socket.send(text)
            heard = [as_text(socket.receive()) for _ in range(socket.pending)]
            return 200, heard if said else heard[:1], not socket.is_open
    except WebSocketRefused as refused:
        return refused.status_code, [], False


def as_text(message: Any) -> str:
    return message if isinstance(message, str) else json.dumps(message)


def without_the_place(seen: Seen) -> Seen:
    """The stage is in front of the path, and JSON is written in as many ways as there are frameworks."""
    status, heard, is_ended = seen
    said = []
    for text in heard:
        facts = json.loads(text) if text.startswith("{") else None
        if facts is not None:
            facts["path"] = facts["path"].removeprefix("/dev")
        said.append(text if facts is None else json.dumps(facts, sort_keys=True))
    return status, said, is_ended


SAID = st.lists(
    st.one_of(
        st.sampled_from(["twice", "slowly", "task", "close", "return", "fail", "héllo ☃"]),
        st.text(st.characters(codec="utf-8", exclude_characters="{"), max_size=20),
    ),
    max_size=6,
)
QUERIES = st.sampled_from(["", "?a=1", "?a=1&a=2&b=", "?refuse=1", "?deny=401", "?deny=503"])
HEADERS = st.sampled_from([{}, {"X-Asked": "yes"}, {"Cookie": "a=1; b=2"}])


@given(said=SAID, query=QUERIES, headers=HEADERS)
@example(said=["one", "two", "close", "three"], query="", headers={})
@example(said=["fail", "two"], query="", headers={})
@example(said=["return"], query="?a=1", headers={})
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_client_sees_what_it_sees_behind_a_plain_server(
    served: tuple[int, App], said: list[str], query: str, headers: dict[str, str]
) -> None:
    port, app = served

    expected = plainly(port, query, headers, said)

    assert without_the_place(through(app, query, headers, said)) == without_the_place(expected)


@pytest.mark.parametrize("offered", [["chat.v2", "chat.v1"], ["chat.v1"], []], ids=len)
def test_the_subprotocol_is_the_applications_choice(served: tuple[int, App], offered: list[str]) -> None:
    port, app = served
    named = [Subprotocol(one) for one in offered]
    with connect(f"ws://127.0.0.1:{port}/ws", subprotocols=named or None, proxy=None) as socket:
        expected = socket.subprotocol

    headers = {"Sec-WebSocket-Protocol": ", ".join(offered)} if offered else {}
    answer = app(build("CONNECT", connection_id="c=", headers=headers), None)
    app(build("DISCONNECT", connection_id="c="), None)

    fields = {name.lower(): value for name, value in answer.get("headers", {}).items()}
    assert answer["statusCode"] == 200
    assert fields.get("sec-websocket-protocol") == expected
