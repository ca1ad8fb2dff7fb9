"""`microlambda local`, as it is typed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from click.testing import CliRunner, Result

from microlambda.cli.main import main
from microlambda.emulator.server import Server
from microlambda.local.addresses import is_loopback

Get = Callable[[str], tuple[int, str]]


class Running:
    """A server in a process of its own, and what it prints."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: Queue[str] = Queue()
        self.seen: list[str] = []
        self.url = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def line(self, pattern: str) -> re.Match[str]:
        """Wait for a line that matches."""
        while True:
            line = self.lines.get(timeout=30)
            self.seen.append(line)
            if found := re.search(pattern, line):
                return found

    def end(self, number: int) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=30)

    def is_anyone_left(self) -> bool:
        """Whether a process that was started holds the output still: the pipe ends with the last of them."""
        self._reader.join(30)
        return self._reader.is_alive()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))


@contextmanager
def running(project: Path, *options: str, **environment: str) -> Iterator[Running]:
    command = [sys.executable, "-m", "microlambda", "local", "--port", "0", *options]
    with subprocess.Popen(
        command,
        cwd=project,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        server = Running(process)
        try:
            server.url = server.line(r"Serving on (http://\S+) ").group(1)
            yield server
        finally:
            server.end(signal.SIGTERM)
            assert not server.is_anyone_left()


def local(*options: str) -> Result:
    return CliRunner().invoke(main, ["local", "--port", "0", *options])


def test_shows_the_app_its_routes_and_where_it_answers(project: Path, get: Get) -> None:
    with running(project, "--ingress", "rest-api") as server:
        assert server.seen[1] == "shop (app:app), stage local, as behind rest-api"
        assert server.seen[2] == "  GET  /        index   app.py:11"
        assert get(f"{server.url}/") == (200, '{"hello":"world"}')


def test_logs_each_request_in_one_line(project: Path, get: Get) -> None:
    with running(project) as server:
        get(f"{server.url}/?a=1")

        server.line(r"^\d\d:\d\d:\d\d GET /\?a=1 200 \d+ ms$")


def test_shows_what_the_handler_prints_and_logs(project: Path, get: Get) -> None:
    with running(project) as server:
        get(f"{server.url}/talk")

        server.line("GET /talk 200")
        server.line("^  printed by talk$")
        server.line(r"^  \[WARNING\]\t.*\tlogged by talk$")


def test_the_traceback_of_a_failing_handler_starts_at_the_users_frame(project: Path, get: Get) -> None:
    with running(project) as server:
        status, text = get(f"{server.url}/broken")

        assert (status, "KeyError" in text) == (500, False)
        server.line("GET /broken 500")
        server.line("^  Traceback")
        assert server.lines.get(timeout=30) == f'    File "{project / "app.py"}", line 40, in broken'
        server.line("^  KeyError: 'key'")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_ends_it_at_once_and_leaves_no_process(project: Path, get: Get, number: int) -> None:
    with running(project) as server:
        get(f"{server.url}/pid")
        busy = threading.Thread(target=get, args=(f"{server.url}/hang",))
        busy.start()
        server.line("^  sleeper")

        code = server.end(number)

        busy.join(30)
        assert code == 0
        assert not server.is_anyone_left()
        assert "Traceback" not in "\n".join(server.seen + list(server.lines.queue))


def test_reloads_and_says_so(project: Path, get: Get) -> None:
    with running(project) as server:
        source = (project / "app.py").read_text()
        (project / "app.py").write_text(source.replace("world", "again"))
        server.line(r"^Reloaded in 0\.\d\d s$")

        assert get(f"{server.url}/") == (200, '{"hello":"again"}')


def test_without_reload_only_a_new_process_sees_the_change(project: Path, get: Get) -> None:
    with running(project, "--no-reload") as server:
        (project / "app.py").write_text("broken(")
        assert get(f"{server.url}/")[0] == 200

        get(f"{server.url}/exit")

        assert get(f"{server.url}/")[0] == 500
        server.line("AppImportFailed")


def test_warns_where_others_reach_it(project: Path) -> None:
    with running(project, "--host", "0.0.0.0") as server:
        assert server.seen[0] == "Warning: on 0.0.0.0, others on the network can reach the app too."


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
    ],
)
def test_loopback_hosts(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


START_ERRORS = [
    pytest.param(
        {"app.py": "import helper\n", "helper.py": "def f():\n    return 1 / 0\n\nf()\n"},
        "AppImportFailed: helper.py:2: ZeroDivisionError: division by zero",
        id="import",
    ),
    pytest.param(
        {"app.py": "def f(:\n"}, "AppImportFailed: app.py:1: SyntaxError: invalid syntax", id="syntax"
    ),
    pytest.param({"app.py": "x = 1\n"}, "AppNotFound: 'app' has no App.", id="no-app"),
    pytest.param({}, "AppNotFound: ", id="no-file"),
    pytest.param({"microlambda.toml": "memry = 1\n"}, "SettingsError: ", id="settings"),
    pytest.param({"app.py": "import os\nos._exit(3)\n"}, "StartFailed: ", id="exit"),
]


@pytest.mark.parametrize(("files", "message"), START_ERRORS)
def test_an_app_that_does_not_come_up_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], message: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)

    result = local()

    assert result.exit_code == 1
    assert result.stderr.startswith(message)
    assert "Serving" not in result.output
    assert "microlambda/" not in result.stderr.replace(str(tmp_path), "")


