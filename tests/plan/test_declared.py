"""Whatever a decorator can declare is in the plan, or is refused by name; nothing is left out in silence."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from microlambda import App
from microlambda.plan.errors import PlanError
from microlambda.plan.plan import Plan
from microlambda.plan.view import as_data
from microlambda.runtime.registration import EVENT_DECORATORS
from tests.plan.planning import plan_in

ARN = "arn:aws:{}:eu-west-1:123456789012:{}"
QUEUE = ARN.format("sqs", "failed")

#: What each decorator needs at least, and what a handler of it has beside those of all.
PLANNED: dict[str, tuple[dict[str, Any], set[str]]] = {
    "schedule": ({"expression": "rate(10 minutes)", "tz": "UTC"}, {"schedule"}),
    "on_s3_event": ({"bucket": "uploads"}, {"bucket-notifications", "permission"}),
    "on_sqs_message": ({"queue": "orders"}, {"event-source-mapping"}),
    "on_sns_message": ({"topic": "news"}, {"subscription", "permission"}),
    "on_dynamodb_record": ({"table": "orders"}, {"event-source-mapping"}),
    "on_kinesis_record": ({"stream": "clicks"}, {"event-source-mapping"}),
    "on_event": ({"event_pattern": {"source": ["shop"]}}, {"rule", "permission"}),
    "on_cw_event": ({"event_pattern": {"source": ["shop"]}}, {"rule", "permission"}),
    "on_log_events": ({"log_group": "/shop/web"}, {"log-subscription", "permission"}),
    "authorizer": ({}, {"http-api"}),
    "lambda_function": ({}, set()),
    "task": ({}, set()),
}

REFUSED: dict[str, dict[str, Any]] = {
    "on_kafka_record": {"topic": "orders", "bootstrap_servers": ["kafka.example:9092"]},
    "on_mq_message": {"queue": "orders", "broker": ARN.format("mq", "broker:b:b-1")},
    "on_documentdb_change": {"database": "shop", "cluster": ARN.format("rds", "cluster:docs")},
    "on_alarm": {"alarm": "errors"},
    "on_email": {},
    "on_cognito": {"trigger": "PreSignUp"},
    "on_iot_message": {"topic": "sensors/#"},
    "on_firehose_records": {"stream": "clicks"},
    "on_ws_connect": {},
    "on_ws_message": {},
    "on_ws_disconnect": {},
    "on": {"predicate": lambda event: True},
}

#: Another value for each option than the one that it has by itself, with what goes with it.
OTHERWISE: dict[str, Any] = {
    "batch_size": 5,
    "bisect_batch_on_error": True,
    "bus": "trade",
    "dead_letter_queue": QUEUE,
    "description": "of the night",
    "enabled": False,
    "events": ["s3:ObjectRemoved:*"],
    "filter_pattern": "ERROR",
    "filter_policy": {"kind": ["bill"]},
    "filters": {"body": {"kind": ["bill"]}},
    "identity_sources": ["header.X-Token"],
    "input": {"depth": 3},
    "maximum_age": 120,
    "maximum_batching_window_in_seconds": 7,
    "maximum_concurrency": 4,
    "name": "renamed",
    "on_failure": QUEUE,
    "parallelization_factor": 2,
    "prefix": "csv/",
    "queue_arn": {"queue": None, "queue_arn": ARN.format("sqs", "bills")},
    "retries": 1,
    "simple": True,
    "starting_position": "TRIM_HORIZON",
    "starting_position_timestamp": {
        "starting_position": "AT_TIMESTAMP",
        "starting_position_timestamp": datetime(2026, 11, 1, tzinfo=UTC),
    },
    "stream_arn": {"table": None, "stream_arn": ARN.format("dynamodb", "table/bills/stream/2026")},
    "suffix": ".csv",
    "through": "eventbridge",
    "ttl": 60,
    "ttl_seconds": 60,
    "tz": "Europe/Vienna",
    "filter_scope": {"filter_policy": {"kind": ["bill"]}, "filter_scope": "MessageBody"},
}

#: What an option is otherwise for one decorator.
OF_ONE = {("on_kinesis_record", "filters"): {"data": {"kind": ["bill"]}}}

#: What an option goes with: it says nothing alone.
WITH = {"filter_scope": {"filter_policy": {"kind": ["bill"]}}}

#: Options of the dispatcher, which AWS is not told of; and `type`, whose "token" only REST APIs have.
OF_THE_RUNTIME = {"per_record", "type"}

OPTIONS = [
    (decorator, option)
    for decorator, (needed, _) in PLANNED.items()
    for option in inspect.signature(getattr(App, decorator)).parameters
    if option not in {"self", "function", "args", "options", *OF_THE_RUNTIME}
    and option not in {*needed} - {"tz"}
]


def planned(folder: Path, decorator: str, options: dict[str, Any]) -> Plan:
    """Plan an app that has one handler, which a view asks where it is an authorizer."""
    app = App("shop")
    handler = getattr(app, decorator)(**options)(handle)
    if decorator == "authorizer":
        app.get("/members", authorizer=handler)(lambda: "hello, member")
    return plan_in(folder, app)


def handle(event: object, context: object = None) -> None: ...


def shown(plan: Plan) -> list[dict[str, Any]]:
    return [as_data(record) for record in plan.records]


def test_every_decorator_is_looked_at() -> None:
    assert {*PLANNED, *REFUSED} == {*EVENT_DECORATORS.split()}


@pytest.mark.parametrize("decorator", PLANNED)
def test_what_is_declared_is_planned_with_its_trigger(tmp_path: Path, decorator: str) -> None:
    needed, kinds = PLANNED[decorator]

    plan = planned(tmp_path, decorator, needed)

    assert kinds <= {record.kind for record in plan.records}
    assert "handle" in {record.key for record in plan.of_kind("function")}


@pytest.mark.parametrize("decorator", REFUSED)
def test_what_cannot_be_created_yet_is_refused_by_name(tmp_path: Path, decorator: str) -> None:
    with pytest.raises(PlanError) as refused:
        planned(tmp_path, decorator, REFUSED[decorator])

    assert str(refused.value).startswith(f"the handler 'handle' (@app.{decorator}(")


@pytest.mark.parametrize(("decorator", "option"), OPTIONS)
def test_each_option_of_a_decorator_is_in_the_plan(tmp_path: Path, decorator: str, option: str) -> None:
    needed = PLANNED[decorator][0] | WITH.get(option, {})
    other = OF_ONE.get((decorator, option), OTHERWISE[option])
    several = isinstance(other, dict) and option in other

    plain = planned(tmp_path, decorator, needed)
    plan = planned(tmp_path, decorator, needed | (other if several else {option: other}))

    assert shown(plan) != shown(plain)
