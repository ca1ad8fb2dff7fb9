"""What callers and logs get of errors."""

from __future__ import annotations

import functools
import logging
import subprocess
import sys
import threading
from http import HTTPStatus
from typing import Any

import pytest

from microlambda import (
    CORS,
    App,
    BadRequest,
    Blueprint,
    HTTPException,
    NotFound,
    Response,
    abort,
    after_this_request,
    g,
    make_response,
    request,
)
from microlambda.runtime.errors import EncodingError, OutsideRequest, RegistrationError


@pytest.mark.parametrize(
    ("arguments", "status", "title", "detail"),
    [
        ((404,), 404, "Not Found", None),
        ((404, "no such order"), 404, "Not Found", "no such order"),
        ((418,), 418, "I'm a Teapot", None),
        ((451, "by law"), 451, "Unavailable For Legal Reasons", "by law"),
        ((499,), 499, "Error", None),
    ],
)
def test_abort_answers_a_problem(
    app: App, arguments: tuple[Any, ...], status: int, title: str, detail: str | None
) -> None:
    app.get("/")(lambda: abort(*arguments, headers={"X-A": "1"}))

    response = app.test_client().get("/")

    assert (response.status_code, response.headers["X-A"]) == (status, "1")
    assert response.mimetype == "application/problem+json"
    expected = {"type": "about:blank", "title": title, "status": status}
    assert response.json == (expected if detail is None else {**expected, "detail": detail})


def test_abort_takes_a_whole_response(app: App) -> None:
    app.errorhandler(HTTPException)(lambda error: "never")
    app.get("/")(lambda: abort(Response("mine", status_code=402)))

    response = app.test_client().get("/")

    assert (response.status_code, response.text) == (402, "mine")


@pytest.mark.parametrize("status", [200, 302, 600, "404", None, True])
def test_abort_with_what_is_no_error_is_a_mistake(app: App, status: Any) -> None:
    app.get("/")(lambda: abort(status))

    with pytest.raises(ValueError, match="no status of an HTTP error"):
        app.test_client().get("/")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (99, "99 is no status"),
        ("404", "'404' is no status"),
        (NotFound(), "Give its class: NotFound"),
        (SystemExit, "keep the process from ending"),
        (int, "write @app.errorhandler\\(404\\)"),
    ],
)
def test_an_error_handler_for_what_is_no_error_is_refused(app: App, error: Any, says: str) -> None:
    with pytest.raises(RegistrationError, match=says):
        app.errorhandler(error)(lambda exc: "x")


def test_a_handler_may_give_the_error_back(app: App) -> None:
    """Flask's way to leave HTTP errors as they are in a handler for everything."""

    @app.errorhandler(Exception)
    def every(error: Exception) -> Any:
        return error if isinstance(error, HTTPException) else ("other", 500)

    assert app.test_client().get("/nowhere").json["status"] == 404


def test_a_handler_may_raise_the_error_again(app: App) -> None:
    @app.errorhandler(404)
    def again(error: NotFound) -> Any:
        raise error

    assert app.test_client().get("/nowhere").json["title"] == "Not Found"


