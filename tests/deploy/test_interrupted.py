"""After any single call has failed, or its reply was lost, the next run makes the account whole."""

from __future__ import annotations

from typing import Any

import pytest

from microlambda.deploy.errors import DeployFailed
from tests.deploy.conftest import (
    FIRST_DEPLOY,
    Cloud,
    Project,
    account,
    clean,
    deploy_again,
    fail_at,
    lose_reply_of,
    on_answer,
    sha256,
    unlock,
    without_numbers,
)


@pytest.mark.slow
@pytest.mark.parametrize("call", [*FIRST_DEPLOY, "Invoke", "PutParameter", "DeleteParameter"])
def test_a_first_deploy_that_fails_anywhere_converges_on_the_next_run(project: Project, call: str) -> None:
    fail_at(project.cloud, call)
    with pytest.raises(DeployFailed, match="InternalFailure"):
        project.deployer.deploy()
    project.cloud.before_call = None

    unlock(project.cloud)
    project.deployer.deploy()

    assert without_numbers(account(project.cloud)) == clean(project)
    assert deploy_again(project) == []


@pytest.mark.slow
@pytest.mark.parametrize("call", FIRST_DEPLOY)
def test_a_first_deploy_whose_reply_is_lost_converges_on_the_next_run(project: Project, call: str) -> None:
    lose_reply_of(project.cloud, call)
    with pytest.raises(DeployFailed, match="reply lost"):
        project.deployer.deploy()
    project.cloud.lost = None

    project.deployer.deploy()

    assert without_numbers(account(project.cloud)) == clean(project)
    assert deploy_again(project) == []


@pytest.mark.slow
@pytest.mark.parametrize("call", ["UpdateFunctionCode", "PublishVersion", "Invoke", "UpdateAlias"])
@pytest.mark.parametrize("lost", [False, True], ids=["failed", "lost"])
def test_a_code_change_that_fails_anywhere_converges_on_the_next_run(
    project: Project, call: str, lost: bool
) -> None:
    project.deployer.deploy()
    project.code = "two"
    (lose_reply_of if lost else fail_at)(project.cloud, call)
    with pytest.raises(DeployFailed):
        project.deployer.deploy()
    project.cloud.before_call = project.cloud.lost = None
    lambda_ = project.cloud.client("lambda")

    project.deployer.deploy()

    live = lambda_.get_function_configuration(FunctionName="shop-dev-http", Qualifier="live")
    latest = lambda_.get_function_configuration(FunctionName="shop-dev-http")
    assert live["CodeSha256"] == latest["CodeSha256"] == sha256(project.archive())
    assert live["Version"] == "2"
    assert deploy_again(project) == []


REMOVALS = [
    "DeleteApi",
    "RemovePermission",
    "DeleteAlias",
    "DeleteFunction",
    "DeleteLayerVersion",
    "DeleteRolePolicy",
    "DeleteRole",
]


@pytest.mark.slow
@pytest.mark.parametrize("call", REMOVALS)
@pytest.mark.parametrize("lost", [False, True], ids=["failed", "lost"])
def test_a_delete_that_fails_anywhere_goes_on_with_the_next_run(
    project: Project, call: str, lost: bool
) -> None:
    project.deployer.deploy()
    (lose_reply_of if lost else fail_at)(project.cloud, call)
    with pytest.raises(DeployFailed):
        project.deployer.delete(logs=True)
    project.cloud.before_call = project.cloud.lost = None

    project.deployer.delete(logs=True)

    assert account(project.cloud) == {}


@pytest.mark.slow
@pytest.mark.parametrize("call", ["UpdateFunctionConfiguration", "PublishVersion", "UpdateAlias"])
@pytest.mark.parametrize("lost", [False, True], ids=["failed", "lost"])
def test_a_changed_configuration_that_fails_anywhere_converges_on_the_next_run(
    project: Project, call: str, lost: bool
) -> None:
    project.deployer.deploy()
    project.write("memory = 512")
    (lose_reply_of if lost else fail_at)(project.cloud, call)
    with pytest.raises(DeployFailed):
        project.deployer.deploy()
    project.cloud.before_call = project.cloud.lost = None

    project.deployer.deploy()

    lambda_ = project.cloud.client("lambda")
    live = lambda_.get_function_configuration(FunctionName="shop-dev-http", Qualifier="live")
    assert (live["MemorySize"], live["Version"]) == (512, "2")
    assert deploy_again(project) == []


def test_an_upload_that_was_made_already_is_not_made_again(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    project.code = "two"
    fail_at(cloud, "PublishVersion")
    with pytest.raises(DeployFailed):
        project.deployer.deploy()
    cloud.before_call = None
    cloud.calls.clear()

    project.deployer.deploy()

    assert cloud.changes == ["PublishVersion", "UpdateAlias"]


@pytest.mark.parametrize("text", ["memory = 512", ""], ids=["update", "version"])
def test_what_is_still_on_its_way_from_the_last_run_is_waited_for(
    project: Project, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    project.deployer.deploy()
    project.write("memory = 1024")
    fail_at(cloud, "PublishVersion")
    with pytest.raises(DeployFailed):
        project.deployer.deploy()
    cloud.before_call = None
    project.write(text or "memory = 1024")
    cloud.calls.clear()
    waited: list[float] = []
    monkeypatch.setattr(cloud.aws, "sleep", waited.append)

    def in_progress(answer: dict[str, Any]) -> None:
        if len(waited) < 2:
            answer["LastUpdateStatus"] = "InProgress"

    on_answer(cloud, "lambda", "GetFunctionConfiguration", in_progress)

    project.deployer.deploy()

    assert waited == [0.25, 0.5]
    first = cloud.changes[0]
    before = cloud.calls[: cloud.calls.index(first)]
    assert before[-3:] == ["GetFunctionConfiguration"] * 3
    assert first == ("UpdateFunctionConfiguration" if text else "PublishVersion")


def test_a_function_whose_last_update_failed_can_be_updated_again(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    project.write("memory = 512")

    def failed(answer: dict[str, Any]) -> None:
        if "UpdateFunctionConfiguration" not in cloud.calls:
            answer["LastUpdateStatus"] = "Failed"

    on_answer(cloud, "lambda", "GetFunctionConfiguration", failed)

    project.deployer.deploy()

    assert deploy_again(project) == []
