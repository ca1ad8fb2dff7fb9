"""Hooks, error handlers and blueprints, judged by Flask: the same code gives the same calls and answers."""

# The same decorators come from two frameworks, so that their types are not known here.
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import flask
import pytest

import microlambda

Trace = list[Any]
Scenario = Callable[[ModuleType, Any, Trace], None]


def hooks_in_order(fw: ModuleType, app: Any, trace: Trace) -> None:
    outer = fw.Blueprint("outer", "outer", url_prefix="/outer")
    inner = fw.Blueprint("inner", "inner", url_prefix="/inner")
    for name, one in (("app", app), ("outer", outer), ("inner", inner)):
        for number in (1, 2):
            note(one, f"{name}{number}", trace)

    @app.get("/")
    def home() -> str:
        trace.append(("view", fw.request.endpoint, fw.request.blueprint, fw.request.blueprints))
        return "home"

    @outer.get("/")
    def shop() -> str:
        trace.append(("view", fw.request.endpoint, fw.request.blueprint, fw.request.blueprints))
        return "shop"

    @inner.get("/deep")
    def deep() -> str:
        @fw.after_this_request
        def once(response: Any) -> Any:
            trace.append("after this")
            return response

        trace.append(("view", fw.request.endpoint, fw.request.blueprint, fw.request.blueprints))
        return "deep"

    outer.register_blueprint(inner)
    app.register_blueprint(outer)


def note(one: Any, name: str, trace: Trace) -> None:
    @one.before_request
    def before() -> None:
        trace.append(f"before {name}")

    @one.after_request
    def after(response: Any) -> Any:
        trace.append(f"after {name} {response.status_code}")
        return response

    @one.teardown_request
    def teardown(error: BaseException | None) -> None:
        trace.append(f"teardown {name} {error!r}")


def why_no_view_is_reached(fw: ModuleType, app: Any, trace: Trace) -> None:
    @app.before_request
    def before() -> None:
        trace.append(type(fw.request.routing_exception).__name__)

    @app.get("/slash/")
    def slash() -> str:
        return "x"


def a_before_request_that_answers(fw: ModuleType, app: Any, trace: Trace) -> None:
    note(app, "app", trace)

    @app.before_request
    def gate() -> Any:
        return ("closed", 403, {"X-Gate": "1"}) if fw.request.args.get("gate") else None

    @app.before_request
    def never_after_an_answer() -> None:
        trace.append("second")

    @app.get("/")
    def home() -> str:
        trace.append("view")
        return "home"


def handlers_by_class_and_code(fw: ModuleType, app: Any, trace: Trace) -> None:
    class Base(Exception):
        pass

    class Derived(Base):
        pass

    note(app, "app", trace)
    bp = fw.Blueprint("bp", "bp", url_prefix="/bp")

    for one, name in ((app, "app"), (bp, "bp")):

        @one.get("/derived")
        def derived() -> str:
            raise Derived

        @one.get("/key")
        def key() -> str:
            raise KeyError("k")

        @one.get("/abort/<int:code>")
        def aborting(code: int) -> None:
            fw.abort(code)

        one.register_error_handler(
            Base, lambda error, name=name: (f"{name} base {type(error).__name__}", 418)
        )

    app.register_error_handler(LookupError, lambda error: (f"lookup {type(error).__name__}", 410))
    app.register_error_handler(404, lambda error: (f"nowhere {error.code}", 404, {"X-Handled": "1"}))
    bp.register_error_handler(409, lambda error: (f"bp conflict {error.code} {error.name}", 409))
    app.register_error_handler(
        fw.HTTPException if fw is microlambda else http_exception(), lambda error: (f"http {error.code}", 400)
    )
    app.register_blueprint(bp)


def http_exception() -> type[Exception]:
    from werkzeug.exceptions import HTTPException

    return HTTPException


def errors_that_nobody_handles(fw: ModuleType, app: Any, trace: Trace) -> None:
    note(app, "app", trace)

    @app.get("/boom")
    def boom() -> str:
        raise ValueError("secret")

    @app.errorhandler(500)
    def failed(error: Any) -> tuple[str, int]:
        trace.append(("500", repr(error.original_exception)))
        return "sorry", 500

    @app.get("/in-after")
    def in_after() -> str:
        return "fine"

    @app.after_request
    def breaks(response: Any) -> Any:
        if fw.request.path == "/in-after" and response.status_code == 200:
            raise RuntimeError("after")
        return response


