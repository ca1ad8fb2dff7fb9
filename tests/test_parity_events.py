"""One list of happenings through the test client, `microlambda local` and the deployed bundle.

What handlers see of each, and what Lambda is told of it, are equal. In the AWS on this machine a happening is
a call of boto3; in the test client a call of its method for that source. What services number or time by
themselves has only to be of the right form.
"""

from __future__ import annotations

import json
import re
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from queue import Empty, Queue
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from boto3.dynamodb.types import TypeSerializer
from botocore.config import Config

from microlambda import UnknownEvent
from microlambda.cli.stage import Deployment
from microlambda.deploy.progress import Lines
from microlambda.deploy.session import Aws
from microlambda.emulator.cloud import EmbeddedCloud
from microlambda.emulator.cloud.functions import Functions
from microlambda.emulator.events.dynamodb import Change
from microlambda.local.server import LocalServer
from microlambda.local.sources import make_sources
from microlambda.project.loader import load_app
from microlambda.project.settings import load_settings
from microlambda.testing import Message
from microlambda.testing.client import TestClient
from microlambda.testing.event_result import EventResult
from tests.local.events import Events

pytestmark = pytest.mark.slow  # an AWS is started twice, and deployed to

REGION, ACCOUNT = "us-east-1", "123456789012"
WAIT = 60  # s, after which a happening has come to nothing
CHECK = {"microlambda": {"check": 1}}

