"""`@app.task`: the function as it was, `.delay`, where that runs it, and what it refuses."""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import logging
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from microlambda import App, Blueprint, RegistrationError, Task, TaskError, UnknownEvent, current_app, g
from microlambda.runtime.events.task import TaskEvent
from microlambda.runtime.tasks import MAX_PAYLOAD

ARN = "arn:aws:sqs:eu-west-1:123456789012:failed"


def call(name: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """The event of a task, as the documentation writes it."""
    return {"microlambda": {"task": name, "id": "id-1", "args": list(args), "kwargs": kwargs}}


def is_id(text: str) -> bool:
    return str(UUID(text)) == text


# The function as it was ------------------------------------------------------------------------------


def test_calling_a_task_calls_the_function(app: App) -> None:
    @app.task
    def double(number: int) -> int:
        """Twice as much."""
        return number * 2

    assert double(21) == 42
    assert isinstance(double, Task)
    assert (double.__name__, double.__doc__, double.__module__) == ("double", "Twice as much.", __name__)
    assert str(inspect.signature(double)) == "(number: 'int') -> 'int'"
    assert double.__wrapped__(4) == 8
    assert repr(double).startswith("<Task ")
    assert "test_task.py" in repr(double)


def test_a_task_that_is_async_def_is_awaited_where_it_is_called_and_run_where_it_is_delayed(app: App) -> None:
    seen: list[int] = []

    @app.task
    async def note(number: int) -> int:
        await asyncio.sleep(0)
        seen.append(number)
        return number

    assert asyncio.run(note(1)) == 1
    note.delay(2)
    assert seen == [1, 2]


@pytest.mark.parametrize("written", ["bare", "called", "with words"])
def test_the_decorator_is_written_with_or_without_parentheses(app: App, written: str) -> None:
    def work() -> None: ...

    made = {
        "bare": lambda: app.task(work),
        "called": lambda: app.task()(work),
        "with words": lambda: app.task(
            name="work", retries=0, maximum_age=60, dead_letter_queue=ARN, on_failure=ARN
        )(work),
    }[written]()

    assert isinstance(made, Task)
    assert list(app.handlers) == ["work"]
    assert bool(app.handlers["work"].trigger.asynchronous) is (written == "with words")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"retries": 3}, r"task\(retries=3\): AWS takes 0 to 2", id="retries"),
        pytest.param({"maximum_age": 5}, r"task\(maximum_age=5\): AWS takes 60 to 21,600", id="age"),
        pytest.param({"dead_letter_queue": "failed"}, r"that is no ARN", id="queue"),
        pytest.param({"on_failure": "arn:aws:ec2:r:1:x"}, "an ARN of ec2, not of sqs or sns", id="service"),
        pytest.param({"name": ""}, r"task\(name=''\): a handler's name is a str", id="name"),
    ],
)
def test_what_the_decorator_says_is_checked_before_it_decorates(
    app: App, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(RegistrationError, match=words):
        app.task(**options)


def test_a_misspelt_keyword_is_told_with_the_right_one(app: App) -> None:
    with pytest.raises(TypeError, match=r"task\(\) takes no 'retry'. Did you mean 'retries'"):
        app.task(retry=1)  # type: ignore[call-overload]


def test_a_name_in_place_of_the_function_is_told_how_to_be_written(app: App) -> None:
    with pytest.raises(RegistrationError, match=r"Write @app.task\(name='resize'\)"):
        app.task("resize")  # type: ignore[call-overload]


def test_two_tasks_of_one_name_are_refused(app: App) -> None:
    app.task(name="work")(lambda: None)

    with pytest.raises(RegistrationError, match="'work' has the name of another function"):
        app.task(name="work")(lambda: None)


# What .delay hands over ------------------------------------------------------------------------------


def test_arguments_arrive_as_json_has_them(app: App) -> None:
    seen: list[Any] = []

    @app.task
    def note(*args: Any, **kwargs: Any) -> None:
        seen.append((args, kwargs))

    note.delay(
        datetime(2026, 11, 24, 10, tzinfo=UTC), Decimal("1.5"), (1, 2), name="Zoë", id=UUID(int=0), on=None
    )

    assert seen == [
        (
            ("2026-11-24T10:00:00+00:00", 1.5, [1, 2]),
            {"name": "Zoë", "id": "00000000-0000-0000-0000-000000000000", "on": None},
        )
    ]


def test_the_apps_own_encoder_is_asked(app: App) -> None:
    class Order:
        number = 7

    def default(value: Any) -> Any:
        if isinstance(value, Order):
            return value.number
        raise TypeError

    app.json_default = default
    seen: list[Any] = []
    task = app.task(name="note")(seen.append)

    task.delay(Order())

    assert seen == [7]


def test_the_caller_keeps_what_the_task_changes(app: App) -> None:
    @app.task
    def spoil(numbers: list[int]) -> None:
        numbers.clear()

    numbers = [1, 2]
    spoil.delay(numbers)

    assert numbers == [1, 2]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        pytest.param(object(), "JSON has no type for object", id="object"),
        pytest.param({(1, 2): 3}, "keys must be str", id="key"),
        pytest.param(float("nan"), "JSON", id="nan"),
        pytest.param([{"deep": {1j}}], "JSON has no type for complex", id="nested"),
    ],
)
def test_what_json_cannot_hold_is_an_error_naming_task_and_type(app: App, value: Any, words: str) -> None:
    ran: list[Any] = []
    task = app.task(name="resize")(ran.append)

    with pytest.raises(TaskError, match=f"(?s)the task 'resize' cannot travel as JSON: .*{words}"):
        task.delay(value)

    assert ran == []


