"""Streams of Kinesis and of DynamoDB's tables call functions in the embedded cloud, through boto3."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import DynamoDBStreamEvent, KinesisStreamEvent

from .accounts import REGION
from .traces import FAILING, Shop, open_shop

pytest.importorskip("moto.server")


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


def stream(shop: Shop, name: str, shards: int = 1) -> str:
    kinesis = shop.cloud.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=shards)
    arn: str = kinesis.describe_stream(StreamName=name)["StreamDescription"]["StreamARN"]
    return arn


def put(shop: Shop, name: str, *data: str, key: str = "1") -> list[str]:
    kinesis = shop.cloud.client("kinesis")
    records = [{"Data": one.encode(), "PartitionKey": key} for one in data]
    answer = kinesis.put_records(StreamName=name, Records=records)
    return [one["SequenceNumber"] for one in answer["Records"]]


def table(shop: Shop, name: str, view: str = "NEW_AND_OLD_IMAGES") -> str:
    answer = shop.cloud.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": view},
    )
    arn: str = answer["TableDescription"]["LatestStreamArn"]
    return arn


def mapped(shop: Shop, name: str, source: str, **options: Any) -> str:
    options = {"StartingPosition": "TRIM_HORIZON"} | options
    answer = shop.lambdas.create_event_source_mapping(
        FunctionName=shop.arn(name), EventSourceArn=source, **options
    )
    return str(answer["UUID"])


def data(event: dict[str, Any]) -> list[str]:
    return [b64decode(record["kinesis"]["data"]).decode() for record in event["Records"]]


def next_data(shop: Shop, name: str, count: int) -> list[str]:
    """The next so many records, in however many batches."""
    found: list[str] = []
    while len(found) < count:
        found += data(shop.traces.next(name))
    return found


def test_a_record_of_kinesis_reaches_the_function_as_lambda_writes_it(shop: Shop) -> None:
    name, arn = shop.tracing(), stream(shop, "written")
    mapped(shop, name, arn)

    (number,) = put(shop, "written", '{"a": 1}', key="é")

    (record,) = KinesisStreamEvent(shop.traces.next(name)).records
    assert record.kinesis.data_as_json() == {"a": 1}
    assert (record.kinesis.partition_key, record.kinesis.sequence_number) == ("é", number)
    assert record.event_id == f"shardId-000000000000:{number}"
    assert (record.event_source_arn, record.aws_region) == (arn, REGION)
    assert record.event_name == "aws:kinesis:record"
    arrived = datetime.fromtimestamp(record.kinesis.approximate_arrival_timestamp, UTC)
    assert abs(datetime.now(UTC) - arrived) < timedelta(hours=1)


def test_changes_of_a_table_reach_the_function_as_lambda_writes_them(shop: Shop) -> None:
    name, arn = shop.tracing(), table(shop, "orders")
    mapped(shop, name, arn)
    dynamodb = shop.cloud.client("dynamodb")

    item = {"id": {"S": "o-1"}, "price": {"N": "42"}, "raw": {"B": b"\x00"}}
    dynamodb.put_item(TableName="orders", Item=item)
    dynamodb.put_item(TableName="orders", Item=item)  # changes nothing
    dynamodb.update_item(
        TableName="orders",
        Key={"id": {"S": "o-1"}},
        UpdateExpression="SET price = :t",
        ExpressionAttributeValues={":t": {"N": "43"}},
    )
    dynamodb.delete_item(TableName="orders", Key={"id": {"S": "o-1"}})

    records: list[Any] = []
    while len(records) < 3:
        records += DynamoDBStreamEvent(shop.traces.next(name)).records
    assert [one.event_name.name for one in records] == ["INSERT", "MODIFY", "REMOVE"]
    assert {one.event_source_arn for one in records} == {arn}
    insert, modify, remove = [one.dynamodb for one in records]
    assert insert.keys == {"id": "o-1"}
    assert insert.new_image == {"id": "o-1", "price": Decimal(42), "raw": "AA=="}
    assert not insert.old_image
    assert (modify.old_image["price"], modify.new_image["price"]) == (Decimal(42), Decimal(43))
    assert remove.old_image["price"] == Decimal(43)
    assert insert.stream_view_type.name == "NEW_AND_OLD_IMAGES"
    assert int(insert.sequence_number) < int(modify.sequence_number) < int(remove.sequence_number)
    assert isinstance(records[0].raw_event["dynamodb"]["ApproximateCreationDateTime"], int)


def test_batches_are_full_or_their_window_is_over(shop: Shop) -> None:
    name, arn = shop.tracing(), stream(shop, "batches")
    mapped(shop, name, arn, BatchSize=3, MaximumBatchingWindowInSeconds=300)

    put(shop, "batches", "0", "1", "2", "3")
    put(shop, "batches", "4", "5")

    assert [data(shop.traces.next(name)) for _ in range(2)] == [["0", "1", "2"], ["3", "4", "5"]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"StartingPosition": "TRIM_HORIZON"}, ["old", "new"]),
        ({"StartingPosition": "LATEST"}, ["new"]),
        (
            {
                "StartingPosition": "AT_TIMESTAMP",
                "StartingPositionTimestamp": datetime(2020, 1, 1, tzinfo=UTC),
            },
            ["old", "new"],
        ),
    ],
    ids=["the beginning", "the end", "a moment"],
)
def test_a_stream_is_read_from_where_the_mapping_says(
    shop: Shop, options: dict[str, Any], expected: list[str], request: pytest.FixtureRequest
) -> None:
    called = request.node.callspec.id.replace(" ", "-")
    name, arn = shop.tracing(), stream(shop, called)
    put(shop, called, "old")

    mapped(shop, name, arn, **options)
    put(shop, called, "new")

    assert next_data(shop, name, len(expected)) == expected


def test_a_filter_passes_over_records(shop: Shop) -> None:
    name, arn = shop.tracing(), stream(shop, "filtered")
    filters = [{"Pattern": json.dumps({"data": {"kind": ["new"]}})}]
    mapped(shop, name, arn, FilterCriteria={"Filters": filters})

    put(shop, "filtered", '{"kind": "old"}', '{"kind": "new"}', "no JSON", '{"kind": "new", "n": 2}')

    assert next_data(shop, name, 2) == ['{"kind": "new"}', '{"kind": "new", "n": 2}']


def test_a_filter_of_a_table_sees_the_whole_record(shop: Shop) -> None:
    name, arn = shop.tracing(), table(shop, "filtered")
    pattern = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"kind": {"S": ["new"]}}}}
    mapped(shop, name, arn, FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})

    for key, kind in (("1", "old"), ("2", "new")):
        item = {"id": {"S": key}, "kind": {"S": kind}}
        shop.cloud.client("dynamodb").put_item(TableName="filtered", Item=item)

    (record,) = DynamoDBStreamEvent(shop.traces.next(name)).records
    assert record.dynamodb is not None
    assert record.dynamodb.keys == {"id": "2"}


def test_what_fails_is_tried_again_and_then_its_place_goes_to_the_destination(shop: Shop) -> None:
    (url, queue), arn, name = shop.queue("failed"), stream(shop, "failing"), shop.tracing(FAILING)
    mapped(
        shop,
        name,
        arn,
        MaximumRetryAttempts=2,
        DestinationConfig={"OnFailure": {"Destination": queue}},
    )

    (number,) = put(shop, "failing", "poison")

    assert [data(shop.traces.next(name)) for _ in range(3)] == [["poison"]] * 3
    record = json.loads(shop.received(url)["Body"])
    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["requestContext"]["functionArn"] == shop.arn(name)
    expected = {"statusCode": 200, "executedVersion": "1", "functionError": "Unhandled"}
    assert record["responseContext"] == expected
    place = record["KinesisBatchInfo"]
    assert (place["startSequenceNumber"], place["endSequenceNumber"]) == (number, number)
    assert (place["shardId"], place["batchSize"], place["streamArn"]) == ("shardId-000000000000", 1, arn)
    assert shop.traces.left(name) == []


def test_a_bucket_gets_the_batch_itself(shop: Shop) -> None:
    (url, queue), arn, name = shop.queue("written-down"), table(shop, "failing"), shop.tracing(FAILING)
    s3 = shop.cloud.client("s3")
    s3.create_bucket(Bucket="failed", CreateBucketConfiguration={"LocationConstraint": REGION})
    told = {"QueueConfigurations": [{"QueueArn": queue, "Events": ["s3:ObjectCreated:*"]}]}
    s3.put_bucket_notification_configuration(Bucket="failed", NotificationConfiguration=told)
    assert json.loads(shop.received(url)["Body"])["Event"] == "s3:TestEvent"
    destination = {"OnFailure": {"Destination": "arn:aws:s3:::failed"}}
    uuid = mapped(shop, name, arn, MaximumRetryAttempts=0, DestinationConfig=destination)

    shop.cloud.client("dynamodb").put_item(TableName="failing", Item={"id": {"S": "1"}})

    key = json.loads(shop.received(url)["Body"])["Records"][0]["s3"]["object"]["key"]
    assert key.startswith(f"aws/lambda/{uuid}/shardId-")
    record = json.load(s3.get_object(Bucket="failed", Key=key)["Body"])
    assert record["DDBStreamBatchInfo"]["streamArn"] == arn
    (change,) = json.loads(record["payload"])["Records"]
    assert change["dynamodb"]["Keys"] == {"id": {"S": "1"}}


def test_what_failed_holds_up_its_shard_until_it_is_done(shop: Shop) -> None:
    act = """