def test_the_users_traceback_stands_below_the_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "app.py").write_text("def f():\n    return 1 / 0\n\nf()\n")
    monkeypatch.chdir(tmp_path)

    lines = local().stderr.splitlines()

    assert lines[1] == "Traceback (most recent call last):"
    assert lines[2] == f'  File "{tmp_path / "app.py"}", line 4, in <module>'
    assert lines[-1] == "ZeroDivisionError: division by zero"


def test_an_unknown_stage_is_refused_with_the_nearest(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)

    assert "Did you mean 'local'?" in local("--stage", "locl").stderr


def test_a_port_in_use_is_one_message_that_names_the_option(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    with Server(lambda environ, start_response: [], port=0) as taken:
        result = local("--port", str(taken.port))

    assert result.exit_code == 1
    assert result.stderr.startswith(f"PortInUse: port {taken.port} of 127.0.0.1 is in use")
    assert "--port" in result.stderr


def test_a_host_that_is_not_this_machine_is_one_message(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)

    result = local("--host", "192.0.2.1")

    assert result.exit_code == 1
    assert "UnusableHost: nothing can listen on '192.0.2.1': " in result.stderr


def test_the_handlers_of_signals_are_left_as_they_were(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))
    monkeypatch.chdir(project)

    local("--stage", "locl")

    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_json_prints_objects_alone_with_what_functions_print(project: Path, get: Get) -> None:
    command = [sys.executable, "-m", "microlambda", "local", "--port", "0", "--json"]
    with subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        started: dict[str, Any] = {}
        lines: list[dict[str, Any]] = []
        try:
            while started.get("type") != "started":
                started = json.loads(process.stdout.readline())
                lines.append(started)
            get(f"{started['url']}/talk")
            while lines[-1]["type"] != "request":
                lines.append(json.loads(process.stdout.readline()))
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)

    printed = [line["text"] for line in lines if line["type"] == "output"]
    assert "printed by talk" in printed
    assert any(text.endswith("\tlogged by talk") for text in printed)
    assert (lines[-1]["target"], lines[-1]["status"]) == ("/talk", 200)


def test_the_real_aws_is_said_plainly(project: Path) -> None:
    with running(project, "--aws", AWS_PROFILE="work") as server:
        assert any(
            "reaches your real AWS, by the profile 'work'. Nothing is fired here." in one
            for one in server.seen
        )


def test_there_is_nothing_to_keep_of_the_real_aws() -> None:
    assert local("--aws", "--data", "kept").exit_code == 2
