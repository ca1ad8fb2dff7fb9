"""Queues of the embedded cloud call functions, through boto3."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import SQSEvent

from .accounts import REGION, zipped
from .traces import FAILING, TRACING, Shop, open_shop

pytest.importorskip("moto.server")

#: Makes the messages of a batch visible again at once, as code may that does not want to wait; then fails.
IMPATIENT = """
import boto3, os
def back(records):
    sqs = boto3.client("sqs")
    for record in records:
        url = sqs.get_queue_url(QueueName=record["eventSourceARN"].split(":")[5])["QueueUrl"]
        handle = record["receiptHandle"]
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
"""


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


def mapped(shop: Shop, name: str, source: str, **options: Any) -> str:
    answer = shop.lambdas.create_event_source_mapping(
        FunctionName=shop.arn(name), EventSourceArn=source, **options
    )
    return str(answer["UUID"])


def bodies(event: dict[str, Any]) -> list[str]:
    return [record["body"] for record in event["Records"]]


def depth(shop: Shop, url: str) -> tuple[int, int]:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = shop.cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
    visible, hidden = (int(attributes["Attributes"][name]) for name in names)
    return visible, hidden


def until_empty(shop: Shop, url: str) -> None:
    while depth(shop, url) != (0, 0):
        shop.invoke("clock")


@pytest.fixture(scope="module", autouse=True)
def clock(shop: Shop) -> None:
    """A function to wait with: each call takes some milliseconds."""
    source = "import time\ndef handler(event, context): time.sleep(0.02)\n"
    shop.lambdas.create_function(
        FunctionName="clock",
        Role=shop.role,
        Code={"ZipFile": zipped(app=source)},
        Runtime="python3.13",
        Handler="app.handler",
    )


def test_a_message_reaches_the_function_as_sqs_writes_it_and_is_deleted(shop: Shop) -> None:
    name, (url, arn) = shop.tracing(), shop.queue("written")
    mapped(shop, name, arn)

    sent = shop.cloud.client("sqs").send_message(
        QueueUrl=url,
        MessageBody='{"a": "é"}',
        MessageAttributes={
            "kind": {"DataType": "String", "StringValue": "new"},
            "count": {"DataType": "Number", "StringValue": "7"},
            "raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        },
        MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-a"}},
    )

    (record,) = SQSEvent(shop.traces.next(name)).records
    assert (record.body, record.message_id) == ('{"a": "é"}', sent["MessageId"])
    assert record.md5_of_body == sent["MD5OfMessageBody"]
    assert (record.event_source_arn, record.aws_region) == (arn, REGION)
    assert record.attributes.approximate_receive_count == "1"
    assert int(record.attributes.sent_timestamp) <= int(record.attributes.approximate_first_receive_timestamp)
    assert record.attributes.aws_trace_header == "Root=1-a"
    attributes = record.raw_event["messageAttributes"]
    assert {key: (one["dataType"], one.get("stringValue")) for key, one in attributes.items()} == {
        "kind": ("String", "new"),
        "count": ("Number", "7"),
        "raw": ("Binary", None),
    }
    raw = record.message_attributes["raw"]
    assert raw is not None
    assert raw.binary_value == "AP8="
    until_empty(shop, url)


def test_messages_come_in_batches_and_a_window_fills_them(shop: Shop) -> None:
    name, (url, arn) = shop.tracing(), shop.queue("batches")
    mapped(shop, name, arn, BatchSize=4, MaximumBatchingWindowInSeconds=300)
    for number in range(8):
        shop.cloud.client("sqs").send_message(QueueUrl=url, MessageBody=str(number))

    batches = [bodies(shop.traces.next(name)) for _ in range(2)]

    assert [len(one) for one in batches] == [4, 4]
    assert sorted(body for batch in batches for body in batch) == list("01234567")


def test_what_was_there_before_the_mapping_is_read_too(shop: Shop) -> None:
    name, (url, arn) = shop.tracing(), shop.queue("before")
    shop.cloud.client("sqs").send_message(QueueUrl=url, MessageBody="old")

    mapped(shop, name, arn)

    assert bodies(shop.traces.next(name)) == ["old"]


def test_messages_that_no_filter_lets_pass_are_deleted(shop: Shop) -> None:
    name, (url, arn) = shop.tracing(), shop.queue("filtered")
    filters = [{"Pattern": json.dumps({"body": {"kind": ["new"], "count": [{"numeric": [">", 5]}]}})}]
    mapped(shop, name, arn, FilterCriteria={"Filters": filters})
    for body in ({"kind": "old", "count": 9}, {"kind": "new", "count": 1}, {"kind": "new", "count": 9}):
        shop.cloud.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(body))
    shop.cloud.client("sqs").send_message(QueueUrl=url, MessageBody="no JSON")

    assert bodies(shop.traces.next(name)) == ['{"kind": "new", "count": 9}']
    until_empty(shop, url)
    assert shop.traces.left(name) == []


def test_what_fails_is_given_out_again_and_goes_to_the_dead_letter_queue(shop: Shop) -> None:
    dead_url, dead = shop.queue("dead")
    redrive = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": "2"})
    url, arn = shop.queue("failing", RedrivePolicy=redrive)
    act = "def act(event, context):\n    back(event['Records'])\n    raise ValueError('on purpose')\n"
    name = shop.tracing(IMPATIENT + act)
    mapped(shop, name, arn)

    shop.cloud.client("sqs").send_message(QueueUrl=url, MessageBody="poison")

    counts = [shop.traces.next(name)["Records"][0]["attributes"] for _ in range(2)]
    assert [one["ApproximateReceiveCount"] for one in counts] == ["1", "2"]
    assert shop.received(dead_url)["Body"] == "poison"
    assert depth(shop, url) == (0, 0)
    assert shop.traces.left(name) == []


def test_what_failed_stays_hidden_for_the_queues_visibility_timeout(shop: Shop) -> None:
    name, (url, arn) = shop.tracing(FAILING), shop.queue("hidden", VisibilityTimeout="600")
    mapped(shop, name, arn)
    shop.cloud.client("sqs").send_message(QueueUrl=url, MessageBody="poison")

    shop.traces.next(name)

    assert depth(shop, url) == (0, 1)


def test_messages_that_a_function_reports_come_again_and_the_others_do_not(shop: Shop) -> None:
    act = """
