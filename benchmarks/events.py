"""What a cold start and a warm batch of ten SQS messages cost, in instructions counted by callgrind.

Each message is handled alone, and what fails is reported: by hand, by microlambda from its own bundle, by
Powertools' batch processor, and by Chalice, which has no partial failures and gives the whole batch. All of
them have bytecode; that of Chalice's package, which ships none, is added.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

import cold_start  # type: ignore[import-not-found]  # beside this script
from cold_start import Contender, compile_folder, instructions, probe, run, unpacked
from rich.console import Console
from rich.table import Table

from microlambda.emulator.events.sqs import build

WARM = 100
QUEUE = "orders"

SOURCES = {
    "microlambda": (
        "from microlambda import App\napp = App('bench')\n"
        f"@app.on_sqs_message(queue='{QUEUE}', per_record=True)\n"
        "def handle(record):\n    return record.json()['id']\n"
    ),
    "chalice": (
        "from chalice import Chalice\napp = Chalice(app_name='bench')\n"
        f"@app.on_sqs_message(queue='{QUEUE}')\n"
        "def handle(event):\n"
        "    import json\n    for record in event:\n        json.loads(record.body)['id']\n"
    ),
    "powertools": (
        "from aws_lambda_powertools.utilities.batch import (\n"
        "    BatchProcessor, EventType, process_partial_response)\n"
        "processor = BatchProcessor(event_type=EventType.SQS)\n"
        "def record_handler(record):\n    return record.json_body['id']\n"
        "def handle(event, context):\n"
        "    return process_partial_response(event=event, record_handler=record_handler,\n"
        "                                    processor=processor, context=context)\n"
    ),
    "by hand": (
        "import json\n"
        "def handle(event, context):\n    failures = []\n"
        "    for record in event['Records']:\n"
        "        try:\n            json.loads(record['body'])['id']\n"
        "        except Exception:\n"
        "            failures.append({'itemIdentifier': record['messageId']})\n"
        "    return {'batchItemFailures': failures}\n"
    ),
}


def source_folder(root: Path, name: str) -> Path:
    folder = root / name.replace(" ", "-")
    folder.mkdir()
    (folder / "app.py").write_text(SOURCES[name])
    return folder


def ours(root: Path, event: Path) -> Contender:
    project = source_folder(root, "microlambda")
    (project / "requirements.txt").write_text("microlambda\n")
    run([sys.executable, "-m", "microlambda", "package", "--out", "build"], project)
    (archive,) = (project / "build").glob("*.zip")
    return Contender(
        name="microlambda, its bundle",
        folder=unpacked(archive),
        handler="microlambda.runtime.entry:handler",
        environment={"MICROLAMBDA_APP": "app:app", "MICROLAMBDA_HANDLER": "handle"},
        event=event,
    )


def peer(root: Path, name: str, modules: tuple[str, ...], event: Path) -> Contender:
    folder = source_folder(root, name)
    for module in modules:
        cold_start.copy_installed(module, folder)
    compile_folder(folder)
    return Contender(
        name=f"{name}, with bytecode", folder=folder, handler="app:handle", environment={}, event=event
    )


def main() -> None:
    if shutil.which("valgrind") is None:
        raise SystemExit("valgrind counts the instructions, and is not installed.")
    table = Table(title=f"A batch of 10 SQS messages, Python {sys.version.split()[0]}")
    for column in ("", "cold start, M instructions", "warm batch, k instructions", "modules"):
        table.add_column(column, justify="left" if not column else "right")
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        event = root / "event.json"
        event.write_text(json.dumps(build(QUEUE, [{"id": number} for number in range(10)])))
        contenders = [
            peer(root, "by hand", (), event),
            ours(root, event),
            peer(root, "chalice", ("chalice",), event),
            peer(root, "powertools", cold_start.POWERTOOLS, event),
        ]
        for contender in contenders:
            base, cold, warm = (instructions(contender, count) for count in (0, 1, 1 + WARM))
            counts = json.loads(probe(contender, 1, report=True).stdout)
            table.add_row(
                contender.name,
                f"{(cold - base) / 1e6:.1f}",
                f"{(warm - cold) / WARM / 1e3:.1f}",
                str(counts["modules"]),
            )
    Console().print(table)


if __name__ == "__main__":
    main()
