"""`@app.on_firehose_records`: every record is answered exactly once; Powertools reads what we build."""

from __future__ import annotations

import base64
import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes.kinesis_firehose_event import (
    KinesisFirehoseDataTransformationRecordMetadata as Metadata,
)
from aws_lambda_powertools.utilities.data_classes.kinesis_firehose_event import (
    KinesisFirehoseDataTransformationResponse as PowertoolsResponse,
)
from aws_lambda_powertools.utilities.data_classes.kinesis_firehose_event import (
    KinesisFirehoseEvent as PowertoolsEvent,
)

from microlambda import App, FirehoseEvent, FirehoseRecord, RegistrationError, UnknownEvent, WrongAnswer
from microlambda.emulator.events.firehose import Record, build

ARRIVED = datetime.datetime(2026, 11, 24, 10, 0, 0, 123_000, tzinfo=datetime.UTC)
STREAM = "arn:aws:firehose:us-east-1:123456789012:deliverystream/clicks"
ABC = [Record(data=name, record_id=f"id-{name}") for name in "abc"]


def b64(data: str | bytes) -> str:
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def test_powertools_reads_the_event_and_reads_the_same_as_we() -> None:
    raw = build(
        "clicks", [Record(data={"name": "Zoë"}, partition_key="k")], source_stream="raw-clicks", time=ARRIVED
    )

    event, powertools = FirehoseEvent(raw), PowertoolsEvent(raw)
    ours, theirs = event[0], next(powertools.records)
    assert theirs.metadata is not None
    assert event.invocation_id == powertools.invocation_id
    assert event.stream_arn == powertools.delivery_stream_arn == STREAM
    assert (event.stream, powertools.region) == ("clicks", "us-east-1")
    assert event.source_stream_arn == powertools.source_kinesis_stream_arn
    assert event.source_stream_arn == "arn:aws:kinesis:us-east-1:123456789012:stream/raw-clicks"
    assert ours.record_id == theirs.record_id
    assert ours.data == theirs.data_as_bytes == '{"name":"Zoë"}'.encode()
    assert ours.text == theirs.data_as_text
    assert ours.json() == theirs.data_as_json == {"name": "Zoë"}
    assert ours.timestamp == ARRIVED
    assert theirs.approximate_arrival_timestamp == ARRIVED.timestamp() * 1000
    assert ours.partition_key == theirs.metadata.partition_key == "k"
    assert ours.sequence_number == theirs.metadata.sequence_number
    assert ours.shard_id == theirs.metadata.shard_id == "shardId-000000000000"


def test_a_record_that_was_put_directly_has_nothing_of_kinesis() -> None:
    event = FirehoseEvent(build())

    record = event[0]
    assert (record.partition_key, record.sequence_number, record.shard_id) == (None, None, None)
    assert event.source_stream_arn is None


def test_answers_are_those_that_powertools_gives(app: App) -> None:
    @app.on_firehose_records("clicks")
    def handle(event: FirehoseEvent) -> Any:
        one, two, three = event
        return [one.ok({"n": 1}, partition_keys={"year": "2026"}), two.dropped(), three.failed("why")]

    raw = build("clicks", ABC)

    result = app(raw, None)

    theirs = PowertoolsResponse()
    one, two, three = PowertoolsEvent(raw).records
    theirs.add_record(
        one.build_data_transformation_response("Ok", b64('{"n":1}'), Metadata({"year": "2026"}))
    )
    theirs.add_record(two.build_data_transformation_response("Dropped"))
    theirs.add_record(three.build_data_transformation_response("ProcessingFailed", b64("why")))
    assert result == theirs.asdict()


