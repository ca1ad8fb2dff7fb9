"""Schedules: as rules with a template, and as EventBridge Scheduler's in a group that is ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from moto.core.exceptions import JsonRESTError
from moto.scheduler.models import EventBridgeSchedulerBackend

from microlambda import App, At
from microlambda.deploy.errors import DeployFailed, NotOurs
from tests.deploy.conftest import (
    ACCOUNT,
    REGION,
    Cloud,
    Project,
    client_error,
    deploy_again,
    fail_at,
    lose_reply_of,
    on_answer,
    stop_at,
)

ALIAS = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:shop-dev-nightly:live"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:failed"
WORKDAYS = "cron(0 18 ? * MON-FRI *)"
TAGS = {"microlambda:id": "k3v9x2", "microlambda:app": "shop", "microlambda:stage": "dev"}
FAILED_OR_LOST = pytest.mark.parametrize("lost", [False, True], ids=["failed", "lost"])


@pytest.fixture(autouse=True)
def as_aws_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let moto refuse a second group of one name, and write all that UpdateSchedule says."""
    create_group = EventBridgeSchedulerBackend.create_schedule_group
    update = EventBridgeSchedulerBackend.update_schedule

    def create_schedule_group(self: Any, name: str, tags: Any) -> Any:
        if name in self.schedule_groups:
            raise JsonRESTError("ConflictException", f"Schedule group {name} already exists.")
        return create_group(self, name, tags)

    def update_schedule(self: Any, **words: Any) -> Any:
        schedule = update(self, **words)
        schedule.action_after_completion = "NONE"  # what it is told not, is AWS's default, and ours
        return schedule

    monkeypatch.setattr(EventBridgeSchedulerBackend, "create_schedule_group", create_schedule_group)
    monkeypatch.setattr(EventBridgeSchedulerBackend, "update_schedule", update_schedule)


def scheduled(
    name: str = "nightly", expression: Any = WORKDAYS, tz: str | None = "Europe/Berlin", **words: Any
) -> App:
    """Make an app with one handler that runs by the clock."""
    app = App("shop")
    app.schedule(expression, name=name, tz=tz, **words)(lambda event: None)
    return app


def schedules(cloud: Cloud) -> dict[str, Any]:
    """Everything that Scheduler holds, by group and name."""
    scheduler = cloud.client("scheduler")
    found: dict[str, Any] = {}
    for group in scheduler.list_schedule_groups()["ScheduleGroups"]:
        if group["Name"] == "default":
            continue
        tags = scheduler.list_tags_for_resource(ResourceArn=group["Arn"])["Tags"]
        found[group["Name"]] = {tag["Key"]: tag["Value"] for tag in tags}
        for one in scheduler.list_schedules(GroupName=group["Name"])["Schedules"]:
            whole = scheduler.get_schedule(GroupName=group["Name"], Name=one["Name"])
            for field in ("ResponseMetadata", "CreationDate", "LastModificationDate"):
                whole.pop(field)
            found[f"{group['Name']}/{one['Name']}"] = whole
    return found


def roles(cloud: Cloud) -> list[str]:
    return sorted(one["RoleName"] for one in cloud.client("iam").list_roles()["Roles"])


def nightly(cloud: Cloud) -> dict[str, Any]:
    found: dict[str, Any] = schedules(cloud)["shop-dev/shop-dev-nightly"]
    return found


def put(cloud: Cloud, **words: Any) -> None:
    """Change our schedule by hand."""
    kept = ["Name", "GroupName", "ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow"]
    kept += ["Target", "State", "Description"]
    now = nightly(cloud)
    cloud.client("scheduler").update_schedule(**{**{name: now[name] for name in kept}, **words})


def test_a_rule_hands_over_a_template(project: Project, cloud: Cloud) -> None:
    project.app = scheduled(expression=["rate(1 day)", WORKDAYS], tz=None, input={"full": True})

    project.deployer.deploy()

    events = cloud.client("events")
    found = {one["Name"]: one["ScheduleExpression"] for one in events.list_rules()["Rules"]}
    assert found == {"shop-dev-nightly": "rate(1 day)", "shop-dev-nightly-2": WORKDAYS}
    for name in found:
        (target,) = events.list_targets_by_rule(Rule=name)["Targets"]
        assert (target["Id"], target["Arn"]) == ("live", ALIAS)
        template = target["InputTransformer"]["InputTemplate"]
        assert template.endswith('"detail":{"handler":"nightly","input":{"full":true}}}')
        assert target["InputTransformer"]["InputPathsMap"]["resources"] == "$.resources"
    assert cloud.client("scheduler").list_schedules()["Schedules"] == []
    assert deploy_again(project) == []


