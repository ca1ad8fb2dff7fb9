"""What a decorator says of failing invocations, in the plan: tries, age, where they go, who may send."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from microlambda import App
from microlambda.plan.plan import Plan
from microlambda.plan.records import Function, InvokeConfig, Role
from tests.plan.planning import plan_in


def planned(tmp_path: Path, decorator: str, text: str = "", **options: Any) -> Plan:
    app = App("shop")
    getattr(app, decorator)(name="work", **options)(lambda event, context=None: None)
    return plan_in(tmp_path, app, text)


def policies(plan: Plan) -> dict[str, Any]:
    (role,) = plan.of_kind("role")
    assert isinstance(role, Role)
    return {name: policy["Statement"] for name, policy in role.policies.items()}


@pytest.mark.parametrize("decorator", ["task", "lambda_function"])
def test_tries_and_age_are_those_of_the_alias(decorator: str, tmp_path: Path) -> None:
    plan = planned(tmp_path, decorator, retries=0, maximum_age=60)

    (record,) = plan.of_kind("invoke-config")
    assert isinstance(record, InvokeConfig)
    assert (record.name, record.retries, record.maximum_age, record.on_failure) == (
        *("shop-dev-work", 0, 60, None),
    )
    assert "microlambda-failures" not in policies(plan)


@pytest.mark.parametrize(
    ("place", "statements"),
    [
        ("arn:aws:sqs:eu-west-1:123456789012:failed", [(["sqs:SendMessage"], "")]),
        ("arn:aws:sns:eu-west-1:123456789012:failed", [(["sns:Publish"], "")]),
        ("arn:aws:lambda:eu-west-1:123456789012:function:look", [(["lambda:InvokeFunction"], "")]),
        ("arn:aws:events:eu-west-1:123456789012:event-bus/failed", [(["events:PutEvents"], "")]),
        ("arn:aws:s3:::failed", [(["s3:ListBucket"], ""), (["s3:PutObject"], "/*")]),
    ],
    ids=["sqs", "sns", "lambda", "events", "s3"],
)
def test_the_role_may_send_failures_to_their_place_and_nowhere_else(
    place: str, statements: list[tuple[list[str], str]], tmp_path: Path
) -> None:
    plan = planned(tmp_path, "task", on_failure=place)

    assert policies(plan)["microlambda-failures"] == [
        {"Effect": "Allow", "Action": actions, "Resource": place + inside} for actions, inside in statements
    ]


def test_a_dead_letter_queue_is_the_functions_own(tmp_path: Path) -> None:
    queue = "arn:aws:sqs:eu-west-1:123456789012:dead"
    plan = planned(tmp_path, "lambda_function", dead_letter_queue=queue)

    (function,) = plan.of_kind("function")
    assert isinstance(function, Function)
    assert function.dead_letter == queue
    assert [one["Resource"] for one in policies(plan)["microlambda-failures"]] == [queue]
    assert plan.of_kind("invoke-config") == ()


def test_what_is_left_to_aws_is_not_planned(tmp_path: Path) -> None:
    plan = planned(tmp_path, "task")

    assert plan.of_kind("invoke-config") == ()
    assert sorted(policies(plan)) == ["microlambda-logs", "microlambda-tasks"]


def test_traces_are_sent_where_the_settings_ask_for_them(tmp_path: Path) -> None:
    plan = planned(tmp_path, "lambda_function", "tracing = true")

    (function,) = plan.of_kind("function")
    assert isinstance(function, Function)
    assert function.tracing == "Active"
    (statement,) = policies(plan)["microlambda-tracing"]
    assert statement["Action"] == ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
