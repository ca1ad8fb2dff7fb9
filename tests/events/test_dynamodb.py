"""`@app.on_dynamodb_record`: the declaration, images, partial failures; Powertools and boto3 judge them."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import DynamoDBStreamEvent
from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from hypothesis import given, settings
from hypothesis import strategies as st

from microlambda import App, DynamoDBEvent, DynamoDBRecord, RegistrationError, UnknownEvent, WrongAnswer
from microlambda.emulator.events.dynamodb import Change, build

HAPPENED = datetime.datetime(2026, 11, 24, 10, 0, 0, tzinfo=datetime.UTC)
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/orders"
STREAM = f"{TABLE}/stream/2026-01-01T00:00:00.000"
ITEM = {
    "id": "o-1",
    "name": "Zoë",
    "count": 7,
    "price": Decimal("19.90"),
    "digest": b"\x00\xff",
    "paid": True,
    "note": None,
    "lines": [{"sku": "a", "amount": 2}, []],
    "tags": {"new", "gift"},
    "sizes": {1, Decimal("2.5")},
    "hashes": {b"\x01", b"\x02"},
}


def test_the_handler_gets_every_change_as_plain_values(app: App) -> None:
    seen: list[Any] = []

    @app.on_dynamodb_record("orders")
    def handle(event: DynamoDBEvent) -> None:
        seen.extend((one.event_name, one.keys, one.new_image, one.old_image) for one in event)

    result = app(build("orders", changes=[ITEM, Change(old_image={"id": "o-2"})]), None)

    assert result is None
    assert seen == [("INSERT", {"id": "o-1"}, ITEM, None), ("REMOVE", {"id": "o-2"}, None, {"id": "o-2"})]


def test_powertools_reads_the_event_and_reads_the_same_as_we() -> None:
    raw = build("orders", ITEM, {"id": "o-1", "count": 6}, keys=["id"], time=HAPPENED)

    ours, theirs = DynamoDBEvent(raw)[0], next(DynamoDBStreamEvent(raw).records)
    assert theirs.event_name is not None
    assert theirs.dynamodb is not None
    assert theirs.dynamodb.stream_view_type is not None
    assert ours.event_name == theirs.event_name.name == "MODIFY"
    assert ours.event_id == theirs.event_id
    assert ours.keys == theirs.dynamodb.keys == {"id": "o-1"}
    assert ours.old_image == theirs.dynamodb.old_image == {"id": "o-1", "count": 6}
    binaries = {"digest": "AP8=", "hashes": {"AQ==", "Ag=="}}  # which Powertools leaves in base64
    assert {**(ours.new_image or {}), **binaries} == theirs.dynamodb.new_image
    assert ours.sequence_number == theirs.dynamodb.sequence_number
    assert ours.size_bytes == theirs.dynamodb.size_bytes
    assert ours.stream_view_type == theirs.dynamodb.stream_view_type.name == "NEW_AND_OLD_IMAGES"
    assert ours.timestamp == HAPPENED
    assert theirs.dynamodb.approximate_creation_date_time == HAPPENED.timestamp()
    assert ours.stream_arn == theirs.event_source_arn == STREAM
    assert (ours.table_name, theirs.aws_region) == ("orders", "us-east-1")
    assert (ours.user_identity, ours.is_expired) == (None, False)
    assert ours.raw_keys == {"id": {"S": "o-1"}}
    assert ours.raw_new_image == raw["Records"][0]["dynamodb"]["NewImage"]
    assert ours.raw_old_image == {"id": {"S": "o-1"}, "count": {"N": "6"}}


NUMBERS = st.integers(-(10**38) + 1, 10**38 - 1) | st.decimals(
    allow_nan=False, allow_infinity=False, places=9, min_value=-(10**20), max_value=10**20
)
SCALARS = st.none() | st.booleans() | st.text() | st.binary() | NUMBERS
SETS = (
    st.frozensets(st.text(), min_size=1)
    | st.frozensets(st.binary(), min_size=1)
    | st.frozensets(NUMBERS, min_size=1)
)
VALUES = st.recursive(
    SCALARS | SETS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def wire(value: Any) -> Any:
    """A value of boto3's as it stands in an event: bytes in base64."""
    import base64

    ((kind, content),) = value.items()
    match kind:
        case "B":
            return {kind: base64.b64encode(bytes(content)).decode()}
        case "BS":
            return {kind: [base64.b64encode(bytes(one)).decode() for one in content]}
        case "L":
            return {kind: [wire(one) for one in content]}
        case "M":
            return {kind: {name: wire(one) for name, one in content.items()}}
    return value


