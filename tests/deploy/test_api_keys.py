"""API keys on API Gateway: resources, keys and usage plan; made, put right, gone on with, removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from microlambda import App
from microlambda.cli.plan import as_data, as_lines
from microlambda.deploy.errors import DeployFailed
from microlambda.emulator.cloud.moto_usage_plans import key_of
from tests.deploy.conftest import (
    ACCOUNT,
    REGION,
    Cloud,
    Project,
    account,
    asked_of_callers,
    clean,
    client_error,
    deploy_again,
    on_answer,
    without_numbers,
)
from tests.deploy.test_rest_api import Step, gateway_calls, interrupted, only_api, served

KEYED = {("/users/{id}", "GET"), ("/users/{id}", "HEAD")}
SETTINGS = 'ingress = "rest-api"\napi_keys = ["partner-a", "partner-b"]\n'


@pytest.fixture
def shop(project: Project) -> Project:
    """Give a project with a view that asks for an API key, never deployed."""
    project.app = app_with("/users/<id>")
    project.write(SETTINGS)
    return project


def app_with(*rules: str) -> App:
    app = App("shop")
    app.get("/")(lambda: {"hello": "world"})
    for rule in rules:
        app.add_url_rule(rule, rule, lambda **names: names, api_key_required=True)
    return app


def keyed(cloud: Cloud) -> set[tuple[str, str]]:
    """The methods that ask for a key, as the stage serves them."""
    found = asked_of_callers(only_api(cloud)["id"])
    return {way for way, asked in found.items() if asked["api_key"]}


def keys(cloud: Cloud) -> dict[str, dict[str, Any]]:
    """The account's keys by name, with their values."""
    items = cloud.client("apigateway").get_api_keys(includeValues=True)["items"]
    return {key["name"]: key for key in items}


def may_call(cloud: Cloud) -> list[str]:
    """Name the keys that the stage lets in."""
    api = only_api(cloud)["id"]
    return sorted(
        name for name, key in keys(cloud).items() if key_of(ACCOUNT, REGION, api, "dev", key["value"])
    )


FIRST: list[Step] = [
    ("CreateApiKey", 1),
    ("CreateApiKey", 2),
    ("CreateUsagePlan", 1),
    ("CreateUsagePlanKey", 1),
    ("CreateUsagePlanKey", 2),
    *(("CreateResource", number) for number in (1, 2, 3, 4)),
    *(("PutMethod", number) for number in (2, 3, 4, 5)),
    *(("PutIntegration", number) for number in (3, 5)),
    ("CreateDeployment", 1),
    ("CreateStage", 1),
]


def test_a_first_deploy_makes_resources_keys_and_a_usage_plan(shop: Project, cloud: Cloud) -> None:
    calls = gateway_calls(shop, shop.deployer.deploy)

    assert set(FIRST) <= set(calls)
    assert keyed(cloud) == KEYED
    assert set(served(cloud)) == KEYED | {
        (path, "ANY") for path in ("/", "/users", "/users/{id}", "/users/{id}/{proxy+}", "/{proxy+}")
    }
    assert len(set(served(cloud).values())) == 1
    assert may_call(cloud) == ["shop-dev-partner-a", "shop-dev-partner-b"]
    assert deploy_again(shop) == []


@pytest.mark.slow
@pytest.mark.parametrize("lost", [False, True], ids=["failed", "lost"])
@pytest.mark.parametrize("step", FIRST, ids=lambda step: f"{step[0]}-{step[1]}")
def test_a_first_deploy_that_is_interrupted_converges_on_the_next_run(
    shop: Project, step: Step, lost: bool
) -> None:
    interrupted(shop, shop.deployer.deploy, step, lost=lost)

    shop.deployer.deploy()

    assert may_call(shop.cloud) == ["shop-dev-partner-a", "shop-dev-partner-b"]
    assert keyed(shop.cloud) == KEYED
    assert deploy_again(shop) == []
    assert without_numbers(account(shop.cloud)) == clean(shop)


UPDATE: list[Step] = [
    ("DeleteResource", 1),
    ("CreateResource", 1),
    ("PutMethod", 1),
    ("PutIntegration", 1),
    ("CreateDeployment", 1),
    ("UpdateStage", 1),
    ("CreateApiKey", 1),
    ("UpdateApiKey", 1),
    ("TagResource", 3),
    ("TagResource", 4),
    ("UpdateUsagePlan", 1),
    ("CreateUsagePlanKey", 1),
    ("DeleteUsagePlanKey", 1),
    ("DeleteApiKey", 1),
]


