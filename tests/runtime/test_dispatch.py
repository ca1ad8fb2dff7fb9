"""From an event to its result: what views return and raise, and what the caller and the log see."""

from __future__ import annotations

import datetime
import decimal
import enum
import logging
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from microlambda import (
    App,
    BadRequest,
    HTTPException,
    NotFound,
    Request,
    Response,
    ServiceUnavailable,
    current_app,
    g,
    make_response,
    request,
)
from microlambda.runtime.context import propagating_errors
from microlambda.runtime.errors import OutsideRequest

Get = Callable[..., dict[str, Any]]


@pytest.fixture
def get(app: App, load_event: Callable[[str], dict[str, Any]], lambda_context: object) -> Get:
    """Calls the app with a GET of an HTTP API."""

    def get(path: str = "/", **changes: Any) -> dict[str, Any]:
        event = load_event("http-api")
        event["rawPath"] = path
        event.update(changes)
        result: dict[str, Any] = app(event, lambda_context)
        return result

    return get


class Colour(enum.Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    y: int


@pytest.mark.parametrize(
    ("value", "status", "content_type", "body"),
    [
        ("<p>hi", 200, "text/html; charset=utf-8", "<p>hi"),
        ({"hello": "world"}, 200, "application/json", '{"hello":"world"}'),
        ([1, "é"], 200, "application/json", '[1,"é"]'),
        (("made", 201), 201, "text/html; charset=utf-8", "made"),
        (
            ({"a": 1}, 201, {"X-A": "1"}),
            201,
            "application/json",
            '{"a":1}',
        ),  # Powertools makes a JSON list of it
        (("x", {"Content-Type": "text/plain"}), 200, "text/plain", "x"),
        (("x", [("Content-Type", "text/css")]), 200, "text/css", "x"),
        ("", 200, "text/html; charset=utf-8", ""),
    ],
    ids=str,
)
def test_what_a_view_returns(
    app: App, get: Get, value: object, status: int, content_type: str, body: str
) -> None:
    app.get("/")(lambda: value)

    result = get()

    assert (result["statusCode"], result["headers"]["content-type"], result["body"]) == (
        status,
        content_type,
        body,
    )


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC), '"2026-01-02T03:04:05+00:00"'),
        (datetime.date(2026, 1, 2), '"2026-01-02"'),
        (decimal.Decimal("1.50"), "1.5"),
        (decimal.Decimal(2**60), str(2**60)),
        (uuid.UUID(int=7), '"00000000-0000-0000-0000-000000000007"'),
        ({3}, "[3]"),
        (Point(1, 2), '{"x":1,"y":2}'),
        (Colour.RED, '"red"'),
    ],
    ids=str,
)
def test_types_that_json_lacks(app: App, get: Get, value: object, encoded: str) -> None:
    # Chalice's fault: a datetime, UUID or set failed the invocation outside the error handler.
    app.get("/")(lambda: {"value": value})

    assert get()["body"] == f'{{"value":{encoded}}}'


def test_the_app_can_teach_json_a_type(app: App, get: Get) -> None:
    class Money:
        cents = 150

    def default(value: object) -> object:
        if isinstance(value, Money):
            return value.cents
        raise TypeError

    app.json_default = default
    app.get("/")(lambda: [Money(), {1}])

    assert get()["body"] == "[150,[1]]"


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ({"x": object()}, "JSON has no type for object"),
        ({"x": float("nan")}, "cannot be answered as JSON"),
        ({(1, 2): 3}, "cannot be answered as JSON"),
        (None, "the view answered None"),
        (object(), "the view answered object"),
        (("x", 200, {}, 4), "a tuple of 4"),
        (("x", object(), {}), "not an int"),
        (("x", "made"), "'made' is no status"),
        (("x", 99), "99 is no status"),
        (Response(object()), "not object"),
    ],
    ids=["object", "nan", "keys", "none", "thing", "tuple", "status", "word", "range", "body"],
)
def test_an_answer_that_cannot_be_encoded_is_a_500_and_the_log_names_it(
    app: App, get: Get, caplog: pytest.LogCaptureFixture, value: object, named: str
) -> None:
    app.get("/")(lambda: value)

    result = get()

    assert (result["statusCode"], result["headers"]["content-type"]) == (500, "application/problem+json")
    assert named in caplog.text
    assert "test_dispatch.py:" in caplog.text


