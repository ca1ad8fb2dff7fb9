"""Asynchronous invocations of the embedded cloud: tried again, given up, recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from .accounts import REGION
from .traces import FAILING, Shop, open_shop

pytest.importorskip("moto.server")


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


def test_an_event_that_fails_is_tried_twice_more_and_goes_to_the_dead_letter_queue(shop: Shop) -> None:
    url, queue = shop.queue("dead")
    name = shop.tracing(FAILING, DeadLetterConfig={"TargetArn": queue})

    answer, _ = shop.invoke(f"{name}:live", {"n": 1}, InvocationType="Event")

    assert [shop.traces.next(name) for _ in range(3)] == [{"n": 1}] * 3
    message = shop.received(url)
    assert json.loads(message["Body"]) == {"n": 1}
    attributes = {key: value["StringValue"] for key, value in message["MessageAttributes"].items()}
    assert attributes == {
        "RequestID": answer["ResponseMetadata"]["RequestId"],
        "ErrorCode": "200",
        "ErrorMessage": "on purpose",
    }
    assert shop.traces.left(name) == []


def test_the_configuration_says_how_often_it_is_tried_and_where_the_record_goes(shop: Shop) -> None:
    (url, queue), name = shop.queue("failed"), shop.tracing(FAILING)
    shop.lambdas.put_function_event_invoke_config(
        FunctionName=name,
        Qualifier="live",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": queue}},
    )

    answer, _ = shop.invoke(f"{name}:live", {"n": 1}, InvocationType="Event")

    record = json.loads(shop.received(url)["Body"])
    assert record["requestContext"] == {
        "requestId": answer["ResponseMetadata"]["RequestId"],
        "functionArn": shop.arn(name),
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 1,
    }
    assert record["requestPayload"] == {"n": 1}
    expected = {"statusCode": 200, "executedVersion": "1", "functionError": "Unhandled"}
    assert record["responseContext"] == expected
    assert record["responsePayload"]["errorMessage"] == "on purpose"
    assert record["version"] == "1.0"
    assert shop.traces.next(name) == {"n": 1}
    assert shop.traces.left(name) == []


@pytest.mark.parametrize("kind", ["topic", "function", "bus", "bucket"])
def test_records_go_to_destinations_of_every_kind(shop: Shop, kind: str) -> None:
    url, queue = shop.queue(f"heard-{kind}")
    name, other = shop.tracing(FAILING), shop.tracing()
    client = shop.cloud.client
    destination = {"function": shop.arn(other), "bucket": "arn:aws:s3:::failures"}.get(kind, "")
    if kind == "topic":
        destination = client("sns").create_topic(Name="failures")["TopicArn"]
        client("sns").subscribe(
            TopicArn=destination, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"}
        )
    elif kind == "bus":
        destination = client("events").create_event_bus(Name="failures")["EventBusArn"]
        client("events").put_rule(
            Name="all", EventBusName="failures", EventPattern=json.dumps({"source": ["lambda"]})
        )
        client("events").put_targets(Rule="all", EventBusName="failures", Targets=[{"Id": "1", "Arn": queue}])
    elif kind == "bucket":
        place = {"LocationConstraint": REGION}
        client("s3").create_bucket(Bucket="failures", CreateBucketConfiguration=place)
        told = {"QueueConfigurations": [{"QueueArn": queue, "Events": ["s3:ObjectCreated:*"]}]}
        client("s3").put_bucket_notification_configuration(Bucket="failures", NotificationConfiguration=told)
        assert json.loads(shop.received(url)["Body"])["Event"] == "s3:TestEvent"
    shop.lambdas.put_function_event_invoke_config(
        FunctionName=name,
        Qualifier="live",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": destination}},
    )

    shop.invoke(f"{name}:live", {"n": kind}, InvocationType="Event")

    found = shop.traces.next(other) if kind == "function" else json.loads(shop.received(url)["Body"])
    if kind == "bus":
        assert found["detail-type"] == "Lambda Function Invocation Result - Failure"
        found = found["detail"]
    elif kind == "bucket":
        key = found["Records"][0]["s3"]["object"]["key"]
        assert key.startswith(f"aws/lambda/async/{name}/")
        found = json.load(client("s3").get_object(Bucket="failures", Key=key)["Body"])
    assert found["requestPayload"] == {"n": kind}


def test_a_success_is_recorded_where_it_was_asked_for(shop: Shop) -> None:
    (url, queue), name = shop.queue("done"), shop.tracing("def act(event, context): return 'fine'\n")
    shop.lambdas.put_function_event_invoke_config(
        FunctionName=name, Qualifier="live", DestinationConfig={"OnSuccess": {"Destination": queue}}
    )

    shop.invoke(f"{name}:live", {"n": 1}, InvocationType="Event")

    record = json.loads(shop.received(url)["Body"])
    assert record["requestContext"]["condition"] == "Success"
    assert record["responsePayload"] == "fine"
    assert "functionError" not in record["responseContext"]


def test_a_destination_that_is_not_there_is_told(shop: Shop) -> None:
    name = shop.tracing(FAILING)
    missing = f"arn:aws:sqs:{REGION}:{shop.cloud.account}:missing"
    (url, queue) = shop.queue("after-missing")
    shop.lambdas.update_function_configuration(FunctionName=name, DeadLetterConfig={"TargetArn": queue})
    shop.lambdas.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": missing}},
    )

    shop.invoke(name, {"n": 1}, InvocationType="Event")

    shop.received(url)
    assert any("was not sent to" in line and missing in line for line in shop.said)