def test_an_unhandled_error_is_logged_once_with_its_traceback_and_the_request_id(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    app.before_request(lambda: None)

    @app.get("/boom")
    def boom() -> str:
        raise ValueError("the secret")

    response = app.test_client(raise_errors=False).get("/boom")

    assert response.json == {"type": "about:blank", "title": "Internal Server Error", "status": 500}
    assert len(caplog.records) == 1
    record: Any = caplog.records[0]
    assert record.exc_info[1].args == ("the secret",)
    assert len(record.aws_request_id) == 36


def test_a_handled_error_is_not_logged(app: App, caplog: pytest.LogCaptureFixture) -> None:
    app.errorhandler(ValueError)(lambda error: ("fine", 200))
    app.get("/")(lambda: int("x"))

    assert app.test_client().get("/").status_code == 200
    assert caplog.records == []


def test_a_broken_500_handler_hides_nothing(app: App, caplog: pytest.LogCaptureFixture) -> None:
    app.errorhandler(500)(lambda error: {"a": 1}["handler"])
    app.get("/")(lambda: int("x"))

    response = app.test_client(raise_errors=False).get("/")

    assert response.json["status"] == 500
    assert [type(record.exc_info[1]) for record in caplog.records if record.exc_info] == [
        ValueError,
        KeyError,
    ]


def test_a_broken_teardown_is_logged_and_the_answer_and_the_others_stay(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    trace: list[str] = []
    app.teardown_request(lambda error: trace.append("last"))
    app.teardown_request(lambda error: {"a": 1}["x"])
    app.get("/")(lambda: "fine")

    assert app.test_client(raise_errors=False).get("/").text == "fine"
    assert trace == ["last"]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    with pytest.raises(KeyError):
        app.test_client().get("/")
    with pytest.raises(OutsideRequest):
        _ = request.path


@pytest.mark.parametrize(
    ("debug", "accept", "kind"),
    [
        (True, "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "text/html"),
        (True, "application/json", "application/problem+json"),
        (True, "*/*", "application/problem+json"),
        (True, None, "application/problem+json"),
        (False, "text/html", "application/problem+json"),
    ],
)
def test_errors_are_pages_for_browsers_in_debug_mode_only(debug: bool, accept: str | None, kind: str) -> None:
    app = App("shop", debug=debug)
    app.get("/")(lambda: abort(404, "<script>"))

    response = app.test_client().get("/", headers={"Accept": accept} if accept else {})

    assert (response.status_code, response.mimetype) == (404, kind)
    if kind == "text/html":
        assert "&lt;script&gt;" in response.text
        assert "<script>" not in response.text


def test_a_page_leaks_nothing_of_an_unhandled_error() -> None:
    app = App("shop", debug=True)
    app.get("/")(lambda: int("the secret"))

    response = app.test_client(raise_errors=False).get("/", headers={"Accept": "text/html"})

    assert response.status_code == 500
    assert "secret" not in response.text


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("text/plain", 415),
        (None, 415),
    ],
)
def test_content_types_refuse_other_bodies(app: App, kind: str | None, status: int) -> None:
    app.post("/", content_types=["application/json"])(lambda: "x")

    headers = {"Content-Type": kind} if kind else {}
    assert app.test_client().post("/", data=b"{}", headers=headers).status_code == status


@pytest.mark.parametrize("value", ["application/json", ["json"], 7])
def test_content_types_that_are_none_are_refused(app: App, value: Any) -> None:
    with pytest.raises(RegistrationError, match="media type|is no list"):
        app.post("/", content_types=value)(lambda: "x")


@pytest.mark.parametrize(
    "late",
    [
        lambda app: app.get("/late")(lambda: "x"),
        lambda app: app.before_request(lambda: None),
        lambda app: app.errorhandler(404)(lambda error: "x"),
        lambda app: app.middleware()(lambda event, get_response: None),
        lambda app: app.lambda_function(name="late")(lambda event, context: None),
    ],
    ids=["route", "hook", "error handler", "middleware", "handler"],
)
def test_what_comes_after_the_first_request_is_refused_with_the_reason(app: App, late: Any) -> None:
    app.test_client().get("/")

    with pytest.raises(RegistrationError, match="after the first request was answered"):
        late(app)


def test_three_threads_never_see_each_others_request(app: App) -> None:
    barrier = threading.Barrier(3)
    seen: dict[str, list[Any]] = {}

    @app.before_request
    def before() -> None:
        g.name = request.path
        barrier.wait(30)

    @app.get("/<name>")
    def view(name: str) -> str:
        barrier.wait(30)
        after_this_request(lambda response: (barrier.wait(30) and response) or response)
        seen[name] = [request.path, g.name, request.args["n"], app.current_request.path]
        return name

    threads = [
        threading.Thread(target=lambda name=name: app.test_client().get(f"/{name}?n={name}"))
        for name in "abc"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert seen == {name: [f"/{name}", f"/{name}", name, f"/{name}"] for name in "abc"}


def test_after_this_request_is_for_one_request_and_for_errors_too(app: App) -> None:
    @app.get("/<name>")
    def view(name: str) -> str:
        if name != "plain":

            @after_this_request
            def mark(response: Response) -> Response:
                response.headers["X-Mark"] = name
                return response

        return "x" if name != "boom" else str(1 // 0)

    client = app.test_client(raise_errors=False)
    marks = [client.get(f"/{name}").headers.get("X-Mark") for name in ("a", "plain", "boom")]
    assert marks == ["a", None, "boom"]


def test_an_after_hook_that_answers_nothing_is_named(app: App) -> None:
    @app.after_request
    def forgetful(response: Response) -> None: ...

    app.get("/")(lambda: "x")

    with pytest.raises(TypeError, match=r"forgetful.*End it with `return response`"):
        app.test_client().get("/")


def test_a_request_context_for_tests_is_matched_and_ends(app: App) -> None:
    trace: list[Any] = []
    app.before_request(lambda: trace.append("before"))
    app.teardown_request(lambda error: trace.append("teardown"))
    app.post("/orders/<int:number>", endpoint="order")(lambda number: "x")

    with app.test_request_context("/orders/7?x=1", method="POST", json={"a": 1}) as current:
        assert (request.path, request.args["x"], request.json) == ("/orders/7", "1", {"a": 1})
        assert (request.view_args, request.endpoint) == ({"number": 7}, "order")
        assert app.url_for("order", number=8) == "/orders/8"
        assert current.method == "POST"
        assert trace == []

    assert trace == ["teardown"]
    with pytest.raises(OutsideRequest):
        _ = request.path


HOOKS: dict[str, Any] = {
    "before_request": lambda app, function: app.before_request(function),
    "after_request": lambda app, function: app.after_request(function),
    "teardown_request": lambda app, function: app.teardown_request(function),
    "errorhandler": lambda app, function: app.errorhandler(404)(function),
    "lambda_function": lambda app, function: app.lambda_function(name="job")(function),
}


@pytest.mark.parametrize("function", [None, "x", lambda a, b, c: None])
@pytest.mark.parametrize("kind", HOOKS)
def test_what_cannot_be_called_is_refused_at_import(app: App, kind: str, function: Any) -> None:
    with pytest.raises(RegistrationError, match=kind):
        HOOKS[kind](app, function)
    with pytest.raises(RegistrationError, match=kind):
        HOOKS[kind](Blueprint("bp"), function)


def test_an_error_handler_without_its_parentheses_is_explained(app: App) -> None:
    with pytest.raises(RegistrationError, match=r"write @app.errorhandler\(404\)"):

        @app.errorhandler  # type: ignore[arg-type]
        def forgotten(error: Exception) -> str:
            return "never"


def test_an_error_in_our_own_frames_is_logged_with_its_message(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    app.get("/")(functools.partial(lambda name: name))

    assert app.test_client(raise_errors=False).get("/").status_code == 500
    assert "missing 1 required positional argument: 'name'" in caplog.text


@pytest.mark.parametrize(
    "spoil",
    [
        lambda app: app.errorhandler(500)(lambda error: {"error": error.original_exception}),
        lambda app: app.after_request(lambda response: spoiled(response, body={"x": object()})),
        lambda app: app.after_request(lambda response: spoiled(response, status_code=999)),
    ],
    ids=["handler", "body", "status"],
)
def test_an_answer_to_a_failure_that_fails_too_is_still_a_500(app: App, spoil: Any) -> None:
    app.cors = CORS(["https://shop.example"])
    spoil(app)
    app.get("/")(lambda: int("x"))

    client = app.test_client(raise_errors=False)
    response = client.get("/", headers={"Origin": "https://shop.example"})

    assert (response.status_code, response.mimetype) == (500, "application/problem+json")
    assert response.headers["Access-Control-Allow-Origin"] == "https://shop.example"


def spoiled(response: Response, **values: Any) -> Response:
    for name, value in values.items():
        setattr(response, name, value)
    return response


def test_teardown_hooks_learn_of_what_is_no_exception(app: App) -> None:
    """Else what a view began before it exits is committed."""
    seen: list[Any] = []
    app.teardown_request(lambda error: seen.append(type(error)))

    @app.get("/")
    def view() -> str:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        app.test_client().get("/")
    with pytest.raises(ValueError, match="in the block"), app.test_request_context("/"):
        raise ValueError("in the block")

    assert seen == [SystemExit, ValueError]


def test_a_constant_response_is_the_same_for_every_caller() -> None:
    app = App("shop")
    app.cors = CORS(["https://a.example", "https://b.example"], credentials=True)
    constant, gone = Response("hello " * 1_000), Response("gone " * 1_000, status_code=410)
    app.get("/")(lambda: constant)
    app.get("/gone")(lambda: abort(gone))
    client = app.test_client()

    for path in ("/", "/gone"):
        client.get(path, headers={"Origin": "https://a.example", "Accept-Encoding": "gzip"})
        second = client.get(path, headers={"Origin": "https://b.example"})
        assert second.headers["Access-Control-Allow-Origin"] == "https://b.example"
        assert "Content-Encoding" not in second.headers


class Insufficient(HTTPException):
    """As Flask's documentation writes one."""

    code = 507
    description = "Not enough storage space."


class Payment(HTTPException):
    status_code = 402


class Silent(BadRequest):
    def __init__(self, field: str) -> None:
        self.field = field


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Insufficient(), (507, "Insufficient Storage", "Not enough storage space.")),
        (Insufficient("full"), (507, "Insufficient Storage", "full")),
        (Payment(), (402, "Payment Required", None)),
        (Silent("name"), (400, "Bad Request", None)),
        (BadRequest(ValueError("no")), (400, "Bad Request", "no")),
        (HTTPException("x", status_code=404), (404, "Not Found", "x")),
    ],
    ids=repr,
)
def test_errors_of_ones_own(app: App, error: HTTPException, expected: tuple[Any, ...]) -> None:
    @app.get("/")
    def view() -> str:
        raise error

    problem = app.test_client().get("/").json

    assert (problem["status"], problem["title"], problem.get("detail")) == expected


@pytest.mark.parametrize("status", [HTTPStatus.NOT_FOUND, 404])
def test_a_handler_by_status_takes_every_error_of_it(app: App, status: int) -> None:
    app.errorhandler(status)(lambda error: ("handled", 404))
    app.get("/plain")(lambda: abort(status))

    @app.get("/own")
    def own() -> str:
        raise HTTPException("x", status_code=404)

    client = app.test_client()
    assert [client.get(path).text for path in ("/plain", "/own", "/none")] == ["handled"] * 3


def test_a_broken_hook_is_logged_once_and_the_others_run_once_more(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[int] = []

    @app.after_request
    def note(response: Response) -> Response:
        seen.append(response.status_code)
        return response

    @app.after_request
    def broken(response: Response) -> Response:
        raise ValueError("hook")

    app.get("/")(lambda: "x")

    assert app.test_client(raise_errors=False).get("/").status_code == 500
    assert (len(caplog.records), seen) == (1, [500])


def test_a_clean_up_that_fails_does_not_lose_the_answer(app: App, caplog: pytest.LogCaptureFixture) -> None:
    @app.get("/")
    def view() -> Response:
        response = Response("fine")
        response.call_on_close(lambda: 1 // 0)
        return response

    assert app.test_client(raise_errors=False).get("/").text == "fine"
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    with pytest.raises(ZeroDivisionError):
        app.test_client().get("/")


def test_a_child_of_the_apps_logger_writes_lines(capsys: pytest.CaptureFixture[str]) -> None:
    code = (
        "import logging\nfrom microlambda import App\nApp('shop').logger\n"
        "logging.getLogger('shop.db').warning('from the child')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stderr.endswith("\t-\tfrom the child\n")


def test_a_route_that_a_view_registers_is_refused_the_first_time(app: App) -> None:
    @app.get("/")
    def view() -> str:
        app.get("/late")(view)
        return "x"

    with pytest.raises(RegistrationError, match="after the first request"):
        app.test_client().get("/")
    with pytest.raises(RegistrationError, match="policy for CORS comes after"):
        app.cors = True


def test_outside_of_a_request_the_proxies_stand_for_nothing(app: App) -> None:
    assert bool(request) is False
    assert bool(g) is False
    assert dir(request) == []
    with app.test_request_context("/"):
        assert bool(request) is True
        assert "path" in dir(request)


ANSWERS: dict[str, tuple[Any, str]] = {
    "none": (lambda: None, "the view answered None"),
    "object": (lambda: {"a": object()}, "JSON has no type for object"),
    "tuple": (lambda: ("x", 200, {}, 4), "a tuple of 4"),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_a_wrong_answer_tells_a_test_which_view_gave_it(app: App, kind: str) -> None:
    view, says = ANSWERS[kind]
    app.add_url_rule("/x", "view", view)

    with pytest.raises(EncodingError, match=says) as caught:
        app.test_client().get("/x")

    assert caught.value.__notes__[0].startswith("GET /x was answered by view (")
    assert "test_errors.py:" in caught.value.__notes__[0]


def test_a_wrong_answer_is_one_line_in_the_log(app: App, caplog: pytest.LogCaptureFixture) -> None:
    app.get("/")(lambda: {"a": object()})

    app.test_client(raise_errors=False).get("/")

    assert caplog.records[0].exc_info is None
    assert "test_errors.py:" in caplog.records[0].getMessage()


@pytest.mark.parametrize(
    ("register", "named"),
    [
        (lambda app: app.before_request(lambda: True), "the before_request function"),
        (lambda app: app.errorhandler(ValueError)(lambda error: object()), "the error handler"),
        (lambda app: app.middleware()(lambda event, get_response: object()), "the middleware"),
    ],
)
def test_a_wrong_answer_of_another_function_is_not_the_views_fault(
    app: App, register: Any, named: str, caplog: pytest.LogCaptureFixture
) -> None:
    register(app)
    app.get("/")(lambda: int("x"))

    assert app.test_client(raise_errors=False).get("/").status_code == 500
    assert f"{named} " in caplog.text
    assert "the view answered" not in caplog.text


async def forgotten() -> int:
    return 1


@pytest.mark.parametrize("answer", [lambda: {"a": forgotten()}, lambda: (forgotten(), 201)])
@pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning")
def test_a_forgotten_await_is_told(app: App, answer: Any) -> None:
    app.add_url_rule("/", "view", answer)

    with pytest.raises(EncodingError, match="await"):
        app.test_client().get("/")


def test_an_error_is_made_a_response_to_add_to(app: App) -> None:
    @app.errorhandler(HTTPException)
    def add(error: HTTPException) -> Response:
        response = make_response(error)
        response.headers["X-Support"] = "help@shop.example"
        return response

    response = app.test_client().get("/nowhere")

    assert (response.json["status"], response.headers["X-Support"]) == (404, "help@shop.example")


def test_a_wrapped_view_is_found_below_its_decorators(app: App) -> None:
    def decorated(view: Any) -> Any:
        @functools.wraps(view)
        def wrapper(*args: Any) -> Any:
            return view(*args)

        return wrapper

    @app.get("/")
    @decorated
    def view() -> str:
        return "x"

    (rule,) = app.route_table
    line = view.__wrapped__.__code__.co_firstlineno
    assert rule.location.endswith(f"test_errors.py:{line}")


def test_headers_may_be_set_as_a_whole(app: App) -> None:
    @app.get("/")
    def view() -> Response:
        response = Response("x")
        response.headers = {"X-A": "1"}  # type: ignore[assignment]
        return response

    assert app.test_client().get("/").headers["X-A"] == "1"


@pytest.mark.parametrize("value", ["x", -1, True, 1.5])
def test_a_size_to_compress_above_is_a_number_of_bytes(app: App, value: Any) -> None:
    with pytest.raises(TypeError, match="no number of bytes"):
        app.compress_above = value


@pytest.mark.parametrize("value", ["a\x0bb", "a\x7fb", "a\x01"])
def test_control_characters_are_refused_in_headers(value: str) -> None:
    with pytest.raises(EncodingError, match="control characters"):
        Response("x", headers={"X-A": value})


def test_a_body_without_content_of_an_unlisted_type_is_refused(app: App) -> None:
    app.post("/", content_types=["application/json"])(lambda: "x")

    assert app.test_client().post("/", headers={"Content-Type": "text/plain"}).status_code == 415
    assert app.test_client().post("/").status_code == 200
