"""`microlambda invoke` beside a `microlambda local` that runs for the same project."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from microlambda.local.running import Running, announced, find
from microlambda.local.server import LocalServer
from tests.local.events import Events

APP = """\
import os

import boto3

from microlambda import App

app = App("shop")


@app.get("/")
def index():
    return ""


@app.lambda_function()
def about(event, context):
    print("printed by about")
    return {"event": event, "buckets": [one["Name"] for one in boto3.client("s3").list_buckets()["Buckets"]]}


@app.lambda_function()
def broken(event, context):
    return {}["key"]


@app.on_sqs_message("orders", per_record=True)
def ordered(record):
    raise ValueError("on purpose")
"""

Invoke = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MICROLAMBDA_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "app.py").write_text(APP)
    (folder / "microlambda.toml").write_text('name = "shop"\n')
    return folder


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def server(project: Path, events: Events) -> Iterator[LocalServer]:
    """A server that other commands find, as `microlambda local` starts it."""
    with (
        LocalServer(project, port=0, console=events) as server,
        announced(project, "local", Running(url=server.control_url, token=server.token)),
    ):
        yield server


@pytest.fixture
def invoke(project: Path) -> Invoke:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "microlambda", "invoke", *arguments],
            cwd=project,
            env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


@pytest.mark.slow  # an AWS is started
def test_the_function_runs_there_and_reaches_the_aws_inside(
    server: LocalServer, events: Events, invoke: Invoke
) -> None:
    server.cloud._started().client("s3").create_bucket(Bucket="mine")

    done = invoke("about", "--event", '{"a": 1}')

    assert json.loads(done.stdout) == {"event": {"a": 1}, "buckets": ["mine"]}
    assert done.stderr.splitlines() == [
        f"Called in `microlambda local` at {server.url}.",
        "printed by about",
    ]
    assert events.next().name == "about"
    assert "  printed by about\n" in events.out.getvalue()


def test_errors_failed_records_and_unknown_names_are_told_as_without_a_server(
    server: LocalServer, invoke: Invoke
) -> None:
    record = {"messageId": "m1", "body": "x", "eventSource": "aws:sqs", "attributes": {}}
    record["eventSourceARN"] = "arn:aws:sqs:us-east-1:123456789012:orders"

    broken, unknown = invoke("broken"), invoke("abuot")
    failed = invoke("ordered", "--event", json.dumps({"Records": [record]}))

    assert (broken.returncode, broken.stdout) == (1, "")
    assert broken.stderr.endswith("FunctionRaised: 'broken' raised KeyError; the traceback stands above.\n")
    assert "KeyError: 'key'\n" in broken.stderr
    assert unknown.returncode == 1
    assert "UnknownFunction: the app has no function 'abuot'. Did you mean 'about'?" in unknown.stderr
    assert (failed.returncode, json.loads(failed.stdout)) == (
        3,
        {"batchItemFailures": [{"itemIdentifier": "m1"}]},
    )


def test_json_is_the_one_object_as_without_a_server(server: LocalServer, invoke: Invoke) -> None:
    there, alone = (json.loads(invoke("broken", "--json", *more).stdout) for more in ((), ("--alone",)))

    for told in (there, alone):
        assert told.pop("duration") > 0
        assert told.pop("max_memory") > 0
        told["log"] = [line for line in told["log"] if "RequestId" not in line]
        told["error"].pop("requestId")
    assert there == alone


def test_alone_and_another_stage_or_app_run_in_a_process_of_their_own(
    server: LocalServer, events: Events, invoke: Invoke, project: Path
) -> None:
    (project / "microlambda.toml").write_text('name = "shop"\n[stages.prod]\n')
    for words in (("--alone",), ("--stage", "prod"), ("--app", "app:app")):
        assert "Called in" not in invoke("broken", *words).stderr

    assert events.events.empty()


def test_a_server_that_is_gone_or_another_at_its_port_is_none(
    project: Path, invoke: Invoke, events: Events
) -> None:
    with LocalServer(project, port=0, console=events) as other:
        gone = Running(url="http://127.0.0.1:9", token="x")
        strange = Running(url=other.url, token="not its token")
        for running in (gone, strange):
            with announced(project, "local", running):
                done = invoke("broken")

            assert "Called in" not in done.stderr
            assert "'broken' raised KeyError" in done.stderr


def test_what_is_no_answer_of_ours_is_told(project: Path, invoke: Invoke) -> None:
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Strange(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_given: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Strange) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with announced(project, "local", Running(url=f"http://127.0.0.1:{server.server_port}", token="x")):
            done = invoke("broken")
        thread.join()

    assert done.returncode == 1
    assert "its answer is no JSON" in done.stderr
    assert "With --alone it runs in a process of its own." in done.stderr


def test_it_is_announced_for_this_user_alone_and_only_while_it_runs(project: Path) -> None:
    mine, theirs = Running(url="http://127.0.0.1:1", token="a"), Running(url="http://127.0.0.1:2", token="b")

    with announced(project, "local", mine):
        (place,) = (project.parent / "cache" / "running").iterdir()
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
        assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
        assert find(project, "local") == mine
        assert find(project, "dev") is None
        with announced(project, "local", theirs):
            assert find(project, "local") == theirs
    assert find(project, "local") is None


def test_a_place_that_cannot_be_written_hinders_nobody(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "file").write_text("")
    monkeypatch.setenv("MICROLAMBDA_CACHE_DIR", str(project / "file" / "cache"))

    with announced(project, "local", Running(url="http://127.0.0.1:1", token="a")):
        assert find(project, "local") is None


def test_the_command_announces_itself(project: Path, invoke: Invoke) -> None:
    command = [sys.executable, "-m", "microlambda", "local", "--port", "0", "--no-reload", "--json"]
    with subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            told = (json.loads(line) for line in process.stdout)
            url = next(one["url"] for one in told if one["type"] == "started")
            while find(project, "local") is None:
                assert process.poll() is None

            assert f"Called in `microlambda local` at {url}." in invoke("broken").stderr
        finally:
            process.terminate()
            process.stdout.read() if process.stdout is not None else None
    assert find(project, "local") is None
