"""Subscriptions to topics of SNS: made, changed, mended, removed; and what an interruption leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from moto.sns.exceptions import SNSInvalidParameter
from moto.sns.models import SNSBackend

from microlambda import App
from microlambda.deploy.errors import DeployFailed
from tests.deploy.conftest import (
    ACCOUNT,
    REGION,
    Cloud,
    Project,
    deploy_again,
    fail_at,
    lose_reply_of,
    stop_at,
)

TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}"
ALIAS = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:shop-dev-tell:live"
FLAT, OTHER = {"kind": ["order"]}, {"kind": ["offer"]}
NESTED = {"order": {"total": [{"numeric": [">", 10]}]}}
BODY = "MessageBody"
FAILED_OR_LOST = pytest.mark.parametrize("lost", [False, True], ids=["failed", "lost"])


@pytest.fixture(autouse=True)
def as_aws_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let moto forget the scope of what has no policy, and hold every policy to its scope."""
    set_attributes = SNSBackend.set_subscription_attributes

    def set_subscription_attributes(self: Any, arn: str, name: str, value: Any) -> None:
        held = self.subscriptions[arn].attributes if arn in self.subscriptions else {}
        policy = held.get("FilterPolicy", "{}")
        if name == "FilterPolicyScope" and value != BODY and '{"order"' in policy:
            raise SNSInvalidParameter("Invalid parameter: FilterPolicyScope: the policy is nested")
        set_attributes(self, arn, name, None if value == "{}" else value)

    monkeypatch.setattr(SNSBackend, "set_subscription_attributes", set_subscription_attributes)


@pytest.fixture(autouse=True)
def topics(cloud: Cloud) -> None:
    """Two topics of somebody's."""
    for name in ("news", "sales"):
        cloud.client("sns").create_topic(Name=name)


def listening(topic: str = "news", name: str = "tell", **words: Any) -> App:
    """Make an app with one handler of notifications."""
    app = App("shop")
    app.on_sns_message(topic, name=name, **words)(lambda event: None)
    return app


def subscriptions(cloud: Cloud) -> list[tuple[Any, ...]]:
    """Everything that is subscribed: topic, function, policy, scope."""
    sns = cloud.client("sns")
    found = []
    for one in sns.list_subscriptions()["Subscriptions"]:
        attributes = sns.get_subscription_attributes(SubscriptionArn=one["SubscriptionArn"])["Attributes"]
        policy = json.loads(attributes.get("FilterPolicy") or "null")
        scope = attributes.get("FilterPolicyScope") if policy else None
        found.append((one["TopicArn"].split(":")[-1], one["Endpoint"], policy, scope))
    return sorted(found, key=str)


def sources(cloud: Cloud) -> list[str]:
    """Who may call the function's alias."""
    policy = cloud.client("lambda").get_policy(FunctionName="shop-dev-tell", Qualifier="live")["Policy"]
    return [one["Condition"]["ArnLike"]["AWS:SourceArn"] for one in json.loads(policy)["Statement"]]


@pytest.mark.parametrize("topic", ["news", f"{TOPIC}:news"], ids=["name", "arn"])
def test_the_permission_comes_first_then_the_subscription(project: Project, cloud: Cloud, topic: str) -> None:
    project.app = listening(topic)

    changes = project.deployer.deploy().changes

    assert cloud.changes[-2:] == ["AddPermission", "Subscribe"]
    assert changes[-1].line == "+ subscription to news: calls shop-dev-tell"
    assert subscriptions(cloud) == [("news", ALIAS, None, None)]
    assert sources(cloud) == [f"{TOPIC}:news"]
    assert deploy_again(project) == []


@pytest.mark.parametrize(
    ("policy", "scope"),
    [(FLAT, "MessageAttributes"), (FLAT, BODY), (NESTED, BODY)],
    ids=["flat", "body", "nested"],
)
def test_a_filter_is_made_with_the_subscription(
    project: Project, cloud: Cloud, policy: dict[str, Any], scope: str
) -> None:
    project.app = listening(filter_policy=policy, filter_scope=scope)

    project.deployer.deploy()

    assert cloud.changes[-1] == "Subscribe"
    assert subscriptions(cloud) == [("news", ALIAS, policy, scope)]
    assert deploy_again(project) == []