def test_a_payload_of_one_megabyte_passes_and_one_byte_more_is_told_with_the_remedy(app: App) -> None:
    lengths: list[int] = []

    @app.task(name="store")
    def store(text: str) -> None:
        lengths.append(len(text))

    envelope = len(json.dumps(call("store", ""), separators=(",", ":"))) - len("id-1") + 36
    store.delay("x" * (MAX_PAYLOAD - envelope))

    with pytest.raises(TaskError, match="take 1,048,577 bytes; Lambda accepts 1,048,576 .* S3"):
        store.delay("x" * (MAX_PAYLOAD - envelope + 1))
    with pytest.raises(TaskError, match="S3"):
        store.delay("é" * (MAX_PAYLOAD // 2))
    assert lengths == [MAX_PAYLOAD - envelope]


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        pytest.param((), {}, id="missing"),
        pytest.param((1, 2, 3), {}, id="too many"),
        pytest.param((1,), {"widht": 2}, id="unknown"),
        pytest.param((1,), {"key": 2}, id="twice"),
    ],
)
def test_wrong_arguments_are_told_at_delay_and_nothing_runs(
    app: App, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    ran: list[Any] = []

    @app.task
    def resize(key: Any, width: int = 100) -> None:
        ran.append(key)

    with pytest.raises(TypeError, match=r"resize.delay\(\): .* The task takes \(key"):
        resize.delay(*args, **kwargs)

    assert ran == []


@pytest.mark.skipif(sys.version_info < (3, 14), reason="annotations are looked up late from Python 3.14 on")
def test_a_name_that_type_checkers_alone_know_does_no_harm(app: App) -> None:
    source = "def work(key: Unknown) -> None: ...\n"
    module: dict[str, Any] = {}
    exec(compile(source, "work.py", "exec", dont_inherit=True), module)
    task = app.task(module["work"])

    task.delay("cats")

    with pytest.raises(TypeError, match=r"work.delay\(\): missing"):
        task.delay()


def test_a_partial_is_a_task_too(app: App) -> None:
    seen: list[Any] = []
    task = app.task(name="note")(functools.partial(lambda *args: seen.append(args), 1))

    task.delay(2)

    assert seen == [(1, 2)]
    assert task(3) is None
    assert repr(task).startswith("<Task ")


# Where it runs at once -------------------------------------------------------------------------------


def test_it_has_run_when_delay_comes_back_with_the_id_of_its_own_context(app: App) -> None:
    seen: list[str] = []

    @app.task
    def work() -> None:
        seen.append(app.lambda_context.aws_request_id)
        assert app.lambda_context.get_remaining_time_in_millis() > 0

    first, second = work.delay(), work.delay()

    assert seen == [first, second]
    assert first != second
    assert is_id(first)


def test_a_view_and_its_task_do_not_share_g_or_the_request(app: App) -> None:
    seen: list[Any] = []

    @app.task
    def work() -> None:
        seen.append((g.get("user"), app.lambda_context.aws_request_id))
        g.user = "of the task"

    @app.get("/")
    def index() -> dict[str, Any]:
        g.user = "ann"
        task_id = work.delay()
        return {"user": g.user, "task": task_id, "own": app.lambda_context.aws_request_id}

    answer = app.test_client().get("/").json

    assert answer["user"] == "ann"
    assert seen == [(None, answer["task"])]
    assert answer["own"] != answer["task"]


def test_middleware_runs_around_a_task_and_sees_what_was_handed_over(app: App) -> None:
    seen: list[Any] = []

    @app.middleware("task")
    def noted(event: TaskEvent, get_response: Any) -> Any:
        seen.append((event.name, event.args, event.kwargs, event.id))
        return get_response(event)

    @app.task
    def work(number: int, *, unit: str) -> None:
        seen.append(number)

    task_id = work.delay(3, unit="kg")

    assert seen == [("work", (3,), {"unit": "kg"}, task_id), 3]


def test_its_error_reaches_the_test(app: App) -> None:
    @app.task
    def work() -> None:
        raise ZeroDivisionError("on purpose")

    @app.get("/")
    def index() -> str:
        return work.delay()

    with pytest.raises(ZeroDivisionError, match="on purpose"):
        work.delay()
    with pytest.raises(ZeroDivisionError, match="on purpose"):
        app.test_client().get("/")


def test_where_a_test_asks_for_the_callers_answer_its_error_is_logged_with_the_users_frames(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    ids: list[str] = []

    @app.task
    def work() -> None:
        ids.append(app.lambda_context.aws_request_id)
        raise ZeroDivisionError("on purpose")

    @app.get("/")
    def index() -> str:
        return work.delay()

    with caplog.at_level(logging.ERROR):
        response = app.test_client(raise_errors=False).get("/")

    (record,) = caplog.records
    assert (response.status_code, response.text) == (200, ids[0])
    assert record.getMessage() == "'work' failed: ZeroDivisionError"
    assert vars(record)["aws_request_id"] == ids[0]
    assert record.exc_info is not None
    trace = record.exc_info[2]
    assert trace is not None
    assert trace.tb_frame.f_code.co_name == "work"


def test_an_answer_that_is_no_json_is_nobodys_to_read(app: App) -> None:
    @app.task
    def work() -> object:
        return object()

    @app.task
    def count() -> int:
        return 7

    work.delay()
    assert app(call("work"), None) is None
    assert app(call("count"), None) == 7


def test_a_task_may_delay_another(app: App) -> None:
    seen: list[int] = []

    @app.task
    def step(number: int) -> None:
        seen.append(number)
        if number:
            step.delay(number - 1)

    step.delay(2)

    assert seen == [2, 1, 0]


def test_an_async_view_delays_an_async_task_from_a_thread(app: App) -> None:
    seen: list[int] = []

    @app.task
    async def work(number: int) -> None:
        await asyncio.sleep(0)
        seen.append(number)

    @app.get("/")
    async def index() -> str:
        return await asyncio.to_thread(work.delay, 1)

    assert is_id(app.test_client().get("/").text)
    assert seen == [1]


# Blueprints ------------------------------------------------------------------------------------------


def test_a_blueprints_task_has_its_name_in_front(app: App) -> None:
    shop = Blueprint("shop")
    seen: list[str] = []

    @shop.task
    def nightly(table: str) -> None:
        seen.append(f"{current_app.name} {table}")

    with pytest.raises(TaskError, match="no app has registered"):
        nightly.delay("orders")
    app.register_blueprint(shop)
    nightly.delay("orders")

    assert list(app.handlers) == ["shop.nightly"]
    assert seen == ["shop orders"]
    assert app(call("shop.nightly", "again"), None) is None
    assert seen == ["shop orders", "shop again"]


def test_a_blueprint_of_two_apps_runs_in_the_one_that_answers_else_in_the_last() -> None:
    shop = Blueprint("shop")
    seen: list[str | None] = []

    @shop.task
    def note() -> None:
        seen.append(current_app.name)

    @shop.get("/")
    def index() -> str:
        return note.delay()

    first, second = App("first"), App("second")
    first.register_blueprint(shop)
    second.register_blueprint(shop)

    first.test_client().get("/")
    second.test_client().get("/")
    note.delay()

    assert seen == ["first", "second", "second"]


def test_a_blueprint_that_is_nested_twice_has_a_task_of_each_name(app: App) -> None:
    shop, north, south = Blueprint("shop"), Blueprint("north"), Blueprint("south")
    seen: list[str] = []

    @shop.task
    def note(event: str) -> None:
        seen.append(event)

    north.register_blueprint(shop)
    south.register_blueprint(shop)
    app.register_blueprint(north)
    app.register_blueprint(south)

    app(call("north.shop.note", "n"), None)
    app(call("south.shop.note", "s"), None)
    note.delay("either")

    assert list(app.handlers) == ["north.shop.note", "south.shop.note"]
    assert seen == ["n", "s", "either"]


# Dispatch --------------------------------------------------------------------------------------------


def test_bound_and_inferred_give_the_same_result(app: App, lambda_context: Any) -> None:
    @app.task
    def work(number: int, times: int = 2) -> int:
        return number * times

    @app.task
    def other(number: int) -> int:
        return -number

    event = call("work", 3, times=5)

    assert app(event, lambda_context) == app.handler("work")(event, lambda_context) == 15
    with pytest.raises(
        UnknownEvent, match=r"event of task \(work\) is for no handler.*other.delay\(\) calls"
    ):
        app.handler("other")(event, lambda_context)


def test_a_call_of_a_task_that_is_gone_is_an_error_naming_it(app: App) -> None:
    app.task(name="work")(lambda: None)

    with pytest.raises(UnknownEvent, match=r"\(resize\) is for no handler. Declared: 'work', @app.task"):
        app(call("resize"), None)


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param({"args": "abc"}, id="text"),
        pytest.param({"args": {"a": 1}}, id="object"),
        pytest.param({"kwargs": [1]}, id="list"),
    ],
)
def test_arguments_of_a_wrong_shape_are_refused(app: App, parts: dict[str, Any]) -> None:
    app.task(name="work")(lambda *_args, **_kwargs: None)

    with pytest.raises(UnknownEvent, match="the task 'work' is not one that .delay"):
        app({"microlambda": {"task": "work", **parts}}, None)


