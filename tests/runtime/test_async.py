"""`async def` everywhere a function is taken, in one loop that lasts."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from contextvars import ContextVar
from functools import partial
from typing import Any

import pytest

from microlambda import App, Response, abort, current_app, g, request


def test_views_hooks_and_handlers_may_all_be_async(app: App, lambda_context: Any) -> None:
    trace: list[str] = []

    @app.before_request
    async def before() -> None:
        await asyncio.sleep(0)
        g.user = request.args["user"]

    @app.after_request
    async def after(response: Any) -> Any:
        response.headers["X-User"] = g.user
        return response

    @app.teardown_request
    async def teardown(error: BaseException | None) -> None:
        trace.append(f"teardown {error!r}")

    @app.get("/")
    async def view() -> dict[str, str]:
        await asyncio.sleep(0)
        return {"hello": g.user, "app": str(current_app.name)}

    @app.get("/broken")
    async def broken() -> str:
        raise KeyError("async")

    @app.errorhandler(KeyError)
    async def missing(error: KeyError) -> tuple[str, int]:
        return str(error), 404

    @app.lambda_function()
    async def job(event: Any, context: Any) -> Any:
        await asyncio.sleep(0)
        return event["x"]

    client = app.test_client()
    response = client.get("/?user=ada")
    assert (response.json, response.headers["X-User"]) == ({"hello": "ada", "app": "shop"}, "ada")
    assert client.get("/broken?user=x").status_code == 404
    assert app.handler("job")({"x": 7}, lambda_context) == 7
    assert trace == ["teardown None", "teardown None"]


@pytest.mark.parametrize("wrap", [lambda f: f, lambda f: partial(f), lambda f: lambda: f()], ids="abc")
def test_whatever_answers_a_coroutine_is_awaited(app: App, wrap: Any) -> None:
    async def view() -> tuple[str, int]:
        return "x", 202

    app.add_url_rule("/", "view", wrap(view))

    assert app.test_client().get("/").status_code == 202


def test_one_loop_serves_all_requests_of_an_environment(app: App) -> None:
    loops: list[Any] = []

    @app.get("/")
    async def view() -> str:
        loops.append(asyncio.get_running_loop())
        return "x"

    client = app.test_client()
    client.get("/")
    client.get("/")

    assert loops[0] is loops[1]
    assert not loops[0].is_closed()


def test_requests_in_several_threads_wait_in_the_same_loop_at_once(app: App) -> None:
    arrived: list[str] = []
    everybody = asyncio.Event()

    @app.get("/<name>")
    async def view(name: str) -> str:
        arrived.append(name)
        if len(arrived) == 3:
            everybody.set()
        await everybody.wait()  # nobody is answered before all three are here
        return request.path

    answers: dict[str, str] = {}

    def call(name: str) -> None:
        answers[name] = app.test_client().get(f"/{name}").text

    threads = [threading.Thread(target=call, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert answers == {"a": "/a", "b": "/b", "c": "/c"}


USER: ContextVar[str] = ContextVar("user", default="nobody")


def test_context_variables_go_in_and_come_out(app: App) -> None:
    @app.before_request
    async def before() -> None:
        USER.set(f"{USER.get()} and ada")

    app.get("/")(lambda: USER.get())

    USER.set("bob")
    assert app.test_client().get("/").text == "bob and ada"
    USER.set("nobody")


def test_an_async_error_propagates_in_tests_with_its_own_traceback(app: App) -> None:
    @app.get("/")
    async def view() -> str:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine") as caught:
        app.test_client().get("/")

    assert caught.traceback[-1].name == "view"


def test_abort_works_inside(app: App) -> None:
    @app.get("/")
    async def view() -> str:
        abort(409, "taken")

    assert app.test_client().get("/").json["detail"] == "taken"


def test_a_test_that_runs_a_loop_of_its_own_may_use_the_client(app: App) -> None:
    @app.get("/")
    async def view() -> str:
        return "x"

    async def test() -> str:
        text: str = app.test_client().get("/").text
        return text

    assert asyncio.run(test()) == "x"


def test_waiting_for_the_loop_inside_the_loop_is_an_error_not_a_deadlock(app: App) -> None:
    @app.get("/inner")
    async def inner() -> str:
        return "x"

    @app.get("/")
    async def outer() -> str:
        text: str = app.test_client().get("/inner").text
        return text

    with pytest.raises(RuntimeError, match="asyncio.to_thread"):
        app.test_client().get("/")


def test_async_generators_are_answers_and_are_closed(app: App) -> None:
    trace = []

    @app.get("/")
    async def view() -> Any:
        try:
            yield "a"
            await asyncio.sleep(0)
            yield request.path
        finally:
            trace.append("closed")

    assert app.test_client().get("/").text == "a/"
    assert trace == ["closed"]


def test_a_broken_async_generator_is_a_500(app: App) -> None:
    trace = []

    @app.get("/")
    async def view() -> Any:
        try:
            yield "a"
            raise ValueError
        finally:
            trace.append("closed")

    assert app.test_client(raise_errors=False).get("/").status_code == 500
    assert trace == ["closed"]


def test_systemexit_in_a_coroutine_reaches_the_caller_and_the_loop_goes_on(app: App) -> None:
    @app.get("/")
    async def view() -> str:
        if request.args:
            raise SystemExit(3)
        return "x"

    client = app.test_client()
    with pytest.raises(SystemExit):
        client.get("/?exit=1")
    assert client.get("/").text == "x"


ALONE = """
import sys
from microlambda import App
app = App("x")
@app.get("/")
{kind} view():
    return "x"
