"""Blueprints as users of Chalice and Flask register them; Flask judges more of it in its own test."""

from __future__ import annotations

import re
from typing import Any

import pytest

from microlambda import CORS, App, Blueprint, Response, abort, request, url_for
from microlambda.runtime.errors import RegistrationError, RouteConflict


def test_registered_twice_it_loses_nothing(app: App) -> None:
    """Chalice's second registration loses methods, CORS and authorizer."""
    bp = Blueprint("chalicelib.orders", cors=CORS(["https://shop.example"]))
    calls: list[str] = []

    @bp.route("/save", methods=["POST", "PUT"], content_types=["application/json"], cors=True)
    def save() -> dict[str, Any]:
        return {"path": request.path}

    bp.get("/own")(lambda: "own")
    bp.before_request(lambda: calls.append(request.path))
    bp.errorhandler(KeyError)(lambda error: ("handled", 409))
    bp.get("/broken")(lambda: {"a": 1}["x"])
    bp.lambda_function(name="job")(lambda event, context: "done")
    app.register_blueprint(bp, url_prefix="/a")
    app.register_blueprint(bp, url_prefix="/b")

    client = app.test_client()
    for prefix in ("/a", "/b"):
        origin = {"Origin": "https://other.example"}
        saved = client.put(f"{prefix}/save", json={}, headers=origin)
        assert (saved.json, saved.headers["Access-Control-Allow-Origin"]) == ({"path": f"{prefix}/save"}, "*")
        assert client.get(f"{prefix}/save").status_code == 405
        assert client.post(f"{prefix}/save", data=b"x").status_code == 415
        assert "Access-Control-Allow-Origin" not in client.get(f"{prefix}/own", headers=origin).headers
        assert client.get(f"{prefix}/broken").status_code == 409
    # Each request ran the hook once, and a 405 belongs to no blueprint.
    assert calls == [f"/{one}/{path}" for one in "ab" for path in ("save", "save", "own", "broken")]
    assert app.functions == ("http", "orders.job")


def test_handlers_are_named_after_the_blueprint(app: App, lambda_context: Any) -> None:
    outer, inner = Blueprint("outer"), Blueprint("inner")

    @inner.lambda_function()
    def nightly(event: Any, context: Any) -> str:
        return "inner"

    @app.lambda_function(name="nightly")
    def other(event: Any, context: Any) -> str:
        return "app"

    outer.register_blueprint(inner, name_prefix="x_")
    app.register_blueprint(outer)
    app.register_blueprint(inner, name="second")

    assert app.functions == ("nightly", "outer.x_nightly", "inner.nightly")
    assert app.handler("outer.x_nightly")({}, lambda_context) == "inner"


def test_two_handlers_with_one_name_are_refused(app: App) -> None:
    app.lambda_function(name="job")(lambda event, context: None)

    with pytest.raises(RegistrationError, match="'job' has the name of another"):
        app.lambda_function(name="job")(lambda event, context: None)
    with pytest.raises(RegistrationError, match="that of all routes"):
        app.lambda_function(name="http")(lambda event, context: None)


def test_captures_in_a_prefix_reach_the_view(app: App) -> None:
    bp = Blueprint("bp", url_prefix="/<lang>/<int:shop>")
    bp.get("/hello")(lambda lang, shop: {"lang": lang, "shop": shop})
    app.register_blueprint(bp)

    assert app.test_client().get("/de/7/hello").json == {"lang": "de", "shop": 7}


def test_url_defaults_fill_arguments(app: App) -> None:
    bp = Blueprint("bp", url_defaults={"lang": "en"})
    bp.get("/hello", endpoint="hello")(lambda lang: lang)
    app.register_blueprint(bp, url_prefix="/en")
    app.register_blueprint(bp, url_prefix="/de", name="de", url_defaults={"lang": "de"})
    app.get("/urls")(lambda: [url_for("bp.hello"), url_for("de.hello")])

    client = app.test_client()
    assert [client.get(f"/{lang}/hello").text for lang in ("en", "de")] == ["en", "de"]
    assert client.get("/urls").json == ["/en/hello", "/de/hello"]


def test_a_conflict_between_blueprints_names_both_places(app: App) -> None:
    one, two = Blueprint("one"), Blueprint("two")
    one.get("/x/<a>", endpoint="first")(lambda a: a)
    two.get("/x/<b>", endpoint="second")(lambda b: b)
    app.register_blueprint(one)

    with pytest.raises(RouteConflict, match=r"one\.first .*two\.second"):
        app.register_blueprint(two)


LATE: dict[str, Any] = {
    "route": lambda bp: bp.get("/late")(lambda: "x"),
    "hook": lambda bp: bp.before_request(lambda: None),
    "app hook": lambda bp: bp.after_app_request(lambda response: response),
    "error handler": lambda bp: bp.errorhandler(404)(lambda error: "x"),
    "middleware": lambda bp: bp.middleware()(lambda event, get_response: None),
    "handler": lambda bp: bp.lambda_function()(lambda event, context: None),
    "blueprint": lambda bp: bp.register_blueprint(Blueprint("other")),
}


