"""The AWS inside `microlambda local`: what happens in it reaches the handlers in the project's files."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.config import Config

from microlambda.emulator.cloud import EmbeddedCloud
from microlambda.emulator.errors import StateUnreadable
from microlambda.local.server import LocalServer
from tests.local.events import WAIT, Event, Events

pytestmark = pytest.mark.slow  # each starts an AWS and deploys to it

Get = Callable[[str], tuple[int, str]]

APP = """\
import json
import os

import boto3

from microlambda import App, Cron

app = App("shop")


def keep(seen):  # what handlers of streams answer is for Lambda alone
    with open("seen.json", "w") as file:
        json.dump(seen, file)


@app.get("/")
def index():
    print("said by a view")
    return {"hello": "world"}


@app.on_log_events("/web", filter_pattern="?ERROR ?WARN")
def alarm(event):
    return [line.message for line in event]


@app.on_log_events("/aws/lambda/shop-local-http", filter_pattern="said")
def listened(event):
    return [line.message.strip() for line in event]


@app.post("/orders")
def order():
    sqs = boto3.client("sqs")
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName="orders")["QueueUrl"], MessageBody="from a view")
    return ""


@app.on_sqs_message("orders", per_record=True)
def ordered(record):
    print("ordered", record.body)
    if record.body == "bad":
        raise ValueError("on purpose")


@app.on_s3_event("uploads", events=["s3:ObjectCreated:*"], suffix=".csv")
def imported(event):
    return [[record.bucket, record.key, record.size] for record in event]


@app.on_sns_message("news")
def told(event):
    return [record.message for record in event]


@app.on_dynamodb_record("books")
def stored(event):
    keep([[record.event_name, record.new_image["id"]] for record in event])


@app.on_kinesis_record("clicks")
def clicked(event):
    keep([record.data.decode() for record in event])


@app.on_event({"source": ["shop"]})
def happened(event):
    return [event.detail_type, event.detail]


@app.lambda_function()
def about(event, context):
    return {
        "function": context.function_name,
        "memory": context.memory_limit_in_mb,
        "arn": context.invoked_function_arn,
        "own": os.environ.get("OWN"),
        "left": context.get_remaining_time_in_millis() > 800_000,
        "traced": os.environ.get("_X_AMZN_TRACE_ID", "").startswith("Root=1-"),
    }
"""

SETTINGS = """\
name = "shop"
region = "eu-west-1"