early = "asyncio" in sys.modules
context = {{"http": {{"method": "GET"}}}}
event = {{"version": "2.0", "rawPath": "/", "headers": {{}}, "requestContext": context}}
assert app(event, None)["body"] == "x"
print(early, "asyncio" in sys.modules)
"""


@pytest.mark.parametrize(("kind", "loaded"), [("def", "False False"), ("async def", "True True")])
def test_asyncio_is_loaded_at_import_and_only_where_something_is_async(kind: str, loaded: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", "-c", ALONE.format(kind=kind)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout.strip(), done.stderr) == (loaded, "")  # and the loop is closed at exit


def test_many_async_middlewares_and_callers_do_not_wait_for_each_other_for_ever(app: App) -> None:
    """Threads of a pool would all be taken by layers that wait for one more."""
    for _ in range(20):

        @app.middleware("http")
        async def layer(event: Any, get_response: Any) -> Any:
            await asyncio.sleep(0)
            return await get_response(event)

    @app.get("/")
    def view() -> str:
        USER.set("by view")
        return "x"

    answers: list[str] = []
    threads = [
        threading.Thread(target=lambda: answers.append(app.test_client().get("/").text), daemon=True)
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert answers == ["x"] * 8


def test_context_variables_come_out_of_the_view_into_an_async_middleware(app: App) -> None:
    @app.middleware("http")
    async def outer(event: Any, get_response: Any) -> Any:
        response = await get_response(event)
        response.headers["X-User"] = USER.get()
        return response

    @app.get("/")
    def view() -> str:
        USER.set("set by the view")
        return "x"

    assert app.test_client().get("/").headers["X-User"] == "set by the view"
    assert USER.get() == "nobody"


def test_a_context_variable_of_one_request_is_not_there_in_the_next(app: App) -> None:
    app.get("/login")(lambda: str(USER.set("alice").var))
    app.get("/who")(lambda: USER.get())

    client = app.test_client()
    client.get("/login")

    assert client.get("/who").text == "nobody"


def test_a_cancelled_coroutine_is_a_500_not_the_end_of_the_environment(app: App) -> None:
    trace: list[Any] = []
    app.teardown_request(lambda error: trace.append(type(error).__name__))

    @app.get("/")
    async def view() -> str:
        task = asyncio.create_task(asyncio.sleep(60))
        task.cancel()
        await task
        return "x"

    assert app.test_client(raise_errors=False).get("/").status_code == 500
    assert trace == ["RuntimeError"]


@pytest.mark.parametrize("how", ["exit", "stop"])
def test_callers_are_told_when_the_loop_ends_under_them(app: App, how: str) -> None:
    async def leave() -> None:
        sys.exit(3)

    @app.get("/end")
    async def end() -> str:
        if how == "exit":
            await asyncio.create_task(leave())
        else:
            await asyncio.sleep(0)
            asyncio.get_running_loop().stop()
            await asyncio.sleep(60)
        return "x"

    @app.get("/")
    async def view() -> str:
        return "x"

    client = app.test_client()
    with pytest.raises((RuntimeError, SystemExit)):
        client.get("/end")
    assert client.get("/").text == "x"


def test_what_a_coroutine_leaves_to_be_called_is_called_before_its_answer_goes_out(app: App) -> None:
    called: list[str] = []

    @app.get("/")
    async def view() -> str:
        asyncio.get_running_loop().call_soon(called.append, "x")
        return "x"

    assert app.test_client().get("/").text == "x"
    assert called == ["x"]


FORKED = """
import os
from microlambda import App
app = App("x")
@app.get("/")
async def view():
    return "x"
event = {"version": "2.0", "rawPath": "/", "headers": {}, "requestContext": {"http": {"method": "GET"}}}
assert app(event, None)["body"] == "x"
child = os.fork()
assert app(event, None)["body"] == "x"
if child:
    assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_has_a_loop_of_its_own() -> None:
    command = [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-c", FORKED]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_timeout_holds_across_the_pieces_of_an_async_generator(app: App) -> None:
    @app.get("/")
    async def view() -> Any:
        async with asyncio.timeout(0.01):
            yield "a"
            await asyncio.sleep(60)
            yield "late"

    assert app.test_client(raise_errors=False).get("/").status_code == 500


def test_hooks_read_an_async_body_like_any_other(app: App) -> None:
    @app.after_request
    def tag(response: Response) -> Response:
        response.add_etag()
        return response

    @app.get("/")
    async def view() -> Any:
        yield "a"
        yield "b"

    response = app.test_client().get("/")
    assert (response.text, "ETag" in response.headers) == ("ab", True)


@pytest.mark.parametrize(
    "register",
    [
        "app.before_request(f0)",
        "app.get('/')(f0)",
        "app.get('/')(g0)",
        "app.errorhandler(404)(f1)",
        "app.middleware()(f2)",
        "app.lambda_function()(f2)",
        "bp = Blueprint('bp'); bp.after_request(f1); app.register_blueprint(bp)",
    ],
)
def test_asyncio_is_loaded_at_import_for_every_kind_of_async_function(register: str) -> None:
    code = (
        "import sys\nfrom microlambda import App, Blueprint\napp = App('x')\n"
        "async def g0(): yield\nasync def f0(): ...\nasync def f1(a): ...\nasync def f2(a, b): ...\n"
        f"assert 'asyncio' not in sys.modules\n{register}\nassert 'asyncio' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