def act(event, context):
    failed = [one for one in event["Records"] if one["body"] == "bad" and one["attributes"][
        "ApproximateReceiveCount"] == "1"]
    back(failed)
    return {"batchItemFailures": [{"itemIdentifier": one["messageId"]} for one in failed]}
"""
    name, (url, arn) = shop.tracing(IMPATIENT + act), shop.queue("reported")
    mapped(
        shop,
        name,
        arn,
        BatchSize=3,
        MaximumBatchingWindowInSeconds=1,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    for body in ("good", "bad", "fine"):
        shop.cloud.client("sqs").send_message(QueueUrl=url, MessageBody=body)

    first, second = shop.traces.next(name), shop.traces.next(name)

    assert sorted(bodies(first)) == ["bad", "fine", "good"]
    assert bodies(second) == ["bad"]
    until_empty(shop, url)


def test_groups_of_a_fifo_queue_keep_their_order_and_wait_for_what_failed(shop: Shop) -> None:
    act = """
def act(event, context):
    first = event["Records"][0]
    if first["body"] == "a1" and first["attributes"]["ApproximateReceiveCount"] == "1":
        back(event["Records"])
        raise ValueError("on purpose")
"""
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    name, (url, arn) = shop.tracing(IMPATIENT + act), shop.queue("orders.fifo", **attributes)
    for body in ("a1", "b1", "a2", "a3", "b2"):
        shop.cloud.client("sqs").send_message(QueueUrl=url, MessageBody=body, MessageGroupId=body[0])
    mapped(shop, name, arn, BatchSize=1)

    order = [bodies(shop.traces.next(name))[0] for _ in range(6)]

    assert [one for one in order if one[0] == "a"] == ["a1", "a1", "a2", "a3"]
    assert [one for one in order if one[0] == "b"] == ["b1", "b2"]
    until_empty(shop, url)


def test_a_mapping_calls_the_alias_as_it_is(shop: Shop) -> None:
    name, (url, arn) = shop.tracing(), shop.queue("moved")
    uuid = mapped(shop, name, arn)
    source = "def act(event, context): print('TRACE \"new code\"', flush=True)\n" + TRACING
    shop.lambdas.update_function_code(FunctionName=name, ZipFile=zipped(app=source))
    version = shop.lambdas.publish_version(FunctionName=name)["Version"]
    shop.lambdas.update_alias(FunctionName=name, Name="live", FunctionVersion=version)

    shop.cloud.client("sqs").send_message(QueueUrl=url, MessageBody="x")

    assert bodies(shop.traces.next(name)) == ["x"]
    assert shop.traces.next(name) == "new code"
    assert shop.lambdas.get_event_source_mapping(UUID=uuid)["FunctionArn"] == shop.arn(name)


def test_a_mapping_that_is_off_calls_nobody_until_it_is_on_and_a_deleted_one_never(shop: Shop) -> None:
    first, second, (url, arn) = shop.tracing(), shop.tracing(), shop.queue("switched")
    uuid = mapped(shop, first, arn, Enabled=False)
    shop.cloud.client("sqs").send_message(QueueUrl=url, MessageBody="waits")
    assert depth(shop, url) == (1, 0)

    shop.lambdas.update_event_source_mapping(UUID=uuid, Enabled=True)
    assert bodies(shop.traces.next(first)) == ["waits"]
    until_empty(shop, url)

    shop.lambdas.delete_event_source_mapping(UUID=uuid)
    mapped(shop, second, arn)
    shop.cloud.client("sqs").send_message(QueueUrl=url, MessageBody="for the second")
    assert bodies(shop.traces.next(second)) == ["for the second"]
    assert shop.traces.left(first) == []


def test_a_mapping_that_is_switched_off_gives_back_what_it_had_gathered(shop: Shop) -> None:
    name, (url, arn) = shop.tracing(), shop.queue("given-back")
    uuid = mapped(shop, name, arn, BatchSize=2, MaximumBatchingWindowInSeconds=300)
    shop.cloud.client("sqs").send_message(QueueUrl=url, MessageBody="x")
    while depth(shop, url) != (0, 1):
        shop.invoke("clock")

    shop.lambdas.update_event_source_mapping(UUID=uuid, Enabled=False)

    while depth(shop, url) != (1, 0):
        shop.invoke("clock")
    assert shop.traces.left(name) == []


def test_a_mapping_answers_what_was_asked_for_and_is_one_of_its_pair(shop: Shop) -> None:
    name, (_url, arn) = shop.tracing(), shop.queue("asked")
    asked = {"BatchSize": 7, "MaximumBatchingWindowInSeconds": 2, "ScalingConfig": {"MaximumConcurrency": 3}}
    uuid = mapped(shop, name, arn, Enabled=False, **asked)

    told = shop.lambdas.get_event_source_mapping(UUID=uuid)
    listed = shop.lambdas.list_event_source_mappings(FunctionName=f"{name}:live")["EventSourceMappings"]
    of_function = shop.lambdas.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]

    assert asked.items() <= told.items()
    assert [one["UUID"] for one in listed] == [uuid]
    assert of_function == []
    with pytest.raises(shop.lambdas.exceptions.ResourceConflictException, match=uuid):
        mapped(shop, name, arn)
    with pytest.raises(shop.lambdas.exceptions.ClientError, match="Function not found"):
        mapped(shop, "nobody", arn)


def test_no_more_batches_run_at_once_than_the_mapping_says(shop: Shop) -> None:
    source = """