[functions.about]
memory = 512
timeout = 900
environment = { OWN = "of about" }
"""


class Shop(NamedTuple):
    """A project that is served, and its AWS as another terminal sees it."""

    folder: Path
    server: LocalServer
    events: Events
    made: str

    def client(self, service: str) -> Any:
        return self.client_in(service, "eu-west-1")

    def client_in(self, service: str, region: str) -> Any:
        make: Any = boto3.client
        return make(
            service,
            region_name=region,
            endpoint_url=re.findall(r"AWS_ENDPOINT_URL=(\S+?)\.?(?: |$)", self.made)[0],
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(proxies={}, retries={"total_max_attempts": 1}),
        )

    @property
    def seen(self) -> Any:
        return json.loads((self.folder / "seen.json").read_text())

    def send(self, body: str, queue: str = "orders") -> None:
        sqs = self.client("sqs")
        sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=queue)["QueueUrl"], MessageBody=body)

    def change(self, old: str, new: str) -> None:
        file = self.folder / "app.py"
        file.write_text(file.read_text().replace(old, new))
        self.events.reloads.get(timeout=WAIT)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "microlambda.toml").write_text(SETTINGS)
    return tmp_path


@pytest.fixture
def shop(project: Path) -> Iterator[Shop]:
    events = Events()
    with LocalServer(project, port=0, reload=True, console=events) as server:
        yield Shop(project, server, events, events.notes.get(timeout=WAIT))


def test_what_handlers_wait_for_is_made_and_said(shop: Shop) -> None:
    assert "Made for the handlers: " in shop.made
    for made in (
        "queue orders",
        "bucket uploads",
        "topic news",
        "table books",
        "stream clicks",
        "log group /web",
    ):
        assert made in shop.made
    assert [one["Name"] for one in shop.client("s3").list_buckets()["Buckets"]] == ["uploads"]


def test_every_source_runs_its_handler_with_the_true_event(shop: Shop) -> None:
    shop.client("s3").put_object(Bucket="uploads", Key="May 2026/a.csv", Body=b"a,b")
    assert shop.events.next() == Event("imported", [["uploads", "May 2026/a.csv", 3]], None)

    shop.client("sns").publish(TopicArn="arn:aws:sns:eu-west-1:123456789012:news", Message="hot")
    assert shop.events.next() == Event("told", ["hot"], None)

    shop.client("dynamodb").put_item(TableName="books", Item={"id": {"S": "1"}, "price": {"N": "3"}})
    assert shop.events.next() == Event("stored", None, None)
    assert shop.seen == [["INSERT", "1"]]

    shop.client("kinesis").put_record(StreamName="clicks", Data=b"click", PartitionKey="k")
    assert shop.events.next() == Event("clicked", None, None)
    assert shop.seen == ["click"]

    entry = {"Source": "shop", "DetailType": "sold", "Detail": '{"n": 1}'}
    shop.client("events").put_events(Entries=[entry])
    assert shop.events.next() == Event("happened", ["sold", {"n": 1}], None)

    shop.send("hello")
    assert shop.events.next() == Event("ordered", {"batchItemFailures": []}, None)

    logs = shop.client("logs")
    logs.create_log_stream(logGroupName="/web", logStreamName="one")
    now = int(time.time() * 1000)
    lines = [{"timestamp": now, "message": text} for text in ("INFO a", "ERROR b", "WARN c")]
    logs.put_log_events(logGroupName="/web", logStreamName="one", logEvents=lines)
    assert shop.events.next() == Event("alarm", ["ERROR b", "WARN c"], None)


def test_what_views_print_reaches_the_handlers_of_their_lines(shop: Shop, get: Get) -> None:
    get(f"{shop.server.url}/")

    assert shop.events.next() == Event("listened", ["said by a view"], None)


def test_the_logs_of_handlers_are_in_their_log_groups(shop: Shop) -> None:
    shop.send("hello")
    shop.events.next()
    logs = shop.client("logs")

    def messages() -> list[str]:
        found = logs.filter_log_events(logGroupName="/aws/lambda/shop-local-ordered")["events"]
        return [one["message"].split()[0] for one in found]

    until(lambda: messages()[-4:] == ["START", "ordered", "END", "REPORT"])


def test_what_a_view_sends_reaches_the_handler(shop: Shop, get: Get) -> None:
    import urllib.request

    request = urllib.request.Request(f"{shop.server.url}/orders", method="POST")
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        assert answer.status == 200

    assert shop.events.next().name == "ordered"


def test_one_line_tells_what_fired_whom_and_what_came_of_it(shop: Shop) -> None:
    shop.send("good")
    shop.events.next()
    shop.send("bad")
    failed = shop.events.next()

    lines = [
        line for line in shop.events.out.getvalue().splitlines() if " ordered " in line and ":" in line[:3]
    ]
    assert re.fullmatch(r"\d\d:\d\d:\d\d on_sqs_message\(queue='orders'\) ordered ok \d+ ms", lines[0])
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d on_sqs_message\(queue='orders'\) ordered 1 record failed \d+ ms", lines[1]
    )
    assert len(failed.result["batchItemFailures"]) == 1


def test_a_record_that_failed_comes_back_after_its_visibility_timeout(shop: Shop) -> None:
    sqs = shop.client("sqs")
    url = sqs.get_queue_url(QueueName="orders")["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1"})

    shop.send("bad")

    first, second = shop.events.next(), shop.events.next()
    assert first.result == second.result != {"batchItemFailures": []}


def test_functions_are_called_by_name_with_their_own_environment_and_limits(shop: Shop) -> None:
    answer = shop.client("lambda").invoke(FunctionName="shop-local-about", Payload=b"{}")

    assert json.loads(answer["Payload"].read()) == {
        "function": "shop-local-about",
        "memory": "512",
        "arn": "arn:aws:lambda:eu-west-1:123456789012:function:shop-local-about",
        "own": "of about",
        "left": True,
        "traced": True,
    }


def test_after_a_reload_the_new_code_gets_the_events_and_the_data_is_kept(shop: Shop) -> None:
    shop.client("s3").put_object(Bucket="uploads", Key="kept.csv", Body=b"1")
    shop.events.next()

    shop.change("record.bucket, record.key, record.size", "'new', record.key")
    shop.client("s3").put_object(Bucket="uploads", Key="next.csv", Body=b"2")

    assert shop.events.next() == Event("imported", [["new", "next.csv"]], None)
    assert shop.client("s3").get_object(Bucket="uploads", Key="kept.csv")["Body"].read() == b"1"


def test_a_handler_that_is_new_gets_its_events_and_one_that_went_gets_none(shop: Shop) -> None:
    shop.change(
        '@app.on_sqs_message("orders", per_record=True)', '@app.on_sqs_message("jobs", per_record=True)'
    )
    assert "queue jobs" in shop.events.notes.get(timeout=WAIT)
    sources = shop.client("lambda").list_event_source_mappings(FunctionName="shop-local-ordered:live")

    shop.send("hello", queue="jobs")

    assert shop.events.next().name == "ordered"
    assert [one["EventSourceArn"].rpartition(":")[2] for one in sources["EventSourceMappings"]] == ["jobs"]


def test_an_app_whose_last_handler_went_has_nothing_fired_any_more(tmp_path: Path) -> None:
    text = (
        'from microlambda import App\n\napp = App("shop")\n\n\n@app.get("/")\ndef index():\n    return ""\n'
    )
    handler = '\n\n@app.on_sqs_message("orders")\ndef ordered(event): ...\n'
    (tmp_path / "app.py").write_text(text + handler)
    events = Events()
    with LocalServer(tmp_path, port=0, reload=True, console=events) as server:
        shop = Shop(tmp_path, server, events, events.notes.get(timeout=WAIT))
        lambda_ = shop.client_in("lambda", "us-east-1")
        assert len(lambda_.list_event_source_mappings()["EventSourceMappings"]) == 1

        shop.change(handler, "")

        until(lambda: lambda_.list_event_source_mappings()["EventSourceMappings"] == [])
        until(lambda: lambda_.list_functions()["Functions"] == [])


def test_of_versions_that_come_one_after_the_other_the_last_is_fired(shop: Shop) -> None:
    for number in range(4):
        before = "orders" if number == 0 else f"queue-{number - 1}"
        shop.change(f'@app.on_sqs_message("{before}", per', f'@app.on_sqs_message("queue-{number}", per')
    lambda_ = shop.client("lambda")

    def queues() -> list[str]:
        found = lambda_.list_event_source_mappings(FunctionName="shop-local-ordered:live")
        return [one["EventSourceArn"].rpartition(":")[2] for one in found["EventSourceMappings"]]

    until(lambda: queues() == ["queue-3"])


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_event_for_a_handler_that_never_ran_waits_while_new_code_cannot_be_imported(shop: Shop) -> None:
    file = shop.folder / "app.py"
    text = file.read_text()
    file.write_text(f"{text}\nbroken(")
    shop.events.failures.get(timeout=WAIT)

    shop.send("hello")

    assert shop.events.notes.get(timeout=WAIT) == "An event for ordered waits for code that can be imported."
    file.write_text(text)
    assert shop.events.next() == Event("ordered", {"batchItemFailures": []}, None)


def test_the_end_of_the_server_ends_an_event_that_waits(shop: Shop) -> None:
    (shop.folder / "app.py").write_text("broken(")
    shop.events.failures.get(timeout=WAIT)
    shop.send("hello")
    shop.events.notes.get(timeout=WAIT)

    shop.server.stop()

    assert shop.events.notes.empty()


def test_a_handler_that_exits_fails_its_event_alone(shop: Shop) -> None:
    shop.change('print("ordered", record.body)', "os._exit(3)")
    shop.send("hello")

    failed = shop.events.next()
    shop.client("sns").publish(TopicArn="arn:aws:sns:eu-west-1:123456789012:news", Message="hot")

    assert (failed.name, failed.error) == ("ordered", "Unhandled")
    assert failed.result["errorType"] == "Runtime.ExitError"
    assert shop.events.next() == Event("told", ["hot"], None)


def test_a_schedule_fires_by_the_clock(tmp_path: Path) -> None:
    text = 'from microlambda import App, At\n\napp = App("shop")\n\n\n'
    text += '@app.schedule(At("2020-01-01T00:00:00"))\ndef past(event):\n    return 1\n\n\n'
    # with a time zone it is Scheduler's, whose rates begin at once
    text += '@app.schedule("rate(1 hour)", tz="Asia/Tokyo")\ndef tick(event):\n    return event.name\n'
    (tmp_path / "app.py").write_text(text)
    events = Events()

    with LocalServer(tmp_path, port=0, console=events):
        event = events.next()

    assert (event.name, event.error) == ("tick", None)
    assert events.events.empty()


def test_an_app_of_routes_alone_starts_no_aws_until_it_is_called(tmp_path: Path, get: Get) -> None:
    text = 'import boto3\nfrom microlambda import App\n\napp = App("shop")\n\n\n'
    text += '@app.get("/")\ndef index():\n    return "hello"\n\n\n'
    text += '@app.get("/buckets")\ndef buckets():\n'
    text += '    boto3.client("s3").create_bucket(Bucket="mine")\n'
    text += '    return boto3.client("s3").list_buckets()["Buckets"][0]["Name"]\n'
    (tmp_path / "app.py").write_text(text)

    events = Events()

    with LocalServer(tmp_path, port=0, console=events) as server:
        assert get(f"{server.url}/") == (200, "hello")
        before = server.cloud.is_started
        assert events.notes.empty()
        buckets = get(f"{server.url}/buckets")

        assert (before, server.cloud.is_started) == (False, True)
        endpoint = server.cloud.endpoint
    assert buckets == (200, "mine")
    assert events.notes.get(timeout=WAIT) == f"An AWS of your own: AWS_ENDPOINT_URL={endpoint}."
    assert events.notes.empty()  # once, for all calls


def test_what_nothing_fires_here_is_said_by_name(tmp_path: Path) -> None:
    text = 'from microlambda import App\n\napp = App("shop")\n\n\n'
    text += (
        '@app.on_kafka_record(topic="orders", cluster="arn:aws:kafka:eu-west-1:123456789012:cluster/a/b")\n'
    )
    text += "def consumed(event):\n    return 1\n"
    (tmp_path / "app.py").write_text(text)
    events = Events()

    with LocalServer(tmp_path, port=0, console=events):
        assert "Not fired here: consumed." in events.out.getvalue()


def test_what_waits_for_another_account_is_said_by_name(tmp_path: Path) -> None:
    text = 'from microlambda import App\n\napp = App("shop")\n\n\n'
    text += '@app.on_sqs_message("arn:aws:sqs:us-east-1:999999999999:theirs")\ndef ordered(event): ...\n\n\n'
    text += '@app.on_sns_message("news", dead_letter_queue="arn:aws:sqs:us-east-1:999999999999:dead")\n'
    text += "def told(event): ...\n"
    (tmp_path / "app.py").write_text(text)
    events = Events()

    with LocalServer(tmp_path, port=0, console=events):
        said = [events.notes.get(timeout=WAIT) for _ in range(3)]

    assert said[1:] == [
        "Not fired here: ordered. What would call them is in another account.",
        "Not sent from here: what fails in told. It would go to another account.",
    ]


def test_the_developers_own_account_is_out_of_reach(
    project: Path, monkeypatch: pytest.MonkeyPatch, get: Get
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:9")
    events = Events()
    file = project / "app.py"
    file.write_text(file.read_text() + '\n\n@app.get("/env")\ndef env():\n    return dict(os.environ)\n')

    with LocalServer(project, port=0, console=events) as server:
        environ = json.loads(get(f"{server.url}/env")[1])
        endpoint = server.cloud.endpoint

    assert environ["AWS_ENDPOINT_URL"] == endpoint
    assert not {"AWS_PROFILE", "AWS_ENDPOINT_URL_SQS"} & set(environ)
    assert environ["AWS_CONFIG_FILE"] == os.devnull


def test_with_a_folder_the_next_start_has_what_this_one_left(project: Path, tmp_path: Path) -> None:
    """Also what a stream was read to, and without a second deployment of what is there."""
    data = tmp_path / "data"
    first, second = Events(), Events()
    with LocalServer(project, port=0, data=data, console=first) as server:
        shop = Shop(project, server, first, first.notes.get(timeout=WAIT))
        shop.client("s3").put_object(Bucket="uploads", Key="kept.csv", Body=b"1")
        assert first.next().name == "imported"
        shop.client("kinesis").put_record(StreamName="clicks", Data=b"one", PartitionKey="k")
        assert first.next().name == "clicked"
    with LocalServer(project, port=0, data=data, console=second) as server:
        shop = Shop(project, server, second, second.notes.get(timeout=WAIT))
        assert shop.client("s3").get_object(Bucket="uploads", Key="kept.csv")["Body"].read() == b"1"
        shop.client("s3").put_object(Bucket="uploads", Key="next.csv", Body=b"2")
        assert second.next() == Event("imported", [["uploads", "next.csv", 1]], None)
        shop.client("kinesis").put_record(StreamName="clicks", Data=b"two", PartitionKey="k")
        assert second.next() == Event("clicked", None, None)
        assert shop.seen == ["two"]
        shop.send("hello")
        assert second.next().name == "ordered"


def test_a_folder_whose_state_is_not_for_us_ends_the_start(project: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "aws.state").write_text("nothing of ours")

    with pytest.raises(StateUnreadable, match="Give another --data, or remove aws.state"):
        LocalServer(project, port=0, data=tmp_path / "data").start()


AWS_APP = """\
import os

