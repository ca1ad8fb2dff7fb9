"""`@app.on_kafka_record`: the declaration, the event, partial failures; Powertools reads what we build."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes import KafkaEvent as PowertoolsEvent
from hypothesis import given, settings
from hypothesis import strategies as st

from microlambda import App, KafkaEvent, KafkaRecord, RegistrationError, UnknownEvent, WrongAnswer
from microlambda.emulator.events.kafka import Record, build

MADE = datetime.datetime(2026, 11, 24, 10, 0, 0, 123_000, tzinfo=datetime.UTC)
CLUSTER = "arn:aws:kafka:us-east-1:123456789012:cluster/demo/751d2973-a626-431c-9d4e-d7975eb44dd7-2"
OTHER = "arn:aws:kafka:us-east-1:123456789012:cluster/other/851d2973-a626-431c-9d4e-d7975eb44dd7-3"
SERVERS = ["broker-1.example.com:9092", "broker-2.example.com:9092"]


def test_the_handler_gets_the_records_of_all_partitions(app: App) -> None:
    seen: list[Any] = []

    @app.on_kafka_record("new-orders", cluster=CLUSTER)
    def handle(event: KafkaEvent) -> None:
        seen.extend((one.topic, one.partition, one.offset, one.value) for one in event)

    records = [Record(value="a"), Record(value="b", partition=12), Record(value="c")]
    result = app(build("new-orders", records, offset=5), None)

    assert result is None
    assert seen == [("new-orders", 0, 5, b"a"), ("new-orders", 0, 6, b"c"), ("new-orders", 12, 5, b"b")]


def test_powertools_reads_the_event_and_reads_the_same_as_we() -> None:
    record = Record(
        value={"name": "Zoë"}, key="k-1", partition=3, headers=[("Trace", "zoë"), ("raw", b"\x00\xff")]
    )

    raw = build("orders", [record], offset=15, time=MADE)

    event, powertools = KafkaEvent(raw), PowertoolsEvent(raw)
    ours, theirs = event[0], next(powertools.records)
    assert event.cluster_arn == powertools.event_source_arn == CLUSTER
    assert list(event.bootstrap_servers) == powertools.decoded_bootstrap_servers
    assert (ours.topic, ours.partition, ours.offset) == (theirs.topic, theirs.partition, theirs.offset)
    assert (ours.topic, ours.partition, ours.offset) == ("orders", 3, 15)
    assert ours.key == theirs.decoded_key == b"k-1"
    assert ours.value == ours.data == theirs.decoded_value == '{"name":"Zoë"}'.encode()
    assert ours.json() == theirs.json_value == {"name": "Zoë"}
    assert ours.text == '{"name":"Zoë"}'
    assert ours.headers == [("Trace", "zoë".encode()), ("raw", b"\x00\xff")]
    assert dict(ours.headers)["raw"] == theirs.decoded_headers["raw"]
    assert ours.timestamp == MADE
    assert theirs.timestamp == MADE.timestamp() * 1000
    assert theirs.timestamp_type == "CREATE_TIME"


def test_powertools_reads_an_event_of_a_cluster_of_ones_own() -> None:
    raw = build("orders", bootstrap_servers=SERVERS)

    event, powertools = KafkaEvent(raw), PowertoolsEvent(raw)
    assert powertools.event_source == "aws:SelfManagedKafka"
    assert event.cluster_arn is powertools.event_source_arn is None
    assert list(event.bootstrap_servers) == powertools.decoded_bootstrap_servers == SERVERS


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(min_size=1), st.binary()), max_size=5))
def test_headers_keep_their_bytes_and_their_order(headers: list[tuple[str, bytes]]) -> None:
    record = KafkaEvent(build(messages=[Record(value="x", headers=headers)]))[0]

    assert record.headers == headers


def test_headers_may_be_unsigned_too() -> None:
    record = KafkaRecord({"headers": [{"h": [104, 255, -1]}, {"none": None}]}, {})

    assert record.headers == [("h", b"h\xff\xff"), ("none", b"")]


def test_a_tombstone_has_no_value() -> None:
    record = KafkaEvent(build(messages=[Record(key="k")]))[0]

    assert (record.value, record.data, record.text, record.json()) == (None, b"", "", None)


def test_what_aws_may_leave_out_is_none_or_empty() -> None:
    record = KafkaRecord({"topic": "t", "partition": 0, "offset": 1}, {})
    untimed = KafkaRecord({"timestamp": -1, "timestampType": "NO_TIMESTAMP_TYPE"}, {})

    assert (record.key, record.value, record.timestamp, record.headers) == (None, None, None, [])
    assert untimed.timestamp is None
    assert list(KafkaEvent({"records": {"t-0": [], "t-1": None}})) == []
    assert KafkaEvent({}).bootstrap_servers == ()


MOMENT = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"cluster": None}, ["cluster='arn:aws:kafka", "bootstrap_servers="], id="no cluster"),
        pytest.param({"bootstrap_servers": SERVERS}, ["either cluster="], id="two clusters"),
        pytest.param({"topic": ".orders"}, ["topic='.orders'", "no '.' in front"], id="no topic"),
        pytest.param({"topic": "or/ders"}, ["2 to 249"], id="no topic's name"),
        pytest.param({"topic": 7}, ["topic=7"], id="no str"),
        pytest.param({"cluster": "demo"}, ["cluster='demo'", "no ARN"], id="a cluster's name"),
        pytest.param(
            {"cluster": "arn:aws:kafka:r:1:topic/demo/1/orders"}, ["not the ARN of a cluster"], id="an ARN"
        ),
        pytest.param(
            {"cluster": None, "bootstrap_servers": ["broker"]}, ["'broker' is no host:port"], id="no port"
        ),
        pytest.param({"cluster": None, "bootstrap_servers": ["broker:70000"]}, ["no host:port"], id="a port"),
        pytest.param(
            {"cluster": None, "bootstrap_servers": ["kafka://b:9092"]}, ["no host:port"], id="a URL"
        ),
        pytest.param({"cluster": None, "bootstrap_servers": []}, ["bootstrap_servers=[]"], id="no servers"),
        pytest.param(
            {"cluster": None, "bootstrap_servers": [f"b{n}:1" for n in range(11)]},
            ["at most 10"],
            id="eleven servers",
        ),
        pytest.param({"consumer_group": "a,b"}, ["consumer_group='a,b'"], id="a group"),
        pytest.param({"batch_size": 0}, ["1 to 10,000"], id="no batch"),
        pytest.param({"maximum_batching_window_in_seconds": -1}, ["0 to 300"], id="a window"),
        pytest.param(
            {"starting_position": "AT_TIMESTAMP"}, ["starting_position_timestamp"], id="no timestamp"
        ),
        pytest.param({"provisioned_pollers": 3}, ["least and the most"], id="pollers"),
        pytest.param({"provisioned_pollers": (5, 3)}, ["1 to 200"], id="more than the most"),
        pytest.param({"provisioned_pollers": (1, 2001)}, ["2,000"], id="too many pollers"),
        pytest.param(
            {"retries": 3}, ["retries=3", "provisioned_pollers=(1, 2)"], id="retries without pollers"
        ),
        pytest.param({"retries": 0}, ["retries=0", "provisioned"], id="no retries without pollers"),
        pytest.param({"maximum_age": 60}, ["maximum_age=60", "provisioned"], id="age without pollers"),
        pytest.param(
            {"bisect_batch_on_error": True}, ["bisect_batch_on_error=True", "provisioned"], id="bisect"
        ),
        pytest.param({"on_failure": "kafka://orders"}, ["the topic itself"], id="failures into itself"),
        pytest.param({"on_failure": "kafka://a b"}, ["'a b' is no topic"], id="failures into no topic"),
        pytest.param({"on_failure": "arn:aws:lambda:r:1:function:f"}, ["lambda"], id="no destination"),
        pytest.param({"source_access": {}}, ["source_access={}"], id="no access"),
        pytest.param(
            {"source_access": {"SASL_SCRAM_512": "arn"}}, ["Did you mean 'SASL_SCRAM_512_AUTH'"], id="a type"
        ),
        pytest.param(
            {"source_access": {"VPC_SUBNET": "subnet:subnet-1"}}, ["'VPC_SUBNET'"], id="not of MSK's"
        ),
        pytest.param(
            {"source_access": {"SASL_SCRAM_512_AUTH": ""}}, ["SASL_SCRAM_512_AUTH names"], id="nothing"
        ),
    ],
)
def test_a_wrong_word_is_an_error_in_the_decorators_own_words(
    app: App, options: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(RegistrationError) as caught:
        app.on_kafka_record(**{"topic": "orders", "cluster": CLUSTER, **options})(lambda event: None)

    assert "on_kafka_record(" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_all_that_aws_takes_is_kept_for_the_deployment(app: App) -> None:
    app.on_kafka_record(
        "orders",
        name="handle",
        bootstrap_servers=SERVERS,
        consumer_group="shop",
        starting_position="AT_TIMESTAMP",
        starting_position_timestamp=MOMENT,
        provisioned_pollers=(1, 10),
        bisect_batch_on_error=True,
        retries=3,
        maximum_age=60,
        on_failure="kafka://orders.failed",
        source_access={"VPC_SUBNET": ["subnet:subnet-1", "subnet:subnet-2"], "IAM_AUTH": ""},
    )(lambda event: None)

    trigger: Any = app.handlers["handle"].trigger
    assert (trigger.topic, trigger.cluster, list(trigger.bootstrap_servers)) == ("orders", None, SERVERS)
    assert (trigger.consumer_group, trigger.provisioned_pollers) == ("shop", (1, 10))
    assert (trigger.starting_position, trigger.starting_position_timestamp) == ("AT_TIMESTAMP", MOMENT)
    assert (trigger.bisect_batch_on_error, trigger.retries, trigger.maximum_age) == (True, 3, 60)
    assert (trigger.on_failure, trigger.reports_failures) == ("kafka://orders.failed", True)
    assert trigger.source_access == (
        ("VPC_SUBNET", "subnet:subnet-1"),
        ("VPC_SUBNET", "subnet:subnet-2"),
        ("IAM_AUTH", ""),
    )


@pytest.mark.parametrize(
    ("declared", "sent", "is_handled"),
    [
        pytest.param({"cluster": CLUSTER}, {}, True, id="cluster"),
        pytest.param({"cluster": OTHER}, {}, False, id="another cluster"),
        pytest.param({"cluster": CLUSTER}, {"topic": "orders2"}, False, id="another topic"),
        pytest.param(
            {"cluster": CLUSTER}, {"bootstrap_servers": SERVERS}, False, id="a cluster of one's own"
        ),
        pytest.param({"bootstrap_servers": SERVERS}, {"bootstrap_servers": SERVERS}, True, id="servers"),
        pytest.param({"bootstrap_servers": SERVERS}, {}, False, id="MSK"),
        pytest.param({"cluster": CLUSTER}, {"messages": []}, True, id="no records"),
    ],
)
@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "inferred"])
def test_a_topic_is_told_by_its_name_and_its_cluster(
    app: App, declared: dict[str, Any], sent: dict[str, Any], is_handled: bool, is_bound: bool
) -> None:
    seen: list[int] = []
    app.on_kafka_record("orders", name="handle", **declared)(lambda event: seen.append(len(event)))
    run = app.handler("handle") if is_bound else app

    if is_handled:
        run(build(**sent), None)
    else:
        with pytest.raises(UnknownEvent, match="'handle', @app.on_kafka_record"):
            run(build(**sent), None)

    assert seen == ([len(sent.get("messages", "1"))] if is_handled else [])


def test_two_handlers_of_one_topic_are_refused(app: App) -> None:
    app.on_kafka_record("orders", name="one", cluster=CLUSTER)(lambda event: None)
    app.on_kafka_record("orders", name="two", cluster=OTHER)(lambda event: None)
    app.on_kafka_record("orders", name="three", bootstrap_servers=SERVERS)(lambda event: None)
    app.on_kafka_record("orders", name="four", bootstrap_servers=["elsewhere:9092"])(lambda event: None)

    for cluster in ({"cluster": CLUSTER}, {"bootstrap_servers": SERVERS[:1]}):
        with pytest.raises(RegistrationError, match="would both get the records of the topic 'orders'"):
            app.on_kafka_record("orders", name="five", **cluster)(lambda event: None)


@pytest.mark.parametrize(
    ("records", "seen", "failed"),
    [
        pytest.param(
            [(0, "a"), (1, "bad"), (1, "b"), (0, "c")], ["a", "c", "bad"], [(1, 0)], id="one partition"
        ),
        pytest.param(
            [(0, "bad"), (0, "bad"), (1, "a"), (1, "bad")],
            ["bad", "a", "bad"],
            [(0, 0), (1, 1)],
            id="of each the first",
        ),
        pytest.param([(0, "a"), (1, "b")], ["a", "b"], [], id="none"),
    ],
)
@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "inferred"])
def test_a_failing_record_stops_its_partition(
    app: App,
    records: list[tuple[int, str]],
    seen: list[str],
    failed: list[tuple[int, int]],
    is_bound: bool,
) -> None:
    handled: list[str] = []

    @app.on_kafka_record("orders", cluster=CLUSTER, provisioned_pollers=(1, 2))
    def handle(record: KafkaRecord) -> None:
        handled.append(record.text)
        if record.text == "bad":
            raise LookupError("this record is bad")

    event = build("orders", [Record(value=value, partition=partition) for partition, value in records])

    result = (app.handler("handle") if is_bound else app)(event, None)

    assert handled == seen
    named = [{"partition": f"orders-{partition}", "offset": offset} for partition, offset in failed]
    assert result == {"batchItemFailures": [{"itemIdentifier": one} for one in named]}


def test_records_are_named_in_a_report_as_powertools_names_them(lambda_context: Any) -> None:
    event = build("orders", ["good", "bad"], partition=4, offset=7)

    def fail(record: Any) -> None:
        if record.decoded_value == b"bad":
            raise LookupError("this record is bad")

    theirs = process_partial_response(
        event=event, record_handler=fail, processor=BatchProcessor(EventType.Kafka), context=lambda_context
    )

    assert theirs["batchItemFailures"] == [{"itemIdentifier": KafkaEvent(event)[1].item_identifier}]


def test_without_provisioned_pollers_a_failing_record_fails_the_batch(app: App) -> None:
    handled: list[str] = []

    @app.on_kafka_record("orders", cluster=CLUSTER)
    def handle(record: KafkaRecord) -> None:
        handled.append(record.text)
        if record.text == "bad":
            raise LookupError("this record is bad")

    trigger: Any = app.handlers["handle"].trigger
    assert trigger.reports_failures is False
    with pytest.raises(LookupError, match="this record is bad"):
        app(build("orders", ["bad", "a"]), None)
    assert handled == ["bad", "a"]
    assert app(build("orders", ["a"]), None) is None


def test_a_report_that_lambda_does_not_read_is_an_error(app: App) -> None:
    @app.on_kafka_record("orders", cluster=CLUSTER)
    def handle(event: KafkaEvent) -> Any:
        return {
            "batchItemFailures": [
                {"itemIdentifier": one.item_identifier} for one in event if one.text == "bad"
            ]
        }

    assert app(build("orders", ["good"]), None) == {"batchItemFailures": []}
    with pytest.raises(WrongAnswer, match="'handle' reported batchItemFailures, which Lambda does not read"):
        app(build("orders", ["bad"]), None)


@pytest.mark.parametrize(
    ("sent", "source"),
    [
        pytest.param({}, CLUSTER, id="MSK"),
        pytest.param(
            {"bootstrap_servers": SERVERS}, "kafka://broker-1.example.com:9092", id="a cluster of one's own"
        ),
    ],
)
def test_a_cloudevent_of_a_record(sent: dict[str, Any], source: str) -> None:
    event = KafkaEvent(build("orders", ["hi"], partition=2, offset=9, time=MADE, **sent))

    assert event.to_cloudevent() == {
        "specversion": "1.0",
        "id": "orders-2-9",
        "source": source,
        "type": "com.amazonaws.kafka.record",
        "subject": "orders",
        "time": "2026-11-24T10:00:00.123000Z",
        "datacontenttype": "text/plain",
        "data": "hi",
    }


def test_what_a_record_is_called_in_a_log_holds_nothing_of_its_value() -> None:
    event = KafkaEvent(build("orders", ["s3cret"], key="s3cret", partition=1, offset=4))

    assert (str(event), str(event[0])) == ("<KafkaEvent of 1 record>", "<KafkaRecord 4 of 'orders-1'>")
