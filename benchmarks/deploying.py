"""Calls and seconds of deploying an app of ten functions into the embedded cloud, beside Chalice's deployer.

Both are run as their users run them, by their own commands, against the same endpoint: a first deploy, one
without changes, and one after a line of code was added. Each round has a cloud of its own, which is empty.
The app has no routes: Chalice brings those as Swagger 2, which moto does not take. Ours has a row with some.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from rich.console import Console
from rich.table import Table

from microlambda.emulator.cloud import EmbeddedCloud
from microlambda.emulator.cloud.front import Front

ROUNDS = 3
REGION = "us-east-1"
STEPS = ("first", "no change", "code")

HANDLERS = "\n".join(
    [
        *(f"@app.lambda_function(name='work{one}')\ndef work{one}(event, context): ..." for one in range(4)),
        *(f"@app.schedule('rate(1 day)', name='tick{one}')\ndef tick{one}(event): ..." for one in range(3)),
        *(
            f"@app.on_sqs_message(queue='q{one}', name='take{one}')\ndef take{one}(event): ..."
            for one in (0, 1)
        ),
        "@app.on_sns_message(topic='news', name='tell')\ndef tell(event): ...",
    ]
)
ROUTES = "@app.route('/')\ndef index():\n    return {}\n"


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A deployer: the app's first line, its settings, its command."""

    name: str
    app: str
    settings: tuple[str, str]
    command: tuple[str, ...]


OURS = Tool(
    name="microlambda",
    app="from microlambda import App\napp = App('bench')\n",
    settings=("microlambda.toml", f'id = "bench1"\nname = "bench"\nregion = "{REGION}"\n'),
    command=("microlambda", "deploy", "--stage", "dev"),
)
CHALICE = Tool(
    name="Chalice",
    app="from chalice import Chalice\napp = Chalice(app_name='bench')\n",
    settings=(
        ".chalice/config.json",
        json.dumps({"version": "2.0", "app_name": "bench", "stages": {"dev": {}}}),
    ),
    command=("chalice", "deploy", "--stage", "dev"),
)
ROWS = ((OURS, HANDLERS), (CHALICE, HANDLERS), (OURS, f"{HANDLERS}\n{ROUTES}"))


class Counter:
    """How many requests the cloud has had."""

    def __init__(self) -> None:
        self.calls = 0
        self._guard = threading.Lock()

    def counting(self, answer: Any) -> Any:
        def counted(front: Front, environ: dict[str, Any], start_response: Any) -> Any:
            with self._guard:
                self.calls += 1
            return answer(front, environ, start_response)

        return counted


def measure(tool: Tool, handlers: str, folder: Path) -> dict[str, tuple[int, float]]:
    """Deploy three times into an empty cloud; calls and seconds of each."""
    path, text = tool.settings
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text)
    (folder / "requirements.txt").write_text("")
    code = tool.app + handlers + "\n"
    counter, figures = Counter(), {}
    with (
        patch.object(Front, "__call__", counter.counting(Front.__call__)),
        EmbeddedCloud(region=REGION) as cloud,
    ):
        for queue in ("q0", "q1"):
            cloud.client("sqs").create_queue(QueueName=queue, Attributes={"VisibilityTimeout": "360"})
        cloud.client("sns").create_topic(Name="news")
        for step in STEPS:
            if step != "no change":
                (folder / "app.py").write_text(code + f"step = {step!r}\n")
            before, started = counter.calls, time.perf_counter()
            run(tool, folder, cloud.environment)
            figures[step] = (counter.calls - before, time.perf_counter() - started)
    return figures


def run(tool: Tool, folder: Path, environment: dict[str, str]) -> None:
    """Run the tool's command in the project; its output is shown where it fails."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    command = (str(Path(sys.executable).parent / tool.command[0]), *tool.command[1:])
    done = subprocess.run(
        command, cwd=folder, env={**kept, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(tool.command)} failed:\n{done.stdout}{done.stderr}")


def main() -> None:
    """Print a table: calls and the median seconds of each step."""
    found: dict[str, list[dict[str, tuple[int, float]]]] = {}
    for _ in range(ROUNDS):
        for tool, handlers in ROWS:
            name = f"{tool.name}{', with routes' if ROUTES in handlers else ''}"
            with tempfile.TemporaryDirectory() as folder:
                found.setdefault(name, []).append(measure(tool, handlers, Path(folder)))
    table = Table("10 functions", *(f"{step}: calls, s" for step in STEPS))
    for name, rounds in found.items():
        table.add_row(name, *(_cell([one[step] for one in rounds]) for step in STEPS))
    Console().print(table)


def _cell(rounds: list[tuple[int, float]]) -> str:
    calls = sorted({calls for calls, _ in rounds})
    shown = str(calls[0]) if len(calls) == 1 else f"{calls[0]}-{calls[-1]}"
    return f"{shown}, {statistics.median(seconds for _, seconds in rounds):.1f}"


if __name__ == "__main__":
    main()
