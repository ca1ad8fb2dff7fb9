"""The route table: what a rule matches, what it refuses, and what it says then."""

from __future__ import annotations

from typing import Any

import pytest

from microlambda import App
from microlambda.runtime.errors import (
    MethodNotAllowed,
    NotFound,
    RegistrationError,
    RequestRedirect,
    RouteConflict,
)
from microlambda.runtime.routing.rule import Rule
from microlambda.runtime.routing.table import RouteTable


def view(**captures: Any) -> Any:
    return captures


def table_of(*rules: str, methods: tuple[str, ...] = ("GET",)) -> RouteTable:
    table = RouteTable()
    for rule in rules:
        table.add(Rule(rule, view, methods=methods, endpoint=rule))
    return table


@pytest.mark.parametrize(
    ("rule", "path", "captures"),
    [
        ("/", "/", {}),
        ("/sms/send", "/sms/send", {}),
        ("/users/<name>", "/users/ann", {"name": "ann"}),
        ("/users/{name}", "/users/ann", {"name": "ann"}),
        ("/users/<int:id>", "/users/42", {"id": 42}),
        ("/users/<int(signed=True):id>", "/users/-42", {"id": -42}),
        ("/price/<float:x>", "/price/1.50", {"x": 1.5}),
        ("/<string(length=2):lang>/x", "/de/x", {"lang": "de"}),
        ("/<any(about, 'help me'):page>", "/help me", {"page": "help me"}),
        ("/files/<path:rest>", "/files/a/b/c.txt", {"rest": "a/b/c.txt"}),
        ("/files/{rest+}", "/files/a/b", {"rest": "a/b"}),
        ("/files/<path:rest>/edit", "/files/a/b/edit", {"rest": "a/b"}),
        ("/v<int:major>.<int:minor>", "/v1.20", {"major": 1, "minor": 20}),
        ("/a.b/<x>", "/a.b/é", {"x": "é"}),
    ],
)
def test_a_rule_captures(rule: str, path: str, captures: dict[str, Any]) -> None:
    found, arguments = table_of(rule).match(path, "GET")

    assert (found.rule, arguments) == (rule, captures)


def test_a_uuid_capture_is_a_uuid() -> None:
    from uuid import UUID

    text = "8f507cfc-4f6e-4c3b-9c6f-0d6a4c3b2a1f"

    assert table_of("/<uuid:x>").match(f"/{text}", "GET")[1] == {"x": UUID(text)}


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ("/users/<name>", "/users/"),
        ("/users/<name>", "/users/a/b"),
        ("/users/<int:id>", "/users/x"),
        ("/users/<int(min=3):id>", "/users/2"),
        ("/users/<int(fixed_digits=4):id>", "/users/42"),
        ("/a.b", "/aXb"),  # Powertools' fault: '.' in a rule matched any character
        ("/users", "/users/"),
        ("/dev", "/developers"),
    ],
)
def test_a_path_that_the_rule_does_not_match(rule: str, path: str) -> None:
    with pytest.raises(NotFound):
        table_of(rule).match(path, "GET")


def test_static_wins_over_captures_whatever_the_order() -> None:
    table = table_of("/users/<id>", "/users/me")

    assert table.match("/users/me", "GET")[0].rule == "/users/me"


def test_the_more_specific_capture_wins() -> None:
    table = table_of("/<path:rest>", "/<name>", "/<int:id>")

    assert [table.match(path, "GET")[0].rule for path in ("/7", "/x", "/x/y")] == [
        "/<int:id>",
        "/<name>",
        "/<path:rest>",
    ]


def test_a_dead_end_goes_back_to_the_next_branch() -> None:
    table = table_of("/users/me/photo", "/users/<id>/likes")

    assert table.match("/users/me/likes", "GET")[1] == {"id": "me"}


def test_another_method_goes_on_to_the_rule_that_takes_it() -> None:
    table = table_of("/users/me")
    table.add(Rule("/users/<id>", view, methods=["post"]))

    assert table.match("/users/me", "POST")[1] == {"id": "me"}


def test_methods_are_taken_in_any_case() -> None:
    # Chalice's fault: methods=["get"] answered 405 to everybody.
    assert table_of("/", methods=("get",)).match("/", "GET")


def test_method_not_allowed_lists_what_the_path_takes() -> None:
    table = table_of("/x", methods=("GET", "PUT"))

    with pytest.raises(MethodNotAllowed) as caught:
        table.match("/x", "POST")

    assert caught.value.headers["Allow"] == "GET, HEAD, OPTIONS, PUT"


def test_a_value_out_of_range_is_404_whatever_other_rules_of_its_shape_take() -> None:
    table = RouteTable()
    table.add(Rule("/a-<int(min=2):n>", view))
    table.add(Rule("/a-<int:n>", view, methods=["POST"]))

    with pytest.raises(NotFound):  # as in Werkzeug: the rule that took the method decides
        table.match("/a-1", "GET")


