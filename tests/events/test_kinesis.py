"""`@app.on_kinesis_record`: the declaration, the event, partial failures; Powertools reads what we build."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import KinesisStreamEvent

from microlambda import App, KinesisEvent, KinesisRecord, RegistrationError, UnknownEvent
from microlambda.emulator.events.kinesis import Record, build

ARRIVED = datetime.datetime(2026, 11, 24, 10, 0, 0, 123_000, tzinfo=datetime.UTC)
STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/clicks"
CONSUMER = f"{STREAM}/consumer/shop:1732442400"


def test_the_handler_gets_every_record(app: App) -> None:
    seen: list[bytes] = []

    @app.on_kinesis_record("clicks")
    def handle(event: KinesisEvent) -> None:
        seen.extend(record.data for record in event)

    result = app(build("clicks", ["one", b"\xff", {"three": 3}]), None)

    assert (seen, result) == ([b"one", b"\xff", b'{"three":3}'], None)


def test_powertools_reads_the_event_and_reads_the_same_as_we() -> None:
    raw = build("clicks", [Record(data={"name": "Zoë"}, partition_key="zoë")], shard=6, time=ARRIVED)

    ours, theirs = KinesisEvent(raw)[0], next(KinesisStreamEvent(raw).records)
    assert ours.data == theirs.kinesis.data_as_bytes() == '{"name":"Zoë"}'.encode()
    assert ours.text == theirs.kinesis.data_as_text()
    assert ours.json() == theirs.kinesis.data_as_json() == {"name": "Zoë"}
    assert ours.partition_key == theirs.kinesis.partition_key == "zoë"
    assert ours.sequence_number == ours.item_identifier == theirs.kinesis.sequence_number
    assert ours.timestamp == ARRIVED
    assert theirs.kinesis.approximate_arrival_timestamp == pytest.approx(ARRIVED.timestamp())
    assert ours.event_id == theirs.event_id
    assert ours.event_id == f"{ours.shard_id}:{ours.sequence_number}"
    assert ours.shard_id == "shardId-000000000006"
    assert ours.stream_arn == theirs.event_source_arn == STREAM
    assert (ours.stream, theirs.aws_region, theirs.event_name) == (
        "clicks",
        "us-east-1",
        "aws:kinesis:record",
    )


def test_data_that_is_no_text_or_no_json_is_a_value_error() -> None:
    record = KinesisEvent(build(records=[b"\xff\xfe\xfd"]))[0]

    for read in (lambda: record.text, record.json):
        with pytest.raises(ValueError, match="decode|Expecting"):
            read()


def test_a_record_that_came_through_a_consumer_names_the_stream() -> None:
    record = KinesisEvent(build(CONSUMER))[0]

    assert (record.stream, record.stream_arn) == ("clicks", CONSUMER)


MOMENT = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"stream": ""}, ["stream=''", "clicks"], id="no name"),
        pytest.param({"stream": "cli cks"}, ["128 letters"], id="no stream's name"),
        pytest.param({"stream": "c" * 129}, ["128 letters"], id="too long a name"),
        pytest.param(
            {"stream": "https://kinesis.us-east-1.amazonaws.com/clicks"}, ["URL", "'clicks'"], id="a URL"
        ),
        pytest.param(
            {"stream": "arn:aws:firehose:r:1:deliverystream/clicks"}, ["firehose", "kinesis"], id="Firehose"
        ),
        pytest.param(
            {"stream": "arn:aws:kinesis:r:1:clicks"}, ["not the ARN of a stream", "consumer"], id="an ARN"
        ),
        pytest.param({"stream": "clicks", "batch_size": True}, ["batch_size=True"], id="a bool"),
        pytest.param({"stream": "clicks", "batch_size": 10_001}, ["1 to 10,000"], id="a large batch"),
        pytest.param({"stream": "clicks", "starting_position": "OLDEST"}, ["'OLDEST'"], id="no position"),
        pytest.param(
            {"stream": "clicks", "starting_position": "AT_TIMESTAMP"},
            ["starting_position_timestamp"],
            id="no timestamp",
        ),
        pytest.param(
            {"stream": "clicks", "starting_position_timestamp": MOMENT},
            ["AT_TIMESTAMP", "LATEST"],
            id="a timestamp of nothing",
        ),
        pytest.param(
            {
                "stream": "clicks",
                "starting_position": "AT_TIMESTAMP",
                "starting_position_timestamp": MOMENT.replace(tzinfo=None),
            },
            ["aware"],
            id="naive",
        ),
        pytest.param(
            {
                "stream": "clicks",
                "starting_position": "AT_TIMESTAMP",
                "starting_position_timestamp": "2026-01-01",
            },
            ["aware datetime"],
            id="text",
        ),
        pytest.param({"stream": "clicks", "parallelization_factor": 0}, ["1 to 10"], id="parallel"),
        pytest.param({"stream": "clicks", "retries": 10_001}, ["10,000"], id="retries"),
        pytest.param({"stream": "clicks", "maximum_age": 604_801}, ["604,800"], id="age"),
        pytest.param(
            {"stream": "clicks", "on_failure": "failures"}, ["on_failure='failures'", "no ARN"], id="name"
        ),
    ],
)
def test_a_wrong_word_is_an_error_in_the_decorators_own_words(
    app: App, options: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(RegistrationError) as caught:
        app.on_kinesis_record(**options)(lambda event: None)

    assert "on_kinesis_record(" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_a_stream_is_read_from_a_moment_on(app: App) -> None:
    app.on_kinesis_record(
        "clicks", name="handle", starting_position="AT_TIMESTAMP", starting_position_timestamp=MOMENT
    )(lambda event: None)

    trigger: Any = app.handlers["handle"].trigger
    assert (trigger.starting_position, trigger.starting_position_timestamp) == ("AT_TIMESTAMP", MOMENT)


@pytest.mark.parametrize(
    ("declared", "sent", "is_handled"),
    [
        pytest.param("clicks", "clicks", True, id="name"),
        pytest.param("clicks", CONSUMER, True, id="name, through a consumer"),
        pytest.param(STREAM, "clicks", True, id="ARN"),
        pytest.param(CONSUMER, CONSUMER, True, id="consumer"),
        pytest.param("shop", CONSUMER, False, id="the consumer's name"),
        pytest.param(STREAM, CONSUMER, False, id="stream, through a consumer"),
        pytest.param(CONSUMER, "clicks", False, id="consumer, of the stream"),
        pytest.param("clicks", "clicks2", False, id="another name"),
    ],
)
@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "inferred"])
def test_a_stream_is_told_by_name_or_arn(
    app: App, declared: str, sent: str, is_handled: bool, is_bound: bool
) -> None:
    seen: list[str] = []
    app.on_kinesis_record(declared, name="handle")(lambda event: seen.append(event[0].text))
    run = app.handler("handle") if is_bound else app

    if is_handled:
        run(build(sent, ["hi"]), None)
    else:
        with pytest.raises(UnknownEvent, match="'handle', @app.on_kinesis_record"):
            run(build(sent, ["hi"]), None)

    assert seen == (["hi"] if is_handled else [])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("clicks", "clicks", id="names"),
        pytest.param("clicks", STREAM, id="name and ARN"),
        pytest.param(STREAM, STREAM, id="ARNs"),
        pytest.param(CONSUMER, "clicks", id="consumer and name"),
    ],
)
def test_two_handlers_of_one_stream_are_refused(app: App, first: str, second: str) -> None:
    app.on_kinesis_record(first, name="one")(lambda event: None)

    with pytest.raises(RegistrationError, match="would both get the records of the stream 'clicks'"):
        app.on_kinesis_record(second, name="two")(lambda event: None)


def test_two_consumers_of_one_stream_have_a_handler_each(app: App) -> None:
    seen: list[str] = []
    other = CONSUMER.replace("shop", "audit")
    app.on_kinesis_record(CONSUMER, name="one")(lambda event: seen.append("one"))
    app.on_kinesis_record(other, name="two")(lambda event: seen.append("two"))

    app(build(other), None)

    assert seen == ["two"]


@pytest.mark.parametrize(
    ("data", "seen", "failed"),
    [
        pytest.param(["a", "bad", "b"], ["a", "bad"], [1], id="the first that failed, alone"),
        pytest.param(["bad", "bad"], ["bad"], [0], id="the first of all"),
        pytest.param(["a"], ["a"], [], id="none"),
    ],
)
@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "inferred"])
def test_a_failing_record_stops_its_shard(
    app: App, data: list[str], seen: list[str], failed: list[int], is_bound: bool
) -> None:
    handled: list[str] = []

    @app.on_kinesis_record("clicks", per_record=True)
    def handle(record: KinesisRecord) -> None:
        handled.append(record.text)
        if record.text == "bad":
            raise LookupError("this record is bad")

    event = build("clicks", data)

    result = (app.handler("handle") if is_bound else app)(event, None)

    assert handled == seen
    numbers = [event["Records"][one]["kinesis"]["sequenceNumber"] for one in failed]
    assert result == {"batchItemFailures": [{"itemIdentifier": one} for one in numbers]}


def test_a_cloudevent_of_each_record() -> None:
    event = KinesisEvent(build("clicks", [{"n": 1}, b"\xff"], partition_key="k", time=ARRIVED))

    one, two = event.to_cloudevents()

    assert one == {
        "specversion": "1.0",
        "id": event[0].event_id,
        "source": STREAM,
        "type": "com.amazonaws.kinesis.record",
        "subject": "k",
        "time": "2026-11-24T10:00:00.123000Z",
        "datacontenttype": "application/json",
        "data": {"n": 1},
    }
    assert (two["id"], two["data_base64"]) == (event[1].event_id, "/w==")


def test_what_a_record_is_called_in_a_log_holds_nothing_of_its_data() -> None:
    event = KinesisEvent(build("clicks", ["s3cret"], partition_key="s3cret"))

    assert str(event) == "<KinesisEvent of 1 record>"
    assert str(event[0]) == f"<KinesisRecord '{event[0].sequence_number}' of 'clicks'>"
