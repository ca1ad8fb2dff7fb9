"""What somebody changed by hand, or left over, is put right."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from microlambda.deploy.errors import NotOurs
from tests.deploy.conftest import (
    REGION,
    Cloud,
    Project,
    account,
    deploy_again,
    entrance,
    on_answer,
    without_numbers,
)


def put_back_by_hand(cloud: Cloud) -> None:
    cloud.client("lambda").update_function_configuration(FunctionName="shop-dev-http", MemorySize=999)


def change_the_code_by_hand(cloud: Cloud) -> None:
    cloud.client("lambda").update_function_code(FunctionName="shop-dev-http", ZipFile=b"other")


def forget_the_retention(cloud: Cloud) -> None:
    cloud.client("logs").delete_retention_policy(logGroupName="/aws/lambda/shop-dev-http")


def lose_the_policy(cloud: Cloud) -> None:
    cloud.client("iam").delete_role_policy(RoleName=f"shop-dev-http-{REGION}", PolicyName="microlambda-logs")


def lose_the_role(cloud: Cloud) -> None:
    lose_the_policy(cloud)
    cloud.client("iam").delete_role(RoleName=f"shop-dev-http-{REGION}")


def send_a_share_elsewhere(cloud: Cloud) -> None:
    cloud.client("lambda").update_alias(
        FunctionName="shop-dev-http", Name="live", RoutingConfig={"AdditionalVersionWeights": {"1": 0.1}}
    )


def lose_the_permission(cloud: Cloud) -> None:
    cloud.client("lambda").remove_permission(
        FunctionName="shop-dev-http", Qualifier="live", StatementId="microlambda-http-api"
    )


def lose_the_alias(cloud: Cloud) -> None:
    lose_the_permission(cloud)  # on AWS a policy goes with its alias; moto keeps it
    cloud.client("lambda").delete_alias(FunctionName="shop-dev-http", Name="live")


def lose_the_api(cloud: Cloud) -> None:
    gateway = cloud.client("apigatewayv2")
    gateway.delete_api(ApiId=gateway.get_apis()["Items"][0]["ApiId"])


def lose_the_route(cloud: Cloud) -> None:
    gateway = cloud.client("apigatewayv2")
    api = gateway.get_apis()["Items"][0]["ApiId"]
    gateway.delete_route(ApiId=api, RouteId=gateway.get_routes(ApiId=api)["Items"][0]["RouteId"])


def lose_the_stage(cloud: Cloud) -> None:
    gateway = cloud.client("apigatewayv2")
    gateway.delete_stage(ApiId=gateway.get_apis()["Items"][0]["ApiId"], StageName="$default")


def point_elsewhere(cloud: Cloud) -> None:
    gateway = cloud.client("apigatewayv2")
    api = gateway.get_apis()["Items"][0]["ApiId"]
    integration = gateway.get_integrations(ApiId=api)["Items"][0]["IntegrationId"]
    gateway.update_integration(ApiId=api, IntegrationId=integration, IntegrationUri="arn:aws:lambda:x")


def take_the_layer_off(cloud: Cloud) -> None:
    cloud.client("lambda").update_function_configuration(FunctionName="shop-dev-http", Layers=[])


def lose_the_layer(cloud: Cloud) -> None:
    (layer,) = cloud.client("lambda").list_layers()["Layers"]
    version = layer["LatestMatchingVersion"]["Version"]
    cloud.client("lambda").delete_layer_version(LayerName=layer["LayerName"], VersionNumber=version)


DRIFTS = [
    put_back_by_hand,
    change_the_code_by_hand,
    take_the_layer_off,
    lose_the_layer,
    forget_the_retention,
    lose_the_policy,
    lose_the_role,
    send_a_share_elsewhere,
    lose_the_permission,
    lose_the_alias,
    lose_the_api,
    lose_the_route,
    lose_the_stage,
    point_elsewhere,
]


@pytest.mark.parametrize("drift", DRIFTS, ids=lambda drift: drift.__name__)
def test_what_was_changed_by_hand_is_put_right(project: Project, drift: Callable[[Cloud], None]) -> None:
    project.deployer.deploy()
    before = account(project.cloud)
    drift(project.cloud)

    assert project.deployer.changes() != ()
    project.deployer.deploy()

    assert deploy_again(project) == []
    assert without_numbers(account(project.cloud)) == without_numbers(before)


def test_of_two_apis_of_ours_the_oldest_stays(project: Project, cloud: Cloud) -> None:
    first = project.deployer.deploy()
    gateway = cloud.client("apigatewayv2")
    gateway.create_api(Name="shop-dev", ProtocolType="HTTP", Tags=project.plan.scope.tags)

    second = project.deployer.deploy()

    assert [change.line for change in second.changes] == ["- HTTP API shop-dev"]
    assert entrance(second) == entrance(first)
    assert [api["ApiId"] for api in gateway.get_apis()["Items"]] == [entrance(first)]


def test_an_integration_without_a_route_is_removed(project: Project, cloud: Cloud) -> None:
    api = entrance(project.deployer.deploy())
    gateway = cloud.client("apigatewayv2")
    gateway.create_integration(ApiId=api, IntegrationType="HTTP_PROXY", IntegrationUri="https://x.example")

    project.deployer.deploy()

    assert len(gateway.get_integrations(ApiId=api)["Items"]) == 1
    assert deploy_again(project) == []


def test_a_role_that_is_made_again_is_told_to_the_function(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    lose_the_role(cloud)
    cloud.calls.clear()

    changes = project.deployer.deploy().changes

    assert "~ function shop-dev-http: role" in [change.line for change in changes]
    assert cloud.changes == [
        *("CreateRole", "PutRolePolicy", "UpdateFunctionConfiguration", "PublishVersion", "UpdateAlias")
    ]


def test_the_share_that_a_canary_has_ends_with_the_next_deploy(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    send_a_share_elsewhere(cloud)
    project.code = "two"

    project.deployer.deploy()

    alias = cloud.client("lambda").get_alias(FunctionName="shop-dev-http", Name="live")
    assert alias["FunctionVersion"] == "2"
    assert not alias.get("RoutingConfig", {}).get("AdditionalVersionWeights")


def test_what_the_lists_do_not_name_yet_is_found_by_its_name(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    on_answer(cloud, "lambda", "ListFunctions", lambda answer: answer.update(Functions=[]))

    assert deploy_again(project) == []


def test_a_log_group_that_the_list_does_not_name_yet_is_there(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    on_answer(cloud, "logs", "DescribeLogGroups", lambda answer: answer.update(logGroups=[]))
    cloud.calls.clear()

    project.deployer.deploy()

    assert cloud.changes == ["CreateLogGroup", "PutRetentionPolicy"]


def test_a_log_group_of_others_that_the_list_does_not_name_yet_is_refused(
    project: Project, cloud: Cloud
) -> None:
    cloud.client("logs").create_log_group(logGroupName="/aws/lambda/shop-dev-http")
    on_answer(cloud, "logs", "DescribeLogGroups", lambda answer: answer.update(logGroups=[]))

    with pytest.raises(NotOurs, match="the log group '/aws/lambda/shop-dev-http' exists"):
        project.deployer.deploy()

    assert "PutRetentionPolicy" not in cloud.calls
