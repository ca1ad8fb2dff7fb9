"""What a delete removes, and what it leaves."""

from __future__ import annotations

from typing import Any

import pytest

from microlambda.deploy.errors import DeployFailed
from tests.deploy.conftest import (
    REGION,
    Cloud,
    Project,
    account,
    create_function,
    deploy_again,
    fail_always,
    fail_at,
    on_answer,
)


def test_delete_removes_everything_but_logs_in_order(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    cloud.calls.clear()

    project.deployer.delete()

    assert cloud.changes == [
        *("DeleteApi", "RemovePermission", "DeleteAlias", "DeleteFunction"),
        *("DeleteLayerVersion", "DeleteRolePolicy", "DeleteRole"),
    ]
    assert list(account(cloud)) == ["log-group /aws/lambda/shop-dev-http"]


def test_delete_with_logs_leaves_nothing(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()

    project.deployer.delete(logs=True)

    assert account(cloud) == {}
    cloud.calls.clear()
    assert project.deployer.delete(logs=True) == ()
    assert cloud.mutating == []


def test_what_is_deployed_again_after_a_delete_takes_its_old_logs(project: Project) -> None:
    project.deployer.deploy()
    project.deployer.delete()

    project.deployer.deploy()

    assert deploy_again(project) == []


def test_what_the_lists_still_name_after_the_removal_is_no_failure(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    gateway = cloud.client("apigatewayv2")
    apis = gateway.get_apis()["Items"]
    looks: list[str] = []

    def late(answer: dict[str, Any]) -> None:
        if "DeleteApi" in cloud.calls and not looks:
            looks.append("late")
            answer["Items"] = apis

    on_answer(cloud, "apigatewayv2", "GetApis", late)

    project.deployer.delete()

    assert looks == ["late"]
    assert list(account(cloud)) == ["log-group /aws/lambda/shop-dev-http"]


def test_what_goes_a_moment_later_is_looked_for_again(
    project: Project, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.deployer.deploy()
    waited: list[float] = []

    def late(name: str, _params: dict[str, Any]) -> None:
        if name == "DeleteRole":
            create_function(cloud, "shop-dev-late", project.plan.scope.tags)

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            cloud.client("lambda").delete_function(FunctionName="shop-dev-late")

    cloud.before_call = late
    monkeypatch.setattr(cloud.aws, "sleep", sleep)

    project.deployer.delete()

    assert waited == [0.5, 1]


def test_what_stays_is_looked_for_some_ten_seconds_and_then_told(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()

    def back(name: str, _params: dict[str, Any]) -> None:
        if name == "DeleteRole":
            create_function(cloud, "shop-dev-late", project.plan.scope.tags)

    cloud.before_call = back

    with pytest.raises(DeployFailed, match="still there after the removal: shop-dev-late"):
        project.deployer.delete()

    assert 9 <= sum(cloud.sleeps) <= 12


def test_a_policy_that_has_gone_meanwhile_does_not_keep_its_role(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    fail_always(cloud, "DeleteRolePolicy", "NoSuchEntity")
    real = cloud.before_call
    assert real is not None

    def gone(name: str, params: dict[str, Any]) -> None:
        if name == "DeleteRolePolicy":
            cloud.client("iam").delete_role_policy(
                RoleName=f"shop-dev-http-{REGION}", PolicyName="microlambda-logs"
            )
        real(name, params)

    cloud.before_call = gone

    project.deployer.delete(logs=True)

    assert account(cloud) == {}


def test_a_role_whose_policies_are_not_gone_everywhere_yet_is_removed_in_a_moment(
    project: Project, cloud: Cloud
) -> None:
    project.deployer.deploy()
    fail_at(cloud, "DeleteRole", "DeleteConflict", "Cannot delete entity, must delete policies first.")

    project.deployer.delete(logs=True)

    assert cloud.sleeps == [1]
    assert account(cloud) == {}