def test_head_comes_with_get_and_an_explicit_one_wins() -> None:
    table = table_of("/x")
    table.add(Rule("/x", view, methods=["HEAD"], endpoint="explicit"))

    assert table.match("/x", "HEAD")[0].endpoint == "explicit"
    assert table.match("/x", "GET")[0].endpoint == "/x"


@pytest.mark.parametrize(
    ("path", "right"),
    [
        ("/users", "/users/"),
        ("users", "/users/"),
        ("//users", "/users/"),
        ("/a//b", "/a/b"),
        ("/users//", "/users/"),
    ],
)
def test_a_slash_too_few_or_too_many_is_a_redirect(path: str, right: str) -> None:
    with pytest.raises(RequestRedirect) as caught:
        table_of("/users/", "/a/b").match(path, "GET")

    assert caught.value.path == right


def test_a_capture_that_may_be_empty_does_not_take_the_slash_before_it() -> None:
    table = table_of("/<string(minlength=0):x>/a")

    assert table.match("/b/a", "GET")[1] == {"x": "b"}
    with pytest.raises(NotFound):
        table.match("//a", "GET")


def test_without_strict_slashes_both_spellings_match() -> None:
    table = RouteTable()
    table.add(Rule("/users/", view, strict_slashes=False))

    assert table.match("/users", "GET")[0] is table.match("/users/", "GET")[0]


def test_two_views_for_one_path_and_method_are_refused_naming_both() -> None:
    app = App()

    @app.get("/users/<id>")
    def show(id: str) -> str:
        return id

    with pytest.raises(RouteConflict) as caught:

        @app.route("/users/<name>", methods=["PUT", "GET"])
        def find(name: str) -> str:
            return name

    line = show.__code__.co_firstlineno
    here = __name__.replace(".", "/") + ".py"
    message = str(caught.value)
    assert message.startswith(
        f"'/users/<id>' [GET] is already handled by show ({here}:{line}); find ({here}:{line + 6}) "
    )
    assert message.endswith("asks for the same. Give one of them another path or method.")
    assert [rule.endpoint for rule in app.route_table] == ["show"]