SET = "SetSubscriptionAttributes"
FILTERS: dict[str, dict[str, Any]] = {
    "none": {},
    "flat": {"filter_policy": FLAT},
    "other": {"filter_policy": OTHER},
    "body": {"filter_policy": FLAT, "filter_scope": BODY},
    "nested": {"filter_policy": NESTED, "filter_scope": BODY},
}
CALLS = {
    ("none", "flat"): 2,
    ("none", "nested"): 3,
    ("flat", "none"): 1,
    ("nested", "none"): 1,
    ("flat", "other"): 1,
    ("flat", "body"): 1,
    ("body", "flat"): 1,
    ("flat", "nested"): 2,
    ("nested", "flat"): 2,
    ("body", "nested"): 1,
}
STOPS = [(before, after, stop) for (before, after), calls in CALLS.items() for stop in [None, *range(calls)]]


@pytest.mark.parametrize(("before", "after", "stop"), STOPS)
@FAILED_OR_LOST
@pytest.mark.slow  # one deploy or more for each call that may fail
def test_a_changed_filter_is_set_and_converges_wherever_it_stops(
    project: Project, cloud: Cloud, before: str, after: str, stop: int | None, lost: bool
) -> None:
    project.app = listening(**FILTERS[before])
    project.deployer.deploy()
    project.app = listening(**FILTERS[after])
    cloud.calls.clear()
    if stop is not None:

        def before_call(name: str, params: dict[str, Any]) -> None:
            if cloud.calls.count(SET) == stop + 1:
                (lose_reply_of if lost else fail_at)(cloud, SET)
                if not lost and cloud.before_call is not None:
                    cloud.before_call(name, params)

        cloud.before_call = before_call
        with pytest.raises(DeployFailed, match="changing the subscription to 'news' failed: SetSubscription"):
            project.deployer.deploy()
        cloud.before_call = cloud.lost = None
    else:
        project.deployer.deploy()
        assert cloud.changes == [SET] * CALLS[before, after]

    project.deployer.deploy()

    policy = FILTERS[after].get("filter_policy")
    scope = FILTERS[after].get("filter_scope", "MessageAttributes") if policy else None
    assert subscriptions(cloud) == [("news", ALIAS, policy, scope)]
    assert deploy_again(project) == []


MOVE = ["AddPermission", "Subscribe", "Unsubscribe", "RemovePermission"]


@pytest.mark.parametrize("call", [None, *MOVE])
@FAILED_OR_LOST
@pytest.mark.slow  # one deploy or more for each call that may fail
def test_another_topic_is_subscribed_to_before_the_old_one_is_left(
    project: Project, cloud: Cloud, call: str | None, lost: bool
) -> None:
    project.app = listening("news")
    project.deployer.deploy()
    project.app = listening("sales")
    cloud.calls.clear()
    stop_at(project, call, lost=lost)

    project.deployer.deploy()

    if call is None:
        assert cloud.changes == MOVE
    assert subscriptions(cloud) == [("sales", ALIAS, None, None)]
    assert sources(cloud) == [f"{TOPIC}:sales"]
    assert deploy_again(project) == []


def test_a_topic_by_its_arn_instead_of_its_name_is_the_same_subscription(
    project: Project, cloud: Cloud
) -> None:
    project.app = listening("news")
    project.deployer.deploy()
    project.app = listening(f"{TOPIC}:news")
    cloud.calls.clear()

    project.deployer.deploy()

    assert cloud.changes == ["AddPermission", "RemovePermission"]
    assert deploy_again(project) == []


@pytest.mark.parametrize("call", ["AddPermission", "Subscribe"])
@FAILED_OR_LOST
def test_a_first_deploy_that_stops_anywhere_converges_on_the_next_run(
    project: Project, cloud: Cloud, call: str, lost: bool
) -> None:
    project.app = listening(filter_policy=FLAT)
    stop_at(project, call, lost=lost)

    project.deployer.deploy()

    assert subscriptions(cloud) == [("news", ALIAS, FLAT, "MessageAttributes")]
    assert sources(cloud) == [f"{TOPIC}:news"]
    assert deploy_again(project) == []


