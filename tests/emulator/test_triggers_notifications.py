"""Topics and buckets of the embedded cloud call functions, through boto3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import S3Event, S3EventBridgeNotificationEvent, SNSEvent

from .accounts import REGION
from .traces import Shop, open_shop

pytest.importorskip("moto.server")


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


def topic(shop: Shop, name: str) -> str:
    arn: str = shop.cloud.client("sns").create_topic(Name=name)["TopicArn"]
    return arn


def subscribed(shop: Shop, name: str, topic: str, **attributes: str) -> str:
    answer = shop.cloud.client("sns").subscribe(
        TopicArn=topic,
        Protocol="lambda",
        Endpoint=shop.arn(name),
        Attributes=attributes,
        ReturnSubscriptionArn=True,
    )
    return str(answer["SubscriptionArn"])


def bucket(shop: Shop, name: str) -> str:
    place = {"LocationConstraint": REGION}
    shop.cloud.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=place)
    return f"arn:aws:s3:::{name}"


def notified(shop: Shop, name: str, bucket: str, *events: str, prefix: str = "", suffix: str = "") -> None:
    rules = [{"Name": "prefix", "Value": prefix}, {"Name": "suffix", "Value": suffix}]
    told: dict[str, Any] = {
        "Id": "ours",
        "LambdaFunctionArn": shop.arn(name),
        "Events": list(events),
        "Filter": {"Key": {"FilterRules": [one for one in rules if one["Value"]]}},
    }
    if not told["Filter"]["Key"]["FilterRules"]:
        del told["Filter"]
    shop.cloud.client("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [told]}
    )


# Topics ----------------------------------------------------------------------------------------------


def test_a_notification_reaches_the_function_as_sns_writes_it(shop: Shop) -> None:
    name, arn = shop.tracing(), topic(shop, "news")
    shop.allow(name, "sns", arn)
    subscription = subscribed(shop, name, arn)

    sent = shop.cloud.client("sns").publish(
        TopicArn=arn,
        Message="héllo",
        Subject="greeting",
        MessageAttributes={
            "kind": {"DataType": "String", "StringValue": "new"},
            "count": {"DataType": "Number", "StringValue": "7"},
            "tags": {"DataType": "String.Array", "StringValue": '["a","b"]'},
            "raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        },
    )

    (record,) = SNSEvent(shop.traces.next(name)).records
    assert record.event_subscription_arn == subscription
    assert (record.sns.message, record.sns.subject) == ("héllo", "greeting")
    assert (record.sns.message_id, record.sns.topic_arn) == (sent["MessageId"], arn)
    attributes = record.sns.message_attributes
    assert {key: (one.get_type, one.value) for key, one in attributes.items()} == {
        "kind": ("String", "new"),
        "count": ("Number", "7"),
        "tags": ("String.Array", '["a","b"]'),
        "raw": ("Binary", "AP8="),
    }


@pytest.mark.parametrize("scope", ["MessageAttributes", "MessageBody"])
@pytest.mark.parametrize("order", ["at once", "policy first", "scope first"])
def test_a_filter_policy_keeps_notifications_back(shop: Shop, scope: str, order: str) -> None:
    name, sns = shop.tracing(), shop.cloud.client("sns")
    arn = topic(shop, f"filtered-{scope}-{order.replace(' ', '-')}")
    shop.allow(name, "sns", arn)
    policy = json.dumps({"kind": ["new"], "count": [{"numeric": [">", 5]}]})
    attributes = {"FilterPolicyScope": scope, "FilterPolicy": policy}
    if order == "at once":
        subscribed(shop, name, arn, **attributes)
    else:
        subscription = subscribed(shop, name, arn)
        for key in sorted(attributes, reverse=order == "scope first"):
            sns.set_subscription_attributes(
                SubscriptionArn=subscription, AttributeName=key, AttributeValue=attributes[key]
            )
    for kind, count in (("old", 9), ("new", 1), ("new", 9)):
        sns.publish(
            TopicArn=arn,
            Message=json.dumps({"kind": kind, "count": count}),
            MessageAttributes={
                "kind": {"DataType": "String", "StringValue": kind},
                "count": {"DataType": "Number", "StringValue": str(count)},
            },
        )

    (record,) = SNSEvent(shop.traces.next(name)).records
    assert json.loads(record.sns.message) == {"kind": "new", "count": 9}


def test_a_batch_and_a_message_for_each_protocol_are_delivered(shop: Shop) -> None:
    name, arn, sns = shop.tracing(), topic(shop, "batched"), shop.cloud.client("sns")
    shop.allow(name, "sns", arn)
    subscribed(shop, name, arn)

    sns.publish_batch(TopicArn=arn, PublishBatchRequestEntries=[{"Id": "1", "Message": "one"}])
    message = json.dumps({"default": "for all", "lambda": "for functions"})
    sns.publish(TopicArn=arn, Message=message, MessageStructure="json")

    events = [SNSEvent(shop.traces.next(name)) for _ in range(2)]
    assert {one.sns_message for one in events} == {"one", "for functions"}


def test_a_topic_that_may_not_call_is_told_what_is_missing(shop: Shop) -> None:
    name, arn, sns = shop.tracing(), topic(shop, "refused"), shop.cloud.client("sns")
    shop.allow(name, "sns", arn + "-other")
    subscribed(shop, name, arn)

    sns.publish(TopicArn=arn, Message="lost")
    sns.publish(TopicArn=arn, Message="lost, too")
    shop.allow(name, "sns", arn)
    sns.publish(TopicArn=arn, Message="heard")

    assert SNSEvent(shop.traces.next(name)).sns_message == "heard"
    told = [line for line in shop.said if arn in line]
    assert told == [
        f"{arn} may not call {shop.arn(name)}: no statement of the function's policy allows "
        "sns.amazonaws.com lambda:InvokeFunction for it. Add one: aws lambda add-permission"
    ]


@pytest.mark.parametrize(
    ("wanted", "yes", "no"),
    [
        pytest.param([{"cidr": "10.0.0.0/24"}], "10.0.0.7", "10.0.1.7", id="cidr"),
        pytest.param([{"wildcard": "a*c"}], "abc", "abd", id="wildcard"),
        pytest.param([{"anything-but": {"wildcard": "a*"}}], "b", "ab", id="but wildcard"),
        pytest.param([{"suffix": ".png"}], "a.png", "a.jpg", id="suffix"),
    ],
)
def test_every_operator_of_filter_policies_is_known_for_functions_and_queues(
    shop: Shop, wanted: list[Any], yes: str, no: str, request: pytest.FixtureRequest
) -> None:
    called = request.node.callspec.id.replace(" ", "-")
    name, arn, (url, queue), sns = (
        shop.tracing(),
        topic(shop, called),
        shop.queue(called),
        shop.cloud.client("sns"),
    )
    shop.allow(name, "sns", arn)
    policy = json.dumps({"x": wanted})
    subscribed(shop, name, arn, FilterPolicy=policy)
    attributes = {"FilterPolicy": policy, "RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue, Attributes=attributes)

    for value in (no, yes):
        sent = {"x": {"DataType": "String", "StringValue": value}}
        sns.publish(TopicArn=arn, Message=value, MessageAttributes=sent)

    assert SNSEvent(shop.traces.next(name)).sns_message == yes
    assert shop.received(url)["Body"] == yes


def test_a_policy_that_sns_refuses_is_refused(shop: Shop) -> None:
    sns = shop.cloud.client("sns")

    with pytest.raises(sns.exceptions.InvalidParameterException, match="'bogus' is no operator"):
        subscribed(shop, "f", topic(shop, "bogus"), FilterPolicy=json.dumps({"x": [{"bogus": 1}]}))


def test_what_a_topic_cannot_deliver_goes_to_the_subscriptions_dead_letter_queue(shop: Shop) -> None:
    name, arn, (url, queue) = shop.tracing(), topic(shop, "redriven"), shop.queue("undelivered")
    subscription = subscribed(shop, name, arn, RedrivePolicy=json.dumps({"deadLetterTargetArn": queue}))

    sent = shop.cloud.client("sns").publish(TopicArn=arn, Message="lost")

    notification = json.loads(shop.received(url)["Body"])
    assert (notification["Type"], notification["Message"]) == ("Notification", "lost")
    assert (notification["TopicArn"], notification["MessageId"]) == (arn, sent["MessageId"])
    assert subscription in notification["UnsubscribeURL"]


# Buckets ---------------------------------------------------------------------------------------------


def test_an_object_reaches_the_function_as_s3_writes_it(shop: Shop) -> None:
    name, arn, s3 = shop.tracing(), bucket(shop, "photos"), shop.cloud.client("s3")
    shop.allow(name, "s3", arn, SourceAccount=shop.cloud.account)
    notified(shop, name, "photos", "s3:ObjectCreated:*", prefix="in/", suffix=".txt")

    s3.put_object(Bucket="photos", Key="out/a.txt", Body=b"no")
    s3.put_object(Bucket="photos", Key="in/a.png", Body=b"no")
    etag = s3.put_object(Bucket="photos", Key="in/a b+ü.txt", Body=b"yes!")["ETag"]

    event = S3Event(shop.traces.next(name))
    (record,) = event.records
    assert (event.bucket_name, event.object_key) == ("photos", "in/a b+ü.txt")
    assert record.s3.get_object.key == "in/a+b%2B%C3%BC.txt"
    assert (record.s3.get_object.size, record.s3.get_object.etag) == (4, etag.strip('"'))
    assert (record.event_name, record.aws_region) == ("ObjectCreated:Put", REGION)
    assert record.s3.configuration_id == "ours"
    assert record.s3.bucket.arn == arn


def test_each_way_of_making_and_removing_an_object_is_told(shop: Shop) -> None:
    name, arn, s3 = shop.tracing(), bucket(shop, "ways"), shop.cloud.client("s3")
    shop.allow(name, "s3", arn)
    notified(shop, name, "ways", "s3:ObjectCreated:*", "s3:ObjectRemoved:*")

    def told() -> tuple[str, str]:
        event = S3Event(shop.traces.next(name))
        return event.record.event_name, event.object_key

    s3.put_object(Bucket="ways", Key="a", Body=b"x")
    assert told() == ("ObjectCreated:Put", "a")
    s3.copy_object(Bucket="ways", Key="b", CopySource="ways/a")
    assert told() == ("ObjectCreated:Copy", "b")
    upload = s3.create_multipart_upload(Bucket="ways", Key="c")["UploadId"]
    part = s3.upload_part(Bucket="ways", Key="c", UploadId=upload, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(Bucket="ways", Key="c", UploadId=upload, MultipartUpload=parts)
    assert told() == ("ObjectCreated:CompleteMultipartUpload", "c")
    s3.delete_object(Bucket="ways", Key="a")
    assert told() == ("ObjectRemoved:Delete", "a")
    s3.delete_objects(Bucket="ways", Delete={"Objects": [{"Key": "b"}]})
    assert told() == ("ObjectRemoved:Delete", "b")
    s3.put_bucket_versioning(Bucket="ways", VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket="ways", Key="d", Body=b"x")["VersionId"]
    event = S3Event(shop.traces.next(name))
    assert event.record.s3.get_object.version_id == version
    s3.delete_object(Bucket="ways", Key="d")
    assert told() == ("ObjectRemoved:DeleteMarkerCreated", "d")


def test_a_bucket_that_may_not_call_is_told_what_is_missing(shop: Shop) -> None:
    name, arn, s3 = shop.tracing(), bucket(shop, "refused"), shop.cloud.client("s3")
    shop.allow(name, "s3", arn, SourceAccount="999999999999")
    notified(shop, name, "refused", "s3:ObjectCreated:*")

    s3.put_object(Bucket="refused", Key="lost", Body=b"x")

    assert any(line.startswith(f"{arn} may not call {shop.arn(name)}") for line in shop.said)
    assert shop.traces.left(name) == []


def test_a_bucket_sends_to_the_bus_where_it_says_so(shop: Shop) -> None:
    name, s3, events = shop.tracing(), shop.cloud.client("s3"), shop.cloud.client("events")
    bucket(shop, "on-bus")
    s3.put_bucket_notification_configuration(
        Bucket="on-bus", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    assert s3.get_bucket_notification_configuration(Bucket="on-bus")["EventBridgeConfiguration"] == {}
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": ["on-bus"]}, "object": {"key": [{"prefix": "in/"}]}},
    }
    rule = events.put_rule(Name="objects", EventPattern=json.dumps(pattern))["RuleArn"]
    events.put_targets(Rule="objects", Targets=[{"Id": "1", "Arn": shop.arn(name)}])
    shop.allow(name, "events", rule)

    s3.put_object(Bucket="on-bus", Key="out/x", Body=b"no")
    etag = s3.put_object(Bucket="on-bus", Key="in/a b.txt", Body=b"yes!")["ETag"]

    event = S3EventBridgeNotificationEvent(shop.traces.next(name))
    assert (event.source, event.detail_type) == ("aws.s3", "Object Created")
    assert (event.detail.bucket.name, event.detail.object.key) == ("on-bus", "in/a b.txt")
    assert (event.detail.object.size, event.detail.object.etag) == (4, etag.strip('"'))
    assert (event.detail.reason, event.region) == ("PutObject", REGION)