@pytest.mark.parametrize(
    ("data", "answered"),
    [
        pytest.param(None, "YQ==", id="None keeps it"),
        pytest.param(b"\x00\xff", "AP8=", id="bytes"),
        pytest.param("zoë\n", b64("zoë\n"), id="text"),
        pytest.param("", "", id="nothing"),
        pytest.param({"name": "Zoë"}, b64('{"name":"Zoë"}'), id="an object"),
        pytest.param([1], b64("[1]"), id="a list"),
        pytest.param(0, b64("0"), id="a number"),
    ],
)
@pytest.mark.parametrize("result", ["ok", "failed"])
def test_an_answer_carries_new_data(data: Any, answered: str, result: str) -> None:
    record = FirehoseEvent(build(records=ABC))[0]

    answer = record.ok(data) if result == "ok" else record.failed(data)

    word = "Ok" if result == "ok" else "ProcessingFailed"
    assert answer == {"recordId": "id-a", "result": word, "data": answered}


def test_records_from_msk_are_answered_under_kafkas_name(app: App) -> None:
    @app.on_firehose_records("clicks")
    def handle(record: FirehoseRecord) -> str:
        return record.text.upper()

    raw = build("clicks", ABC[:1])
    raw["sourceMSKArn"] = "arn:aws:kafka:us-east-1:123456789012:cluster/demo/1"
    raw["records"][0]["kafkaRecordValue"] = raw["records"][0].pop("data")

    assert app(raw, None) == {"records": [{"recordId": "id-a", "result": "Ok", "kafkaRecordValue": b64("A")}]}
    assert FirehoseEvent(raw).source_stream_arn == raw["sourceMSKArn"]


Answer = Callable[[FirehoseEvent], Any]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda event: [one.ok() for one in event], id="list"),
        pytest.param(lambda event: (one.ok() for one in event), id="generator"),
        pytest.param(lambda event: {"records": [one.ok() for one in event]}, id="records"),
        pytest.param(lambda event: [one.ok() for one in reversed(list(event))], id="in another order"),
        pytest.param(
            lambda event: [{**one.ok(), "result": "Dropped", "data": None} for one in event], id="no data"
        ),
    ],
)
@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "inferred"])
def test_one_answer_for_each_record_is_taken(app: App, answer: Answer, is_bound: bool) -> None:
    app.on_firehose_records("clicks", name="handle")(answer)
    event = build("clicks", ABC)

    result = (app.handler("handle") if is_bound else app)(event, None)

    assert sorted(one["recordId"] for one in result["records"]) == ["id-a", "id-b", "id-c"]


def test_the_samples_of_awss_that_name_no_stream_reach_the_handler(app: App) -> None:
    app.on_firehose_records("clicks", name="handle")(
        lambda event: [one.ok(str(one.timestamp)) for one in event]
    )
    record = {"recordId": "4954", "approximateArrivalTimestamp": 1495072949453, "data": "YQ=="}
    again = {**record, "approximateArrivalTimestamp": "2012-04-23T18:25:43.511Z"}

    result = app({"invocationId": "fir", "region": "us-east-1", "records": [record, again]}, None)

    times = [base64.b64decode(one["data"]).decode() for one in result["records"]]
    assert times == ["2017-05-18 02:02:29.453000+00:00", "2012-04-23 18:25:43.511000+00:00"]
    assert str(FirehoseEvent({"records": [record]})[0]) == "<FirehoseRecord '4954' of ''>"
    assert FirehoseEvent({"records": [record]}).to_cloudevent()["source"] == "aws:firehose"