import boto3

from microlambda import App

app = App("shop")


@app.get("/env")
def env():
    return dict(os.environ)


@app.get("/queues")
def queues():
    return boto3.client("sqs").list_queues()["QueueUrls"]


@app.on_sqs_message("orders")
def ordered(event): ...
"""


def test_with_aws_the_app_calls_what_the_developers_programs_call_and_nothing_is_fired(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, get: Get
) -> None:
    (tmp_path / "app.py").write_text(AWS_APP)
    (tmp_path / "microlambda.toml").write_text('region = "eu-west-1"\nenvironment = { OWN = "mine" }\n')
    events = Events()
    with EmbeddedCloud(region="eu-west-1") as theirs:  # stands for the real one
        theirs.client("sqs").create_queue(QueueName="theirs")
        for name, value in theirs.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("AWS_PROFILE", raising=False)
        with LocalServer(tmp_path, port=0, aws=True, console=events) as server:
            environ = json.loads(get(f"{server.url}/env")[1])
            (url,) = json.loads(get(f"{server.url}/queues")[1])

    assert url.endswith("/theirs")
    assert (environ["AWS_REGION"], environ["OWN"]) == ("eu-west-1", "mine")
    assert environ["AWS_ENDPOINT_URL"] == theirs.endpoint
    assert not server.cloud.is_started
    assert events.notes.empty()
