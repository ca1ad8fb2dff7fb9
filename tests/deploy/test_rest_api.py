"""The ingress "rest-api" on API Gateway: made, put right, gone on with after an interruption, removed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from moto.core.botocore_stubber import BotocoreStubber, MockRawResponse

from microlambda import CORS, App
from microlambda.deploy.address import find_url
from microlambda.deploy.errors import DeployFailed, NotDeployed
from microlambda.deploy.kinds.rest_url import DNS_SUFFIXES
from microlambda.emulator.cloud.moto_rest import rest_api
from tests.deploy.conftest import (
    ACCOUNT,
    REGION,
    Cloud,
    Project,
    account,
    clean,
    client_error,
    deploy_again,
    entrance,
    fail_at,
    lose_reply_of,
    models,
    on_answer,
    without_numbers,
)

ALIAS = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:shop-dev-http:live"
SERVED = {("/", "ANY"): ALIAS, ("/{proxy+}", "ANY"): ALIAS}

Step = tuple[str, int]


@pytest.fixture
def shop(project: Project) -> Project:
    """Give a project behind a REST API, never deployed, with CORS."""
    project.app = app_with(CORS("https://shop.example", credentials=True))
    project.write('ingress = "rest-api"')
    return project


def app_with(cors: CORS | None) -> App:
    app = App("shop")
    app.cors = cors
    app.get("/")(lambda: {"hello": "world"})
    return app


def gateway_calls(project: Project, run: Callable[[], object]) -> list[Step]:
    """Run, and give the calls that changed something at API Gateway, each with its number among its like."""
    calls: list[str] = []
    project.cloud.before_call = lambda name, params: calls.append(name) if is_change(name, params) else None
    run()
    project.cloud.before_call = None
    return [(name, calls[: index + 1].count(name)) for index, name in enumerate(calls)]


def is_change(name: str, params: dict[str, Any]) -> bool:
    ours = params["url_path"].startswith(("/restapis", "/tags", "/apikeys", "/usageplans"))
    return ours and not name.startswith("Get")


def interrupt(project: Project, step: Step, *, lost: bool) -> Callable[[], None]:
    """Let this call fail, or its reply be lost; what is given undoes it."""
    call, number = step
    counted: list[str] = []
    hook = f"{'after' if lost else 'before'}-call.apigateway.{call}"
    events = project.cloud.aws.client("apigateway").meta.events

    def interrupted(**_rest: Any) -> None:
        counted.append(call)
        if len(counted) == number:
            raise ClientError({"Error": {"Code": "InternalFailure", "Message": "interrupted"}}, call)

    events.register(hook, interrupted)
    return lambda: events.unregister(hook, interrupted)


def interrupted(project: Project, run: Callable[[], object], step: Step, *, lost: bool) -> None:
    """Run with this call failing, or its reply lost."""
    go_on = interrupt(project, step, lost=lost)
    with pytest.raises(DeployFailed, match="interrupted"):
        run()
    go_on()


def interrupted_deploy(project: Project, step: Step, *, lost: bool) -> None:
    interrupted(project, project.deployer.deploy, step, lost=lost)


def only_api(cloud: Cloud) -> dict[str, Any]:
    (api,) = cloud.client("apigateway").get_rest_apis()["items"]
    found: dict[str, Any] = api
    return found


def served(cloud: Cloud) -> dict[tuple[str, str], str | None]:
    """What the stage leads to, as it was deployed."""
    found = rest_api(ACCOUNT, only_api(cloud)["id"])
    assert found is not None
    return dict(found.stages["dev"].methods)


FIRST: list[Step] = [
    ("CreateRestApi", 1),
    ("PutMethod", 1),
    ("PutIntegration", 1),
    ("CreateResource", 1),
    ("PutMethod", 2),
    ("PutIntegration", 2),
    ("PutGatewayResponse", 1),
    ("PutGatewayResponse", 2),
    ("CreateDeployment", 1),
    ("CreateStage", 1),
]


def test_a_first_deploy_makes_an_api_that_hands_everything_to_the_alias(shop: Project, cloud: Cloud) -> None:
    assert gateway_calls(shop, shop.deployer.deploy) == FIRST

    api = only_api(cloud)
    assert served(cloud) == SERVED
    assert api["name"] == "shop-dev"
    assert api["endpointConfiguration"]["types"] == ["REGIONAL"]
    assert api["binaryMediaTypes"] == ["*/*"]
    assert api["tags"] == shop.plan.scope.tags
    stage = cloud.client("apigateway").get_stage(restApiId=api["id"], stageName="dev")
    assert stage["tags"] == shop.plan.scope.tags
    assert deploy_again(shop) == []


def test_the_url_is_that_of_the_stage(shop: Project, cloud: Cloud) -> None:
    outcome = shop.deployer.deploy()

    url = f"https://{entrance(outcome)}.execute-api.{REGION}.amazonaws.com/dev/"
    assert (outcome.url, find_url(cloud.aws, shop.plan.scope)) == (url, url)


def test_hosts_end_as_those_of_their_partition() -> None:
    partitions = models().load_data("partitions")["partitions"]

    assert {one["id"]: one["outputs"]["dnsSuffix"] for one in partitions} == DNS_SUFFIXES


def test_this_api_alone_may_call_the_alias(shop: Project, cloud: Cloud) -> None:
    api = entrance(shop.deployer.deploy())

    request = cloud.last("AddPermission")
    assert f'"SourceArn": "arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}/*"' in str(request["body"])
    assert '"Principal": "apigateway.amazonaws.com"' in str(request["body"])


@pytest.mark.slow
@pytest.mark.parametrize("lost", [False, True], ids=["failed", "lost"])
@pytest.mark.parametrize("step", FIRST, ids=lambda step: f"{step[0]}-{step[1]}")
def test_a_first_deploy_that_is_interrupted_anywhere_converges_on_the_next_run(
    shop: Project, step: Step, lost: bool
) -> None:
    interrupted_deploy(shop, step, lost=lost)

    shop.deployer.deploy()

    assert served(shop.cloud) == SERVED
    assert deploy_again(shop) == []
    assert without_numbers(account(shop.cloud)) == clean(shop)


UPDATE: list[Step] = [
    ("UpdateRestApi", 1),
    ("DeleteMethod", 1),
    ("PutMethod", 1),
    ("PutIntegration", 1),
    ("CreateResource", 1),
    ("PutMethod", 2),
    ("PutIntegration", 2),
    ("PutGatewayResponse", 1),
    ("PutGatewayResponse", 2),
    ("CreateDeployment", 1),
    ("UpdateStage", 1),
    ("TagResource", 1),
    ("DeleteDeployment", 1),
    ("TagResource", 2),
]


def prepare_update(shop: Project) -> None:
    """Deploy, and change by hand and in the app all that an update can change."""
    shop.deployer.deploy()
    lose_a_path(shop.cloud)
    protect_a_method(shop.cloud)
    shop.app = app_with(CORS("*"))
    shop.write('ingress = "rest-api"\nendpoint_type = "edge"\ntags = { team = "red" }')


def test_an_update_deploys_last_and_serves_all_the_time(shop: Project, cloud: Cloud) -> None:
    prepare_update(shop)
    looked: list[str] = []

    def before_call(name: str, params: dict[str, Any]) -> None:
        if is_change(name, params):
            looked.append(name)
            assert served(cloud) == SERVED

    cloud.before_call = before_call
    shop.deployer.deploy()

    assert looked == [name for name, _number in UPDATE]
    assert served(cloud) == SERVED
    found = rest_api(ACCOUNT, only_api(cloud)["id"])
    assert found is not None
    assert found.stages["dev"].answers["DEFAULT_4XX"] == (("Access-Control-Allow-Origin", "*"),)


@pytest.mark.slow
@pytest.mark.parametrize("lost", [False, True], ids=["failed", "lost"])
@pytest.mark.parametrize("step", UPDATE, ids=lambda step: f"{step[0]}-{step[1]}")
def test_an_update_that_is_interrupted_anywhere_converges_on_the_next_run(
    shop: Project, step: Step, lost: bool
) -> None:
    prepare_update(shop)
    interrupted_deploy(shop, step, lost=lost)
    assert served(shop.cloud) == SERVED

    shop.deployer.deploy()

    found = rest_api(ACCOUNT, only_api(shop.cloud)["id"])
    assert found is not None
    assert found.stages["dev"].answers["DEFAULT_5XX"] == (("Access-Control-Allow-Origin", "*"),)
    assert deploy_again(shop) == []
    assert without_numbers(account(shop.cloud)) == clean(shop)


@pytest.mark.parametrize("call", ["CreateDeployment", "UpdateStage"])
def test_what_was_written_and_not_deployed_is_deployed_by_the_next_run(
    shop: Project, cloud: Cloud, call: str
) -> None:
    shop.deployer.deploy()
    shop.app = app_with(CORS("*"))
    interrupted_deploy(shop, (call, 1), lost=False)

    changes = shop.deployer.deploy().changes

    left = ": deployment, left-over deployments" if call == "UpdateStage" else ": deployment"
    assert [change.line for change in changes] == [f"~ REST API shop-dev{left}"]
    found = rest_api(ACCOUNT, only_api(cloud)["id"])
    assert found is not None
    assert found.stages["dev"].answers["DEFAULT_4XX"] == (("Access-Control-Allow-Origin", "*"),)
    assert deploy_again(shop) == []


@pytest.mark.parametrize("lost", [False, True], ids=["failed", "lost"])
@pytest.mark.parametrize("kind", [("DeleteGatewayResponse", 1), ("DeleteGatewayResponse", 2)])
def test_answers_are_given_back_where_the_app_has_no_cors_any_more(
    shop: Project, cloud: Cloud, kind: Step, lost: bool
) -> None:
    shop.deployer.deploy()
    shop.app = app_with(None)
    interrupted_deploy(shop, kind, lost=lost)

    shop.deployer.deploy()

    found = rest_api(ACCOUNT, only_api(cloud)["id"])
    assert found is not None
    assert found.stages["dev"].answers == {}
    assert deploy_again(shop) == []


@pytest.mark.slow
@pytest.mark.parametrize("lost", [False, True], ids=["failed", "lost"])
def test_a_delete_that_is_interrupted_goes_on_with_the_next_run(shop: Project, lost: bool) -> None:
    shop.deployer.deploy()
    interrupted(shop, lambda: shop.deployer.delete(logs=True), ("DeleteRestApi", 1), lost=lost)

    shop.deployer.delete(logs=True)

    assert account(shop.cloud) == {}


def test_one_removal_in_thirty_seconds_is_waited_for(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()
    refused: list[str] = []

    def before_call(name: str, _params: dict[str, Any]) -> None:
        if name == "DeleteRestApi" and len(refused) < 3:
            refused.append(name)
            raise client_error(cloud, name, "TooManyRequestsException", "Too Many Requests")

    cloud.before_call = before_call
    shop.deployer.delete(logs=True)

    assert account(cloud) == {}
    assert cloud.sleeps[:3] == [1, 1, 2]


def here(cloud: Cloud) -> tuple[Any, dict[str, str]]:
    return cloud.client("apigateway"), {"restApiId": only_api(cloud)["id"]}


def resource(cloud: Cloud, path: str) -> dict[str, str]:
    gateway, where = here(cloud)
    found = next(one for one in gateway.get_resources(**where)["items"] if one["path"] == path)
    return {**where, "resourceId": found["id"]}


def patch_api(cloud: Cloud, **operation: str) -> None:
    gateway, where = here(cloud)
    gateway.update_rest_api(**where, patchOperations=[operation])


def rename(cloud: Cloud) -> None:
    patch_api(cloud, op="replace", path="/name", value="mine")


def move_to_the_edge(cloud: Cloud) -> None:
    patch_api(cloud, op="replace", path="/endpointConfiguration/types/REGIONAL", value="EDGE")


def take_binary_types_away(cloud: Cloud) -> None:
    patch_api(cloud, op="remove", path="/binaryMediaTypes/*~1*")


def add_a_binary_type(cloud: Cloud) -> None:
    patch_api(cloud, op="add", path="/binaryMediaTypes/image~1png")


def lose_a_path(cloud: Cloud) -> None:
    cloud.client("apigateway").delete_resource(**resource(cloud, "/{proxy+}"))


def lose_a_method(cloud: Cloud) -> None:
    cloud.client("apigateway").delete_method(**resource(cloud, "/"), httpMethod="ANY")


def protect_a_method(cloud: Cloud) -> None:
    lose_a_method(cloud)
    cloud.client("apigateway").put_method(
        **resource(cloud, "/"), httpMethod="ANY", authorizationType="AWS_IAM"
    )


def ask_for_a_key(cloud: Cloud) -> None:
    lose_a_method(cloud)
    cloud.client("apigateway").put_method(
        **resource(cloud, "/"), httpMethod="ANY", authorizationType="NONE", apiKeyRequired=True
    )


def lose_an_integration(cloud: Cloud) -> None:
    cloud.client("apigateway").delete_integration(**resource(cloud, "/{proxy+}"), httpMethod="ANY")


def point_elsewhere(cloud: Cloud) -> None:
    cloud.client("apigateway").put_integration(
        **resource(cloud, "/{proxy+}"),
        httpMethod="ANY",
        type="HTTP_PROXY",
        integrationHttpMethod="ANY",
        uri="https://other.example",
    )


def point_elsewhere_and_deploy(cloud: Cloud) -> None:
    point_elsewhere(cloud)
    gateway, where = here(cloud)
    deployment = gateway.create_deployment(**where, description="mine")["id"]
    move = {"op": "replace", "path": "/deploymentId", "value": deployment}
    gateway.update_stage(**where, stageName="dev", patchOperations=[move])
    assert served(cloud)["/{proxy+}", "ANY"] is None


def shorten_the_time(cloud: Cloud) -> None:
    where = {**resource(cloud, "/"), "httpMethod": "ANY"}
    found = cloud.client("apigateway").get_integration(**where)
    cloud.client("apigateway").put_integration(
        **where, type=found["type"], integrationHttpMethod="POST", uri=found["uri"], timeoutInMillis=50
    )


def change_an_answer(cloud: Cloud) -> None:
    gateway, where = here(cloud)
    gateway.put_gateway_response(**where, responseType="DEFAULT_4XX", responseParameters={})


def lose_an_answer(cloud: Cloud) -> None:
    gateway, where = here(cloud)
    gateway.delete_gateway_response(**where, responseType="DEFAULT_5XX")


def lose_the_stage(cloud: Cloud) -> None:
    gateway, where = here(cloud)
    gateway.delete_stage(**where, stageName="dev")


def change_a_tag(cloud: Cloud) -> None:
    gateway, where = here(cloud)
    arn = f"arn:aws:apigateway:{REGION}::/restapis/{where['restApiId']}"
    gateway.tag_resource(resourceArn=arn, tags={"team": "blue"})


def lose_a_tag_of_the_stage(cloud: Cloud) -> None:
    gateway, where = here(cloud)
    arn = f"arn:aws:apigateway:{REGION}::/restapis/{where['restApiId']}/stages/dev"
    gateway.untag_resource(resourceArn=arn, tagKeys=["team"])


def lose_the_api(cloud: Cloud) -> None:
    gateway, where = here(cloud)
    gateway.delete_rest_api(**where)


def lose_the_permission(cloud: Cloud) -> None:
    cloud.client("lambda").remove_permission(
        FunctionName="shop-dev-http", Qualifier="live", StatementId="microlambda-rest-api"
    )


DRIFTS = [
    rename,
    move_to_the_edge,
    take_binary_types_away,
    add_a_binary_type,
    lose_a_path,
    lose_a_method,
    protect_a_method,
    ask_for_a_key,
    lose_an_integration,
    point_elsewhere,
    point_elsewhere_and_deploy,
    shorten_the_time,
    change_an_answer,
    lose_an_answer,
    lose_the_stage,
    change_a_tag,
    lose_a_tag_of_the_stage,
    lose_the_api,
    lose_the_permission,
]


@pytest.mark.parametrize("drift", DRIFTS, ids=lambda drift: drift.__name__)
def test_what_was_changed_by_hand_is_put_right(shop: Project, drift: Callable[[Cloud], None]) -> None:
    shop.write('ingress = "rest-api"\ntags = { team = "red" }')
    shop.deployer.deploy()
    before = account(shop.cloud)
    drift(shop.cloud)

    shop.deployer.deploy()

    assert deploy_again(shop) == []
    after = account(shop.cloud)
    for state in (before, after):  # a deployment that was made by hand stays
        state["rest-api shop-dev"].pop("deployments")
    assert without_numbers(after) == without_numbers(before)
    assert served(shop.cloud) == SERVED


def test_what_others_put_beside_ours_stays(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()
    gateway, where = here(cloud)
    root = resource(cloud, "/")["resourceId"]
    gateway.create_resource(**where, parentId=root, pathPart="theirs")
    deployment = gateway.create_deployment(**where, description="theirs")["id"]
    gateway.create_stage(**where, stageName="theirs", deploymentId=deployment)
    gateway.create_deployment(**where, description="theirs, too")
    gateway.put_gateway_response(**where, responseType="UNAUTHORIZED", responseParameters={})
    gateway.tag_resource(
        resourceArn=f"arn:aws:apigateway:{REGION}::/restapis/{where['restApiId']}", tags={"cost": "1"}
    )

    assert deploy_again(shop) == []


def test_a_deployment_of_ours_that_another_stage_serves_stays(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()
    gateway, where = here(cloud)
    (first,) = gateway.get_deployments(**where)["items"]
    gateway.create_stage(**where, stageName="theirs", deploymentId=first["id"])
    shop.app = app_with(None)

    shop.deployer.deploy()

    assert len(gateway.get_deployments(**where)["items"]) == 2
    assert deploy_again(shop) == []


def test_answers_that_nobody_changed_are_no_difference(shop: Project, cloud: Cloud) -> None:
    shop.app = app_with(None)
    shop.deployer.deploy()
    defaults: list[dict[str, Any]] = [
        {"responseType": one, "defaultResponse": True, "responseParameters": {}}
        for one in ("DEFAULT_4XX", "DEFAULT_5XX", "UNAUTHORIZED")
    ]
    on_answer(cloud, "apigateway", "GetGatewayResponses", lambda answer: answer["items"].extend(defaults))

    assert deploy_again(shop) == []


def test_an_api_on_a_later_page_is_found(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()
    pages: list[int] = []

    def first_page_is_empty(answer: dict[str, Any]) -> None:
        pages.append(len(answer["items"]))
        if len(pages) % 2:
            answer.update(items=[], position="more")

    on_answer(cloud, "apigateway", "GetRestApis", first_page_is_empty)

    assert deploy_again(shop) == []
    assert pages == [1, 1]


def test_an_api_of_the_same_name_that_is_not_ours_is_left_alone(shop: Project, cloud: Cloud) -> None:
    gateway = cloud.client("apigateway")
    other = gateway.create_rest_api(name="shop-dev", tags={"microlambda:id": "other"})

    outcome = shop.deployer.deploy()
    shop.deployer.delete(logs=True)

    assert entrance(outcome) != other["id"]
    assert only_api(cloud)["id"] == other["id"]


def test_of_two_apis_of_ours_the_oldest_stays(shop: Project, cloud: Cloud) -> None:
    first = shop.deployer.deploy()
    cloud.client("apigateway").create_rest_api(name="shop-dev", tags=shop.plan.scope.tags)

    second = shop.deployer.deploy()

    assert [change.line for change in second.changes] == ["- REST API shop-dev"]
    assert entrance(second) == entrance(first) == only_api(cloud)["id"]


def test_an_api_that_goes_while_it_is_looked_at_is_no_failure(shop: Project, cloud: Cloud) -> None:
    shop.deployer.deploy()
    gone = {"id": "gone", "name": "shop-dev", "tags": shop.plan.scope.tags}
    on_answer(cloud, "apigateway", "GetRestApis", lambda answer: answer["items"].append(gone))

    assert deploy_again(shop) == []


def test_what_an_earlier_name_has_left_online_is_told_and_left_alone(shop: Project, cloud: Cloud) -> None:
    url = shop.deployer.deploy().url
    shop.write('ingress = "rest-api"\nname = "store"')
    shop.said.clear()

    shop.deployer.changes()

    told = (
        f"REST API shop-dev is left alone: this stage is still deployed as 'shop': {url}. If that is an old "
        'name, run `microlambda delete` with name = "shop".'
    )
    assert shop.said == [told]
    with pytest.raises(NotDeployed):
        find_url(cloud.aws, shop.plan.scope)


def test_stages_live_beside_each_other(shop: Project, cloud: Cloud) -> None:
    shop.write('ingress = "rest-api"\n[stages.pre-prod]\n[stages.pre_prod]')
    urls = []
    for stage in ("pre-prod", "pre_prod"):
        shop.stage = stage
        urls.append(shop.deployer.deploy().url)
        assert deploy_again(shop) == []

    assert len(set(urls)) == len(cloud.client("apigateway").get_rest_apis()["items"]) == 2
    assert all(url is not None and url.endswith("/pre_prod/") for url in urls)


INGRESSES = {"http-api": "HTTP API", "rest-api": "REST API"}


@pytest.mark.parametrize(("before", "after"), [tuple(INGRESSES), tuple(reversed(INGRESSES))])
def test_another_ingress_is_there_before_the_old_one_goes(shop: Project, before: str, after: str) -> None:
    shop.write(f'ingress = "{before}"\ntimeout = 20')
    shop.deployer.deploy()
    shop.write(f'ingress = "{after}"\ntimeout = 20')

    outcome = shop.deployer.deploy()

    assert [change.line for change in outcome.changes if change.action != "update"] == [
        f"+ {INGRESSES[after]} shop-dev: open to the internet{', regional' if after == 'rest-api' else ''}",
        f"+ permission microlambda-{after} of shop-dev-http",
        f"- {INGRESSES[before]} shop-dev",
        f"- permission microlambda-{before} of shop-dev-http",
    ]
    assert outcome.entrance is not None
    assert outcome.entrance[0] == after
    assert deploy_again(shop) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "call", ["CreateRestApi", "CreateStage", "AddPermission", "DeleteApi", "RemovePermission"]
)
@pytest.mark.parametrize("interrupted", [fail_at, lose_reply_of], ids=["failed", "lost"])
def test_a_changed_ingress_that_is_interrupted_converges_on_the_next_run(
    shop: Project, cloud: Cloud, call: str, interrupted: Callable[[Cloud, str], None]
) -> None:
    shop.write("timeout = 20")
    shop.deployer.deploy()
    shop.write('ingress = "rest-api"\ntimeout = 20')
    interrupted(cloud, call)
    with pytest.raises(DeployFailed):
        shop.deployer.deploy()
    cloud.before_call = cloud.lost = None
    is_there = bool(cloud.client("apigatewayv2").get_apis()["Items"])
    assert is_there is (call != "RemovePermission" and (call, interrupted) != ("DeleteApi", lose_reply_of))

    shop.deployer.deploy()

    assert cloud.client("apigatewayv2").get_apis()["Items"] == []
    assert served(cloud) == SERVED
    assert deploy_again(shop) == []
    assert without_numbers(account(cloud)) == clean(shop)


def test_another_type_of_endpoint_is_deployed_to_take_effect(shop: Project) -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-api-migration.html."""
    shop.deployer.deploy()
    shop.write('ingress = "rest-api"\nendpoint_type = "edge"')

    calls = [name for name, _number in gateway_calls(shop, shop.deployer.deploy)]

    assert calls == ["UpdateRestApi", "CreateDeployment", "UpdateStage", "DeleteDeployment"]
    assert deploy_again(shop) == []


