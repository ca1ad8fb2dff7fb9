"""`@app.schedule` in the plan: rules, or schedules of Scheduler, and the event that the handler gets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from microlambda import App, At, Blueprint, ScheduleEvent
from microlambda.emulator.events.schedule import build
from microlambda.plan.errors import PlanError
from microlambda.plan.plan import Plan
from microlambda.plan.records import Arn, Permission, Ref, Role, Rule, Schedule, ScheduleGroup
from microlambda.plan.schedules import event_text
from microlambda.plan.view import summary
from tests.plan.planning import plan_in

Planner = Callable[[App], Plan]

TAGS = {
    "team": "red",
    "microlambda:id": "k3v9x2",
    "microlambda:app": "shop",
    "microlambda:stage": "dev",
}
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:failed"
ACCOUNT = "123456789012"


@pytest.fixture
def plan(tmp_path: Path) -> Planner:
    """Plan an app as the stage dev in eu-west-1."""

    def make(app: App) -> Plan:
        return plan_in(tmp_path, app, 'tags = { team = "red" }\n')

    return make


@pytest.fixture
def shop() -> App:
    """Give an app without handlers."""
    return App("shop")


def handle(event: object) -> None: ...


def rules(plan: Plan) -> list[Rule]:
    return [one for one in plan.of_kind("rule") if isinstance(one, Rule)]


def schedules(plan: Plan) -> list[Schedule]:
    return [one for one in plan.of_kind("schedule") if isinstance(one, Schedule)]


def transformed(rule: Rule, event: dict[str, Any]) -> Any:
    """Do what EventBridge does with a target's template: put the JSON of each path for its variable."""

    def value(found: re.Match[str]) -> str:
        return json.dumps(event[rule.paths[found[1]].removeprefix("$.")])

    return json.loads(re.sub("<([A-Za-z0-9_-]+)>", value, rule.template or ""))


def filled(schedule: Schedule) -> Any:
    """Do what Scheduler does with a target's input: put each attribute of the call for its variable."""
    attributes = {
        "scheduled-time": "2026-12-24T17:00:00Z",
        "schedule-arn": f"arn:aws:scheduler:eu-west-1:{ACCOUNT}:schedule/shop-dev/shop-dev-nightly",
        "execution-id": "d32c5kddcf5bb8c3",
    }
    text = event_text(schedule.event, ACCOUNT)
    return json.loads(re.sub("<aws.scheduler.([a-z-]+)>", lambda found: attributes[found[1]], text))


def test_a_rate_is_a_rule_on_the_default_bus(plan: Planner, shop: App) -> None:
    shop.schedule("rate(10 minutes)", name="nightly", description="tidy", input={"full": True})(handle)

    made = plan(shop)

    assert rules(made) == [
        Rule(
            key="nightly",
            name="shop-dev-nightly",
            bus="default",
            expression="rate(10 minutes)",
            description="tidy",
            target=Ref(kind="alias", key="nightly"),
            template='{"version":<version>,"id":<id>,"detail-type":<detail-type>,"source":<source>,'
            '"account":<account>,"time":<time>,"region":<region>,"resources":<resources>,'
            '"detail":{"handler":"nightly","input":{"full":true}}}',
            paths={
                "version": "$.version",
                "id": "$.id",
                "detail-type": "$.detail-type",
                "source": "$.source",
                "account": "$.account",
                "time": "$.time",
                "region": "$.region",
                "resources": "$.resources",
            },
            tags=TAGS,
        )
    ]
    (permission,) = made.of_kind("permission")
    assert isinstance(permission, Permission)
    assert permission.source == Arn(service="events", resource="rule/shop-dev-nightly")
    assert {one.kind for one in made.records} & {"schedule", "schedule-group"} == set()
    assert summary(rules(made)[0]) == ("rate(10 minutes)",)


INPUTS = [
    pytest.param(None, id="none"),
    pytest.param({"full": True, "of": [1, 2.5, None]}, id="dict"),
    pytest.param("plain", id="str"),
    pytest.param(
        {"html": '<id> & <b>Köln</b> "x" \\ \n', "<time>": "<aws.scheduler.schedule-arn>"}, id="variables"
    ),
]


@pytest.mark.parametrize("given", INPUTS)
def test_what_a_rule_hands_over_keeps_the_event_and_brings_handler_and_input(
    plan: Planner, shop: App, given: Any
) -> None:
    seen: list[ScheduleEvent] = []
    shop.schedule("rate(10 minutes)", name="nightly", input=given)(lambda event: seen.append(event))
    shop.schedule("rate(1 day)", name="other")(handle)
    event = build("shop-dev-nightly")

    got = transformed(rules(plan(shop))[0], event)
    shop(got, None)

    assert got == {**event, "detail": {"handler": "nightly", "input": given}}
    (one,) = seen
    assert (one.input, one.name, one.id, one.account) == (
        given,
        "shop-dev-nightly",
        event["id"],
        event["account"],
    )
    assert one.time.isoformat().startswith(event["time"][:10])


