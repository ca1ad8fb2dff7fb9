"""`microlambda manage`, as it is typed: what it prints, what it ends with, what it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from microlambda.cli import manage as module
from microlambda.cli.main import main
from microlambda.cli.refused_commands import CommandRefused, check_sendable
from microlambda.deploy.errors import FunctionFailed
from microlambda.local.called import Called
from microlambda.local.running import Running, announced
from microlambda.local.server import LocalServer
from microlambda.project.errors import ToolError
from tests.local.events import Events
from tests.runtime.talking import write_project

SETTINGS = 'name = "site"\n'
SECRET = "hunter2-and-more"

Manage = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MICROLAMBDA_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "site"
    folder.mkdir()
    write_project(folder)
    (folder / "microlambda.toml").write_text(SETTINGS)
    return folder


@pytest.fixture
def manage(project: Path) -> Manage:
    """Run the command on this machine, in a process of its own."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "microlambda", "manage", "--local", *arguments],
            cwd=project,
            env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def test_what_the_command_writes_goes_where_it_wrote_it(manage: Manage) -> None:
    done = manage("speak", "print('said'); sys.stderr.write('wrong\\n'); sys.__stdout__.write('logged\\n')")

    assert (done.returncode, done.stdout) == (0, "said\n")
    assert done.stderr.splitlines() == ["logged", "wrong"]


def test_it_ends_with_the_exit_code_of_the_command(manage: Manage) -> None:
    done = manage("speak", "raise CommandError('no', returncode=7)")

    assert (done.returncode, done.stdout, done.stderr) == (7, "", "CommandError: no\n")


def test_as_json_everything_is_in_one_object(manage: Manage) -> None:
    done = manage("speak", "print('said'); sys.__stdout__.write('logged\\n'); sys.exit(3)", "--json")

    told = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (3, "")
    assert (told["function"], told["result"]["exit_code"], told["result"]["stdout"]) == ("http", 3, "said\n")
    assert (told["log"], told["error"]) == (["logged"], None)


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        pytest.param(("-v", "2", "print(options['verbosity'])"), "2\n", id="option with a value"),
        pytest.param(("-v2", "print(options['verbosity'])"), "2\n", id="attached"),
        pytest.param(("--no-color", "print(options['no_color'])"), "True\n", id="long option"),
        pytest.param(("--", "--verbosity", "0", "print(options['verbosity'])"), "0\n", id="behind --"),
    ],
)
def test_options_that_are_not_its_own_are_the_commands(
    manage: Manage, arguments: tuple[str, ...], given: str
) -> None:
    assert manage("speak", *arguments).stdout == given


def test_its_own_options_may_stand_behind_the_command(manage: Manage, project: Path) -> None:
    (project / "microlambda.toml").write_text(f'{SETTINGS}[stages.test.environment]\nWHO = "test"\n')

    done = manage("speak", "import os; print(os.environ['WHO'])", "--stage", "test")

    assert (done.returncode, done.stdout) == (0, "test\n"), done.stderr


def test_a_command_that_takes_too_long_is_told_as_such(manage: Manage, project: Path) -> None:
    (project / "microlambda.toml").write_text(f"{SETTINGS}[functions.http]\ntimeout = 1\n")

    done = manage("speak", f"print('begun'); '{SECRET}'; time.sleep(600)")

    assert (done.returncode, done.stdout) == (124, "begun\n")
    assert done.stderr.splitlines()[-1] == (
        "CommandTimedOut: the command was ended with the time of the function 'http', which is 1 s. What it "
        "had committed stays. Raise `timeout` under [functions.http] in the settings, to 900 at most."
    )


def test_one_that_does_not_let_itself_be_ended_is_told_in_the_same_words(
    manage: Manage, project: Path
) -> None:
    (project / "microlambda.toml").write_text(f"{SETTINGS}[functions.http]\ntimeout = 1\n")

    done = manage(
        "speak", f"'{SECRET}'\nwhile True:\n    try:\n        time.sleep(600)\n    except:\n        pass"
    )

    assert (done.returncode, done.stdout) == (124, "")
    assert "the time of the function 'http', which is 1 s." in done.stderr
    assert SECRET not in done.stderr