APP = '''
import enum
import json
import os
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from microlambda import App

app = App("parity")

RECORD = {
    "sqs": """body message_id receipt_handle attributes message_attributes group_id receive_count sent_at
        queue queue_arn is_fifo""",
    "sns": "message subject message_id message_attributes topic topic_arn subscription_arn timestamp",
    "s3": """bucket key size etag version_id event_name event_time region bucket_arn sequencer principal
        source_ip""",
    "dynamodb": """event_name keys new_image old_image sequence_number table_name stream_arn timestamp
        size_bytes stream_view_type event_id user_identity is_expired""",
    "kinesis": "data partition_key sequence_number timestamp stream stream_arn shard_id event_id",
    "bus": "event_id source detail_type detail account region time resources version",
    "schedule": "name time input schedule_arn source detail_type account region version",
}


class Declined(Exception):
    pass


def plain(value):
    """What was seen, with its types where JSON has none."""
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, set):
        return ["set", *sorted(map(repr, value))]
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, str | int | float | None) else [type(value).__name__, repr(value)]


def place(name):
    return os.path.join(os.environ["FOLDER"], name)


def keep(handler, what):
    """Leave what a handler saw, below the id of the request."""
    with open(place(app.lambda_context.aws_request_id), "a") as file:
        file.write(json.dumps([handler, plain(what)]) + "\\n")


def seen(kind, record):
    return {name: getattr(record, name) for name in RECORD[kind].split()}


def is_first(name):
    """Has nobody asked for this name before?"""
    try:
        os.close(os.open(place(f"first-{name}"), os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


@app.on_sqs_message("orders", per_record=True)
def ordered(record):
    keep("ordered", seen("sqs", record))
    if record.body.startswith("bad") and record.receive_count == 1:
        raise ValueError("on purpose")


@app.on_sqs_message("batches")
def whole(event):
    keep("whole", [seen("sqs", record) for record in event])
    if event[0].receive_count == 1:
        raise Declined("the batch: é")


@app.on_sqs_message("kept", filters=[{"body": {"kind": ["new"]}}])
def filtered(event):
    keep("filtered", [record.json() for record in event])


@app.on_sqs_message("reporting")
def reporting(event):
    keep("reporting", [record.body for record in event])
    again = [record for record in event if record.body == "again" and record.receive_count == 1]
    return {"batchItemFailures": [{"itemIdentifier": record.item_identifier} for record in again]}


@app.on_sqs_message("awaited", per_record=True)
async def awaited(record):
    keep("awaited", record.json())
    if record.json()["fails"] and record.receive_count == 1:
        raise Declined("later")


@app.on_sqs_message("line.fifo", per_record=True)
def in_line(record):
    keep("in_line", seen("sqs", record))
    if record.body == "a2" and record.receive_count == 1:
        raise ValueError("on purpose")


@app.on_sns_message("news", filter_policy={"kind": ["new"]}, retries=0)
def told(event):
    keep("told", [seen("sns", record) for record in event])
    return {"read": [record.message for record in event]}


@app.on_sns_message("alerts", retries=0)
async def alerted(event):
    keep("alerted", [record.json() for record in event])
    return [record.subject for record in event]


@app.on_sns_message("failing", retries=0)
def failing(event):
    keep("failing", event.message)
    raise Declined(f"not {event.message}")


@app.on_s3_event("uploads", ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"], prefix="in/", suffix=["v", "t"])
def stored(event):
    keep("stored", [seen("s3", record) for record in event])
    return [record.key for record in event]


@app.on_s3_event("parts", prefix="year=2026/May ", suffix="é")
def parted(event):
    keep("parted", event.key)


@app.on_s3_event("bused", ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"], through="eventbridge")
def told_by_bus(event):
    keep("told_by_bus", [seen("s3", record) for record in event])


@app.on_dynamodb_record("people")
def changed(event):
    keep("changed", [seen("dynamodb", record) for record in event])
    return "an answer that is for nobody"


@app.on_dynamodb_record("carts", per_record=True)
def added(record):
    keep("added", [record.event_name, record.keys])
    if record.keys["id"] == "bad" and is_first("cart"):
        raise ValueError("on purpose")


@app.on_kinesis_record("clicks", per_record=True)
def clicked(record):
    keep("clicked", seen("kinesis", record))
    if record.data == b"bad" and is_first("click"):
        raise ValueError("on purpose")


@app.on_kinesis_record("frames")
def framed(event):
    keep("framed", [[record.data, record.text] for record in event])
    if is_first("frame"):
        raise Declined("the frame")


@app.on_kinesis_record("sifted", filters=[{"data": {"kind": [{"prefix": "n"}]}}, {"data": ["text"]}])
def sifted(event):
    keep("sifted", [record.data for record in event])


@app.on_dynamodb_record(
    "renamed",
    filters=[{"eventName": ["MODIFY"], "dynamodb": {"NewImage": {"n": {"N": [{"anything-but": "1"}]}}}}],
)
def renamed(event):
    keep("renamed", [[record.old_image, record.new_image] for record in event])


LARGE = {"order": {"total": [{"numeric": [">=", 5]}]}}


@app.on_sns_message("orders", filter_policy=LARGE, filter_scope="MessageBody", retries=0)
def large(event):
    keep("large", event[0].json())


@app.on_event({"source": ["shop"], "detail": {"total": [{"numeric": [">", 5]}]}}, retries=0)
def sold(event):
    keep("sold", seen("bus", event))
    return event.detail


@app.on_event({"source": ["theirs"]}, bus="theirs", retries=0)
def on_their_bus(event):
    keep("on_their_bus", seen("bus", event))
    raise KeyError(event.detail_type)


@app.schedule("cron(0 0 1 1 ? 2099)", input={"full": True, "é": [1.5, None]})
def yearly(event):
    keep("yearly", seen("schedule", event))
    return event.input


@app.schedule("cron(0 0 1 1 ? 2099)")
def bare(event):
    keep("bare", seen("schedule", event))


@app.schedule("cron(0 0 1 1 ? 2099)", tz="Europe/Berlin", input="<text> & 'quotes'")
def zoned(event):
    keep("zoned", seen("schedule", event))
    return event.input


@app.lambda_function()
def echo(event, context):
    has_time = context.get_remaining_time_in_millis() > 0
    keep("echo", [context.function_name, context.memory_limit_in_mb, has_time])
    return {"type": type(event).__name__, "event": event}


@app.lambda_function()
async def waits(event, context):
    keep("waits", event)
    return {"waited": event}


@app.lambda_function()
def fails(event, context):
    keep("fails", event)
    raise {"key": KeyError, "declined": Declined, "text": ValueError}[event["as"]](event["text"])


@app.lambda_function()
async def fails_later(event, context):
    keep("fails_later", event)
    raise Declined("later")


class Color(enum.Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    y: Decimal


MADE = {
    "types": lambda: {
        "datetime": datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC),
        "naive": datetime(2026, 5, 4, 3, 2, 1, 500),
        "date": date(2026, 5, 4),
        "time": time(3, 2),
        "decimal": [Decimal("1.50"), Decimal("7"), Decimal("1E+2"), Decimal("0.1")],
        "uuid": UUID(int=7),
        "set": {"one"},
        "tuple": (1, 2),
        "enum": Color.RED,
        "dataclass": Point(1, Decimal("2.5")),
        "keys": {1: "int", None: "none", True: "bool"},
        "float": [1.0, 1e300, -0.0, 0.1],
        "int": 2**70,
        "text": "é \\u2028 \\U0001f600 \\\\ </script>",
    },
    "none": lambda: None,
    "text": lambda: "é",
    "number": lambda: 1.5,
    "bare": lambda: Decimal("1.5"),
    "bytes": lambda: b'{"made": "here"}',
    "nan": lambda: float("nan"),
    "surrogate": lambda: "\\ud800",
    "object": object,
    "delta": lambda: {"delta": timedelta(1)},
    "generator": lambda: (one for one in "abc"),
}


@app.lambda_function()
def makes(event, context):
    keep("makes", event)
    return MADE[event]()


@app.lambda_function()
def starts(event, context):
    keep("starts", event)
    return {"id": resized.delay("cats é.png", when=datetime(2026, 5, 4, tzinfo=UTC), **event)}


@app.task(retries=0)
def resized(name, *, when, width=100, factor=Decimal("1.5")):
    keep("resized", [name, when, width, factor])


@app.lambda_function()
def starts_another(event, context):
    keep("starts", event)
    return {"id": named.delay()}


@app.task(retries=0)
def named():
    keep("named", app.lambda_context.function_name)
'''