@pytest.mark.parametrize("given", INPUTS)
def test_what_scheduler_hands_over_is_the_same_event(plan: Planner, shop: App, given: Any) -> None:
    seen: list[ScheduleEvent] = []
    shop.schedule("0 18 * * *", tz="Europe/Berlin", name="nightly", input=given)(
        lambda event: seen.append(event)
    )
    shop.schedule("rate(1 day)", name="other")(handle)

    got = filled(schedules(plan(shop))[0])
    shop(got, None)

    assert got == {
        "version": "0",
        "id": "d32c5kddcf5bb8c3",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": ACCOUNT,
        "time": "2026-12-24T17:00:00Z",
        "region": "eu-west-1",
        "resources": [f"arn:aws:scheduler:eu-west-1:{ACCOUNT}:schedule/shop-dev/shop-dev-nightly"],
        "detail": {"handler": "nightly", "input": given},
    }
    assert set(got) == set(build("nightly", scheduler=True, handler="nightly"))
    (one,) = seen
    assert (one.input, one.name, one.time.isoformat()) == (
        given,
        "shop-dev-nightly",
        "2026-12-24T17:00:00+00:00",
    )


def test_a_blueprints_handler_is_named_in_full(plan: Planner, shop: App) -> None:
    jobs = Blueprint("jobs")
    jobs.schedule("rate(1 day)", name="nightly")(handle)
    jobs.schedule("rate(1 day)", tz="UTC", name="zoned")(handle)
    shop.register_blueprint(jobs)

    made = plan(shop)

    assert '"handler":"jobs.nightly"' in (rules(made)[0].template or "")
    assert schedules(made)[0].event["detail"]["handler"] == "jobs.zoned"


def test_several_expressions_are_numbered_rules_with_a_statement_each(plan: Planner, shop: App) -> None:
    shop.schedule(["rate(1 day)", "cron(0 8 ? * MON *)", "rate(2 days)"], name="nightly", enabled=False)(
        handle
    )

    made = plan(shop)

    assert [(one.name, one.expression, one.enabled) for one in rules(made)] == [
        ("shop-dev-nightly", "rate(1 day)", False),
        ("shop-dev-nightly-2", "cron(0 8 ? * MON *)", False),
        ("shop-dev-nightly-3", "rate(2 days)", False),
    ]
    assert [one.name for one in made.of_kind("permission")] == [
        f"microlambda-rule-{one.name}" for one in rules(made)
    ]
    assert summary(rules(made)[0]) == ("rate(1 day)", "disabled")


def test_the_number_comes_before_a_long_name_is_cut(plan: Planner, shop: App) -> None:
    shop.schedule(["rate(1 day)", "rate(2 days)"], name="n" * 80)(handle)

    made = [one.name for one in rules(plan(shop))]

    assert len(set(made)) == 2
    assert {len(one) for one in made} == {64}


def test_a_time_zone_asks_for_scheduler_with_a_group_and_a_role(plan: Planner, shop: App) -> None:
    shop.schedule("cron(0 18 ? * MON-FRI *)", tz="Europe/Berlin", name="nightly", description="tidy")(handle)
    shop.schedule(At("2026-12-24T18:00:00"), name="party", enabled=False)(handle)
    shop.schedule("rate(1 day)", name="plain")(handle)

    made = plan(shop)

    assert made.of_kind("schedule-group") == (ScheduleGroup(key="schedules", name="shop-dev", tags=TAGS),)
    first, second = schedules(made)
    assert first == Schedule(
        key="nightly",
        name="shop-dev-nightly",
        group=Ref(kind="schedule-group", key="schedules", attribute="name"),
        group_name="shop-dev",
        expression="cron(0 18 ? * MON-FRI *)",
        tz="Europe/Berlin",
        description="tidy",
        target=Ref(kind="alias", key="nightly"),
        role=Ref(kind="role", key="schedules.invoke"),
        event=first.event,
        retries=185,
        maximum_age=86400,
    )
    assert (second.expression, second.tz, second.enabled) == ("at(2026-12-24T18:00:00)", "UTC", False)
    assert summary(first) == ("cron(0 18 ? * MON-FRI *) Europe/Berlin",)
    assert summary(second) == ("at(2026-12-24T18:00:00) UTC", "disabled")
    assert [one.key for one in made.of_kind("permission")] == ["plain"]


def scheduler_role(plan: Plan) -> Role:
    (role,) = [one for one in plan.of_kind("role") if one.key == "schedules.invoke"]
    assert isinstance(role, Role)
    return role


