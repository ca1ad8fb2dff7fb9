"""What functions name and the embedded cloud does not have: layers, policies and roles of others."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from microlambda.emulator.cloud import EmbeddedCloud

from .accounts import ECHO, REGION, Account, zipped

pytest.importorskip("moto.server")

FONTS = f"arn:aws:lambda:{REGION}:999999999999:layer:fonts:3"
MANAGED = "arn:aws:iam::aws:policy/service-role/AmazonSQSReadOnlyAccess"
MINE = "arn:aws:iam::999999999999:role/team/mine"


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    said: list[str] = []
    with EmbeddedCloud(region=REGION, say=said.append) as cloud:
        yield Account(cloud, said)


def test_a_layer_of_others_is_named_once_and_left_out(account: Account) -> None:
    ours = account.lambdas.publish_layer_version(LayerName="deps", Content={"ZipFile": zipped(shared="")})
    name = account.function(ECHO, live=False, Layers=[ours["LayerVersionArn"], FONTS])
    account.function(ECHO, live=False, Layers=[FONTS])

    assert account.invoke(name, 1)[1] == 1
    told = account.lambdas.get_function_configuration(FunctionName=name)["Layers"]
    assert [one["Arn"] for one in told] == [ours["LayerVersionArn"], FONTS]
    assert [one for one in account.said if FONTS in one] == [
        f"The layer {FONTS} is not here: what it holds is missing from the functions on it."
    ]


def test_managed_policies_of_aws_are_attached_and_detached(account: Account) -> None:
    iam = account.cloud.client("iam")
    for role in ("one", "two"):
        iam.create_role(RoleName=role, AssumeRolePolicyDocument="{}")
        iam.attach_role_policy(RoleName=role, PolicyArn=MANAGED)

    (attached,) = iam.list_attached_role_policies(RoleName="one")["AttachedPolicies"]
    assert (attached["PolicyArn"], attached["PolicyName"]) == (MANAGED, "AmazonSQSReadOnlyAccess")
    iam.detach_role_policy(RoleName="one", PolicyArn=MANAGED)
    assert iam.list_attached_role_policies(RoleName="one")["AttachedPolicies"] == []
    assert len(iam.list_attached_role_policies(RoleName="two")["AttachedPolicies"]) == 1


def test_a_function_runs_as_a_role_that_is_elsewhere(account: Account) -> None:
    account.lambdas.create_function(
        FunctionName="theirs",
        Role=MINE,
        Code={"ZipFile": zipped(app=ECHO)},
        Handler="app.handler",
        Runtime="python3.13",
    )

    assert account.invoke("theirs", 1)[1] == 1
    assert account.lambdas.get_function_configuration(FunctionName="theirs")["Role"] == MINE
    roles = account.cloud.client("iam").list_roles()["Roles"]
    assert "elsewhere" not in json.dumps([role["Arn"] for role in roles])


def test_networks_and_snapshots_are_remembered_and_mean_nothing(account: Account) -> None:
    network = {"SubnetIds": ["subnet-0000000a"], "SecurityGroupIds": ["sg-0000000a"]}
    name = account.function(ECHO, VpcConfig=network, SnapStart={"ApplyOn": "PublishedVersions"})

    assert account.invoke(name, 1, Qualifier="live")[1] == 1
    told = account.lambdas.get_function_configuration(FunctionName=name, Qualifier="live")
    assert told["VpcConfig"]["SubnetIds"] == ["subnet-0000000a"]
    assert told["SnapStart"]["ApplyOn"] == "PublishedVersions"
