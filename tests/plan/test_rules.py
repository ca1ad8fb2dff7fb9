"""`@app.on_event` in the plan: one rule, whom it calls, and who may call."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from microlambda import App
from microlambda.plan.errors import PlanError
from microlambda.plan.plan import Plan
from microlambda.plan.records import Arn, Permission, Ref, Rule
from microlambda.plan.rules import bus_of, rule_arn
from microlambda.plan.view import summary, title
from tests.plan.planning import plan_in

Planner = Callable[[App], Plan]

ORDERS = {"source": ["shop.orders"], "detail": {"total": [{"numeric": [">", 10]}]}}
BUS = "arn:aws:events:eu-west-1:123456789012:event-bus/orders"


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


def rule(plan: Plan) -> Rule:
    (record,) = plan.of_kind("rule")
    assert isinstance(record, Rule)
    return record


def permission(plan: Plan) -> Permission:
    (record,) = plan.of_kind("permission")
    assert isinstance(record, Permission)
    return record


@pytest.mark.parametrize("decorator", ["on_event", "on_cw_event"])
def test_an_event_handler_has_a_rule_that_calls_its_alias(plan: Planner, shop: App, decorator: str) -> None:
    words: dict[str, Any] = {"description": "big orders"} if decorator == "on_event" else {}
    getattr(shop, decorator)(ORDERS, name="bill", **words)(handle)

    made = rule(plan(shop))

    assert made == Rule(
        key="bill",
        name="shop-dev-bill",
        bus="default",
        pattern=ORDERS,
        description=words.get("description", ""),
        target=Ref(kind="alias", key="bill"),
        tags={
            "team": "red",
            "microlambda:id": "k3v9x2",
            "microlambda:app": "shop",
            "microlambda:stage": "dev",
        },
    )
    assert title(made) == "rule shop-dev-bill"
    assert summary(made) == ("events of the bus default",)


def test_the_permission_comes_before_the_rule_and_names_it_alone(plan: Planner, shop: App) -> None:
    shop.on_event(ORDERS, name="bill")(handle)

    made = plan(shop)

    assert [record.kind for record in made.records][-2:] == ["permission", "rule"]
    allowed = permission(made)
    assert (allowed.name, allowed.principal) == ("microlambda-rule-shop-dev-bill", "events.amazonaws.com")
    assert allowed.source == Arn(service="events", resource="rule/shop-dev-bill")
    assert allowed.address == "shop-dev-bill:live/microlambda-rule-shop-dev-bill"


@pytest.mark.parametrize(
    ("bus", "source"),
    [
        pytest.param("orders", Arn(service="events", resource="rule/orders/shop-dev-bill"), id="name"),
        pytest.param(BUS, "arn:aws:events:eu-west-1:123456789012:rule/orders/shop-dev-bill", id="arn"),
        pytest.param(
            "arn:aws:events:eu-west-1:123456789012:event-bus/default",
            "arn:aws:events:eu-west-1:123456789012:rule/shop-dev-bill",
            id="arn-of-the-default-bus",
        ),
        pytest.param(
            "aws.partner/acme.com/x",
            Arn(service="events", resource="rule/aws.partner/acme.com/x/shop-dev-bill"),
            id="partner",
        ),
    ],
)
def test_a_rule_on_another_bus_is_named_after_it(plan: Planner, shop: App, bus: str, source: object) -> None:
    shop.on_event(ORDERS, name="bill", bus=bus)(handle)

    made = plan(shop)

    assert permission(made).source == source
    assert rule(made).bus == bus
    assert rule(made).address == f"{bus}/shop-dev-bill"


def test_every_bus_has_a_statement_of_its_own(plan: Planner) -> None:
    ids = set()
    for bus in ("default", "orders", "other", BUS):
        app = App("shop")
        app.on_event(ORDERS, name="bill", bus=bus)(handle)
        ids.add(permission(plan(app)).name)

    assert len(ids) == 4
    assert all(len(one) <= 100 for one in ids)


@pytest.mark.parametrize("bus", ["default", "orders", "aws.partner/acme.com/x"])
def test_a_rules_arn_tells_its_bus(bus: str) -> None:
    arn = f"arn:aws:events:eu-west-1:123456789012:event-bus/{bus}"

    assert bus_of(str(rule_arn(arn, "shop-dev-bill"))) == arn


def test_a_long_name_is_cut_to_what_a_rule_may_have(plan: Planner, shop: App) -> None:
    shop.on_event(ORDERS, name="b" * 80)(handle)

    assert len(rule(plan(shop)).name) == 64


def test_a_bus_of_another_region_is_refused(plan: Planner, shop: App) -> None:
    shop.on_event(ORDERS, name="bill", bus=BUS.replace("eu-west-1", "us-east-1"))(handle)

    with pytest.raises(PlanError, match="the handler 'bill' listens to a bus in us-east-1, 'arn:.*eu-west-1"):
        plan(shop)
