"""Requests per second of `microlambda local`, `flask run` and `chalice local`, in one run with wrk.

Every server answers `GET /` with the same JSON. The peers have their reloaders off.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

SECONDS = 4
CONNECTIONS = (1, 8)

APPS = {
    "microlambda": "from microlambda import App\napp = App('bench')\n",
    "flask": "from flask import Flask\napp = Flask('bench')\n",
    "chalice": "from chalice import Chalice\napp = Chalice(app_name='bench')\n",
}
VIEW = "@app.route('/')\ndef index():\n    return {'hello': 'world'}\n"


@dataclass(frozen=True, kw_only=True)
class Server:
    """A development server and the command that starts it."""

    framework: str
    command: tuple[str, ...]


SERVERS = (
    Server(framework="microlambda", command=("microlambda", "local", "--port")),
    Server(framework="flask", command=("flask", "run", "--port")),
    Server(framework="chalice", command=("chalice", "local", "--no-autoreload", "--port")),
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def project(framework: str, folder: Path) -> None:
    folder.mkdir()
    (folder / "app.py").write_text(APPS[framework] + VIEW)
    if framework == "chalice":
        (folder / ".chalice").mkdir()
        config = {"version": "2.0", "app_name": "bench", "stages": {"dev": {}}}
        (folder / ".chalice" / "config.json").write_text(json.dumps(config))


def wait_until_it_listens(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if server.poll() is not None:
                raise SystemExit(f"{server.args!r} ended with {server.returncode}") from None
            time.sleep(0.05)
        else:
            return


def requests_per_second(port: int, connections: int) -> float:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", f"http://127.0.0.1:{port}/"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said:
        raise SystemExit(said)
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if found is None:
        raise SystemExit(said)
    return float(found[1])


def measure(server: Server, root: Path) -> list[float]:
    folder = root / server.framework
    project(server.framework, folder)
    port = free_port()
    environment = {**os.environ, "AWS_DEFAULT_REGION": "eu-west-1"}
    program = str(Path(sys.executable).with_name(server.command[0]))
    process = subprocess.Popen(
        [program, *server.command[1:], str(port)],
        cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_until_it_listens(port, process)
        requests_per_second(port, 1)  # warms up, and is not counted
        return [requests_per_second(port, connections) for connections in CONNECTIONS]
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    if shutil.which("wrk") is None:
        raise SystemExit("wrk sends the requests, and is not installed.")
    table = Table(title=f"GET /, requests per second over {SECONDS} s, Python {sys.version.split()[0]}")
    table.add_column("")
    for connections in CONNECTIONS:
        table.add_column(f"{connections} connection{'s' if connections > 1 else ''}", justify="right")
    with tempfile.TemporaryDirectory() as root:
        for server in SERVERS:
            rates = measure(server, Path(root))
            table.add_row(" ".join(server.command[:2]), *(f"{rate:,.0f}" for rate in rates))
    Console().print(table)


if __name__ == "__main__":
    main()
