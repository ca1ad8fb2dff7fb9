"""An ASGI application behind the WebSocket API: what it may send when, and where its coroutine goes on."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.to_thread
import pytest
from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from microlambda import App, CustomAuthorizer, RegistrationError
from microlambda.emulator.events.websocket import build
from microlambda.runtime.aio import LOOP
from microlambda.runtime.errors import (
    ConfigurationError,
    EncodingError,
    MessageTooLarge,
    WebSocketDisconnected,
)
from microlambda.runtime.mounts import websocket_connection, websockets
from microlambda.runtime.websocket import websocket_transport
from microlambda.testing.websocket_session import WebSocketRefused

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Serve = Callable[[Message, Receive, Send], Awaitable[None]]

ACCEPT = {"type": "websocket.accept"}
CLOSE = {"type": "websocket.close"}
DENY = {
    "type": "websocket.http.response.start",
    "status": 401,
    "headers": [(b"content-type", b"text/plain"), (b"x-why", b"no")],
}
DENIED = {"type": "websocket.http.response.body", "body": b"no"}


def said(text: str) -> Message:
    return {"type": "websocket.send", "text": text}


def of(serve: Serve) -> Any:
    """Make an application that has WebSockets, and no lifespan."""

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            raise ValueError("there is none")
        await serve(scope, receive, send)

    return application


def app_of(serve: Serve, path: Any = "/ws", **options: Any) -> App:
    app = App("chat")
    app.mount_websocket(path, of(serve), **options)
    return app


async def echo(scope: Message, receive: Receive, send: Send) -> None:
    """Say back what is said, until the client goes."""
    assert (await receive())["type"] == "websocket.connect"
    await send(ACCEPT)
    while (message := await receive())["type"] == "websocket.receive":
        await send(said(message["text"]))


class Wire:
    """Carries messages in the place of API Gateway, and keeps what was sent; `gone` are clients that left."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.ended: list[str] = []
        self.gone: set[str] = set()

    def post(self, connection_id: str, data: bytes) -> None:
        self._check(connection_id)
        self.sent.append((connection_id, data))

    def delete(self, connection_id: str) -> None:
        self._check(connection_id)
        self.ended.append(connection_id)

    def get(self, connection_id: str) -> dict[str, Any]:
        raise AssertionError(connection_id)

    def _check(self, connection_id: str) -> None:
        if connection_id in self.gone:
            raise WebSocketDisconnected(connection_id)


@pytest.fixture
def wire() -> Iterator[Wire]:
    carrier = Wire()
    with websocket_transport(carrier):
        yield carrier


class Left:
    """The context of an invocation that has so many milliseconds left."""

    aws_request_id = "1"

    def __init__(self, milliseconds: int) -> None:
        self._milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self._milliseconds


def connect(app: App, connection_id: str = "c=", context: Any = None, **options: Any) -> Any:
    return app(build("CONNECT", connection_id=connection_id, **options), context)


def say(app: App, text: Any, connection_id: str = "c=", context: Any = None) -> Any:
    return app(build("MESSAGE", body=text, connection_id=connection_id), context)


def leave(app: App, connection_id: str = "c=") -> Any:
    return app(build("DISCONNECT", connection_id=connection_id), None)


# The handshake --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("messages", "status"),
    [
        pytest.param([CLOSE], 403, id="closed"),
        pytest.param([{**CLOSE, "code": 4000, "reason": "no"}], 403, id="closed with a code"),
        pytest.param([ACCEPT], 403, id="accepted and returned"),
        pytest.param([ACCEPT, said("hello"), CLOSE], 403, id="accepted and closed"),
        pytest.param([DENY, DENIED], 401, id="denied"),
        pytest.param([DENY], 401, id="denied without a body"),
        pytest.param([{**DENY, "status": 302}, DENIED], 403, id="denied with what is no error"),
        pytest.param([{**DENY, "status": 200}, DENIED], 403, id="denied with a yes"),
    ],
)
def test_who_is_not_served_is_refused(messages: list[Message], status: int, wire: Wire) -> None:
    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    assert connect(app_of(serve))["statusCode"] == status
    assert (wire.sent, wire.ended) == ([], [])


