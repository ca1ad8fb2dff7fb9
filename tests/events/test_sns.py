"""`@app.on_sns_message`: the declaration, the event, the filter policy, notifications in messages of SQS."""

from __future__ import annotations

import datetime
import json
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.data_classes import SNSEvent as PowertoolsEvent
from aws_lambda_powertools.utilities.data_classes import SQSEvent as PowertoolsQueue
from moto import mock_aws

from microlambda import App, RegistrationError, SNSEvent, SNSRecord, SQSEvent, UnknownEvent
from microlambda.emulator.events.sns import build
from microlambda.emulator.events.sqs import build as build_sqs

SENT = datetime.datetime(2026, 11, 24, 10, 0, 0, 123_000, tzinfo=datetime.UTC)
NEWS = "arn:aws:sns:us-east-1:123456789012:news"


@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "inferred"])
def test_the_handler_gets_the_notification(app: App, is_bound: bool) -> None:
    seen: list[Any] = []

    @app.on_sns_message(topic="news")
    def handle(event: SNSEvent) -> None:
        seen.extend((record.message, record.subject) for record in event)
        seen.append((event.message, event.subject))

    (app.handler("handle") if is_bound else app)(build("news", "hello", subject="today"), None)

    assert seen == [("hello", "today")] * 2


def test_powertools_reads_the_event_and_reads_the_same_as_we() -> None:
    attributes = {
        "kind": "néw",
        "count": 3,
        "weight": 1.5,
        "digest": b"\x00\xff",
        "tags": ["a", 1, None, True],
    }

    raw = build(NEWS, {"id": 7, "name": "Zoë"}, subject="today", attributes=attributes, time=SENT)

    (ours,), theirs = SNSEvent(raw), PowertoolsEvent(raw).record
    assert ours.message == theirs.sns.message
    assert ours.json() == {"id": 7, "name": "Zoë"}
    assert ours.subject == theirs.sns.subject == "today"
    assert ours.message_id == theirs.sns.message_id
    assert ours.topic_arn == theirs.sns.topic_arn == NEWS
    assert ours.topic == "news"
    assert (ours.timestamp, theirs.sns.timestamp) == (SENT, "2026-11-24T10:00:00.123Z")
    assert ours.subscription_arn == theirs.event_subscription_arn
    assert ours.message_attributes == attributes
    assert {name: one.get_type for name, one in theirs.sns.message_attributes.items()} == {
        "kind": "String",
        "count": "Number",
        "weight": "Number",
        "digest": "Binary",
        "tags": "String.Array",
    }
    assert theirs.sns.message_attributes["kind"].value == "néw"
    assert theirs.sns.signing_cert_url.startswith("https://sns.us-east-1.")
    assert theirs.sns.get_type == "Notification"


def test_what_aws_may_leave_out_is_none_or_empty() -> None:
    raw = build("news")
    sns = raw["Records"][0]["Sns"]
    del sns["Subject"], sns["MessageAttributes"], raw["Records"][0]["EventSubscriptionArn"]

    record = SNSEvent(raw)[0]

    assert (record.subject, record.message_attributes, record.subscription_arn) == (None, {}, None)
    assert record.to_cloudevent()["source"] == record.topic_arn


def test_an_attribute_that_is_not_what_its_type_says_stays_text() -> None:
    raw = build("news", attributes={"tags": "a, b", "count": "many"})
    attributes = raw["Records"][0]["Sns"]["MessageAttributes"]
    attributes["tags"]["Type"], attributes["count"]["Type"] = "String.Array", "Number"

    assert SNSEvent(raw)[0].message_attributes == {"tags": "a, b", "count": "many"}


def test_an_event_of_two_records_has_no_message_of_its_own() -> None:
    raw = build("news")
    raw["Records"] *= 2

    with pytest.raises(ValueError, match="2 records, and was asked for message"):
        _ = SNSEvent(raw).message


def test_a_cloudevent_is_as_the_adapter_of_cloudevents_says() -> None:
    raw = build("news", "hello", subject="today", time=SENT)
    record = raw["Records"][0]

    assert SNSEvent(raw).to_cloudevent() == {
        "specversion": "1.0",
        "id": record["Sns"]["MessageId"],
        "source": record["EventSubscriptionArn"],
        "type": "com.amazonaws.sns.Notification",
        "subject": "today",
        "time": "2026-11-24T10:00:00.123000Z",
        "datacontenttype": "application/json",
        "data": record["Sns"],
    }


