"""One stage in two regions: IAM is one for all of them."""

from __future__ import annotations

from tests.deploy.conftest import REGION, Cloud, Project, deploy_again

OTHER = "us-east-1"
ROLES = [f"shop-dev-http-{REGION}", f"shop-dev-http-{OTHER}"]


def roles(cloud: Cloud) -> list[str]:
    return sorted(one["RoleName"] for one in cloud.client("iam").list_roles()["Roles"])


def test_a_deploy_leaves_the_roles_of_other_regions(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()

    changes = project.deployer_in(OTHER).deploy().changes

    assert {change.action for change in changes} == {"create"}
    assert roles(cloud) == ROLES
    assert deploy_again(project) == []


def test_a_delete_leaves_the_roles_of_other_regions(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    project.deployer_in(OTHER).deploy()

    project.deployer_in(OTHER).delete(logs=True)

    assert roles(cloud) == ROLES[:1]
    assert deploy_again(project) == []