def test_no_records_are_answered_with_none(app: App) -> None:
    app.on_firehose_records("clicks", name="handle")(lambda event: [one.ok() for one in event])

    assert app(build("clicks", []), None) == {"records": []}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(lambda event: None, ["answered None", "record.ok("], id="None"),
        pytest.param(lambda event: "done", ["answered a str"], id="text"),
        pytest.param(lambda event: {"statusCode": 200}, ["answered a dict"], id="another dict"),
        pytest.param(
            lambda event: [one.ok() for one in event][:2],
            ["2 of 3 records", "'id-c'", "dropped()"],
            id="missing",
        ),
        pytest.param(
            lambda event: [event[0].ok(), *(one.ok() for one in event)], ["'id-a' twice"], id="doubled"
        ),
        pytest.param(
            lambda event: [{"recordId": "x", "result": "Ok", "data": "YQ=="}],
            ["'x'", "'id-a', 'id-b'"],
            id="unknown",
        ),
        pytest.param(lambda event: ["a", "b", "c"], ["a str", "none of the records"], id="no answers"),
        pytest.param(
            lambda event: [{**one.ok(), "result": "OK"} for one in event],
            ["'OK'", "Ok, Dropped"],
            id="another word",
        ),
        pytest.param(
            lambda event: [{**one.ok(), "data": "plain text"} for one in event], ["base64"], id="no base64"
        ),
        pytest.param(
            lambda event: [{**one.ok(), "data": 7} for one in event], ["base64"], id="a number for data"
        ),
        pytest.param(
            lambda event: [{"recordId": one.record_id, "result": "Ok"} for one in event],
            ["base64"],
            id="Ok without data",
        ),
        pytest.param(
            lambda event: [one.ok(partition_keys={"year": ""}) for one in event],
            ["metadata", "partitionKeys"],
            id="an empty partition key",
        ),
        pytest.param(
            lambda event: [one.ok(partition_keys={"year": 2026}) for one in event],
            ["metadata"],
            id="a number for a partition key",
        ),
        pytest.param(
            lambda event: [{**one.ok(), "data": object()} for one in event],
            ["JSON cannot hold"],
            id="no JSON",
        ),
    ],
)
@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "inferred"])
def test_a_wrong_answer_is_an_error_that_names_the_handler(
    app: App, answer: Answer, words: list[str], is_bound: bool
) -> None:
    app.on_firehose_records("clicks", name="shorten")(answer)

    with pytest.raises(WrongAnswer) as caught:
        (app.handler("shorten") if is_bound else app)(build("clicks", ABC), None)

    assert "the handler 'shorten'" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_an_answer_over_what_lambda_hands_over_is_an_error_that_names_the_size(app: App) -> None:
    app.on_firehose_records("clicks", name="handle")(lambda event: [one.ok("x" * 2_000_000) for one in event])

    with pytest.raises(WrongAnswer, match=r"'handle' answered 7\.6 MB, and Lambda hands over 6 MB"):
        app(build("clicks", ABC), None)


@pytest.mark.parametrize(
    ("answer", "given"),
    [
        pytest.param(lambda record: b"\xff", {"result": "Ok", "data": "/w=="}, id="bytes"),
        pytest.param(lambda record: "new", {"result": "Ok", "data": b64("new")}, id="text"),
        pytest.param(lambda record: {"n": Decimal(1)}, {"result": "Ok", "data": b64('{"n":1}')}, id="a dict"),
        pytest.param(lambda record: [1, 2], {"result": "Ok", "data": b64("[1,2]")}, id="a list"),
        pytest.param(lambda record: record.ok(), {"result": "Ok", "data": "YQ=="}, id="ok"),
        pytest.param(lambda record: record.dropped(), {"result": "Dropped", "data": ""}, id="dropped"),
        pytest.param(
            lambda record: record.failed(), {"result": "ProcessingFailed", "data": "YQ=="}, id="failed"
        ),
        pytest.param(
            lambda record: {"recordId": 7},
            {"result": "Ok", "data": b64('{"recordId":7}')},
            id="data that is called like an answer's part",
        ),
    ],
)
def test_the_answer_for_one_record_may_be_its_new_data(
    app: App, answer: Callable[[FirehoseRecord], Any], given: dict[str, str]
) -> None:
    app.on_firehose_records("clicks", name="handle", per_record=True)(answer)

    assert app(build("clicks", ABC[:1]), None) == {"records": [{"recordId": "id-a", **given}]}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(lambda record: None, ["answered None", "record.dropped()", "'id-a'"], id="None"),
        pytest.param(lambda record: True, ["answered a bool"], id="a bool"),
        pytest.param(
            lambda record: {"recordId": "x", "result": "Ok"}, ["'x'", "'id-a'"], id="another record's"
        ),
        pytest.param(lambda record: {**record.ok(), "result": "ok"}, ["result 'ok'"], id="another word"),
        pytest.param(lambda record: {"n": object()}, ["JSON cannot hold"], id="no JSON"),
    ],
)
def test_a_wrong_answer_for_one_record_names_the_handler(
    app: App, answer: Callable[[FirehoseRecord], Any], words: list[str]
) -> None:
    app.on_firehose_records("clicks", name="shorten", per_record=True)(answer)

    with pytest.raises(WrongAnswer) as caught:
        app(build("clicks", ABC[:1]), None)

    assert "the handler 'shorten'" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "inferred"])