def a_handler_of_every_exception(fw: ModuleType, app: Any, trace: Trace) -> None:
    @app.errorhandler(Exception)
    def every(error: Exception) -> tuple[str, int]:
        trace.append(type(error).__name__)
        return "every", 299

    @app.get("/boom")
    def boom() -> str:
        raise ValueError

    @app.get("/twice")
    def twice() -> str:
        return "x"

    @app.errorhandler(ZeroDivisionError)
    def breaks(error: Exception) -> str:
        raise KeyError("in the handler")

    @app.get("/zero")
    def zero() -> str:
        return str(1 // 0)

    @app.errorhandler(500)
    def failed(error: Any) -> tuple[str, int]:
        return f"500 {type(error.original_exception).__name__}", 500


def blueprints_twice_and_nested(fw: ModuleType, app: Any, trace: Trace) -> None:
    bp = fw.Blueprint("bp", "bp", url_prefix="/own")
    child = fw.Blueprint("child", "child")

    @bp.before_request
    def before() -> None:
        trace.append(("before", fw.request.blueprint))

    @bp.before_app_request
    def before_app() -> None:
        trace.append("before app")

    @bp.route("/<int:id>", methods=["post", "Put"])
    def item(id: int) -> Any:
        return fw.jsonify(id=id, url=fw.url_for(".item", id=id), child=fw.url_for(".child.leaf"))

    @child.get("/leaf", defaults={"kind": "x"})
    def leaf(kind: str) -> Any:
        return fw.jsonify(kind=kind, up=fw.url_for("b.item", id=3), here=fw.url_for(".leaf"))

    @bp.errorhandler(KeyError)
    def missing(error: KeyError) -> tuple[str, int]:
        return f"missing in {fw.request.blueprint}", 404

    @bp.get("/broken")
    def broken() -> str:
        return str({"y": 1}["x"])

    @bp.get("")
    def exact() -> str:
        return "exact"

    bp.register_blueprint(child, url_prefix="/child")
    app.register_blueprint(bp, url_prefix="/a", name="a")
    app.register_blueprint(bp, url_prefix="/b", name="b")


def url_for_everywhere(fw: ModuleType, app: Any, trace: Trace) -> None:
    @app.get("/")
    def home() -> Any:
        url = fw.url_for
        return fw.jsonify(
            [
                url("home"),
                url("user", name="a b/c?é"),
                url("user", name="x", page=2, tag=["a", "b"], none=None),
                url("user", name="x", _anchor="top of/it"),
                url("user", name="x", _external=True),
                url("user", name="x", _scheme="https", _external=True),
                url("pages", page=1),
                url("pages", page=7),
                url("files", rest="a/b c.txt"),
                url("saved", _method="POST", id=1),
            ]
        )

    app.add_url_rule("/user/<name>", "user", lambda name: name)

    @app.route("/method", methods=["GET", "POST"])
    def method() -> Any:
        return fw.jsonify([fw.url_for("m"), fw.url_for("m", _method="GET"), fw.url_for("m", _method="POST")])

    def answer() -> Any:
        return fw.request.method

    app.add_url_rule("/m/get", "m", answer, methods=["GET"])
    app.add_url_rule("/m/post", "m", answer, methods=["POST"])

    def pages(page: int) -> str:
        return str(page)

    app.add_url_rule("/pages/", "pages", pages, defaults={"page": 1})
    app.add_url_rule("/pages/<int:page>", "pages", pages)
    app.add_url_rule("/files/<path:rest>", "files", lambda rest: rest)
    app.add_url_rule("/save", "saved", lambda: "x", methods=["POST"])


SCENARIOS: list[tuple[Scenario, list[str]]] = [
    (
        hooks_in_order,
        ["GET /", "GET /outer/", "GET /outer/inner/deep", "GET /outer/x", "POST /", "GET /outer"],
    ),
    (why_no_view_is_reached, ["GET /slash/", "GET /slash", "GET /none", "POST /slash/"]),
    (a_before_request_that_answers, ["GET /", "GET /?gate=1", "GET /nowhere", "GET /nowhere?gate=1"]),
    (
        handlers_by_class_and_code,
        [
            f"{method} {prefix}{path}"
            for method in ("GET", "DELETE")
            for prefix in ("", "/bp")
            for path in ("/derived", "/key", "/abort/404", "/abort/409", "/abort/400", "/abort/418", "/none")
        ],
    ),
    (errors_that_nobody_handles, ["GET /boom", "GET /in-after", "GET /none"]),
    (a_handler_of_every_exception, ["GET /boom", "GET /twice", "GET /zero", "GET /none", "POST /twice"]),
    (
        blueprints_twice_and_nested,
        [
            "POST /a/1",
            "PUT /b/2",
            "GET /a/1",
            "GET /a/child/leaf",
            "GET /b/child/leaf",
            "GET /a/broken",
            "GET /b/broken",
            "GET /b",
            "GET /own/1",
        ],
    ),
    (url_for_everywhere, ["GET /", "GET /method", "POST /method", "HEAD /method"]),
]


@pytest.mark.parametrize(
    ("scenario", "line"),
    [
        pytest.param(scenario, line, id=f"{scenario.__name__}-{line}")
        for scenario, lines in SCENARIOS
        for line in lines
    ],
)
def test_the_same_calls_and_the_same_answer_as_flask(scenario: Scenario, line: str) -> None:
    assert run(microlambda, scenario, line) == run(flask, scenario, line)


def run(fw: ModuleType, scenario: Scenario, line: str) -> tuple[Any, ...]:
    trace: Trace = []
    app = flask.Flask("x") if fw is flask else microlambda.App("x")
    scenario(fw, app, trace)
    if isinstance(app, flask.Flask):
        client: Any = app.test_client()
    else:
        client = app.test_client(raise_errors=False)
    method, _, path = line.partition(" ")
    response = client.open(path, method=method)
    # The bodies of the errors and redirects that the framework itself answers differ on purpose.
    is_ours = response.status_code in (308, 404, 405) and "X-Handled" not in response.headers
    body = response.json if response.is_json and not is_ours and method != "HEAD" else response.text
    return response.status_code, None if is_ours else body, response.headers.get("X-Gate"), trace