RULE_CHANGES = [
    pytest.param({"expression": "rate(2 days)"}, ["PutRule"], id="expression"),
    pytest.param({"enabled": False}, ["PutRule"], id="enabled"),
    pytest.param({"input": {"full": False}}, ["PutTargets"], id="input"),
    pytest.param({"expression": "rate(2 days)", "input": 7}, ["PutRule", "PutTargets"], id="both"),
]


@pytest.mark.parametrize(("words", "calls"), RULE_CHANGES)
def test_a_changed_rule_of_a_schedule_is_put_where_it_differs(
    project: Project, cloud: Cloud, words: dict[str, Any], calls: list[str]
) -> None:
    project.app = scheduled(expression="rate(1 day)", tz=None)
    project.deployer.deploy()
    project.app = scheduled(**{"expression": "rate(1 day)", "tz": None, **words})
    cloud.calls.clear()

    project.deployer.deploy()

    assert cloud.changes == calls
    (rule,) = cloud.client("events").list_rules()["Rules"]
    assert rule["ScheduleExpression"] == words.get("expression", "rate(1 day)")
    assert rule["State"] == ("ENABLED" if words.get("enabled", True) else "DISABLED")
    assert deploy_again(project) == []


def test_an_expression_less_is_a_rule_less(project: Project, cloud: Cloud) -> None:
    project.app = scheduled(expression=["rate(1 day)", "rate(2 days)"], tz=None)
    project.deployer.deploy()
    project.app = scheduled(expression="rate(2 days)", tz=None)

    project.deployer.deploy()

    (rule,) = cloud.client("events").list_rules()["Rules"]
    assert (rule["Name"], rule["ScheduleExpression"]) == ("shop-dev-nightly", "rate(2 days)")
    policy = cloud.client("lambda").get_policy(FunctionName="shop-dev-nightly", Qualifier="live")["Policy"]
    assert [one["Sid"] for one in json.loads(policy)["Statement"]] == ["microlambda-rule-shop-dev-nightly"]
    assert deploy_again(project) == []


def test_scheduler_gets_a_role_a_group_and_a_schedule(project: Project, cloud: Cloud) -> None:
    project.app = scheduled(description="tidy", input={"full": True})

    changes = project.deployer.deploy().changes

    assert "CreateScheduleGroup" in cloud.changes
    assert cloud.changes[-1] == "CreateSchedule"
    assert "AddPermission" not in cloud.changes
    assert changes[-1].line == f"+ schedule shop-dev-nightly: {WORKDAYS} Europe/Berlin"
    assert schedules(cloud)["shop-dev"] == TAGS
    (role,) = [one for one in cloud.client("iam").list_roles()["Roles"] if "schedules" in one["RoleName"]]
    made = nightly(cloud)
    assert json.loads(made["Target"].pop("Input")) == {
        "version": "0",
        "id": "<aws.scheduler.execution-id>",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": ACCOUNT,
        "time": "<aws.scheduler.scheduled-time>",
        "region": REGION,
        "resources": ["<aws.scheduler.schedule-arn>"],
        "detail": {"handler": "nightly", "input": {"full": True}},
    }
    assert made == {
        "Arn": f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/shop-dev/shop-dev-nightly",
        "GroupName": "shop-dev",
        "Name": "shop-dev-nightly",
        "Description": "tidy",
        "ScheduleExpression": WORKDAYS,
        "ScheduleExpressionTimezone": "Europe/Berlin",
        "State": "ENABLED",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "NONE",
        "Target": {
            "Arn": ALIAS,
            "RoleArn": role["Arn"],
            "RetryPolicy": {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185},
        },
    }
    assert deploy_again(project) == []