def test_without_a_django_there_is_none_to_run(manage: Manage, project: Path) -> None:
    (project / "app.py").write_text(
        "from microlambda import App\napp = App('site')\n\n@app.get('/')\ndef index(): return ''\n"
    )

    done = manage("speak", SECRET)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].startswith(
        "NoDjango: the function 'http' runs no management commands"
    )
    assert SECRET not in done.stderr


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def server(project: Path, events: Events) -> Iterator[LocalServer]:
    with (
        LocalServer(project, port=0, console=events) as server,
        announced(project, "local", Running(url=server.control_url, token=server.token)),
    ):
        yield server


def test_beside_a_server_it_runs_there(server: LocalServer, events: Events, manage: Manage) -> None:
    done = manage("speak", f"print('said'); '{SECRET}'; sys.exit(2)")

    assert (done.returncode, done.stdout) == (2, "said\n")
    assert done.stderr == f"Called in `microlambda local` at {server.url}.\n"
    assert SECRET not in events.out.getvalue()


# What cannot work in a function -----------------------------------------


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("shell", "microlambda manage shell -c"),
        ("shell -i python", "microlambda manage shell -c"),
        ("dbshell", "through the ORM"),
        ("createsuperuser --username ann", "DJANGO_SUPERUSER_PASSWORD"),
        ("changepassword ann", "through the ORM"),
        ("flush", "--noinput"),
        ("runserver", "microlambda local"),
        ("testserver", "python manage.py testserver"),
        ("test", "python manage.py test"),
        ("makemigrations", "python manage.py makemigrations"),
        ("startapp shop", "python manage.py startapp"),
        ("migrate --settings other", "DJANGO_SETTINGS_MODULE"),
        ("migrate --settings=other", "DJANGO_SETTINGS_MODULE"),
        ("migrate --pythonpath=/x", "Leave it out"),
    ],
)
def test_what_needs_a_terminal_or_files_is_refused_with_the_remedy(line: str, remedy: str) -> None:
    with pytest.raises(CommandRefused) as refused:
        check_sendable([*line.split(), SECRET])

    assert remedy in str(refused.value)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    "line",
    [
        "shell -c print(1)",
        "shell -cprint(1)",
        "shell --command=print(1)",
        "createsuperuser --noinput",
        "createsuperuser --no-input --username ann",
        "flush --noinput",
        "makemigrations --check",
        "runserver --help",
        "migrate",
        "of-somebody-else --x",
    ],
)
def test_what_can_work_is_sent(line: str) -> None:
    check_sendable(line.split())


def test_a_refused_command_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "on_aws", lambda *_, **__: pytest.fail("it was sent"))

    done = CliRunner().invoke(main, ["manage", "runserver", "--stage", "dev"])

    assert done.exit_code == 2
    assert done.stderr.startswith("CommandRefused: 'runserver' serves until Ctrl-C")


@pytest.mark.parametrize("option", ["--app=x", "--alone", "--local --profile=x", "--local --region=x"])
def test_options_that_do_not_go_together_are_refused(option: str) -> None:
    assert CliRunner().invoke(main, ["manage", *option.split(), "migrate"]).exit_code == 2


# On AWS -----------------------------------------------------------------


