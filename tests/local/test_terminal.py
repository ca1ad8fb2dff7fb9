"""`breakpoint()` in views and in handlers of events: the terminal is the debugger's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pty = pytest.importorskip("pty")

WAIT = 60  # s

APP = """\
import pdb
import time

from microlambda import App

app = App("shop")


@app.get("/stop")
def stop():
    print("before")
    answer = "from the view"
    breakpoint()
    print("after")
    return answer


@app.get("/plain")
def plain():
    return "plain"


@app.on_sqs_message(queue="orders")
def take(event):
    found = [record.body for record in event]
    pdb.set_trace()
    print("taken", found)
"""

# A terminal of its own for the program that follows.
LAUNCH = """\
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Screen:
    """A terminal in which `microlambda local` runs: what it shows, and what is typed."""

    def __init__(self, folder: Path) -> None:
        self._master, slave = pty.openpty()
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONBREAKPOINT"}
        command = [sys.executable, "-m", "microlambda", "local", "--port", "0", "--no-reload"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, *command],
            cwd=folder,
            env={**environment, "TERM": "dumb", "NO_COLOR": "1"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.shown = ""
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def until(self, pattern: str) -> re.Match[str]:
        """Wait until something is shown; what is shown up to it is not looked at again."""
        with self._changed:
            assert self._changed.wait_for(lambda: re.search(pattern, self.shown), WAIT), self.shown
            found = re.search(pattern, self.shown)
            assert found is not None
            self.shown = self.shown[found.end() :]
            return found

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def end(self) -> None:
        self.type("\x03")
        try:
            self.process.wait(WAIT)
        finally:
            self.process.kill()

    def _read(self) -> None:
        while True:
            try:
                read = os.read(self._master, 4096)
            except OSError:  # the other end is closed
                return
            with self._changed:
                self.shown += read.decode(errors="replace")
                self._changed.notify_all()


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    (tmp_path / "app.py").write_text(APP)
    # After a second every function is ended, but for one that is debugged.
    (tmp_path / "microlambda.toml").write_text("timeout = 1\n")
    made = Screen(tmp_path)
    try:
        yield made
    finally:
        made.end()


def ask(url: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=WAIT) as response:
        return str(response.read().decode())


def test_a_breakpoint_in_a_view_has_the_terminal_and_no_time_runs(screen: Screen) -> None:
    url = screen.until(r"Serving on (http://[0-9.:]+)")[1]
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(ask, f"{url}/stop")
        screen.until(r"-> print\(\"after\"\)\r\n\(Pdb\) ")
        overslept = pool.submit(ask, f"{url}/plain")  # in another process, which answers meanwhile
        assert overslept.result(WAIT) == "plain"
        screen.until("GET /plain 200")
        screen.type("import time; time.sleep(1.5)\n")  # longer than the function may run
        screen.until(r"\(Pdb\) ")
        screen.type("answer = 'from the terminal'\n")
        screen.until(r"\(Pdb\) ")
        screen.type("continue\n")

        assert answer.result(WAIT) == "from the terminal"
    screen.until("after")
    screen.until("GET /stop 200 [0-9]+ ms")
    assert ask(f"{url}/plain") == "plain"


@pytest.mark.slow
def test_a_debugger_in_the_handler_of_an_event_has_the_terminal(screen: Screen) -> None:
    send(screen.until(r"AWS_ENDPOINT_URL=(http://[0-9.]+:[0-9]+)\.")[1])

    screen.until(r"\(Pdb\) ")
    screen.type("found\n")
    screen.until(r"\['hello'\]")
    screen.type("continue\n")

    screen.until("taken")
    screen.until("take ok [0-9]+ ms")


def send(endpoint: str) -> None:
    import boto3

    queues = boto3.client(
        "sqs",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    queues.send_message(QueueUrl=queues.get_queue_url(QueueName="orders")["QueueUrl"], MessageBody="hello")
