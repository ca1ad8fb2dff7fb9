"""`@app.on_log_events` in the plan: a subscription of the alias, and who may call it."""

from __future__ import annotations

from pathlib import Path

import pytest

from microlambda import App
from microlambda.plan.errors import PlanError
from microlambda.plan.plan import Plan
from microlambda.plan.records import Arn, LogSubscription, Permission, Ref
from microlambda.plan.view import summary, title
from tests.plan.planning import plan_in

ARN = "arn:aws:logs:eu-west-1:999999999999:log-group:/web"


@pytest.fixture
def shop() -> App:
    """Give an app without handlers."""
    return App("shop")


def handle(event: object) -> None: ...


def subscription(plan: Plan) -> LogSubscription:
    (record,) = plan.of_kind("log-subscription")
    assert isinstance(record, LogSubscription)
    return record


@pytest.mark.parametrize(
    ("log_group", "source"),
    [
        ("/web", Arn(service="logs", resource="log-group:/web:*")),
        (ARN, f"{ARN}:*"),
        (f"{ARN}:*", f"{ARN}:*"),
    ],
    ids=["name", "arn", "arn as the console shows it"],
)
def test_a_handler_of_lines_has_a_subscription_and_a_permission_before_it(
    tmp_path: Path, shop: App, log_group: str, source: object
) -> None:
    shop.on_log_events(log_group, name="alarm", filter_pattern="?ERROR ?WARN")(handle)

    made = plan_in(tmp_path, shop)

    assert [record.kind for record in made.records][-2:] == ["permission", "log-subscription"]
    assert subscription(made) == LogSubscription(
        key="alarm",
        name="/web",
        declared=log_group.removesuffix(":*"),
        function_name="shop-dev-alarm",
        target=Ref(kind="alias", key="alarm"),
        pattern="?ERROR ?WARN",
    )
    (permission,) = made.of_kind("permission")
    assert isinstance(permission, Permission)
    assert (permission.principal, permission.source) == ("logs.amazonaws.com", source)
    assert title(subscription(made)) == "subscription to the log group /web"
    assert summary(subscription(made)) == ("lines that match ?ERROR ?WARN", "calls shop-dev-alarm")


def test_all_lines_need_no_pattern(tmp_path: Path, shop: App) -> None:
    shop.on_log_events("/web", name="alarm")(handle)

    assert summary(subscription(plan_in(tmp_path, shop))) == ("calls shop-dev-alarm",)


def test_what_listens_to_a_function_of_the_app_waits_for_its_log_group(tmp_path: Path, shop: App) -> None:
    shop.get("/")(lambda: "hello")
    shop.on_log_events("/aws/lambda/shop-dev-http", name="alarm")(handle)

    made = plan_in(tmp_path, shop)

    assert subscription(made).own == Ref(kind="log-group", key="http")
    assert Ref(kind="log-group", key="http") in subscription(made).references()


def test_a_handler_of_its_own_lines_is_refused_since_it_would_have_no_end(tmp_path: Path, shop: App) -> None:
    shop.on_log_events("/aws/lambda/shop-dev-alarm", name="alarm")(handle)

    with pytest.raises(PlanError, match="'alarm' listens to its own log group, .*: each of its lines"):
        plan_in(tmp_path, shop)


def test_a_log_group_in_another_region_is_refused(tmp_path: Path, shop: App) -> None:
    shop.on_log_events(ARN.replace("eu-west-1", "us-east-1"), name="alarm")(handle)

    with pytest.raises(PlanError, match="a log group in us-east-1, .* and is deployed to eu-west-1"):
        plan_in(tmp_path, shop)


def test_a_third_handler_of_one_log_group_is_refused(tmp_path: Path, shop: App) -> None:
    for name in ("one", "two"):
        shop.on_log_events("/web", name=name, filter_pattern=name)(handle)
    plan_in(tmp_path, shop)
    shop.on_log_events("/web", name="three", filter_pattern="three")(handle)

    with pytest.raises(
        PlanError, match="'one', 'two', 'three' listen to the log group '/web', and AWS lets 2"
    ):
        plan_in(tmp_path, shop)