SETTINGS = """
name = "parity"
region = "us-east-1"

[environment]
FOLDER = "{folder}"
"""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a handler: the event, what the handler saw of it, and what Lambda was told."""

    event: Any
    saw: list[Any]
    result: Any = None
    error: tuple[str, str] | None = None  # type and message

    @property
    def back(self) -> list[dict[str, Any]]:
        """The records that come back: those that were reported, of a failed invocation all."""
        records: list[dict[str, Any]] = self.event.get("Records", []) if isinstance(self.event, dict) else []
        if self.error is not None:
            return records
        names = self.reported
        return [one for one in records if _identifier(one) in names]

    @property
    def reported(self) -> list[str]:
        """What stands in `batchItemFailures`."""
        failures = self.result.get("batchItemFailures", []) if isinstance(self.result, dict) else []
        return [one["itemIdentifier"] for one in failures]


def _identifier(record: dict[str, Any]) -> str:
    if "messageId" in record:
        return str(record["messageId"])
    change = record.get("kinesis") or record["dynamodb"]
    return str(change.get("sequenceNumber") or change["SequenceNumber"])


def _content(record: dict[str, Any]) -> Any:
    """What the sender would know a record by."""
    if "body" in record:
        return record["body"]
    return (
        record["dynamodb"]["Keys"] if "dynamodb" in record else b64decode(record["kinesis"]["data"]).decode()
    )


class Client:
    """The test client; what comes back, comes back as Lambda would bring it."""

    def __init__(self, client: TestClient, folder: Path) -> None:
        self._client = client
        self._folder = folder

    def send(self, queue: str, *messages: Message) -> list[Run]:
        runs: list[Run] = []
        while messages:
            runs += self._runs(self._client.sqs(queue, messages))
            back = {_identifier(one) for one in runs[-1].back}
            given = zip(messages, runs[-1].event["Records"], strict=False)
            messages = tuple(
                replace(one, message_id=record["messageId"], receive_count=one.receive_count + 1)
                for one, record in given
                if record["messageId"] in back
            )
        return runs

    def put_records(self, stream: str, *records: bytes) -> list[Run]:
        return self._until_done(records, lambda left: self._client.kinesis(stream, left))

    def change(self, table: str, *changes: Change) -> list[Run]:
        return self._until_done(changes, lambda left: self._client.dynamodb(table, changes=left))

    def publish(self, topic: str, message: str, calls: int = 1, **options: Any) -> list[Run]:
        return self._called(calls, self._client.sns(topic, message, **options))

    def put_object(self, bucket: str, key: str, body: bytes, calls: int = 1) -> list[Run]:
        return self._called(calls, self._client.s3(bucket, key, body))

    def delete_object(self, bucket: str, key: str) -> list[Run]:
        return self._runs(self._client.s3(bucket, key, event="ObjectRemoved:Delete"))

    def put_event(
        self,
        source: str,
        detail_type: str,
        detail: Any,
        bus: str = "default",
        calls: int = 1,
        **options: Any,
    ) -> list[Run]:
        return self._called(calls, self._client.eventbridge(source, detail_type, detail, **options))

    def copy_object(self, bucket: str, key: str, to: str, body: bytes) -> list[Run]:
        return self._runs(self._client.s3(bucket, to, body, event="ObjectCreated:Copy"))

    def fire(self, name: str) -> list[Run]:
        return self._runs(self._client.schedule(name))

    def invoke(self, name: str, event: Any) -> list[Run]:
        return self._runs(self._client.invoke(name, event))

    def start_task(self, name: str, event: Any) -> list[Run]:
        runs = self.invoke(name, event)
        return [*runs, Run(event=None, saw=_saw(self._folder, runs[0].result["id"]))]

    def _called(self, calls: int, result: EventResult) -> list[Run]:
        """What AWS would call nobody with is for no handler."""
        if calls == 0:
            assert isinstance(result.error, UnknownEvent)
            return []
        return self._runs(result)

    def _until_done(self, records: tuple[Any, ...], send: Callable[[Any], EventResult]) -> list[Run]:
        """As a stream is read: from the first record that failed on, again."""
        runs: list[Run] = []
        while records:
            runs += self._runs(send(records))
            back = runs[-1].back
            first = runs[-1].event["Records"].index(back[0]) if back else len(records)
            records = records[first:]
        return runs

    def _runs(self, result: EventResult) -> list[Run]:
        if result.event is None and result.filtered:
            return []
        error = None if result.error is None else (type(result.error).__name__, str(result.error))
        saw = _saw(self._folder, result.request_id)
        return [Run(event=result.event, saw=saw, result=result.result, error=error)]


class Cloud:
    """An AWS on this machine, whose functions are heard."""

    def __init__(self, endpoint: str, folder: Path, runs: Queue[Run], fire: Callable[[str], object]) -> None:
        self._endpoint = endpoint
        self._folder = folder
        self._fire = fire
        self._clients: dict[str, Any] = {}
        self.runs = runs

    def client(self, service: str) -> Any:
        if service not in self._clients:
            make: Any = boto3.Session("test", "test", region_name=REGION).client
            config = Config(proxies={}, retries={"total_max_attempts": 1})
            self._clients[service] = make(service, endpoint_url=self._endpoint, config=config)
        return self._clients[service]

    def close(self) -> None:
        for one in self._clients.values():
            one.close()

    def send(self, queue: str, *messages: Message) -> list[Run]:
        sqs, arn = self.client("sqs"), f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"
        url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        with self._paused(arn):
            for one in messages:
                group = {"MessageGroupId": one.group_id} if one.group_id else {}
                more = {"MessageDeduplicationId": one.deduplication_id} if one.deduplication_id else {}
                attributes = {name: _attribute(value) for name, value in one.attributes.items()}
                sqs.send_message(
                    QueueUrl=url, MessageBody=one.body, MessageAttributes=attributes, **group, **more
                )
        runs: list[Run] = []
        while not runs or runs[-1].back:
            with self._paused(arn):
                for record in runs[-1].back if runs else ():
                    handle = record["receiptHandle"]
                    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
            runs.append(self._next())
        return runs

    def put_records(self, stream: str, *records: bytes) -> list[Run]:
        with self._paused(f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{stream}"):
            for one in records:
                self.client("kinesis").put_record(StreamName=stream, Data=one, PartitionKey="1")
        return self._until_done()

    def change(self, table: str, *changes: Change) -> list[Run]:
        dynamodb, typed = self.client("dynamodb"), TypeSerializer().serialize
        with self._paused(dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]):
            for one in changes:
                if one.new_image is None:
                    dynamodb.delete_item(TableName=table, Key={"id": typed(one.old_image["id"])})
                else:
                    dynamodb.put_item(TableName=table, Item=typed(one.new_image)["M"])
        return self._until_done()

    def publish(self, topic: str, message: str, calls: int = 1, **options: Any) -> list[Run]:
        more = {"Subject": options["subject"]} if "subject" in options else {}
        self.client("sns").publish(
            TopicArn=f"arn:aws:sns:{REGION}:{ACCOUNT}:{topic}",
            Message=message,
            MessageAttributes={n: _attribute(value) for n, value in options.get("attributes", {}).items()},
            **more,
        )
        return [self._next() for _ in range(calls)]

    def put_object(self, bucket: str, key: str, body: bytes, calls: int = 1) -> list[Run]:
        self.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
        return [self._next() for _ in range(calls)]

    def delete_object(self, bucket: str, key: str) -> list[Run]:
        self.client("s3").delete_object(Bucket=bucket, Key=key)
        return [self._next()]

    def put_event(
        self,
        source: str,
        detail_type: str,
        detail: Any,
        bus: str = "default",
        calls: int = 1,
        **options: Any,
    ) -> list[Run]:
        entry = {
            "Source": source,
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
            "EventBusName": bus,
        }
        if "resources" in options:
            entry["Resources"] = options["resources"]
        self.client("events").put_events(Entries=[entry])
        return [self._next() for _ in range(calls)]

    def copy_object(self, bucket: str, key: str, to: str, body: bytes) -> list[Run]:
        self.client("s3").copy_object(Bucket=bucket, Key=to, CopySource={"Bucket": bucket, "Key": key})
        return [self._next()]

    def fire(self, name: str) -> list[Run]:
        self._fire(name)
        return [self._next()]

    def invoke(self, name: str, event: Any) -> list[Run]:
        function = f"parity-local-{name}"
        payload = json.dumps(event).encode()
        answer = self.client("lambda").invoke(FunctionName=function, Qualifier="live", Payload=payload)
        with closing(answer["Payload"]) as stream:
            told = stream.read()
        run = self._next()
        assert (run.error is not None) == ("FunctionError" in answer), told
        return [run]

    def start_task(self, name: str, event: Any) -> list[Run]:
        runs = self.invoke(name, event)
        file = self._folder / runs[0].result["id"]
        until(lambda: file.exists() and file.read_text().endswith("\n"))
        return [*runs, Run(event=None, saw=_saw(self._folder, file.name))]

    def left(self) -> dict[str, Any]:
        """Say which queues still have messages, and what ran without having been waited for."""
        sqs = self.client("sqs")
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

        def full() -> list[str]:
            return [
                url
                for url in sqs.list_queues()["QueueUrls"]
                for found in [sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]]
                if any(found[name] != "0" for name in names)
            ]

        with suppress(TimeoutError):
            until(lambda: not full())
        ran = []
        while not self.runs.empty():
            ran.append(self.runs.get())
        return {"queues": full(), "runs": ran}

    @contextmanager
    def _paused(self, arn: str) -> Iterator[None]:
        """Read nothing of a source meanwhile, so that what comes makes one batch."""
        lambdas = self.client("lambda")
        mappings = lambdas.list_event_source_mappings()["EventSourceMappings"]
        (uuid,) = [one["UUID"] for one in mappings if one["EventSourceArn"] == arn]
        lambdas.update_event_source_mapping(UUID=uuid, Enabled=False)
        yield
        lambdas.update_event_source_mapping(UUID=uuid, Enabled=True)

    def _until_done(self) -> list[Run]:
        runs = [self._next()]
        while runs[-1].back:
            runs.append(self._next())
        return runs

    def _next(self) -> Run:
        return self.runs.get(timeout=WAIT)


World = Client | Cloud


def _attribute(value: Any) -> dict[str, Any]:
    if isinstance(value, bytes):
        return {"DataType": "Binary", "BinaryValue": value}
    if isinstance(value, list):
        return {"DataType": "String.Array", "StringValue": json.dumps(value, ensure_ascii=False)}
    return {"DataType": "Number" if isinstance(value, int | float) else "String", "StringValue": str(value)}


def _saw(folder: Path, request_id: str) -> list[Any]:
    """Take what handlers have left below a request: Lambda's next try may have the same id."""
    file = folder / request_id
    if not file.exists():
        return []
    lines = file.read_text().splitlines()
    file.unlink()
    return [json.loads(line) for line in lines]


