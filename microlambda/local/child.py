"""The app's process: it loads the App, tells the parent what there is, and takes events from the Runtime API.

`python -m microlambda.local.child ROOT [TARGET]`, with AWS_LAMBDA_RUNTIME_API in the environment. What the
parent is told is an `AppReport`; an app that does not load is reported as an error of init.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from microlambda.emulator.runtime_client import (
    Connection,
    Fault,
    RuntimeGone,
    end_quietly_on_interrupt,
    report_init_error,
    report_ready,
    serve,
    set_up_logging,
)
from microlambda.project.errors import ToolError
from microlambda.project.loader import LoadedApp, load_app
from microlambda.runtime.context import streaming_answers


def main(argv: list[str]) -> int:
    """Load the app and serve it until the parent is gone."""
    end_quietly_on_interrupt()
    set_up_logging()
    root, target = Path(argv[1]), argv[2] if len(argv) > 2 else None
    sys.argv[1:] = []  # on Lambda there are no arguments either
    with contextlib.suppress(RuntimeGone):
        connection = Connection(os.environ["AWS_LAMBDA_RUNTIME_API"])
        try:
            loaded = load_app(root, target, command="local")
        except ToolError as exc:
            report_init_error(connection, _fault(exc))
            return 1
        os.environ["MICROLAMBDA_APP"] = loaded.path
        report_ready(connection, _report(loaded))
        with streaming_answers():
            serve(loaded.app, connection)
        connection.close()
    return 0


def _fault(error: ToolError) -> Fault:
    """Put an error, and the traceback of what the user's module raised, into the shape of Lambda's."""
    cause = error.__cause__
    trace = traceback.format_exception(cause) if cause is not None else []
    return Fault(type(error).__name__, str(error), trace)


def _report(loaded: LoadedApp) -> dict[str, Any]:
    return {
        "name": loaded.app.name,
        "app": loaded.path,
        "routes": [
            [sorted(rule.methods), rule.rule, rule.endpoint, rule.location] for rule in loaded.app.route_table
        ],
        "files": sorted({file for module in list(sys.modules.values()) if (file := _source(module))}),
    }


def _source(module: object) -> str | None:
    file = getattr(module, "__file__", None)
    return os.path.realpath(file) if isinstance(file, str) and file.endswith(".py") else None


if __name__ == "__main__":
    sys.exit(main(sys.argv))
