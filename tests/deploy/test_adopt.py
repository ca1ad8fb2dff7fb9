"""Taking over what has a planned name and is another's: only when asked, named, and wholly."""

from __future__ import annotations

import json
from typing import Any

import pytest

from microlambda import App
from microlambda.deploy.errors import NotOurs
from tests.deploy.conftest import REGION, Cloud, Project, create_function, deploy_again, on_answer
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