def prepare_update(shop: Project) -> None:
    """Deploy, and change by hand and in the app what an update can change."""
    shop.deployer.deploy()
    switch_a_key_off(shop.cloud)
    take_the_stage_out(shop.cloud)
    shop.app = app_with("/users/<name>")
    shop.write('ingress = "rest-api"\napi_keys = ["partner-a", "partner-c"]\ntags = { team = "red" }')


@pytest.mark.slow
@pytest.mark.parametrize("lost", [False, True], ids=["failed", "lost"])
@pytest.mark.parametrize("step", UPDATE, ids=lambda step: f"{step[0]}-{step[1]}")
def test_an_update_that_is_interrupted_converges_on_the_next_run(
    shop: Project, step: Step, lost: bool
) -> None:
    prepare_update(shop)
    value = keys(shop.cloud)["shop-dev-partner-a"]["value"]
    interrupted(shop, shop.deployer.deploy, step, lost=lost)

    shop.deployer.deploy()

    assert may_call(shop.cloud) == ["shop-dev-partner-a", "shop-dev-partner-c"]
    assert keys(shop.cloud)["shop-dev-partner-a"]["value"] == value
    assert keyed(shop.cloud) == {("/users/{name}", "GET"), ("/users/{name}", "HEAD")}
    assert deploy_again(shop) == []
    assert without_numbers(account(shop.cloud)) == clean(shop)


DELETE: list[Step] = [
    ("UpdateUsagePlan", 1),
    ("DeleteUsagePlan", 1),
    ("DeleteRestApi", 1),
    ("DeleteApiKey", 1),
    ("DeleteApiKey", 2),
]


def test_the_usage_plan_goes_before_its_stage_and_the_keys_after(shop: Project) -> None:
    shop.deployer.deploy()

    assert gateway_calls(shop, lambda: shop.deployer.delete(logs=True)) == DELETE
    assert account(shop.cloud) == {}


@pytest.mark.slow
@pytest.mark.parametrize("lost", [False, True], ids=["failed", "lost"])
@pytest.mark.parametrize("step", DELETE, ids=lambda step: f"{step[0]}-{step[1]}")
def test_a_delete_that_is_interrupted_goes_on_with_the_next_run(
    shop: Project, step: Step, lost: bool
) -> None:
    shop.deployer.deploy()
    interrupted(shop, lambda: shop.deployer.delete(logs=True), step, lost=lost)

    shop.deployer.delete(logs=True)

    assert account(shop.cloud) == {}


def key_id(cloud: Cloud) -> str:
    found: str = keys(cloud)["shop-dev-partner-a"]["id"]
    return found


def usage_plan(cloud: Cloud) -> dict[str, Any]:
    (plan,) = cloud.client("apigateway").get_usage_plans()["items"]
    found: dict[str, Any] = plan
    return found


def rename_a_key(cloud: Cloud) -> None:
    patch = {"op": "replace", "path": "/name", "value": "mine"}
    cloud.client("apigateway").update_api_key(apiKey=key_id(cloud), patchOperations=[patch])


def switch_a_key_off(cloud: Cloud) -> None:
    patch = {"op": "replace", "path": "/enabled", "value": "false"}
    cloud.client("apigateway").update_api_key(apiKey=key_id(cloud), patchOperations=[patch])


def lose_a_key(cloud: Cloud) -> None:
    cloud.client("apigateway").delete_api_key(apiKey=key_id(cloud))


def take_a_key_out(cloud: Cloud) -> None:
    cloud.client("apigateway").delete_usage_plan_key(usagePlanId=usage_plan(cloud)["id"], keyId=key_id(cloud))


def let_another_key_in(cloud: Cloud) -> None:
    gateway = cloud.client("apigateway")
    other = gateway.create_api_key(name="other", enabled=True)["id"]
    gateway.create_usage_plan_key(usagePlanId=usage_plan(cloud)["id"], keyId=other, keyType="API_KEY")


def rename_the_usage_plan(cloud: Cloud) -> None:
    patch = {"op": "replace", "path": "/name", "value": "mine"}
    cloud.client("apigateway").update_usage_plan(usagePlanId=usage_plan(cloud)["id"], patchOperations=[patch])


