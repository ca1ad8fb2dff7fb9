"""What an ASGI application begins and what stands beside it: tasks, its lifespan, handlers of events."""

from __future__ import annotations

import asyncio
import functools
import logging
import subprocess
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
import quart
from asgiref.compatibility import guarantee_single_callable
from fastapi import BackgroundTasks, FastAPI, Request
from starlette.applications import Starlette

from microlambda import App, RegistrationError
from microlambda.runtime.mounts.interface import interface_of

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


async def answer(send: Send, text: str = "x") -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": text.encode()})


def mounted(application: Any, path: str = "/") -> App:
    app = App("shop")
    app.mount(path, application)
    return app


# Tasks ----------------------------------------------------------------------------------------------


def beginning(
    work: Callable[[], Coroutine[Any, Any, None]],
) -> Callable[[Message, Receive, Send], Awaitable[None]]:
    """Make an application that begins a task, answers, and is over."""

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            raise ValueError("there is none")
        application.task = asyncio.create_task(work(), name="behind")  # type: ignore[attr-defined]
        await answer(send)

    return application


def test_a_task_is_over_before_the_invocation_is_and_so_are_those_that_it_began() -> None:
    done: list[str] = []

    async def second() -> None:
        await asyncio.sleep(0.01)
        done.append("second")

    async def first() -> None:
        await asyncio.sleep(0.01)
        done.append("first")
        asyncio.create_task(second())  # noqa: RUF006  # noted

    assert mounted(beginning(first)).test_client().get("/").text == "x"
    assert done == ["first", "second"]


class LittleTime:
    aws_request_id = "1"

    def get_remaining_time_in_millis(self) -> int:
        return 520


EVENT = {"version": "2.0", "rawPath": "/", "headers": {}, "requestContext": {"http": {"method": "GET"}}}


def test_a_task_that_has_no_end_is_named_and_not_waited_for_past_the_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    application = beginning(lambda: asyncio.sleep(3_600))

    result = mounted(application)(EVENT, LittleTime())

    assert result["body"] == "x"
    assert "the task behind (sleep) was not over when the function's time was" in caplog.text
    assert not application.task.cancelled()  # type: ignore[attr-defined]  # it may be meant to go on
    application.task.get_loop().call_soon_threadsafe(application.task.cancel)  # type: ignore[attr-defined]


def test_a_task_that_waits_for_the_caller_to_leave_hangs_nothing_though_there_is_no_answer() -> None:
    told: list[str] = []

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        async def watch() -> None:
            told.append((await receive())["type"])
            told.append((await receive())["type"])

        if scope["type"] == "http":
            application.task = asyncio.create_task(watch())  # type: ignore[attr-defined]
            await asyncio.sleep(0)
            raise RuntimeError("as it should")

    assert mounted(application).test_client(raise_errors=False).get("/").status_code == 500
    assert told == ["http.request", "http.disconnect"]


def test_background_tasks_of_a_fastapi_are_done() -> None:
    done: list[str] = []
    pages = FastAPI()

    @pages.get("/")
    async def view(tasks: BackgroundTasks) -> str:
        tasks.add_task(done.append, "done")
        return "x"

    assert mounted(pages).test_client().get("/").json == "x"
    assert done == ["done"]


def test_tasks_of_the_start_up_are_nobodys_and_go_on() -> None:
    ticks: list[int] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> Any:
        async def tick() -> None:
            while True:
                ticks.append(1)
                await asyncio.sleep(0.001)

        task = asyncio.create_task(tick())
        yield
        task.cancel()

    with mounted(Starlette(lifespan=lifespan)).test_client() as client:
        assert client.get("/").status_code == 404
    assert ticks


# The lifespan ---------------------------------------------------------------------------------------


def living(events: list[str]) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> Any:
        events.append("up")
        yield {"pool": "a pool"}
        events.append("down")

    made = FastAPI(lifespan=lifespan)

    @made.get("/")
    async def pool(request: Request) -> str:
        return str(request.state.pool)

    return made


def test_one_that_is_mounted_twice_starts_once_and_shuts_down_with_the_client() -> None:
    events: list[str] = []
    pages, app = living(events), App("shop")
    app.mount("/one", pages)
    app.mount("/two", pages)

    with app.test_client() as client:
        assert [client.get(f"/{name}/").json for name in ("one", "two")] == ["a pool", "a pool"]
        assert events == ["up"]

    assert events == ["up", "down"]
    assert app.test_client().get("/one/").json == "a pool"  # it starts again
    assert events == ["up", "down", "up"]