def unwrapped(value: Any) -> Any:
    """A value of boto3's with its binaries as bytes."""
    if isinstance(value, Binary):
        return bytes(value)
    if isinstance(value, set):
        return {unwrapped(one) for one in value}
    if isinstance(value, list):
        return [unwrapped(one) for one in value]
    if isinstance(value, dict):
        return {name: unwrapped(one) for name, one in value.items()}
    return value


@settings(deadline=None)
@given(VALUES)
def test_values_are_those_that_boto3_writes_and_reads(value: Any) -> None:
    typed = TypeSerializer().serialize(value)
    raw = {"Records": [{"dynamodb": {"NewImage": {"value": wire(typed)}}}]}

    image = DynamoDBEvent(raw)[0].new_image

    assert image == {"value": unwrapped(TypeDeserializer().deserialize(typed))} == {"value": value}


@settings(deadline=None)
@given(VALUES)
def test_values_survive_the_way_through_our_builder(value: Any) -> None:
    record = DynamoDBEvent(build(new_image={"id": 1, "value": value}))[0]

    assert record.new_image == {"id": 1, "value": value}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        pytest.param("101", 101, id="whole"),
        pytest.param("-7", -7, id="negative"),
        pytest.param("9" * 38, int("9" * 38), id="38 digits"),
        pytest.param("1.10", Decimal("1.10"), id="a fraction"),
        pytest.param("3.0", Decimal("3.0"), id="a fraction of nothing"),
        pytest.param("1E+20", Decimal("1E+20"), id="an exponent"),
        pytest.param(
            "0.1234567890123456789012345678901234567",
            Decimal("0.1234567890123456789012345678901234567"),
            id="more than a float holds",
        ),
    ],
)
def test_numbers_are_exact(text: str, number: Any) -> None:
    record = DynamoDBRecord({"dynamodb": {"Keys": {"id": {"N": text}}}})

    assert (record.keys["id"], type(record.keys["id"]), str(record.keys["id"])) == (
        number,
        type(number),
        text,
    )


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"X": 1}, id="unknown"),
        pytest.param({}, id="none"),
        pytest.param({"S": "", "N": "1"}, id="two"),
    ],
)
def test_a_type_that_dynamodb_does_not_have_is_an_error(value: dict[str, Any]) -> None:
    record = DynamoDBRecord({"dynamodb": {"Keys": {"id": value}}})

    with pytest.raises(ValueError, match="DynamoDB"):
        _ = record.keys


@pytest.mark.parametrize(
    ("view", "new", "old"),
    [
        pytest.param("KEYS_ONLY", None, None, id="keys"),
        pytest.param("NEW_IMAGE", {"id": 1, "n": 2}, None, id="new"),
        pytest.param("OLD_IMAGE", None, {"id": 1, "n": 1}, id="old"),
        pytest.param("NEW_AND_OLD_IMAGES", {"id": 1, "n": 2}, {"id": 1, "n": 1}, id="both"),
    ],
)
def test_an_image_that_the_view_leaves_out_is_none(view: str, new: Any, old: Any) -> None:
    record = DynamoDBEvent(build(new_image={"id": 1, "n": 2}, old_image={"id": 1, "n": 1}, view=view))[0]

    assert (record.new_image, record.old_image, record.keys) == (new, old, {"id": 1})
    assert (record.raw_new_image is None, record.raw_old_image is None) == (new is None, old is None)


