"""What is not ours stays as it is, and its names are not taken."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from microlambda.deploy.errors import NotOurs
from tests.deploy.conftest import (
    ACCOUNT,
    REGION,
    Cloud,
    Project,
    create_function,
    deploy_again,
)


def test_what_others_put_beside_ours_stays(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    iam, lambda_ = cloud.client("iam"), cloud.client("lambda")
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=f"shop-dev-http-{REGION}", PolicyName="mine", PolicyDocument=document)
    lambda_.tag_resource(
        Resource=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:shop-dev-http", Tags={"cost": "1"}
    )
    lambda_.add_permission(
        FunctionName="shop-dev-http",
        Qualifier="live",
        StatementId="mine",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
    )

    assert deploy_again(project) == []


NEIGHBOURS: list[tuple[str, Callable[[Cloud, str], object]]] = [
    (
        "role",
        lambda cloud, name: cloud.client("iam").create_role(
            RoleName=f"{name}-{REGION}", AssumeRolePolicyDocument="{}"
        ),
    ),
    (
        "log group",
        lambda cloud, name: cloud.client("logs").create_log_group(logGroupName=f"/aws/lambda/{name}"),
    ),
    ("function", lambda cloud, name: create_function(cloud, name, {"microlambda:id": "other"})),
]


@pytest.mark.parametrize(("kind", "create"), NEIGHBOURS, ids=[kind for kind, _create in NEIGHBOURS])
def test_a_name_that_is_taken_by_others_is_refused(
    project: Project, kind: str, create: Callable[[Cloud, str], object]
) -> None:
    create(project.cloud, "shop-dev-http")
    project.cloud.calls.clear()

    with pytest.raises(NotOurs, match=f"the {kind} '.*shop-dev-http.*' exists and is not this project's"):
        project.deployer.deploy()

    assert project.cloud.mutating == []


def test_an_api_of_the_same_name_that_is_not_ours_is_left_alone(project: Project, cloud: Cloud) -> None:
    gateway = cloud.client("apigatewayv2")
    other = gateway.create_api(Name="shop-dev", ProtocolType="HTTP", Tags={"microlambda:id": "other"})

    outcome = project.deployer.deploy()

    assert outcome.api_id != other["ApiId"]
    assert len(gateway.get_apis()["Items"]) == 2


def test_stages_live_beside_each_other(project: Project, cloud: Cloud) -> None:
    project.write("[stages.prod]\nmemory = 512")
    project.deployer.deploy()
    project.stage = "prod"
    project.deployer.deploy()

    functions = cloud.client("lambda").list_functions()["Functions"]
    assert sorted(one["FunctionName"] for one in functions) == ["shop-dev-http", "shop-prod-http"]
    project.deployer.delete(logs=True)
    project.stage = "dev"
    assert deploy_again(project) == []


def test_an_app_whose_name_begins_with_ours_is_not_touched(project: Project, cloud: Cloud) -> None:
    create_function(cloud, "shop-dev-extra-http", {})
    project.deployer.deploy()
    project.deployer.delete(logs=True)

    functions = cloud.client("lambda").list_functions()["Functions"]
    assert [one["FunctionName"] for one in functions] == ["shop-dev-extra-http"]
