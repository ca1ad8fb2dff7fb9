"""Authorizers of an HTTP API: routes that ask for one; made, put right, gone on with, removed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from microlambda import App, CustomAuthorizer, IAMAuthorizer, JWTAuthorizer
from microlambda.cli.plan import as_data, as_lines
from microlambda.deploy.errors import DeployFailed
from tests.deploy.conftest import (
    ACCOUNT,
    REGION,
    Cloud,
    Project,
    account,
    clean,
    deploy_again,
    on_answer,
    without_numbers,
)
from tests.deploy.test_function_url import go_on, interrupt

ISSUER = "https://issuer.example"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/caller"
CHECK = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:shop-dev-check:live"
THEIRS = "arn:aws:lambda:us-east-1:111122223333:function:theirs:live"

Step = tuple[str, int]
FAILED_OR_LOST = pytest.mark.parametrize("lost", [False, True], ids=["failed", "lost"])


def uri(function: str) -> str:
    region = function.split(":")[3]
    return f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function}/invocations"


def app_with(*views: tuple[str, Any], ttl: int = 300, opened: Iterable[str] = ()) -> App:
    """An app with these views and their authorizers: "check" is that function of its own."""
    app = App("shop")
    app.get("/")(lambda: {"hello": "world"})

    def decide(request: object) -> bool:
        return True

    if any(authorizer == "check" for _, authorizer in views):
        app.authorizer(name="check", ttl=ttl)(decide)
    for path, authorizer in views:
        asked = decide if authorizer == "check" else authorizer
        app.add_url_rule(path, path, lambda **names: names, authorizer=asked)
    for path in opened:
        app.add_url_rule(path, path, lambda **names: names)
    return app


def jwt(*scopes: str, audience: str | list[str] = "web", name: str = "people") -> JWTAuthorizer:
    return JWTAuthorizer(ISSUER, audience, scopes, name=name)


@pytest.fixture
def shop(project: Project) -> Project:
    """Give a project with a view that asks a function of its own, never deployed."""
    project.app = app_with(("/orders", "check"))
    return project


def gateway(cloud: Cloud) -> tuple[Any, dict[str, str]]:
    client = cloud.client("apigatewayv2")
    (api,) = client.get_apis()["Items"]
    return client, {"ApiId": api["ApiId"]}


def state(cloud: Cloud) -> dict[str, Any]:
    found: dict[str, Any] = account(cloud)["api shop-dev"]
    return found


def asked(cloud: Cloud) -> dict[str, tuple[str, str | None, list[str]]]:
    """What the routes ask, but for those that ask nothing."""
    return {key: one for key, one in state(cloud)["routes"].items() if one[0] != "NONE"}


def of_orders(*asks: Any) -> dict[str, Any]:
    return {f"{method} /orders{slash}": asks for method in ("GET", "HEAD") for slash in ("", "/")}


def gateway_calls(project: Project, run: Callable[[], object]) -> list[str]:
    """Run, and give the calls that changed something at API Gateway, or let it call a function."""
    project.cloud.calls.clear()
    run()
    of_lambda = ("AddPermission", "RemovePermission")
    theirs = ("Api", "Route", "Authorizer", "Integration", "Stage")
    return [one for one in project.cloud.changes if one in of_lambda or one.endswith(theirs)]


def test_a_view_has_routes_of_its_own_that_ask(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()

    assert asked(cloud) == of_orders("CUSTOM", "check", [])
    assert state(cloud)["routes"]["$default"] == ("NONE", None, [])
    assert len(state(cloud)["integrations"]) == 1
    assert deploy_again(shop) == []


@pytest.mark.parametrize(
    ("authorizer", "described"),
    [
        pytest.param(
            "check",
            {
                **{"authorizerUri": uri(CHECK), "enableSimpleResponses": False},
                **{"authorizerResultTtlInSeconds": 300, "identitySource": ["$request.header.Authorization"]},
            },
            id="function",
        ),
        pytest.param(
            CustomAuthorizer(
                THEIRS, identity_sources=["query.token", "context.http.method"], simple=True, ttl=9
            ),
            {
                **{"authorizerUri": uri(THEIRS), "enableSimpleResponses": True},
                **{
                    "authorizerResultTtlInSeconds": 9,
                    "identitySource": ["$request.querystring.token", "$context.http.method"],
                },
            },
            id="arn",
        ),
        pytest.param(
            CustomAuthorizer(uri(THEIRS), identity_sources=[], ttl=0, invoke_role_arn=ROLE),
            {
                **{"authorizerUri": uri(THEIRS), "enableSimpleResponses": False, "identitySource": []},
                **{"authorizerResultTtlInSeconds": 0, "authorizerCredentialsArn": ROLE},
            },
            id="uri",
        ),
    ],
)
def test_a_function_is_asked_with_payload_2(
    shop: Project, cloud: Cloud, authorizer: Any, described: dict[str, Any]
) -> None:
    shop.app = app_with(("/orders", authorizer))

    shop.deployer.deploy()

    request = json.loads(cloud.last("CreateAuthorizer")["body"])
    name = request.pop("name")
    assert request == {"authorizerType": "REQUEST", "authorizerPayloadFormatVersion": "2.0", **described}
    assert asked(cloud) == of_orders("CUSTOM", name, [])
    assert deploy_again(shop) == []


def test_the_order_in_which_aws_tells_identity_sources_is_no_change(shop: Project, cloud: Cloud) -> None:
    sources = ["query.token", "header.X-Who"]
    shop.app = app_with(("/orders", CustomAuthorizer(THEIRS, identity_sources=sources)))
    shop.deployer.deploy()
    client, where = gateway(cloud)
    (one,) = client.get_authorizers(**where)["Items"]

    client.update_authorizer(
        **where, AuthorizerId=one["AuthorizerId"], IdentitySource=one["IdentitySource"][::-1]
    )

    assert not shop.deployer.changes()


def test_a_token_is_checked_by_the_api_itself(shop: Project, cloud: Cloud) -> None:
    shop.app = app_with(("/orders", jwt("read", "write", audience=["web", "app"])))

    shop.deployer.deploy()

    assert json.loads(cloud.last("CreateAuthorizer")["body"]) == {
        **{"name": "people", "authorizerType": "JWT", "identitySource": ["$request.header.Authorization"]},
        "jwtConfiguration": {"issuer": ISSUER, "audience": ["app", "web"]},
    }
    assert asked(cloud) == of_orders("JWT", "people", ["read", "write"])
    assert deploy_again(shop) == []


def test_a_signature_asks_no_authorizer(shop: Project, cloud: Cloud) -> None:
    shop.app = app_with(("/orders", IAMAuthorizer()))

    shop.deployer.deploy()

    assert asked(cloud) == of_orders("AWS_IAM", None, [])
    assert state(cloud)["authorizers"] == {}
    assert deploy_again(shop) == []


def test_the_apis_authorizers_alone_may_call_the_function_that_decides(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()

    _, where = gateway(cloud)
    policy = cloud.client("lambda").get_policy(FunctionName="shop-dev-check", Qualifier="live")["Policy"]
    (statement,) = json.loads(policy)["Statement"]
    assert statement["Sid"] == "microlambda-http-api-authorizer"
    assert statement["Principal"] == {"Service": "apigateway.amazonaws.com"}
    assert statement["Condition"] == {
        "ArnLike": {"AWS:SourceArn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{where['ApiId']}/authorizers/*"}
    }


def test_a_function_that_no_view_names_is_a_function_without_an_api(shop: Project, cloud: Cloud) -> None:
    shop.app = app_with()
    shop.app.authorizer(name="check")(lambda request: True)

    shop.deployer.deploy()

    assert state(cloud)["authorizers"] == {}
    assert account(cloud)["function shop-dev-check"]["statements"] == []
    assert deploy_again(shop) == []


def steps(calls: list[str], *some: Step) -> list[Step]:
    """Number the calls, each among those of its name; of these names only `some`."""
    numbered = [(name, calls[: index + 1].count(name)) for index, name in enumerate(calls)]
    return [one for one in numbered if one in some or one[0] not in {name for name, _ in some}]


def interrupted(project: Project, step: Step, *, lost: bool) -> None:
    """Deploy with that call failing, or its reply lost."""
    interrupt(project.cloud, *step, lost=lost)
    with pytest.raises(DeployFailed, match=step[0]):
        project.deployer.deploy()
    go_on(project.cloud)


#: The routes that a GET of "/orders/mine" may take, the most specific first.
OF_MINE = ("GET /orders/mine", "ANY /orders/mine", "GET /orders/{id}", "ANY /orders/{id}", "$default")


def check_meanwhile(cloud: Cloud, planned: dict[str, Any]) -> None:
    """What is open stays so, what asks asks as planned, and whom it asks lets it in."""
    routes = state(cloud)["routes"]
    mine = next(key for key in OF_MINE if key in routes)
    assert routes[mine][0] == "NONE"
    for key, asks in planned.items():
        assert routes.get(key, asks) == asks
    if any(asks[1] == "check" for asks in routes.values()):
        assert account(cloud)["function shop-dev-check"]["statements"]


def deploy_watched(shop: Project, planned: dict[str, Any]) -> list[str]:
    """Deploy, looking after each call that changes something; gives the calls."""

    def after_reply(name: str) -> None:
        if name in ("AddPermission", "DeleteFunction") or name.endswith(("Route", "Authorizer")):
            check_meanwhile(shop.cloud, planned)

    shop.cloud.after_reply = after_reply
    calls = gateway_calls(shop, shop.deployer.deploy)
    shop.cloud.after_reply = None
    return calls


OF_IDS: dict[str, Any] = {
    f"{method} /orders/{{id}}{slash}": ("CUSTOM", "check", [])
    for method in ("GET", "HEAD")
    for slash in ("", "/")
}
ADD = ["AddPermission", "CreateAuthorizer", *["CreateRoute"] * 6]


def prepare_adding(shop: Project) -> None:
    """Deploy openly; then a view asks, and one beside it is to stay open."""
    shop.app = app_with(opened=["/orders/<id>", "/orders/mine"])
    shop.deployer.deploy()
    shop.app = app_with(("/orders/<id>", "check"), opened=["/orders/mine"])


def test_who_is_asked_may_be_called_before_a_route_asks_and_what_stays_open_comes_first(
    shop: Project, cloud: Cloud
) -> None:
    prepare_adding(shop)

    assert deploy_watched(shop, OF_IDS) == ADD

    assert asked(cloud) == OF_IDS
    assert deploy_again(shop) == []


@pytest.mark.slow
@pytest.mark.parametrize("step", steps(ADD), ids=lambda step: f"{step[0]}-{step[1]}")
@FAILED_OR_LOST
def test_adding_that_is_interrupted_converges_on_the_next_run(
    shop: Project, cloud: Cloud, step: Step, lost: bool
) -> None:
    prepare_adding(shop)
    interrupted(shop, step, lost=lost)
    check_meanwhile(cloud, OF_IDS)

    shop.deployer.deploy()

    assert asked(cloud) == OF_IDS
    assert deploy_again(shop) == []
    assert without_numbers(account(cloud)) == clean(shop)


LINES = {"log-group /aws/lambda/shop-dev-check": 30}  # which stay
REMOVE = [*["DeleteRoute"] * 6, "DeleteAuthorizer", "RemovePermission"]


def prepare_removal(shop: Project) -> None:
    shop.app = app_with(("/orders/<id>", "check"), opened=["/orders/mine"])
    shop.deployer.deploy()
    shop.app = app_with(opened=["/orders/<id>", "/orders/mine"])


def test_what_keeps_a_view_open_goes_after_what_would_protect_it(shop: Project, cloud: Cloud) -> None:
    prepare_removal(shop)

    assert deploy_watched(shop, {}) == REMOVE

    assert list(state(cloud)["routes"]) == ["$default"]
    assert state(cloud)["authorizers"] == {}
    assert "function shop-dev-check" not in account(cloud)
    assert deploy_again(shop) == []


@pytest.mark.slow
@pytest.mark.parametrize("step", steps(REMOVE), ids=lambda step: f"{step[0]}-{step[1]}")
@FAILED_OR_LOST
def test_a_removal_that_is_interrupted_converges_on_the_next_run(
    shop: Project, cloud: Cloud, step: Step, lost: bool
) -> None:
    prepare_removal(shop)
    interrupted(shop, step, lost=lost)
    check_meanwhile(cloud, {})

    shop.deployer.deploy()

    assert deploy_again(shop) == []
    assert without_numbers(account(cloud)) == {**clean(shop), **LINES}


CHANGE = [
    "UpdateAuthorizer",  # its ttl
    *("UpdateAuthorizer", "CreateAuthorizer") * 2,  # one loses its role, one becomes another type
    *["UpdateRoute"] * 8,
    *["DeleteAuthorizer"] * 2,
]
CHANGED: dict[str, Any] = {
    **of_orders("CUSTOM", "check", []),
    **{
        f"{method} /others{slash}": ("CUSTOM", "others", [])
        for method in ("GET", "HEAD")
        for slash in ("", "/")
    },
    **{
        f"{method} /people{slash}": ("CUSTOM", "people", [])
        for method in ("GET", "HEAD")
        for slash in ("", "/")
    },
}


def prepare_change(shop: Project) -> None:
    theirs = CustomAuthorizer(THEIRS, name="others", invoke_role_arn=ROLE)
    shop.app = app_with(("/orders", "check"), ("/people", jwt("read")), ("/others", theirs))
    shop.deployer.deploy()
    now, others = CustomAuthorizer(THEIRS, name="people"), CustomAuthorizer(THEIRS, name="others")
    shop.app = app_with(("/orders", "check"), ("/people", now), ("/others", others), ttl=60)


def test_what_an_update_cannot_make_is_made_anew_and_takes_the_routes_over(
    shop: Project, cloud: Cloud
) -> None:
    prepare_change(shop)
    client, where = gateway(cloud)
    before = {one["Name"]: one["AuthorizerId"] for one in client.get_authorizers(**where)["Items"]}
    cloud.after_reply = lambda name: None if name.startswith("Get") else check_all_ask(cloud)

    calls = gateway_calls(shop, shop.deployer.deploy)

    assert calls == CHANGE
    after = {one["Name"]: one["AuthorizerId"] for one in client.get_authorizers(**where)["Items"]}
    assert {name for name in before if before[name] == after[name]} == {"check"}
    assert asked(cloud) == CHANGED
    assert deploy_again(shop) == []


def check_all_ask(cloud: Cloud) -> None:
    assert asked(cloud).keys() == CHANGED.keys()


@pytest.mark.slow
@pytest.mark.parametrize(
    "step",
    steps(CHANGE, ("UpdateRoute", 1), ("UpdateRoute", 8)),
    ids=lambda step: f"{step[0]}-{step[1]}",
)
@FAILED_OR_LOST
def test_a_change_that_is_interrupted_converges_on_the_next_run(
    shop: Project, cloud: Cloud, step: Step, lost: bool
) -> None:
    prepare_change(shop)
    interrupted(shop, step, lost=lost)
    check_all_ask(cloud)

    shop.deployer.deploy()

    assert asked(cloud) == CHANGED
    assert deploy_again(shop) == []
    assert without_numbers(account(cloud)) == clean(shop)


def test_another_handler_decides_without_a_moment_in_which_nobody_may_be_asked(
    shop: Project, cloud: Cloud
) -> None:
    shop.deployer.deploy()
    shop.app = App("shop")
    shop.app.get("/")(lambda: {"hello": "world"})
    verify = shop.app.authorizer(name="verify")(lambda request: True)
    shop.app.add_url_rule("/orders", "/orders", lambda: {}, authorizer=verify)

    calls = gateway_calls(shop, shop.deployer.deploy)

    assert calls == [
        *("AddPermission", "CreateAuthorizer", *["UpdateRoute"] * 4, "DeleteAuthorizer", "RemovePermission")
    ]
    assert asked(cloud) == of_orders("CUSTOM", "verify", [])
    assert deploy_again(shop) == []
    assert without_numbers(account(cloud)) == {**clean(shop), **LINES}


def test_a_new_api_comes_before_what_lets_it_call(shop: Project, cloud: Cloud) -> None:
    assert gateway_calls(shop, shop.deployer.deploy) == [
        *("CreateApi", "CreateIntegration", "CreateAuthorizer", *["CreateRoute"] * 5, "CreateStage"),
        *("AddPermission", "AddPermission"),
    ]


def authorizer(cloud: Cloud, name: str = "check") -> dict[str, str]:
    client, where = gateway(cloud)
    found = next(one for one in client.get_authorizers(**where)["Items"] if one["Name"] == name)
    return {**where, "AuthorizerId": found["AuthorizerId"]}


def route(cloud: Cloud, key: str = "GET /orders") -> dict[str, str]:
    client, where = gateway(cloud)
    found = next(one for one in client.get_routes(**where)["Items"] if one["RouteKey"] == key)
    return {**where, "RouteId": found["RouteId"]}


def open_a_route(cloud: Cloud) -> None:
    gateway(cloud)[0].update_route(**route(cloud), AuthorizationType="NONE")


def ask_for_a_signature(cloud: Cloud) -> None:
    gateway(cloud)[0].update_route(**route(cloud), AuthorizationType="AWS_IAM")


def protect_everything(cloud: Cloud) -> None:
    gateway(cloud)[0].update_route(**route(cloud, "$default"), AuthorizationType="AWS_IAM")


def lose_a_route(cloud: Cloud) -> None:
    gateway(cloud)[0].delete_route(**route(cloud))


def lose_the_default_route(cloud: Cloud) -> None:
    gateway(cloud)[0].delete_route(**route(cloud, "$default"))


def add_a_route(cloud: Cloud) -> None:
    client, where = gateway(cloud)
    (ours,) = client.get_integrations(**where)["Items"]
    client.create_route(**where, RouteKey="GET /mine", Target=f"integrations/{ours['IntegrationId']}")


def point_elsewhere(cloud: Cloud) -> None:
    client, where = gateway(cloud)
    other = client.create_integration(
        **where, IntegrationType="HTTP_PROXY", IntegrationUri="https://other.example", IntegrationMethod="ANY"
    )
    client.update_route(**route(cloud), Target=f"integrations/{other['IntegrationId']}")


def keep_answers_for_longer(cloud: Cloud) -> None:
    gateway(cloud)[0].update_authorizer(**authorizer(cloud), AuthorizerResultTtlInSeconds=3600)


def ask_another(cloud: Cloud) -> None:
    gateway(cloud)[0].update_authorizer(**authorizer(cloud), AuthorizerUri=uri(THEIRS))


def give_a_role(cloud: Cloud) -> None:
    gateway(cloud)[0].update_authorizer(**authorizer(cloud), AuthorizerCredentialsArn=ROLE)


def let_another_audience_in(cloud: Cloud) -> None:
    token = {"Issuer": ISSUER, "Audience": ["web", "other"]}
    gateway(cloud)[0].update_authorizer(**authorizer(cloud, "people"), JwtConfiguration=token)


def ask_for_other_scopes(cloud: Cloud) -> None:
    gateway(cloud)[0].update_route(**route(cloud, "GET /people"), AuthorizationScopes=["other"])


def ask_for_scopes_where_none_are_planned(cloud: Cloud) -> None:
    gateway(cloud)[0].update_route(**route(cloud, "GET /all"), AuthorizationScopes=["other"])


def rename(cloud: Cloud) -> None:
    gateway(cloud)[0].update_authorizer(**authorizer(cloud), Name="mine")


def add_an_authorizer(cloud: Cloud) -> None:
    client, where = gateway(cloud)
    client.create_authorizer(
        **where, Name="mine", AuthorizerType="JWT", IdentitySource=["$request.header.X"], JwtConfiguration={}
    )


def lose_the_permission(cloud: Cloud) -> None:
    cloud.client("lambda").remove_permission(
        FunctionName="shop-dev-check", Qualifier="live", StatementId="microlambda-http-api-authorizer"
    )


DRIFTS = {
    open_a_route: "route GET /orders",
    ask_for_a_signature: "route GET /orders",
    protect_everything: "route $default",
    lose_a_route: "route GET /orders",
    lose_the_default_route: "route $default",
    add_a_route: "left-over route GET /mine",
    point_elsewhere: "route GET /orders, left-over integrations",
    keep_answers_for_longer: "authorizer check",
    ask_another: "authorizer check",
    give_a_role: "authorizer check",
    let_another_audience_in: "authorizer people",
    ask_for_other_scopes: "route GET /people",
    ask_for_scopes_where_none_are_planned: "route GET /all",
    rename: "authorizer check, left-over authorizer mine",
    add_an_authorizer: "left-over authorizer mine",
}


@pytest.mark.parametrize(
    ("drift", "reasons"),
    [*DRIFTS.items(), (lose_the_permission, "")],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_what_was_changed_by_hand_is_named_and_put_right(
    shop: Project, cloud: Cloud, drift: Callable[[Cloud], None], reasons: str
) -> None:
    shop.app = app_with(("/orders", "check"), ("/people", jwt("read")), ("/all", jwt()))
    shop.deployer.deploy()
    before = without_numbers(account(cloud))
    drift(cloud)

    (change,) = shop.deployer.deploy().changes

    if reasons:
        assert change.line.startswith(f"~ HTTP API shop-dev: {reasons}")
    assert deploy_again(shop) == []
    assert without_numbers(account(cloud)) == before


def test_what_others_put_into_the_api_stays_with_what_it_asks(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()
    add_an_authorizer(cloud)
    client, where = gateway(cloud)
    other = client.create_integration(
        **where, IntegrationType="HTTP_PROXY", IntegrationUri="https://x.example"
    )
    to = f"integrations/{other['IntegrationId']}"
    for key, name in (("GET /theirs", "mine"), ("GET /shared", "check")):
        found = authorizer(cloud, name)["AuthorizerId"]
        kind = "JWT" if name == "mine" else "CUSTOM"
        client.create_route(**where, RouteKey=key, Target=to, AuthorizationType=kind, AuthorizerId=found)
    assert deploy_again(shop) == []
    shop.app = app_with()

    shop.deployer.deploy()

    assert asked(cloud) == {"GET /theirs": ("JWT", "mine", []), "GET /shared": ("CUSTOM", "check", [])}
    assert set(state(cloud)["authorizers"]) == {"mine", "check"}
    assert deploy_again(shop) == []


def test_an_integration_of_others_is_never_taken_for_ours(shop: Project, cloud: Cloud) -> None:
    shop.app = app_with()
    shop.deployer.deploy()
    client, where = gateway(cloud)
    (ours,) = client.get_integrations(**where)["Items"]
    other = client.create_integration(
        **where, IntegrationType="HTTP_PROXY", IntegrationUri="https://x.example"
    )
    client.create_route(**where, RouteKey="GET /theirs", Target=f"integrations/{other['IntegrationId']}")
    lose_the_default_route(cloud)
    client.delete_integration(**where, IntegrationId=ours["IntegrationId"])

    shop.deployer.deploy()

    uris = {one["IntegrationUri"] for one in client.get_integrations(**where)["Items"]}
    assert len(uris) == 2
    assert "https://x.example" in uris
    assert deploy_again(shop) == []


@pytest.mark.parametrize("call", ["GetAuthorizers", "GetRoutes"])
def test_what_stands_on_a_later_page_is_found(shop: Project, cloud: Cloud, call: str) -> None:
    shop.deployer.deploy()
    pages: list[int] = []

    def first_page_is_empty(answer: dict[str, Any]) -> None:
        pages.append(len(answer["Items"]))
        if len(pages) % 2:
            answer.update(Items=[], NextToken="more")

    on_answer(cloud, "apigatewayv2", call, first_page_is_empty)

    assert deploy_again(shop) == []
    assert len(pages) == 2


@pytest.mark.parametrize("call", ["DeleteRoute", "DeleteAuthorizer"])
def test_what_has_just_gone_is_no_failure(shop: Project, cloud: Cloud, call: str) -> None:
    shop.deployer.deploy()
    shop.app = app_with()

    def gone_first(name: str, params: dict[str, Any]) -> None:
        if name == call:
            *_, api, _kind, one = params["url_path"].split("/")
            if call == "DeleteRoute":
                cloud.client("apigatewayv2").delete_route(ApiId=api, RouteId=one)
            else:
                cloud.client("apigatewayv2").delete_authorizer(ApiId=api, AuthorizerId=one)

    cloud.before_call = gone_first
    shop.deployer.deploy()
    cloud.before_call = None

    assert list(state(cloud)["routes"]) == ["$default"]
    assert state(cloud)["authorizers"] == {}


def test_a_plan_says_what_asks_nobody_any_more(shop: Project, cloud: Cloud) -> None:
    shop.app = app_with(("/orders", "check"), ("/people", jwt()))
    shop.deployer.deploy()
    shop.app = app_with(("/people", IAMAuthorizer()), opened=["/orders"])
    changes = shop.deployer.changes()

    lines = as_lines(shop.plan, changes, cloud.aws)

    ways = sorted(of_orders())
    opened = lines.index("Without an authorizer from then on:")
    assert lines[opened + 1 : opened + 5] == [f"  {way}" for way in ways]
    assert as_data(shop.plan, changes, cloud.aws)["opens_without_authorizer"] == ways


def test_a_plan_that_takes_nothing_away_says_nothing_of_it(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()
    shop.app = app_with(("/orders", "check"), ("/people", jwt()), ttl=60)

    told = as_data(shop.plan, shop.deployer.changes(), cloud.aws)

    assert (len(told["changes"]), told["opens_without_authorizer"], told["opens"]) == (1, [], [])
