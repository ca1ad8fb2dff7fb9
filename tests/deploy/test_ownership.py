"""What is not ours stays as it is, and its names are not taken."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from microlambda.deploy.address import find_url
from microlambda.deploy.errors import DeployFailed, NotDeployed, NotOurs
from tests.deploy.conftest import (
    ACCOUNT,
    REGION,
    Cloud,
    Project,
    client_error,
    create_function,
    deploy_again,
    entrance,
    on_answer,
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

    assert entrance(outcome) != other["ApiId"]
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


DIFFERING = [
    pytest.param(
        {"microlambda:id": "other"}, "its microlambda:id is 'other', this project's id is 'k3", id="id"
    ),
    pytest.param({"microlambda:id": None}, "it has no tag microlambda:id", id="no-id"),
    pytest.param(
        {"microlambda:app": "shop-dev"},
        "its microlambda:app is 'shop-dev', this deploy's is 'shop'",
        id="app",
    ),
    pytest.param(
        {"microlambda:stage": None},
        "it has no tag microlambda:stage, this deploy's is 'dev'",
        id="stage",
    ),
]


@pytest.mark.parametrize(("tags", "told"), DIFFERING)
def test_the_tag_that_differs_is_named(
    project: Project, cloud: Cloud, tags: dict[str, str | None], told: str
) -> None:
    theirs = {**project.plan.scope.tags, **tags}
    create_function(cloud, "shop-dev-http", {name: value for name, value in theirs.items() if value})

    with pytest.raises(NotOurs, match=told):
        project.deployer.deploy()


def deny(cloud: Cloud, calls: dict[str, str]) -> None:
    """Deny these calls where the request speaks of this name."""

    def before_call(name: str, params: dict[str, Any]) -> None:
        if name in calls and calls[name] in f"{params['url_path']} {params['body']!r}":
            raise client_error(cloud, name, "AccessDeniedException", "denied")

    cloud.before_call = before_call


READS = {
    "GetFunction": "extra",
    "ListTagsForResource": "extra",
    "GetRole": "extra",
    "ListLayerVersions": "extra",
}


def test_a_neighbour_that_may_not_be_looked_at_is_left_alone_and_told(project: Project, cloud: Cloud) -> None:
    create_function(cloud, "shop-dev-extra", {})
    cloud.client("logs").create_log_group(logGroupName="/aws/lambda/shop-dev-extra")
    cloud.client("iam").create_role(
        Path="/microlambda/shop/dev/", RoleName=f"shop-dev-extra-{REGION}", AssumeRolePolicyDocument="{}"
    )
    cloud.client("lambda").publish_layer_version(LayerName="shop-dev-extra", Content={"ZipFile": b"x"})
    deny(cloud, READS)

    project.deployer.deploy()
    project.deployer.delete(logs=True)

    told = [line for line in project.said if "is left alone" in line]
    why = "is denied, so it is taken for another project's."
    assert told[:4] == [
        f"role shop-dev-extra-{REGION} is left alone: GetRole {why}",
        f"log group /aws/lambda/shop-dev-extra is left alone: ListTagsForResource {why}",
        f"layer shop-dev-extra is left alone: ListLayerVersions {why}",
        f"function shop-dev-extra is left alone: GetFunction {why}",
    ]
    assert len(told) == 8  # once for each of the two commands
    assert len(cloud.client("lambda").list_functions()["Functions"]) == 1


@pytest.mark.parametrize("call", READS)
def test_a_planned_name_that_may_not_be_looked_at_ends_the_deploy(
    project: Project, cloud: Cloud, call: str
) -> None:
    project.deployer.deploy()
    deny(cloud, {call: "shop-dev-"})

    with pytest.raises(DeployFailed, match=f"needs {call}"):
        project.deployer.deploy()


def test_a_neighbour_that_goes_while_it_is_looked_at_is_no_failure(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    gone = {"FunctionName": "shop-dev-gone"}
    on_answer(cloud, "lambda", "ListFunctions", lambda answer: answer["Functions"].append(gone))
    layer = {"LayerName": "shop-dev-gone"}
    on_answer(cloud, "lambda", "ListLayers", lambda answer: answer["Layers"].append(layer))
    group = {"logGroupName": "/aws/lambda/shop-dev-gone", "arn": "arn:aws:logs:eu-west-1:1:log-group:gone:*"}
    on_answer(cloud, "logs", "DescribeLogGroups", lambda answer: answer["logGroups"].append(group))

    assert deploy_again(project) == []


def test_what_an_earlier_name_has_left_online_is_told_and_left_alone(project: Project, cloud: Cloud) -> None:
    url = project.deployer.deploy().url
    project.write('name = "store"')
    project.said.clear()

    project.deployer.changes()
    project.deployer.deploy()
    project.deployer.delete(logs=True)

    told = (
        f"HTTP API shop-dev is left alone: this stage is still deployed as 'shop': {url}. If that is an old "
        'name, run `microlambda delete` with name = "shop".'
    )
    assert project.said.count(told) == 3
    project.write('name = "shop"')
    assert deploy_again(project) == []


def test_the_url_is_never_that_of_an_earlier_name(project: Project, cloud: Cloud) -> None:
    project.deployer.deploy()
    project.write('name = "store"')

    with pytest.raises(NotDeployed):
        find_url(cloud.aws, project.plan.scope)
