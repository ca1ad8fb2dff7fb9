"""`microlambda invoke` on this machine, as it is typed: the event, the answer, the log, the exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from microlambda.cli.report import Report
from microlambda.emulator.invocation import failed_records

APP = """\
import os
import sys
import time

from microlambda import App, Blueprint

print("imported", os.environ["GREETING"])

app = App("shop")
jobs = Blueprint("jobs")


@app.get("/hello")
def hello():
    return {"hello": "world"}


@app.lambda_function()
def echo(event, context):
    print("a print of echo")
    app.logger.warning("a line of echo")
    return event


@app.lambda_function()
def about(event, context):
    return {
        "environ": {name: os.environ.get(name) for name in event},
        "function": context.function_name,
        "memory": context.memory_limit_in_mb,
        "left": context.get_remaining_time_in_millis(),
        "arguments": sys.argv[1:],
        "folder": os.getcwd(),
    }


@app.lambda_function()
def broken(event, context):
    return {}["key"]


@app.lambda_function()
def exits(event, context):
    print("last words")
    os._exit(3)


@app.lambda_function()
def hangs(event, context):
    print("begun")
    time.sleep(600)


@app.lambda_function()
def no_json(event, context):
    return object()


@app.lambda_function()
def starts(event, context):
    return jobs_work.delay(event["text"])


@app.on_sqs_message("orders", per_record=True)
def ordered(record):
    if record.body == "bad":
        raise ValueError("on purpose")


@jobs.task(name="work")
def jobs_work(text):
    app.logger.warning("worked on %s", text)
    return {"text": text}


@jobs.lambda_function()
def nightly(event, context):
    return "cleaned"


app.register_blueprint(jobs)
"""

SETTINGS = """\
name = "shop"

[environment]
GREETING = "good morning"

[functions.hangs]
timeout = 1

[functions.about]
memory = 512
environment = { OWN = "of about" }

[stages.prod]
environment = { GREETING = "good evening" }