def take_the_stage_out(cloud: Cloud) -> None:
    patch = {"op": "remove", "path": "/apiStages", "value": f"{only_api(cloud)['id']}:dev"}
    cloud.client("apigateway").update_usage_plan(usagePlanId=usage_plan(cloud)["id"], patchOperations=[patch])


def lose_the_usage_plan(cloud: Cloud) -> None:
    take_the_stage_out(cloud)
    cloud.client("apigateway").delete_usage_plan(usagePlanId=usage_plan(cloud)["id"])


def lose_tags(cloud: Cloud) -> None:
    """Change tags that do not say whose it is."""
    for kind, found in (("apikeys", key_id(cloud)), ("usageplans", usage_plan(cloud)["id"])):
        arn = f"arn:aws:apigateway:{REGION}::/{kind}/{found}"
        cloud.client("apigateway").untag_resource(resourceArn=arn, tagKeys=["team"])


def where(cloud: Cloud, path: str = "/users/{id}") -> dict[str, str]:
    api = only_api(cloud)["id"]
    resources = cloud.client("apigateway").get_resources(restApiId=api)["items"]
    return {
        "restApiId": api,
        "resourceId": next(one["id"] for one in resources if one["path"] == path),
    }


def lose_the_tag_of_a_key(cloud: Cloud) -> None:
    arn = f"arn:aws:apigateway:{REGION}::/apikeys/{key_id(cloud)}"
    cloud.client("apigateway").untag_resource(resourceArn=arn, tagKeys=["microlambda:key"])


def ask_for_no_key(cloud: Cloud) -> None:
    gateway, here = cloud.client("apigateway"), {**where(cloud), "httpMethod": "GET"}
    gateway.delete_method(**here)
    gateway.put_method(**here, authorizationType="NONE", apiKeyRequired=False)


def lose_a_method(cloud: Cloud) -> None:
    cloud.client("apigateway").delete_method(**where(cloud), httpMethod="HEAD")


def lose_a_resource(cloud: Cloud) -> None:
    cloud.client("apigateway").delete_resource(**where(cloud, "/users"))


DRIFTS = [
    rename_a_key,
    switch_a_key_off,
    lose_a_key,
    take_a_key_out,
    let_another_key_in,
    rename_the_usage_plan,
    take_the_stage_out,
    lose_the_usage_plan,
    lose_tags,
    ask_for_no_key,
    lose_a_method,
    lose_a_resource,
]


@pytest.mark.parametrize("drift", DRIFTS, ids=lambda drift: drift.__name__)
def test_what_was_changed_by_hand_is_put_right(shop: Project, drift: Callable[[Cloud], None]) -> None:
    shop.write(SETTINGS + 'tags = { team = "red" }')
    shop.deployer.deploy()
    before = without_numbers(account(shop.cloud))
    drift(shop.cloud)

    shop.deployer.deploy()

    after = without_numbers(account(shop.cloud))
    after.pop("api-key other", None)  # it is another's, and stays; it is in the usage plan no more
    assert after == before
    assert keyed(shop.cloud) == KEYED
    assert deploy_again(shop) == []


