"""`@app.on_sns_message` in the plan: a subscription of the alias, and who may call it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from microlambda import App
from microlambda.plan.errors import PlanError
from microlambda.plan.plan import Plan
from microlambda.plan.records import Arn, Permission, Ref, Subscription
from microlambda.plan.view import summary, title
from tests.plan.planning import plan_in

Planner = Callable[[App], Plan]

NEWS = "arn:aws:sns:eu-west-1:999999999999:news"


@pytest.fixture
def plan(tmp_path: Path) -> Planner:
    """Plan an app as the stage dev in eu-west-1."""

    def make(app: App) -> Plan:
        return plan_in(tmp_path, app)

    return make


@pytest.fixture
def shop() -> App:
    """Give an app without handlers."""
    return App("shop")


def handle(event: object) -> None: ...


def subscription(plan: Plan) -> Subscription:
    (record,) = plan.of_kind("subscription")
    assert isinstance(record, Subscription)
    return record


def permission(plan: Plan) -> Permission:
    (record,) = plan.of_kind("permission")
    assert isinstance(record, Permission)
    return record


@pytest.mark.parametrize(
    ("topic", "source"),
    [("news", Arn(service="sns", resource="news")), (NEWS, NEWS)],
    ids=["name", "arn"],
)
def test_a_topics_handler_has_a_subscription_and_a_permission_before_it(
    plan: Planner, shop: App, topic: str, source: object
) -> None:
    shop.on_sns_message(topic, name="tell")(handle)

    made = plan(shop)

    assert [record.kind for record in made.records][-2:] == ["permission", "subscription"]
    assert subscription(made) == Subscription(
        key="tell",
        name="news",
        topic=source,  # type: ignore[arg-type]
        declared=topic,
        function_name="shop-dev-tell",
        target=Ref(kind="alias", key="tell"),
        filter_scope="MessageAttributes",
    )
    assert (permission(made).principal, permission(made).source) == ("sns.amazonaws.com", source)
    assert title(subscription(made)) == "subscription to news"
    assert summary(subscription(made)) == ("calls shop-dev-tell",)


def test_a_policy_is_planned_as_json_has_it(plan: Planner, shop: App) -> None:
    shop.on_sns_message(
        "news",
        name="tell",
        filter_policy={"order": {"total": ({"exists": True},)}},
        filter_scope="MessageBody",
    )(handle)

    made = subscription(plan(shop))

    assert made.filter_policy == {"order": {"total": [{"exists": True}]}}
    assert made.filter_scope == "MessageBody"
    assert summary(made) == ("calls shop-dev-tell", "filtered")


def test_every_topic_has_a_statement_of_its_own(plan: Planner) -> None:
    ids = set()
    for topic in ("news", "other", NEWS, "n" * 256):
        app = App("shop")
        app.on_sns_message(topic, name="tell")(handle)
        ids.add(permission(plan(app)).name)

    assert len(ids) == 4
    assert all(len(one) <= 100 and one.startswith("microlambda-") for one in ids)


def test_two_handlers_of_one_topic_have_a_subscription_each(plan: Planner, shop: App) -> None:
    shop.on_sns_message("news", name="tell", filter_policy={"a": ["x"]})(handle)
    shop.on_sns_message("news", name="write", filter_policy={"a": ["y"]})(handle)

    assert [one.address for one in plan(shop).of_kind("subscription")] == [
        "shop-dev-tell/news",
        "shop-dev-write/news",
    ]


def test_a_permission_is_not_lost_to_a_numbered_rules(plan: Planner, shop: App) -> None:
    shop.schedule(["rate(1 day)", "rate(2 days)"], name="nightly")(handle)
    shop.on_sns_message("news", name="nightly#2")(handle)

    with pytest.raises(PlanError, match="'nightly' and 'nightly#2' would both have the permission"):
        plan(shop)


def test_a_topic_of_another_region_is_refused(plan: Planner, shop: App) -> None:
    shop.on_sns_message(NEWS.replace("eu-west-1", "us-east-1"), name="tell")(handle)

    with pytest.raises(
        PlanError, match="the handler 'tell' listens to a topic in us-east-1, 'arn:.*eu-west-1"
    ):
        plan(shop)
