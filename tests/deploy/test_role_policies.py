"""What a role may do while a deploy goes on: the old and the new, until nothing needs the old."""

from __future__ import annotations

from typing import Any

import pytest

from microlambda import App
from microlambda.deploy.errors import DeployFailed
from tests.deploy.conftest import REGION, Cloud, Project, deploy_again, fail_at, unlock


def resources(cloud: Cloud, role: str) -> set[str]:
    """What our inline policies of a role let it use."""
    iam, found = cloud.client("iam"), set()
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        for one in iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]["Statement"]:
            found |= {one["Resource"]} if isinstance(one["Resource"], str) else {*one["Resource"]}
    return found


def app(task: str) -> App:
    made = App("shop")
    made.get("/")(lambda: "hello")
    made.task(name=task)(lambda: None)
    return made


def function(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:123456789012:function:shop-dev-{name}:live"


ROLE = f"shop-dev-http-{REGION}"


@pytest.fixture
def at_alias(project: Project, cloud: Cloud) -> list[set[str]]:
    """Give what the role may use whenever an alias moves; the first deploy is done."""
    project.app = app("resize")
    project.deployer.deploy()
    found: list[set[str]] = []

    def before_call(name: str, params: dict[str, Any]) -> None:
        if name == "UpdateAlias":
            found.append(resources(cloud, ROLE))

    cloud.before_call = before_call
    return found


def test_the_code_that_serves_may_do_all_it_could_until_the_new_code_does(
    project: Project, cloud: Cloud, at_alias: list[set[str]]
) -> None:
    project.app, project.code = app("shrink"), "two"

    project.deployer.deploy()

    assert {function("resize"), function("shrink")} <= at_alias[0]
    assert function("resize") not in resources(cloud, ROLE)
    assert function("shrink") in resources(cloud, ROLE)
    assert deploy_again(project) == []


def test_a_policy_that_goes_whole_goes_last(project: Project, cloud: Cloud, at_alias: list[set[str]]) -> None:
    project.app, project.code = App("shop"), "two"
    project.app.get("/")(lambda: "hello")

    project.deployer.deploy()

    assert function("resize") in at_alias[0]
    assert function("resize") not in resources(cloud, ROLE)
    assert deploy_again(project) == []


@pytest.mark.parametrize("call", ["UpdateFunctionCode", "UpdateAlias", "DeleteFunction"])
def test_what_was_not_taken_away_goes_with_the_next_run(
    project: Project, cloud: Cloud, at_alias: list[set[str]], call: str
) -> None:
    project.app, project.code = app("shrink"), "two"
    fail_at(cloud, call)
    with pytest.raises(DeployFailed):
        project.deployer.deploy()
    assert {function("resize"), function("shrink")} <= resources(cloud, ROLE)
    unlock(cloud)

    project.deployer.deploy()

    assert function("resize") not in resources(cloud, ROLE)
    assert deploy_again(project) == []


def test_where_iam_has_no_room_for_both_the_new_comes_at_once(
    project: Project, cloud: Cloud, at_alias: list[set[str]]
) -> None:
    def asking(name: str) -> str:
        things = [f"arn:aws:s3:::{name}-{number:04}-{'x' * 40}" for number in range(95)]
        return f"policies = [{{ actions = ['s3:GetObject'], resources = {things} }}]"

    project.write(asking("old"))
    project.deployer.deploy()
    at_alias.clear()
    project.write(asking("new"))
    project.code = "two"

    project.deployer.deploy()

    assert not any("old-" in one for one in at_alias[0] | resources(cloud, ROLE))
    assert deploy_again(project) == []