@pytest.mark.parametrize("header", [{"X-A": "a\r\nSet-Cookie: b"}, {"X-A": ["ok", "a\nb"]}, {"X\nA": "a"}])
def test_cr_and_lf_are_refused_in_headers_in_lists_too(app: App, get: Get, header: dict[str, Any]) -> None:
    # Chalice's fault: they passed through list-valued headers.
    @app.get("/")
    def view() -> Response:
        return Response("x", headers=header)

    assert get()["statusCode"] == 500


def test_integer_header_values_are_fine(app: App, get: Get) -> None:
    # Chalice's fault: they were 500s.
    @app.get("/")
    def view() -> Response:
        return Response("x", headers={"X-Count": 3})

    assert get()["headers"]["x-count"] == "3"


def test_an_http_error_is_its_own_answer(app: App, get: Get) -> None:
    @app.get("/")
    def view() -> None:
        raise BadRequest("msg is missing.", headers={"X-Hint": "msg"})

    result = get()

    assert (result["statusCode"], result["headers"]["x-hint"]) == (400, "msg")
    assert (
        result["body"]
        == '{"type":"about:blank","title":"Bad Request","status":400,"detail":"msg is missing."}'
    )


def test_every_http_error_has_a_status_and_a_title() -> None:
    def tree(error: type[HTTPException]) -> set[type[HTTPException]]:
        return {error}.union(*(tree(child) for child in error.__subclasses__()))

    assert all(400 <= error.status_code <= 599 and error.title for error in tree(HTTPException))