def test_a_deletion_by_time_to_live_is_told() -> None:
    record = DynamoDBEvent(build(old_image={"id": 1}, is_expired=True))[0]

    assert (record.event_name, record.is_expired) == ("REMOVE", True)
    assert record.user_identity == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"view": "ALL"}, "view='ALL'", id="view"),
        pytest.param({"new_image": {"id": 1}, "keys": ["pk"]}, "no pk", id="key"),
        pytest.param({"new_image": {}}, "no attribute", id="empty"),
        pytest.param({"new_image": "id"}, "dict of attributes", id="no item"),
        pytest.param({"new_image": {"id": object()}}, "no type", id="type"),
        pytest.param({"new_image": {"id": {1, "a"}}}, "a set of DynamoDB", id="mixed set"),
        pytest.param({"new_image": {"id": set()}}, "a set of DynamoDB", id="empty set"),
        pytest.param({"new_image": {"id": float("nan")}}, "no number", id="NaN"),
        pytest.param({"new_image": {"id": 10**38 + 1}}, "38 digits", id="39 digits"),
        pytest.param({"new_image": {"id": Decimal("1E+126")}}, "9.9E\\+125", id="too large"),
    ],
)
def test_the_builder_refuses_what_dynamodb_does_not_have(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        build(**options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({}, ["table='orders'"], id="no table"),
        pytest.param({"table": "orders", "stream_arn": STREAM}, ["table='orders'"], id="two of them"),
        pytest.param({"table": "or"}, ["table='or'", "3 to 255"], id="a short name"),
        pytest.param({"table": "or ders"}, ["3 to 255"], id="no table's name"),
        pytest.param({"table": "arn:aws:sqs:us-east-1:1:orders"}, ["sqs", "dynamodb"], id="another service"),
        pytest.param({"table": f"{TABLE}/index/by-name"}, ["not the ARN of a table"], id="an index"),
        pytest.param({"stream_arn": TABLE}, ["stream_arn=", "not the ARN of a stream"], id="a table's ARN"),
        pytest.param({"stream_arn": "orders"}, ["stream_arn='orders'", "no ARN"], id="no ARN"),
        pytest.param({"table": "orders", "batch_size": 0}, ["batch_size=0", "1 to 10,000"], id="no batch"),
        pytest.param({"table": "orders", "batch_size": 10_001}, ["1 to 10,000"], id="a large batch"),
        pytest.param(
            {"table": "orders", "starting_position": "AT_TIMESTAMP"},
            ["AT_TIMESTAMP", "LATEST"],
            id="a position of Kinesis's",
        ),
        pytest.param(
            {"table": "orders", "maximum_batching_window_in_seconds": 301}, ["0 to 300"], id="window"
        ),
        pytest.param({"table": "orders", "parallelization_factor": 11}, ["1 to 10"], id="parallel"),
        pytest.param(
            {"table": "orders", "bisect_batch_on_error": "yes"}, ["bisect_batch_on_error='yes'"], id="bisect"
        ),
        pytest.param({"table": "orders", "retries": -2}, ["retries=-2", "10,000"], id="retries"),
        pytest.param({"table": "orders", "maximum_age": 59}, ["maximum_age=59", "604,800"], id="age"),
        pytest.param(
            {"table": "orders", "on_failure": "arn:aws:lambda:r:1:function:f"},
            ["lambda", "sqs"],
            id="no destination",
        ),
        pytest.param({"table": "orders", "filters": []}, ["filters=[]"], id="no filters"),
    ],
)
def test_a_wrong_word_is_an_error_in_the_decorators_own_words(
    app: App, options: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(RegistrationError) as caught:
        app.on_dynamodb_record(**options)(lambda event: None)

    assert "on_dynamodb_record(" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_all_that_aws_takes_is_kept_for_the_deployment(app: App) -> None:
    @app.on_dynamodb_record(
        stream_arn=STREAM,
        batch_size=10_000,
        starting_position="TRIM_HORIZON",
        maximum_batching_window_in_seconds=300,
        parallelization_factor=10,
        bisect_batch_on_error=True,
        retries=0,
        maximum_age=-1,
        on_failure="arn:aws:s3:::failures",
        filters=[{"eventName": ["INSERT"]}],
    )
    def handle(event: DynamoDBEvent) -> None: ...

    trigger: Any = app.handlers["handle"].trigger
    assert (trigger.stream_arn, trigger.table_name, trigger.reports_failures) == (STREAM, "orders", True)
    assert (trigger.batch_size, trigger.starting_position, trigger.starting_position_timestamp) == (
        10_000,
        "TRIM_HORIZON",
        None,
    )
    assert (trigger.maximum_batching_window_in_seconds, trigger.parallelization_factor) == (300, 10)
    assert (trigger.bisect_batch_on_error, trigger.retries, trigger.maximum_age) == (True, 0, -1)
    assert (trigger.on_failure, trigger.filters) == ("arn:aws:s3:::failures", ({"eventName": ["INSERT"]},))


@pytest.mark.parametrize(
    ("declared", "sent", "is_handled"),
    [
        pytest.param("orders", "orders", True, id="name"),
        pytest.param(TABLE, "orders", True, id="table's ARN"),
        pytest.param(STREAM, "orders", True, id="stream's ARN"),
        pytest.param("orders", "orders2", False, id="another name"),
        pytest.param(TABLE.replace("us-east-1", "eu-west-1"), "orders", False, id="another region"),
        pytest.param(STREAM, f"{TABLE}/stream/2020-01-01T00:00:00.000", False, id="another stream"),
        pytest.param(
            "orders", f"{TABLE.replace('orders', 'stream')}/stream/orders", False, id="a name elsewhere"
        ),
    ],
)
@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "inferred"])
def test_a_table_is_told_by_name_or_arn(
    app: App, declared: str, sent: str, is_handled: bool, is_bound: bool
) -> None:
    seen: list[Any] = []
    app.on_dynamodb_record(declared, name="handle")(lambda event: seen.append(event[0].keys))
    run = app.handler("handle") if is_bound else app

    if is_handled:
        run(build(sent), None)
    else:
        with pytest.raises(UnknownEvent, match="'handle', @app.on_dynamodb_record"):
            run(build(sent), None)

    assert seen == ([{"id": "o-1"}] if is_handled else [])


