"""Managed policies of a function's role: ours come and go with the settings, and others' stay."""

from __future__ import annotations

import json
from typing import Any

import pytest

from microlambda.deploy.errors import DeployFailed
from microlambda.deploy.kinds.role import ATTACHED
from tests.deploy.conftest import (
    ACCOUNT,
    REGION,
    Cloud,
    Project,
    account,
    clean,
    deploy_again,
    fail_always,
    fail_at,
    lose_reply_of,
    unlock,
    without_numbers,
)

ROLE = f"shop-dev-http-{REGION}"
DOCUMENT = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
}


@pytest.fixture(autouse=True)
def managed(cloud: Cloud) -> None:
    """Make the policies that the tests attach: moto has none of AWS's."""
    for name in ("one", "two", "theirs"):
        cloud.client("iam").create_policy(PolicyName=name, PolicyDocument=json.dumps(DOCUMENT))


def arn(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:policy/{name}"


def settings(*names: str) -> str:
    return f"policies = {[arn(name) for name in names]}"


def attached(cloud: Cloud) -> list[str]:
    found = cloud.client("iam").list_attached_role_policies(RoleName=ROLE)["AttachedPolicies"]
    return sorted(one["PolicyName"] for one in found)


def mark(cloud: Cloud) -> list[str]:
    """The hashes of what we have attached, as the role's tag has them."""
    tags = cloud.client("iam").list_role_tags(RoleName=ROLE)["Tags"]
    return next((tag["Value"].split() for tag in tags if tag["Key"] == ATTACHED), [])


def attach(cloud: Cloud, name: str) -> None:
    """Attach a policy as somebody else does."""
    cloud.client("iam").attach_role_policy(RoleName=ROLE, PolicyArn=arn(name))


def lines(project: Project) -> list[str]:
    return [change.line for change in project.deployer.deploy().changes]


def test_policies_come_with_the_role_and_go_when_the_settings_no_longer_name_them(
    project: Project, cloud: Cloud
) -> None:
    project.write(settings("one", "two"))
    project.deployer.deploy()
    assert attached(cloud) == ["one", "two"]
    assert len(mark(cloud)) == 2
    assert deploy_again(project) == []

    project.write(settings("two"))
    assert lines(project) == [f"~ role {ROLE}: policy {arn('one')}, which goes"]
    assert attached(cloud) == ["two"]
    assert len(mark(cloud)) == 1
    assert deploy_again(project) == []

    project.write("")
    project.deployer.deploy()
    assert attached(cloud) == []
    assert mark(cloud) == []
    assert deploy_again(project) == []
    assert without_numbers(account(cloud)) == clean(project)


def test_a_policy_is_attached_to_a_role_that_was_there(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    project.write(settings("one").replace(ACCOUNT, "${account}"))

    assert lines(project) == [f"~ role {ROLE}: policy {arn('one')}"]
    assert attached(cloud) == ["one"]


def test_what_others_attach_stays(project: Project, cloud: Cloud) -> None:
    project.write(settings("one"))
    project.deployer.deploy()
    attach(cloud, "theirs")
    assert deploy_again(project) == []

    project.write(settings("two"))
    project.deployer.deploy()

    assert attached(cloud) == ["theirs", "two"]
    project.write("")
    project.deployer.deploy()
    assert attached(cloud) == ["theirs"]


def test_what_others_had_attached_before_it_was_planned_stays_theirs(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    attach(cloud, "theirs")
    project.write(settings("theirs", "one"))
    assert lines(project) == [f"~ role {ROLE}: policy {arn('one')}"]
    assert deploy_again(project) == []

    project.write("")
    project.deployer.deploy()

    assert attached(cloud) == ["theirs"]


def test_a_policy_that_was_detached_by_hand_is_attached_again(project: Project, cloud: Cloud) -> None:
    project.write(settings("one"))
    project.deployer.deploy()
    cloud.client("iam").detach_role_policy(RoleName=ROLE, PolicyArn=arn("one"))

    assert lines(project) == [f"~ role {ROLE}: policy {arn('one')}"]
    assert attached(cloud) == ["one"]


def test_a_mark_that_names_too_much_is_put_right(project: Project, cloud: Cloud) -> None:
    project.write(settings("one"))
    project.deployer.deploy()
    before = mark(cloud)
    tag = {"Key": ATTACHED, "Value": " ".join([*before, "00000000"])}
    cloud.client("iam").tag_role(RoleName=ROLE, Tags=[tag])

    assert lines(project) == [f"~ role {ROLE}: tags {ATTACHED}"]
    assert mark(cloud) == before


def test_ten_are_exchanged_for_ten_others_though_iam_attaches_no_more(project: Project, cloud: Cloud) -> None:
    first, others = [f"first{one}" for one in range(10)], [f"other{one}" for one in range(10)]
    for name in (*first, *others):
        cloud.client("iam").create_policy(PolicyName=name, PolicyDocument=json.dumps(DOCUMENT))
    project.write(settings(*first))
    project.deployer.deploy()
    project.write(settings(*others))
    cloud.calls.clear()

    project.deployer.deploy()

    assert attached(cloud) == sorted(others)
    assert cloud.changes == [
        "TagRole",
        *["DetachRolePolicy"] * 10,
        *["AttachRolePolicy"] * 10,
        "TagRole",
    ]
    assert deploy_again(project) == []


def test_what_is_new_is_attached_before_what_goes_is_detached(project: Project, cloud: Cloud) -> None:
    project.write(settings("one"))
    project.deployer.deploy()
    project.write(settings("two"))
    cloud.calls.clear()

    project.deployer.deploy()

    assert cloud.changes == ["TagRole", "AttachRolePolicy", "DetachRolePolicy", "TagRole"]


def test_a_stage_without_any_asks_for_none(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    project.deployer.changes()

    assert "ListAttachedRolePolicies" not in cloud.calls


def test_the_tables_are_one_policy_with_the_place_filled_in(project: Project, cloud: Cloud) -> None:
    project.write(
        "policies = [{ actions = ['sqs:SendMessage'], "
        "resources = ['arn:${partition}:sqs:${region}:${account}:orders'] }]"
    )
    project.deployer.deploy()
    answer = cloud.client("iam").get_role_policy(RoleName=ROLE, PolicyName="microlambda-settings")
    (statement,) = answer["PolicyDocument"]["Statement"]
    assert statement["Resource"] == [f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"]
    assert deploy_again(project) == []

    project.write("")
    assert lines(project) == [f"~ role {ROLE}: policy microlambda-settings, which goes"]
    assert deploy_again(project) == []


def test_a_policy_that_does_not_exist_is_named_by_aws(project: Project, cloud: Cloud) -> None:
    project.write(settings("missing"))

    with pytest.raises(DeployFailed, match=f"{arn('missing')} does not exist"):
        project.deployer.deploy()


def test_a_role_that_iam_has_not_heard_of_yet_is_waited_for(project: Project, cloud: Cloud) -> None:
    project.write(settings("one"))
    fail_at(cloud, "AttachRolePolicy", "NoSuchEntity", f"The role with name {ROLE} cannot be found.")

    project.deployer.deploy()

    assert attached(cloud) == ["one"]


def test_a_policy_that_is_gone_already_is_no_failure(project: Project, cloud: Cloud) -> None:
    project.write(settings("one"))
    project.deployer.deploy()
    project.write("")
    fail_always(cloud, "DetachRolePolicy", "NoSuchEntity")

    project.deployer.deploy()

    assert mark(cloud) == []


FAULTS = pytest.mark.parametrize("fault", [fail_at, lose_reply_of], ids=["fails", "reply lost"])


def interrupted(project: Project, call: str, fault: Any) -> None:
    """Deploy, with a fault at this call, and again without."""
    fault(project.cloud, call)
    with pytest.raises(DeployFailed):
        project.deployer.deploy()
    project.cloud.before_call = project.cloud.lost = None
    unlock(project.cloud)
    project.deployer.deploy()


@FAULTS
@pytest.mark.parametrize("call", ["CreateRole", "AttachRolePolicy"])
def test_an_interrupted_creation_converges(project: Project, cloud: Cloud, call: str, fault: Any) -> None:
    project.write(settings("one", "two"))

    interrupted(project, call, fault)

    converged = without_numbers(account(cloud))
    assert deploy_again(project) == []
    assert converged == clean(project)


@FAULTS
@pytest.mark.parametrize("call", ["TagRole", "AttachRolePolicy", "DetachRolePolicy"])
def test_an_interrupted_exchange_converges_and_leaves_theirs(
    project: Project, cloud: Cloud, call: str, fault: Any
) -> None:
    project.write(settings("one"))
    project.deployer.deploy()
    attach(cloud, "theirs")
    project.write(settings("two"))

    interrupted(project, call, fault)

    assert attached(cloud) == ["theirs", "two"]
    assert len(mark(cloud)) == 1
    assert deploy_again(project) == []


@FAULTS
@pytest.mark.parametrize("call", ["DetachRolePolicy", "UntagRole"])
def test_an_interrupted_removal_converges_and_leaves_theirs(
    project: Project, cloud: Cloud, call: str, fault: Any
) -> None:
    project.write(settings("one"))
    project.deployer.deploy()
    attach(cloud, "theirs")
    project.write("")

    interrupted(project, call, fault)

    assert attached(cloud) == ["theirs"]
    assert mark(cloud) == []
    assert deploy_again(project) == []
