"""Tasks in `microlambda local`: beside the answer, through a reload, and at the end."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from io import StringIO
from pathlib import Path
from queue import Queue

import pytest

from microlambda.local.console import Console
from microlambda.local.invocation import invoke_here
from microlambda.local.server import LocalServer
from microlambda.local.version import AppReport
from microlambda.project.settings import load_settings

Get = Callable[[str], tuple[int, str]]

APP = """\
import os
import socket
import sys
import threading

from microlambda import App, Blueprint

app = App("shop")
jobs = Blueprint("jobs")


def tell(text, wait=True):
    with socket.create_connection(("127.0.0.1", PORT)) as connection:
        connection.sendall(text.encode() + b"\\n")
        if wait:
            connection.recv(1)


@jobs.task
def work(name):
    context = app.lambda_context
    tell(f"begun {name} {context.aws_request_id} {context.function_name}")
    tell(f"done {name}", wait=False)


@jobs.task
def talk(name):
    app.logger.warning("logged by %s", name)


@jobs.task
def broken():
    return {}["key"]


@jobs.task
def leaves():
    sys.exit(3)


@app.get("/jobs/<name>")
def start(name):
    return work.delay(name)


@app.get("/thread")
def thread():
    ids = []
    starter = threading.Thread(target=lambda: ids.append(work.delay("thread")))
    starter.start()
    starter.join()
    return ids[0]


@app.get("/large")
def large():
    return work.delay("x" * 2_000_000)


@app.get("/exit")
def exit():
    os._exit(3)


@app.get("/version")
def version():
    return "first"


@app.lambda_function()
def all(event, context):
    return [broken.delay(), leaves.delay(), talk.delay("one")]


app.register_blueprint(jobs)
"""


class Tasks:
    """What the app's tasks tell of themselves; each that has begun waits until it is let go on."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(30)
        self._waiting: list[socket.socket] = []
        self.port = self._listener.getsockname()[1]

    def told(self) -> list[str]:
        """Wait for the next to tell something: that it has begun, with name, id and function, or is done."""
        connection, _ = self._listener.accept()
        self._waiting.append(connection)
        with connection.makefile() as stream:
            return stream.readline().split()

    def go_on(self) -> None:
        """Let those that have begun come to their end."""
        for connection in self._waiting:
            connection.close()
        self._waiting.clear()

    def close(self) -> None:
        self.go_on()
        self._listener.close()


class Events(Console):
    """Hands on what happens to the test that waits for it."""

    def __init__(self) -> None:
        super().__init__(StringIO(), StringIO())
        self.reloads: Queue[AppReport] = Queue()
        self.lost: Queue[Mapping[str, str]] = Queue()

    def reloaded(self, before: AppReport | None, report: AppReport, seconds: float) -> None:
        super().reloaded(before, report, seconds)
        self.reloads.put(report)

    def cut_off(self, tasks: Mapping[str, str]) -> None:
        super().cut_off(tasks)
        self.lost.put(tasks)


@pytest.fixture
def tasks() -> Iterator[Tasks]:
    made = Tasks()
    yield made
    made.close()


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def shop(tmp_path: Path, tasks: Tasks) -> Path:
    (tmp_path / "app.py").write_text(APP.replace("PORT", str(tasks.port)))
    (tmp_path / "microlambda.toml").write_text('name = "shop"\n')
    return tmp_path


def test_the_caller_is_answered_while_the_task_runs(
    shop: Path, tasks: Tasks, events: Events, get: Get
) -> None:
    with LocalServer(shop, port=0, console=events) as server:
        status, request_id = get(f"{server.url}/jobs/one")
        begun = tasks.told()
        meanwhile = get(f"{server.url}/version")
        tasks.go_on()
        done = tasks.told()

    assert (status, meanwhile) == (200, (200, "first"))
    assert begun[:3] == ["begun", "one", request_id]
    assert begun[3].startswith("shop-local-jobs-work-")
    assert done == ["done", "one"]


def test_several_run_at_once_and_so_does_one_that_a_thread_of_the_views_begins(
    shop: Path, tasks: Tasks, get: Get
) -> None:
    with LocalServer(shop, port=0) as server:
        ids = [get(f"{server.url}/jobs/one")[1], get(f"{server.url}/thread")[1]]
        begun = [tasks.told(), tasks.told()]

    assert sorted(one[1:3] for one in begun) == sorted([["one", ids[0]], ["thread", ids[1]]])


