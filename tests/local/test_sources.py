"""What handlers wait for is made in the embedded cloud, and everything of them is deployed into it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import pytest

from microlambda import App
from microlambda.emulator.cloud import EmbeddedCloud
from microlambda.local.sources import losing, make_sources, waiting
from microlambda.local.unplayed import UNPLAYED, unplayed
from microlambda.plan.compile import compile_plan
from microlambda.plan.kinds import KINDS
from microlambda.plan.plan import Plan
from microlambda.plan.records import EventSourceMapping, Record
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


@pytest.fixture
def failing(tmp_path: Path) -> Plan:
    """The plan of an app whose decorators name where events go that failed to the end."""
    app = App("shop")

    def handle(event: object) -> None: ...

    ours, theirs = f"{REGION}:123456789012", f"{REGION}:999999999999"
    app.on_sns_message(
        "news",
        dead_letter_queue=f"arn:aws:sqs:{ours}:dead",
        on_failure=f"arn:aws:sns:{ours}:failed",
        name="a",
    )(handle)
    app.on_kinesis_record("clicks", on_failure="arn:aws:s3:::lost", name="b")(handle)
    app.on_event({"source": ["x"]}, on_failure=f"arn:aws:events:{ours}:event-bus/late", name="c")(handle)
    app.on_sqs_message("dead", name="d")(handle)
    app.on_s3_event(bucket="inbox", dead_letter_queue=f"arn:aws:sqs:{theirs}:dead", name="e")(handle)
    app.schedule("rate(1 day)", tz="Europe/Berlin", dead_letter_queue=f"arn:aws:sqs:{ours}:due", name="f")(
        handle
    )
    (tmp_path / "microlambda.toml").write_text(f'id = "k3v9x2"\nregion = "{REGION}"\ntimeout = 20\n')
    settings = load_settings(tmp_path, "dev")
    return compile_plan(app, settings, app_path="app:app", pieces=PIECES, environ={})


def test_where_failed_events_go_is_made_too(cloud: EmbeddedCloud, failing: Plan) -> None:
    made = make_sources(cloud.client, failing, cloud.account)

    places = {"queue dead", "queue due", "topic failed", "bucket lost", "bus late"}
    assert places <= set(made)
    assert len(made) == len(set(made))
    sqs = cloud.client("sqs")
    url = sqs.get_queue_url(QueueName="dead")["QueueUrl"]
    asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    assert asked["Attributes"] == {"VisibilityTimeout": "120"}  # of the handler that reads it


def test_handlers_whose_failed_events_go_to_others_are_named(cloud: EmbeddedCloud, failing: Plan) -> None:
    assert losing(failing, cloud.account) == ["e"]


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


def test_a_plain_app_has_nothing_without_effect(plan: Plan) -> None:
    assert unplayed(plan) == []


ASKING = """\
id = "k3v9x2"
region = "us-east-1"
ingress = "rest-api"
endpoint_type = "edge"
vpc = { subnets = ["subnet-0a1b2c3d"], security_groups = ["sg-0a1b2c3d"] }
python = "3.13"

[functions.count]
tracing = true
log_format = "json"
reserved_concurrency = 3
ephemeral_storage = 1024
policies = ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]
snap_start = false

[functions.tell]
policies = [{ actions = ["s3:GetObject"], resources = ["arn:aws:s3:::outbox/*"] }]
snap_start = false

[functions.http]
snap_start = true
iam_role_arn = "arn:aws:iam::123456789012:role/mine"
"""


@pytest.fixture
def asking(tmp_path: Path) -> Plan:
    app = App("shop")
    app.get("/")(lambda: "")
    app.on_kinesis_record("clicks", name="count", parallelization_factor=4)(lambda event: None)
    app.on_sns_message("news", name="tell")(lambda event: None)
    (tmp_path / "microlambda.toml").write_text(ASKING)
    settings = load_settings(tmp_path, "dev")
    return compile_plan(app, settings, app_path="app:app", pieces=PIECES, environ={})


@pytest.mark.parametrize("is_installed", [True, False], ids=["aws-client", "our-client"])
def test_what_is_asked_for_and_has_no_effect_is_named_with_its_functions(
    asking: Plan, monkeypatch: pytest.MonkeyPatch, is_installed: bool
) -> None:
    monkeypatch.setattr("microlambda.local.unplayed.is_installed", lambda _name: is_installed)

    words = unplayed(asking)

    assert words == [
        "vpc (http, count, tell)",
        "snap_start (http)",
        "tracing (count)",
        *([] if is_installed else ["log_format (count)"]),
        "reserved_concurrency (count)",
        "ephemeral_storage (count)",
        "iam_role_arn (http)",
        "policies (count, tell)",
        "endpoint_type (http)",
        "parallelization_factor (count)",
    ]


def test_each_row_of_what_has_no_effect_finds_its_function(
    asking: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("microlambda.local.unplayed.is_installed", lambda _name: False)

    assert [f"{one.word} of {one.kind.kind}" for one in UNPLAYED if not one.names(asking.records)] == []


#: What a plan may ask of a kind and the embedded cloud does, or nobody could tell apart here.
PLAYED = {
    "role": "path trust tags",
    "log-group": "retention tags",
    "layer": "runtime architecture inputs content",
    "function": "log_group handler runtime architecture memory timeout dead_letter environment from_shell "
    "archive code_hash code_sha256 layers security_groups needs tags",
    "version": "function code_hash",
    "alias": "function function_name version code_hash",
    "event-source-mapping": "alias function_name timeout source batch_size window filters reports_failures "
    "maximum_concurrency starting_position starting_timestamp bisect retries maximum_age on_failure",
    "invoke-config": "alias retries maximum_age on_failure",
    "http-api": "target route guarded authorizers stage payload tags",
    "rest-api": "target resources authorizers stage binary_types timeout answers tags",
    "api-key": "tags",
    "usage-plan": "api stage api_keys tags",
    "function-url": "alias function_name auth_type invoke_mode",
    "permission": "alias function_name alias_name action principal source of_account url_auth_type via_url",
    "rule": "bus pattern expression description enabled target template paths tags",
    "schedule-group": "tags",
    "schedule": "group group_name expression tz description enabled target role event retries maximum_age "
    "dead_letter_queue",
    "subscription": "topic declared function_name target filter_policy filter_scope",
    "log-subscription": "declared own function_name target pattern",
    "bucket-notifications": "function_name target notifications on_bus",
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_field_of_a_record_is_played_or_named(kind: str) -> None:
    (record,) = [one for one in Record.__subclasses__() if one.kind == kind]

    known = {one.name for one in fields(record)} - {"key", "name"}
    played, named = set(PLAYED[kind].split()), {one.field for one in UNPLAYED if one.kind is record}

    assert played | named == known
    assert not played & named