@pytest.mark.parametrize("call", [None, "Unsubscribe", "RemovePermission", "DeleteFunction"])
@FAILED_OR_LOST
@pytest.mark.slow  # one deploy or more for each call that may fail
def test_the_subscription_of_a_handler_that_is_gone_goes_with_it(
    project: Project, cloud: Cloud, call: str | None, lost: bool
) -> None:
    project.app = listening()
    project.deployer.deploy()
    project.app = App("shop")
    project.app.lambda_function(name="other")(lambda event, context: None)
    cloud.calls.clear()
    stop_at(project, call, lost=lost)

    project.deployer.deploy()

    assert cloud.calls.index("Unsubscribe") < cloud.calls.index("RemovePermission")
    assert subscriptions(cloud) == []
    assert deploy_again(project) == []


def test_a_renamed_handler_is_subscribed_before_the_old_one_is_not(project: Project, cloud: Cloud) -> None:
    project.app = listening()
    project.deployer.deploy()
    project.app = listening(name="report")
    cloud.calls.clear()

    project.deployer.deploy()

    assert subscriptions(cloud) == [("news", ALIAS.replace("tell", "report"), None, None)]
    assert cloud.calls.index("Subscribe") < cloud.calls.index("Unsubscribe")
    assert deploy_again(project) == []


def subscription(cloud: Cloud) -> str:
    (one,) = cloud.client("sns").list_subscriptions()["Subscriptions"]
    return str(one["SubscriptionArn"])


def unsubscribe(cloud: Cloud) -> None:
    cloud.client("sns").unsubscribe(SubscriptionArn=subscription(cloud))


def change_the_policy(cloud: Cloud) -> None:
    cloud.client("sns").set_subscription_attributes(
        SubscriptionArn=subscription(cloud), AttributeName="FilterPolicy", AttributeValue=json.dumps(OTHER)
    )


def change_the_scope(cloud: Cloud) -> None:
    cloud.client("sns").set_subscription_attributes(
        SubscriptionArn=subscription(cloud), AttributeName="FilterPolicyScope", AttributeValue=BODY
    )


def lose_the_function(cloud: Cloud) -> None:
    cloud.client("lambda").delete_function(FunctionName="shop-dev-tell")


@pytest.mark.parametrize(
    "drift",
    [unsubscribe, change_the_policy, change_the_scope, lose_the_function],
    ids=lambda one: one.__name__,
)
def test_what_was_changed_by_hand_is_put_right(
    project: Project, cloud: Cloud, drift: Callable[[Cloud], None]
) -> None:
    project.app = listening(filter_policy=FLAT)
    project.deployer.deploy()
    drift(cloud)

    assert project.deployer.changes() != ()
    project.deployer.deploy()

    assert subscriptions(cloud) == [("news", ALIAS, FLAT, "MessageAttributes")]
    assert sources(cloud) == [f"{TOPIC}:news"]
    assert deploy_again(project) == []


def test_a_topic_that_does_not_exist_is_named_with_its_handler_before_anything_is_made(
    project: Project, cloud: Cloud
) -> None:
    project.app = listening("nwes")

    with pytest.raises(
        DeployFailed, match="the topic 'nwes' of the handler 'tell' does not exist in eu-west-1"
    ):
        project.deployer.deploy()

    assert cloud.mutating == []


def test_a_topic_that_was_deleted_does_not_stop_the_handlers_removal(project: Project, cloud: Cloud) -> None:
    project.app = listening()
    project.deployer.deploy()
    cloud.client("sns").delete_topic(TopicArn=f"{TOPIC}:news")

    project.deployer.delete()

    assert cloud.client("lambda").list_functions()["Functions"] == []


def test_the_subscriptions_of_others_stay(project: Project, cloud: Cloud) -> None:
    sns, queue = cloud.client("sns"), f"arn:aws:sqs:{REGION}:{ACCOUNT}:audit"
    theirs = ALIAS.replace("shop-dev-tell:live", "theirs")
    sns.subscribe(TopicArn=f"{TOPIC}:news", Protocol="sqs", Endpoint=queue)
    sns.subscribe(TopicArn=f"{TOPIC}:news", Protocol="lambda", Endpoint=theirs)
    project.app = listening()
    project.deployer.deploy()
    assert len(subscriptions(cloud)) == 3

    project.deployer.delete()

    assert [endpoint for _topic, endpoint, *_filter in subscriptions(cloud)] == [theirs, queue]
    project.deployer.deploy()
    assert deploy_again(project) == []
