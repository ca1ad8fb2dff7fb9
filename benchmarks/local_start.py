"""How long until `microlambda local` answers: after its start, and after a save. Medians of ten, in ms.

Beside it `flask run` and `chalice local`, where they are installed, with the same three routes. The second
app has handlers of events too, for which the peers have nothing. What has no second figure does not reload.
Run: python benchmarks/local_start.py
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMES = 10
WAIT = 30  # s
STEP = 0.005  # s between two requests that ask whether there is an answer yet

APPS = {
    "microlambda": "from microlambda import App\napp = App('bench')\n",
    "flask": "from flask import Flask\napp = Flask('bench')\n",
    "chalice": "from chalice import Chalice\napp = Chalice(app_name='bench')\n",
}
ROUTES = """
@app.route("/")
def index():
    return {"mark": "MARK"}

@app.route("/books")
def books():
    return {"books": []}

@app.route("/books", methods=["POST"])
def added():
    return {"added": 1}
"""
EVENTS = """
@app.on_sqs_message("orders")
def ordered(event):
    pass

@app.on_s3_event("uploads")
def imported(event):
    pass

@app.schedule("rate(1 hour)")
def nightly(event):
    pass
"""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A development server, as it is typed, and what its app has."""

    command: tuple[str, ...]
    routes: str = ROUTES
    has: str = "3 routes"
    reloads: bool = True

    @property
    def program(self) -> Path:
        return Path(sys.executable).with_name(self.command[0])


SERVERS = (
    Server(command=("microlambda", "local")),
    Server(command=("microlambda", "local"), routes=ROUTES + EVENTS, has="3 routes, 3 handlers of events"),
    Server(command=("flask", "run"), reloads=False),
    Server(command=("flask", "run", "--debug")),
    Server(command=("chalice", "local", "--no-autoreload"), reloads=False),
    Server(command=("chalice", "local", "--autoreload")),
)


def free_port() -> int:
    """Give a port that no client gets by itself: one that asks there too early would connect to itself."""
    while True:
        port = random.randrange(20_000, 30_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def save(server: Server, folder: Path, mark: str) -> None:
    """Write the app; what it answers is as long as no other's, so that no bytecode passes for another's."""
    (folder / "app.py").write_text(APPS[server.command[0]] + server.routes.replace("MARK", mark))


def project(server: Server, folder: Path) -> None:
    save(server, folder, "")
    if server.command[0] == "chalice":
        (folder / ".chalice").mkdir()
        config = {"version": "2.0", "app_name": "bench", "stages": {"dev": {}}}
        (folder / ".chalice" / "config.json").write_text(json.dumps(config))


@contextmanager
def running(server: Server, folder: Path) -> Iterator[int]:
    """Start the command; gives the port that it will listen on."""
    port = free_port()
    process = subprocess.Popen(
        [str(server.program), *server.command[1:], "--port", str(port)],
        cwd=folder, env={**os.environ, "AWS_DEFAULT_REGION": "eu-west-1"}, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield port
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # reloaders have a child
        process.wait()


def mark_of(port: int) -> str | None:
    """Ask the app for its mark; None where nobody answers yet."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/")
        response = connection.getresponse()
        if response.status == 200:
            return str(json.loads(response.read())["mark"])
    return None


def milliseconds_until(mark: str, port: int, began: float) -> float:
    """Ask again and again, until the mark is answered."""
    while time.perf_counter() - began < WAIT:
        if mark_of(port) == mark:
            return (time.perf_counter() - began) * 1000
        time.sleep(STEP)
    raise TimeoutError(mark)


def start(server: Server, folder: Path) -> float:
    began = time.perf_counter()
    with running(server, folder) as port:
        return milliseconds_until("", port, began)


def reloads(server: Server, folder: Path) -> list[float]:
    found = []
    with running(server, folder) as port:
        milliseconds_until("", port, time.perf_counter())
        for number in range(1, TIMES + 1):
            # Those that look at the files once in a second must not always be met at the same moment of it.
            time.sleep(random.uniform(0.5, 1.5))
            mark = "x" * number
            save(server, folder, mark)
            found.append(milliseconds_until(mark, port, time.perf_counter()))
    return found


def median(found: list[float]) -> str:
    return f"{statistics.median(found):,.0f}"


def measure(server: Server) -> tuple[str, str]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project(server, folder)
        start(server, folder)  # compiles, and is not counted
        starts = median([start(server, folder) for _ in range(TIMES)])
        if not server.reloads:
            return starts, ""
        try:
            return starts, median(reloads(server, folder))
        except TimeoutError:
            return starts, "never"


def main() -> None:
    table = Table(title=f"Milliseconds until an answer, median of {TIMES}, Python {sys.version.split()[0]}")
    table.add_column("")
    table.add_column("app")
    table.add_column("from the start", justify="right")
    table.add_column("from a save, by the new code", justify="right")
    for server in SERVERS:
        if server.program.exists():
            table.add_row(" ".join(server.command), server.has, *measure(server))
        else:
            table.add_row(" ".join(server.command), server.has, "not installed", "")
    Console().print(table)


if __name__ == "__main__":
    main()