def test_what_a_record_is_called_in_a_log_holds_nothing_of_its_message() -> None:
    event = SNSEvent(build("news", "s3cret", subject="s3cret"))

    assert str(event) == "<SNSEvent of 1 record>"
    assert str(event[0]) == f"<SNSRecord {event[0].message_id!r} of 'news'>"


# The declaration -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"topic": None}, ["topic=None", "'news'"], id="no topic"),
        pytest.param({"topic": "https://example.com/news"}, ["URL", "'news'"], id="a URL"),
        pytest.param({"topic": "arn:aws:sqs:eu-west-1:1:news"}, ["sqs", "sns"], id="another service's ARN"),
        pytest.param({"topic": f"{NEWS}:6a4c"}, ["subscription's ARN", repr(NEWS)], id="a subscription"),
        pytest.param({"topic": "the news"}, ["256 letters"], id="no topic's name"),
        pytest.param({"topic": "n" * 257}, ["256 letters"], id="too long a name"),
        pytest.param({"topic": "news.fifo"}, ["queues alone", "on_sqs_message"], id="a FIFO topic"),
        pytest.param({"topic": f"{NEWS}.fifo"}, ["queues alone"], id="a FIFO topic's ARN"),
        pytest.param({"filter_scope": "MessageBodies"}, ["Did you mean 'MessageBody'"], id="another scope"),
        pytest.param({"filter_policy": {}}, ["filter_policy={}", "leave it out"], id="an empty policy"),
        pytest.param({"filter_policy": {"kind": "new"}}, ["stand in a list", "['new']"], id="no list"),
        pytest.param({"maximum_age": 5}, ["maximum_age=5", "60 to 21,600"], id="an age"),
        pytest.param({"on_failure": "failed"}, ["on_failure='failed'", "no ARN"], id="a destination"),
        pytest.param({"per_record": "no"}, ["per_record='no'"], id="no bool"),
    ],
)
def test_a_wrong_word_is_an_error_in_the_decorators_own_words(
    app: App, options: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(RegistrationError) as caught:
        app.on_sns_message(**{"topic": "news", **options})(lambda event: None)

    assert "on_sns_message(" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


NEW: dict[str, Any] = {"filter_policy": {"kind": ["new"]}}


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        pytest.param({}, {}, "the notifications of the topic 'news'", id="both without"),
        pytest.param({}, {"topic": NEWS}, "the notifications of the topic 'news'", id="by its ARN"),
        pytest.param(NEW, NEW, "the same notifications of the topic 'news'", id="equal policies"),
        pytest.param(NEW, {}, None, id="one without"),
        pytest.param(NEW, {"filter_policy": {"kind": ["old"]}}, None, id="other policies"),
        pytest.param(NEW, {**NEW, "filter_scope": "MessageBody"}, None, id="of another scope"),
        pytest.param({}, {"filter_scope": "MessageBody"}, "the notifications", id="a scope of nothing"),
        pytest.param({"topic": NEWS}, {"topic": NEWS.replace("us-", "eu-")}, None, id="another region"),
        pytest.param({}, {"topic": "olds"}, None, id="another topic"),
    ],
)
def test_two_handlers_of_the_same_notifications_are_refused(
    app: App, first: dict[str, Any], second: dict[str, Any], shared: str | None
) -> None:
    app.on_sns_message(**{"topic": "news", **first}, name="first")(lambda event: None)
    declare = app.on_sns_message(**{"topic": "news", **second}, name="second")

    if shared is None:
        declare(lambda event: None)
        assert set(app.handlers) == {"first", "second"}
    else:
        with pytest.raises(RegistrationError, match=f"would both get {shared}"):
            declare(lambda event: None)


@pytest.mark.parametrize(
    ("event", "name"),
    [
        pytest.param(build("news", attributes={"kind": "new"}), "new", id="by an attribute"),
        pytest.param(build("news", attributes={"kind": ["x", "old"]}), "old", id="by one of several"),
        pytest.param(build("news", {"order": {"total": 120}}), "large", id="by the body"),
        pytest.param(build(NEWS.replace("news", "olds")), "olds", id="by the topic"),
        pytest.param(build("news", {"order": {"total": 7}}), None, id="no match in the body"),
        pytest.param(build("news", "hello"), None, id="a body that is no JSON"),
        pytest.param(build("news", "[]"), None, id="a body that is no object"),
        pytest.param(build("weather"), None, id="another topic"),
        pytest.param({"Records": [{"EventSource": "aws:sns"}]}, None, id="broken"),
    ],
)
def test_bound_and_inferred_handlers_take_the_same_events(
    app: App, event: dict[str, Any], name: str | None
) -> None:
    large = {"order": {"total": [{"numeric": [">=", 100]}]}}
    app.on_sns_message("news", filter_policy={"kind": ["new"]}, name="new")(lambda event: None)
    app.on_sns_message("news", filter_policy={"kind": [{"prefix": "ol"}]}, name="old")(lambda event: None)
    app.on_sns_message(NEWS, filter_policy=large, filter_scope="MessageBody", name="large")(
        lambda event: None
    )
    app.on_sns_message("olds", name="olds")(lambda event: None)

    for one in app.handlers:
        if one == name:
            assert app.handler(one)(event, None) is None
        else:
            with pytest.raises(UnknownEvent, match=r"@app.on_sns_message\(topic='"):
                app.handler(one)(event, None)
    if name is None:
        with pytest.raises(UnknownEvent, match="'new'.*'olds'"):
            app(event, None)
    else:
        assert app(event, None) is None


