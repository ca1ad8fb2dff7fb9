"""What is asked before something is removed, and asked again where more is found under the lock."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from microlambda.deploy.changes import Change
from tests.deploy.conftest import Cloud, Project

Asked = list[list[str]]


class Refused(Exception):
    pass


def leave_another_api(project: Project, cloud: Cloud) -> None:
    cloud.client("apigatewayv2").create_api(
        Name="shop-dev", ProtocolType="HTTP", Tags=project.plan.scope.tags
    )


def removals(changes: Sequence[Change]) -> list[str]:
    return [change.line for change in changes if change.action == "remove"]


def test_a_removal_that_was_not_confirmed_is_asked_for_under_the_lock(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    project.write("memory = 512")
    asked: Asked = []
    cloud.calls.clear()

    def confirm(changes: Sequence[Change]) -> None:
        asked.append(removals(changes))
        if len(asked) == 2:
            raise Refused
        leave_another_api(project, cloud)

    with pytest.raises(Refused):
        project.deployer.deploy(confirm)

    assert asked == [[], ["- HTTP API shop-dev"]]
    assert cloud.changes == []
    assert cloud.client("ssm").describe_parameters()["Parameters"] == []


def test_a_delete_asks_again_for_what_came_after_the_question(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    asked: Asked = []

    def confirm(changes: Sequence[Change]) -> None:
        asked.append(removals(changes))
        if len(asked) == 1:
            leave_another_api(project, cloud)

    project.deployer.delete(confirm=confirm)

    assert [len(lines) for lines in asked] == [6, 7]


def test_what_was_confirmed_is_not_asked_for_again(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    leave_another_api(project, cloud)
    project.write("memory = 512")
    asked: Asked = []

    project.deployer.deploy(lambda changes: asked.append(removals(changes)))

    assert asked == [["- HTTP API shop-dev"]]
