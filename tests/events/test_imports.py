"""An app with one handler loads the files of that one source, and nothing heavy of the standard library."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import microlambda
from microlambda.emulator.events import SOURCES, builder
from microlambda.runtime.registration import EVENT_DECORATORS

ROOT = Path(microlambda.__file__).parents[1]

#: The decorator as an app writes it, and its source; the sample of the source's builder is for it.
DECLARED = {
    'schedule("rate(10 minutes)")': "schedule",
    'on_s3_event(bucket="uploads")': "s3",
    'on_sqs_message(queue="orders")': "sqs",
    'on_sns_message(topic="news")': "sns",
    'on_dynamodb_record(table="orders")': "dynamodb",
    'on_kinesis_record(stream="clicks")': "kinesis",
    'on_event({"source": ["shop"]})': "eventbridge",
    'on_cw_event({"source": ["shop"]})': "eventbridge",
    'on_kafka_record(topic="orders", bootstrap_servers=["kafka.example:9092"])': "kafka",
    'on_mq_message(queue="orders", broker="arn:aws:mq:us-east-1:1:broker:b:b-1")': "mq",
    'on_documentdb_change("shop", cluster="arn:aws:rds:us-east-1:1:cluster:docs")': "documentdb",
    'on_log_events("/aws/lambda/shop")': "logs",
    'on_alarm("errors")': "alarm",
    "on_email()": "email",
    'on_cognito("PreSignUp")': "cognito",
    'on_iot_message("sensors/#")': "iot",
    'on_firehose_records("clicks")': "firehose",
    "on_ws_connect()": "websocket",
    "on_ws_message()": "websocket",
    "on_ws_disconnect()": "websocket",
    "on(lambda event: True)": "custom",
    "authorizer()": "authorizer",
    "lambda_function()": "function",
    "task": "task",
}

PROBE = """
import sys
sys.path.insert(0, {root!r})
before = set(sys.modules)
from microlambda import App
app = App("alone")
@app.{decorator}
def handle(event=None, context=None): ...
print(*sorted(set(sys.modules) - before))
"""

#: The standard library's modules that cost a cold start more than a file of ours.
HEAVY = {
    *("typing", "datetime", "dataclasses", "inspect", "uuid", "asyncio", "base64", "urllib.parse", "decimal"),
    *("zoneinfo", "hashlib", "zlib", "gzip", "boto3", "difflib", "ipaddress", "random", "socket"),
}


def loaded(decorator: str) -> set[str]:
    code = PROBE.format(root=str(ROOT), decorator=decorator)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_every_decorator_is_looked_at() -> None:
    assert {one.partition("(")[0] for one in DECLARED} == set(EVENT_DECORATORS.split())


@pytest.mark.parametrize(("decorator", "source"), DECLARED.items())
def test_one_handler_loads_the_files_of_its_source_alone(decorator: str, source: str) -> None:
    sources = {*SOURCES, "custom", "function", "task", "authorizer"}

    modules = loaded(decorator)

    of_sources = {
        name
        for name in modules
        if name.startswith(("microlambda.runtime.events.", "microlambda.runtime.triggers."))
        and name.rpartition(".")[2] in sources
    }
    assert {name.rpartition(".")[2] for name in of_sources} == {source}
    assert modules & HEAVY == set()


def test_an_app_of_routes_loads_nothing_of_events() -> None:
    modules = loaded("get('/')")

    assert not [
        name for name in modules if name.startswith(("microlambda.runtime.events", "microlambda.runtime.tr"))
    ]
    assert "microlambda.runtime.event_decorators" not in modules


#: What each source's sample must say to be for the handler above; Cognito and Firehose want an answer.
FIRST: dict[str, dict[str, Any]] = {
    "alarm": {"alarm": "errors"},
    "documentdb": {"cluster": "arn:aws:rds:us-east-1:1:cluster:docs"},
    "dynamodb": {"table": "orders"},
    "email": {},
    "eventbridge": {"source": "shop"},
    "iot": {},
    "kafka": {"bootstrap_servers": ["kafka.example:9092"]},
    "kinesis": {"stream": "clicks"},
    "logs": {"log_group": "/aws/lambda/shop"},
    "mq": {"broker": "arn:aws:mq:us-east-1:1:broker:b:b-1"},
    "s3": {"bucket": "uploads"},
    "schedule": {},
    "sns": {"topic": "news"},
    "sqs": {"queue": "orders"},
    "websocket": {},
}


@pytest.mark.parametrize("source", FIRST)
def test_the_first_event_loads_no_other_source(source: str) -> None:
    decorator = next(one for one, of in DECLARED.items() if of == source)
    code = (
        PROBE.format(root=str(ROOT), decorator=decorator)
        + "import json\napp(json.loads(sys.stdin.read()), None)\nprint(*sorted(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        input=json.dumps(builder(source)(**FIRST[source])),
        capture_output=True,
        text=True,
        check=True,
    )

    of_views = {name for name in done.stdout.split() if name.startswith("microlambda.runtime.events.")}
    assert {name.rpartition(".")[2] for name in of_views} & set(SOURCES) == {source}
