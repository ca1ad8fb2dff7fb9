"""Rules of EventBridge: made, changed, mended, removed; whose they are; and what an interruption leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from moto.events.models import EventsBackend

from microlambda import App
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

ARN = f"arn:aws:events:{REGION}:{ACCOUNT}"
ORDERS = {"source": ["shop.orders"], "detail": {"total": [{"numeric": [">", 10]}]}}
ALIAS = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:shop-dev-bill:live"
BILL = {
    "pattern": ORDERS,
    "expression": None,
    "description": "",
    "state": "ENABLED",
    "targets": [{"Id": "live", "Arn": ALIAS}],
    "tags": {"microlambda:id": "k3v9x2", "microlambda:app": "shop", "microlambda:stage": "dev"},
}
FAILED_OR_LOST = pytest.mark.parametrize("lost", [False, True], ids=["failed", "lost"])


@pytest.fixture(autouse=True)
def as_aws_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let moto's PutRule leave the tags of a rule that is there, and tell rules of one name apart."""
    put_rule = EventsBackend.put_rule

    def put(self: Any, name: str, **words: Any) -> Any:
        bus = self.event_buses[self._normalize_event_bus_arn(words["event_bus_arn"])]
        return put_rule(self, name, **{**words, "tags": None if name in bus.rules else words["tags"]})

    def list_tags(self: Any, arn: str) -> Any:
        return self.tagger.list_tags_for_resource(arn)

    monkeypatch.setattr(EventsBackend, "put_rule", put)
    monkeypatch.setattr(EventsBackend, "list_tags_for_resource", list_tags)


def listening(name: str = "bill", **words: Any) -> App:
    """Make an app with one handler of events."""
    app = App("shop")
    pattern = words.pop("pattern", ORDERS)
    app.on_event(pattern, name=name, **words)(lambda event: None)
    return app


def rules(cloud: Cloud) -> dict[str, Any]:
    """Everything that EventBridge holds, by bus and name."""
    events = cloud.client("events")
    found = {}
    for bus in events.list_event_buses()["EventBuses"]:
        for rule in events.list_rules(EventBusName=bus["Name"])["Rules"]:
            where = {"Rule": rule["Name"], "EventBusName": bus["Name"]}
            tags = events.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"]
            pattern = rule.get("EventPattern")
            found[f"{bus['Name']}/{rule['Name']}"] = {
                "pattern": json.loads(pattern) if pattern else None,
                "expression": rule.get("ScheduleExpression"),
                "description": rule.get("Description"),
                "state": rule["State"],
                "targets": events.list_targets_by_rule(**where)["Targets"],
                "tags": {tag["Key"]: tag["Value"] for tag in tags},
            }
    return found


def sources(cloud: Cloud, function: str = "shop-dev-bill") -> list[str]:
    """Who may call the function's alias."""
    lambda_ = cloud.client("lambda")
    try:
        policy = json.loads(lambda_.get_policy(FunctionName=function, Qualifier="live")["Policy"])
    except lambda_.exceptions.ResourceNotFoundException:
        return []
    return [one["Condition"]["ArnLike"]["AWS:SourceArn"] for one in policy["Statement"]]


def make_bus(cloud: Cloud, name: str = "orders") -> str:
    return str(cloud.client("events").create_event_bus(Name=name)["EventBusArn"])


def test_the_permission_comes_first_then_the_rule_then_its_target(project: Project, cloud: Cloud) -> None:
    project.app = listening()

    changes = project.deployer.deploy().changes

    assert cloud.changes[-3:] == ["AddPermission", "PutRule", "PutTargets"]
    assert changes[-1].line == "+ rule shop-dev-bill: events of the bus default"
    assert rules(cloud) == {"default/shop-dev-bill": BILL}
    assert sources(cloud) == [f"{ARN}:rule/shop-dev-bill"]
    assert deploy_again(project) == []


def test_the_pattern_is_sent_as_short_as_it_was_measured(project: Project, cloud: Cloud) -> None:
    project.app = listening(pattern={"detail": {"stadt": ["Köln", "Bonn"]}})

    project.deployer.deploy()

    assert cloud.last("PutRule")["body"]
    assert json.loads(cloud.last("PutRule")["body"])["EventPattern"] == '{"detail":{"stadt":["Köln","Bonn"]}}'


@pytest.mark.parametrize("bus", ["orders", f"{ARN}:event-bus/orders"], ids=["name", "arn"])
def test_a_rule_stands_on_the_bus_that_was_declared(project: Project, cloud: Cloud, bus: str) -> None:
    make_bus(cloud)
    project.app = listening(bus=bus)

    project.deployer.deploy()

    assert rules(cloud) == {"orders/shop-dev-bill": BILL}
    assert sources(cloud) == [f"{ARN}:rule/orders/shop-dev-bill"]
    assert deploy_again(project) == []
    project.deployer.delete()
    assert rules(cloud) == {}