[stages.prod.functions.about]
timeout = 900
"""

Invoke = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "microlambda.toml").write_text(SETTINGS)
    return tmp_path


@pytest.fixture
def invoke(project: Path) -> Invoke:
    """Run the command in a process of its own, with what is piped into it."""

    def run(
        *arguments: str, text: str = "", command: str = "invoke", **environ: str
    ) -> subprocess.CompletedProcess[str]:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MICROLAMBDA_"))
        }
        return subprocess.run(
            [sys.executable, "-m", "microlambda", command, *arguments],
            cwd=project,
            env={**kept, **environ},
            input=text,
            text=True,
            encoding="utf-8",
            capture_output=True,
            check=False,
            timeout=60,
        )

    return run


def test_the_answer_goes_to_standard_output_and_everything_else_to_standard_error(invoke: Invoke) -> None:
    done = invoke("echo", "--event", '{"name": "Zoë"}')

    assert (done.returncode, done.stdout) == (0, '{"name": "Zoë"}\n')
    assert "imported good morning\n" in done.stderr
    assert "a print of echo\n" in done.stderr
    assert done.stderr.endswith("\ta line of echo\n")


@pytest.mark.parametrize(
    ("arguments", "text", "event"),
    [
        pytest.param((), "", {}, id="nothing"),
        pytest.param((), "  \n", {}, id="blank"),
        pytest.param((), '{"a": 1}', {"a": 1}, id="piped"),
        pytest.param((), '\ufeff{"a": 1}', {"a": 1}, id="piped with a mark"),
        pytest.param(("--event", "-"), '{"a": 1}', {"a": 1}, id="dash"),
        pytest.param(("--event", "event.json"), "", {"of": "a file"}, id="file"),
        pytest.param(("--event", "event.json"), '{"a": 1}', {"of": "a file"}, id="file over pipe"),
        pytest.param(("--event", '{"a": 1}'), "", {"a": 1}, id="object"),
        pytest.param(("--event", " [1, 2]"), "", [1, 2], id="list"),
        pytest.param(("--event", "-"), '"text"', "text", id="text"),
    ],
)
def test_the_event_is_a_file_or_json_or_what_is_piped_in(
    project: Path, invoke: Invoke, arguments: tuple[str, ...], text: str, event: object
) -> None:
    (project / "event.json").write_text('{"of": "a file"}')

    done = invoke("echo", *arguments, text=text)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == event


@pytest.mark.parametrize(
    ("arguments", "text", "words"),
    [
        pytest.param(("--event", "{"), "", "this is no JSON: ", id="text"),
        pytest.param(("--event", "-"), "{", "what came from standard input is no JSON", id="stdin"),
        pytest.param(("--event", "-"), "", "what came from standard input is no JSON", id="empty stdin"),
        pytest.param(("--event", "app.py"), "", "app.py is no JSON: ", id="file"),
        pytest.param(("--event", "nowhere.json"), "", "it cannot be read: No such file", id="no file"),
        pytest.param(("--event", "@event.json"), "", "Write a file's name without the @", id="at"),
        pytest.param(("--payload", "{}"), "", "--payload is called --event", id="payload"),
        pytest.param(("--profile", "x"), "", "--profile is for a call on AWS: add --remote", id="profile"),
        pytest.param(("--region", "x"), "", "--region is for a call on AWS: add --remote", id="region"),
        pytest.param(("--remote", "--app", "app"), "", "--app is for a call on this machine", id="app"),
    ],
)
def test_a_mistake_in_the_command_is_told_before_anything_runs(
    invoke: Invoke, arguments: tuple[str, ...], text: str, words: str
) -> None:
    done = invoke("echo", *arguments, text=text)

    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert "imported" not in done.stderr


def test_a_function_that_raises_is_exit_code_1_and_the_traceback_from_the_users_frame(invoke: Invoke) -> None:
    done = invoke("broken")

    assert (done.returncode, done.stdout) == (1, "")
    trace = done.stderr.partition("Traceback (most recent call last):\n")[2].splitlines()
    assert trace[0].endswith("in broken")
    assert "KeyError: 'key'" in trace
    assert trace[-1] == "FunctionRaised: 'broken' raised KeyError; the traceback stands above."


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("exits", "Runtime.ExitError: Runtime exited with error: exit status 3", id="exit"),
        pytest.param("hangs", "Sandbox.Timedout: Task timed out after 1.00 seconds", id="timeout"),
    ],
)
def test_what_ends_a_function_on_lambda_ends_it_here(invoke: Invoke, name: str, words: str) -> None:
    done = invoke(name)

    assert (done.returncode, done.stdout) == (1, "")
    assert f"FunctionRaised: {name!r} failed: {words}" in done.stderr.splitlines()[-1]
    assert {"exits": "last words\n", "hangs": "begun\n"}[name] in done.stderr


def test_what_json_cannot_hold_is_told_with_the_functions_name(invoke: Invoke) -> None:
    done = invoke("no_json")

    assert (done.returncode, done.stdout) == (1, "")
    assert "WrongAnswer: the handler 'no_json' answered what JSON cannot hold" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("FunctionRaised: 'no_json' raised WrongAnswer")


def test_it_runs_with_the_functions_own_settings_and_closed_to_aws(project: Path, invoke: Invoke) -> None:
    names = ["GREETING", "OWN", "MINE", "AWS_PROFILE", "AWS_ENDPOINT_URL", "MICROLAMBDA_HANDLER"]

    done = invoke("about", "--event", json.dumps(names), MINE="kept", AWS_PROFILE="work")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["environ"] == {
        "GREETING": "good morning",
        "OWN": "of about",
        "MINE": "kept",
        "AWS_PROFILE": None,
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "MICROLAMBDA_HANDLER": "about",
    }
    assert (told["function"], told["memory"]) == ("shop-local-about", "512")
    assert told["left"] <= 30_000
    assert told["arguments"] == []
    assert told["folder"] == str(project)


def test_another_stages_settings_apply_where_it_is_named(invoke: Invoke) -> None:
    done = invoke("about", "--stage", "prod", "--event", '["GREETING"]')

    told = json.loads(done.stdout)
    assert (told["environ"], told["function"]) == ({"GREETING": "good evening"}, "shop-prod-about")
    assert told["left"] > 30_000


def test_the_stage_of_the_shell_is_that_of_aws(invoke: Invoke) -> None:
    done = invoke("about", "--event", '["GREETING"]', MICROLAMBDA_STAGE="prod")

    assert json.loads(done.stdout)["function"] == "shop-local-about"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("brokn", "Did you mean 'broken'? It has: http, echo, about, ", id="near"),
        pytest.param("xyz", "the app has no function 'xyz'. It has: http, echo, about, ", id="far"),
        pytest.param("nightly", "Did you mean 'jobs.nightly'?", id="blueprint"),
    ],
)
def test_an_unknown_function_is_told_with_the_known_ones(invoke: Invoke, name: str, words: str) -> None:
    done = invoke(name)

    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr.splitlines()[-1]
    assert done.stderr.splitlines()[-1].startswith("UnknownFunction: ")


def test_a_blueprints_function_is_called_by_its_full_name(invoke: Invoke) -> None:
    assert invoke("jobs.nightly").stdout == '"cleaned"\n'


def test_without_a_name_it_is_the_function_of_the_routes(invoke: Invoke) -> None:
    event = {
        "version": "2.0",
        "rawPath": "/hello",
        "rawQueryString": "",
        "headers": {"host": "x"},
        "requestContext": {"http": {"method": "GET", "path": "/hello", "sourceIp": "1.2.3.4"}},
        "isBase64Encoded": False,
    }

    done = invoke("--event", json.dumps(event))

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["statusCode"] == 200
    assert json.loads(json.loads(done.stdout)["body"]) == {"hello": "world"}


def test_an_event_of_the_event_command_is_piped_in_and_failed_records_are_exit_code_3(invoke: Invoke) -> None:
    made = invoke("sqs", "--queue", "orders", "--messages", "good", "--messages", "bad", command="event")
    assert made.returncode == 0, made.stderr
    bad = json.loads(made.stdout)["Records"][1]["messageId"]

    done = invoke("ordered", text=made.stdout)

    assert done.returncode == 3
    assert json.loads(done.stdout) == {"batchItemFailures": [{"itemIdentifier": bad}]}
    assert "ValueError: on purpose" in done.stderr
    assert done.stderr.splitlines()[-1] == f"'ordered' reported 1 record as failed: {bad}"


def test_a_batch_without_failures_is_success(invoke: Invoke) -> None:
    made = invoke("sqs", "--queue", "orders", "--messages", "good", command="event")

    done = invoke("ordered", text=made.stdout)

    assert (done.returncode, json.loads(done.stdout)) == (0, {"batchItemFailures": []})


def test_a_task_that_the_function_leaves_behind_comes_to_its_end(invoke: Invoke) -> None:
    done = invoke("starts", "--event", '{"text": "cats"}')

    task_id = json.loads(done.stdout)
    assert done.returncode == 0
    assert f"\t{task_id}\tworked on cats\n" in done.stderr


def test_a_task_is_called_with_the_event_that_delay_makes(invoke: Invoke) -> None:
    event = {"microlambda": {"task": "jobs.work", "args": ["cats"]}}

    assert json.loads(invoke("jobs.work", "--event", json.dumps(event)).stdout) == {"text": "cats"}
    refused = invoke("jobs.work")
    assert refused.returncode == 1
    assert "@app.task(), which jobs.work.delay() calls" in refused.stderr


def test_an_app_that_does_not_import_is_told_with_its_place(project: Path, invoke: Invoke) -> None:
    (project / "app.py").write_text("from microlambda import App\n\napp = App()\n1 / 0\n")

    done = invoke("echo")

    assert (done.returncode, done.stdout) == (1, "")
    assert "AppImportFailed: app.py:4: ZeroDivisionError" in done.stderr


def test_of_several_apps_one_is_chosen(project: Path, invoke: Invoke) -> None:
    (project / "app.py").write_text(
        "from microlambda import App\n\none, two = App('one'), App('two')\n\n\n"
        "@two.lambda_function()\ndef echo(event, context):\n    return 'two'\n"
    )

    assert "Choose one: microlambda invoke --app app:one" in invoke("echo").stderr
    assert invoke("echo", "--app", "app:two").stdout == '"two"\n'


@pytest.mark.parametrize(
    ("result", "failed"),
    [
        pytest.param(b"null", [], id="null"),
        pytest.param(b'{"batchItemFailures": null}', [], id="no list"),
        pytest.param(b'[{"batchItemFailures": [1]}]', [], id="in a list"),
        pytest.param(b"no json", [], id="no json"),
        pytest.param(
            b'{"batchItemFailures": [{"itemIdentifier": "a"}, {"x": 1}, 7]}', ["a", "None", "7"], id="odd"
        ),
        pytest.param(
            b'{"batchItemFailures": [{"itemIdentifier": {"partition": "t-0", "offset": 1}}]}',
            ["{'partition': 't-0', 'offset': 1}"],
            id="kafka",
        ),
    ],
)
def test_failed_records_are_read_from_any_answer(result: bytes, failed: list[str]) -> None:
    assert failed_records(result) == failed


def test_json_holds_the_answer_the_log_the_time_and_the_memory(invoke: Invoke) -> None:
    done = invoke("echo", "--json", "--event", '{"a": 1}')

    told = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert (told["function"], told["result"], told["error"]) == ("echo", {"a": 1}, None)
    assert told["log"][:2] == ["imported good morning", "a print of echo"]
    assert told["log"][2].endswith("\ta line of echo")
    assert told["duration"] > 0
    assert told["max_memory"] > 1


def test_json_of_a_function_that_raises_holds_its_error(invoke: Invoke) -> None:
    done = invoke("broken", "--json")

    told = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (1, "")
    assert (told["result"], told["error"]["errorType"]) == (None, "KeyError")
    assert "Traceback (most recent call last):" in told["log"]


def test_json_of_a_batch_names_the_records_that_failed(invoke: Invoke) -> None:
    event = invoke("sqs", "--queue", "orders", "--messages", "bad", command="event").stdout

    done = invoke("ordered", "--json", text=event)

    assert done.returncode == 3
    assert json.loads(done.stdout)["failed_records"] == [json.loads(event)["Records"][0]["messageId"]]


@pytest.mark.parametrize(
    ("log", "report"),
    [
        pytest.param("", Report(), id="none"),
        pytest.param(
            "REPORT RequestId: 1\tDuration: 9.00 ms\nREPORT RequestId: 2\tDuration: 12.35 ms\t"
            "Billed Duration: 13 ms\tMemory Size: 256 MB\tMax Memory Used: 51 MB\t\n",
            Report(duration=12.35, max_memory=51),
            id="text",
        ),
        pytest.param(
            '{"time":"2026-11-20T10:00:00.000Z","type":"platform.report","record":{"requestId":"1","metrics":'
            '{"durationMs":12.35,"billedDurationMs":13,"memorySizeMB":256,"maxMemoryUsedMB":51},"status":"success"}}',
            Report(duration=12.35, max_memory=51),
            id="json",
        ),
    ],
)
def test_lambdas_report_is_read_in_both_formats(log: str, report: Report) -> None:
    assert Report.read(log) == report
