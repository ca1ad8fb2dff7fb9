"""Taking over what has a planned name and is another's: only when asked, named, and wholly."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from microlambda import App
from microlambda.deploy.errors import DeployFailed, NotOurs
from tests.deploy.conftest import (
    REGION,
    Cloud,
    Project,
    account,
    create_function,
    deploy_again,
    on_answer,
    unlock,
)
from tests.deploy.whole import make_what_is_read, whole
from tests.plan.everything import everything

TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
THEIRS = {"microlambda:id": "other1", "microlambda:app": "shop", "microlambda:stage": "dev"}


def tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": name, "Value": value} for name, value in tags.items()]


def make_role(cloud: Cloud, path: str) -> None:
    cloud.client("iam").create_role(
        Path=path, RoleName=f"shop-dev-http-{REGION}", AssumeRolePolicyDocument=TRUST, Tags=tag_list(THEIRS)
    )


def make_their_things(cloud: Cloud) -> None:
    """Make one of each kind that has a name of its own, as another project would have it."""
    make_role(cloud, "/microlambda/shop/dev/")
    cloud.client("logs").create_log_group(logGroupName="/aws/lambda/shop-dev-http", tags=THEIRS)
    cloud.client("lambda").publish_layer_version(
        LayerName="shop-dev-dependencies", Content={"ZipFile": b"theirs"}, Description="theirs"
    )
    create_function(cloud, "shop-dev-http", THEIRS)
    cloud.client("events").put_rule(
        Name="shop-dev-tidy", ScheduleExpression="rate(2 days)", Tags=tag_list(THEIRS)
    )
    scheduler = cloud.client("scheduler")
    scheduler.create_schedule_group(Name="shop-dev", Tags=tag_list(THEIRS))
    target = {"Arn": "arn:aws:sqs:eu-west-1:123456789012:x", "RoleArn": "arn:aws:iam::123456789012:role/x"}
    for name in ("shop-dev-wake", "shop-dev-not-planned"):
        scheduler.create_schedule(
            GroupName="shop-dev",
            Name=name,
            ScheduleExpression="rate(1 day)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target=target,
        )


@pytest.fixture
def full(project: Project, cloud: Cloud) -> Project:
    project.app = everything()
    make_what_is_read(cloud, project.plan)
    return project


def test_what_is_anothers_is_refused_by_name_and_the_way_to_take_it_over_is_said(
    full: Project, cloud: Cloud
) -> None:
    create_function(cloud, "shop-dev-http", THEIRS)

    refused = "the function 'shop-dev-http' exists .* its microlambda:id is 'other1'.* take it over: --adopt"
    with pytest.raises(NotOurs, match=refused):
        full.deployer.deploy()

    assert cloud.changes == []


def test_adopting_makes_all_that_has_a_planned_name_ours_and_says_so(full: Project, cloud: Cloud) -> None:
    full.deployer.deploy()
    clean = whole(cloud)
    full.deployer.delete(logs=True)
    make_their_things(cloud)
    full.adopt = True

    changes = full.deployer.changes()
    planned = [change for change in changes if "taken over" in str(change.reasons)]
    full.deployer.deploy()

    kinds = ["function", "layer", "log-group", "role", "rule", "schedule-group"]
    assert sorted(change.kind for change in planned) == kinds
    assert all(
        "its microlambda:id is 'other1'" in change.line for change in planned if change.kind != "layer"
    )
    assert [change.line for change in changes if change.action == "remove"] == [
        "- schedule shop-dev-not-planned"
    ]
    assert deploy_again(full) == []
    full.adopt = False
    assert deploy_again(full) == []
    found = whole(cloud)
    assert found.pop("role shop-dev-http-any") == {}
    assert found == clean


def test_what_nobody_planned_is_not_adopted(full: Project, cloud: Cloud) -> None:
    create_function(cloud, "shop-dev-others", THEIRS)
    full.adopt = True

    full.deployer.deploy()

    tags = cloud.client("lambda").get_function(FunctionName="shop-dev-others")["Tags"]
    assert tags == THEIRS


def test_what_an_adopted_function_has_and_nobody_planned_is_to_be_deleted(
    full: Project, cloud: Cloud
) -> None:
    create_function(cloud, "shop-dev-take_orders", THEIRS)
    lambda_ = cloud.client("lambda")
    lambda_.publish_version(FunctionName="shop-dev-take_orders")
    lambda_.create_alias(FunctionName="shop-dev-take_orders", Name="live", FunctionVersion="1")
    cloud.client("sqs").create_queue(QueueName="theirs")
    theirs: Any = lambda_.create_event_source_mapping(
        FunctionName="shop-dev-take_orders:live", EventSourceArn="arn:aws:sqs:eu-west-1:123456789012:theirs"
    )
    full.adopt = True

    removed = [change for change in full.deployer.changes() if change.action == "remove"]

    assert [(change.kind, change.name) for change in removed] == [("event-source-mapping", "theirs")]
    full.deployer.deploy()
    uuids = {one["UUID"] for one in lambda_.list_event_source_mappings()["EventSourceMappings"]}
    assert theirs["UUID"] not in uuids


def test_a_layer_of_ours_under_a_version_of_anothers_is_taken_over_once(
    project: Project, cloud: Cloud
) -> None:
    project.deployer.deploy()
    cloud.client("lambda").publish_layer_version(
        LayerName="shop-dev-dependencies", Content={"ZipFile": b"theirs"}, Description="theirs"
    )
    project.adopt = True

    project.deployer.deploy()

    project.adopt = False
    assert deploy_again(project) == []
    layers = cloud.client("lambda").get_function_configuration(
        FunctionName="shop-dev-http", Qualifier="live"
    )["Layers"]
    assert [one["Arn"].rpartition(":")[2] for one in layers] == ["3"]


def test_a_role_elsewhere_cannot_be_adopted_and_that_is_said(project: Project, cloud: Cloud) -> None:
    make_role(cloud, "/")
    project.adopt = True

    with pytest.raises(NotOurs, match=r"cannot be taken over: it is arn:aws:iam::\d+:role/shop-dev-http-"):
        project.deployer.deploy()

    assert cloud.changes == []


def test_a_stage_without_anothers_things_is_deployed_alike(project: Project, cloud: Cloud) -> None:
    project.app = App("shop")
    project.app.lambda_function(name="work")(lambda event, context: None)
    project.adopt = True

    project.deployer.deploy()

    project.adopt = False
    assert deploy_again(project) == []


def test_a_function_that_is_an_image_cannot_be_adopted_and_that_is_said(
    project: Project, cloud: Cloud
) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/configuration-function-zip.html."""
    create_function(cloud, "shop-dev-http", THEIRS)

    def as_image(answer: dict[str, Any]) -> None:
        answer.get("Configuration", {}).update(PackageType="Image")

    on_answer(cloud, "lambda", "GetFunction", as_image)
    project.adopt = True

    with pytest.raises(NotOurs, match="'shop-dev-http' cannot be taken over: its code is a container image"):
        project.deployer.deploy()

    assert cloud.changes == []


