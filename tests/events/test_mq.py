"""`@app.on_mq_message`: the declaration and the events of both brokers; Powertools reads what we build."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes.active_mq_event import ActiveMQEvent
from aws_lambda_powertools.utilities.data_classes.rabbit_mq_event import RabbitMQEvent

from microlambda import App, MQEvent, MQRecord, RegistrationError, UnknownEvent, WrongAnswer
from microlambda.emulator.events.mq import Message, build

SENT = datetime.datetime(2026, 11, 24, 10, 0, 7, tzinfo=datetime.UTC)
BROKER = "arn:aws:mq:us-east-1:123456789012:broker:demo:b-9bcfa592-423a-4942-879d-eb284b418fc8"
KINDS = pytest.mark.parametrize("kind", ["activemq", "rabbitmq"])


@KINDS
@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "inferred"])
def test_the_handler_gets_every_message(app: App, kind: str, is_bound: bool) -> None:
    seen: list[Any] = []

    @app.on_mq_message("orders", broker=BROKER)
    def handle(event: MQEvent) -> None:
        seen.extend((one.queue, one.data) for one in event)

    event = build("orders", ["one", b"\xff", {"three": 3}], broker_kind=kind)
    result = (app.handler("handle") if is_bound else app)(event, None)

    assert result is None
    assert seen == [("orders", b"one"), ("orders", b"\xff"), ("orders", b'{"three":3}')]


def test_powertools_reads_an_event_of_activemq_and_reads_the_same_as_we() -> None:
    message = Message(
        data={"name": "Zoë"}, headers={"kind": "new", "n": 3}, correlation_id="c", redelivered=True
    )

    raw = build("orders", [message], time=SENT)

    event, powertools = MQEvent(raw), ActiveMQEvent(raw)
    ours, theirs = event[0], powertools.message
    assert event.broker_arn == ours.broker_arn == powertools.event_source_arn == BROKER
    assert ours.message_id == theirs.message_id
    assert ours.message_type == theirs.message_type == "jms/text-message"
    assert ours.text == theirs.decoded_data
    assert ours.json() == theirs.json_data == {"name": "Zoë"}
    assert ours.queue == theirs.destination_physicalname == "orders"
    assert ours.correlation_id == theirs.correlation_id == "c"
    assert ours.redelivered is theirs.redelivered is True
    assert ours.headers == ours.properties == theirs.properties == {"kind": "new", "n": 3}
    assert ours.timestamp == SENT
    assert theirs.timestamp == SENT.timestamp() * 1000
    assert (ours.virtual_host, ours.content_type) == (None, None)


def test_powertools_reads_an_event_of_rabbitmq_and_reads_the_same_as_we() -> None:
    headers = {"kind": "zoë", "raw": b"\x00\xff", "n": 3, "deep": {"list": ["a", 1]}}
    message = Message(
        data={"name": "Zoë"}, headers=headers, message_id="m", correlation_id="c", redelivered=True
    )

    raw = build("orders", [message], broker_kind="rabbitmq", virtual_host="/shop", time=SENT)

    event, powertools = MQEvent(raw), RabbitMQEvent(raw)
    ours, theirs = event[0], powertools.rmq_messages_by_queue["orders::/shop"][0]
    assert event.broker_arn == ours.broker_arn == powertools.event_source_arn == BROKER
    assert (ours.queue, ours.virtual_host) == ("orders", "/shop")
    assert ours.text == theirs.decoded_data
    assert ours.json() == theirs.json_data == {"name": "Zoë"}
    assert ours.message_id == theirs.basic_properties.message_id == "m"
    assert ours.correlation_id == theirs.basic_properties.correlation_id == "c"
    assert ours.content_type == theirs.basic_properties.content_type == "text/plain"
    assert ours.redelivered is theirs.redelivered is True
    assert ours.headers == headers
    assert bytes([one & 255 for one in theirs.basic_properties.headers["raw"]["bytes"]]) == b"\x00\xff"
    assert (ours.timestamp, theirs.basic_properties.timestamp) == (SENT, "Nov 24, 2026, 10:00:07 AM")
    assert ours.message_type is None


@pytest.mark.parametrize(
    ("text", "hour", "minute"),
    [
        pytest.param("Jan 1, 1970, 12:33:41 AM", 0, 33, id="after midnight"),
        pytest.param("Jan 1, 1970, 12:33:41 PM", 12, 33, id="after noon"),
        pytest.param("Jan 1, 1970, 11:05:41 PM", 23, 5, id="evening"),
        pytest.param("Jan 1, 1970, 9:05:41\u202fAM", 9, 5, id="with a later Java's narrow space"),
    ],
)
def test_a_time_of_rabbitmqs_is_read(text: str, hour: int, minute: int) -> None:
    record = MQRecord({"basicProperties": {"timestamp": text}, "data": ""}, {}, "q::/")

    assert record.timestamp == datetime.datetime(1970, 1, 1, hour, minute, 41, tzinfo=datetime.UTC)


@pytest.mark.parametrize("hour", range(24))
def test_every_hour_survives_the_way_through_our_builder(hour: int) -> None:
    time = SENT.replace(hour=hour)

    assert MQEvent(build(broker_kind="rabbitmq", time=time))[0].timestamp == time


def test_what_brokers_may_leave_out_is_none_or_empty() -> None:
    rabbit = MQRecord({"data": ""}, {}, "a::b::/")
    bare = MQRecord({"destination": {"physicalname": "orders"}, "data": ""}, {})

    for record in (rabbit, bare):
        assert (record.message_id, record.correlation_id, record.timestamp) == (None, None, None)
        assert (record.headers, record.redelivered, record.data) == ({}, False, b"")
    assert (rabbit.queue, rabbit.virtual_host) == ("a::b", "/")
    assert (bare.queue, bare.virtual_host) == ("orders", None)
    assert list(MQEvent({"rmqMessagesByQueue": {"q::/": []}})) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"queue": ""}, ["queue=''", "1,000"], id="no queue"),
        pytest.param({"queue": "q" * 1001}, ["1,000"], id="a long name"),
        pytest.param({"queue": BROKER}, ["the ARN is the broker's"], id="an ARN for the queue"),
        pytest.param({"broker": "demo"}, ["broker='demo'", "no ARN"], id="a broker's name"),
        pytest.param(
            {"broker": "arn:aws:mq:r:1:configuration:c-1"}, ["not the ARN of a broker"], id="an ARN"
        ),
        pytest.param({"broker": "arn:aws:kafka:r:1:cluster/a/b"}, ["kafka", "mq"], id="another service"),
        pytest.param({"credentials": "user:password"}, ["no ARN", "secretsmanager"], id="a password"),
        pytest.param({"virtual_host": ""}, ["virtual_host=''"], id="no virtual host"),
        pytest.param({"batch_size": 10_001}, ["1 to 10,000"], id="a large batch"),
        pytest.param({"maximum_batching_window_in_seconds": 301}, ["0 to 300"], id="a window"),
        pytest.param({"filters": {}}, ["filters={}"], id="no filters"),
    ],
)
def test_a_wrong_word_is_an_error_in_the_decorators_own_words(
    app: App, options: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(RegistrationError) as caught:
        app.on_mq_message(**{"queue": "orders", "broker": BROKER, **options})(lambda event: None)

    assert "on_mq_message(" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


RABBIT = {"broker_kind": "rabbitmq"}


@pytest.mark.parametrize(
    ("declared", "sent", "is_handled"),
    [
        pytest.param({}, {}, True, id="ActiveMQ"),
        pytest.param({}, {"queue": "orders2"}, False, id="another queue"),
        pytest.param({}, {"broker": BROKER.replace("demo", "other")}, False, id="another broker"),
        pytest.param({}, {"messages": []}, True, id="no messages"),
        pytest.param({}, RABBIT, True, id="RabbitMQ"),
        pytest.param({}, {**RABBIT, "virtual_host": "/shop"}, True, id="any virtual host"),
        pytest.param({"virtual_host": "/shop"}, {**RABBIT, "virtual_host": "/shop"}, True, id="virtual host"),
        pytest.param({"virtual_host": "/shop"}, RABBIT, False, id="another virtual host"),
        pytest.param({}, {**RABBIT, "queue": "orders2"}, False, id="another queue of RabbitMQ's"),
    ],
)
def test_a_queue_is_told_by_its_name_and_its_broker(
    app: App, declared: dict[str, Any], sent: dict[str, Any], is_handled: bool
) -> None:
    seen: list[int] = []
    app.on_mq_message("orders", broker=BROKER, name="handle", **declared)(
        lambda event: seen.append(len(event))
    )

    for run in (app, app.handler("handle")):
        if is_handled:
            run(build(**sent), None)
        else:
            with pytest.raises(UnknownEvent, match="'handle', @app.on_mq_message"):
                run(build(**sent), None)

    assert seen == ([len(sent.get("messages", "1"))] * 2 if is_handled else [])


def test_two_handlers_of_one_queue_are_refused(app: App) -> None:
    app.on_mq_message("orders", broker=BROKER, name="one", virtual_host="/a")(lambda event: None)
    app.on_mq_message("orders", broker=BROKER, name="two", virtual_host="/b")(lambda event: None)
    app.on_mq_message("orders", broker=BROKER.replace("demo", "other"), name="three")(lambda event: None)

    for host in ("/a", None):
        with pytest.raises(RegistrationError, match="would both get the messages of the queue 'orders'"):
            app.on_mq_message("orders", broker=BROKER, name="four", virtual_host=host)(lambda event: None)


@KINDS
def test_a_failing_message_fails_the_batch_after_all_had_their_turn(app: App, kind: str) -> None:
    handled: list[str] = []

    @app.on_mq_message("orders", broker=BROKER)
    def handle(record: MQRecord) -> None:
        handled.append(record.text)
        if record.text == "bad":
            raise LookupError("this message is bad")

    trigger: Any = app.handlers["handle"].trigger
    assert trigger.reports_failures is False
    with pytest.raises(LookupError, match="this message is bad"):
        app(build("orders", ["bad", "a"], broker_kind=kind), None)
    assert handled == ["bad", "a"]


def test_a_report_of_partial_failures_is_an_error(app: App) -> None:
    @app.on_mq_message("orders", broker=BROKER)
    def handle(event: MQEvent) -> Any:
        return {"batchItemFailures": [{"itemIdentifier": event[0].message_id}]}

    with pytest.raises(WrongAnswer, match="'handle' reported batchItemFailures, which Lambda does not read"):
        app(build("orders"), None)


@KINDS
def test_a_cloudevent_of_a_message(kind: str) -> None:
    event = MQEvent(build("orders", [Message(data={"n": 1}, message_id="m-1")], broker_kind=kind, time=SENT))

    assert event.to_cloudevent() == {
        "specversion": "1.0",
        "id": "m-1",
        "source": BROKER,
        "type": "com.amazonaws.mq.message",
        "subject": "orders",
        "time": "2026-11-24T10:00:07Z",
        "datacontenttype": "application/json",
        "data": {"n": 1},
    }


def test_a_message_without_an_id_has_the_same_cloudevent_at_every_delivery() -> None:
    first = build("orders", ["a"], broker_kind="rabbitmq", time=SENT)
    again = build("orders", [Message(data="a", redelivered=True)], broker_kind="rabbitmq", time=SENT)
    other = build("orders", ["b"], broker_kind="rabbitmq", time=SENT)

    one, two, three = (MQEvent(raw).to_cloudevent()["id"] for raw in (first, again, other))

    assert one == two != three


def test_the_builder_refuses_another_broker() -> None:
    with pytest.raises(ValueError, match="broker_kind='kafka' is none of activemq, rabbitmq"):
        build(broker_kind="kafka")


def test_what_a_record_is_called_in_a_log_holds_nothing_of_its_data() -> None:
    event = MQEvent(build("orders", [Message(data="s3cret", message_id="m-1")]))
    nameless = MQEvent(build("orders", ["s3cret"], broker_kind="rabbitmq"))

    assert (str(event), str(event[0])) == ("<MQEvent of 1 record>", "<MQRecord 'm-1' of 'orders'>")
    assert str(nameless[0]) == "<MQRecord of 'orders'>"