def test_a_bus_by_its_arn_instead_of_its_name_is_the_same_rule(project: Project, cloud: Cloud) -> None:
    arn = make_bus(cloud)
    project.app = listening(bus="orders")
    project.deployer.deploy()
    project.app = listening(bus=arn)
    cloud.calls.clear()

    project.deployer.deploy()

    assert cloud.changes == ["AddPermission", "RemovePermission"]
    assert deploy_again(project) == []


def test_a_bus_that_does_not_exist_is_named_with_its_handler_before_anything_is_made(
    project: Project, cloud: Cloud
) -> None:
    project.app = listening(bus="ordres")

    with pytest.raises(
        DeployFailed, match="the bus 'ordres' of the handler 'bill' does not exist in eu-west"
    ):
        project.deployer.deploy()

    assert cloud.mutating == []


CHANGES = [
    pytest.param({"pattern": {"source": ["x"]}}, "pattern", {"pattern": {"source": ["x"]}}, id="pattern"),
    pytest.param({"description": "big"}, "description", {"description": "big"}, id="description"),
]


@pytest.mark.parametrize(("words", "reason", "now"), CHANGES)
@FAILED_OR_LOST
def test_a_changed_declaration_is_one_call_and_converges(
    project: Project, cloud: Cloud, words: dict[str, Any], reason: str, now: dict[str, Any], lost: bool
) -> None:
    project.app = listening()
    project.deployer.deploy()
    project.app = listening(**words)
    (lose_reply_of if lost else fail_at)(cloud, "PutRule")
    with pytest.raises(DeployFailed, match="changing the rule 'shop-dev-bill' failed: PutRule"):
        project.deployer.deploy()
    cloud.before_call = cloud.lost = None

    if not lost:
        assert [change.line for change in project.deployer.changes()] == [f"~ rule shop-dev-bill: {reason}"]
    project.deployer.deploy()

    assert rules(cloud) == {"default/shop-dev-bill": {**BILL, **now}}
    assert deploy_again(project) == []


def test_new_tags_are_put_on_a_rule_that_is_there(project: Project, cloud: Cloud) -> None:
    project.app = listening()
    project.deployer.deploy()
    project.write('tags = { team = "red" }')

    project.deployer.deploy()

    assert rules(cloud)["default/shop-dev-bill"]["tags"]["team"] == "red"
    assert deploy_again(project) == []


def lose_the_target(cloud: Cloud) -> None:
    cloud.client("events").remove_targets(Rule="shop-dev-bill", Ids=["live"])


def disable(cloud: Cloud) -> None:
    cloud.client("events").disable_rule(Name="shop-dev-bill")


def change_the_pattern(cloud: Cloud) -> None:
    cloud.client("events").put_rule(Name="shop-dev-bill", EventPattern='{"source": ["theirs"]}')


def point_elsewhere(cloud: Cloud) -> None:
    target = {"Id": "live", "Arn": ALIAS.replace(":live", ":1")}
    cloud.client("events").put_targets(Rule="shop-dev-bill", Targets=[target])


def change_the_input(cloud: Cloud) -> None:
    target = {"Id": "live", "Arn": ALIAS, "Input": "{}"}
    cloud.client("events").put_targets(Rule="shop-dev-bill", Targets=[target])


def lose_the_rule(cloud: Cloud) -> None:
    lose_the_target(cloud)
    cloud.client("events").delete_rule(Name="shop-dev-bill")


DRIFTS = [
    (lose_the_target, "~ rule shop-dev-bill: target"),
    (disable, "~ rule shop-dev-bill: state DISABLED -> ENABLED"),
    (change_the_pattern, "~ rule shop-dev-bill: pattern"),
    (point_elsewhere, "~ rule shop-dev-bill: target"),
    (change_the_input, "~ rule shop-dev-bill: target"),
    (lose_the_rule, "+ rule shop-dev-bill: events of the bus default"),
]


@pytest.mark.parametrize(("drift", "line"), DRIFTS, ids=lambda one: getattr(one, "__name__", ""))
def test_what_was_changed_by_hand_is_put_right(
    project: Project, cloud: Cloud, drift: Callable[[Cloud], None], line: str
) -> None:
    project.app = listening()
    project.deployer.deploy()
    drift(cloud)

    assert [change.line for change in project.deployer.changes()] == [line]
    project.deployer.deploy()

    assert rules(cloud) == {"default/shop-dev-bill": BILL}
    assert deploy_again(project) == []