def until(condition: Callable[[], bool]) -> None:
    for _ in range(WAIT * 20):
        if condition():
            return
        time.sleep(0.05)
    raise TimeoutError


MIXED = {"text": "é", "number": 7, "fraction": 1.5, "raw": b"\x00\xff"}
PERSON = {
    "id": "a b/é",
    "int": 7,
    "below": -12345678901234567890,
    "decimal": Decimal("1.5"),
    "zero": 0,
    "raw": b"\x00\xff",
    "texts": {"x", "é"},
    "numbers": {1, Decimal("2.5")},
    "raws": {b"1", b"\xff"},
    "map": {"list": [1, "x", None, True, {"deep": []}]},
    "empty": "",
    "no": False,
}
NUMBERS = {
    "id": "numbers",
    "padded": Decimal("1.50"),
    "whole": Decimal("100.0"),
    "large": Decimal("1E+2"),
    "small": Decimal("1E-20"),
    "none": Decimal("0.00"),
}
RENAMED = {**PERSON, "int": 8}
CART, BAD_CART = {"id": "tea"}, {"id": "bad"}

#: What happens, by a name.
HAPPENINGS: dict[str, Callable[[World], list[Run]]] = {
    "sqs-attributes": lambda w: w.send("orders", Message(body='{"a": "é"}', attributes=MIXED)),
    "sqs-some-fail": lambda w: w.send("orders", *map(_message, ["good", "bad 1", "fine", "bad 2"])),
    "sqs-all-fail": lambda w: w.send("orders", *map(_message, ["bad 1", "bad 2"])),
    "sqs-batch-fails": lambda w: w.send("batches", *map(_message, ["one", "two"])),
    "sqs-filters": lambda w: w.send(
        "kept", *map(_message, ['{"kind": "new"}', '{"kind": "old"}', "no JSON"])
    ),
    "sqs-reported-by-hand": lambda w: w.send("reporting", *map(_message, ["one", "again", "two"])),
    "sqs-async": lambda w: w.send("awaited", *map(_message, ['{"fails": true}', '{"fails": false}'])),
    "fifo": lambda w: w.send("line.fifo", *map(_in_group, ["a1", "b1", "a2", "a3", "b2"])),
    "sns": lambda w: w.publish(
        "news", "hi é", subject="greeting", attributes={"kind": "new", "list": ["a", 1, None], **MIXED}
    ),
    "sns-kept-back": lambda w: [
        *w.publish("news", "old", calls=0, attributes={"kind": "old"}),
        *w.publish("news", "none", calls=0),
        *w.publish("news", "new", attributes={"kind": "new"}),
    ],
    "sns-kept-back-by-body": lambda w: [
        *w.publish("orders", '{"order": {"total": 4}}', calls=0),
        *w.publish("orders", "no JSON", calls=0),
        *w.publish("orders", '{"order": {"total": 5.0}}'),
    ],
    "sns-async": lambda w: w.publish("alerts", '{"n": [1.5, null]}'),
    "sns-fails": lambda w: w.publish("failing", "this é"),
    "s3-put": lambda w: w.put_object("uploads", "in/May 2026/a+b%20c.csv", b"a,b"),
    "s3-kept-back": lambda w: [
        *w.put_object("uploads", "in/a.jpg", b"", calls=0),
        *w.put_object("uploads", "out/a.csv", b"", calls=0),
        *w.put_object("uploads", "in/é.txt", b""),
    ],
    "s3-put-encoded-filter": lambda w: w.put_object("parts", "year=2026/May 4/é", b"x"),
    "s3-copy": lambda w: w.copy_object("uploads", "in/May 2026/a+b%20c.csv", "in/b.csv", b"a,b"),
    "s3-delete": lambda w: w.delete_object("uploads", "in/é.txt"),
    "s3-bus-put": lambda w: w.put_object("bused", "May 2026/a+b%20c é", b"xyz"),
    "s3-bus-delete": lambda w: w.delete_object("bused", "May 2026/a+b%20c é"),
    "dynamodb-insert": lambda w: w.change("people", Change(new_image=PERSON)),
    "dynamodb-modify": lambda w: w.change("people", Change(new_image=RENAMED, old_image=PERSON)),
    "dynamodb-remove": lambda w: w.change("people", Change(old_image=RENAMED)),
    "dynamodb-numbers": lambda w: w.change("people", Change(new_image=NUMBERS)),
    "dynamodb-filters": lambda w: w.change(
        "renamed",
        Change(new_image=CART),
        Change(new_image={**CART, "n": 1}, old_image=CART),
        Change(new_image={**CART, "n": 2}, old_image={**CART, "n": 1}),
        Change(old_image={**CART, "n": 2}),
    ),
    "dynamodb-some-fail": lambda w: w.change(
        "carts",
        Change(new_image=CART),
        Change(new_image=BAD_CART),
        Change(new_image={"id": "more"}),
    ),
    "kinesis": lambda w: w.put_records("clicks", '{"a": "é"}'.encode(), b"\x00\xff", b""),
    "kinesis-filters": lambda w: w.put_records(
        "sifted", b'{"kind": "new"}', b'{"kind": "old"}', b"\xff", b"text", b'"text"', b"no text"
    ),
    "kinesis-some-fail": lambda w: w.put_records("clicks", b"good", b"bad", b"more"),
    "kinesis-batch-fails": lambda w: w.put_records("frames", b"one", b"two"),
    "bus": lambda w: w.put_event(
        "shop", "Order é", {"total": 7.5, "n": [1, None]}, resources=["arn:aws:s3:::a", "b"]
    ),
    "bus-kept-back": lambda w: [
        *w.put_event("shop", "small", {"total": 5}, calls=0),
        *w.put_event("mine", "large", {"total": 6}, calls=0),
        *w.put_event("shop", "large", {"total": 6}),
    ],
    "bus-own": lambda w: w.put_event("theirs", "anything", {}, bus="theirs"),
    "rule-with-input": lambda w: w.fire("yearly"),
    "rule": lambda w: w.fire("bare"),
    "scheduler": lambda w: w.fire("zoned"),
    **{
        f"invoke-{name}": lambda w, event=event: w.invoke("echo", event)  # type: ignore[misc]
        for name, event in {
            "object": {"a": [1, 1.5, None, True], "é": "\u2028\U0001f600", "big": 2**70},
            "list": [1, {}],
            "text": "é",
            "number": 0.1,
            "null": None,
            "empty": {},
            "surrogate": "\ud800",
        }.items()
    },
    "invoke-async": lambda w: w.invoke("waits", {"n": 1}),
    "invoke-fails": lambda w: w.invoke("fails", {"as": "declined", "text": "no: é\nat all"}),
    "invoke-fails-without-words": lambda w: w.invoke("fails", {"as": "text", "text": ""}),
    "invoke-fails-key": lambda w: w.invoke("fails", {"as": "key", "text": "name"}),
    "invoke-async-fails": lambda w: w.invoke("fails_later", {}),
    **{
        f"answers-{name}": lambda w, name=name: w.invoke("makes", name)  # type: ignore[misc]
        for name in (
            *("types", "none", "text", "number", "bare", "bytes", "nan", "surrogate", "object", "delta"),
            "generator",
        )
    },
    "event-of-another": lambda w: w.invoke("ordered", {"no": "event"}),
    "task": lambda w: w.start_task("starts", {"width": 200}),
    "task-context": lambda w: w.start_task("starts_another", {}),
}