def on_aws(
    monkeypatch: pytest.MonkeyPatch,
    document: dict[str, Any],
    *,
    error: ToolError | None = None,
    log: str = "",
) -> Callable[..., Any]:
    """Let the deployed function have answered; the real way there is that of `microlambda invoke`."""
    sent: dict[str, Any] = {}

    def answer(name: str, event: bytes, **where: Any) -> Called:
        sent.update(where, name=name, event=json.loads(event))
        payload = json.dumps(document).encode()
        return Called(
            function=name, payload=payload, error=error, log=log, duration=1.0, max_memory=90, version="3"
        )

    def run(*arguments: str) -> tuple[Result, dict[str, Any]]:
        return CliRunner().invoke(main, ["manage", *arguments]), sent

    monkeypatch.setattr(module, "on_aws", answer)
    monkeypatch.delenv("MICROLAMBDA_STAGE", raising=False)
    return run


def result(**given: Any) -> dict[str, Any]:
    left_out = {"stdout": 0, "stderr": 0}
    return {"exit_code": 0, "stdout": "", "stderr": "", "left_out": left_out, "time": None, **given}


LOG = """\
INIT_START Runtime Version: python:3.13.v70\tRuntime Version ARN: arn:aws:lambda:eu-west-1::runtime:x
START RequestId: 6f7e4c3a Version: 3
[INFO]\t2026-11-28T07:00:00Z\t6f7e4c3a\tsigned
{"time":"2026-11-28T07:00:00Z","type":"platform.report","record":{}}
END RequestId: 6f7e4c3a
REPORT RequestId: 6f7e4c3a\tDuration: 12.00 ms
"""


def test_on_aws_the_functions_own_log_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    run = on_aws(monkeypatch, result(stdout="out\n", stderr="err\n", exit_code=5), log=LOG)

    done, sent = run("migrate", "--noinput", "--stage", "prod", "--region", "eu-west-1")

    assert (done.exit_code, done.stdout) == (5, "out\n")
    assert done.stderr == "[INFO]\t2026-11-28T07:00:00Z\t6f7e4c3a\tsigned\nerr\n"
    assert sent == {
        "name": "http",
        "event": {"microlambda": {"manage": ["migrate", "--noinput"]}},
        "stage": "prod",
        "region": "eu-west-1",
        "profile": None,
        "log": True,
    }


def test_the_stage_is_dev_unless_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    run = on_aws(monkeypatch, result())

    assert run("migrate")[1]["stage"] == "dev"
    monkeypatch.setenv("MICROLAMBDA_STAGE", "test")
    assert run("migrate")[1]["stage"] == "test"


def test_what_is_cut_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    run = on_aws(monkeypatch, result(stdout="end\n", left_out={"stdout": 1_234_567, "stderr": 0}))

    done, _ = run("dumpdata")

    assert done.stdout == "end\n"
    assert done.stderr == (
        "The first 1,234,567 bytes of stdout are left out: a function answers with 6 MB at most.\n"
    )


@pytest.mark.parametrize(
    "message",
    [
        "RequestId: 6f7e4c3a Error: Task timed out after 30.00 seconds",
        "2026-11-28T07:00:00.123Z 6f7e4c3a Task timed out after 30.03 seconds",
    ],
)
def test_lambdas_word_for_a_timeout_becomes_ours(monkeypatch: pytest.MonkeyPatch, message: str) -> None:
    document = {"errorType": "Sandbox.Timedout", "errorMessage": message}
    run = on_aws(monkeypatch, document, error=FunctionFailed(message))

    done, _ = run("migrate", SECRET)
    as_json, _ = run("migrate", "--json")

    assert done.exit_code == as_json.exit_code == 124
    assert (
        "Raise `timeout` under [functions.http] in the settings, to 900 at most, and deploy." in done.stderr
    )
    assert "which is 30 s" in done.stderr
    assert SECRET not in done.output
    assert json.loads(as_json.stdout)["error"] == document


def test_another_failure_of_the_function_is_told_with_its_log(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = FunctionFailed("Runtime.ExitError: signal: killed")
    run = on_aws(monkeypatch, {"errorType": "Runtime.ExitError", "errorMessage": "x"}, error=failed, log=LOG)

    done, _ = run("migrate")

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == f"{LOG}FunctionFailed: Runtime.ExitError: signal: killed\n"