def test_a_denial_is_whole(wire: Wire) -> None:
    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        await send(DENY)
        await send({**DENIED, "body": b"not ", "more_body": True})
        await send({**DENIED, "body": b"you"})

    answer = connect(app_of(serve))

    assert (answer["statusCode"], answer["body"]) == (401, "not you")
    assert answer["headers"]["x-why"] == "no"


@pytest.mark.parametrize(
    ("how", "words"),
    [("return", "it returned"), ("ask", "it waited for a message"), ("sleep", "it ran out of time")],
)
def test_an_application_that_does_not_answer_is_an_error(how: str, words: str, wire: Wire) -> None:
    ended: list[str] = []

    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        try:
            if how == "ask":
                await receive()
            elif how == "sleep":
                await asyncio.sleep(3_600)
        finally:
            ended.append(how)

    app = app_of(serve)
    with pytest.raises(EncodingError, match=words):
        connect(app, context=Left(520))

    assert ended == [how]


def test_what_it_raises_before_it_accepts_fails_the_handshake(wire: Wire) -> None:
    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        raise LookupError("as it should")

    app = app_of(serve)
    with pytest.raises(LookupError, match="as it should"):
        connect(app)
    with pytest.raises(WebSocketRefused, match="502"):
        app.test_client(raise_errors=False).websocket()


def test_the_scope_is_of_the_path_that_was_given(wire: Wire) -> None:
    scopes: list[Message] = []

    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        await echo(scope, receive, send)

    connect(
        app_of(serve, "/ws/ä"),
        headers={"Sec-WebSocket-Protocol": "a, b", "X-Forwarded-Proto": "https", "X-Two": ["1", "2"]},
        query={"a": ["1", "2"], "b": "ä"},
    )

    (scope,) = scopes
    host = "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"
    fields = [field for field in scope["headers"] if field[0] in (b"host", b"x-two")]
    assert (scope["path"], scope["root_path"], scope["raw_path"]) == ("/dev/ws/ä", "/dev", b"/dev/ws/%C3%A4")
    assert scope["query_string"] == b"a=1&a=2&b=%C3%A4"
    assert (scope["scheme"], scope["server"], scope["client"]) == ("wss", (host, 443), ("203.0.113.7", 0))
    assert scope["subprotocols"] == ["a", "b"]
    assert fields == [(b"host", host.encode()), (b"x-two", b"1"), (b"x-two", b"2")]
    assert "method" not in scope
    assert scope["microlambda.event"]["requestContext"]["connectionId"] == "c="


def test_the_path_may_be_made_of_the_clients_request(wire: Wire) -> None:
    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        await receive()
        await receive()
        await send(said(scope["path"]))
        await receive()

    app = app_of(serve, lambda event: f"/rooms/{event.request.args['room']}")
    connect(app, query={"room": "tea"})
    say(app, "where?")

    assert wire.sent == [("c=", b"/dev/rooms/tea")]
    with pytest.raises(RegistrationError, match="starts with '/'"):
        connect(app_of(serve, lambda event: "rooms"))


def test_an_authorizer_is_asked_before(wire: Wire) -> None:
    asked = CustomAuthorizer("tokens", authorizer_uri="arn:aws:lambda:us-east-1:123456789012:function:check")
    app = app_of(echo, authorizer=asked)

    assert connect(app)["statusCode"] == 401


# What is sent when ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "wrong", "when"),
    [
        ([], said("x"), "before websocket.accept"),
        ([], DENIED, "before websocket.accept"),
        ([], {"type": "http.response.start", "status": 200}, "before websocket.accept"),
        ([ACCEPT], ACCEPT, "after the answer to the handshake"),
        ([ACCEPT], DENY, "after the answer to the handshake"),
        ([DENY], said("x"), "after the answer to the handshake"),
        ([DENY], CLOSE, "after the answer to the handshake"),
        ([DENY, DENIED], DENIED, "after the end of the connection"),
        ([ACCEPT, CLOSE], said("x"), "after the end of the connection"),
        ([CLOSE], CLOSE, "after the end of the connection"),
    ],
    ids=str,
)
def test_a_message_out_of_place_is_an_error_in_the_application(
    before: list[Message], wrong: Message, when: str, wire: Wire
) -> None:
    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        for message in before:
            await send(message)
        await send(wrong)

    app = app_of(serve)
    with pytest.raises(RuntimeError, match=f"'{wrong['type']}' was sent {when}"):
        connect(app)