import time
def handler(event, context):
    print("TRACE", '"began"', flush=True)
    time.sleep(0.05)
    print("TRACE", '"ended"', flush=True)
"""
    name, (url, arn) = shop.function(source), shop.queue("limited")
    for number in range(8):
        shop.cloud.client("sqs").send_message(QueueUrl=url, MessageBody=str(number))
    mapped(shop, name, arn, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})

    running = most = 0
    for _ in range(16):
        running += 1 if shop.traces.next(name) == "began" else -1
        most = max(most, running)

    assert most <= 2


def test_no_message_is_lost_or_doubled_among_many_senders(shop: Shop) -> None:
    name, (url, arn) = shop.tracing(), shop.queue("many")
    mapped(shop, name, arn)
    clients = [shop.cloud.client("sqs") for _ in range(4)]

    def send(client: Any, first: int) -> None:
        for number in range(first, first + 25):
            client.send_message(QueueUrl=url, MessageBody=str(number))

    senders = [threading.Thread(target=send, args=(one, 25 * n)) for n, one in enumerate(clients)]
    for one in senders:
        one.start()
    for one in senders:
        one.join()
    got: list[str] = []
    while len(got) < 100:
        got += bodies(shop.traces.next(name))
    until_empty(shop, url)
    got += [body for event in shop.traces.left(name) for body in bodies(event)]

    assert sorted(map(int, got)) == list(range(100))


def test_a_message_that_is_delayed_comes_when_its_time_has_come(shop: Shop) -> None:
    name, (url, arn) = shop.tracing(), shop.queue("delayed")
    mapped(shop, name, arn)

    shop.cloud.client("sqs").send_message(QueueUrl=url, MessageBody="later", DelaySeconds=1)

    assert bodies(shop.traces.next(name)) == ["later"]


def test_a_batch_of_a_group_that_failed_comes_again_in_its_order(shop: Shop) -> None:
    act = """