def with_another_id(project: Project, settings: str) -> None:
    """Deploy as the folder that this one was copied from, and go on as one whose settings have another id."""
    project.write(settings)
    project.deployer.deploy()
    file = project.root / "microlambda.toml"
    file.write_text(file.read_text().replace("k3v9x2", "newid9"))


def as_text(account: dict[str, Any]) -> str:
    return json.dumps(account, sort_keys=True, default=str)


def apis(cloud: Cloud) -> list[tuple[str, str]]:
    http = cloud.client("apigatewayv2").get_apis()["Items"]
    rest = cloud.client("apigateway").get_rest_apis()["items"]
    found = [(one["Name"], one["Tags"]["microlambda:id"]) for one in http]
    return found + [(one["name"], one["tags"]["microlambda:id"]) for one in rest]


INGRESSES = {
    "http-api": "",
    "rest-api": 'ingress = "rest-api"\napi_keys = ["partner"]\n',
}


@pytest.mark.slow
@pytest.mark.parametrize("settings", INGRESSES.values(), ids=INGRESSES)
def test_a_stage_whose_id_was_lost_is_adopted_with_its_api_and_nothing_is_there_twice(
    project: Project, cloud: Cloud, settings: str
) -> None:
    project.app.get("/partners", api_key_required="rest" in settings)(lambda: "")
    with_another_id(project, settings)
    before = whole(cloud)
    with pytest.raises(NotOurs, match="its microlambda:id is 'k3v9x2', this project's id is 'newid9'"):
        project.deployer.deploy()

    project.adopt = True
    project.deployer.deploy()

    assert apis(cloud) == [("shop-dev", "newid9")]
    assert as_text(before).replace("k3v9x2", "newid9") == as_text(whole(cloud))
    project.adopt = False
    assert deploy_again(project) == []