@pytest.mark.parametrize("late", LATE)
def test_late_registration_is_refused_with_the_reason(app: App, late: str) -> None:
    bp = Blueprint("bp")
    app.register_blueprint(bp)

    with pytest.raises(RegistrationError, match="comes after the blueprint 'bp' was registered"):
        LATE[late](bp)


STAR: Any = "*"


@pytest.mark.parametrize(
    ("build", "error", "says"),
    [
        (lambda app: app.register_blueprint("bp"), RegistrationError, "takes a Blueprint"),
        (lambda app: app.register_blueprint(Blueprint("x"), prefix="/"), TypeError, "takes no 'prefix'"),
        (lambda app: Blueprint("a.b.").name, RegistrationError, "no name for a blueprint"),
        (lambda app: Blueprint(""), RegistrationError, "no name for a blueprint"),
        (lambda app: Blueprint("x", url_prefix="x"), RegistrationError, "Write '/x'"),
        (lambda app: Blueprint("x", cors=STAR), RegistrationError, "cors='*'"),
        (lambda app: app.register_blueprint(Blueprint("x"), name="a.b"), RegistrationError, "'a.b'"),
        (
            lambda app: Blueprint("x").get("/", endpoint="a.b")(lambda: ""),
            RegistrationError,
            "'a.b' of a blueprint",
        ),
        (lambda app: Blueprint("x").get("/", method="x")(lambda: ""), TypeError, "Did you mean 'methods'"),
        (lambda app: Blueprint("x").errorhandler(7)(lambda error: ""), RegistrationError, "7 is no status"),
        (
            lambda app: [app.register_blueprint(Blueprint("x")) for _ in range(2)],
            RegistrationError,
            "another blueprint called 'x'",
        ),
    ],
)
def test_what_cannot_work_is_refused(app: App, build: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=re.escape(says)):
        build(app)


def test_a_blueprint_is_not_registered_with_itself() -> None:
    bp = Blueprint("bp")

    with pytest.raises(RegistrationError, match="with itself"):
        bp.register_blueprint(bp)


def test_app_wide_hooks_of_a_blueprint_run_once_for_every_request(app: App) -> None:
    bp = Blueprint("bp")
    trace: list[str] = []
    bp.before_app_request(lambda: trace.append("before"))

    @bp.after_app_request
    def after(response: Response) -> Response:
        trace.append("after")
        return response

    bp.teardown_app_request(lambda error: trace.append("teardown"))
    bp.app_errorhandler(404)(lambda error: ("nowhere", 404))
    bp.get("/x")(lambda: abort(404))
    app.register_blueprint(bp, url_prefix="/a")
    app.register_blueprint(bp, url_prefix="/b", name="b")

    client = app.test_client()

    assert [client.get(path).text for path in ("/other", "/b/x")] == ["nowhere", "nowhere"]
    assert trace == ["before", "after", "teardown"] * 2


def test_chalices_attributes_of_a_blueprint(app: App) -> None:
    bp = Blueprint("bp")

    @bp.get("/x")
    def view() -> list[Any]:
        bp.log.info("seen")
        return [bp.current_request.path, bp.current_app.name, bp.lambda_context.function_name]

    app.register_blueprint(bp)

    assert app.test_client().get("/x").json == ["/x", "shop", "shop-local-http"]


def test_blueprints_that_nest_each_other_are_refused() -> None:
    one, two = Blueprint("one"), Blueprint("two")
    one.register_blueprint(two)

    with pytest.raises(RegistrationError, match="with itself"):
        two.register_blueprint(one)


def test_routes_with_defaults_are_there_under_every_prefix(app: App) -> None:
    """Werkzeug's redirect to the path of the defaults stays within one registration."""
    bp = Blueprint("bp")

    @bp.get("/list", defaults={"page": 1})
    @bp.get("/list/<int:page>")
    def pages(page: int) -> list[Any]:
        return [request.path, page]

    app.register_blueprint(bp, url_prefix="/v1")
    app.register_blueprint(bp, url_prefix="/v2", url_defaults={})
    client = app.test_client()

    for version in ("v1", "v2"):
        assert client.get(f"/{version}/list").json == [f"/{version}/list", 1]
        assert client.get(f"/{version}/list/2").json == [f"/{version}/list/2", 2]
        assert client.get(f"/{version}/list/1").headers["Location"] == f"/{version}/list"


def test_views_that_share_an_endpoint_do_not_redirect_to_each_other(app: App) -> None:
    app.add_url_rule("/a/", "same", lambda page: f"a{page}", defaults={"page": 1})
    app.add_url_rule("/b/", "same", lambda page: f"b{page}", defaults={"page": 1})

    client = app.test_client()
    assert [client.get(path).text for path in ("/a/", "/b/")] == ["a1", "b1"]


def test_an_app_error_handler_without_its_parentheses_is_explained() -> None:
    with pytest.raises(RegistrationError, match="write @app.errorhandler"):

        @Blueprint("bp").app_errorhandler  # type: ignore[arg-type]
        def forgotten(error: Exception) -> str:
            return "never"