def test_schedulers_role_is_let_into_the_alias(project: Project, cloud: Cloud) -> None:
    project.app = scheduled(dead_letter_queue=QUEUE)

    project.deployer.deploy()

    iam = cloud.client("iam")
    (name,) = [one for one in roles(cloud) if "schedules" in one]
    documents = {
        one: iam.get_role_policy(RoleName=name, PolicyName=one)["PolicyDocument"]["Statement"]
        for one in iam.list_role_policies(RoleName=name)["PolicyNames"]
    }
    assert [one["Resource"] for one in documents["microlambda-invoke"]] == [[ALIAS]]
    assert [one["Resource"] for one in documents["microlambda-failures"]] == [[QUEUE]]
    assert nightly(cloud)["Target"]["DeadLetterConfig"] == {"Arn": QUEUE}


CHANGES = [
    pytest.param({"expression": "rate(2 days)"}, f"expression {WORKDAYS} -> rate(2 days)", id="expression"),
    pytest.param({"tz": "UTC"}, "time zone Europe/Berlin -> UTC", id="tz"),
    pytest.param({"enabled": False}, "state ENABLED -> DISABLED", id="enabled"),
    pytest.param({"description": "tidy"}, "description", id="description"),
    pytest.param({"input": 7}, "input", id="input"),
    pytest.param({"retries": 1}, "retries", id="retries"),
    pytest.param({"maximum_age": 600}, "retries", id="age"),
    pytest.param({"dead_letter_queue": QUEUE}, "dead letter queue", id="queue"),
]


@pytest.mark.parametrize(("words", "reason"), CHANGES)
@FAILED_OR_LOST
@pytest.mark.slow  # one deploy or more for each call that may fail
def test_a_changed_declaration_is_written_as_a_whole_and_converges(
    project: Project, cloud: Cloud, words: dict[str, Any], reason: str, lost: bool
) -> None:
    project.app = scheduled()
    project.deployer.deploy()
    project.app = scheduled(**words)
    lines = [change.line for change in project.deployer.changes()]
    assert f"~ schedule shop-dev-nightly: {reason}" in lines
    (lose_reply_of if lost else fail_at)(cloud, "UpdateSchedule")
    with pytest.raises(DeployFailed, match="changing the schedule 'shop-dev-nightly' failed"):
        project.deployer.deploy()
    cloud.before_call = cloud.lost = None

    project.deployer.deploy()

    assert nightly(cloud)["ScheduleExpression"] == words.get("expression", WORKDAYS)
    assert nightly(cloud)["Target"].get("DeadLetterConfig") == (
        {"Arn": QUEUE} if "dead_letter_queue" in words else None
    )
    assert deploy_again(project) == []
    before = nightly(cloud)
    project.deployer.delete()
    project.deployer.deploy()
    assert nightly(cloud) == before


def disable(cloud: Cloud) -> None:
    put(cloud, State="DISABLED")


def change_the_zone(cloud: Cloud) -> None:
    put(cloud, ScheduleExpressionTimezone="Asia/Tokyo")


def loosen_the_window(cloud: Cloud) -> None:
    put(cloud, FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5})


def end_it(cloud: Cloud) -> None:
    put(cloud, EndDate="2030-01-01T00:00:00Z")


def point_elsewhere(cloud: Cloud) -> None:
    put(cloud, Target={**nightly(cloud)["Target"], "Arn": ALIAS.replace(":live", ":1")})


def give_it_another_role(cloud: Cloud) -> None:
    put(cloud, Target={**nightly(cloud)["Target"], "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/other"})


def lose_it(cloud: Cloud) -> None:
    cloud.client("scheduler").delete_schedule(GroupName="shop-dev", Name="shop-dev-nightly")


def lose_the_group(cloud: Cloud) -> None:
    cloud.client("scheduler").delete_schedule_group(Name="shop-dev")


def lose_the_roles_policy(cloud: Cloud) -> None:
    (role,) = [one for one in roles(cloud) if "schedules" in one]
    cloud.client("iam").delete_role_policy(RoleName=role, PolicyName="microlambda-invoke")


DRIFTS = [
    disable,
    change_the_zone,
    loosen_the_window,
    end_it,
    point_elsewhere,
    give_it_another_role,
    lose_it,
    lose_the_group,
    lose_the_roles_policy,
]