def test_a_call_by_hand_may_leave_out_what_it_has_not(app: App, lambda_context: Any) -> None:
    seen: list[TaskEvent] = []

    @app.middleware("task")
    def noted(event: TaskEvent, get_response: Any) -> Any:
        seen.append(event)
        return get_response(event)

    app.task(name="work")(lambda: 1)

    assert app({"microlambda": {"task": "work"}}, lambda_context) == 1
    (event,) = seen
    assert (event.args, event.kwargs, event.id) == ((), {}, lambda_context.aws_request_id)


def test_the_events_label_leaves_out_the_arguments_and_its_cloudevent_has_them(lambda_context: Any) -> None:
    event = TaskEvent(call("shop.mail", "ann@example.com", password="s3cret"), lambda_context)

    document = event.to_cloudevent()

    assert repr(event) == str(event) == "<TaskEvent shop.mail id-1>"
    assert document == event.to_cloudevent()
    read = JSONFormat().read(CloudEvent, json.dumps(document).encode())
    assert (read.get_id(), read.get_subject()) == ("id-1", "shop.mail")
    assert read.get_type() == "com.amazonaws.lambda.invocation"
    assert read.get_source() == lambda_context.invoked_function_arn
    assert read.get_data() == {"args": ["ann@example.com"], "kwargs": {"password": "s3cret"}}