def test_an_unhandled_error_is_logged_once_and_tells_the_caller_nothing(
    app: App, get: Get, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get("/")
    def broken() -> None:
        raise ValueError("the password is hunter2")

    result = get()

    assert result["statusCode"] == 500
    assert "hunter2" not in result["body"]
    assert len(caplog.records) == 1
    assert "GET /: ValueError in broken (tests/runtime/test_dispatch.py:" in caplog.text


def test_the_traceback_in_the_log_starts_at_the_users_frame(
    app: App, get: Get, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get("/")
    def broken() -> None:
        raise ValueError("no")

    get()

    assert "in broken" in caplog.text
    assert "microlambda/runtime" not in caplog.text


def test_in_a_test_the_error_itself_comes_through(app: App, get: Get) -> None:
    @app.get("/")
    def broken() -> None:
        raise ValueError("no")

    with propagating_errors(), pytest.raises(ValueError, match="no"):
        get()


def test_a_type_error_in_a_view_runs_it_once(app: App, get: Get) -> None:
    # Zappa's fault: it tried three times with other arguments.
    calls = []

    @app.get("/")
    def broken() -> None:
        calls.append(1)
        raise TypeError("no")

    get()

    assert calls == [1]


def test_an_answer_over_the_limit_of_lambda_is_a_clear_500(
    app: App, get: Get, caplog: pytest.LogCaptureFixture
) -> None:
    app.get("/")(lambda: "x" * 6_400_000)

    result = get()

    assert result["statusCode"] == 500
    assert "6291556 bytes" in result["body"]
    assert "6291556 bytes" in caplog.text


def test_request_g_and_current_app_belong_to_the_request(app: App, get: Get) -> None:
    @app.get("/<name>")
    def view(name: str) -> dict[str, Any]:
        g.name = name
        return {
            "path": request.path,
            "name": g.name,
            "app": current_app.name,
            "same": app.current_request.path == request.path,
            "args": request.view_args,
        }

    assert (
        get("/ann")["body"] == '{"path":"/ann","name":"ann","app":"shop","same":true,"args":{"name":"ann"}}'
    )
    with pytest.raises(OutsideRequest, match="request was read where no request"):
        request.path  # noqa: B018  # reading it is the point


def test_three_threads_never_see_each_others_request(app: App, get: Get) -> None:
    # Powertools' fault: the current event is a class attribute.
    together = threading.Barrier(3, timeout=10)

    @app.get("/<name>")
    def view(name: str) -> list[str]:
        g.mine = name
        together.wait()
        return [name, request.path, g.mine]

    answers: dict[str, str] = {}
    threads = [
        threading.Thread(target=lambda name=name: answers.__setitem__(name, get(f"/{name}")["body"]))
        for name in "abc"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == {name: f'["{name}","/{name}","{name}"]' for name in "abc"}


@pytest.mark.parametrize(
    ("body", "headers", "status", "detail"),
    [
        ('{"msg": "hi"}', {"content-type": "application/json"}, 200, "hi"),
        ('{"msg": "hi"}', {"content-type": "application/vnd.api+json; charset=utf-8"}, 200, "hi"),
        ("{", {"content-type": "application/json"}, 400, "the body is not JSON: Expecting property name"),
        ("", {"content-type": "application/json"}, 400, "the body is empty, and JSON is due"),
        ("[" * 100_000, {"content-type": "application/json"}, 400, "nested too deeply"),
        (
            "msg=hi",
            {"content-type": "application/x-www-form-urlencoded"},
            415,
            "Send Content-Type: application/json",
        ),
        ("{}", {}, 415, "of no declared type"),
    ],
    ids=["json", "+json", "malformed", "empty", "deep", "form", "undeclared"],
)
def test_a_json_body(
    app: App, get: Get, body: str, headers: dict[str, str], status: int, detail: str
) -> None:
    @app.get("/")
    def view() -> str:
        return str(request.json["msg"])

    result = get(body=body, headers=headers)

    assert result["statusCode"] == status
    assert detail in result["body"]


def test_chalices_names_stand_beside_flasks(app: App, get: Get) -> None:
    @app.get("/<name>")
    def view(name: str) -> dict[str, Any]:
        current = app.current_request
        return {
            "json": current.json_body,
            "raw": current.raw_body.decode(),
            "query": current.query_params,
            "uri": current.uri_params,
            "id": current.context["requestId"],
            "stage": current.stage_vars,
            "dict": sorted(current.to_dict()),
        }

    body = get("/ann", body="[1]", headers={"content-type": "application/json"}, stageVariables={"a": "b"})[
        "body"
    ]

    assert body == (
        '{"json":[1],"raw":"[1]","query":null,"uri":{"name":"ann"},"id":"JKJaXmPLvHcESHA=","stage":{"a":"b"},'
        '"dict":["context","headers","method","path","query_params","stage_vars","uri_params"]}'
    )


def test_json_body_is_none_where_the_body_does_not_say_that_it_is_json(app: App, get: Get) -> None:
    @app.get("/")
    def view() -> dict[str, Any]:
        return {"json": app.current_request.json_body}

    assert get(body="[1]")["body"] == '{"json":null}'


def test_a_missing_query_key_is_400_unless_the_view_handles_it(app: App, get: Get) -> None:
    @app.get("/")
    def view() -> str:
        return request.args["page"]

    result = get(rawQueryString="size=3")

    assert (result["statusCode"], "lacks 'page'" in result["body"]) == (400, True)


def test_a_form(app: App, get: Get) -> None:
    @app.get("/")
    def view() -> dict[str, str]:
        return request.form.to_dict()

    headers = {"content-type": "application/x-www-form-urlencoded"}

    assert get(body="To=%2B1555&Body=a+b", headers=headers)["body"] == '{"To":"+1555","Body":"a b"}'


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ("Basic QUM6c2VjcmV0", ["basic", "AC", "secret", None]),
        ("Bearer abc", ["bearer", None, None, "abc"]),
        ("Basic !", None),
        (None, None),
    ],
)
def test_authorization(app: App, get: Get, value: str | None, seen: list[str | None] | None) -> None:
    @app.get("/")
    def view() -> dict[str, Any]:
        found = request.authorization
        return {"seen": found and [found.type, found.username, found.password, found.token]}

    headers = {"authorization": value} if value else {}

    assert get(headers=headers)["body"] == app.json_encoder.dumps({"seen": seen})


def test_every_line_of_the_app_logger_carries_the_request_id(
    app: App, get: Get, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get("/")
    def view() -> str:
        app.logger.info("hello")
        return request.request_id or ""

    with caplog.at_level(logging.INFO):
        body = get()["body"]

    assert [record.aws_request_id for record in caplog.records] == ["8f507cfc-test"]  # type: ignore[attr-defined]
    assert body == "8f507cfc-test"


def test_not_found_from_a_view_is_404(app: App, get: Get) -> None:
    @app.get("/<int:id>")
    def view(id: int) -> str:
        raise NotFound(f"There is no order {id}.")

    assert get("/7")["statusCode"] == 404


def test_two_names_for_an_app_are_refused() -> None:
    with pytest.raises(TypeError, match="two names"):
        App("a", app_name="b")
    assert App(app_name="b").name == "b"


SURROGATE = {"content-type": "application/json"}


def test_half_a_surrogate_pair_from_the_caller_is_echoed_as_an_escape(app: App, get: Get) -> None:
    # The result would be no UTF-8, and AWS's runtime client would die of it.
    app.get("/")(lambda: {"got": request.json})

    assert get(body='["\\ud800"]', headers=SURROGATE)["body"] == '{"got":["\\ud800"]}'


@pytest.mark.parametrize(
    "view",
    [
        lambda: "\ud800",
        lambda: ("x", {"X-A": "\ud800"}),
        lambda: Response("x", headers={"X Y": "1"}),
        lambda: Response("x", headers={"": "1"}),
    ],
    ids=["body", "header", "name", "empty-name"],
)
def test_what_http_cannot_carry_is_a_500_of_ours(app: App, get: Get, view: Callable[[], object]) -> None:
    app.get("/")(view)

    assert get()["statusCode"] == 500
    assert "Internal Server Error" in get()["body"]


@pytest.mark.parametrize(
    "error",
    [
        BadRequest(object()),  # what a view may do all the same
        BadRequest("x", headers={"A": "b\r\nc: d"}),
        BadRequest("\ud800"),
    ],
    ids=["detail", "header", "surrogate"],
)
def test_an_http_error_that_cannot_be_written_is_still_answered(
    app: App, get: Get, error: HTTPException, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get("/")
    def view() -> None:
        raise error

    result = get()

    assert result["statusCode"] in (400, 500)
    assert result["headers"]["content-type"] == "application/problem+json"
    assert "\r" not in str(result["headers"])


def test_an_error_of_the_500s_that_a_view_raises_is_logged(
    app: App, get: Get, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get("/")
    def view() -> None:
        raise ServiceUnavailable("Come back at noon.", headers={"Retry-After": "60"})

    assert (get()["statusCode"], get()["headers"]["retry-after"]) == (503, "60")
    assert "ServiceUnavailable in view" in caplog.text


@pytest.mark.parametrize(
    "value",
    [lambda: "x" * 6_291_540, lambda: Response("x", headers={"A": "x" * 7_000_000})],
    ids=["envelope", "header"],
)
def test_the_whole_result_counts_against_the_limit(app: App, get: Get, value: Callable[[], object]) -> None:
    app.get("/")(value)

    assert get()["statusCode"] == 500


def test_a_decimal_of_a_million_digits_is_refused_not_written(app: App, get: Get) -> None:
    app.get("/")(lambda: {"price": decimal.Decimal("1e9999999")})

    assert get()["statusCode"] == 500


def test_a_caller_cannot_write_lines_into_the_log(
    app: App, get: Get, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get("/<x>")
    def broken(x: str) -> None:
        raise ValueError

    get("/a\n[ERROR]\tfake")

    assert "GET /a%0A%5BERROR%5D%09fake: ValueError" in caplog.text


def test_a_status_set_later_is_checked_too(app: App, get: Get) -> None:
    @app.get("/")
    def view() -> Response:
        response = Response("x")
        response.status_code = 999
        return response

    assert get()["body"] == '{"type":"about:blank","title":"Internal Server Error","status":500}'


def test_flasks_spellings_of_a_status(app: App, get: Get) -> None:
    app.get("/a")(lambda: ("x", "201 CREATED"))
    app.get("/b")(lambda: Response("x", status="202 ACCEPTED"))
    app.get("/c")(lambda: make_response("x", 404))

    assert [get(path)["statusCode"] for path in ("/a", "/b", "/c")] == [201, 202, 404]


def test_a_missing_header_is_400_unless_the_view_handles_it(app: App, get: Get) -> None:
    app.get("/")(lambda: request.headers["X-Missing"])

    assert get()["statusCode"] == 400


def test_text_that_is_ours_says_its_charset(app: App, get: Get) -> None:
    app.get("/")(lambda: Response("é", mimetype="text/plain"))

    assert get()["headers"]["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("[NaN]", "JSON has no NaN"),
        (f"[{'1' * 5000}]", "a number is too long"),
        ("\x00", "the body is not JSON"),
    ],
    ids=["nan", "digits", "nul"],
)
def test_json_that_python_would_read_otherwise_is_400(app: App, get: Get, body: str, detail: str) -> None:
    app.get("/")(lambda: {"got": request.json})

    result = get(body=body, headers=SURROGATE)

    assert (result["statusCode"], detail in result["body"]) == (400, True)


def test_base64_that_is_none_is_400(app: App, get: Get) -> None:
    app.get("/")(lambda: {"got": len(request.data)})

    assert get(body="@@@", isBase64Encoded=True)["statusCode"] == 400


def test_an_enum_of_strings_is_its_value_everywhere(app: App, get: Get) -> None:
    class Size(str, enum.Enum):  # noqa: UP042  # StrEnum has a __str__ of its own
        SMALL = "small"

    app.get("/")(lambda: Size.SMALL)

    assert get()["body"] == "small"


def test_the_proxy_is_what_it_stands_for(app: App, get: Get) -> None:
    app.get("/")(lambda: {"is": isinstance(request, Request)})

    assert get()["body"] == '{"is":true}'
