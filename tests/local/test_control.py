"""Functions that are called, and schedules that are fired, by hand in `microlambda local`."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client

from microlambda.local.addresses import TOKEN
from microlambda.local.control import Control
from microlambda.local.server import LocalServer
from microlambda.project.loader import load_app
from tests.local.events import WAIT, Events

RULE = "arn:aws:events:us-east-1:123456789012:rule/shop-local-nightly"

APP = """\
import os

import boto3

from microlambda import App

app = App("shop")


@app.get("/")
def index():
    return "hello"


@app.get("/_microlambda/invoke/echo")
def hidden():
    return "of the app"


@app.lambda_function()
def echo(event, context):
    print("printed by echo")
    return event


@app.lambda_function()
def traced(event, context):
    return os.environ["_X_AMZN_TRACE_ID"]


@app.lambda_function()
def broken(event, context):
    return {}["key"]


@app.on_sqs_message("orders", per_record=True)
def ordered(record):
    if record.body == "bad":
        raise ValueError("on purpose")
    boto3.client("sqs").get_queue_url(QueueName="orders")


@app.schedule("rate(1 day)")
def nightly(event):
    return "cleaned"
"""


@pytest.fixture(scope="module")
def events() -> Events:
    return Events()


@pytest.fixture(scope="module")
def server(events: Events, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    project = tmp_path_factory.mktemp("shop")
    (project / "app.py").write_text(APP)
    (project / "microlambda.toml").write_text('name = "shop"\n')
    with LocalServer(project, port=0, console=events) as server:
        events.notes.get(timeout=WAIT)  # what fires the handlers is there
        yield server


@pytest.fixture
def token(events: Events) -> str:
    """The token, as it was printed."""
    (found,) = re.findall(rf"{TOKEN}: ([\w-]+)'", events.out.getvalue())
    return str(found)


def ask(
    server: LocalServer, path: str, body: str | None = None, method: str = "POST", **headers: str
) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=WAIT)
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, body=body, headers=fields)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_a_call_answers_with_the_result_the_log_the_time_and_the_memory(
    server: LocalServer, events: Events, token: str
) -> None:
    status, told = ask(server, "/_microlambda/invoke/echo", '{"a": 1}', X_Microlambda_Token=token)

    assert (status, told["result"], told["error"], told["failed_records"]) == (200, {"a": 1}, None, [])
    assert told["log"] == ["printed by echo"]
    assert told["duration"] > 0
    assert told["max_memory"] > 1
    assert events.next()[:2] == ("echo", {"a": 1})


def test_each_call_has_a_trace_id_of_its_own(server: LocalServer, token: str) -> None:
    first, second = (
        ask(server, "/_microlambda/invoke/traced", X_Microlambda_Token=token)[1]["result"] for _ in range(2)
    )

    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", first)
    assert first != second


def test_the_event_is_empty_if_none_is_sent(server: LocalServer, token: str) -> None:
    assert ask(server, "/_microlambda/invoke/echo", X_Microlambda_Token=token)[1]["result"] == {}


def test_a_function_that_raises_answers_with_its_error(server: LocalServer, token: str) -> None:
    status, told = ask(server, "/_microlambda/invoke/broken", X_Microlambda_Token=token)

    assert (status, told["result"], told["error"]["errorType"]) == (200, None, "KeyError")
    assert any("KeyError: 'key'" in line for line in told["log"])


def test_records_that_failed_are_named_and_the_aws_is_the_one_inside(server: LocalServer, token: str) -> None:
    record = {
        "messageId": "m-1",
        "eventSource": "aws:sqs",
        "eventSourceARN": "a:b:sqs:c:d:orders",
        "body": "bad",
    }
    event = json.dumps({"Records": [record, {**record, "messageId": "m-2", "body": "good"}]})

    told = ask(server, "/_microlambda/invoke/ordered", event, X_Microlambda_Token=token)[1]

    assert told["failed_records"] == ["m-1"]


def test_a_schedule_is_fired_at_once(server: LocalServer, events: Events, token: str) -> None:
    while not events.events.empty():
        events.events.get()

    status, told = ask(server, "/_microlambda/fire/nightly", X_Microlambda_Token=token)

    assert (status, told) == (200, {"fired": [RULE]})
    assert events.next().name == "nightly"


REFUSED = [
    pytest.param({}, 401, "asks for the token that was printed", id="no token"),
    pytest.param({"X_Microlambda_Token": "no"}, 401, "asks for the token that was printed", id="wrong token"),
    pytest.param({"X_Microlambda_Token": "nö"}, 401, "asks for the token that was", id="token not ascii"),
    pytest.param({"Origin": "http://127.0.0.1:8000"}, 403, "no requests from web pages", id="origin"),
    pytest.param({"Sec_Fetch_Site": "cross-site"}, 403, "no requests from web pages", id="image"),
    pytest.param({"Host": "evil.example"}, 403, "answers to this machine's own names", id="host"),
]


@pytest.mark.parametrize(("headers", "status", "words"), REFUSED)
def test_others_are_refused(
    server: LocalServer, token: str, headers: dict[str, str], status: int, words: str
) -> None:
    given = {"X_Microlambda_Token": token, **headers} if status == 403 else headers

    answer = ask(server, "/_microlambda/invoke/echo", **given)

    assert answer[0] == status
    assert words in answer[1]["detail"]


def test_callers_of_other_machines_are_refused_though_they_know_the_token() -> None:
    control: Any = Control(called, called, called)  # type: ignore[arg-type]
    elsewhere = Client(control).post(
        "/_microlambda/invoke/echo",
        headers={"X-Microlambda-Token": control.token},
        environ_overrides={"REMOTE_ADDR": "192.0.2.7"},
    )

    assert elsewhere.status_code == 403
    assert "answers callers of this machine alone" in elsewhere.text


def called(*_arguments: object) -> Any:
    raise AssertionError("a caller of another machine reached it")


def test_it_is_no_part_of_the_app_that_is_deployed(server: LocalServer, token: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    client = load_app(tmp_path, "app:app").app.test_client()
    path, header = "/_microlambda/invoke/echo", {"X-Microlambda-Token": token}

    assert client.get(path, headers=header).text == "of the app"
    assert client.post(path, headers=header).status_code == 405
    assert ask(server, path, method="GET")[0] == 401


WRONG = [
    pytest.param("/_microlambda/invoke/eco", {}, 404, "no function 'eco'. Did you mean 'echo'?", id="name"),
    pytest.param("/_microlambda/", {}, 404, "/_microlambda/invoke/NAME", id="path"),
    pytest.param("/_microlambda/fire/echo", {}, 404, "'echo' has no schedule", id="no schedule"),
    pytest.param("/_microlambda/invoke/echo", {"method": "GET"}, 405, "only POST", id="method"),
    pytest.param("/_microlambda/invoke/echo", {"body": "{"}, 400, "the event is no JSON", id="json"),
    pytest.param("/_microlambda/invoke/echo", {"body": "\udce9"}, 400, "the event is no JSON", id="bytes"),
    pytest.param("/_microlambda/invoke/echo", {"body": "1" * 6_291_457}, 413, "at most 6291456", id="large"),
]


@pytest.mark.parametrize(("path", "options", "status", "words"), WRONG)
def test_what_cannot_be_is_said(
    server: LocalServer, token: str, path: str, options: dict[str, Any], status: int, words: str
) -> None:
    if "body" in options:
        options = {"body": options["body"].encode("utf-8", "surrogateescape")}

    answer = ask(server, path, X_Microlambda_Token=token, **options)

    assert answer[0] == status
    assert words in answer[1]["detail"]


def test_each_start_has_a_token_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    tokens = {LocalServer(tmp_path, port=0)._control.token for _ in range(2)}

    assert len(tokens) == 2
