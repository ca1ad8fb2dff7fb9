"""Queues and streams in the plan: the mapping in Lambda's words, and a role that may read that one source."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from microlambda import App
from microlambda.plan.errors import PlanError
from microlambda.plan.plan import Plan
from microlambda.plan.records import Arn, EventSourceMapping, Ref, Role
from microlambda.plan.view import as_data, summary, title
from tests.plan.planning import plan_in

HERE = "eu-west-1:123456789012"
TABLE = f"arn:aws:dynamodb:{HERE}:table/orders"
CONSUMER = f"arn:aws:kinesis:{HERE}:stream/clicks/consumer/shop:1700000000"

Planner = Callable[..., Plan]


@pytest.fixture
def plan(tmp_path: Path) -> Planner:
    """Plan an app of one handler, `work`, with this decorator and these words."""

    def make(decorator: str, text: str = "", **words: Any) -> Plan:
        app = App("shop")
        getattr(app, decorator)(name="work", **words)(lambda event: None)
        return plan_in(tmp_path, app, text)

    return make


def mapping(plan: Plan) -> EventSourceMapping:
    (record,) = plan.of_kind("event-source-mapping")
    assert isinstance(record, EventSourceMapping)
    return record


def statements(plan: Plan, policy: str = "microlambda-source") -> list[tuple[list[str], str]]:
    (role,) = plan.of_kind("role")
    assert isinstance(role, Role)
    found = role.policies[policy]["Statement"]
    assert {one["Effect"] for one in found} == {"Allow"}
    return [(one["Action"], str(one["Resource"])) for one in found]


def here(service: str, resource: str) -> str:
    return str(Arn(service=service, resource=resource))


def test_a_queue_by_name_is_one_of_the_deploys_own_account_and_region(plan: Planner) -> None:
    made = plan("on_sqs_message", queue="orders")

    assert mapping(made) == EventSourceMapping(
        key="work",
        name="orders",
        alias=Ref(kind="alias", key="work"),
        function_name="shop-dev-work",
        timeout=30,
        source=Arn(service="sqs", resource="orders"),
        batch_size=10,
        window=0,
        reports_failures=True,
    )
    assert mapping(made).address == "shop-dev-work/sqs/orders"
    assert [record.kind for record in made.records][-2:] == ["alias", "event-source-mapping"]


def test_of_a_queue_the_role_may_take_messages_and_nothing_else(plan: Planner) -> None:
    made = plan("on_sqs_message", queue="orders")

    (role,) = made.of_kind("role")
    assert isinstance(role, Role)
    assert sorted(role.policies) == ["microlambda-logs", "microlambda-source"]
    assert statements(made) == [
        (["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], here("sqs", "orders"))
    ]


def test_all_words_of_a_queue_are_in_the_record(plan: Planner) -> None:
    record = mapping(
        plan(
            "on_sqs_message",
            "timeout = 60",
            queue=f"arn:aws:sqs:{HERE}:orders",
            batch_size=500,
            maximum_batching_window_in_seconds=5,
            maximum_concurrency=7,
            filters=[{"body": {"kind": ["new"], "b": [1]}}, {"body": {"a": ["é"]}}],
        )
    )

    assert (record.source, record.name) == (f"arn:aws:sqs:{HERE}:orders", "orders")
    assert (record.batch_size, record.window, record.maximum_concurrency) == (500, 5, 7)
    assert record.timeout == 60
    assert record.filters == ('{"body":{"a":["é"]}}', '{"body":{"b":[1],"kind":["new"]}}')


def test_filters_in_another_order_are_the_same_record(plan: Planner) -> None:
    one = plan(
        "on_sqs_message", queue="orders", filters=[{"body": {"a": [1], "b": [2]}}, {"body": {"c": [3]}}]
    )
    two = plan(
        "on_sqs_message", queue="orders", filters=[{"body": {"c": [3]}}, {"body": {"b": [2], "a": [1]}}]
    )

    assert mapping(one) == mapping(two)


def test_a_fifo_queue_has_no_window_not_even_of_nothing(plan: Planner) -> None:
    record = mapping(plan("on_sqs_message", queue="orders.fifo"))

    assert record.window is None
    assert record.name == "orders.fifo"


def test_a_table_stands_for_its_stream(plan: Planner) -> None:
    made = plan("on_dynamodb_record", table="orders")

    assert mapping(made) == EventSourceMapping(
        key="work",
        name="orders",
        alias=Ref(kind="alias", key="work"),
        function_name="shop-dev-work",
        timeout=30,
        source=Arn(service="dynamodb", resource="table/orders"),
        batch_size=100,
        window=0,
        reports_failures=True,
        starting_position="LATEST",
        parallelization_factor=1,
        bisect=False,
        retries=-1,
        maximum_age=-1,
    )


@pytest.mark.parametrize(
    ("words", "source", "streams"),
    [
        (
            {"table": "orders"},
            here("dynamodb", "table/orders"),
            here("dynamodb", "table/orders/stream/*"),
        ),
        ({"table": TABLE}, TABLE, f"{TABLE}/stream/*"),
        ({"stream_arn": f"{TABLE}/stream/2026"}, f"{TABLE}/stream/2026", f"{TABLE}/stream/2026"),
    ],
    ids=["name", "table", "stream"],
)
def test_of_a_table_the_role_may_read_its_streams_and_nothing_else(
    plan: Planner, words: dict[str, str], source: str, streams: str
) -> None:
    made = plan("on_dynamodb_record", **words)

    assert str(mapping(made).source) == source
    assert mapping(made).address == "shop-dev-work/dynamodb/orders"
    assert statements(made) == [
        (
            [
                *("dynamodb:DescribeStream", "dynamodb:GetRecords"),
                *("dynamodb:GetShardIterator", "dynamodb:ListStreams"),
            ],
            streams,
        )
    ]


READING = [
    *("kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:GetRecords"),
    *("kinesis:GetShardIterator", "kinesis:ListShards"),
]


def test_all_words_of_a_stream_are_in_the_record(plan: Planner) -> None:
    made = plan(
        "on_kinesis_record",
        stream="clicks",
        batch_size=7,
        starting_position="AT_TIMESTAMP",
        starting_position_timestamp=datetime(2026, 1, 2, tzinfo=UTC),
        maximum_batching_window_in_seconds=3,
        parallelization_factor=4,
        bisect_batch_on_error=True,
        retries=5,
        maximum_age=600,
        on_failure=f"arn:aws:sqs:{HERE}:failed",
        filters=[{"data": {"kind": ["new"]}}],
    )

    assert mapping(made) == EventSourceMapping(
        key="work",
        name="clicks",
        alias=Ref(kind="alias", key="work"),
        function_name="shop-dev-work",
        timeout=30,
        source=Arn(service="kinesis", resource="stream/clicks"),
        batch_size=7,
        window=3,
        filters=('{"data":{"kind":["new"]}}',),
        reports_failures=True,
        starting_position="AT_TIMESTAMP",
        starting_timestamp="2026-01-02T00:00:00+00:00",
        parallelization_factor=4,
        bisect=True,
        retries=5,
        maximum_age=600,
        on_failure=f"arn:aws:sqs:{HERE}:failed",
    )
    assert statements(made) == [
        (READING, here("kinesis", "stream/clicks")),
        (["kinesis:ListStreams"], "*"),
    ]
    assert statements(made, "microlambda-failures") == [(["sqs:SendMessage"], f"arn:aws:sqs:{HERE}:failed")]


def test_a_consumer_is_subscribed_to_and_its_stream_is_read(plan: Planner) -> None:
    made = plan("on_kinesis_record", stream=CONSUMER)

    assert mapping(made).source == CONSUMER
    assert mapping(made).address == "shop-dev-work/kinesis/clicks/consumer/shop:1700000000"
    assert statements(made) == [
        (READING, f"arn:aws:kinesis:{HERE}:stream/clicks"),
        (["kinesis:ListStreams"], "*"),
        (["kinesis:SubscribeToShard"], CONSUMER),
    ]


@pytest.mark.parametrize(
    ("place", "allowed"),
    [
        (f"arn:aws:sns:{HERE}:failed", [(["sns:Publish"], f"arn:aws:sns:{HERE}:failed")]),
        (
            "arn:aws:s3:::failed",
            [(["s3:ListBucket"], "arn:aws:s3:::failed"), (["s3:PutObject"], "arn:aws:s3:::failed/*")],
        ),
    ],
    ids=["sns", "s3"],
)
def test_the_role_may_send_what_failed_to_its_place(
    plan: Planner, place: str, allowed: list[tuple[list[str], str]]
) -> None:
    made = plan("on_dynamodb_record", table="orders", on_failure=place)

    assert statements(made, "microlambda-failures") == allowed


@pytest.mark.parametrize(
    ("decorator", "words"),
    [
        ("on_sqs_message", {"queue": "arn:aws:sqs:us-east-1:123456789012:orders"}),
        ("on_dynamodb_record", {"table": "arn:aws:dynamodb:us-east-1:123456789012:table/orders"}),
        ("on_kinesis_record", {"stream": "arn:aws:kinesis:us-east-1:123456789012:stream/clicks"}),
    ],
    ids=["sqs", "dynamodb", "kinesis"],
)
def test_a_source_in_another_region_is_refused(plan: Planner, decorator: str, words: dict[str, str]) -> None:
    with pytest.raises(PlanError) as refused:
        plan(decorator, **words)

    assert f"the handler 'work' reads from the region 'us-east-1': @app.{decorator}(" in str(refused.value)
    assert 'or deploy to the other: region = "us-east-1"' in str(refused.value)


@pytest.mark.parametrize(
    ("decorator", "words", "said"),
    [
        ("on_sqs_message", {"queue": "orders"}, ("10 messages at a time",)),
        ("on_dynamodb_record", {"table": "orders"}, ("100 records at a time", "from LATEST")),
    ],
    ids=["queue", "stream"],
)
def test_a_mapping_is_shown_by_its_source_and_batches(
    plan: Planner, decorator: str, words: dict[str, str], said: tuple[str, ...]
) -> None:
    record = mapping(plan(decorator, **words))

    assert title(record) == "event source mapping orders"
    assert summary(record) == said
    assert json.loads(json.dumps(as_data(record)))["source"] == str(record.source)
