"""The test client sends events of every source: true events, through the dispatcher, failures parsed."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from microlambda import App, Blueprint, SQSRecord, UnknownEvent, WebSocketDisconnected
from microlambda.testing import Message
from microlambda.testing.client import TestClient
from microlambda.testing.websocket_session import WebSocketRefused

Send = Callable[[TestClient], Any]

MOMENT = datetime.datetime(2026, 11, 24, 10, tzinfo=datetime.UTC)
MSK = "arn:aws:kafka:us-east-1:123456789012:cluster/logs/6cc0432b-8618-4f44-bccc-e1fbd8fb7c4d-2"
BROKER = "arn:aws:mq:us-east-1:123456789012:broker:shop:b-9bcfa592-423a-4942-879d-eb284b418fc8"
CLUSTER = "arn:aws:rds:us-east-1:123456789012:cluster:docs"

#: The decorator with its words, what the client sends, what the handler reads of it, and what that is.
SOURCES: list[tuple[str, dict[str, Any], Send, Callable[[Any], Any], Any]] = [
    (
        *("on_s3_event", {"bucket": "photos"}),
        lambda client: client.s3("photos", "a b.jpg", body=b"123"),
        lambda event: [(record.bucket, record.key, record.size) for record in event],
        [("photos", "a b.jpg", 3)],
    ),
    (
        *("on_s3_event", {"bucket": "photos", "through": "eventbridge"}),
        lambda client: client.s3("photos", "a b.jpg", body=b"123"),
        lambda event: [(record.bucket, record.key, record.size) for record in event],
        [("photos", "a b.jpg", 3)],
    ),
    (
        *("on_sqs_message", {"queue": "orders"}),
        lambda client: client.sqs("orders", ["a", {"b": 1}, Message(body="c", attributes={"kind": "new"})]),
        lambda event: [(record.body, record.message_attributes) for record in event],
        [("a", {}), ('{"b":1}', {}), ("c", {"kind": "new"})],
    ),
    (
        *("on_sns_message", {"topic": "news"}),
        lambda client: client.sns("news", "hello", subject="today"),
        lambda event: [(record.message, record.subject) for record in event],
        [("hello", "today")],
    ),
    (
        *("on_dynamodb_record", {"table": "orders"}),
        lambda client: client.dynamodb("orders", {"id": 7, "tags": {"a"}}),
        lambda event: [(record.event_name, record.new_image, record.old_image) for record in event],
        [("INSERT", {"id": 7, "tags": {"a"}}, None)],
    ),
    (
        *("on_kinesis_record", {"stream": "clicks"}),
        lambda client: client.kinesis("clicks", [b"\xff", {"page": "/"}]),
        lambda event: [record.data for record in event],
        [b"\xff", b'{"page":"/"}'],
    ),
    (
        *("on_kafka_record", {"topic": "logs", "cluster": MSK}),
        lambda client: client.kafka("logs", ["a", "b"], cluster=MSK),
        lambda event: [(record.topic, record.value) for record in event],
        [("logs", b"a"), ("logs", b"b")],
    ),
    (
        *("on_mq_message", {"queue": "orders", "broker": BROKER}),
        lambda client: client.mq("orders", ["a"], broker=BROKER),
        lambda event: [(record.queue, record.data) for record in event],
        [("orders", b"a")],
    ),
    (
        *("on_documentdb_change", {"database": "shop", "cluster": CLUSTER}),
        lambda client: client.documentdb("shop", "orders", {"id": 7}, cluster=CLUSTER),
        lambda event: [(record.collection, record.full_document["id"]) for record in event],
        [("orders", 7)],
    ),
    (
        *("on_event", {"event_pattern": {"source": ["shop"]}}),
        lambda client: client.eventbridge("shop", "Sold", {"id": 7}),
        lambda event: (event.source, event.detail_type, event.detail),
        ("shop", "Sold", {"id": 7}),
    ),
    (
        *("schedule", {"expression": "rate(1 day)", "input": {"full": True}}),
        lambda client: client.schedule("handle", at=MOMENT),
        lambda event: (event.name, event.time, event.input),
        ("handle", MOMENT, {"full": True}),
    ),
    (
        *("on_log_events", {"log_group": "/aws/lambda/shop"}),
        lambda client: client.logs("/aws/lambda/shop", ["one", "two"]),
        lambda event: (event.log_group, [record.message for record in event]),
        ("/aws/lambda/shop", ["one", "two"]),
    ),
    (
        *("on_alarm", {"alarm": "errors"}),
        lambda client: client.alarm("errors"),
        lambda event: (event.name, event.state),
        ("errors", "ALARM"),
    ),
    (
        *("on_email", {"recipients": "shop.example"}),
        lambda client: client.email("ann@example.com", ["orders@shop.example"], "Hello"),
        lambda event: [(record.sender, record.recipients, record.subject) for record in event],
        [("ann@example.com", ["orders@shop.example"], "Hello")],
    ),
    (
        *("on_iot_message", {"topic": "sensors/+/temperature"}),
        lambda client: client.iot("sensors/7/temperature", {"celsius": 21.5}),
        lambda event: (event.topic, event.json()),
        ("sensors/7/temperature", {"celsius": 21.5}),
    ),
]


@pytest.mark.parametrize(
    ("decorator", "words", "send", "read", "expected"),
    [pytest.param(*case, id=f"{case[0]} {case[1].get('through', '')}".strip()) for case in SOURCES],
)
def test_each_source(
    app: App, decorator: str, words: dict[str, Any], send: Send, read: Callable[[Any], Any], expected: Any
) -> None:
    seen: list[Any] = []

    @getattr(app, decorator)(**words)  # type: ignore[untyped-decorator]
    def handle(event: Any) -> None:
        seen.append(read(event))

    result = send(app.test_client())

    assert seen == [expected]
    assert (result.is_success, result.failures, result.filtered) == (True, [], ())


def test_what_is_answered_comes_back(app: App) -> None:
    @app.on_cognito("PreSignUp")
    def welcome(event: Any) -> Any:
        event.response["autoConfirmUser"] = True
        return event

    @app.on_firehose_records("clicks", per_record=True)
    def cleaned(record: Any) -> Any:
        return record.json()["page"]

    client = app.test_client()

    assert client.cognito("PreSignUp").result["response"]["autoConfirmUser"] is True
    (record,) = client.firehose("clicks", [{"page": "/"}]).result["records"]
    assert (record["result"], record["data"]) == ("Ok", "Lw==")


def test_failures_are_parsed(app: App) -> None:
    @app.on_sqs_message(queue="orders")
    def handle(record: SQSRecord) -> None:
        if record.body == "bad":
            raise LookupError

    result = app.test_client().sqs("orders", ["a", "bad", "b"])

    assert result.failures == [result.failed_records[0]["messageId"]]
    assert [record["body"] for record in result.failed_records] == ["bad"]
    assert not result.is_success


def test_an_error_reaches_the_test_or_is_the_results(app: App) -> None:
    @app.on_sqs_message(queue="orders")
    def handle(event: Any) -> None:
        raise LookupError("nothing")

    with pytest.raises(LookupError, match="nothing"):
        app.test_client().sqs("orders", ["a"])
    result = app.test_client(raise_errors=False).sqs("orders", ["a"])

    assert isinstance(result.error, LookupError)
    assert not result.is_success


def test_an_event_for_nobody_is_an_error(app: App) -> None:
    app.on_s3_event(bucket="photos", suffix=".jpg", name="handle")(lambda event: None)

    with pytest.raises(UnknownEvent, match=r"suffix=.*\.jpg"):
        app.test_client().s3("photos", "a.png")


def test_the_handler_changes_nothing_of_the_tests_event(app: App) -> None:
    @app.on(lambda event: True)
    def handle(event: Any) -> None:
        event.raw["list"].append(1)

    event: dict[str, list[int]] = {"list": []}
    app.test_client().send_event(event)

    assert event == {"list": []}


def test_a_handler_by_its_name(app: App) -> None:
    shop = Blueprint("sales")

    @shop.lambda_function()
    def nightly(event: Any, context: Any) -> Any:
        return {"got": event, "function": context.function_name, "id": context.aws_request_id}

    app.register_blueprint(shop)

    result = app.test_client().invoke("sales.nightly", {"a": 1})

    expected = {"got": {"a": 1}, "function": "shop-local-sales.nightly", "id": result.request_id}
    assert result.result == expected


# Filters ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("decorator", "words", "send", "kept", "filtered"),
    [
        pytest.param(
            *("on_sqs_message", {"queue": "q", "filters": [{"body": {"kind": ["new"]}}]}),
            lambda client: client.sqs("q", [{"kind": "new"}, {"kind": "old"}, "text"]),
            *(1, 2),
            id="SQS: JSON in the body",
        ),
        pytest.param(
            *("on_sqs_message", {"queue": "q", "filters": [{"body": ["text"]}]}),
            lambda client: client.sqs("q", ["text", "other"]),
            *(1, 1),
            id="SQS: text in the body",
        ),
        pytest.param(
            *("on_kinesis_record", {"stream": "s", "filters": [{"data": {"kind": ["new"]}}]}),
            lambda client: client.kinesis("s", [{"kind": "new"}, {"kind": "old"}, b"\xff"]),
            *(1, 2),
            id="Kinesis",
        ),
        pytest.param(
            *("on_dynamodb_record", {"table": "orders", "filters": [{"eventName": ["INSERT"]}]}),
            lambda client: client.dynamodb("orders", {"id": 1}),
            *(1, 0),
            id="DynamoDB",
        ),
        pytest.param(
            *(
                "on_kafka_record",
                {"topic": "logs", "cluster": MSK, "filters": [{"value": {"kind": ["new"]}}]},
            ),
            lambda client: client.kafka("logs", [{"kind": "new"}, {"kind": "old"}], cluster=MSK),
            *(1, 1),
            id="Kafka",
        ),
        pytest.param(
            *("on_mq_message", {"queue": "q", "broker": BROKER, "filters": [{"data": {"kind": ["new"]}}]}),
            lambda client: client.mq("q", [{"kind": "new"}, {"kind": "old"}], broker=BROKER),
            *(1, 1),
            id="MQ",
        ),
    ],
)
def test_filters_keep_back_what_does_not_match(
    app: App, decorator: str, words: dict[str, Any], send: Send, kept: int, filtered: int
) -> None:
    seen: list[int] = []

    @getattr(app, decorator)(**words)  # type: ignore[untyped-decorator]
    def handle(event: Any) -> None:
        seen.append(len(list(event)))

    result = send(app.test_client())

    assert (seen, len(result.filtered)) == ([kept], filtered)


def test_where_every_record_is_kept_back_the_handler_is_not_called(app: App) -> None:
    @app.on_sqs_message(queue="q", filters=[{"body": {"kind": ["new"]}}])
    def handle(event: Any) -> None:
        raise AssertionError

    result = app.test_client().sqs("q", ["text"])

    assert (result.event, len(result.filtered), result.is_success) == (None, 1, True)


# WebSockets ------------------------------------------------------------------------------------------


@pytest.fixture
def echo(app: App) -> App:
    @app.on_ws_message()
    def said(event: Any) -> None:
        app.websocket.send(event.connection_id, event.body)

    @app.on_ws_message("close")
    def close(event: Any) -> None:
        app.websocket.close(event.connection_id)

    return app


@pytest.mark.parametrize("message", ["hello", {"a": [1]}, b"\xff\x00", "[1]", "ü", ""], ids=repr)
def test_messages_come_back_as_they_were_sent(echo: App, message: Any) -> None:
    with echo.test_client().websocket() as socket:
        socket.send(message)

        assert socket.receive() == ([1] if message == "[1]" else message)
        assert socket.pending == 0
        with pytest.raises(LookupError):
            socket.receive()


def test_the_app_ends_a_connection(echo: App) -> None:
    ended: list[str] = []
    echo.on_ws_disconnect(name="gone")(lambda event: ended.append(event.connection_id))
    client = echo.test_client()

    with client.websocket() as socket:
        socket.send({"action": "close"})

        assert (socket.is_open, ended) == (False, [socket.connection_id])
        with pytest.raises(ValueError, match="closed"):
            socket.send("x")
        with pytest.raises(WebSocketDisconnected):
            echo.websocket.send(socket.connection_id, "x")
    assert len(ended) == 1


def test_what_is_known_of_a_connection(echo: App) -> None:
    with echo.test_client().websocket(headers={"User-Agent": "probe/1"}) as socket:
        info = echo.websocket.info(socket.connection_id)

    assert (info["user_agent"], info["connected_at"]) == ("probe/1", socket.connected_at)


def test_a_connection_without_handlers_for_it(app: App) -> None:
    with pytest.raises(LookupError, match="no handler of WebSocket events"):
        app.test_client().websocket()
    app.on_ws_connect(name="connect")(lambda event: None)

    with app.test_client().websocket() as socket, pytest.raises(LookupError, match="on_ws_message"):
        socket.send("x")


def test_a_handshake_refused_in_lambdas_own_form_is_refused(app: App) -> None:
    app.on_ws_connect(name="connect")(lambda event: {"statusCode": 401})

    with pytest.raises(WebSocketRefused, match="401"):
        app.test_client().websocket()


# What the client completes, and what it refuses -------------------------------------------------------


def test_what_a_handler_declares_beside_its_name_is_added(app: App) -> None:
    seen: list[str] = []
    away = "arn:aws:{}:eu-west-1:999999999999:{}"
    app.on_sqs_message(away.format("sqs", "orders"), name="sqs")(
        lambda event: seen.append(event[0].queue_arn)
    )
    app.on_kinesis_record(away.format("kinesis", "stream/clicks"), name="kinesis")(
        lambda event: seen.append(event[0].stream_arn)
    )
    app.on_kafka_record("logs", cluster=MSK, name="kafka")(lambda event: seen.append(event.cluster_arn))
    app.on_mq_message("orders", broker=BROKER, name="mq")(lambda event: seen.append(event.broker_arn))
    app.on_documentdb_change("shop", cluster=CLUSTER, name="docs")(
        lambda event: seen.append(event[0].cluster_arn)
    )
    client = app.test_client()

    client.sqs("orders", ["a"])
    client.kinesis("clicks", ["a"])
    client.kafka("logs", ["a"])
    client.mq("orders", ["a"])
    client.documentdb("shop", "orders", {"id": 7})

    names = [away.format("sqs", "orders"), away.format("kinesis", "stream/clicks"), MSK, BROKER, CLUSTER]
    assert seen == names


@pytest.mark.parametrize("messages", ["abc", b"abc", {"id": 7}, []], ids=repr)
def test_one_message_where_several_are_due_is_refused(app: App, messages: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"sqs\(messages="):
        app.test_client().sqs("orders", messages)


@pytest.mark.parametrize(
    ("decorator", "words", "send", "failed"),
    [
        pytest.param(
            *("on_sqs_message", {"queue": "q.fifo"}), lambda client: client.sqs("q.fifo", "a bad b".split()),
            ["bad", "b"], id="FIFO",
        ),
        pytest.param(
            *("on_kinesis_record", {"stream": "clicks"}),
            lambda client: client.kinesis("clicks", "a bad b bad".split()), ["YmFk"], id="Kinesis",
        ),
        pytest.param(
            *("on_kafka_record", {"topic": "logs", "cluster": MSK, "provisioned_pollers": (1, 2)}),
            lambda client: client.kafka("logs", "a bad b bad".split()), ["YmFk"], id="Kafka",
        ),
    ],
)  # fmt: skip
def test_failures_of_each_kind_of_source_are_parsed(
    app: App, decorator: str, words: dict[str, Any], send: Send, failed: list[str]
) -> None:
    @getattr(app, decorator)(**words, per_record=True)  # type: ignore[untyped-decorator]
    def handle(record: Any) -> None:
        if (record.body if decorator == "on_sqs_message" else record.text) == "bad":
            raise LookupError

    result = send(app.test_client())

    sent = [one.get("body") or one.get("value") or one["kinesis"]["data"] for one in result.failed_records]
    assert sent == failed
    assert len(result.failures) == len(failed)