@pytest.mark.parametrize("drift", DRIFTS, ids=lambda one: one.__name__)
def test_what_was_changed_by_hand_is_put_right(
    project: Project, cloud: Cloud, drift: Callable[[Cloud], None]
) -> None:
    project.app = scheduled()
    project.deployer.deploy()
    before = schedules(cloud)
    drift(cloud)

    assert project.deployer.changes() != ()
    project.deployer.deploy()

    assert schedules(cloud) == before
    assert deploy_again(project) == []


def test_new_tags_are_put_on_the_group(project: Project, cloud: Cloud) -> None:
    project.app = scheduled()
    project.deployer.deploy()
    project.write('tags = { team = "red" }')

    project.deployer.deploy()

    assert schedules(cloud)["shop-dev"] == {**TAGS, "team": "red"}
    assert deploy_again(project) == []


@pytest.mark.parametrize("call", ["CreateScheduleGroup", "CreateSchedule"])
@FAILED_OR_LOST
def test_a_first_deploy_that_stops_anywhere_converges_on_the_next_run(
    project: Project, cloud: Cloud, call: str, lost: bool
) -> None:
    project.app = scheduled()
    stop_at(project, call, lost=lost)

    project.deployer.deploy()

    after = schedules(cloud)
    assert list(after) == ["shop-dev", "shop-dev/shop-dev-nightly"]
    assert deploy_again(project) == []
    project.deployer.delete(logs=True)
    project.deployer.deploy()
    assert schedules(cloud) == after


@pytest.mark.parametrize(
    "call", [None, "DeleteSchedule", "DeleteScheduleGroup", "DeleteFunction", "DeleteRole"]
)
@FAILED_OR_LOST
@pytest.mark.slow  # one deploy or more for each call that may fail
def test_the_schedule_of_a_handler_that_is_gone_goes_with_group_and_role(
    project: Project, cloud: Cloud, call: str | None, lost: bool
) -> None:
    project.app = scheduled()
    project.deployer.deploy()
    project.app = App("shop")
    project.app.lambda_function(name="other")(lambda event, context: None)
    stop_at(project, call, lost=lost)

    project.deployer.deploy()

    assert schedules(cloud) == {}
    assert roles(cloud) == [f"shop-dev-other-{REGION}"]
    assert deploy_again(project) == []


def test_delete_takes_the_schedules_first(project: Project, cloud: Cloud) -> None:
    project.app = scheduled()
    project.deployer.deploy()
    cloud.calls.clear()

    project.deployer.delete(logs=True)

    assert cloud.changes[:3] == ["DeleteSchedule", "DeleteScheduleGroup", "DeleteAlias"]
    assert schedules(cloud) == {}
    assert roles(cloud) == []


def test_a_renamed_handler_has_its_new_schedule_before_the_old_one_goes(
    project: Project, cloud: Cloud
) -> None:
    project.app = scheduled()
    project.deployer.deploy()
    project.app = scheduled("hourly")
    cloud.calls.clear()

    project.deployer.deploy()

    assert list(schedules(cloud)) == ["shop-dev", "shop-dev/shop-dev-hourly"]
    assert cloud.calls.index("CreateSchedule") < cloud.calls.index("DeleteSchedule")
    assert deploy_again(project) == []


@pytest.mark.parametrize("call", [None, "CreateSchedule", "RemoveTargets", "DeleteRule", "RemovePermission"])
@FAILED_OR_LOST
@pytest.mark.slow  # one deploy or more for each call that may fail
def test_with_a_time_zone_the_rule_becomes_a_schedule(
    project: Project, cloud: Cloud, call: str | None, lost: bool
) -> None:
    project.app = scheduled(tz=None)
    project.deployer.deploy()
    project.app = scheduled()
    cloud.calls.clear()
    stop_at(project, call, lost=lost)

    project.deployer.deploy()

    if call is None:
        assert cloud.calls.index("CreateSchedule") < cloud.calls.index("RemoveTargets")
    assert cloud.client("events").list_rules()["Rules"] == []
    assert "shop-dev/shop-dev-nightly" in schedules(cloud)
    assert deploy_again(project) == []