tries = []
def act(event, context):
    tries.append(1)
    if len(tries) < 4:
        raise ValueError("on purpose")
"""
    name, arn = shop.tracing(act), stream(shop, "held-up")
    put(shop, "held-up", "first", "second")
    mapped(shop, name, arn, BatchSize=1)

    assert next_data(shop, name, 5) == ["first", "first", "first", "first", "second"]


def test_a_batch_is_split_until_the_record_that_fails_is_alone(shop: Shop) -> None:
    act = """
from base64 import b64decode
def act(event, context):
    if any(b64decode(one["kinesis"]["data"]) == b"bad" for one in event["Records"]):
        raise ValueError("on purpose")
"""
    (url, queue), arn, name = shop.queue("split-failed"), stream(shop, "split"), shop.tracing(act)
    numbers = put(shop, "split", "a", "b", "bad", "c")
    mapped(
        shop,
        name,
        arn,
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": queue}},
    )

    batches = [data(shop.traces.next(name)) for _ in range(5)]

    assert batches == [["a", "b", "bad", "c"], ["a", "b"], ["bad", "c"], ["bad"], ["c"]]
    place = json.loads(shop.received(url)["Body"])["KinesisBatchInfo"]
    assert (place["startSequenceNumber"], place["batchSize"]) == (numbers[2], 1)


def test_a_reported_record_is_where_reading_goes_on(shop: Shop) -> None:
    act = """