def test_what_is_said_at_once_waits_for_the_first_message(wire: Wire) -> None:
    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        await send(said("welcome"))
        await send({"type": "websocket.send", "bytes": b"\xff"})
        await echo_rest(receive, send)

    app = app_of(serve)
    connect(app)
    assert wire.sent == []  # API Gateway takes nothing before the handshake is answered

    say(app, "hello")
    assert wire.sent == [("c=", b"welcome"), ("c=", b"\xff"), ("c=", b"hello")]


class Room:
    """An application that tells every client what one says; "out" ends them all."""

    def __init__(self) -> None:
        self.members: list[Send] = []

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        await send(said("welcome"))
        self.members.append(send)
        while (message := await receive())["type"] != "websocket.disconnect":
            for other in self.members:
                if message.get("text") == "out":
                    await other(CLOSE)
                elif "text" in message:
                    await other(said(message["text"]))
        self.members = [one for one in self.members if one != send]


def test_who_only_listens_hears_the_others(wire: Wire) -> None:
    app = app_of(Room())
    for name in ("ann=", "bob=", "cid="):
        connect(app, name)
    assert wire.sent == [("ann=", b"welcome"), ("bob=", b"welcome")]  # the last one is not there yet

    say(app, "hello", "bob=")
    leave(app, "ann=")
    say(app, "again", "bob=")

    heard = {name: [data for to, data in wire.sent if to == name] for name in ("ann=", "bob=", "cid=")}
    assert heard["ann="] == [b"welcome", b"hello"]
    assert heard["bob="] == heard["cid="] == [b"welcome", b"hello", b"again"]


def test_who_only_listens_is_ended_when_the_application_ends_it(wire: Wire) -> None:
    app = app_of(Room())
    connect(app, "ann=")
    connect(app, "bob=")

    say(app, "out", "bob=")

    assert sorted(wire.ended) == ["ann=", "bob="]
    assert sorted(wire.sent) == [("ann=", b"welcome"), ("bob=", b"welcome")]