def _message(body: str) -> Message:
    return Message(body=body)


def _in_group(body: str) -> Message:
    return Message(body=body, group_id=body[0], deduplication_id=f"once-{body}")


_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00"
#: What services number or time by themselves, and its form.
FORMS = {
    "message_id": _UUID,
    "receipt_handle": r"\S{20,}",
    "sent_at": _TIME,
    "timestamp": _TIME,
    "time": _TIME,
    "event_time": _TIME,
    "SentTimestamp": r"\d{13}",
    "ApproximateFirstReceiveTimestamp": r"\d{13}",
    "SenderId": r"\w+",
    "SequenceNumber": r"\d{20}",
    "sequence_number": r"\d+",
    "subscription_arn": rf"arn:aws:sns:us-east-1:123456789012:\w+:{_UUID}",
    "stream_arn": r"arn:aws:(kinesis:.*:stream/\w+|dynamodb:.*:table/\w+/stream/\d{4}-\d\d-\d\dT[\d:.]+)",
    "event_id": rf"{_UUID}|[0-9a-f]{{32}}|shardId-\d{{12}}:\d+",
    "sequencer": r"[0-9A-F]{16,}",
    "principal": r"[\w:]+",
    "source_ip": r"[\d.]+",
    "size_bytes": r"\d+",
    "schedule_arn": r"arn:aws:(events:.*:rule|scheduler:.*:schedule/[a-z-]+)/(parity-local-)?\w+",
    "name": r"(parity-local-)?\w+",
}


