"""ASGI applications under a path of the app: the specification's rules for both sides.

https://asgi.readthedocs.io/en/latest/specs/www.html and https://asgi.readthedocs.io/en/latest/specs/lifespan.html
"""

from __future__ import annotations

import asyncio
import copy
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any
from wsgiref.simple_server import demo_app

import pytest
from asgiref.wsgi import WsgiToAsgi
from flask import Flask
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route

from microlambda import App, RegistrationError, Response, after_this_request, current_app, request
from microlambda.runtime.context import streaming_answers
from microlambda.runtime.dispatch.streamed import StreamedResult
from microlambda.runtime.errors import ConfigurationError
from microlambda.runtime.mounts.interface import interface_of

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

behind_asgi: Any = WsgiToAsgi  # which has no types

INGRESSES = ("http-api", "rest-api", "function-url", "alb", "vpc-lattice")


def of_http(application: Application) -> Application:
    """Make an application that knows no lifespan."""

    async def called(scope: Message, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await application(scope, receive, send)

    return called


def answering(*messages: Message) -> Application:
    @of_http
    async def application(_scope: Message, _receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return application


def start(status: int = 200, *headers: tuple[bytes, bytes]) -> Message:
    return {
        "type": "http.response.start",
        "status": status,
        "headers": headers or [(b"content-type", b"text/plain")],
    }


def body(content: bytes = b"", *, more_body: bool = False) -> Message:
    return {"type": "http.response.body", "body": content, "more_body": more_body}


def mounted(application: Any, path: str = "/") -> App:
    app = App("shop")
    app.mount(path, application)
    return app


# What the application is told -----------------------------------------------------------------------


def scope_at(path: str = "/", *, at: str = "/", **options: Any) -> Message:
    seen: list[Message] = []

    @of_http
    async def application(scope: Message, receive: Receive, send: Send) -> None:
        seen.append({**scope, "body": (await receive())["body"]})
        await send(start(204))
        await send(body())

    mounted(application, at).test_client(**options.pop("client", {})).open(path, **options)
    return seen[0]


@pytest.mark.parametrize("ingress", INGRESSES)
def test_the_scope_is_whole(ingress: str) -> None:
    scope = scope_at(
        "/api/caf%C3%A9%2Fx?a=b%20c",
        at="/api",
        method="POST",
        data=b"\xff\x00",
        headers=[("X-One", "a"), ("Content-Type", "application/octet-stream")],
        client={"ingress": ingress},
    )

    assert scope["asgi"] == {"version": "3.0", "spec_version": "2.5"}
    scheme, port = ("https", 443) if ingress == "vpc-lattice" else ("http", 80)  # the test client's
    assert (scope["http_version"], scope["method"], scope["scheme"]) == ("1.1", "POST", scheme)
    assert scope["root_path"].endswith("/api")
    assert scope["path"] == f"{scope['root_path']}/café/x"
    assert scope["raw_path"].isascii()
    assert scope["query_string"] in (b"a=b%20c", b"a=b+c")
    headers = dict(scope["headers"])
    assert all(type(one) is bytes and one == one.lower() for one in headers)
    assert (headers[b"x-one"], headers[b"content-type"]) == (b"a", b"application/octet-stream")
    assert headers[b"content-length"] == b"2"
    assert b"host" in headers
    assert (scope["server"], scope["body"]) == (("localhost", port), b"\xff\x00")
    assert scope["client"] is None or scope["client"][1] == 0
    assert scope["aws.event"] is scope["microlambda.event"]
    assert "aws.context" in scope


@pytest.mark.parametrize(
    ("ingress", "raw"),
    [
        ("function-url", b"/in/a%2Fb%C3%A9%25"),
        ("rest-api", b"/in/a%2Fb%C3%A9%25"),
        ("alb", b"/in/a%2Fb%C3%A9%25"),
        ("vpc-lattice", b"/in/a%2Fb%C3%A9%25"),
        ("http-api", b"/in/a/b%C3%A9%25"),  # which decodes it
    ],
)
def test_the_raw_path_is_as_it_was_sent_where_the_gateway_keeps_it(ingress: str, raw: bytes) -> None:
    scope = scope_at("/in/a%2Fb%C3%A9%25", at="/in", query_string="q=%20", client={"ingress": ingress})

    assert scope["raw_path"] == raw
    assert scope["path"].endswith("/in/a/bé%")


@pytest.mark.parametrize("ingress", INGRESSES)
@pytest.mark.parametrize("sent", ["/a%20b", "/100%25", "/%2541", "/%3F", "/a%22b"])
def test_a_raw_path_that_the_gateway_decodes_is_encoded_anew(ingress: str, sent: str) -> None:
    assert scope_at(sent, client={"ingress": ingress})["raw_path"] == sent.encode()


def test_the_app_and_its_request_are_there_inside() -> None:
    @of_http
    async def application(_scope: Message, _receive: Receive, send: Send) -> None:
        await asyncio.sleep(0)
        await send(start())
        await send(body(f"{current_app.name} {request.path}".encode()))

    assert mounted(application).test_client().get("/here").text == "shop /here"


def test_after_the_answer_the_caller_has_gone() -> None:
    received: list[str] = []

    @of_http
    async def application(_scope: Message, receive: Receive, send: Send) -> None:
        received.append((await receive())["type"])
        waiting = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        assert not waiting.done()
        await send(start())
        await send(body(b"x"))
        received.extend([(await waiting)["type"], (await receive())["type"]])

    assert mounted(application).test_client().get("/").text == "x"
    assert received == ["http.request", "http.disconnect", "http.disconnect"]


# What the application answers -----------------------------------------------------------------------


@pytest.mark.parametrize("ingress", INGRESSES)
def test_pieces_are_joined_and_fields_kept(ingress: str) -> None:
    application = answering(
        start(
            201,
            (b"content-type", b"image/png"),
            (b"set-cookie", b"a=1"),
            (b"set-cookie", b"b=2"),
            (b"x-name", "é".encode()),
        ),
        body(b"\xff", more_body=True),
        body(more_body=True),
        body(b"\x00"),
    )

    answer = mounted(application).test_client(ingress=ingress).get("/")

    assert (answer.status_code, answer.data, answer.content_type) == (201, b"\xff\x00", "image/png")
    assert answer.headers.getlist("set-cookie") == ["a=1", "b=2"]
    assert answer.headers["x-name"].encode("latin-1").decode() == "é"


@pytest.mark.parametrize(
    ("messages", "problem"),
    [
        ([], "sent no http.response.start"),
        ([start()], "in the midst of its answer"),
        ([start(), body(b"x", more_body=True)], "in the midst of its answer"),
        ([body(b"x")], "before http.response.start"),
        ([start(), start()], "sent twice"),
        ([start(), {"type": "http.response.push"}], "no message of an answer"),
        ([start(200, (b"bad name", b"x")), body()], "bad name"),
        ([start(200, (b"x", b"a\r\nb: c")), body()], "x"),
        ([start(99), body()], "99"),
    ],
)
def test_a_wrong_order_is_a_500_that_the_log_explains(
    messages: list[Message], problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = mounted(answering(*messages)).test_client(raise_errors=False).get("/")

    assert answer.status_code == 500
    assert problem in caplog.text


def test_what_it_raises_is_answered_like_any_error(caplog: pytest.LogCaptureFixture) -> None:
    @of_http
    async def application(_scope: Message, _receive: Receive, send: Send) -> None:
        await send(start())
        raise ZeroDivisionError("in the midst")

    assert mounted(application).test_client(raise_errors=False).get("/").status_code == 500
    assert "in the midst" in caplog.text


def test_work_behind_the_answer_is_done_before_it_goes_and_its_errors_are_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done: list[str] = []

    @of_http
    async def application(scope: Message, _receive: Receive, send: Send) -> None:
        await send(start())
        await send(body(b"answer"))
        await asyncio.sleep(0.01)
        done.append(scope["path"])
        if scope["path"] == "/fails":
            raise ValueError("too late")

    client = mounted(application).test_client()

    assert client.get("/works").text == "answer"
    assert client.get("/fails").text == "answer"
    assert done == ["/works", "/fails"]
    assert "too late" in caplog.text


class LittleTime:
    aws_request_id = "1"

    def get_remaining_time_in_millis(self) -> int:
        return 600


@pytest.mark.parametrize("takes_pieces", [False, True])
def test_work_behind_the_answer_ends_with_the_time_of_the_function(
    caplog: pytest.LogCaptureFixture, takes_pieces: bool
) -> None:
    ended: list[BaseException] = []

    @of_http
    async def application(_scope: Message, _receive: Receive, send: Send) -> None:
        await send(start())
        await send(body(b"answer"))
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError as exc:
            ended.append(exc)
            raise

    with caplog.at_level(logging.WARNING), streaming_answers(takes_pieces):
        result = mounted(application)(URL_EVENT, LittleTime())

    assert (result["statusCode"], result["body"], len(ended)) == (200, "answer", 1)
    assert "before the function's time was over" in caplog.text


# In pieces ------------------------------------------------------------------------------------------

URL_EVENT = {
    "version": "2.0",
    "rawPath": "/",
    "headers": {},
    "requestContext": {"http": {"method": "GET"}, "domainName": "x.lambda-url.eu-west-1.on.aws"},
}


def streamed(application: Application) -> Any:
    with streaming_answers():
        return mounted(application)(URL_EVENT, None)


def test_pieces_go_out_as_they_come() -> None:
    sent: list[bytes] = []

    @of_http
    async def application(_scope: Message, _receive: Receive, send: Send) -> None:
        await send(start())
        for piece in (b"one", b"two", b"three"):
            sent.append(piece)
            await send(body(piece, more_body=True))
            await asyncio.sleep(0.01)
        await send(body())

    result = streamed(application)

    assert isinstance(result, StreamedResult)
    chunks: Any = result.chunks
    assert next(chunks) == b"one"
    assert b"three" not in sent
    assert list(chunks) == [b"two", b"three"]
    chunks.close()


@pytest.mark.parametrize("fields", [[], [(b"content-length", b"3")]])
def test_an_answer_that_is_whole_or_says_its_length_is_not_streamed(fields: Any) -> None:
    messages = [start(200, (b"content-type", b"text/plain"), *fields), body(b"one", more_body=bool(fields))]

    result = streamed(answering(*messages, *([body()] if fields else [])))

    assert result["body"] == "one"


def test_a_caller_that_leaves_is_told_to_the_application() -> None:
    seen: list[str] = []

    @of_http
    async def application(_scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        await send(start())
        await send(body(b"one", more_body=True))
        seen.append((await receive())["type"])

    result = streamed(application)
    assert next(result.chunks) == b"one"
    result.chunks.close()

    assert seen == ["http.disconnect"]


@pytest.mark.parametrize("waits", [False, True], ids=["at-once", "with-turns"])
def test_an_application_waits_for_a_reader_that_is_slow(waits: bool) -> None:
    sent: list[int] = []

    @of_http
    async def application(_scope: Message, _receive: Receive, send: Send) -> None:
        await send(start())
        for number in range(1_000):
            await send(body(b"x" * 10_000, more_body=True))
            sent.append(number)
            if waits:
                await asyncio.sleep(0)
        await send(body())

    chunks: Any = streamed(application).chunks
    for read in range(1, 40):
        assert next(chunks) == b"x" * 10_000
        assert len(sent) <= read + 8
    assert sum(map(len, chunks)) == 961 * 10_000
    chunks.close()
    assert len(sent) == 1_000


def test_an_answer_of_a_known_length_waits_for_no_reader() -> None:
    pieces = [body(b"x" * 50_000, more_body=True) for _ in range(20)]

    fields = ((b"content-type", b"text/plain"), (b"content-length", b"1000000"))
    result = streamed(answering(start(200, *fields), *pieces, body()))

    assert result["body"] == "x" * 1_000_000


def test_a_caller_that_leaves_wakes_an_application_that_waits_for_it() -> None:
    seen: list[str] = []

    @of_http
    async def application(_scope: Message, _receive: Receive, send: Send) -> None:
        await send(start())
        try:
            while True:
                await send(body(b"x" * 50_000, more_body=True))
        except OSError as exc:
            seen.append(str(exc))

    chunks: Any = streamed(application).chunks
    next(chunks)
    chunks.close()

    assert seen == ["the caller has gone: nobody takes the rest of the answer."]


def endless(over: list[str]) -> Application:
    """Make an application of Starlette that never ends its answer by itself; notes how it ended."""

    async def pieces() -> AsyncIterator[str]:
        while True:
            yield "x"
            await asyncio.sleep(0)

    inner: Any = Starlette(routes=[Route("/", lambda _request: StreamingResponse(pieces()))])

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        try:
            await inner(scope, receive, send)
        except BaseException as exc:
            over.append(type(exc).__name__)
            raise

    return application


def left_unread(app: App, method: str) -> Any:
    with streaming_answers():
        event: Any = copy.deepcopy(URL_EVENT)
        event["requestContext"]["http"]["method"] = method
        return app(event, None)


def test_an_answer_to_head_that_never_ends_is_ended(caplog: pytest.LogCaptureFixture) -> None:
    over: list[str] = []

    result = left_unread(mounted(endless(over)), "HEAD")

    assert (result["statusCode"], result["body"]) == (200, "")
    assert over == ["ClientDisconnect"]
    assert caplog.text == ""


@pytest.mark.parametrize("how", ["after_request", "after_this_request", "middleware"])
def test_an_answer_that_another_one_replaces_is_ended(how: str, caplog: pytest.LogCaptureFixture) -> None:
    over: list[str] = []
    app = App("shop")
    inner = endless(over)

    async def outer(scope: Message, receive: Receive, send: Send) -> None:
        if how == "after_this_request" and scope["type"] == "http":
            after_this_request(lambda _response: Response("other"))
        await inner(scope, receive, send)

    app.mount("/", outer)
    if how == "after_request":
        app.after_request(lambda _response: Response("other"))
    elif how == "middleware":

        @app.middleware("http")
        def instead(event: Any, get_response: Any) -> Response:
            get_response(event)
            return Response("other")

    assert left_unread(app, "GET")["body"] == "other"
    assert over == ["ClientDisconnect"]
    assert caplog.text == ""


def test_what_is_sent_to_a_caller_that_has_left_is_an_error_of_the_system(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As the specification has it, from 2.4 on; what else the application raises then is told."""
    errors: list[OSError] = []

    @of_http
    async def application(_scope: Message, receive: Receive, send: Send) -> None:
        await send(start())
        await send(body(b"one", more_body=True))
        assert (await receive())["type"] == "http.request"
        assert (await receive())["type"] == "http.disconnect"
        for message in (body(b"two"), start()):
            try:
                await send(message)
            except OSError as exc:
                errors.append(exc)
        raise ValueError("of its own")

    streamed(application).chunks.close()

    assert len(errors) == 2
    assert "failed behind its answer" in caplog.text
    assert "of its own" in caplog.text


def test_an_error_behind_the_first_piece_is_raised_where_it_is_read() -> None:
    @of_http
    async def application(_scope: Message, _receive: Receive, send: Send) -> None:
        await send(start())
        await send(body(b"one", more_body=True))
        await asyncio.sleep(0.01)
        raise ValueError("in the midst")

    result = streamed(application)

    assert next(result.chunks) == b"one"
    with pytest.raises(ValueError, match="in the midst"):
        list(result.chunks)
    result.chunks.close()


# The lifespan ---------------------------------------------------------------------------------------


def living(events: list[str], *, failure: str = "") -> Application:
    async def application(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            assert (await receive())["type"] == "lifespan.startup"
            events.append("up")
            if failure:
                await send({"type": "lifespan.startup.failed", "message": failure})
                return
            scope["state"]["pool"] = {"size": 3}
            await send({"type": "lifespan.startup.complete"})
            assert (await receive())["type"] == "lifespan.shutdown"
            events.append("down")
            await send({"type": "lifespan.shutdown.complete"})
            return
        scope["state"]["own"] = "mine"
        events.append(str(sorted(scope["state"])))
        await send(start())
        await send(body(b"x"))

    return application


def test_it_starts_once_and_its_state_is_copied_to_requests() -> None:
    events: list[str] = []
    app = mounted(living(events))
    client = app.test_client()

    assert [client.get("/").text, client.get("/").text] == ["x", "x"]
    assert events == ["up", "['own', 'pool']", "['own', 'pool']"]
    (rule,) = app.route_table
    lifespan: Any = rule.view
    lifespan.lifespan.stop()
    assert events[-1] == "down"


def test_a_failure_to_start_is_one_of_the_start() -> None:
    app = mounted(living([], failure="no database"))

    with pytest.raises(ConfigurationError, match="failed to start: no database"):
        app.startups[0]()


def test_one_that_returns_at_once_has_no_lifespan() -> None:
    async def application(scope: Message, _receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await send(start())
            await send(body(b"x"))

    assert mounted(application).test_client().get("/").text == "x"


# Which interface it is ------------------------------------------------------------------------------


class Middleware:
    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        return self.app(scope, receive, send)


@pytest.mark.parametrize(
    ("application", "interface"),
    [
        (answering(), "asgi"),
        (Middleware(answering()), "asgi"),
        (partial(Middleware(answering())), "asgi"),
        (behind_asgi(demo_app), "asgi"),
        (demo_app, "wsgi"),
        (Flask("x"), "wsgi"),
        (Flask("x").wsgi_app, "wsgi"),
        (partial(demo_app), "wsgi"),
        (lambda *both: [], "wsgi"),
    ],
)
def test_the_interface_shows_in_the_call(application: Any, interface: str) -> None:
    assert interface_of("/", application) == interface


def test_the_interface_can_be_said_and_is_one_of_two() -> None:
    inner = answering(start(), body(b"said"))
    app = App("shop")
    app.mount("/", lambda *three: inner(*three), interface="asgi")
    with pytest.raises(RegistrationError, match="'asgi3'.*interface is 'wsgi' or 'asgi'"):
        app.mount("/x", inner, interface="asgi3")

    assert app.test_client().get("/").text == "said"


def test_a_flask_behind_asgi_answers_as_it_does_by_itself() -> None:
    flask = Flask("x")

    @flask.route("/<name>", methods=["GET", "POST"])
    def view(name: str) -> Any:
        from flask import request as asked

        return {"name": name, "data": asked.get_data(as_text=True), "args": asked.args, "host": asked.host}

    one, other = mounted(behind_asgi(flask)).test_client(), mounted(flask).test_client()

    for send in (one.get, other.get), (one.post, other.post):
        first, second = (
            call("/caf%C3%A9?a=b", **({"data": b"x"} if "post" in str(call) else {})) for call in send
        )
        assert (first.status_code, first.json) == (second.status_code, second.json)