@pytest.mark.slow
@pytest.mark.parametrize("settings", INGRESSES.values(), ids=INGRESSES)
def test_an_api_of_our_names_and_another_id_is_refused_by_name(
    project: Project, cloud: Cloud, settings: str
) -> None:
    project.app.get("/partners", api_key_required="rest" in settings)(lambda: "")
    with_another_id(project, settings)
    forget_all_but_the_api(cloud)

    with pytest.raises(NotOurs, match="API 'shop-dev' exists and is not this project's"):
        project.deployer.deploy()

    assert apis(cloud) == [("shop-dev", "k3v9x2")]


def forget_all_but_the_api(cloud: Cloud) -> None:
    cloud.client("lambda").delete_function(FunctionName="shop-dev-http")
    cloud.client("logs").delete_log_group(logGroupName="/aws/lambda/shop-dev-http")
    iam, name = cloud.client("iam"), f"shop-dev-http-{REGION}"
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    iam.delete_role(RoleName=name)
    gateway = cloud.client("apigateway")
    for plan in gateway.get_usage_plans()["items"]:
        for stage in plan["apiStages"]:
            where = f"{stage['apiId']}:{stage['stage']}"
            patch = {"op": "remove", "path": "/apiStages", "value": where}
            gateway.update_usage_plan(usagePlanId=plan["id"], patchOperations=[patch])
        gateway.delete_usage_plan(usagePlanId=plan["id"])
    for key in gateway.get_api_keys()["items"]:
        gateway.delete_api_key(apiKey=key["id"])
    for layer in cloud.client("lambda").list_layers()["Layers"]:
        cloud.client("lambda").delete_layer_version(LayerName=layer["LayerName"], VersionNumber=1)


@pytest.mark.slow
@pytest.mark.parametrize("settings", INGRESSES.values(), ids=INGRESSES)
def test_a_delete_after_an_adoption_that_was_interrupted_names_what_it_leaves_and_can_be_gone_on_with(
    project: Project, cloud: Cloud, settings: str
) -> None:
    project.app.get("/partners", api_key_required="rest" in settings)(lambda: "")
    with_another_id(project, settings)
    project.adopt = True

    def before_call(name: str, params: dict[str, Any]) -> None:
        if name == "TagResource" and "apis" in params["url_path"]:
            raise ClientError({"Error": {"Code": "InternalFailure", "Message": "no"}}, name)

    cloud.before_call = before_call
    with pytest.raises(DeployFailed):
        project.deployer.deploy()
    cloud.before_call = None
    unlock(cloud)

    project.deployer.delete(logs=True)

    told = "API shop-dev is left alone: its microlambda:id is 'k3v9x2', this project's id is 'newid9'."
    assert any(line.endswith(told) for line in project.said)
    project.deployer.deploy()
    project.deployer.delete(logs=True)
    left = account(cloud)
    assert list(left) == ["layer shop-dev-dependencies"]  # a version of a layer stays its maker's
    assert "id=k3v9x2" in str(left)