from base64 import b64decode
def act(event, context):
    records = event["Records"]
    bad = [one for one in records if b64decode(one["kinesis"]["data"]) == b"bad"]
    if bad and len(records) > 2:
        return {"batchItemFailures": [{"itemIdentifier": bad[0]["kinesis"]["sequenceNumber"]}]}
"""
    name, arn = shop.tracing(act), stream(shop, "reported")
    put(shop, "reported", "a", "b", "bad", "c")
    mapped(shop, name, arn, FunctionResponseTypes=["ReportBatchItemFailures"])

    assert [data(shop.traces.next(name)) for _ in range(2)] == [["a", "b", "bad", "c"], ["bad", "c"]]
    put(shop, "reported", "next")
    assert data(shop.traces.next(name)) == ["next"]


def test_a_record_that_is_too_old_is_not_tried_again(shop: Shop) -> None:
    act = "import time\ndef act(event, context):\n    time.sleep(1.1)\n    raise ValueError('on purpose')\n"
    (url, queue), arn, name = shop.queue("too-old"), stream(shop, "aging"), shop.tracing(act)
    mapped(
        shop,
        name,
        arn,
        MaximumRecordAgeInSeconds=1,
        DestinationConfig={"OnFailure": {"Destination": queue}},
    )

    put(shop, "aging", "poison")

    assert json.loads(shop.received(url)["Body"])["requestContext"]["condition"] == "RecordAgeExceeded"


def test_shards_are_read_beside_each_other_each_in_order(shop: Shop) -> None:
    name, arn = shop.tracing(), stream(shop, "wide", shards=3)
    mapped(shop, name, arn)

    for number in range(9):
        put(shop, "wide", f"{number % 3}.{number}", key=str(number % 3))

    got = next_data(shop, name, 9)
    for key in "012":
        own = [one for one in got if one[0] == key]
        assert own == sorted(own)


def test_a_mapping_that_is_off_keeps_its_place(shop: Shop) -> None:
    name, arn = shop.tracing(), stream(shop, "switched")
    uuid = mapped(shop, name, arn)
    put(shop, "switched", "first")
    assert next_data(shop, name, 1) == ["first"]

    shop.lambdas.update_event_source_mapping(UUID=uuid, Enabled=False)
    put(shop, "switched", "second")
    shop.lambdas.update_event_source_mapping(UUID=uuid, Enabled=True)

    assert next_data(shop, name, 1) == ["second"]


def test_a_consumer_reads_its_stream(shop: Shop) -> None:
    name, arn = shop.tracing(), stream(shop, "consumed")
    answer = shop.cloud.client("kinesis").register_stream_consumer(StreamARN=arn, ConsumerName="fan")
    mapped(shop, name, answer["Consumer"]["ConsumerARN"])

    put(shop, "consumed", "x")

    assert next_data(shop, name, 1) == ["x"]


def test_what_a_cancelled_transaction_took_back_is_never_read(shop: Shop) -> None:
    name, arn = shop.tracing(), table(shop, "transactions")
    mapped(shop, name, arn, BatchSize=1000)
    dynamodb = shop.cloud.client("dynamodb")
    dynamodb.put_item(TableName="transactions", Item={"id": {"S": "there"}})
    new = "attribute_not_exists(id)"
    puts = [{"Put": {"TableName": "transactions", "Item": {"id": {"S": f"gone-{n}"}}}} for n in range(98)]
    there = {"TableName": "transactions", "Item": {"id": {"S": "there"}}, "ConditionExpression": new}

    for number in range(10):
        with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
            dynamodb.transact_write_items(TransactItems=[*puts, {"Put": there}])
        dynamodb.put_item(TableName="transactions", Item={"id": {"S": f"stays-{number}"}})

    keys: list[str] = []
    while "stays-9" not in keys:
        records = shop.traces.next(name)["Records"]
        keys += [record["dynamodb"]["Keys"]["id"]["S"] for record in records]
    assert keys == ["there", *(f"stays-{number}" for number in range(10))]
