"""The sample events of AWS's SAM CLI, filled in by its own code, reach the right handler, values and all.

Its wheel is taken from the package index as it is, without what it depends on: only its templates are read.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from microlambda import App

pytestmark = [pytest.mark.index, pytest.mark.slow]

FILL = """
import json, sys
from samcli.lib.generated_sample_events.events import Events

events = Events()

def filled(service, kind, values):
    tags = events.event_mapping[service][kind]["tags"]
    defaults = {tag.replace("-", "_"): about.get("default") for tag, about in tags.items()}
    return json.loads(events.generate_event(service, kind, {**defaults, **values}))

cases = json.load(sys.stdin)
every = [(service, kind, {}) for service, kinds in events.event_mapping.items() for kind in kinds]
print(json.dumps({
    "cases": [filled(*case) for case in cases],
    "every": [[service, kind, filled(service, kind, values)] for service, kind, values in every],
}))
"""

Case = tuple[str, str, dict[str, str], str, dict[str, Any], Callable[[Any], Any], Any]

#: Service and template, what fills it in, the decorator and its words, what the handler reads, the values.
CASES: list[Case] = [
    (
        *("s3", "put", {"bucket": "photos", "key": "a b/caf\u00e9+1.jpg"}),
        *("on_s3_event", {"bucket": "photos", "suffix": ".jpg"}),
        lambda event: [(record.bucket, record.key, record.event_name) for record in event],
        [("photos", "a b/caf\u00e9+1.jpg", "ObjectCreated:Put")],
    ),
    (
        *("s3", "delete", {"bucket": "photos"}),
        *("on_s3_event", {"bucket": "photos", "events": "s3:ObjectRemoved:*"}),
        lambda event: [(record.key, record.event_name) for record in event],
        [("test/key", "ObjectRemoved:Delete")],
    ),
    (
        *("sns", "notification", {"topic": "news", "subject": "today", "message": "hello"}),
        *("on_sns_message", {"topic": "news"}),
        lambda event: [(record.topic_arn.split(":")[-1], record.subject, record.message) for record in event],
        [("news", "today", "hello")],
    ),
    (
        *("sqs", "receive-message", {"queue_name": "orders", "body": "hello"}),
        *("on_sqs_message", {"queue": "orders"}),
        lambda event: [(record.queue, record.body) for record in event],
        [("orders", "hello")],
    ),
    (
        *("ses", "email-receiving", {}),
        *("on_email", {}),
        lambda event: [record.message_id for record in event],
        ["o3vrnil0e2ic28trm7dfhrc2v0clambda4nbp0g1"],
    ),
    (
        *("dynamodb", "update", {"table": "orders"}),
        *("on_dynamodb_record", {"table": "orders"}),
        lambda event: [(one.table_name, one.event_name, one.keys, one.new_image) for one in event],
        [
            ("orders", "INSERT", {"Id": 101}, {"Message": "New item!", "Id": 101}),
            ("orders", "MODIFY", {"Id": 101}, {"Message": "This item has changed", "Id": 101}),
            ("orders", "REMOVE", {"Id": 101}, None),
        ],
    ),
    (
        *("kinesis", "get-records", {"data": "hello", "partition_key": "k"}),
        *("on_kinesis_record", {"stream": "EXAMPLE"}),
        lambda event: [(record.data, record.partition_key) for record in event],
        [(b"hello", "k")],
    ),
    (
        *("kinesis", "kinesis-firehose", {}),
        *("on_firehose_records", {"stream": "EXAMPLE"}),
        lambda event: [record.data for record in event],
        [b"Hello, this is a test 123."],
    ),
    (
        *("kinesis", "cloudwatch-logs-processor", {}),
        *(
            "on_firehose_records",
            {"stream": "copy-cwl-lambda-invoke-input-151025436553-Firehose-8KILJ01Q5OBN"},
        ),
        lambda event: {record.data[:2] for record in event},
        {b"\x1f\x8b"},
    ),
    (
        *("kinesis", "apachelog", {}),
        *("on_firehose_records", {"stream": "EXAMPLE"}),
        lambda event: [record.data[:9] for record in event],
        [b"64.242.88"],
    ),
    (
        *("kinesis", "analytics", {}),
        *("on", {"predicate": lambda event: "applicationArn" in event}),
        lambda event: len(event["records"]),
        1,
    ),
    (
        *("kinesis", "streams-as-source", {"data": "aGVsbG8="}),
        *("on_firehose_records", {"stream": "EXAMPLE"}),
        lambda event: [record.data for record in event],
        [b"hello"],
    ),
    (
        *("kinesis", "syslog", {}),
        *("on_firehose_records", {"stream": "EXAMPLE"}),
        lambda event: [record.record_id[:6] for record in event],
        ["495469", "495469"],
    ),
    (
        *("cloudwatch", "logs", {}),
        *("on_log_events", {"log_group": "testLogGroup"}),
        lambda event: (event.log_stream, [record.message for record in event]),
        ("testLogStream", ["[ERROR] First test message", "[ERROR] Second test message"]),
    ),
    (
        *("cloudwatch", "scheduled-event", {"rule": "shop-dev-nightly"}),
        *("schedule", {"expression": "rate(1 day)"}),
        lambda event: (event.name, event.time.isoformat()),
        ("shop-dev-nightly", "1970-01-01T00:00:00+00:00"),
    ),
    (
        *("codepipeline", "job", {}),
        *("on", {"predicate": lambda event: "CodePipeline.job" in event}),
        lambda event: sorted(event["CodePipeline.job"]),
        ["accountId", "data", "id"],
    ),
    (
        *("config", "periodic-rule", {}),
        *("on", {"predicate": lambda event: "configRuleName" in event}),
        lambda event: json.loads(event["invokingEvent"])["messageType"],
        "ScheduledNotification",
    ),
    (
        *("connect", "contact-flow-event", {}),
        *("on", {"predicate": lambda event: event["Name"] == "ContactFlowEvent"}),
        lambda event: event["Details"]["ContactData"]["Channel"],
        "VOICE",
    ),
]


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The templates of the cases, filled in, and every template as it stands."""
    folder = tmp_path_factory.mktemp("sam")
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder)]
    subprocess.run([*install, "aws-sam-cli>=1.150", "chevron"], check=True, capture_output=True)
    done = subprocess.run(
        [sys.executable, "-c", FILL],
        input=json.dumps([case[:3] for case in CASES]),
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture
def filled(templates: dict[str, Any]) -> dict[tuple[str, str], Any]:
    """The templates of the cases, filled in."""
    return {case[:2]: event for case, event in zip(CASES, templates["cases"], strict=True)}


@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "inferred"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]} {case[1]}")
def test_a_template_reaches_its_handler(
    app: App, filled: dict[tuple[str, str], Any], case: Case, is_bound: bool
) -> None:
    service, kind, _, decorator, words, read, expected = case
    seen: list[Any] = []
    declare_others(app, decorator)

    @getattr(app, decorator)(**words, name="handle")  # type: ignore[untyped-decorator]
    def handle(event: Any) -> Any:
        seen.append(read(event))
        return [record.ok() for record in event] if decorator == "on_firehose_records" else None

    (app.handler("handle") if is_bound else app)(filled[service, kind], None)

    assert seen == [expected]


