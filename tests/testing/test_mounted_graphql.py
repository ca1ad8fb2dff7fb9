"""Strawberry's GraphQL over WebSockets answers as behind uvicorn, with a task for each operation.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any

import pytest
import strawberry
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strawberry.asgi import GraphQL
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from microlambda import App
from tests.testing.plain_servers import served_by_uvicorn

WAIT = 10  # seconds that a test waits for what has to come
PROTOCOL = "graphql-transport-ws"
#: The messages that are the last ones to come of something.
LAST = {"connection_ack", "pong", "complete", "error"}

Message = dict[str, Any]


@strawberry.type
class Query:
    """What is answered once."""

    @strawberry.field
    async def hello(self, name: str) -> str:
        await asyncio.to_thread(time.sleep, 0.001)
        return f"Hello, {name}"

    @strawberry.field
    def fails(self) -> int:
        raise ValueError("as it should")


@strawberry.type
class Subscription:
    """What is answered several times."""

    @strawberry.subscription
    async def count(self, to: int) -> AsyncGenerator[int, None]:
        for number in range(to):
            yield number
            await asyncio.to_thread(time.sleep, 0.001)


def made() -> Any:
    return GraphQL(strawberry.Schema(Query, subscription=Subscription))


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[int, App]]:
    """Serve it by uvicorn, and mounted in an App."""
    app = App("graph")
    application = made()
    app.mount("/graphql", application)
    app.mount_websocket("/graphql", application)
    with served_by_uvicorn(made(), ws="websockets-sansio") as port:
        yield port, app


def plainly(port: int, messages: list[Message]) -> list[Message]:
    heard: list[Message] = []
    target = f"ws://127.0.0.1:{port}/graphql"
    with connect(target, subprotocols=[Subprotocol(PROTOCOL)], proxy=None) as socket:
        try:
            for message in messages:
                socket.send(json.dumps(message))
                heard.append(json.loads(socket.recv(WAIT)))
                while heard[-1]["type"] not in LAST:
                    heard.append(json.loads(socket.recv(WAIT)))
        except ConnectionClosed:
            heard.append({"type": "the end"})
    return heard


def through(app: App, messages: list[Message]) -> list[Message]:
    heard: list[Message] = []
    with app.test_client().websocket(headers={"Sec-WebSocket-Protocol": PROTOCOL}) as socket:
        for message in messages:
            socket.send(message)
            heard += [socket.receive() for _ in range(socket.pending)]
            if not socket.is_open:
                heard.append({"type": "the end"})
                break
    return heard


INIT = {"type": "connection_init"}
PING = {"type": "ping", "payload": {"a": "ä"}}
UNKNOWN = {"type": "unheard-of"}
NAMES = st.text(st.characters(codec="utf-8"), max_size=10)

Asking = Callable[[str], Message]


def asks(query: str, **variables: Any) -> Asking:
    return lambda name: {
        "id": name,
        "type": "subscribe",
        "payload": {"query": query, "variables": variables},
    }


ASKED = st.one_of(
    st.builds(lambda name: asks("query($n: String!) { hello(name: $n) }", n=name), NAMES),
    st.builds(lambda to: asks("subscription($to: Int!) { count(to: $to) }", to=to), st.integers(0, 4)),
    st.sampled_from([asks("{ fails }"), asks("{ unknown }"), asks("no GraphQL"), lambda _: PING]),
)


@given(asked=st.lists(ASKED, max_size=6), last=st.sampled_from([PING, UNKNOWN, INIT]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_answers_as_behind_a_plain_server(
    served: tuple[int, App], asked: list[Asking], last: Message
) -> None:
    port, app = served
    messages = [INIT, *(ask(str(number)) for number, ask in enumerate(asked)), last]

    heard = through(app, messages)

    assert heard == plainly(port, messages)
    assert heard[0] == {"type": "connection_ack"}


def test_who_asks_before_the_beginning_is_put_out(served: tuple[int, App]) -> None:
    port, app = served
    messages = [asks("{ hello(name: 1) }")("1")]

    assert through(app, messages) == plainly(port, messages) == [{"type": "the end"}]