def test_keys_are_read_from_the_header_again(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()
    patch = {"op": "replace", "path": "/apiKeySource", "value": "AUTHORIZER"}
    cloud.client("apigateway").update_rest_api(restApiId=only_api(cloud)["id"], patchOperations=[patch])

    outcome = shop.deployer.deploy()

    assert [change.reasons for change in outcome.changes] == [("where API keys are read",)]
    assert only_api(cloud)["apiKeySource"] == "HEADER"
    assert deploy_again(shop) == []


def test_a_view_that_asks_no_more_leaves_nothing_behind(shop: Project, cloud: Cloud) -> None:
    shop.app = app_with("/users/<id>", "/orders")
    shop.deployer.deploy()
    shop.app = app_with("/orders")

    outcome = shop.deployer.deploy()

    (change,) = [one for one in outcome.changes if one.kind == "rest-api"]
    assert "left-over GET /users/{id}" in change.line
    assert keyed(cloud) == {("/orders", "GET"), ("/orders", "HEAD")}
    assert {path for path, _method in served(cloud)} == {"/", "/orders", "/orders/{proxy+}", "/{proxy+}"}
    assert deploy_again(shop) == []
    assert without_numbers(account(cloud)) == clean(shop)


def test_the_last_view_that_asked_takes_keys_and_usage_plan_along(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()
    shop.app = app_with()
    shop.write('ingress = "rest-api"')

    shop.deployer.deploy()

    assert keyed(cloud) == set()
    assert set(served(cloud)) == {("/", "ANY"), ("/{proxy+}", "ANY")}
    assert keys(cloud) == {}
    assert cloud.client("apigateway").get_usage_plans()["items"] == []
    assert deploy_again(shop) == []


@pytest.mark.slow
@pytest.mark.parametrize(("step", "lost"), [(("CreateResource", 2), True), (("PutMethod", 3), False)])
def test_a_variable_that_an_interrupted_run_left_is_not_in_the_way_of_another(
    shop: Project, cloud: Cloud, step: Step, lost: bool
) -> None:
    interrupted(shop, shop.deployer.deploy, step, lost=lost)
    where(cloud)  # it is there, without a method
    shop.app = app_with("/users/<name>")

    shop.deployer.deploy()

    assert keyed(cloud) == {("/users/{name}", "GET"), ("/users/{name}", "HEAD")}
    assert deploy_again(shop) == []


@pytest.mark.parametrize("rules", [["/users"], ["/users/<path:rest>"], ["/users/<name>"], ["/users/<id>/a"]])
def test_a_rule_may_become_another_in_its_place(shop: Project, cloud: Cloud, rules: list[str]) -> None:
    shop.deployer.deploy()
    for now in (rules, ["/users/<id>"]):
        shop.app = app_with(*now)
        shop.deployer.deploy()
        assert deploy_again(shop) == []

    assert keyed(cloud) == KEYED


def test_what_others_put_into_a_left_over_resource_stays(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()
    cloud.client("apigateway").put_method(**where(cloud), httpMethod="PATCH", authorizationType="NONE")
    shop.app = app_with("/orders")

    shop.deployer.deploy()

    (theirs,) = [one for one in served(cloud) if one[0].startswith("/users")]
    assert theirs == ("/users/{id}", "PATCH")
    assert deploy_again(shop) == []


@pytest.mark.parametrize("kind", ["api-key", "usage-plan"])
def test_of_two_of_ours_one_stays(shop: Project, cloud: Cloud, kind: str) -> None:
    shop.deployer.deploy()
    before = keys(cloud)
    gateway, tags = cloud.client("apigateway"), shop.plan.scope.tags
    if kind == "api-key":
        gateway.create_api_key(name="x", enabled=True, tags={**tags, "microlambda:key": "partner-a"})
        later = {"createdDate": "9"}
        on_answer(cloud, "apigateway", "GetApiKeys", lambda told: told["items"][-1].update(later))
    else:
        gateway.create_usage_plan(name="shop-dev", tags=tags)

    outcome = shop.deployer.deploy()

    assert [change.action for change in outcome.changes] == ["remove"]
    assert keys(cloud) == before
    assert may_call(cloud) == ["shop-dev-partner-a", "shop-dev-partner-b"]


def test_of_two_keys_the_one_in_the_usage_plan_stays(shop: Project, cloud: Cloud) -> None:
    """Where the answer to the first is lost, the SDK makes a second at once: callers have that one."""
    shop.deployer.deploy()
    before = keys(cloud)
    tags = {**shop.plan.scope.tags, "microlambda:key": "partner-a"}
    lost = cloud.client("apigateway").create_api_key(name="shop-dev-partner-a", enabled=True, tags=tags)["id"]

    def lost_is_the_oldest(told: dict[str, Any]) -> None:
        next(one for one in told["items"] if one["id"] == lost)["createdDate"] = "0"

    on_answer(cloud, "apigateway", "GetApiKeys", lost_is_the_oldest)

    outcome = shop.deployer.deploy()

    assert [(change.action, change.kind) for change in outcome.changes] == [("remove", "api-key")]
    assert {one["id"] for one in keys(cloud).values()} == {one["id"] for one in before.values()}
    assert may_call(cloud) == ["shop-dev-partner-a", "shop-dev-partner-b"]


def test_a_key_without_its_tag_is_not_made_anew(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()
    value = keys(cloud)["shop-dev-partner-a"]["value"]
    lose_the_tag_of_a_key(cloud)

    outcome = shop.deployer.deploy()

    assert [(change.action, change.kind) for change in outcome.changes] == [("update", "api-key")]
    assert keys(cloud)["shop-dev-partner-a"]["value"] == value
    assert deploy_again(shop) == []


def test_keys_and_usage_plans_of_others_are_left_alone(shop: Project, cloud: Cloud) -> None:
    gateway = cloud.client("apigateway")
    gateway.create_api_key(name="shop-dev-partner-a", enabled=True)
    gateway.create_usage_plan(name="shop-dev", tags={"microlambda:id": "other"})

    shop.deployer.deploy()
    shop.deployer.delete(logs=True)

    assert [key["name"] for key in gateway.get_api_keys()["items"]] == ["shop-dev-partner-a"]
    assert [plan["name"] for plan in gateway.get_usage_plans()["items"]] == ["shop-dev"]


@pytest.mark.parametrize("call", ["GetApiKeys", "GetUsagePlans", "GetUsagePlanKeys"])
def test_what_stands_on_a_later_page_is_found(shop: Project, cloud: Cloud, call: str) -> None:
    shop.deployer.deploy()
    pages: list[int] = []

    def first_page_is_empty(answer: dict[str, Any]) -> None:
        pages.append(len(answer["items"]))
        if len(pages) % 2:
            answer.update(items=[], position="more")

    on_answer(cloud, "apigateway", call, first_page_is_empty)

    assert deploy_again(shop) == []
    assert len(pages) == 2


def test_a_usage_plan_that_goes_while_it_is_looked_at_is_no_failure(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()
    gone = {"id": "gone", "name": "shop-dev", "tags": shop.plan.scope.tags}
    on_answer(cloud, "apigateway", "GetUsagePlans", lambda answer: answer["items"].append(gone))

    def look(name: str, params: dict[str, Any]) -> None:
        if name == "GetUsagePlanKeys" and "/gone/" in params["url_path"]:
            raise client_error(cloud, name, "NotFoundException")

    cloud.before_call = look

    assert deploy_again(shop) == []


@pytest.mark.parametrize("call", ["CreateUsagePlan", "UpdateUsagePlan", "DeleteUsagePlan"])
def test_one_change_of_a_usage_plan_in_twenty_seconds_is_waited_for(
    shop: Project, cloud: Cloud, call: str
) -> None:
    refused: list[str] = []

    def before_call(name: str, _params: dict[str, Any]) -> None:
        if name == call and len(refused) < 3:
            refused.append(name)
            raise client_error(cloud, name, "TooManyRequestsException", "Too Many Requests")

    cloud.before_call = before_call
    shop.deployer.deploy()
    shop.deployer.delete(logs=True)

    assert len(refused) == 3
    assert account(cloud) == {}


def test_a_value_is_told_nowhere(shop: Project, cloud: Cloud) -> None:
    observed = shop.deployer.changes()
    outcome = shop.deployer.deploy()
    values = [key["value"] for key in keys(cloud).values()]
    seen = repr([shop.plan, observed, outcome, shop.said])

    assert len(values) == 2
    assert not any(value in seen for value in values)
    for call, request in cloud.requests.items():
        assert "includeValue" not in str(request), call


def test_an_error_of_a_key_names_it_without_its_value(shop: Project, cloud: Cloud) -> None:
    def before_call(name: str, _params: dict[str, Any]) -> None:
        if name == "CreateUsagePlanKey":
            raise ClientError({"Error": {"Code": "LimitExceededException", "Message": "no"}}, name)

    cloud.before_call = before_call
    with pytest.raises(DeployFailed, match="creating the usage plan 'shop-dev'") as told:
        shop.deployer.deploy()

    assert not any(key["value"] in str(told.value) for key in keys(cloud).values())


def test_a_plan_says_what_asks_for_a_key_no_longer(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()
    shop.app = app_with("/orders/<id>")
    shop.app.get("/users/<id>")(lambda **names: names)
    changes = shop.deployer.changes()

    lines = as_lines(shop.plan, changes, cloud.aws)

    opened = lines.index("Without an API key from then on:")
    ways = ["GET /users/{id}", "HEAD /users/{id}"]
    assert lines[opened + 1 : opened + 3] == [f"  {way}" for way in ways]
    assert as_data(shop.plan, changes, cloud.aws)["opens_without_key"] == ways