def test_an_error_tells_what_is_declared(app: App) -> None:
    app.on_sns_message("news", **NEW, filter_scope="MessageBody", name="handle")(lambda event: None)

    with pytest.raises(UnknownEvent) as caught:
        app(build("weather"), None)

    declared = (
        "@app.on_sns_message(topic='news', filter_policy={'kind': ['new']}, filter_scope='MessageBody')"
    )
    assert declared in str(caught.value)
    assert "weather" in str(caught.value)


@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "inferred"])
def test_the_error_of_a_handler_of_records_fails_the_invocation(app: App, is_bound: bool) -> None:
    @app.on_sns_message(topic="news")
    def handle(record: SNSRecord) -> None:
        raise LookupError(record.subject)

    with pytest.raises(LookupError, match="today"):
        (app.handler("handle") if is_bound else app)(build("news", subject="today"), None)


def test_notifications_are_invocations_that_lambda_tries_again(app: App) -> None:
    failed = "arn:aws:sqs:eu-west-1:123456789012:failed"
    app.on_sns_message("news", retries=0, dead_letter_queue=failed, name="handle")(lambda event: None)

    options = app.handlers["handle"].trigger.asynchronous

    assert (options.retries, options.dead_letter_queue, options.on_failure) == (0, failed, None)


# In messages of SQS ----------------------------------------------------------------------------------


@pytest.fixture
def delivered() -> str:
    """The body of a queue's message that a topic delivers, as moto has it."""
    with mock_aws():
        sns, sqs = boto3.client("sns", "us-east-1"), boto3.client("sqs", "us-east-1")
        topic = sns.create_topic(Name="news")["TopicArn"]
        url = sqs.create_queue(QueueName="orders")["QueueUrl"]
        arn = "arn:aws:sqs:us-east-1:123456789012:orders"
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        sns.publish(
            TopicArn=topic,
            Message=json.dumps({"name": "Zoë"}),
            Subject="today",
            MessageAttributes={
                "kind": {"DataType": "String", "StringValue": "new"},
                "tags": {"DataType": "String.Array", "StringValue": '["a", "b"]'},
                "digest": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
            },
        )
        body: str = sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"]
        return body


def test_the_notification_in_a_message_of_a_queue(delivered: str) -> None:
    raw = build_sqs("orders", [delivered])

    ours = SQSEvent(raw)[0].sns()

    theirs = next(PowertoolsQueue(raw).records).decoded_nested_sns_event
    assert isinstance(ours, SNSRecord)
    assert (ours.message, ours.json()) == (theirs.message, {"name": "Zoë"})
    assert ours.subject == theirs.subject == "today"
    assert ours.message_id == theirs.message_id
    assert ours.topic_arn == theirs.topic_arn == NEWS
    assert ours.message_attributes == {"kind": "new", "tags": ["a", "b"], "digest": b"\x00\xff"}
    assert theirs.message_attributes["kind"].value == "new"
    assert ours.timestamp.utcoffset() == datetime.timedelta(0)
    assert ours.timestamp.isoformat()[:19] == theirs.timestamp[:19]
    assert ours.subscription_arn is None
    assert ours.to_cloudevent()["source"] == NEWS


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("{}", id="an empty dict"),
        pytest.param("[]", id="a list"),
        pytest.param('{"Type": "Notification"}', id="without its topic"),
        pytest.param('{"Type": "SubscriptionConfirmation", "TopicArn": "arn"}', id="another type"),
    ],
)
def test_another_body_is_an_error_that_names_the_message(body: str) -> None:
    record = SQSEvent(build_sqs("orders", [body]))[0]

    with pytest.raises(ValueError, match=f"<SQSRecord '{record.message_id}' of 'orders'>"):
        record.sns()
