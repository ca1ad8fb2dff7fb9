"""What a delete removes, and what it leaves."""

from __future__ import annotations

from tests.deploy.conftest import (
    Cloud,
    Project,
    account,
    deploy_again,
)


def test_delete_removes_everything_but_logs_in_order(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    cloud.calls.clear()

    project.deployer.delete()

    assert cloud.changes == [
        *("DeleteApi", "RemovePermission", "DeleteAlias", "DeleteFunction"),
        *("DeleteRolePolicy", "DeleteRole"),
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
