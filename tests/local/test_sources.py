"""What handlers wait for is made in the embedded cloud, and everything of them is deployed into it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from microlambda import App
from microlambda.emulator.cloud import EmbeddedCloud
from microlambda.local.sources import make_sources, waiting
from microlambda.plan.compile import compile_plan
from microlambda.plan.plan import Plan
from microlambda.plan.records import EventSourceMapping
from microlambda.project.pieces import FunctionPieces, Piece, Pieces
from microlambda.project.settings import load_settings

REGION = "us-east-1"
PIECES = Pieces(common=FunctionPieces(code=Piece(key="code", inputs="abc")))


@pytest.fixture(scope="module")
def cloud() -> Iterator[EmbeddedCloud]:
    with EmbeddedCloud(region=REGION) as cloud:
        yield cloud


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    app = App("shop")

    def handle(event: object) -> None: ...

    app.on_sqs_message("orders.fifo", name="orders")(handle)
    app.on_sqs_message("other", name="others")(handle)
    app.on_sqs_message("arn:aws:sqs:us-east-1:999999999999:theirs", name="theirs")(handle)
    app.on_kinesis_record("clicks", name="clicks")(handle)
    app.on_dynamodb_record("people", name="people")(handle)
    app.on_sns_message("news", name="news")(handle)
    app.on_s3_event(bucket="outbox", name="loaded")(handle)
    app.on_event({"source": ["shop"]}, bus="mine", name="happened")(handle)
    app.on_event({"source": ["shop"]}, name="usual")(handle)
    app.schedule("rate(1 minute)", name="often")(handle)
    app.schedule("rate(1 day)", tz="Europe/Berlin", name="daily")(handle)
    app.task(name="resize")(lambda: None)
    (tmp_path / "microlambda.toml").write_text(f'id = "k3v9x2"\nregion = "{REGION}"\ntimeout = 20\n')
    settings = load_settings(tmp_path, "dev")
    return compile_plan(app, settings, app_path="app:app", pieces=PIECES, environ={})


def test_each_source_is_made_once_and_those_of_others_are_not(cloud: EmbeddedCloud, plan: Plan) -> None:
    first = make_sources(cloud.client, plan, cloud.account)
    again = make_sources(cloud.client, plan, cloud.account)

    assert first == again
    assert first == [
        *("queue orders.fifo", "queue other", "stream clicks", "table people (key: id)"),
        *("topic news", "bucket outbox", "bus mine"),
    ]
    sqs = cloud.client("sqs")
    url = sqs.get_queue_url(QueueName="orders.fifo")["QueueUrl"]
    asked = ["VisibilityTimeout", "FifoQueue"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=asked)["Attributes"]
    assert attributes == {"VisibilityTimeout": "120", "FifoQueue": "true"}
    table = cloud.client("dynamodb").describe_table(TableName="people")["Table"]
    assert table["StreamSpecification"]["StreamEnabled"] is True


def test_the_handlers_of_what_others_have_are_named(cloud: EmbeddedCloud, plan: Plan) -> None:
    assert waiting(plan, cloud.account) == ["theirs"]
    assert waiting(plan, "999999999999") == []  # names are of whatever account it is


def test_events_reach_a_queue_though_a_rule_names_a_function_too(cloud: EmbeddedCloud) -> None:
    events, sqs = cloud.client("events"), cloud.client("sqs")
    url = sqs.create_queue(QueueName="heard")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    function = f"arn:aws:lambda:{REGION}:{cloud.account}:function:shop-dev-happened:live"
    events.put_rule(Name="shop", EventPattern=json.dumps({"source": ["shop"]}))
    events.put_targets(Rule="shop", Targets=[{"Id": "live", "Arn": function}, {"Id": "q", "Arn": queue}])

    answer = events.put_events(Entries=[{"Source": "shop", "DetailType": "sold", "Detail": "{}"}])

    assert answer["FailedEntryCount"] == 0
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["detail-type"] == "sold"
    assert len(events.list_targets_by_rule(Rule="shop")["Targets"]) == 2


def test_a_queue_hides_messages_for_the_batching_window_too_and_two_functions_may_read_it(
    cloud: EmbeddedCloud, tmp_path: Path
) -> None:
    app = App("shop")
    app.on_sqs_message("gathered", maximum_batching_window_in_seconds=300, name="one")(lambda event: None)
    (tmp_path / "microlambda.toml").write_text(f'id = "k3v9x2"\nregion = "{REGION}"\ntimeout = 20\n')
    settings = load_settings(tmp_path, "dev")
    plan = compile_plan(app, settings, app_path="app:app", pieces=PIECES, environ={})
    (mapping,) = [one for one in plan.records if isinstance(one, EventSourceMapping)]
    slower = replace(mapping, function_name="other", timeout=60)

    made = make_sources(cloud.client, replace(plan, records=(*plan.records, slower)), cloud.account)

    assert made == ["queue gathered"]
    sqs = cloud.client("sqs")
    url = sqs.get_queue_url(QueueName="gathered")["QueueUrl"]
    asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    assert asked["Attributes"] == {"VisibilityTimeout": "420"}