def test_a_target_that_somebody_added_stays_until_the_rule_goes(project: Project, cloud: Cloud) -> None:
    project.app = listening()
    project.deployer.deploy()
    queue = {"Id": "audit", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:audit"}
    cloud.client("events").put_targets(Rule="shop-dev-bill", Targets=[queue])

    assert deploy_again(project) == []
    assert queue in rules(cloud)["default/shop-dev-bill"]["targets"]

    project.deployer.delete()
    assert rules(cloud) == {}


@pytest.mark.parametrize("call", ["AddPermission", "PutRule", "PutTargets"])
@FAILED_OR_LOST
def test_a_first_deploy_that_stops_anywhere_converges_on_the_next_run(
    project: Project, cloud: Cloud, call: str, lost: bool
) -> None:
    project.app = listening()
    stop_at(project, call, lost=lost)

    project.deployer.deploy()

    assert rules(cloud) == {"default/shop-dev-bill": BILL}
    assert sources(cloud) == [f"{ARN}:rule/shop-dev-bill"]
    assert deploy_again(project) == []


@pytest.mark.parametrize("bus", ["default", "orders"])
@pytest.mark.parametrize("call", [None, "RemoveTargets", "DeleteRule", "RemovePermission", "DeleteFunction"])
@FAILED_OR_LOST
@pytest.mark.slow  # one deploy or more for each call that may fail
def test_the_rule_of_a_handler_that_is_gone_goes_with_it(
    project: Project, cloud: Cloud, bus: str, call: str | None, lost: bool
) -> None:
    make_bus(cloud)
    project.app = listening(bus=bus)
    project.deployer.deploy()
    project.app = App("shop")
    project.app.lambda_function(name="other")(lambda event, context: None)
    stop_at(project, call, lost=lost)

    project.deployer.deploy()

    assert rules(cloud) == {}
    assert deploy_again(project) == []


def test_a_rule_goes_before_what_lets_it_call(project: Project, cloud: Cloud) -> None:
    project.app = listening()
    project.deployer.deploy()
    cloud.calls.clear()

    project.deployer.delete()

    assert cloud.changes[:4] == ["RemoveTargets", "DeleteRule", "RemovePermission", "DeleteAlias"]


@pytest.mark.parametrize("bus", ["default", "orders"])
def test_a_renamed_handler_has_its_new_rule_before_the_old_one_goes(
    project: Project, cloud: Cloud, bus: str
) -> None:
    make_bus(cloud)
    project.app = listening(bus=bus)
    project.deployer.deploy()
    project.app = listening("charge", bus=bus)
    cloud.calls.clear()

    project.deployer.deploy()

    assert list(rules(cloud)) == [f"{bus}/shop-dev-charge"]
    assert cloud.calls.index("PutTargets") < cloud.calls.index("RemoveTargets")
    assert deploy_again(project) == []


MOVE = ["AddPermission", "PutRule", "PutTargets", "RemoveTargets", "DeleteRule", "RemovePermission"]


@pytest.mark.parametrize("call", [None, *MOVE])
@FAILED_OR_LOST
@pytest.mark.slow  # one deploy or more for each call that may fail
def test_another_bus_has_its_rule_before_the_old_one_goes(
    project: Project, cloud: Cloud, call: str | None, lost: bool
) -> None:
    for name in ("orders", "sales"):
        make_bus(cloud, name)
    project.app = listening(bus="orders")
    project.deployer.deploy()
    project.app = listening(bus="sales")
    cloud.calls.clear()
    stop_at(project, call, lost=lost)

    project.deployer.deploy()

    if call is None:
        assert cloud.changes == MOVE
    assert rules(cloud) == {"sales/shop-dev-bill": BILL}
    assert sources(cloud) == [f"{ARN}:rule/sales/shop-dev-bill"]
    assert deploy_again(project) == []


@pytest.mark.parametrize("call", ["AddPermission", "PutRule", "PutTargets"])
@FAILED_OR_LOST
def test_a_move_that_was_interrupted_and_taken_back_leaves_nothing_on_the_other_bus(
    project: Project, cloud: Cloud, call: str, lost: bool
) -> None:
    for name in ("orders", "sales"):
        make_bus(cloud, name)
    project.app = listening(bus="orders")
    project.deployer.deploy()
    project.app = listening(bus="sales")
    (lose_reply_of if lost else fail_at)(cloud, call)
    with pytest.raises(DeployFailed):
        project.deployer.deploy()
    cloud.before_call = cloud.lost = None
    project.app = listening(bus="orders")

    project.deployer.deploy()

    assert rules(cloud) == {"orders/shop-dev-bill": BILL}
    assert sources(cloud) == [f"{ARN}:rule/orders/shop-dev-bill"]
    assert deploy_again(project) == []


def test_a_bus_that_was_deleted_with_all_its_rules_does_not_stop_a_deploy(
    project: Project, cloud: Cloud
) -> None:
    make_bus(cloud)
    project.app = listening(bus="orders")
    project.deployer.deploy()
    lose = {"Rule": "shop-dev-bill", "EventBusName": "orders"}
    cloud.client("events").remove_targets(**lose, Ids=["live"])
    cloud.client("events").delete_rule(Name="shop-dev-bill", EventBusName="orders")
    cloud.client("events").delete_event_bus(Name="orders")
    project.app = listening()

    project.deployer.deploy()

    assert rules(cloud) == {"default/shop-dev-bill": BILL}
    assert deploy_again(project) == []


@pytest.mark.parametrize("bus", ["default", "orders"])
@pytest.mark.parametrize(
    ("tags", "told"),
    [
        ({}, "it has no tag microlambda:id"),
        ({"microlambda:id": "other1"}, "its microlambda:id is 'other1'"),
        ({**BILL["tags"], "microlambda:stage": "prod"}, "its microlambda:stage is 'prod'"),  # type: ignore[dict-item]
    ],
    ids=["no-tags", "other-project", "other-stage"],
)
def test_a_rule_of_that_name_that_is_not_ours_is_refused(
    project: Project, cloud: Cloud, bus: str, tags: dict[str, str], told: str
) -> None:
    make_bus(cloud)
    cloud.client("events").put_rule(
        Name="shop-dev-bill",
        EventBusName=bus,
        EventPattern='{"source": ["theirs"]}',
        Tags=[{"Key": name, "Value": value} for name, value in tags.items()],
    )
    project.app = listening(bus=bus)

    with pytest.raises(NotOurs, match=f"the rule 'shop-dev-bill' exists and is not this project's: {told}"):
        project.deployer.deploy()

    assert cloud.mutating == []


def test_rules_of_others_whose_names_begin_like_ours_stay(project: Project, cloud: Cloud) -> None:
    project.write("[stages.dev-next]")
    project.app = listening()
    project.stage = "dev-next"
    project.deployer.deploy()
    cloud.client("events").put_rule(Name="shop-dev-theirs", EventPattern='{"source": ["theirs"]}')
    project.stage = "dev"
    project.deployer.deploy()

    project.deployer.delete()

    assert sorted(rules(cloud)) == ["default/shop-dev-next-bill", "default/shop-dev-theirs"]


def test_a_rule_that_looks_like_ours_and_may_not_be_looked_at_is_left_alone(
    project: Project, cloud: Cloud
) -> None:
    cloud.client("events").put_rule(Name="shop-dev-theirs", EventPattern='{"source": ["theirs"]}')

    def before_call(name: str, params: dict[str, Any]) -> None:
        if name == "ListTagsForResource" and "theirs" in str(params):
            raise client_error(cloud, name, "AccessDeniedException")

    cloud.before_call = before_call
    project.app = listening()

    project.deployer.deploy()

    assert "rule shop-dev-theirs is left alone: ListTagsForResource is denied" in "\n".join(project.said)
    assert "default/shop-dev-theirs" in rules(cloud)


@pytest.mark.parametrize("call", ["PutTargets", "RemoveTargets"])
def test_entries_that_eventbridge_did_not_take_are_an_error_with_its_words(
    project: Project, cloud: Cloud, call: str
) -> None:
    project.app = listening()
    if call == "RemoveTargets":
        project.deployer.deploy()
    failed = {"TargetId": "live", "ErrorCode": "ConcurrentModificationException", "ErrorMessage": "not now"}
    on_answer(cloud, "events", call, lambda answer: answer.update(FailedEntryCount=1, FailedEntries=[failed]))

    with pytest.raises(
        DeployFailed, match="the rule 'shop-dev-bill'.* failed: ConcurrentModificationException: not now"
    ):
        project.deployer.delete() if call == "RemoveTargets" else project.deployer.deploy()


def test_more_rules_than_one_page_are_all_seen(project: Project, cloud: Cloud) -> None:
    project.app = App("shop")
    for number in range(3):
        pattern = {"source": [f"shop-{number}"]}
        project.app.on_event(pattern, name=f"bill{number}")(lambda event: None)
    project.deployer.deploy()
    pages: list[Any] = []

    def before_call(name: str, params: dict[str, Any]) -> None:
        if name == "ListRules":
            body = json.loads(params["body"])
            pages.append(body.get("NextToken"))
            params["body"] = json.dumps({**body, "Limit": 2}).encode()

    cloud.before_call = before_call

    assert deploy_again(project) == []
    assert pages[0] is None
    assert pages[1] is not None