def masked(value: Any, key: str = "") -> Any:
    """Leave out what has the form that its name asks for."""
    if isinstance(value, dict):
        return {name: masked(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [masked(one) for one in value]
    if key in FORMS and value is not None and re.fullmatch(FORMS[key], str(value)):
        return f"<{key}>"
    return value


def shape(value: Any) -> Any:
    """What a raw event has, by types alone."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in sorted(value.items())}
    return [shape(one) for one in value] if isinstance(value, list) else type(value).__name__


@dataclass(frozen=True)
class Story:
    """What came of one happening, to be compared: runs of handlers, and the shapes of their events."""

    runs: list[Any]
    shapes: list[Any]

    @classmethod
    def of(cls, runs: list[Run]) -> Story:
        return cls([_told(one) for one in runs], [shape(one.event) for one in runs])


def _told(run: Run) -> dict[str, Any]:
    saw = masked(run.saw)
    if run.error is not None:
        return {"saw": saw, "error": run.error}
    if run.reported:
        return {"saw": saw, "back": [_content(one) for one in run.back], "reported": len(run.reported)}
    if saw and saw[0][0] == "starts":
        return {"saw": saw, "result": masked({"message_id": run.result["id"]})}
    return {"saw": saw, "result": run.result}


Stories = dict[str, Story]


def stories(world: World) -> Stories:
    """Let everything happen, one after the other."""
    found: Stories = {}
    for name, happen in HAPPENINGS.items():
        try:
            found[name] = Story.of(happen(world))
        except (Empty, TimeoutError):
            found[name] = Story(["nothing came"], [])
    return found


def project(factory: pytest.TempPathFactory, name: str) -> tuple[Path, Path]:
    """Write the project; gives its folder, and the one that its handlers write to."""
    folder, kept = factory.mktemp(name), factory.mktemp(f"{name}-kept")
    (folder / "events_app.py").write_text(APP)
    (folder / "microlambda.toml").write_text(SETTINGS.format(folder=kept))
    return folder, kept


@contextmanager
def heard(folder: Path) -> Iterator[Queue[Run]]:
    """Hear what Lambda is told by each function, but of the deployer's question and of tasks."""
    runs: Queue[Run] = Queue()
    invoke = Functions.invoke

    def invoked(functions: Functions, function: Any, payload: bytes, **options: Any) -> Any:
        told = invoke(functions, function, payload, **options)
        event, invocation = json.loads(payload), told[0]
        if event != CHECK and not function.name.endswith(("-resized", "-named")):
            saw, result = _saw(folder, invocation.request_id), json.loads(invocation.payload)
            if invocation.function_error is None:
                runs.put(Run(event=event, saw=saw, result=result))
            else:
                runs.put(Run(event=event, saw=saw, error=(result["errorType"], result["errorMessage"])))
        return told

    with patch.object(Functions, "invoke", invoked):
        yield runs


@pytest.fixture(scope="module")
def told_client(tmp_path_factory: pytest.TempPathFactory) -> Stories:
    root, kept = project(tmp_path_factory, "client")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("FOLDER", str(kept))
        client = load_app(root, "events_app:app").app.test_client(raise_errors=False)
        return stories(Client(client, kept))


@pytest.fixture(scope="module")
def told_local(tmp_path_factory: pytest.TempPathFactory) -> tuple[Stories, dict[str, Any]]:
    root, kept = project(tmp_path_factory, "local")
    events = Events()
    with heard(kept) as runs, LocalServer(root, port=0, console=events) as server:
        assert "Made for the handlers" in events.notes.get(timeout=WAIT)
        with closing(Cloud(server.cloud.endpoint, kept, runs, server.cloud.fire)) as cloud:
            return stories(cloud), cloud.left()


@pytest.fixture(scope="module")
def told_deployed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Stories, dict[str, Any]]:
    root, kept = project(tmp_path_factory, "deployed")
    deployment = Deployment.of(load_settings(root, "local"), None, command="deploy").for_host()
    with heard(kept) as runs, EmbeddedCloud(region=REGION) as embedded:

        def fire(name: str) -> None:
            rules = embedded.client("events").list_rules()["Rules"]
            schedules = embedded.client("scheduler").list_schedules()["Schedules"]
            (arn,) = [one["Arn"] for one in [*rules, *schedules] if one["Name"] == f"parity-local-{name}"]
            embedded.fire(arn)

        deployer = deployment.deployer(Aws(embedded.client, region=REGION), Lines(print), refresh=False)
        make_sources(embedded.client, deployer.plan, embedded.account)
        deployer.deploy()
        with closing(Cloud(embedded.endpoint, kept, runs, fire)) as cloud:
            return stories(cloud), cloud.left()


@pytest.mark.parametrize("name", HAPPENINGS)
def test_local_runs_handlers_as_the_test_client(
    told_client: Stories, told_local: tuple[Stories, dict[str, Any]], name: str
) -> None:
    assert told_local[0][name].runs == told_client[name].runs


@pytest.mark.parametrize("name", HAPPENINGS)
def test_the_deployed_bundle_runs_handlers_as_the_test_client(
    told_client: Stories, told_deployed: tuple[Stories, dict[str, Any]], name: str
) -> None:
    assert told_deployed[0][name].runs == told_client[name].runs


@pytest.mark.parametrize("name", HAPPENINGS)
def test_events_have_one_shape_in_the_test_client_local_and_the_deployed_bundle(
    told_client: Stories,
    told_local: tuple[Stories, dict[str, Any]],
    told_deployed: tuple[Stories, dict[str, Any]],
    name: str,
) -> None:
    assert [told_local[0][name].shapes, told_deployed[0][name].shapes] == [told_client[name].shapes] * 2


def test_nothing_else_is_run_and_no_message_is_left(
    told_local: tuple[Stories, dict[str, Any]], told_deployed: tuple[Stories, dict[str, Any]]
) -> None:
    assert [told_local[1], told_deployed[1]] == [{"queues": [], "runs": []}] * 2


#: What keeps the table from comparing one failure with another: what came of runs that were not just well.
OUTCOMES: dict[tuple[str, ...], list[str]] = {
    ("ok", "ok"): ["task", "task-context"],
    ("back", "ok"): [
        *("sqs-some-fail", "sqs-all-fail", "sqs-reported-by-hand", "sqs-async", "fifo"),
        *("dynamodb-some-fail", "kinesis-some-fail"),
    ],
    ("Declined", "ok"): ["sqs-batch-fails", "kinesis-batch-fails"],
    ("Declined",): ["sns-fails", "invoke-fails", "invoke-async-fails"],
    ("KeyError",): ["bus-own", "invoke-fails-key"],
    ("ValueError",): ["invoke-fails-without-words"],
    ("WrongAnswer",): ["answers-nan", "answers-object", "answers-delta", "answers-generator"],
    ("UnknownEvent",): ["event-of-another"],
}


def _outcome(told: Any) -> str:
    if isinstance(told, str):  # nothing came
        return told
    return told["error"][0] if "error" in told else "back" if "back" in told else "ok"


def test_the_happenings_reach_what_they_are_for(told_client: Stories) -> None:
    reached: dict[tuple[str, ...], list[str]] = {}
    for name, story in told_client.items():
        words = tuple(_outcome(one) for one in story.runs)
        reached.setdefault(words, []).append(name)
    del reached["ok",]

    assert reached == OUTCOMES