def test_schedulers_role_may_call_the_scheduled_handlers_and_nothing_else(plan: Planner, shop: App) -> None:
    for name in ("nightly", "weekly"):
        shop.schedule("rate(1 day)", tz="UTC", name=name)(handle)
    shop.schedule("rate(1 day)", name="plain")(handle)
    shop.lambda_function(name="other")(lambda event, context: None)

    role = scheduler_role(plan(shop))

    assert role.trust["Statement"] == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "scheduler.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ]
    assert role.policies == {
        "microlambda-invoke": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "lambda:InvokeFunction",
                    "Resource": [
                        Arn(service="lambda", resource="function:shop-dev-nightly:live"),
                        Arn(service="lambda", resource="function:shop-dev-weekly:live"),
                    ],
                }
            ],
        }
    }
    assert (role.path, role.tags) == ("/microlambda/shop/dev/", TAGS)
    assert role.name.endswith("-eu-west-1")


def test_tries_age_and_dead_letter_queue_are_those_of_the_target(plan: Planner, shop: App) -> None:
    shop.schedule(
        "rate(1 day)", tz="UTC", name="nightly", retries=0, maximum_age=600, dead_letter_queue=QUEUE
    )(handle)

    made = plan(shop)

    (one,) = schedules(made)
    assert (one.retries, one.maximum_age, one.dead_letter_queue) == (0, 600, QUEUE)
    (statement,) = scheduler_role(made).policies["microlambda-failures"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("sqs:SendMessage", [QUEUE])


def test_a_topic_for_what_scheduler_cannot_deliver_is_refused(plan: Planner, shop: App) -> None:
    topic = QUEUE.replace("sqs", "sns")
    shop.schedule("rate(1 day)", tz="UTC", name="nightly", dead_letter_queue=topic)(handle)

    with pytest.raises(
        PlanError, match="the handler 'nightly' has dead_letter_queue='arn:aws:sns.* Name a queue"
    ):
        plan(shop)


@pytest.mark.parametrize("tz", [None, "UTC"], ids=["rule", "schedule"])
@pytest.mark.parametrize("order", [1, -1])
def test_two_handlers_that_would_have_one_trigger_are_refused(
    plan: Planner, shop: App, tz: str | None, order: int
) -> None:
    declared = {"nightly": ["rate(1 day)", "rate(2 days)"], "nightly-2": ["rate(3 days)"]}
    for name in list(declared)[::order]:
        shop.schedule(declared[name], tz=tz, name=name)(handle)

    kind = "rule" if tz is None else "schedule"
    with pytest.raises(
        PlanError, match=f"'nightly.*' would both have the {kind} 'shop-dev-nightly-2' on AWS"
    ):
        plan(shop)


def test_a_handler_whose_name_is_like_a_numbered_key_loses_nothing(plan: Planner, shop: App) -> None:
    shop.schedule(["rate(1 day)", "rate(2 days)"], name="nightly")(handle)
    shop.schedule("rate(3 days)", name="nightly#2")(handle)

    with pytest.raises(PlanError, match="'nightly' and 'nightly#2' would both"):
        plan(shop)


def test_a_handler_of_the_name_of_schedulers_role_is_refused(plan: Planner, shop: App) -> None:
    shop.schedule("rate(1 day)", name="schedules.invoke")(handle)
    assert rules(plan(shop))
    shop.schedule("rate(1 day)", tz="UTC", name="nightly")(handle)

    with pytest.raises(
        PlanError, match=r"'schedules.invoke' has the name of the role that EventBridge Scheduler"
    ):
        plan(shop)


def test_an_input_that_grows_over_what_a_rule_takes_is_refused(plan: Planner, shop: App) -> None:
    shop.schedule("rate(1 day)", name="nightly", input="<" * 2_000)(handle)

    with pytest.raises(PlanError, match="the handler 'nightly' has an event of 12,.* AWS takes 8,192"):
        plan(shop)


def test_an_input_that_grows_over_what_scheduler_takes_is_refused(plan: Planner, shop: App) -> None:
    shop.schedule("rate(1 day)", tz="UTC", name="nightly", input="ü" * 200_000)(handle)

    with pytest.raises(PlanError, match="the handler 'nightly' has an event of 400,.* Shorten input="):
        plan(shop)


def test_more_rules_than_a_functions_policy_has_room_for_are_refused_with_a_way_out(
    plan: Planner, shop: App
) -> None:
    times = [f"rate({number} days)" for number in range(2, 43)]
    shop.schedule(times, name="nightly")(handle)

    with pytest.raises(PlanError, match='41 expressions.* With tz="UTC" they are schedules'):
        plan(shop)

    zoned = App("shop")
    zoned.schedule(times, tz="UTC", name="nightly")(handle)
    assert len(schedules(plan(zoned))) == 41