def test_one_creation_at_the_edge_in_thirty_seconds_is_waited_for(shop: Project, cloud: Cloud) -> None:
    shop.write('ingress = "rest-api"\nendpoint_type = "edge"')
    refused: list[str] = []

    def before_call(name: str, _params: dict[str, Any]) -> None:
        if name == "CreateRestApi" and len(refused) < 3:
            refused.append(name)
            raise client_error(cloud, name, "TooManyRequestsException", "Too Many Requests")

    cloud.before_call = before_call
    shop.deployer.deploy()

    assert served(cloud) == SERVED
    assert cloud.sleeps[:3] == [1, 1, 2]


@pytest.mark.parametrize("ingress", ["http-api", "rest-api"])
def test_an_api_that_somebody_else_is_changing_is_waited_for(
    shop: Project, cloud: Cloud, ingress: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.write(f'ingress = "{ingress}"\ntimeout = 20')
    message = "Unable to complete operation due to concurrent modification. Please try again later."
    refused: list[str] = []
    answer = BotocoreStubber.__call__

    def contended(stubber: Any, event_name: str, request: Any, **named: Any) -> Any:
        if event_name.endswith(".CreateStage") and len(refused) < 3:
            refused.append(event_name)
            headers = {"x-amzn-errortype": "ConflictException", "content-type": "application/json"}
            body = MockRawResponse(json.dumps({"message": message}).encode())
            return AWSResponse(request.url, 409, headers, body)
        return answer(stubber, event_name, request, **named)

    monkeypatch.setattr(BotocoreStubber, "__call__", contended)
    shop.deployer.deploy()

    assert len(refused) == 3
    assert cloud.sleeps[:3] == [1, 1, 2]
    assert deploy_again(shop) == []


def test_another_conflict_at_the_gateway_is_the_deploys_failure(shop: Project, cloud: Cloud) -> None:
    fail_at(cloud, "CreateStage", "ConflictException", "Stage already exists")

    with pytest.raises(DeployFailed, match="Stage already exists"):
        shop.deployer.deploy()

    assert cloud.sleeps == []
