"""The onion around handlers: kinds, order, errors, async, and decorators of other libraries."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from microlambda import App, Blueprint, ConvertToMiddleware, Response, abort, current_app, g, request
from microlambda.runtime.errors import EncodingError, OutsideRequest, RegistrationError


def test_the_first_registered_is_the_outermost(app: App) -> None:
    trace: list[str] = []

    @app.middleware("http")
    def first(event: Any, get_response: Any) -> Any:
        trace.append(f"first {event.path}")
        response = get_response(event)
        trace.append(f"first {response.status_code}")
        return response

    @app.middleware("all")
    def second(event: Any, get_response: Any) -> Any:
        trace.append("second")
        return get_response(event)

    app.before_request(lambda: trace.append("before"))

    @app.get("/")
    def view() -> str:
        trace.append("view")
        return "x"

    assert app.test_client().get("/").text == "x"
    assert trace == ["first /", "second", "before", "view", "first 200"]


def test_it_sees_the_errors_of_views_and_may_answer_instead(app: App) -> None:
    @app.middleware("http")
    def rescue(event: Any, get_response: Any) -> Any:
        try:
            return get_response(event)
        except ZeroDivisionError as exc:
            return {"rescued": str(exc)}, 299

    app.get("/")(lambda: 1 // 0)

    response = app.test_client().get("/")

    assert (response.status_code, response.json) == (299, {"rescued": "integer division or modulo by zero"})


@pytest.mark.parametrize(("path", "status"), [("/gone", 410), ("/none", 404), ("/post", 405)])
def test_it_sees_http_errors_of_routing_too(app: App, path: str, status: int) -> None:
    seen = []

    @app.middleware("http")
    def watch(event: Any, get_response: Any) -> Any:
        try:
            return get_response(event)
        except Exception as exc:
            seen.append(type(exc).__name__)
            raise

    app.get("/gone")(lambda: abort(410))
    app.post("/post")(lambda: "x")

    assert app.test_client().get(path).status_code == status
    assert seen == [{410: "Gone", 404: "NotFound", 405: "MethodNotAllowed"}[status]]


def test_its_own_error_is_answered_like_a_views(app: App, caplog: pytest.LogCaptureFixture) -> None:
    app.middleware("http")(lambda event, get_response: {"a": 1}["x"])
    app.get("/")(lambda: "x")
    app.errorhandler(KeyError)(lambda error: ("handled", 418))

    assert app.test_client().get("/").status_code == 418


def test_one_that_answers_nothing_is_told_so(app: App) -> None:
    app.middleware("http")(lambda event, get_response: None)
    app.get("/")(lambda: "x")

    with pytest.raises(
        EncodingError, match=r"the middleware .*<lambda> \(test_middleware.py:\d+\) answered None"
    ):
        app.test_client().get("/")


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("htpp", "Did you mean 'http'"),
        ("cloudy", "Known: alarm, all, cognito, custom, .*websocket"),
        (7, "no kind of event 7"),
    ],
)
def test_an_unknown_kind_is_an_error_at_registration(app: App, kind: Any, says: str) -> None:
    with pytest.raises(RegistrationError, match=says):
        app.middleware(kind)(lambda event, get_response: None)
    with pytest.raises(RegistrationError, match=says):
        Blueprint("bp").register_middleware(lambda event, get_response: None, kind)


def test_the_decorator_without_parentheses_is_explained(app: App) -> None:
    with pytest.raises(RegistrationError, match="with its parentheses"):

        @app.middleware  # type: ignore[arg-type]
        def forgotten(event: Any, get_response: Any) -> None: ...


@pytest.mark.parametrize("function", [None, "x", lambda event: None, lambda: None])
def test_what_cannot_be_a_middleware_is_refused(app: App, function: Any) -> None:
    with pytest.raises(RegistrationError, match="middleware"):
        app.register_middleware(function)
    with pytest.raises(RegistrationError, match="middleware"):
        Blueprint("bp").register_middleware(function)


def test_each_kind_gets_its_own_events(app: App, lambda_context: Any) -> None:
    trace: list[tuple[str, Any]] = []
    for kind in ("all", "http", "lambda_function", "pure_lambda"):

        def note(event: Any, get_response: Any, kind: str = kind) -> Any:
            trace.append((kind, getattr(event, "path", event)))
            return get_response(event)

        app.register_middleware(note, kind)
    app.get("/")(lambda: "x")

    @app.lambda_function()
    def nightly(event: Any, context: Any) -> Any:
        return {"event": event, "app": current_app.name, "id": context.aws_request_id}

    app.test_client().get("/")
    assert trace == [("all", "/"), ("http", "/")]
    trace.clear()

    result = app.handler("nightly")({"a": 1}, lambda_context)

    assert result == {"event": {"a": 1}, "app": "shop", "id": lambda_context.aws_request_id}
    assert trace == [(kind, {"a": 1}) for kind in ("all", "lambda_function", "pure_lambda")]


def test_a_blueprints_middleware_is_for_its_own_handlers(app: App, lambda_context: Any) -> None:
    bp = Blueprint("bp", url_prefix="/bp")
    calls: list[str] = []

    @bp.middleware()
    def count(event: Any, get_response: Any) -> Any:
        calls.append(type(event).__name__)
        return get_response(event)

    bp.get("/")(lambda: "bp")
    bp.lambda_function(name="job")(lambda event, context: "job")
    app.lambda_function(name="other")(lambda event, context: "other")
    app.get("/")(lambda: "app")
    app.register_blueprint(bp)

    client = app.test_client()
    assert [client.get(path).text for path in ("/", "/bp/")] == ["app", "bp"]
    assert app.handler("bp.job")({}, lambda_context) == "job"
    assert app.handler("other")({}, lambda_context) == "other"
    assert calls == ["Request", "dict"]


def test_an_async_middleware_awaits_the_rest(app: App) -> None:
    @app.middleware("http")
    async def outer(event: Any, get_response: Any) -> Any:
        g.trace = ["outer"]
        response = await get_response(event)
        response.headers["X-Trace"] = " ".join(g.trace)
        return response

    @app.middleware("http")
    def inner(event: Any, get_response: Any) -> Any:
        g.trace.append("inner")
        return get_response(event)

    @app.get("/")
    async def view() -> str:
        g.trace.append(request.path)
        return "x"

    assert app.test_client().get("/").headers["X-Trace"] == "outer inner /"


def test_an_error_comes_out_of_an_async_middleware(app: App) -> None:
    @app.middleware("http")
    async def rescue(event: Any, get_response: Any) -> Any:
        try:
            return await get_response(event)
        except ZeroDivisionError:
            return "rescued"

    app.get("/")(lambda: 1 // 0)

    assert app.test_client().get("/").text == "rescued"


class TestPowertools:
    """Decorators of Lambda handlers that another library made."""

    def test_its_logger_gets_the_context_and_the_event(
        self, app: App, capsys: pytest.CaptureFixture[str]
    ) -> None:
        logger = Logger(service="shop", level=logging.INFO)
        app.register_middleware(ConvertToMiddleware(logger.inject_lambda_context), "http")

        @app.get("/hello")
        def hello() -> dict[str, str | None]:
            logger.info("inside")
            return {"id": request.request_id}

        response = app.test_client().get("/hello")

        line = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert (line["message"], line["function_request_id"]) == ("inside", response.json["id"])

    def test_its_metrics_are_flushed_after_the_view(
        self, app: App, capsys: pytest.CaptureFixture[str]
    ) -> None:
        metrics = Metrics(namespace="shop", service="orders")
        app.register_middleware(ConvertToMiddleware(metrics.log_metrics), "http")

        @app.get("/")
        def view() -> str:
            metrics.add_metric(name="Orders", unit=MetricUnit.Count, value=1)
            return "x"

        assert app.test_client().get("/").status_code == 200
        assert json.loads(capsys.readouterr().out.splitlines()[-1])["Orders"] == [1.0]

    def test_the_raw_event_reaches_a_decorator(self, app: App) -> None:
        seen: list[Any] = []

        def decorator(handler: Any) -> Any:
            def wrapper(event: dict[str, Any], context: LambdaContext) -> Any:
                seen.append((event["rawPath"], context.function_name))
                return handler(event, context)

            return wrapper

        app.register_middleware(ConvertToMiddleware(decorator))
        app.get("/x")(lambda: Response("x", status_code=202))

        assert app.test_client().get("/x").status_code == 202
        assert seen == [("/x", "shop-local-http")]


def test_a_handler_of_events_has_no_request(app: App, lambda_context: Any) -> None:
    @app.lambda_function()
    def job(event: Any, context: Any) -> Any:
        g.kept = 1
        return request.path

    with pytest.raises(OutsideRequest, match="handler of events"):
        app.handler("job")({}, lambda_context)


def test_the_deployers_check_runs_no_handler_and_no_middleware(app: App, lambda_context: Any) -> None:
    app.middleware()(lambda event, get_response: 1 // 0)
    app.lambda_function(name="job")(lambda event, context: 1 // 0)

    assert app.handler("job")({"microlambda": {"check": 1}}, lambda_context) == {"microlambda": {"check": 1}}
    assert app({"microlambda": {"check": 1}}, lambda_context) == {"microlambda": {"check": 1}}
