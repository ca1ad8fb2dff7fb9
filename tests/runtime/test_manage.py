"""A management command of Django's in the function: what it answers, and whose event it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from microlambda.emulator.events import SOURCES, builder
from microlambda.emulator.gateway import INGRESSES
from tests.emulator.gateways import Front
from tests.runtime.talking import write_project

RUN = """
import json, os, sys
os.environ["MICROLAMBDA_APP"] = "app:app"
if sys.argv[1]:
    os.environ["MICROLAMBDA_HANDLER"] = sys.argv[1]
from microlambda.runtime.entry import handler

class Context:
    aws_request_id = "1"
    invoked_function_arn = "arn"
    function_name = "site"
    def __init__(self, left): self.left = left
    def get_remaining_time_in_millis(self): return self.left

answers = []
for event, left in json.loads(sys.stdin.readline()):
    try:
        answers.append(handler(event, Context(left)))
    except Exception as exc:
        answers.append(type(exc).__name__)
sys.__stdout__.write("\\n" + json.dumps(answers))
"""

Events = Callable[..., list[Any]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_project(tmp_path)
    return tmp_path


@pytest.fixture
def answers(project: Path) -> Events:
    """What one environment answers to events, one after the other; a name for what it raises."""

    def run(*events: object, function: str = "http", left: int = 60_000) -> list[Any]:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", RUN, function],
            cwd=project,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            input=json.dumps([(event, left) for event in events]) + "\nyes\n",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found: list[Any] = json.loads(done.stdout.rpartition("\n")[2])
        return [*found, done.stdout.rpartition("\n")[0], done.stderr]

    return run


def command(*arguments: str) -> dict[str, Any]:
    return {"microlambda": {"manage": list(arguments)}}


def test_what_it_writes_is_the_answer(answers: Events) -> None:
    answer, stdout, stderr = answers(
        command("speak", "print('printed'); self.stdout.write('said'); sys.stderr.write('wrong\\n')")
    )

    assert answer == {
        "exit_code": 0,
        "stdout": "printed\nsaid\n",
        "stderr": "wrong\n",
        "left_out": {"stdout": 0, "stderr": 0},
        "time": None,
    }
    assert (stdout, stderr) == ("", "")


def test_a_django_that_speaks_asgi_has_its_commands_too(answers: Events, project: Path) -> None:
    app = project / "app.py"
    app.write_text(app.read_text().replace("wsgi", "asgi"))

    answer, *_ = answers(command("speak", "print('printed')"))

    assert (answer["exit_code"], answer["stdout"]) == (0, "printed\n")


@pytest.mark.parametrize(
    ("what", "code", "end"),
    [
        pytest.param("raise CommandError('no')", 1, "CommandError: no\n", id="CommandError"),
        pytest.param("raise CommandError('no', returncode=7)", 7, "CommandError: no\n", id="its code"),
        pytest.param("raise Unhappy('no')", 1, "Unhappy: no\n", id="exception"),
        pytest.param("sys.exit()", 0, "", id="exit"),
        pytest.param("sys.exit(3)", 3, "", id="exit 3"),
        pytest.param("sys.exit(-1)", 255, "", id="exit -1"),
        pytest.param("sys.exit(256)", 0, "", id="exit 256"),
        pytest.param("sys.exit('words')", 1, "words\n", id="exit with words"),
        pytest.param("sys.exit(124)", 124, "", id="exit 124"),
        pytest.param("raise BaseException('no')", 1, "BaseException: no\n", id="BaseException"),
    ],
)
def test_it_ends_as_manage_py_does(answers: Events, project: Path, what: str, code: int, end: str) -> None:
    """Judged by Django's own command line, too, in a process of its own."""
    answer, *_ = answers(command("speak", what))
    script = "import app, sys; from django.core.management import execute_from_command_line as r; r(sys.argv)"
    real = subprocess.run(
        [sys.executable, "-c", script, "speak", what],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (answer["exit_code"], answer["time"]) == (code, None)
    assert answer["stderr"].endswith(end)
    assert real.stderr.endswith(end)
    assert "microlambda/runtime" not in answer["stderr"]
    assert real.returncode == code


def test_the_help_and_an_unknown_command_are_djangos(answers: Events) -> None:
    listed, names, usage, unknown, version, *_ = answers(
        command("help"),
        command("help", "--commands"),
        command("help", "speak"),
        command("speek"),
        command("--version"),
    )

    assert "[talk]\n    speak\n" in listed["stdout"]
    assert "speak" in names["stdout"].splitlines()
    assert usage["stdout"].startswith("usage: manage.py speak [-h]")
    assert unknown["exit_code"] == 1
    assert unknown["stderr"].startswith("Unknown command: 'speek'. Did you mean speak?")
    assert version["stdout"].split(".")[0].isdigit()


def test_who_asks_for_input_is_told_what_helps(answers: Events) -> None:
    answer, *_ = answers(command("speak", "input('Sure? ')"))

    assert (answer["exit_code"], answer["stdout"]) == (1, "Sure? ")
    assert answer["stderr"].endswith("There is no terminal to answer at: give the command --noinput.\n")


def test_the_end_of_much_is_kept_and_the_answer_fits(answers: Events) -> None:
    answer, *_ = answers(
        command("speak", "sys.stdout.write('é' * 4_000_000 + 'end'); sys.stderr.write('\\0' * 9_000_000)")
    )

    assert len(json.dumps(answer)) < 6_000_000
    assert answer["stdout"].endswith("éend")
    for name, total in (("stdout", 8_000_003), ("stderr", 9_000_000)):
        kept = len(answer[name].encode())
        assert kept > 400_000
        assert answer["left_out"][name] == total - kept


def test_what_is_no_text_is_written_all_the_same(answers: Events) -> None:
    answer, *_ = answers(
        command("speak", "print('\\udcff'); sys.stdout.buffer.write(b'\\xff\\n'); sys.stdout.flush()")
    )

    assert answer["stdout"] == "\\udcff\n�\n"


def test_it_is_ended_before_the_time_is_over_and_cleans_up(answers: Events) -> None:
    what = (
        "print('begun')\ntry:\n    time.sleep(600)\nexcept Exception:\n    pass\n"
        "finally:\n    print('rolled back')"
    )

    answer, after, *_ = answers(command("speak", what), command("speak", "print('again')"), left=300)

    assert (answer["exit_code"], answer["time"]) == (124, 0.3)
    assert answer["stdout"] == "begun\nrolled back\n"
    assert "time.sleep(600)" in answer["stderr"] or "TimeIsUp" in answer["stderr"]
    assert after["stdout"] == "again\n"


def test_the_environment_goes_on_as_it_was(answers: Events) -> None:
    """Logging is not configured again; streams that were kept lead to the log."""
    keep = (
        "logging.getLogger('kept').addHandler(logging.StreamHandler(sys.stderr)); logging.getLogger('made')"
    )
    use = "logging.getLogger('kept').warning('heard'); print(logging.getLogger('made').disabled)"

    kept, used, _, stderr = answers(command("speak", keep), command("speak", use))

    assert (kept["exit_code"], used["stdout"]) == (0, "False\n")
    assert stderr == "heard\n"


def test_it_runs_inside_the_app(answers: Events) -> None:
    answer, *_ = answers(
        command("speak", "print(current_app.name, current_app.lambda_context.function_name)")
    )

    assert answer["stdout"] == "site site\n"


MARK = command("speak", "print('ran')")

#: Events that hold the envelope, and are not it: what others can put into an event.
OTHERS = {
    "more keys": {**MARK, "source": "aws.events"},
    "more keys inside": {"microlambda": {**MARK["microlambda"], "check": 1}},
    "a record": {"Records": [MARK]},
    "detail": {"source": "x", "detail-type": "y", "detail": MARK},
    "schedule": {"source": "aws.scheduler", "detail-type": "z", "detail": MARK},
    "a list": [MARK],
    "text": json.dumps(MARK),
    "no arguments": command(),
    "text for arguments": {"microlambda": {"manage": "migrate"}},
    "numbers": {"microlambda": {"manage": [1]}},
}


@pytest.mark.parametrize("event", [pytest.param(event, id=name) for name, event in OTHERS.items()])
def test_what_only_holds_the_envelope_is_no_command(answers: Events, event: object) -> None:
    ran, answer, *_ = answers(MARK, event)

    assert ran["stdout"] == "ran\n"
    assert answer == "UnknownEvent"


@pytest.mark.parametrize("ingress", [*INGRESSES])
def test_no_http_request_is_a_command(answers: Events, ingress: str) -> None:
    """Whatever body, query and header fields say."""
    envelope = json.dumps(MARK)
    request = Front(ingress).event(
        "POST",
        f"/microlambda?microlambda={quote(envelope)}",
        ("Content-Type", "application/json"),
        ("microlambda", envelope),
        body=envelope.encode(),
    )

    answer, stdout, _ = answers(request)

    assert (answer["statusCode"], answer["body"]) == (200, "page")
    assert "ran" not in stdout


@pytest.mark.parametrize("source", SOURCES)
def test_no_event_of_a_source_is_a_command(answers: Events, source: str) -> None:
    """Whatever text the source lets others put into it."""
    answer, *_ = answers(with_text(builder(source)(), json.dumps(MARK)))

    assert answer == "UnknownEvent"


def with_text(value: Any, text: str) -> Any:
    """A document with the text in the place of each of its own, but those that tell what it is."""
    if isinstance(value, dict):
        kept = {"eventSource", "EventSource", "source", "detail-type", "eventType", "Type", "triggerSource"}
        return {key: one if key in kept else with_text(one, text) for key, one in value.items()}
    if isinstance(value, list):
        return [with_text(one, text) for one in value]
    return text if isinstance(value, str) else value


@pytest.mark.parametrize("function", ["", "other"])
def test_the_function_of_all_routes_alone_runs_commands(answers: Events, function: str) -> None:
    """A function that serves all handlers may get what a device sends, as it is: a rule of AWS IoT's."""
    answer, *_ = answers(MARK, function=function)

    assert answer == ("other" if function else "UnknownEvent")


PLAIN = """
from microlambda import App

app = App("plain")

@app.get("/")
def index():
    return ""
"""
FLASK = """
import flask
from microlambda import App

app = App("pages")
app.mount("/", flask.Flask("pages"))
"""


@pytest.mark.parametrize("app", [pytest.param(PLAIN, id="nothing mounted"), pytest.param(FLASK, id="Flask")])
def test_without_a_django_it_is_an_unknown_event(answers: Events, project: Path, app: str) -> None:
    (project / "app.py").write_text(app)

    assert answers(MARK)[0] == "UnknownEvent"


@pytest.mark.parametrize(
    ("age", "kept"), [pytest.param("0", False, id="for a request"), pytest.param("null", True, id="for good")]
)
def test_handlers_of_events_keep_connections_as_long_as_requests_do(
    answers: Events, monkeypatch: pytest.MonkeyPatch, age: str, kept: bool
) -> None:
    monkeypatch.setenv("AGE", age)

    first, second, *_ = answers({}, {}, function="connects")

    assert (first, second) == (False, kept)


def test_a_command_begins_with_connections_of_its_own(
    answers: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGE", "null")
    look = "from django.db import connection; print(connection.connection)"

    page, answer, *_ = answers(Front("http-api").event(), command("speak", look))

    assert (page["body"], answer["stdout"]) == ("page", "None\n")
