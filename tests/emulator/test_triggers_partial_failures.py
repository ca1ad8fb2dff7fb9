"""What a function's answer says of its batch, and which records a filter lets pass.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from microlambda.emulator.cloud.triggers.filters import passes
from microlambda.emulator.cloud.triggers.partial_failures import reported
from microlambda.emulator.events import dynamodb, kinesis, sqs


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        pytest.param({"batchItemFailures": [{"itemIdentifier": "b"}]}, {"b"}, id="one"),
        pytest.param({"batchItemFailures": []}, set(), id="an empty list"),
        pytest.param({"batchItemFailures": None}, set(), id="a null list"),
        pytest.param({}, set(), id="an empty answer"),
        pytest.param(None, set(), id="a null answer"),
        pytest.param({"batchItemFailures": [{"itemIdentifier": ""}]}, None, id="an empty identifier"),
        pytest.param({"batchItemFailures": [{"itemIdentifier": None}]}, None, id="a null identifier"),
        pytest.param({"batchItemFailures": [{"id": "b"}]}, None, id="another key"),
        pytest.param({"batchItemFailures": [{"itemIdentifier": ["b"]}]}, None, id="a list for a text"),
        pytest.param(
            {"batchItemFailures": [{"itemIdentifier": "b"}, {"itemIdentifier": "z"}]},
            None,
            id="an unknown one",
        ),
        pytest.param({"batchItemFailures": {"itemIdentifier": "b"}}, None, id="no list"),
        pytest.param("done", None, id="a text"),
    ],
)
def test_an_answer_says_which_records_failed_or_fails_them_all(answer: Any, failed: set[str] | None) -> None:
    assert reported(json.dumps(answer).encode(), ["a", "b"]) == failed


def test_an_answer_that_is_no_json_fails_them_all() -> None:
    assert reported(b"{nonsense", ["a"]) is None


SQS: dict[str, Any] = sqs.build(messages=['{"n": 1}'])["Records"][0]
TEXT: dict[str, Any] = sqs.build(messages=["just text"])["Records"][0]
KINESIS: dict[str, Any] = kinesis.build(records=[{"n": 1}])["Records"][0]
BYTES: dict[str, Any] = kinesis.build(records=[b"\xff"])["Records"][0]
CHANGE: dict[str, Any] = dynamodb.build(new_image={"id": "1", "n": 1})["Records"][0]


@pytest.mark.parametrize(
    ("record", "patterns", "expected"),
    [
        pytest.param(TEXT, [], True, id="no patterns"),
        pytest.param(SQS, [{"body": {"n": [1]}}], True, id="a body of JSON"),
        pytest.param(SQS, [{"body": {"n": [2]}}, {"body": {"n": [1]}}], True, id="one of two"),
        pytest.param(SQS, [{"body": {"n": [2]}}], False, id="another number"),
        pytest.param(TEXT, [{"body": {"n": [1]}}], False, id="no JSON"),
        pytest.param(TEXT, [{"body": [{"prefix": "just"}]}], True, id="a text"),
        pytest.param(KINESIS, [{"data": {"n": [{"numeric": ["<", 2]}]}}], True, id="data"),
        pytest.param(BYTES, [{"data": [{"exists": False}]}], False, id="data that is no text"),
        pytest.param(CHANGE, [{"dynamodb": {"NewImage": {"n": {"N": ["1"]}}}}], True, id="an image"),
        pytest.param(CHANGE, [{"eventName": ["REMOVE"]}], False, id="another event"),
    ],
)
def test_a_filter_sees_what_was_sent(
    record: dict[str, Any], patterns: list[dict[str, Any]], expected: bool
) -> None:
    assert passes([json.dumps(one) for one in patterns], record) is expected