def test_one_that_fails_to_start_without_saying_so_is_logged_and_answers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def application(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            raise OSError("the database is down")
        await answer(send)

    assert mounted(application).test_client().get("/").text == "x"
    assert "the database is down" in caplog.text


def test_one_that_knows_no_lifespan_is_not_worth_a_word(caplog: pytest.LogCaptureFixture) -> None:
    async def application(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError("only HTTP")
        await answer(send)

    with caplog.at_level(logging.DEBUG, "microlambda"):
        assert mounted(application).test_client().get("/").text == "x"
    assert caplog.text == ""


ENDING = """
from contextlib import asynccontextmanager
from starlette.applications import Starlette
from microlambda import App

@asynccontextmanager
async def lifespan(_):
    yield
    print("down")

app = App("x")
app.mount("/", Starlette(lifespan=lifespan))
app.test_client().get("/")
"""


def test_it_shuts_down_with_the_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDING], capture_output=True, text=True, check=False, timeout=60
    )

    assert (done.stdout, done.stderr) == ("down\n", "")


# Events beside it -----------------------------------------------------------------------------------


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("part", ["application", "asgi_app"])
def test_handlers_of_events_run_inside_the_context_of_a_quart_that_has_started(
    part: str, is_async: bool
) -> None:
    app, pages = App("shop"), quart.Quart("pages")
    noted: list[str] = []

    @pages.before_serving
    async def up() -> None:
        noted.append("up")

    @pages.teardown_appcontext
    async def left(error: BaseException | None) -> None:
        noted.append(f"left with {type(error).__name__}")

    def take(event: Any) -> None:
        noted.append(quart.current_app.name)
        if [record.body for record in event] == ["fail"]:
            raise ValueError("as it should")

    async def take_async(event: Any) -> None:
        await asyncio.sleep(0)
        take(event)

    app.on_sqs_message(queue="orders", name="take")(take_async if is_async else take)
    app.mount("/", pages if part == "application" else pages.asgi_app)
    client = app.test_client()
    client.sqs("orders", ["one"])
    with pytest.raises(ValueError, match="as it should"):
        client.sqs("orders", ["fail"])

    # Quart's own start-up is inside its context, too.
    assert noted[:2] == ["up", "left with NoneType"]
    assert noted[2:] == ["pages", "left with NoneType", "pages", "left with ValueError"]
    assert not quart.has_app_context()


# Which interface it is ------------------------------------------------------------------------------


async def speaking(scope: Message, receive: Receive, send: Send) -> None:
    await answer(send, scope["type"])


def plainly(connection: Any, incoming: Any, outgoing: Any) -> Any:
    return speaking(connection, incoming, outgoing)


def logged(application: Any) -> Any:
    @functools.wraps(application)
    def call(*args: Any, **options: Any) -> Any:
        return application(*args, **options)

    return call


class InSlot:
    __slots__ = ("__call__",)

    def __init__(self, application: Any) -> None:
        self.__call__ = application


class Twice:
    def __init__(self, scope: Message) -> None: ...

    async def __call__(self, receive: Receive, send: Send) -> None:
        await answer(send, "twice")


APPLICATIONS = {
    "other-names": plainly,
    "decorated": logged(speaking),
    "decorated-plainly": logged(logged(plainly)),
    "in-a-slot": InSlot(speaking),
    "partial": functools.partial(lambda scope, receive, send, more: None, more=1),
    "starlette": Starlette(),
    "fastapi": FastAPI(),
    "quart": quart.Quart("x"),
    "quart-asgi-app": quart.Quart("x").asgi_app,
    "asgi-2-made-3": guarantee_single_callable(Twice),  # type: ignore[no-untyped-call]
}


@pytest.mark.parametrize("application", APPLICATIONS.values(), ids=APPLICATIONS)
def test_asgi_shows_in_the_call(application: Any) -> None:
    assert interface_of("/", application) == "asgi"


@pytest.mark.parametrize(
    "application",
    [
        lambda environ, start_response: [],
        lambda environ, start_response, more=None: [],
        logged(lambda environ, start_response: []),
        functools.partial(lambda more, environ, start_response: [], 1),
        functools.partial(lambda environ, start_response, more: [], more=1),
    ],
)
def test_wsgi_shows_in_the_call(application: Any) -> None:
    assert interface_of("/", application) == "wsgi"


@pytest.mark.parametrize("application", [Twice, lambda scope: speaking], ids=["class", "function"])
def test_asgi_2_is_refused_with_its_remedy(application: Any) -> None:
    with pytest.raises(RegistrationError, match="ASGI 2 .*guarantee_single_callable"):
        App("shop").mount("/", application)


def test_asgi_2_answers_through_that_remedy() -> None:
    application = guarantee_single_callable(Twice)  # type: ignore[no-untyped-call]

    assert mounted(application).test_client().get("/").text == "twice"