# On Lambda -------------------------------------------------------------------------------------------


class Service:
    """Lambda's endpoint: it notes what it is asked, and answers as the test says."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, list[str]], str, dict[str, Any]]] = []
        self.error: tuple[int, str, str] | None = None
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                path, query = urlsplit(self.path)[2:4]
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                service.calls.append((path, parse_qs(query), self.headers["X-Amz-Invocation-Type"], body))
                status, kind, message = service.error or (202, "", "")
                content = json.dumps({"message": message}).encode() if kind else b""
                self.send_response(status)
                self.send_header("x-amzn-RequestId", f"request-{len(service.calls)}")
                if kind:
                    self.send_header("x-amzn-ErrorType", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """An environment of Lambda, in which the function `shop-dev-http` runs."""
    made = Service()
    for name, value in {
        "AWS_LAMBDA_FUNCTION_NAME": "shop-dev-http",
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": made.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": "/nowhere",
        "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    clients: list[Any] = []
    monkeypatch.setattr("microlambda.runtime.tasks.on_lambda._clients", clients)
    yield made
    for client in clients:
        client.close()
    made.stop()


def test_delay_invokes_the_tasks_function_asynchronously_and_answers_its_request_id(
    app: App, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MICROLAMBDA_SERVICE", "shop-dev")
    ran: list[Any] = []
    task = app.task(name="resize")(lambda key, width=1: ran.append(key))

    ids = [task.delay("cats.png", width=Decimal(200)), task.delay("dogs.png")]

    assert ids == ["request-1", "request-2"]
    assert ran == []
    path, query, kind, body = service.calls[0]
    assert path == "/2015-03-31/functions/shop-dev-resize/invocations"
    assert (query, kind) == ({"Qualifier": ["live"]}, "Event")
    assert body == {"microlambda": {"task": "resize", "args": ["cats.png"], "kwargs": {"width": 200}}}


def test_what_lambda_is_sent_runs_the_task_there(
    app: App, service: Service, monkeypatch: pytest.MonkeyPatch, lambda_context: Any
) -> None:
    monkeypatch.setenv("MICROLAMBDA_SERVICE", "shop-dev")
    seen: list[Any] = []

    @app.task
    def note(*args: Any, **kwargs: Any) -> None:
        seen.append((args, kwargs, app.lambda_context.aws_request_id))

    note.delay(1, two=2)
    app.handler("note")(service.calls[0][3], lambda_context)

    assert seen == [((1,), {"two": 2}, lambda_context.aws_request_id)]


def test_a_dotted_name_becomes_the_one_that_the_deployer_gives(
    app: App, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    from microlambda.plan.names import function_name

    monkeypatch.setenv("MICROLAMBDA_SERVICE", "my shop-dev")
    shop = Blueprint("shop")
    task = shop.task(name="nightly")(lambda: None)
    app.register_blueprint(shop)

    task.delay()

    deployed = function_name("my shop", "dev", "shop.nightly")
    assert service.calls[0][0] == f"/2015-03-31/functions/{deployed}/invocations"


@pytest.mark.parametrize(
    ("arn", "qualifier"),
    [
        pytest.param("arn:aws:lambda:eu-west-1:123456789012:function:mine:prod", ["prod"], id="alias"),
        pytest.param("arn:aws:lambda:eu-west-1:123456789012:function:mine", None, id="none"),
        pytest.param(None, None, id="no context"),
    ],
)
def test_without_our_deployer_the_function_calls_itself(
    app: App,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    lambda_context: Any,
    arn: str | None,
    qualifier: list[str] | None,
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "mine")
    task = app.task(name="resize")(lambda: None)
    lambda_context.invoked_function_arn = arn

    @app.on(lambda _event: True)
    def start(_event: Any) -> str:
        return task.delay()

    assert app({}, lambda_context) == "request-1"

    path, query, _kind, _body = service.calls[0]
    assert path == "/2015-03-31/functions/mine/invocations"
    assert query.get("Qualifier") == qualifier


@pytest.mark.parametrize(
    ("error", "words"),
    [
        pytest.param(
            (403, "AccessDeniedException", "not authorized"),
            "the role of this function may not call shop-dev-resize:live. .*lambda:InvokeFunction",
            id="permission",
        ),
        pytest.param(
            (404, "ResourceNotFoundException", "Function not found"),
            "there is no function shop-dev-resize:live. `microlambda deploy` makes one",
            id="function",
        ),
        pytest.param((413, "RequestEntityTooLargeException", "too big"), "too big", id="other"),
    ],
)
def test_what_aws_refuses_is_an_error_with_the_remedy(
    app: App,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    error: tuple[int, str, str],
    words: str,
) -> None:
    monkeypatch.setenv("MICROLAMBDA_SERVICE", "shop-dev")
    task = app.task(name="resize")(lambda: None)
    service.error = error

    with pytest.raises(TaskError, match=f"the task 'resize' was not handed over: .*{words}") as raised:
        task.delay()

    assert raised.value.__cause__ is not None


def test_nothing_is_sent_that_cannot_be(app: App, service: Service) -> None:
    task = app.task(name="resize")(lambda key: None)

    with pytest.raises(TypeError):
        task.delay()  # type: ignore[call-arg]
    with pytest.raises(TaskError, match="JSON"):
        task.delay(object())
    with pytest.raises(TaskError, match="S3"):
        task.delay("x" * MAX_PAYLOAD)

    assert service.calls == []


def test_several_threads_may_delay_at_once(
    app: App, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MICROLAMBDA_SERVICE", "shop-dev")
    task = app.task(name="resize")(lambda key: None)

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(task.delay, range(24)))

    assert len(set(ids)) == 24
    assert sorted(body["microlambda"]["args"][0] for *_, body in service.calls) == list(range(24))


def test_the_test_client_runs_tasks_here_though_the_environment_names_a_function(
    app: App, service: Service
) -> None:
    ran: list[int] = []
    task = app.task(name="resize")(ran.append)

    @app.get("/")
    def index() -> str:
        return task.delay(1)

    assert is_id(app.test_client().get("/").text)
    assert (ran, service.calls) == ([1], [])