@pytest.mark.parametrize("first", ["orders", TABLE, STREAM])
@pytest.mark.parametrize("second", ["orders", TABLE, STREAM])
def test_two_handlers_of_one_table_are_refused(app: App, first: str, second: str) -> None:
    app.on_dynamodb_record(first, name="one")(lambda event: None)

    with pytest.raises(RegistrationError, match="would both get the changes of the table 'orders'"):
        app.on_dynamodb_record(second, name="two")(lambda event: None)


@pytest.mark.parametrize("second", ["orders2", TABLE.replace("us-east-1", "eu-west-1")])
def test_handlers_of_two_tables_are_not(app: App, second: str) -> None:
    app.on_dynamodb_record(TABLE, name="one")(lambda event: None)

    app.on_dynamodb_record(second, name="two")(lambda event: None)

    assert sorted(app.handlers) == ["one", "two"]


@pytest.mark.parametrize(
    ("ids", "seen", "failed"),
    [
        pytest.param(["a", "bad", "b"], ["a", "bad"], [1], id="the first that failed, alone"),
        pytest.param(["bad", "bad"], ["bad"], [0], id="the first of all"),
        pytest.param(["a", "b"], ["a", "b"], [], id="none"),
    ],
)
@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "inferred"])
def test_a_failing_change_stops_its_shard(
    app: App, ids: list[str], seen: list[str], failed: list[int], is_bound: bool
) -> None:
    handled: list[str] = []

    @app.on_dynamodb_record("orders")
    def handle(record: DynamoDBRecord) -> None:
        handled.append(record.keys["id"])
        if record.keys["id"] == "bad":
            raise LookupError("this change is bad")

    event = build("orders", changes=[{"id": one} for one in ids])

    result = (app.handler("handle") if is_bound else app)(event, None)

    assert handled == seen
    numbers = [event["Records"][one]["dynamodb"]["SequenceNumber"] for one in failed]
    assert result == {"batchItemFailures": [{"itemIdentifier": one} for one in numbers]}


def test_a_report_of_the_handlers_own_names_records_of_the_event(app: App) -> None:
    reported: list[str] = []

    @app.on_dynamodb_record("orders")
    def handle(event: DynamoDBEvent) -> Any:
        return {"batchItemFailures": [{"itemIdentifier": one} for one in reported]}

    event = build("orders")
    reported.append(event["Records"][0]["dynamodb"]["SequenceNumber"])

    assert app(event, None) == {"batchItemFailures": [{"itemIdentifier": reported[0]}]}
    with pytest.raises(WrongAnswer, match="'handle' reported"):
        app(build("orders"), None)


def test_a_cloudevent_carries_the_change_in_dynamodbs_own_form() -> None:
    record = DynamoDBEvent(build("orders", {"id": b"\xff", "n": {1}}, time=HAPPENED))[0]

    event = record.to_cloudevent()

    assert event.pop("id") == record.event_id
    assert event == {
        "specversion": "1.0",
        "source": STREAM,
        "type": "com.amazonaws.dynamodb.insert",
        "subject": "orders",
        "time": "2026-11-24T10:00:00Z",
        "datacontenttype": "application/json",
        "data": record.raw["dynamodb"],
    }


def test_what_a_record_is_called_in_a_log_holds_nothing_of_its_item() -> None:
    event = DynamoDBEvent(build("orders", {"id": "s3cret"}))

    assert str(event) == "<DynamoDBEvent of 1 record>"
    assert str(event[0]) == f"<DynamoDBRecord INSERT '{event[0].sequence_number}' of 'orders'>"


def test_what_aws_may_leave_out_is_none() -> None:
    record = DynamoDBRecord(
        {"eventName": "REMOVE", "dynamodb": {"SequenceNumber": "1"}, "eventSourceARN": STREAM}
    )

    assert (record.event_id, record.timestamp, record.size_bytes, record.stream_view_type) == (None,) * 4
    assert (record.keys, record.new_image, record.old_image) == ({}, None, None)
    assert record.to_cloudevent()["id"] == "1"
