"""Imports one module in a clean process and writes how it went: a script, and the standard library alone.

python -X importtime trial_child.py MODULE RESULT PATH_ENTRY...

What the module prints goes nowhere; what Python says of the time of imports goes to the error output, after a
line that says where it begins.
"""

import importlib
import json
import logging  # noqa: F401 - for its side effect, as below
import os
import re  # noqa: F401 - AWS's runtime client has loaded these before it imports a handler
import sys
import time
import traceback

BEGIN = "microlambda: the app's imports begin"


def main(argv: list[str]) -> None:
    """Import the module; the result is a document, `{"seconds": ...}`, with an "error" where it failed."""
    _, module, result, *path = argv
    sys.path[:0] = path
    sys.argv = ["bootstrap"]
    silence()
    start = time.perf_counter()
    document: dict[str, object] = {}
    try:
        importlib.import_module(module)
    except BaseException as exc:  # noqa: BLE001 - the user's module may raise anything
        document["error"] = told(exc, path[0])
    document["seconds"] = time.perf_counter() - start
    with open(result, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib would be loaded for the app
        json.dump(document, file)
    # Neither threads that the module started nor its own exit handlers are waited for.
    os._exit(0)


def silence() -> None:
    """Let the module's prints go nowhere, and the interpreter's own words to the error output."""
    sys.stderr.write(f"{BEGIN}\n")
    sys.stderr.flush()
    nowhere = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for the rest of the process
    sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = nowhere  # type: ignore[misc]  # by design


def told(exc: BaseException, root: str) -> dict[str, object]:
    """Describe an exception: its class, its words, and the last line of the app that it came through."""
    place = ""
    for frame, line in traceback.walk_tb(exc.__traceback__):
        file = frame.f_code.co_filename
        for prefix in (root + os.sep, "/var/task/"):  # the latter is in what was compiled for Lambda
            if file.startswith(prefix) and not file.startswith(f"{prefix}microlambda/"):
                place = f"{file[len(prefix) :]}:{line}"
    return {
        "type": type(exc).__name__,
        "text": str(exc),
        "place": place,
        "is_import": isinstance(exc, ImportError),
        "module": getattr(exc, "name", None) if isinstance(exc, ImportError) else None,
    }


if __name__ == "__main__":
    main(sys.argv)
