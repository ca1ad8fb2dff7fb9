"""Authorizers of a REST API: methods that ask for one; made, put right, gone on with, removed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from microlambda import App, CognitoUserPoolAuthorizer, CustomAuthorizer, IAMAuthorizer
from microlambda.cli.plan import as_data, as_lines
from microlambda.deploy.kinds.rest_stage import content
from microlambda.plan.records import Guard, RestApi
from tests.deploy.conftest import (
    ACCOUNT,
    REGION,
    Cloud,
    Project,
    account,
    asked_of_callers,
    clean,
    deploy_again,
    on_answer,
    without_numbers,
)
from tests.deploy.test_api_keys import where
from tests.deploy.test_http_authorizers import (
    CHECK,
    FAILED_OR_LOST,
    LINES,
    ROLE,
    THEIRS,
    app_with,
    interrupted,
    steps,
    uri,
)
from tests.deploy.test_rest_api import Step, gateway_calls, only_api

SETTINGS = 'ingress = "rest-api"\n'
POOL, OTHER_POOL = (
    f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{REGION}_{name}" for name in ("Aa1", "Bb2")
)
METHODS = ("GET", "HEAD")
HTTP = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:shop-dev-http:live"


@pytest.fixture
def shop(project: Project) -> Project:
    """Give a project with a view that asks a function of its own, never deployed."""
    project.app = app_with(("/orders", "check"))
    project.write(SETTINGS)
    return project


def pool(*scopes: str, arns: str | list[str] = POOL) -> CognitoUserPoolAuthorizer:
    return CognitoUserPoolAuthorizer(arns, scopes, name="people")


def served(cloud: Cloud) -> dict[str, tuple[Any, ...]]:
    """What the stage asks of callers, as it was deployed, but for what asks nothing."""
    found = asked_of_callers(only_api(cloud)["id"])
    return {
        f"{method} {path}": (one["authorization"], _named(one["authorizer"]), one["scopes"], one["api_key"])
        for (path, method), one in found.items()
        if one["authorization"] != "NONE" or one["api_key"]
    }


def _named(authorizer: Mapping[str, Any] | None) -> str | None:
    return None if authorizer is None else authorizer["name"]


def decides(cloud: Cloud, path: str = "/orders") -> dict[str, Any]:
    """The authorizer of a path, as the stage serves it."""
    found = asked_of_callers(only_api(cloud)["id"])[path, "GET"]["authorizer"]
    assert found is not None
    return dict(found)


def of(path: str, *asks: Any, api_key: bool = False) -> dict[str, Any]:
    return {f"{method} {path}": (*asks, api_key) for method in METHODS}


def test_a_view_has_methods_of_its_own_that_ask(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()

    assert served(cloud) == of("/orders", "CUSTOM", "check", ())
    assert deploy_again(shop) == []


FUNCTION = {"authorizerUri": uri(CHECK), "authorizerResultTtlInSeconds": 300}


@pytest.mark.parametrize(
    ("authorizer", "described"),
    [
        pytest.param(
            "check",
            {"type": "REQUEST", "identitySource": "method.request.header.Authorization", **FUNCTION},
            id="function",
        ),
        pytest.param(
            CustomAuthorizer(THEIRS, name="a", type="token", header="X-Token", ttl=9, invoke_role_arn=ROLE),
            {
                **{"type": "TOKEN", "identitySource": "method.request.header.X-Token"},
                **{"authorizerUri": uri(THEIRS), "authorizerResultTtlInSeconds": 9},
                "authorizerCredentials": ROLE,
            },
            id="token",
        ),
        pytest.param(
            CustomAuthorizer(uri(THEIRS), identity_sources=["query.token", "header.X-Who", "context.path"]),
            {
                "type": "REQUEST",
                "identitySource": "method.request.querystring.token,method.request.header.X-Who,context.path",
                **{"authorizerUri": uri(THEIRS), "authorizerResultTtlInSeconds": 300},
            },
            id="uri",
        ),
        pytest.param(
            CustomAuthorizer(THEIRS, identity_sources=[], ttl=0),
            {"type": "REQUEST", "authorizerUri": uri(THEIRS), "authorizerResultTtlInSeconds": 0},
            id="no sources",
        ),
    ],
)
def test_a_function_is_asked_in_the_words_of_rest_apis(
    shop: Project, cloud: Cloud, authorizer: Any, described: dict[str, Any]
) -> None:
    shop.app = app_with(("/orders", authorizer))

    shop.deployer.deploy()

    request = json.loads(cloud.last("CreateAuthorizer")["body"])
    name = request.pop("name")
    assert request == described
    assert served(cloud) == of("/orders", "CUSTOM", name, ())
    assert deploy_again(shop) == []


def test_tokens_of_user_pools_are_checked_by_the_api_itself(shop: Project, cloud: Cloud) -> None:
    shop.app = app_with(("/orders", pool("read", "write", arns=[POOL, OTHER_POOL])))

    shop.deployer.deploy()

    assert json.loads(cloud.last("CreateAuthorizer")["body"]) == {
        **{"name": "people", "type": "COGNITO_USER_POOLS", "providerARNs": [POOL, OTHER_POOL]},
        "identitySource": "method.request.header.Authorization",
    }
    assert served(cloud) == of("/orders", "COGNITO_USER_POOLS", "people", ("read", "write"))
    assert deploy_again(shop) == []


def test_a_signature_asks_no_authorizer(shop: Project, cloud: Cloud) -> None:
    shop.app = app_with(("/orders", IAMAuthorizer()))

    shop.deployer.deploy()

    assert served(cloud) == of("/orders", "AWS_IAM", None, ())
    assert account(cloud)["rest-api shop-dev"]["authorizers"] == {}
    assert deploy_again(shop) == []


def test_a_view_may_ask_for_a_key_and_an_authorizer(shop: Project, cloud: Cloud) -> None:
    shop.app.add_url_rule("/both", "both", lambda: {}, authorizer=IAMAuthorizer(), api_key_required=True)
    shop.write(SETTINGS + 'api_keys = ["partner"]')

    shop.deployer.deploy()

    assert served(cloud) == {
        **of("/orders", "CUSTOM", "check", ()),
        **of("/both", "AWS_IAM", None, (), api_key=True),
    }
    assert deploy_again(shop) == []


def test_the_apis_authorizers_alone_may_call_the_function_that_decides(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()

    policy = cloud.client("lambda").get_policy(FunctionName="shop-dev-check", Qualifier="live")["Policy"]
    (statement,) = json.loads(policy)["Statement"]
    assert statement["Sid"] == "microlambda-rest-api-authorizer"
    arn = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{only_api(cloud)['id']}/authorizers/*"
    assert statement["Condition"] == {"ArnLike": {"AWS:SourceArn": arn}}


def calls_of(shop: Project) -> list[str]:
    return [name for name, _number in gateway_calls(shop, shop.deployer.deploy)]


ADD = [
    "CreateAuthorizer",
    *("CreateResource", *["PutMethod", "PutIntegration"] * 3),
    *("CreateResource", "PutMethod", "PutIntegration"),
    *("CreateDeployment", "UpdateStage", "DeleteDeployment"),
]


def prepare_adding(shop: Project) -> None:
    shop.app = app_with(opened=["/orders"])
    shop.deployer.deploy()
    shop.app = app_with(("/orders", "check"))


def test_an_authorizer_comes_before_the_methods_that_name_it(shop: Project, cloud: Cloud) -> None:
    prepare_adding(shop)

    assert calls_of(shop) == ADD

    assert served(cloud) == of("/orders", "CUSTOM", "check", ())
    assert cloud.changes.index("AddPermission") < cloud.changes.index("CreateAuthorizer")
    assert deploy_again(shop) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "step",
    [
        ("AddPermission", 1),
        *steps(ADD, ("CreateResource", 1), ("PutMethod", 2), ("PutIntegration", 2)),
    ],
    ids=lambda step: f"{step[0]}-{step[1]}",
)
@FAILED_OR_LOST
def test_adding_that_is_interrupted_converges_on_the_next_run(
    shop: Project, cloud: Cloud, step: Step, lost: bool
) -> None:
    prepare_adding(shop)
    interrupted(shop, step, lost=lost)
    assert served(cloud) in ({}, of("/orders", "CUSTOM", "check", ()))

    shop.deployer.deploy()

    assert served(cloud) == of("/orders", "CUSTOM", "check", ())
    assert deploy_again(shop) == []
    assert without_numbers(account(cloud)) == clean(shop)


CHANGE = [
    "UpdateAuthorizer",  # its ttl
    *("UpdateAuthorizer", "CreateAuthorizer"),  # without its role
    "UpdateAuthorizer",  # another user pool
    *("UpdateAuthorizer", "CreateAuthorizer"),  # another type
    *["DeleteMethod", "PutMethod", "PutIntegration"] * 4,
    *("CreateDeployment", "UpdateStage", "DeleteDeployment"),
    *["DeleteAuthorizer"] * 2,
]


def views(*, is_new: bool) -> App:
    role, kind = (None, "request") if is_new else (ROLE, "token")
    return app_with(
        ("/orders", "check"),
        ("/others", CustomAuthorizer(THEIRS, name="others", invoke_role_arn=role)),
        ("/people", pool(arns=OTHER_POOL if is_new else POOL)),
        ("/token", CustomAuthorizer(THEIRS, name="token", type=kind)),
        ttl=60 if is_new else 300,
    )


def prepare_change(shop: Project) -> None:
    shop.app = views(is_new=False)
    shop.deployer.deploy()
    shop.app = views(is_new=True)


def check_changed(cloud: Cloud, *, is_new: bool) -> None:
    """The stage serves the one or the other, and nothing in between."""
    assert decides(cloud)["authorizerResultTtlInSeconds"] == (60 if is_new else 300)
    assert decides(cloud, "/others").get("authorizerCredentials") == (None if is_new else ROLE)
    assert decides(cloud, "/people")["providerARNs"] == [OTHER_POOL if is_new else POOL]
    assert decides(cloud, "/token")["type"] == ("REQUEST" if is_new else "TOKEN")


def test_what_an_authorizer_has_become_is_served_with_the_next_deployment(
    shop: Project, cloud: Cloud
) -> None:
    prepare_change(shop)
    check_changed(cloud, is_new=False)
    seen: list[str] = []

    def after_reply(name: str) -> None:
        seen.append(name)
        check_changed(cloud, is_new="UpdateStage" in seen)

    cloud.after_reply = after_reply
    calls = calls_of(shop)
    cloud.after_reply = None

    assert calls == CHANGE
    check_changed(cloud, is_new=True)
    assert deploy_again(shop) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "step",
    steps(CHANGE, ("DeleteMethod", 1), ("PutMethod", 1), ("PutIntegration", 1), ("PutMethod", 4)),
    ids=lambda step: f"{step[0]}-{step[1]}",
)
@FAILED_OR_LOST
def test_a_change_that_is_interrupted_converges_on_the_next_run(
    shop: Project, cloud: Cloud, step: Step, lost: bool
) -> None:
    prepare_change(shop)
    interrupted(shop, step, lost=lost)
    moved = ("UpdateStage", "DeleteDeployment", "DeleteAuthorizer")
    check_changed(cloud, is_new=step[0] in moved and (lost or step[0] != "UpdateStage"))

    shop.deployer.deploy()

    check_changed(cloud, is_new=True)
    assert deploy_again(shop) == []
    assert without_numbers(account(cloud)) == clean(shop)


REMOVE = [
    "DeleteResource",
    *("CreateDeployment", "UpdateStage", "DeleteDeployment", "DeleteAuthorizer"),
]


def prepare_removal(shop: Project) -> None:
    shop.deployer.deploy()
    shop.app = app_with(opened=["/orders"])


def test_an_authorizer_goes_when_nothing_serves_it_any_more(shop: Project, cloud: Cloud) -> None:
    prepare_removal(shop)

    assert calls_of(shop) == REMOVE

    assert served(cloud) == {}
    assert account(cloud)["rest-api shop-dev"]["authorizers"] == {}
    assert "function shop-dev-check" not in account(cloud)
    assert deploy_again(shop) == []


@pytest.mark.slow
@pytest.mark.parametrize("step", [*steps(REMOVE), ("RemovePermission", 1)], ids=lambda step: step[0])
@FAILED_OR_LOST
def test_a_removal_that_is_interrupted_converges_on_the_next_run(
    shop: Project, cloud: Cloud, step: Step, lost: bool
) -> None:
    prepare_removal(shop)
    interrupted(shop, step, lost=lost)

    shop.deployer.deploy()

    assert served(cloud) == {}
    assert deploy_again(shop) == []
    assert without_numbers(account(cloud)) == {**clean(shop), **LINES}


def authorizer(cloud: Cloud, name: str = "check") -> dict[str, str]:
    api = only_api(cloud)["id"]
    found = cloud.client("apigateway").get_authorizers(restApiId=api)["items"]
    return {"restApiId": api, "authorizerId": next(one["id"] for one in found if one["name"] == name)}


def patched(cloud: Cloud, path: str, value: str, *, op: str = "replace", name: str = "check") -> None:
    patch = {"op": op, "path": path, "value": value}
    cloud.client("apigateway").update_authorizer(**authorizer(cloud, name), patchOperations=[patch])


def keep_answers_for_longer(cloud: Cloud) -> None:
    patched(cloud, "/authorizerResultTtlInSeconds", "3600")


def ask_another(cloud: Cloud) -> None:
    patched(cloud, "/authorizerUri", uri(THEIRS))


def ask_for_another_header(cloud: Cloud) -> None:
    patched(cloud, "/identitySource", "method.request.header.X")


def let_few_tokens_in(cloud: Cloud) -> None:
    patched(cloud, "/identityValidationExpression", "few")


def give_a_role(cloud: Cloud) -> None:
    patched(cloud, "/authorizerCredentials", ROLE)


def rename(cloud: Cloud) -> None:
    patched(cloud, "/name", "mine")


def let_another_pool_in(cloud: Cloud) -> None:
    patched(cloud, "/providerARNs", OTHER_POOL, op="add", name="people")


def put_a_method(cloud: Cloud, path: str, **asked: Any) -> None:
    here = {**where(cloud, path), "httpMethod": "GET"}
    before = cloud.client("apigateway").get_method(**here)["methodIntegration"]
    cloud.client("apigateway").delete_method(**here)
    cloud.client("apigateway").put_method(**here, **asked)
    named = {"type": before["type"], "uri": before["uri"], "timeoutInMillis": before["timeoutInMillis"]}
    cloud.client("apigateway").put_integration(**here, **named, integrationHttpMethod="POST")


def open_a_method(cloud: Cloud) -> None:
    put_a_method(cloud, "/orders", authorizationType="NONE")


def ask_for_a_signature(cloud: Cloud) -> None:
    put_a_method(cloud, "/orders", authorizationType="AWS_IAM")


def ask_the_other(cloud: Cloud) -> None:
    other = authorizer(cloud, "people")["authorizerId"]
    put_a_method(cloud, "/orders", authorizationType="COGNITO_USER_POOLS", authorizerId=other)


def ask_for_other_scopes(cloud: Cloud) -> None:
    asked = {"authorizationType": "COGNITO_USER_POOLS", "authorizationScopes": ["other"]}
    put_a_method(cloud, "/people", **asked, authorizerId=authorizer(cloud, "people")["authorizerId"])


def add_an_authorizer(cloud: Cloud) -> None:
    cloud.client("apigateway").create_authorizer(
        restApiId=only_api(cloud)["id"], name="mine", type="COGNITO_USER_POOLS", providerARNs=[POOL]
    )


DRIFTS = {
    keep_answers_for_longer: "authorizer check",
    ask_another: "authorizer check",
    ask_for_another_header: "authorizer check",
    let_few_tokens_in: "authorizer check",
    give_a_role: "authorizer check",
    rename: "authorizer check, left-over authorizer mine",
    let_another_pool_in: "authorizer people",
    open_a_method: "GET /orders",
    ask_for_a_signature: "GET /orders",
    ask_the_other: "GET /orders",
    ask_for_other_scopes: "GET /people",
    add_an_authorizer: "left-over authorizer mine",
}


@pytest.mark.parametrize(("drift", "reasons"), DRIFTS.items(), ids=lambda one: getattr(one, "__name__", ""))
def test_what_was_changed_by_hand_is_named_and_put_right(
    shop: Project, cloud: Cloud, drift: Callable[[Cloud], None], reasons: str
) -> None:
    shop.app = app_with(("/orders", "check"), ("/people", pool("read")))
    shop.deployer.deploy()
    before = without_numbers(account(cloud))
    drift(cloud)

    (change,) = shop.deployer.deploy().changes

    assert change.line.startswith(f"~ REST API shop-dev: {reasons}")
    assert deploy_again(shop) == []
    assert without_numbers(account(cloud)) == before


def test_what_others_put_into_the_api_stays_with_what_it_asks(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()
    add_an_authorizer(cloud)
    here = where(cloud, "/")
    for method, name, kind in (("PUT", "mine", "COGNITO_USER_POOLS"), ("PATCH", "check", "CUSTOM")):
        found = authorizer(cloud, name)["authorizerId"]
        asked = {"authorizationType": kind, "authorizerId": found}
        cloud.client("apigateway").put_method(**here, httpMethod=method, **asked)
    assert deploy_again(shop) == []
    shop.app = app_with()

    shop.deployer.deploy()

    assert set(account(cloud)["rest-api shop-dev"]["authorizers"]) == {"mine", "check"}
    assert deploy_again(shop) == []


def test_an_authorizer_on_a_later_page_is_found(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()
    pages: list[int] = []

    def first_page_is_empty(answer: dict[str, Any]) -> None:
        pages.append(len(answer["items"]))
        if len(pages) % 2:
            answer.update(items=[], position="more")

    on_answer(cloud, "apigateway", "GetAuthorizers", first_page_is_empty)

    assert deploy_again(shop) == []
    assert pages == [1, 1]


def test_an_authorizer_that_has_just_gone_is_no_failure(shop: Project, cloud: Cloud) -> None:
    prepare_removal(shop)

    def gone_first(name: str, params: dict[str, Any]) -> None:
        if name == "DeleteAuthorizer":
            cloud.client("apigateway").delete_authorizer(**authorizer(cloud))

    cloud.before_call = gone_first
    shop.deployer.deploy()
    cloud.before_call = None

    assert account(cloud)["rest-api shop-dev"]["authorizers"] == {}


#: What APIs without authorizers are described by, from before there were any: an open one, and one with keys.
DESCRIBED = {
    "": "microlambda 0c6ff2b49346c11636f3b7714a4589e79eec758c952901d1091ee9ac7e23b628",
    'api_keys = ["partner"]': "microlambda db0ab315a485ab64dec6dd929436593adc2c260245ad86d717e286306394a481",
}


@pytest.mark.parametrize("keys", DESCRIBED)
def test_an_api_that_asks_no_authorizer_needs_no_new_deployment_of_this_version(
    shop: Project, keys: str
) -> None:
    shop.app = app_with()
    (record,) = shop.plan.of_kind("rest-api")
    assert isinstance(record, RestApi)
    guarded = {"/orders": dict.fromkeys(METHODS, Guard(api_key=True))} if keys else {}

    described = content(replace(record, resources={**record.resources, **guarded}), uri(HTTP), {})

    assert described == DESCRIBED[keys]


def test_a_plan_says_what_asks_nobody_any_more(shop: Project, cloud: Cloud) -> None:
    shop.app = app_with(("/orders", "check"), ("/people", pool()))
    shop.deployer.deploy()
    shop.app = app_with(("/people", IAMAuthorizer()), opened=["/orders"])
    changes = shop.deployer.changes()

    lines = as_lines(shop.plan, changes, cloud.aws)

    ways = ["GET /orders", "HEAD /orders"]
    opened = lines.index("Without an authorizer from then on:")
    assert lines[opened + 1 : opened + 3] == [f"  {way}" for way in ways]
    told = as_data(shop.plan, changes, cloud.aws)
    assert (told["opens_without_authorizer"], told["opens_without_key"]) == (ways, [])


def test_another_ingress_takes_the_authorizer_along(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()
    shop.write('ingress = "http-api"')

    shop.deployer.deploy()

    statements = account(cloud)["function shop-dev-check"]["statements"]
    assert statements == ["microlambda-http-api-authorizer"]
    assert account(cloud)["api shop-dev"]["routes"]["GET /orders"] == ("CUSTOM", "check", [])
    assert deploy_again(shop) == []
    assert without_numbers(account(cloud)) == clean(shop)
