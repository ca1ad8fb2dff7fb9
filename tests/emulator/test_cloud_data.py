"""What the embedded cloud keeps in a folder, and takes up again."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from microlambda.emulator.cloud import EmbeddedCloud
from microlambda.emulator.cloud.moto_state import FILE
from microlambda.emulator.errors import FolderInUse, StateUnreadable
from microlambda.emulator.invocation import Invocation
from tests.deploy.conftest import zipped

pytestmark = pytest.mark.slow  # each starts an AWS, and starts it again

WAIT = 30  # s, after which a test gives up
REGION = "us-east-1"
ROLE = "arn:aws:iam::123456789012:role/any"


def fill(cloud: EmbeddedCloud) -> None:
    """Put something into each service that people keep things in."""
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="uploads")
    s3.put_object(Bucket="uploads", Key="a/b.csv", Body=b"x" * 100_000, Metadata={"of": "ann"})
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    sqs.send_message(
        QueueUrl=url, MessageBody="hello", MessageAttributes={"n": {"DataType": "Number", "StringValue": "1"}}
    )
    dynamodb = cloud.client("dynamodb")
    dynamodb.create_table(
        TableName="books",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    dynamodb.put_item(TableName="books", Item={"id": {"S": "1"}, "tags": {"SS": ["a", "b"]}})
    topic = cloud.client("sns").create_topic(Name="news")["TopicArn"]
    queue = "arn:aws:sqs:us-east-1:123456789012:orders"
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    cloud.client("ssm").put_parameter(Name="/shop/key", Value="s3cr3t", Type="SecureString")
    cloud.client("secretsmanager").create_secret(Name="sms/token", SecretString="t0k3n")
    cloud.client("kinesis").create_stream(StreamName="clicks", ShardCount=1)
    cloud.client("kinesis").put_record(StreamName="clicks", Data=b"click", PartitionKey="k")
    cloud.client("events").create_event_bus(Name="trade")
    cloud.client("cognito-idp").create_user_pool(PoolName="people")


def look(cloud: EmbeddedCloud) -> dict[str, Any]:
    """Read it back."""
    s3, sqs = cloud.client("s3"), cloud.client("sqs")
    kept = s3.get_object(Bucket="uploads", Key="a/b.csv")
    url = sqs.get_queue_url(QueueName="orders")["QueueUrl"]
    (message,) = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"], VisibilityTimeout=0)[
        "Messages"
    ]
    kinesis = cloud.client("kinesis")
    shard = kinesis.list_shards(StreamName="clicks")["Shards"][0]["ShardId"]
    at = kinesis.get_shard_iterator(StreamName="clicks", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    subscriptions = cloud.client("sns").list_subscriptions()["Subscriptions"]
    return {
        "object": (len(kept["Body"].read()), kept["Metadata"]),
        "message": (message["Body"], message["MessageAttributes"]["n"]["StringValue"]),
        "item": cloud.client("dynamodb").get_item(TableName="books", Key={"id": {"S": "1"}})["Item"],
        "subscriptions": [one["Protocol"] for one in subscriptions],
        "parameter": cloud.client("ssm").get_parameter(Name="/shop/key", WithDecryption=True)["Parameter"][
            "Value"
        ],
        "secret": cloud.client("secretsmanager").get_secret_value(SecretId="sms/token")["SecretString"],
        "records": [one["Data"] for one in kinesis.get_records(ShardIterator=at["ShardIterator"])["Records"]],
        "buses": [one["Name"] for one in cloud.client("events").list_event_buses()["EventBuses"]],
        "pools": [
            one["Name"] for one in cloud.client("cognito-idp").list_user_pools(MaxResults=9)["UserPools"]
        ],
    }


def test_what_services_hold_is_there_again_and_again(tmp_path: Path) -> None:
    with EmbeddedCloud(region=REGION, data=tmp_path / "data") as cloud:
        fill(cloud)
        before = look(cloud)
    with EmbeddedCloud(region=REGION, data=tmp_path / "data") as cloud:
        second = look(cloud)
    with EmbeddedCloud(region=REGION, data=tmp_path / "data") as cloud:
        third = look(cloud)

    assert before == second == third


def test_without_a_folder_everything_is_forgotten(tmp_path: Path) -> None:
    with EmbeddedCloud(region=REGION) as cloud:
        fill(cloud)
    with EmbeddedCloud(region=REGION) as cloud:
        assert cloud.client("s3").list_buckets()["Buckets"] == []


def test_it_is_kept_soon_after_it_changed_for_a_process_that_is_killed(tmp_path: Path) -> None:
    cloud = EmbeddedCloud(region=REGION, data=tmp_path)
    with cloud:
        cloud.client("s3").create_bucket(Bucket="uploads")
        wait_for(lambda: (tmp_path / FILE).exists())
        content = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(content)  # as it was while the process lived

    with EmbeddedCloud(region=REGION, data=tmp_path) as again:
        assert [one["Name"] for one in again.client("s3").list_buckets()["Buckets"]] == ["uploads"]
    assert sorted(one.name for one in tmp_path.iterdir()) == [FILE, "in-use"]


def wait_for(condition: Callable[[], bool]) -> None:
    import time

    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def stream_of(cloud: EmbeddedCloud) -> None:
    lambda_ = cloud.client("lambda")
    lambda_.create_function(
        FunctionName="count",
        Runtime="python3.13",
        Role=ROLE,
        Handler="a.b",
        Code={"ZipFile": zipped({"a.py": ""})},
    )
    lambda_.create_event_source_mapping(
        FunctionName="count",
        EventSourceArn=f"arn:aws:kinesis:{REGION}:123456789012:stream/clicks",
        StartingPosition="TRIM_HORIZON",
    )


def test_a_stream_goes_on_where_it_was_read_to_and_nothing_comes_twice(tmp_path: Path) -> None:
    seen: Queue[list[str]] = Queue()

    def live(_function: Any, payload: bytes, **call: Any) -> Invocation:
        seen.put([one["kinesis"]["data"] for one in json.loads(payload)["Records"]])
        return Invocation(request_id=call["request_id"], payload=b"null")

    def put(cloud: EmbeddedCloud, data: bytes) -> None:
        cloud.client("kinesis").put_record(StreamName="clicks", Data=data, PartitionKey="k")

    with EmbeddedCloud(region=REGION, data=tmp_path, live=live) as cloud:
        cloud.client("kinesis").create_stream(StreamName="clicks", ShardCount=1)
        stream_of(cloud)
        put(cloud, b"one")
        assert seen.get(timeout=WAIT) == ["b25l"]
    with EmbeddedCloud(region=REGION, data=tmp_path, live=live) as cloud:
        put(cloud, b"two")  # nobody reads yet
        stream_of(cloud)
        assert seen.get(timeout=WAIT) == ["dHdv"]
        put(cloud, b"three")
        assert seen.get(timeout=WAIT) == ["dGhyZWU="]
    with EmbeddedCloud(region=REGION, data=tmp_path, live=live):
        pass  # an app without the handler, for a while
    with EmbeddedCloud(region=REGION, data=tmp_path, live=live) as cloud:
        stream_of(cloud)
        put(cloud, b"four")
        assert seen.get(timeout=WAIT) == ["Zm91cg=="]


def test_another_process_is_kept_from_the_folder(tmp_path: Path) -> None:
    import fcntl

    with (tmp_path / "in-use").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(FolderInUse, match="another process keeps its AWS in"):
            EmbeddedCloud(region=REGION, data=tmp_path).start()

    EmbeddedCloud(region=REGION, data=tmp_path).start().stop()


UNREADABLE = [
    pytest.param(b"what is this\n", "is no state of microlambda's", id="other"),
    pytest.param(
        b'{"moto": "1.0", "python": "2.7"}\nx', "was kept with moto 1.0, python 2.7; here are", id="versions"
    ),
    pytest.param(None, "cannot be read", id="half"),
]


@pytest.mark.parametrize(("content", "words"), UNREADABLE)
def test_what_cannot_be_taken_up_is_told_and_stays_as_it_is(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    if content is None:
        EmbeddedCloud(region=REGION, data=tmp_path).start().stop()
        content = (tmp_path / FILE).read_bytes()[:-10]
    (tmp_path / FILE).write_bytes(content)

    with pytest.raises(StateUnreadable, match=words):
        EmbeddedCloud(region=REGION, data=tmp_path).start()

    assert (tmp_path / FILE).read_bytes() == content


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StateUnreadable, match="nothing can be kept in"):
        EmbeddedCloud(region=REGION, data=tmp_path / "file").start()


def test_a_service_that_cannot_be_kept_is_named_and_the_others_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from moto.ses.models import ses_backends

    said: list[str] = []
    with EmbeddedCloud(region=REGION, data=tmp_path, say=said.append) as cloud:
        cloud.client("s3").create_bucket(Bucket="uploads")
        cloud.client("ses").verify_email_identity(EmailAddress="a@b.example")
        backend: Any = ses_backends["123456789012"][REGION]
        backend.of_the_test = (tmp_path / "open").open("w")  # what no pickle holds
        opened = backend.of_the_test
    opened.close()

    with suppress(AttributeError):
        del backend.of_the_test
    assert said == [f"Not kept in {tmp_path}: what the services ses hold."]
    with EmbeddedCloud(region=REGION, data=tmp_path) as cloud:
        assert len(cloud.client("s3").list_buckets()["Buckets"]) == 1