def act(event, context):
    if event["Records"][0]["attributes"]["ApproximateReceiveCount"] == "1":
        raise ValueError("on purpose")
"""
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true", "VisibilityTimeout": "1"}
    name, (url, arn) = shop.tracing(act), shop.queue("again.fifo", **attributes)
    for body in ("1", "2", "3"):
        shop.cloud.client("sqs").send_message(QueueUrl=url, MessageBody=body, MessageGroupId="a")
    mapped(shop, name, arn, BatchSize=3)

    assert [bodies(shop.traces.next(name)) for _ in range(2)] == [["1", "2", "3"]] * 2


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        pytest.param("no JSON", "Expecting value", id="no JSON"),
        pytest.param('["body"]', "a pattern is a dict", id="a list"),
        pytest.param('{"body": {"kind": "new"}}', "stand in a list", id="no list of values"),
        pytest.param('{"body": {"kind": [{"bogus": 1}]}}', "is no operator", id="an operator of nobody"),
    ],
)
def test_a_filter_that_cannot_be_matched_with_is_refused(shop: Shop, pattern: str, why: str) -> None:
    name, (_url, arn) = shop.tracing(), shop.queue(f"bad-filter-{abs(hash(pattern))}")
    criteria = {"Filters": [{"Pattern": pattern}]}

    with pytest.raises(shop.lambdas.exceptions.InvalidParameterValueException, match=why):
        mapped(shop, name, arn, FilterCriteria=criteria)
    uuid = mapped(shop, name, arn)
    with pytest.raises(shop.lambdas.exceptions.InvalidParameterValueException, match=why):
        shop.lambdas.update_event_source_mapping(UUID=uuid, FilterCriteria=criteria)

    assert not shop.lambdas.get_event_source_mapping(UUID=uuid).get("FilterCriteria")


def test_a_window_longer_than_the_visibility_timeout_doubles_no_message_in_its_batch(shop: Shop) -> None:
    name, (url, arn) = shop.tracing(), shop.queue("impatient", VisibilityTimeout="1")
    mapped(shop, name, arn, MaximumBatchingWindowInSeconds=2)

    shop.cloud.client("sqs").send_message(QueueUrl=url, MessageBody="x")

    assert bodies(shop.traces.next(name)) == ["x"]