def test_without_the_time_zone_the_schedule_becomes_a_rule(project: Project, cloud: Cloud) -> None:
    project.app = scheduled()
    project.deployer.deploy()
    project.app = scheduled(tz=None)
    cloud.calls.clear()

    project.deployer.deploy()

    assert cloud.calls.index("PutTargets") < cloud.calls.index("DeleteSchedule")
    assert schedules(cloud) == {}
    assert deploy_again(project) == []


def test_a_moment_that_has_passed_is_not_touched_again(project: Project, cloud: Cloud) -> None:
    project.app = scheduled(expression=At("2001-01-01T00:00:00"))
    project.deployer.deploy()
    project.code = "two"

    def before_call(name: str, params: dict[str, Any]) -> None:
        if name in ("CreateSchedule", "UpdateSchedule"):
            raise client_error(cloud, name, "ValidationException", "The schedule expression is in the past")

    cloud.before_call = before_call

    project.deployer.deploy()

    assert nightly(cloud)["ActionAfterCompletion"] == "NONE"
    assert deploy_again(project) == []


def test_a_role_that_is_not_known_everywhere_yet_is_waited_for(project: Project, cloud: Cloud) -> None:
    project.app = scheduled()
    message = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
    fail_at(cloud, "CreateSchedule", "ValidationException", message)

    project.deployer.deploy()

    assert cloud.calls.count("CreateSchedule") == 2
    assert cloud.sleeps == [1]


def test_a_group_that_is_on_its_way_out_is_waited_for_and_made_anew(
    project: Project, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.app = scheduled()
    project.deployer.deploy()
    waited: list[float] = []
    monkeypatch.setattr(cloud.aws, "sleep", waited.append)

    def deleting(answer: dict[str, Any]) -> None:
        if "State" in answer:
            answer["State"] = "DELETING"
        if len(waited) == 2:
            lose_the_group(cloud)
            waited.append(0)

    on_answer(cloud, "scheduler", "GetScheduleGroup", deleting)
    project.app = scheduled(description="again")

    outcome = project.deployer.deploy()

    assert [change.line.split(":")[0] for change in outcome.changes] == [
        "+ schedule group shop-dev",
        "+ schedule shop-dev-nightly",
    ]
    assert waited[:2] == [1, 1]
    assert nightly(cloud)["Description"] == "again"


def test_delete_does_not_take_a_group_on_its_way_out_for_left(project: Project, cloud: Cloud) -> None:
    project.app = scheduled()
    project.deployer.deploy()
    on_answer(cloud, "scheduler", "GetScheduleGroup", lambda answer: answer.update(State="DELETING"))

    project.deployer.delete(logs=True)

    assert cloud.sleeps == []


@pytest.mark.parametrize(
    ("tags", "told"),
    [
        ({}, "it has no tag microlambda:id"),
        ({**TAGS, "microlambda:id": "other1"}, "its microlambda:id is 'other1'"),
    ],
    ids=["no-tags", "other-project"],
)
def test_a_group_of_that_name_that_is_not_ours_is_refused_and_its_schedules_stay(
    project: Project, cloud: Cloud, tags: dict[str, str], told: str
) -> None:
    scheduler = cloud.client("scheduler")
    scheduler.create_schedule_group(
        Name="shop-dev", Tags=[{"Key": name, "Value": value} for name, value in tags.items()]
    )
    scheduler.create_schedule(
        GroupName="shop-dev",
        Name="shop-dev-nightly",
        ScheduleExpression="rate(1 day)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": ALIAS, "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/other"},
    )
    before = schedules(cloud)
    project.app = scheduled()

    with pytest.raises(
        NotOurs, match=f"the schedule group 'shop-dev' exists and is not this project's: {told}"
    ):
        project.deployer.deploy()
    assert cloud.mutating == []

    project.app = App("shop")
    project.app.lambda_function(name="other")(lambda event, context: None)
    project.deployer.deploy()
    project.deployer.delete()
    assert schedules(cloud) == before


def test_two_stages_have_a_group_each(project: Project, cloud: Cloud) -> None:
    project.write("[stages.dev-next]")
    project.app = scheduled()
    project.stage = "dev-next"
    project.deployer.deploy()
    project.stage = "dev"
    project.deployer.deploy()

    project.deployer.delete()

    assert list(schedules(cloud)) == ["shop-dev-next", "shop-dev-next/shop-dev-next-nightly"]
