"""Authorizers, planned: whom an API asks at which of its routes, and what no API can ask."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from microlambda import (
    App,
    Blueprint,
    CognitoUserPoolAuthorizer,
    CustomAuthorizer,
    IAMAuthorizer,
    JWTAuthorizer,
)
from microlambda.plan.errors import PlanError
from microlambda.plan.protected import ROUTES
from microlambda.plan.records import Authorizer, Guard, HttpApi, Permission, Ref, RestApi
from microlambda.plan.view import as_data
from tests.plan.planning import plan_in

HTTP, REST, URL = ('ingress = "http-api"', 'ingress = "rest-api"', 'ingress = "function-url"')
ISSUER = "https://issuer.example"
POOL = "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_Aa1"
THEIRS = "arn:aws:lambda:eu-west-1:123456789012:function:theirs"
HEADER = {"http-api": "$request.header.", "rest-api": "method.request.header."}


def view(**_names: object) -> str:
    return "hello"


@pytest.fixture
def shop() -> App:
    return App("shop")


def http_api(folder: Path, app: App) -> HttpApi:
    (record,) = plan_in(folder, app, HTTP).of_kind("http-api")
    assert isinstance(record, HttpApi)
    return record


def rest_api(folder: Path, app: App, more: str = "") -> RestApi:
    (record,) = plan_in(folder, app, f"{REST}\n{more}").of_kind("rest-api")
    assert isinstance(record, RestApi)
    return record


def test_a_view_has_routes_for_get_and_head_with_a_slash_at_the_end_and_without(
    tmp_path: Path, shop: App
) -> None:
    check = shop.authorizer(name="check")(lambda request: True)
    shop.get("/orders/<int:number>", authorizer=check)(view)

    planned = http_api(tmp_path, shop)

    asks = Guard(authorization="CUSTOM", authorizer="check")
    assert planned.guarded == {
        f"{method} /orders/{{number}}{slash}": asks for method in ("GET", "HEAD") for slash in ("", "/")
    }
    assert planned.route == "$default"


@pytest.mark.parametrize(
    ("rule", "keys"),
    [
        pytest.param("/", ["GET /", "HEAD /"], id="root"),
        pytest.param("/files/<path:rest>", ["GET /files/{rest+}", "HEAD /files/{rest+}"], id="rest"),
        pytest.param(
            "/orders/", ["GET /orders", "GET /orders/", "HEAD /orders", "HEAD /orders/"], id="slash"
        ),
    ],
)
def test_what_ends_in_a_slash_or_takes_the_rest_has_one_route_to_a_path(
    tmp_path: Path, shop: App, rule: str, keys: list[str]
) -> None:
    shop.get(rule, authorizer=IAMAuthorizer())(view)

    assert list(http_api(tmp_path, shop).guarded) == keys


def test_a_rest_api_asks_at_methods_beside_the_open_ones(tmp_path: Path, shop: App) -> None:
    check = shop.authorizer(name="check")(lambda request: True)
    shop.get("/orders", authorizer=check)(view)

    planned = rest_api(tmp_path, shop)

    asks = Guard(authorization="CUSTOM", authorizer="check")
    assert planned.resources == {
        **{"/": {}, "/orders": {"GET": asks, "HEAD": asks}, "/orders/{proxy+}": {}, "/{proxy+}": {}}
    }


def test_a_fixed_path_beside_a_protected_capture_stays_open(tmp_path: Path, shop: App) -> None:
    shop.get("/users/<name>", authorizer=IAMAuthorizer())(view)
    shop.get("/users/me", endpoint="me")(view)

    guarded = http_api(tmp_path, shop).guarded

    opened = [key for key, guard in guarded.items() if guard == Guard()]
    assert opened == ["ANY /users/me", "ANY /users/me/"]
    assert "/users/me" in rest_api(tmp_path, shop).resources


def test_an_open_capture_that_no_route_tells_apart_is_refused(tmp_path: Path, shop: App) -> None:
    shop.get("/users/<name>", authorizer=IAMAuthorizer())(view)
    shop.get("/users/<int:number>", endpoint="numbered")(view)

    for ingress in (HTTP, REST):
        with pytest.raises(PlanError, match="is open, and API Gateway cannot tell its paths") as told:
            plan_in(tmp_path, shop, ingress)
        assert "'/users/<name>' (view, " in str(told.value)
        assert "which has an authorizer" in str(told.value)


@pytest.mark.parametrize(
    ("authorizer", "ingress", "told"),
    [
        pytest.param(
            JWTAuthorizer(ISSUER, "web"),
            REST,
            f"the authorizer JWTAuthorizer('{ISSUER}', ...), which the ingress 'rest-api' cannot ask. "
            "Write ingress = 'http-api', or give it another authorizer.",
            id="jwt on rest",
        ),
        pytest.param(
            CognitoUserPoolAuthorizer(POOL),
            HTTP,
            f"the authorizer CognitoUserPoolAuthorizer(['{POOL}']), which the ingress 'http-api' cannot ask. "
            "Write ingress = 'rest-api', or give it another authorizer.",
            id="cognito on http",
        ),
        pytest.param(
            CustomAuthorizer(THEIRS),
            URL,
            f"the authorizer CustomAuthorizer('{THEIRS}'), which the ingress 'function-url' cannot ask. "
            "Write ingress = 'http-api' or 'rest-api', or give it another authorizer.",
            id="custom at a url",
        ),
        pytest.param(
            CustomAuthorizer(THEIRS).with_scopes(["read"]),
            HTTP,
            f"scopes for CustomAuthorizer('{THEIRS}'), and API Gateway finds them in tokens alone that it "
            "checks itself. Leave with_scopes() out, and let the authorizer look.",
            id="scopes of a function",
        ),
        pytest.param(
            IAMAuthorizer().with_scopes(["read"]), REST, "scopes for IAMAuthorizer()", id="scopes of iam"
        ),
    ],
)
def test_what_the_ingress_cannot_ask_is_refused_with_the_view_and_the_way_out(
    tmp_path: Path, shop: App, authorizer: Any, ingress: str, told: str
) -> None:
    shop.get("/orders", endpoint="orders", authorizer=authorizer)(view)

    with pytest.raises(PlanError) as refused:
        plan_in(tmp_path, shop, ingress)

    assert str(refused.value).startswith("the view of '/orders' (orders, ")
    assert told in str(refused.value)


def test_a_function_of_the_apps_own_is_asked_by_no_url(tmp_path: Path, shop: App) -> None:
    check = shop.authorizer(name="check")(lambda request: True)
    shop.get("/orders", authorizer=check)(view)

    with pytest.raises(
        PlanError, match="'function-url' cannot ask. Write ingress = 'http-api' or 'rest-api'"
    ):
        plan_in(tmp_path, shop, URL)


def test_a_key_beside_an_authorizer_needs_a_rest_api(tmp_path: Path, shop: App) -> None:
    shop.get("/orders", authorizer=IAMAuthorizer(), api_key_required=True)(view)

    with pytest.raises(PlanError, match="asks for an API key, which the ingress 'http-api' cannot check"):
        plan_in(tmp_path, shop, f'{HTTP}\napi_keys = ["a"]')

    planned = rest_api(tmp_path, shop, 'api_keys = ["a"]')
    assert planned.resources["/orders"]["GET"] == Guard(api_key=True, authorization="AWS_IAM")


def test_a_url_asks_at_all_views_or_at_none(tmp_path: Path, shop: App) -> None:
    shop.get("/orders", endpoint="orders", authorizer=IAMAuthorizer())(view)
    shop.get("/", endpoint="index")(view)

    with pytest.raises(PlanError, match="a Function URL asks at all of them or at none") as told:
        plan_in(tmp_path, shop, URL)

    assert "'/orders' (orders, " in str(told.value)
    assert "'/' (index, " in str(told.value)


def test_a_function_that_is_no_authorizer_is_refused(tmp_path: Path, shop: App) -> None:
    shop.get("/orders", endpoint="orders", authorizer=view)(lambda: "hello")

    for ingress in (HTTP, REST, URL):
        with pytest.raises(PlanError, match=r"Decorate it with @app.authorizer\(\)") as told:
            plan_in(tmp_path, shop, ingress)
        assert str(told.value).startswith("the view of '/orders' (orders, ")


def test_an_authorizer_of_a_blueprint_that_was_not_registered_is_refused(tmp_path: Path, shop: App) -> None:
    other = Blueprint("other")
    check = other.authorizer(name="check")(lambda request: True)
    shop.get("/orders", authorizer=check)(view)

    with pytest.raises(PlanError, match="register the blueprint that it is in"):
        plan_in(tmp_path, shop, HTTP)


SOURCES = ["header.X-Token", "query.token", "context.identity.sourceIp", "stage.name"]
IN_THEIR_WORDS = {
    "http-api": (
        *("$request.header.X-Token", "$request.querystring.token"),
        *("$context.identity.sourceIp", "$stageVariables.name"),
    ),
    "rest-api": (
        *("method.request.header.X-Token", "method.request.querystring.token"),
        *("context.identity.sourceIp", "stageVariables.name"),
    ),
}


@pytest.mark.parametrize("ingress", IN_THEIR_WORDS)
def test_identity_sources_are_written_in_the_words_of_the_api(
    tmp_path: Path, shop: App, ingress: str
) -> None:
    check = shop.authorizer(name="check", identity_sources=SOURCES, ttl=60, simple=True)(lambda request: True)
    shop.get("/orders", authorizer=check)(view)

    (record,) = plan_in(tmp_path, shop, f'ingress = "{ingress}"').of_kind(ingress)

    assert isinstance(record, HttpApi | RestApi)
    assert record.authorizers == (
        Authorizer(
            name="check",
            type="REQUEST",
            identity_sources=IN_THEIR_WORDS[ingress],
            target=Ref(kind="alias", key="check"),
            ttl=60,
            is_simple=ingress == "http-api",
        ),
    )


@pytest.mark.parametrize(("ingress", "kind"), [("http-api", "REQUEST"), ("rest-api", "TOKEN")])
def test_a_token_is_handed_over_alone_by_rest_apis(
    tmp_path: Path, shop: App, ingress: str, kind: str
) -> None:
    check = shop.authorizer(name="check", type="token")(lambda request: True)
    shop.get("/orders", authorizer=check)(view)

    (record,) = plan_in(tmp_path, shop, f'ingress = "{ingress}"').of_kind(ingress)

    assert isinstance(record, HttpApi | RestApi)
    (found,) = record.authorizers
    assert (found.type, found.identity_sources) == (kind, (f"{HEADER[ingress]}Authorization",))


def test_tokens_and_scopes_are_planned(tmp_path: Path, shop: App) -> None:
    people = JWTAuthorizer(ISSUER, ["web", "app"], name="people", header="X-Token")
    shop.get("/orders", authorizer=people)(view)
    shop.post("/orders", endpoint="order", authorizer=people.with_scopes(["write"]))(view)

    planned = http_api(tmp_path, shop)

    (found,) = planned.authorizers
    assert (found.type, found.issuer, found.audience) == ("JWT", ISSUER, ("web", "app"))
    assert found.identity_sources == ("$request.header.X-Token",)
    assert planned.guarded["GET /orders"] == Guard(authorization="JWT", authorizer="people")
    assert planned.guarded["POST /orders"] == Guard(
        authorization="JWT", authorizer="people", scopes=("write",)
    )


def test_user_pools_are_planned(tmp_path: Path, shop: App) -> None:
    shop.get("/orders", authorizer=CognitoUserPoolAuthorizer([POOL], ["read"], name="people"))(view)

    planned = rest_api(tmp_path, shop)

    (found,) = planned.authorizers
    assert (found.type, found.providers, found.ttl) == ("COGNITO_USER_POOLS", (POOL,), None)
    asks = Guard(authorization="COGNITO_USER_POOLS", authorizer="people", scopes=("read",))
    assert planned.resources["/orders"]["GET"] == asks


MADE: dict[str, tuple[str, Callable[[], Any]]] = {
    "jwt": (HTTP, lambda: JWTAuthorizer(ISSUER, "web")),
    "cognito": (REST, lambda: CognitoUserPoolAuthorizer(POOL)),
    "custom": (HTTP, lambda: CustomAuthorizer(THEIRS)),
}


@pytest.mark.parametrize("word", MADE)
def test_one_without_a_name_is_called_after_what_it_asks_and_equal_ones_are_shared(
    tmp_path: Path, shop: App, word: str
) -> None:
    ingress, make = MADE[word]
    for path in ("/a", "/b"):
        shop.get(path, endpoint=path, authorizer=make())(view)

    (record,) = (one for one in plan_in(tmp_path, shop, ingress).records if "-api" in one.kind)

    assert isinstance(record, HttpApi | RestApi)
    (found,) = record.authorizers
    assert found.name.startswith(f"{word}-")
    assert len(found.name) == len(word) + 9


def test_what_asks_otherwise_is_another(tmp_path: Path, shop: App) -> None:
    for path, audience in (("/a", "web"), ("/b", "app")):
        shop.get(path, endpoint=path, authorizer=JWTAuthorizer(ISSUER, audience))(view)

    assert len({one.name for one in http_api(tmp_path, shop).authorizers}) == 2


@pytest.mark.parametrize(
    "other",
    [JWTAuthorizer(ISSUER, "app", name="check"), CustomAuthorizer(THEIRS, name="check")],
    ids=["token", "function"],
)
def test_two_of_one_name_are_refused(tmp_path: Path, shop: App, other: Any) -> None:
    check = shop.authorizer(name="check")(lambda request: True)
    shop.get("/a", endpoint="a", authorizer=check)(view)
    shop.get("/b", endpoint="b", authorizer=other)(view)

    with pytest.raises(PlanError, match="two authorizers are called 'check'. Give one of them another name="):
        plan_in(tmp_path, shop, HTTP)


def test_a_handlers_name_is_made_to_fit(tmp_path: Path, shop: App) -> None:
    users = Blueprint("users")
    check = users.authorizer(name="may they?")(lambda request: True)
    users.get("/orders", authorizer=check)(view)
    shop.register_blueprint(users)

    planned = http_api(tmp_path, shop)

    (found,) = planned.authorizers
    assert found.name.startswith("users-may-they--")
    assert planned.guarded["GET /orders"].authorizer == found.name
    assert found.target == Ref(kind="alias", key="users.may they?")


def test_the_apis_authorizers_may_call_the_handlers_that_they_ask(tmp_path: Path, shop: App) -> None:
    check = shop.authorizer(name="check")(lambda request: True)
    shop.authorizer(name="unused")(lambda request: True)
    for path, authorizer in (("/a", check), ("/b", check), ("/c", CustomAuthorizer(THEIRS))):
        shop.get(path, endpoint=path, authorizer=authorizer)(view)

    for ingress in ("http-api", "rest-api"):
        plan = plan_in(tmp_path, shop, f'ingress = "{ingress}"')

        statements = [one for one in plan.records if isinstance(one, Permission)]
        assert [one.address for one in statements] == [
            f"shop-dev-http:live/microlambda-{ingress}",
            f"shop-dev-check:live/microlambda-{ingress}-authorizer",
        ]
        assert statements[1].source == Ref(kind=ingress, key="http", attribute="authorizers_arn")
        assert {one.name for one in plan.of_kind("function")} == {
            *("shop-dev-http", "shop-dev-check", "shop-dev-unused")
        }


def test_handlers_alone_make_no_api(tmp_path: Path, shop: App) -> None:
    shop.authorizer(name="check")(lambda request: True)

    plan = plan_in(tmp_path, shop)

    assert [one.name for one in plan.of_kind("function")] == ["shop-dev-check"]
    assert plan.of_kind("http-api") == plan.of_kind("permission") == ()


def test_the_same_path_asked_for_in_two_ways_is_refused(tmp_path: Path, shop: App) -> None:
    shop.get("/users/<int:number>", endpoint="number", authorizer=IAMAuthorizer())(view)
    shop.get("/users/<string(length=2):number>", endpoint="short", authorizer=CustomAuthorizer(THEIRS))(view)

    with pytest.raises(PlanError, match="are one resource of API Gateway's, and differ in what they ask"):
        plan_in(tmp_path, shop, HTTP)


def test_more_routes_than_an_api_has_are_refused(tmp_path: Path, shop: App) -> None:
    for number in range(ROUTES // 4):
        shop.get(f"/r{number}", endpoint=f"r{number}", authorizer=IAMAuthorizer())(view)

    with pytest.raises(PlanError, match="need 301 routes of the HTTP API, and AWS gives it 300"):
        plan_in(tmp_path, shop, HTTP)


@pytest.mark.parametrize("ingress", [HTTP, REST], ids=["http", "rest"])
def test_a_plan_shows_who_decides(tmp_path: Path, shop: App, ingress: str) -> None:
    check = shop.authorizer(name="check")(lambda request: True)
    shop.get("/orders", authorizer=check)(view)

    (record,) = (one for one in plan_in(tmp_path, shop, ingress).records if "-api" in one.kind)
    told = json.loads(json.dumps(as_data(record)))

    (found,) = told["authorizers"]
    assert (found["name"], found["target"]) == ("check", "${alias.check.arn}")
    asks = {"api_key": False, "authorization": "CUSTOM", "authorizer": "check", "scopes": []}
    where = told["guarded"] if ingress == HTTP else told["resources"]["/orders"]
    assert asks in where.values()


def test_a_websocket_handler_is_refused_with_its_authorizer(tmp_path: Path, shop: App) -> None:
    check = shop.authorizer(name="check")(lambda request: True)
    shop.on_ws_connect(name="connect", authorizer=check)(lambda event: None)

    with pytest.raises(PlanError, match="'connect' .* would need triggers"):
        plan_in(tmp_path, shop)
