"""What an ASGI application is given, judged by asgiref: by its types, and by its own way of calling.

https://asgi.readthedocs.io/en/latest/specs/www.html and https://asgi.readthedocs.io/en/latest/specs/lifespan.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any, get_type_hints, is_typeddict
from urllib.parse import unquote_to_bytes

import pytest
import typing_extensions
from asgiref import typing as asgi
from asgiref.testing import ApplicationCommunicator
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from microlambda import App
from microlambda.emulator.gateway import INGRESSES
from microlambda.runtime.context import streaming_answers
from microlambda.runtime.mounts.lifespan import lifespan_of
from tests.testing.generated import Asked, requests_under
from tests.testing.plain_servers import Answered, fields
from tests.testing.test_mounted_asgi import APPLICATIONS, without_a_type

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

HOST = {"Host": "shop.example"}
OWN_KEYS = {"microlambda.event", "microlambda.context", "aws.event", "aws.context"}
#: These take an answer in pieces.
STREAMING = ("function-url", "rest-api")

REQUESTS = st.one_of(
    requests_under(""),
    st.builds(
        replace, requests_under(""), method=st.sampled_from(["HEAD", "OPTIONS"]), body=st.none()
    ),
)  # fmt: skip


# asgiref's types ------------------------------------------------------------------------------------


def strictly(kind: Any) -> Any:
    """One of asgiref's types, exact and without other keys.

    pydantic takes those of typing_extensions alone where Python is older than 3.12.
    """
    hints = get_type_hints(kind, include_extras=True)
    parts = {name: strictly(hint) if is_typeddict(hint) else hint for name, hint in hints.items()}
    make: Any = typing_extensions.TypedDict
    return with_config(ConfigDict(strict=True, extra="forbid"))(make(kind.__name__, parts))


def judged(kind: Any, value: Message) -> None:
    """ValidationError for what is not of the type."""
    found = ADAPTERS[kind].validate_python(value)
    for _ in found.get("headers", ()):  # which pydantic judges as it is asked for them
        pass


ADAPTERS: dict[Any, TypeAdapter[Any]] = {
    kind: TypeAdapter(strictly(kind))
    for kind in (
        asgi.HTTPScope,
        asgi.HTTPRequestEvent,
        asgi.HTTPDisconnectEvent,
        asgi.LifespanScope,
        asgi.LifespanStartupEvent,
        asgi.LifespanShutdownEvent,
        asgi.WebSocketScope,
        asgi.WebSocketConnectEvent,
        asgi.WebSocketReceiveEvent,
        asgi.WebSocketDisconnectEvent,
    )
}

SCOPE: Message = {
    "type": "http",
    "asgi": {"version": "3.0", "spec_version": "2.5"},
    "http_version": "1.1",
    "method": "GET",
    "scheme": "https",
    "path": "/",
    "raw_path": b"/",
    "query_string": b"",
    "root_path": "",
    "headers": [(b"host", b"shop.example")],
    "client": ("192.0.2.1", 0),
    "server": ("shop.example", 443),
    "extensions": {},
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"path": b"/"},
        {"raw_path": "/"},
        {"headers": [[b"host", b"shop.example"]]},
        {"headers": [(b"host", "shop.example")]},
        {"client": ["192.0.2.1", 0]},
        {"server": ("shop.example", "443")},
        {"asgi": {"version": "3.0"}},
        {"asgi": {"version": "3.0", "spec_version": 2}},
        {"more": 1},
    ],
    ids=str,
)
def test_the_types_are_exact(wrong: Message) -> None:
    judged(asgi.HTTPScope, SCOPE)
    with pytest.raises(ValidationError):
        judged(asgi.HTTPScope, SCOPE | wrong)


# An application that keeps what it is given ---------------------------------------------------------


class Keeping:
    """It answers in pieces, and keeps its scopes and messages; or calls another, and keeps the scopes."""

    def __init__(self, application: Any = None) -> None:
        self._application = application
        self.lifespan: list[Message] = []
        self.forget()

    def forget(self) -> None:
        self.scopes: list[Message] = []
        self.received: list[Message] = []

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            self.lifespan.append(scope.copy())
            await (self._application or self._live)(scope, receive, send)
            return
        self.scopes.append({**scope, "headers": list(scope["headers"])})
        await (self._application or self._answer)(scope, receive, send)

    async def _live(self, scope: Message, receive: Receive, send: Send) -> None:
        for step in ("startup", "shutdown"):
            self.lifespan.append(await receive())
            scope["state"]["step"] = step
            await send({"type": f"lifespan.{step}.complete"})

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> None:
        self.received.append(await receive())
        early = asyncio.ensure_future(receive())
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"a/b")]})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await turns()
        assert not early.done()
        await send({"type": "http.response.body", "body": b"two", "more_body": False})
        late = asyncio.ensure_future(receive())
        await turns()
        self.received.extend(task.result() for task in (early, late) if task.done())
        early.cancel()
        late.cancel()


async def turns() -> None:
    """Let the loop turn until all that can go on has gone on."""
    for _ in range(10):
        await asyncio.sleep(0)


class Mounted:
    """Such an application, at a prefix in an App."""

    def __init__(self, prefix: str, application: Any = None) -> None:
        self.prefix = prefix
        self.kept = Keeping(application)
        self.app = App("shop")
        self.app.compress_above = None
        self.app.mount(prefix or "/", self.kept)

    def ask(self, ingress: str, asked: Asked) -> Any:
        """Ask for it; what was kept before is forgotten."""
        self.kept.forget()
        client = self.app.test_client(ingress=ingress, use_cookies=False, raise_errors=False)
        return client.open(
            self.target(ingress, asked),
            method=asked.method,
            headers={**HOST, **asked.fields},
            data=asked.content,
        )

    def target(self, ingress: str, asked: Asked) -> str:
        return self.prefix + asked.canonical_target(ingress)


@pytest.fixture(scope="module", params=["", "/in"], ids=["at-/", "at-/in"])
def mounted(request: Any) -> Iterator[Mounted]:
    made = Mounted(request.param)
    yield made
    lifespan_of(made.kept).stop()


@pytest.mark.parametrize("ingress", INGRESSES)
@settings(max_examples=40)
@given(asked=REQUESTS)
def test_scopes_and_messages_are_of_their_types(mounted: Mounted, ingress: str, asked: Asked) -> None:
    answer = mounted.ask(ingress, asked)

    assert (answer.status_code, answer.data) == (200, b"" if asked.method == "HEAD" else b"onetwo")
    assert_as_specified(mounted, ingress, asked)


@pytest.mark.parametrize("ingress", STREAMING)
@settings(max_examples=40)
@given(asked=requests_under(""))
def test_so_they_are_where_the_answer_goes_out_in_pieces(
    mounted: Mounted, ingress: str, asked: Asked
) -> None:
    event = mounted.ask(ingress, asked).event
    mounted.kept.forget()

    with streaming_answers():
        result: Any = mounted.app(event, None)
        pieces = list(result.chunks)
        result.chunks.close()

    assert pieces == [b"one", b"two"]
    assert_as_specified(mounted, ingress, asked)


def assert_as_specified(mounted: Mounted, ingress: str, asked: Asked) -> None:
    (scope,) = mounted.kept.scopes
    assert scope.keys() >= OWN_KEYS
    judged(asgi.HTTPScope, {name: value for name, value in scope.items() if name not in OWN_KEYS})
    assert scope["state"] == {"step": "startup"}
    assert scope["root_path"] == mounted.prefix
    assert_the_rest_of_the_specification(scope, asked.method, mounted.target(ingress, asked))
    sent, *gone = mounted.kept.received
    judged(asgi.HTTPRequestEvent, sent)
    assert (sent["body"], sent["more_body"]) == (asked.content or b"", False)
    assert len(gone) == 2
    for message in gone:
        judged(asgi.HTTPDisconnectEvent, message)


def assert_the_rest_of_the_specification(scope: Message, method: str, target: str) -> None:
    """What it says in words, of which types know nothing."""
    path, _, query = target.partition("?")
    assert scope["method"] == method
    assert scope["scheme"] in {"http", "https"}
    assert scope["path"].startswith(scope["root_path"])
    assert unquote_to_bytes(scope["raw_path"]) == scope["path"].encode()
    assert scope["raw_path"].endswith(path.encode())
    assert scope["query_string"] == query.encode()
    assert all(name == name.lower() and not name.startswith(b":") for name, _ in scope["headers"])
    assert dict(scope["headers"])[b"host"] == b"shop.example"


def test_the_lifespan_is_of_its_types() -> None:
    mounted = Mounted("")
    mounted.ask("http-api", Asked(method="GET", path="/"))
    lifespan_of(mounted.kept).stop()

    scope, *messages = mounted.kept.lifespan

    judged(asgi.LifespanScope, scope)
    for kind, message in zip((asgi.LifespanStartupEvent, asgi.LifespanShutdownEvent), messages, strict=True):
        judged(kind, message)
    assert scope["state"] == {"step": "shutdown"}


# asgiref's own way of calling -----------------------------------------------------------------------


untyped: Any = ApplicationCommunicator


async def communicated(application: Any, scope: Message, body: bytes) -> Answered:
    """What an application sends where asgiref calls it."""
    communicator = untyped(application, scope)
    await communicator.send_input({"type": "http.request", "body": body, "more_body": False})
    start = await communicator.receive_output(timeout=30)
    assert start["type"] == "http.response.start"
    pieces = [await communicator.receive_output(timeout=30)]
    while pieces[-1].get("more_body", False):
        pieces.append(await communicator.receive_output(timeout=30))
    await communicator.send_input({"type": "http.disconnect"})
    await communicator.wait(timeout=30)
    assert communicator.output_queue.empty()
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
    return start["status"], fields(headers), b"".join(piece.get("body", b"") for piece in pieces)


@pytest.fixture(scope="module", params=[(name, prefix) for name in APPLICATIONS for prefix in ("", "/in")],
                ids=lambda one: f"{one[0]}-at-{one[1] or '/'}")  # fmt: skip
def theirs(request: Any) -> Iterator[Mounted]:
    name, prefix = request.param
    made = Mounted(prefix, APPLICATIONS[name]())
    yield made
    lifespan_of(made.kept).stop()


@pytest.mark.parametrize("ingress", INGRESSES)
@settings(max_examples=10)
@given(asked=REQUESTS.map(lambda asked: replace(asked, path=f"/echo{asked.path}")))
def test_the_answer_is_what_the_application_sends(theirs: Mounted, ingress: str, asked: Asked) -> None:
    assert_communicated(theirs, ingress, asked)


@pytest.mark.parametrize("ingress", INGRESSES)
def test_each_way_of_answering_is_what_the_application_sends(theirs: Mounted, ingress: str) -> None:
    for path in ("/cookies", "/go", "/bytes", "/pieces", "/empty", "/slashed", "/none"):
        for method in ("GET", "HEAD"):
            assert_communicated(theirs, ingress, Asked(method=method, path=path))


def assert_communicated(theirs: Mounted, ingress: str, asked: Asked) -> None:
    answer = theirs.ask(ingress, asked)
    (scope,) = theirs.kept.scopes

    sent = asyncio.run(communicated(theirs.kept, scope, asked.content or b""))

    data = answer.data
    if asked.method == "HEAD":
        assert data == b""
        data = sent[2]  # which applications send, and nobody gets
    given = answer.status_code, fields(list(answer.headers)), data
    assert without_a_type(given) == without_a_type(sent)