def test_captures_of_another_kind_are_no_conflict() -> None:
    assert len(table_of("/<int:id>", "/<name>", "/<path:rest>")) == 3


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ("users", "does not start with '/'. Write '/users'"),
        ("/<id", "does not close it with '>'"),
        ("/{id", "does not close it with '}'"),
        (
            "/<in:id>",
            "there is no converter 'in', which '/<in:id>' asks for. Known: any, default, float, int",
        ),
        ("/<int(mn=3):id>", "the converter 'int(mn=3)' in '/<int(mn=3):id>' does not work"),
        ("/<int(3:id>", "opens '(' and does not close it with ')'"),
        ("/<(length=2):id>", "there is no converter ''"),
        ("/<a>/<a>", "captures 'a' twice"),
        ("/<1a>", "is no name for a capture"),
        ("/<any():x>", "lists no words"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_at_once(rule: str, complaint: str) -> None:
    with pytest.raises(RegistrationError) as caught:
        Rule(rule, view)

    assert complaint in str(caught.value)


def test_a_view_that_lacks_a_captured_parameter_is_refused() -> None:
    app = App()

    with pytest.raises(
        RegistrationError, match=r"captures 'id', and show \(.*test_routing.py:\d+\) has no such parameter"
    ):

        @app.get("/users/<id>")
        def show() -> str:
            return ""


def test_an_async_view_is_checked_like_any_other() -> None:
    async def show() -> str:
        return ""

    assert Rule("/", show).endpoint == "show"
    with pytest.raises(RegistrationError, match="captures 'id', and show"):
        Rule("/<id>", show)


def test_methods_as_a_str_are_refused() -> None:
    with pytest.raises(RegistrationError, match=r"Write methods=\['POST'\]"):
        Rule("/", view, methods="POST")


def test_an_unknown_keyword_is_a_type_error_with_the_nearest() -> None:
    with pytest.raises(TypeError, match="takes no 'method'. Did you mean 'methods'"):
        App().route("/", method=["GET"])(view)


def test_the_table_lists_its_rules_in_order_with_their_places(app: App) -> None:
    @app.route("/b", methods=["POST"])
    def second() -> str:
        return ""

    @app.get("/a")
    def first() -> str:
        return ""

    assert [(rule.rule, rule.endpoint, rule.methods) for rule in app.route_table] == [
        ("/b", "second", frozenset({"POST"})),
        ("/a", "first", frozenset({"GET"})),
    ]
    assert next(iter(app.route_table)).location.startswith(__name__.replace(".", "/"))


@pytest.mark.parametrize(
    ("rule", "options", "complaint"),
    [
        (view, {}, "write @app.get('/path')"),
        (None, {}, "write @app.get('/path')"),
        ("/", {"methods": [None]}, "no list of method names"),
        ("/", {"methods": 5}, "no list of method names"),
        ("/", {"methods": ["G ET"]}, "'G ET' in the methods for '/' is no HTTP method"),
        ("/<string(minlength=3, maxlength=2):x>", {}, "maxlength=2 is below minlength=3"),
        ("/<string(length=-1):x>", {}, "a length of -1 is none"),
        ("/<int(bogus=1):x>", {}, "int takes fixed_digits, min, max, signed"),
    ],
)
def test_a_route_that_cannot_work_is_refused_in_its_own_words(
    rule: Any, options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(RegistrationError) as caught:
        App().route(rule, **options)(view)

    assert complaint in str(caught.value)


def test_a_view_that_needs_what_no_rule_captures_is_refused() -> None:
    def show(id: str, *, part: str) -> str:
        return id + part

    with pytest.raises(RegistrationError, match="needs 'part', which the rule '/<id>' does not capture"):
        Rule("/<id>", show)


def show_page(page: int) -> int:
    return page


def test_a_default_fills_a_parameter_of_the_view() -> None:
    table = RouteTable()
    table.add(Rule("/all/", show_page, defaults={"page": 1}))

    assert table.match("/all/", "GET")[1] == {"page": 1}


@pytest.mark.parametrize(
    ("rule", "defaults", "complaint"),
    [
        ("/all/", None, "show_page ("),
        ("/all/", {"page": 1, "size": 2}, "has a default for 'size', and show_page ("),
        ("/all/", ["page"], "defaults=['page'] for '/all/' names no arguments. Write defaults={'page': 1}"),
        ("/<int:page>", {"page": "x"}, "the default page='x' does not fit into the rule '/<int:page>'"),
    ],
)
def test_defaults_that_cannot_work_are_refused(rule: str, defaults: Any, complaint: str) -> None:
    with pytest.raises(RegistrationError) as caught:
        Rule(rule, show_page, defaults=defaults)

    assert complaint in str(caught.value)


@pytest.mark.parametrize("order", [1, -1])
def test_a_page_of_two_rules_has_one_path(order: int) -> None:
    rules = [
        Rule("/all/", show_page, endpoint="all", defaults={"page": 1}),
        Rule("/all/page/<int:page>", show_page, endpoint="all"),
    ]
    table = RouteTable()
    for rule in rules[::order]:
        table.add(rule)

    with pytest.raises(RequestRedirect) as caught:
        table.match("/all/page/1", "GET")

    assert caught.value.path == "/all/"
    assert table.match("/all/page/2", "GET")[1] == {"page": 2}


def test_a_redirect_to_a_page_has_the_decoded_path() -> None:
    table = RouteTable()
    table.add(Rule("/é/<name>", view, endpoint="it", defaults={"page": "1"}))
    table.add(Rule("/é/<name>/<page>", view, endpoint="it"))

    with pytest.raises(RequestRedirect) as caught:
        table.match("/é/a ü?/1", "GET")

    assert caught.value.path == "/é/a ü?"


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
@pytest.mark.parametrize("order", [1, -1])
def test_what_comes_with_get_is_no_conflict_with_an_explicit_rule(method: str, order: int) -> None:
    table = RouteTable()
    for verb in ["GET", method][::order]:
        table.add(Rule("/x", view, methods=[verb], endpoint=verb))

    assert table.match("/x", method)[0].endpoint == method
    assert table.match("/x", "GET")[0].endpoint == "GET"


def test_the_same_capture_under_another_name_is_a_conflict_in_any_spelling() -> None:
    table = table_of("/a/<x>/<int:n>")

    with pytest.raises(RouteConflict):
        table.add(Rule("/a/{y}/<int:m>", view, methods=["get"]))
    assert len(table) == 1


def test_a_method_of_an_object_is_a_view() -> None:
    class Shop:
        def show(self, id: str) -> str:
            return id

    assert Rule("/<id>", Shop().show).endpoint == "show"


def test_options_for_a_path_one_redirect_away() -> None:
    response = App("x")
    response.get("/users/")(lambda: "")

    assert response.test_client().options("/users").headers["allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize(
    "kind",
    [
        "int(min=a)",
        "float(max=x)",
        "int(min=9, max=2)",
        "int(fixed_digits=-1)",
        "int(signed=maybe)",
    ],
)
def test_converters_that_no_path_can_satisfy_are_refused(app: App, kind: str) -> None:
    with pytest.raises(RegistrationError, match="does not work"):
        app.add_url_rule(f"/<{kind}:x>", "view", lambda x: "x")


@pytest.mark.parametrize("method", ["PSOT", "GETT", "DELET", "PATHC"])
def test_a_slip_in_a_method_is_refused_and_an_unusual_one_is_not(app: App, method: str) -> None:
    with pytest.raises(RegistrationError, match="Did you mean"):
        app.route("/", methods=[method])(lambda: "x")
    app.route("/", methods=["REPORT", "COPY"])(lambda: "x")


def test_a_callable_object_that_lacks_a_parameter_is_refused(app: App) -> None:
    class View:
        def __call__(self, other: str) -> str:
            return other

    with pytest.raises(RegistrationError, match="'other'"):
        app.add_url_rule("/<name>", "view", View())


def test_a_converter_written_the_wrong_way_round_is_explained(app: App) -> None:
    with pytest.raises(RegistrationError, match="Write <int:number>"):
        app.get("/<number:int>")(lambda number: "x")