#: What is HTTP, and answered by a view or as 404.
REQUESTS = {("alb", "request"), ("apigateway", "aws-proxy"), ("apigateway", "http-api-proxy")}


def test_every_other_template_is_for_a_predicate_or_is_a_request(templates: dict[str, Any]) -> None:
    known = {case[:2] for case in CASES if case[3] != "on"}
    looked_at = set()
    for service, kind, event in templates["every"]:
        if (service, kind) in known:
            continue
        seen: list[Any] = []
        app = App("shop")
        declare_others(app, "")
        app.on(lambda event: True, name="rest")(lambda event, seen=seen: seen.append(event.raw))

        result = app(event, None)

        if (service, kind) in REQUESTS:
            assert (result["statusCode"], seen) == (404, []), (service, kind)
        else:
            assert (result, seen) == (None, [event]), (service, kind)
        looked_at.add((service, kind))
    assert len(looked_at) > 40
    assert looked_at >= REQUESTS


def declare_others(app: App, decorator: str) -> None:
    """Handlers of the other sources, none of which the event is for."""

    def other(event: Any) -> None:
        raise AssertionError

    others: dict[str, dict[str, Any]] = {
        "on_s3_event": {"bucket": "others"},
        "on_sqs_message": {"queue": "others"},
        "on_sns_message": {"topic": "others"},
        "on_dynamodb_record": {"table": "others"},
        "on_kinesis_record": {"stream": "others"},
        "on_log_events": {"log_group": "others"},
        "on_event": {"event_pattern": {"source": ["others"]}},
    }
    for name, words in others.items():
        getattr(app, name)(**words, name=f"other_{name}")(other)