def test_a_coroutine_that_ends_in_anothers_event_ends_its_own_connection(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    waiting: list[asyncio.Event] = []

    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        if not waiting:
            waiting.append(asyncio.Event())
            reading = asyncio.ensure_future(receive())
            await waiting[0].wait()
            reading.cancel()
            raise LookupError("as it should")
        while (await receive())["type"] != "websocket.disconnect":
            waiting[0].set()

    app = app_of(serve)
    connect(app, "ann=")
    connect(app, "bob=")

    assert say(app, "hello", "bob=") == {"statusCode": 200}
    assert wire.ended == ["ann="]
    assert "as it should" in caplog.text


def test_whom_the_gateway_does_not_have_yet_is_told_later(wire: Wire) -> None:
    app = app_of(Room())
    connect(app, "ann=")
    wire.gone.add("ann=")  # which API Gateway says of who is on the way, too
    connect(app, "bob=")
    assert wire.sent == []

    wire.gone.clear()
    say(app, "hello", "bob=")
    assert [data for name, data in wire.sent if name == "ann="] == [b"welcome", b"hello"]


def test_what_cannot_be_sent_to_one_client_fails_no_event_of_another(
    wire: Wire, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = app_of(Room())
    connect(app, "ann=")
    posted = wire.post

    def post(connection_id: str, data: bytes) -> None:
        if connection_id == "ann=":
            raise PermissionError("execute-api:ManageConnections")
        posted(connection_id, data)

    with monkeypatch.context() as patched:
        patched.setattr(wire, "post", post)
        assert connect(app, "bob=") == {"statusCode": 200}
        assert "the connection ann= could not be sent to" in caplog.text
        with pytest.raises(PermissionError):
            say(app, "hello", "ann=")

    say(app, "hello", "ann=")
    assert [data for name, data in wire.sent if name == "ann="] == [b"welcome", b"hello"]


async def echo_rest(receive: Receive, send: Send) -> None:
    while (message := await receive())["type"] != "websocket.disconnect":
        if message["type"] == "websocket.receive":
            await send(said(message["text"]))


@pytest.mark.parametrize("when", ["at once", "later"])
def test_a_message_that_is_too_large_is_told_where_it_is_sent(when: str, wire: Wire) -> None:
    told: list[str] = []

    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        await receive()
        if when == "later":
            await receive()
        try:
            await send(said("x" * 131_073))
        except MessageTooLarge as error:
            told.append(str(error))
        await receive()

    app = app_of(serve)
    connect(app)
    say(app, "hello")

    assert ["131,073" in one for one in told] == [True]


def test_bytes_come_as_bytes(wire: Wire) -> None:
    received: list[Message] = []

    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        while True:
            received.append(await receive())

    app = app_of(serve)
    connect(app)
    say(app, b"\xff\x00")
    say(app, "ä")

    assert received[1:] == [
        {"type": "websocket.receive", "bytes": b"\xff\x00", "text": None},
        {"type": "websocket.receive", "bytes": None, "text": "ä"},
    ]


# The end of a connection ----------------------------------------------------------------------------


def test_a_client_that_leaves_is_told_with_its_code_however_often_it_is_asked(wire: Wire) -> None:
    told: list[Any] = []

    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        told.extend([await receive(), await receive()])
        for message in (said("x"), CLOSE):
            try:
                await send(message)
            except OSError as error:
                told.append(str(error))

    app = app_of(serve)
    connect(app)
    event = build("DISCONNECT", connection_id="c=")
    event["requestContext"] |= {"disconnectStatusCode": 4001, "disconnectReason": "home"}

    assert app(event, None) == {"statusCode": 200}
    gone = {"type": "websocket.disconnect", "code": 4001, "reason": "home"}
    left = "the client has gone: nobody takes what is sent."
    assert told == [gone, gone, left, left]
    assert (wire.sent, wire.ended) == ([], [])


def test_a_client_that_left_unheard_is_found_out_when_something_is_sent(wire: Wire) -> None:
    told: list[Any] = []

    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await receive()
        try:
            await send(said("x"))
        except OSError as error:
            told.append(type(error.__cause__))
        told.append(await receive())

    app = app_of(serve)
    connect(app)
    wire.gone.add("c=")
    say(app, "hello")

    assert told == [WebSocketDisconnected, {"type": "websocket.disconnect", "code": 1006, "reason": ""}]
    assert wire.ended == []


def test_who_leaves_before_the_welcome_is_told_once(wire: Wire) -> None:
    received: list[str] = []

    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        await send(said("welcome"))
        while received[-1:] != ["websocket.disconnect"]:
            received.append((await receive())["type"])

    app = app_of(serve)
    connect(app)
    wire.gone.add("c=")
    say(app, "hello")

    assert received == ["websocket.connect", "websocket.disconnect"]


@pytest.mark.parametrize("how", ["close", "return", "fail"])
def test_an_application_that_ends_ends_the_connection(how: str, wire: Wire) -> None:
    after: list[Message] = []

    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await receive()
        if how == "fail":
            raise LookupError("as it should")
        if how == "close":
            await send({**CLOSE, "code": 4001, "reason": "enough"})
            after.append(await receive())

    app = app_of(serve)
    connect(app)
    if how == "fail":
        with pytest.raises(LookupError, match="as it should"):
            say(app, "hello")
    else:
        assert say(app, "hello") == {"statusCode": 200}

    assert wire.ended == ["c="]
    assert after == [{"type": "websocket.disconnect", "code": 4001, "reason": "enough"}] * len(after)
    assert leave(app) == {"statusCode": 200}


def test_what_it_raises_once_the_client_has_gone_is_told_and_fails_nothing(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        while (await receive())["type"] != "websocket.disconnect":
            pass
        raise LookupError("of cleaning up")

    app = app_of(serve)
    connect(app)

    assert leave(app) == {"statusCode": 200}
    assert "failed behind a connection that had ended" in caplog.text
    assert "of cleaning up" in caplog.text


def test_a_send_to_who_left_that_nobody_catches_fails_nothing(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    app = app_of(echo)
    connect(app)
    wire.gone.add("c=")

    assert say(app, "hello") == {"statusCode": 200}
    assert "failed behind a connection that had ended" in caplog.text


def test_an_application_that_does_not_end_with_its_connection_is_ended(wire: Wire) -> None:
    ended: list[str] = []

    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        try:
            while True:
                await receive() if not ended else None
                await asyncio.sleep(0 if not ended else 3_600)
                ended.extend(["left"] if (await receive())["type"] == "websocket.disconnect" else [])
        finally:
            ended.append("cancelled")

    app = app_of(serve)
    connect(app)
    say(app, "hello")
    app(build("DISCONNECT", connection_id="c="), Left(600))

    assert ended == ["left", "cancelled"]


# Environments ---------------------------------------------------------------------------------------


def test_a_message_that_reaches_another_environment_ends_the_connection(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    app = app_of(echo)

    assert say(app, "hello", "elsewhere=") == {"statusCode": 200}

    assert (wire.sent, wire.ended) == ([], ["elsewhere="])
    assert "the connection elsewhere= reached an environment that does not have it" in caplog.text
    assert "hello" not in caplog.text


def test_one_that_has_ended_there_is_no_error(wire: Wire) -> None:
    app = app_of(echo)
    wire.gone.add("elsewhere=")

    assert say(app, "hello", "elsewhere=") == {"statusCode": 200}
    assert leave(app, "elsewhere=") == {"statusCode": 200}


def test_what_is_kept_of_a_connection_ends_after_the_longest_time_that_one_may_last(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Message] = []

    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        told.append(await receive())

    app = app_of(serve)
    connect(app, "old=")
    monkeypatch.setattr(websockets, "_LONGEST", -1.0)
    connect(app, "new=")

    assert told == [{"type": "websocket.disconnect", "code": 1006, "reason": ""}]
    assert wire.ended == []


def test_connections_end_with_the_loop_that_they_are_in(wire: Wire) -> None:
    app = app_of(echo)
    connect(app)
    LOOP.stop()

    say(app, "hello")

    assert (wire.sent, wire.ended) == ([], ["c="])


def test_several_connections_are_apart(wire: Wire) -> None:
    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        await receive()
        words: list[str] = []
        while (message := await receive())["type"] == "websocket.receive":
            words.append(message["text"])
            await send(said("".join(words)))

    app = app_of(serve)
    for name in "abc":
        connect(app, name)
    for name in "abcba":
        say(app, name, name)

    assert wire.sent == [("a", b"a"), ("b", b"b"), ("c", b"c"), ("b", b"bb"), ("a", b"aa")]


def test_several_threads_may_have_one_each(wire: Wire) -> None:
    app = app_of(echo)

    def talk(name: str) -> None:
        with websocket_transport(wire):
            connect(app, name)
            for number in range(20):
                say(app, f"{name}{number}", name)
            leave(app, name)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(talk, "abcd"))

    assert sorted(wire.sent) == sorted((name, f"{name}{n}".encode()) for name in "abcd" for n in range(20))


# What else it does ----------------------------------------------------------------------------------


def test_what_takes_too_long_goes_on_with_the_next_event(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await receive()
        await asyncio.sleep(0.05)
        await send(said("at last"))
        await receive()
        await receive()

    app = app_of(serve)
    connect(app)
    say(app, "hello", context=Left(510))
    assert wire.sent == []
    assert "the connection c= was not over 0.5 s before the function's time was" in caplog.text

    say(app, "and now?")
    assert wire.sent == [("c=", b"at last")]


def begun(work: Callable[[asyncio.Queue[str], Send], Awaitable[None]]) -> Serve:
    """Make an application that reads in one task, and works in another, as Quart does."""

    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        texts: asyncio.Queue[str] = asyncio.Queue()

        async def works() -> None:
            await work(texts, send)

        worker = asyncio.create_task(works())
        while (message := await receive())["type"] == "websocket.receive":
            texts.put_nowait(message["text"])
        worker.cancel()

    return serve


async def at_once(texts: asyncio.Queue[str], send: Send) -> None:
    while True:
        await send(said(await texts.get()))


async def through_a_thread(texts: asyncio.Queue[str], send: Send) -> None:
    while True:
        text = await texts.get()
        await asyncio.to_thread(time.sleep, 0.01)
        await send(said(text))


async def through_other_tasks(texts: asyncio.Queue[str], send: Send) -> None:
    async def answered(text: str) -> None:
        await asyncio.to_thread(time.sleep, 0.01)
        await send(said(text))

    while True:
        text = await texts.get()
        async with asyncio.TaskGroup() as group:
            group.create_task(answered(text))
        await asyncio.wait_for(asyncio.to_thread(time.sleep, 0.01), 5)


async def with_anyio(scope: Message, receive: Receive, send: Send) -> None:
    """Read and work in a task group of anyio's, as many a Starlette does it."""
    await receive()
    await send(ACCEPT)
    put, get = anyio.create_memory_object_stream[str](10)

    async def reads() -> None:
        while (message := await receive())["type"] == "websocket.receive":
            await put.send(message["text"])
        await put.aclose()

    async def works() -> None:
        with get:
            async for text in get:
                await anyio.to_thread.run_sync(time.sleep, 0.01)
                await send(said(text))

    async with anyio.create_task_group() as group:
        group.start_soon(reads)
        group.start_soon(works)


async def through_an_iterator(texts: asyncio.Queue[str], send: Send) -> None:
    async def heard() -> AsyncIterator[str]:
        while True:
            text = await texts.get()
            await asyncio.to_thread(time.sleep, 0.01)
            yield text

    async for text in heard():
        await send(said(text))


class Later:
    """What is awaited by a coroutine of its own."""

    def __init__(self, texts: asyncio.Queue[str]) -> None:
        self._texts = texts

    def __await__(self) -> Generator[Any, None, str]:
        return self._texts.get().__await__()


async def through_what_can_be_awaited(texts: asyncio.Queue[str], send: Send) -> None:
    while True:
        await send(said(await Later(texts)))


async def iterating(scope: Message, receive: Receive, send: Send) -> None:
    """Read in a generator, as Starlette's `iter_text` does, while something else waits."""

    async def heard() -> AsyncIterator[str]:
        while (message := await receive())["type"] != "websocket.disconnect":
            if message["type"] == "websocket.receive":
                yield message["text"]

    await send(ACCEPT)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(asyncio.Event().wait())
        async for text in heard():
            await send(said(text))
        waiting.cancel()


IN_TASKS = [at_once, through_a_thread, through_other_tasks, through_an_iterator, through_what_can_be_awaited]


@pytest.mark.parametrize("serve", [*map(begun, IN_TASKS), with_anyio, iterating])
def test_what_works_in_another_task_is_done_before_the_invocation_is_and_nothing_else_is_waited_for(
    serve: Serve, wire: Wire, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(websocket_connection, "_PATIENCE", 3_600.0)  # what waits is told from what works
    app = app_of(serve)
    connect(app, context=Left(5_000))

    for text in ("one", "two"):
        say(app, text, context=Left(5_000))
        assert wire.sent.pop() == ("c=", text.encode())
    leave(app)
    assert "was not over" not in caplog.text


def test_what_waits_for_something_that_does_not_come_is_not_waited_for_long(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_connection, "_PATIENCE", 0.01)
    came: list[asyncio.Future[str]] = []

    async def listen(texts: asyncio.Queue[str], send: Send) -> None:
        came.append(asyncio.get_running_loop().create_future())
        await send(said(await came[0]))

    app = app_of(begun(listen))
    connect(app)
    say(app, "hello")
    assert wire.sent == []

    came[0].set_result("news")
    say(app, "any news?")
    assert wire.sent == [("c=", b"news")]


def test_nothing_runs_between_two_events(wire: Wire) -> None:
    ticks: list[int] = []

    async def tick(texts: asyncio.Queue[str], send: Send) -> None:
        while True:
            ticks.append(len(ticks))
            await asyncio.sleep(0.001)

    LOOP.stop()  # it may have a thread of its own by now, as where several threads answer
    app = app_of(begun(tick))
    connect(app)
    before = len(ticks)
    time.sleep(0.05)

    assert len(ticks) == before  # as on Lambda, where the environment stands still
    assert not [one for one in threading.enumerate() if one.name == "microlambda-event-loop"]
    leave(app)


# Beside it ------------------------------------------------------------------------------------------


def test_the_lifespan_is_the_applications_one_and_its_state_is_there(wire: Wire) -> None:
    starts: list[str] = []

    @asynccontextmanager
    async def lifespan(_: Any) -> Any:
        starts.append("started")
        yield {"greeting": "Hello"}

    async def greet(socket: WebSocket) -> None:
        await socket.accept()
        await socket.receive_text()
        await socket.send_text(socket.state.greeting)
        await socket.receive_text()

    site = Starlette(routes=[WebSocketRoute("/ws", greet)], lifespan=lifespan)
    app = App("chat")
    app.mount("/", site)
    app.mount_websocket("/ws", site)
    connect(app)
    say(app, "hello")
    app.test_client().get("/")

    assert wire.sent == [("c=", b"Hello")]
    assert starts == ["started"]


def test_a_start_that_failed_fails_the_handshake(wire: Wire) -> None:
    @asynccontextmanager
    async def lifespan(_: Any) -> Any:
        raise LookupError("no database")
        yield

    app = App("chat")
    app.mount_websocket("/ws", FastAPI(lifespan=lifespan))

    with pytest.raises(ConfigurationError, match="no database"):
        connect(app)


def test_keys_of_the_app_come_first(wire: Wire) -> None:
    app = app_of(echo)
    app.on_ws_message("join")(lambda event: app.websocket.send(event.connection_id, "joined"))

    with app.test_client().websocket() as socket:
        socket.send({"action": "join"})
        socket.send({"action": "other"})
        assert socket.receive() == "joined"
        assert socket.receive() == {"action": "other"}


@pytest.mark.parametrize(
    ("declare", "route"),
    [
        (lambda app: app.on_ws_connect, r"the events of the route '\$connect'"),
        (lambda app: app.on_ws_message, r"the messages of the route key '\$default'"),
        (lambda app: app.on_ws_disconnect, r"the events of the route '\$disconnect'"),
        (lambda app: lambda: lambda f: app.mount_websocket("/", of(echo), name="two"), r"the events of the"),
    ],
)
def test_two_for_one_route_are_refused(declare: Any, route: str) -> None:
    app = app_of(echo)

    with pytest.raises(RegistrationError, match=rf"of\.<locals>\.application.* would both get {route}"):
        declare(app)()(lambda event: None)


@pytest.mark.parametrize(
    ("path", "application", "words"),
    [
        ("ws", of(echo), "starts with '/', not at 'ws'"),
        ("/ws/<room>", of(echo), "fixed path"),
        ("/ws", Flask("pages"), "speaks WSGI: that has no WebSockets"),
        ("/ws", App("other"), "is an App of microlambda's"),
        ("/ws", 7, "cannot be called"),
        (lambda event: "/", Flask("pages"), "speaks WSGI"),
    ],
    ids=["no path", "captures", "wsgi", "app", "nothing", "wsgi at a path that is made"],
)
def test_what_cannot_be_mounted_is_refused(path: Any, application: Any, words: str) -> None:
    with pytest.raises(RegistrationError, match=words):
        App("chat").mount_websocket(path, application)


def test_it_is_mounted_before_the_first_event_or_never(wire: Wire) -> None:
    app = app_of(echo)
    connect(app)

    with pytest.raises(RegistrationError, match="comes after the first request"):
        app.mount_websocket("/other", of(echo))


def test_middleware_is_around_it(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    app = app_of(echo)
    seen: list[str] = []

    @app.middleware("websocket")
    def around(event: Any, get_response: Any) -> Any:
        seen.append(event.event_type)
        return get_response(event)

    connect(app)
    say(app, "hello")
    leave(app)

    assert seen == ["CONNECT", "MESSAGE", "DISCONNECT"]