def test_a_record_whose_handler_raises_takes_no_other_with_it(
    app: App, caplog: pytest.LogCaptureFixture, is_bound: bool
) -> None:
    @app.on_firehose_records("clicks", per_record=True)
    def handle(record: FirehoseRecord) -> str:
        if record.text == "b":
            raise LookupError("this record is bad")
        return record.text.upper()

    result = (app.handler("handle") if is_bound else app)(build("clicks", ABC), None)

    assert result == {
        "records": [
            {"recordId": "id-a", "result": "Ok", "data": b64("A")},
            {"recordId": "id-b", "result": "ProcessingFailed", "data": b64("b")},
            {"recordId": "id-c", "result": "Ok", "data": b64("C")},
        ]
    }
    assert ["LookupError" in entry.getMessage() for entry in caplog.records] == [True]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"stream": ""}, ["stream=''"], id="no name"),
        pytest.param({"stream": "c" * 65}, ["64 letters"], id="too long a name"),
        pytest.param({"stream": "arn:aws:kinesis:r:1:stream/clicks"}, ["kinesis", "firehose"], id="Kinesis"),
        pytest.param(
            {"stream": "arn:aws:firehose:r:1:clicks"}, ["not the ARN of a Firehose stream"], id="an ARN"
        ),
        pytest.param({"stream": "clicks", "per_record": 1}, ["per_record=1"], id="no bool"),
    ],
)
def test_a_wrong_word_is_an_error_in_the_decorators_own_words(
    app: App, options: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(RegistrationError) as caught:
        app.on_firehose_records(**options)(lambda event: None)

    assert "on_firehose_records(" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("declared", "is_handled"),
    [
        pytest.param("clicks", True, id="name"),
        pytest.param(STREAM, True, id="ARN"),
        pytest.param("clicks2", False, id="another name"),
        pytest.param(STREAM.replace("us-east-1", "eu-west-1"), False, id="another region"),
    ],
)
def test_a_stream_is_told_by_name_or_arn(app: App, declared: str, is_handled: bool) -> None:
    app.on_firehose_records(declared, name="handle")(lambda event: [one.dropped() for one in event])

    for run in (app, app.handler("handle")):
        if is_handled:
            assert len(run(build("clicks", ABC), None)["records"]) == len(ABC)
        else:
            with pytest.raises(
                UnknownEvent, match=r"deliverystream/clicks.*'handle', @app.on_firehose_records"
            ):
                run(build("clicks", ABC), None)


@pytest.mark.parametrize("second", ["clicks", STREAM])
def test_two_handlers_of_one_stream_are_refused(app: App, second: str) -> None:
    app.on_firehose_records("clicks", name="one")(lambda event: None)

    with pytest.raises(RegistrationError, match="would both get the records of the stream 'clicks'"):
        app.on_firehose_records(second, name="two")(lambda event: None)


def test_a_cloudevent_of_a_record() -> None:
    event = FirehoseEvent(build("clicks", [Record(data={"n": 1}, record_id="r-1")], time=ARRIVED))

    assert event.to_cloudevent() == {
        "specversion": "1.0",
        "id": "r-1",
        "source": STREAM,
        "type": "com.amazonaws.firehose.record",
        "time": "2026-11-24T10:00:00.123000Z",
        "datacontenttype": "application/json",
        "data": {"n": 1},
    }


def test_what_a_record_is_called_in_a_log_holds_nothing_of_its_data() -> None:
    event = FirehoseEvent(build("clicks", [Record(data="s3cret", record_id="r-1")]))

    assert (str(event), str(event[0])) == (
        "<FirehoseEvent of 1 record>",
        "<FirehoseRecord 'r-1' of 'clicks'>",
    )