def test_what_a_task_logs_carries_its_id_and_an_error_starts_at_the_users_frames(shop: Path) -> None:
    lines: list[bytes] = []
    lost: list[Mapping[str, str]] = []

    invocation = invoke_here(
        load_settings(shop, "local"), "all", b"{}", output=lines.append, cut_off=lost.append
    )

    broken, leaves, talk = json.loads(invocation.payload)
    log = b"".join(lines).decode()
    assert f"\t{talk}\tlogged by one\n" in log
    assert f"\t{leaves}\t'jobs.leaves' failed: SystemExit\n" in log
    assert re.search(
        rf"\t{broken}\t'jobs.broken' failed: KeyError\n"
        r"Traceback \(most recent call last\):\n"
        r'  File ".*app\.py", line \d+, in broken\n',
        log,
    )
    assert lost == []


def test_what_cannot_be_handed_over_is_told_to_the_view(shop: Path, get: Get) -> None:
    with LocalServer(shop, port=0) as server:
        assert get(f"{server.url}/large")[0] == 500


def test_a_reload_lets_pending_tasks_come_to_their_end(
    shop: Path, tasks: Tasks, events: Events, get: Get
) -> None:
    with LocalServer(shop, port=0, reload=True, console=events) as server:
        get(f"{server.url}/jobs/old")
        begun = tasks.told()
        (shop / "app.py").write_text((shop / "app.py").read_text().replace('"first"', '"second"'))
        events.reloads.get(timeout=30)
        answered = get(f"{server.url}/version")
        tasks.go_on()
        done = tasks.told()

    assert answered == (200, "second")
    assert (begun[:2], done) == (["begun", "old"], ["done", "old"])
    assert events.lost.empty()


def test_a_task_that_takes_longer_than_functions_may_is_cut_off_at_a_reload_and_told(
    shop: Path, tasks: Tasks, events: Events, get: Get
) -> None:
    (shop / "microlambda.toml").write_text('name = "shop"\ntimeout = 1\n')
    with LocalServer(shop, port=0, reload=True, console=events) as server:
        _, request_id = get(f"{server.url}/jobs/old")
        tasks.told()
        (shop / "app.py").write_text((shop / "app.py").read_text().replace('"first"', '"second"'))
        lost = events.lost.get(timeout=30)

        assert lost == {request_id: "jobs.work"}
        assert get(f"{server.url}/version") == (200, "second")


def test_the_end_of_the_server_tells_what_it_cuts_off(
    shop: Path, tasks: Tasks, events: Events, get: Get
) -> None:
    with LocalServer(shop, port=0, console=events) as server:
        ids = [get(f"{server.url}/jobs/{number}")[1] for number in range(7)]

    assert events.lost.get_nowait() == dict.fromkeys(ids, "jobs.work")
    assert events.lost.empty()


def test_a_process_that_ends_itself_tells_what_goes_with_it(
    shop: Path, tasks: Tasks, events: Events, get: Get
) -> None:
    with LocalServer(shop, port=0, console=events) as server:
        _, request_id = get(f"{server.url}/jobs/one")
        tasks.told()
        status, _ = get(f"{server.url}/exit")
        lost = events.lost.get(timeout=30)

    assert status == 500
    assert lost == {request_id: "jobs.work"}


@pytest.mark.parametrize(
    ("count", "line"),
    [
        pytest.param(1, "1 task was cut off before the end: work (id-0)\n", id="one"),
        pytest.param(2, "2 tasks were cut off before the end: work (id-0), work (id-1)\n", id="two"),
        pytest.param(
            7,
            "7 tasks were cut off before the end: "
            "work (id-0), work (id-1), work (id-2), work (id-3), work (id-4) and 2 more\n",
            id="many",
        ),
    ],
)
def test_the_line_about_lost_tasks_names_the_first(count: int, line: str) -> None:
    err = StringIO()

    Console(StringIO(), err).cut_off({f"id-{number}": "work" for number in range(count)})

    assert err.getvalue() == line


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT to a process of its own is POSIX")
def test_ctrl_c_says_which_tasks_it_ends(shop: Path, tasks: Tasks, get: Get) -> None:
    command = [sys.executable, "-u", "-m", "microlambda", "local", "--port", "0"]
    with subprocess.Popen(
        command,
        cwd=shop,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
    ) as process:
        assert process.stdout is not None
        try:
            found = next(
                found for line in process.stdout if (found := re.search(r"Serving on (http://\S+) ", line))
            )
            _, request_id = get(f"{found[1]}/jobs/one")
            tasks.told()
            process.send_signal(signal.SIGINT)
            rest = process.stdout.read()
            code = process.wait(30)
        finally:
            process.kill()

    assert code == 0
    assert f"1 task was cut off before the end: jobs.work ({request_id})\n" in rest
