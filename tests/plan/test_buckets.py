"""What `@app.on_s3_event` comes to: a bucket's notifications, or a rule and the word to EventBridge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from microlambda import App
from microlambda.plan.plan import Plan
from microlambda.plan.records import BucketNotifications, Permission, Rule
from microlambda.plan.view import summary, title
from tests.plan.planning import plan_in


def planned(tmp_path: Path, **options: Any) -> Plan:
    app = App("shop")
    app.on_s3_event(name="load", **options)(lambda event: None)
    return plan_in(tmp_path, app)


def test_a_bucket_tells_the_alias_and_may_call_it_if_it_is_this_accounts(tmp_path: Path) -> None:
    plan = planned(tmp_path, bucket="outbox", prefix=["csv/", "a b/"], suffix=".csv")

    (permission,) = plan.of_kind("permission")
    (record,) = plan.of_kind("bucket-notifications")
    assert isinstance(permission, Permission)
    assert isinstance(record, BucketNotifications)
    assert (permission.principal, permission.of_account) == ("s3.amazonaws.com", True)
    assert str(permission.source) == "arn:${partition}:s3:::outbox"
    assert record.notifications == (
        (("s3:ObjectCreated:*",), "csv/", ".csv"),
        (("s3:ObjectCreated:*",), "a+b/", ".csv"),
    )
    assert plan.records.index(permission) < plan.records.index(record)
    assert title(record) == "notifications of the bucket outbox"
    assert summary(record) == ("calls shop-dev-load",)
    assert plan.of_kind("rule") == ()


def test_through_eventbridge_a_rule_calls_and_the_bucket_sends_there(tmp_path: Path) -> None:
    plan = planned(tmp_path, bucket="outbox", prefix="csv/", through="eventbridge")

    (permission,) = plan.of_kind("permission")
    (record,) = plan.of_kind("bucket-notifications")
    (rule,) = plan.of_kind("rule")
    assert isinstance(rule, Rule)
    assert isinstance(record, BucketNotifications)
    assert isinstance(permission, Permission)
    assert permission.principal == "events.amazonaws.com"
    assert (record.on_bus, record.notifications) == (True, ())
    assert rule.pattern is not None
    assert rule.pattern["detail"]["bucket"] == {"name": ["outbox"]}
    assert summary(record) == ("to EventBridge",)
