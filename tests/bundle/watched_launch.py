"""Starts a script and writes down what Python compiles and loads meanwhile: the standard library alone.

python watched_launch.py LOG SCRIPT [ARGUMENT ...]
"""

import os
import runpy
import sys


def main(argv: list[str]) -> None:
    log = os.open(argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        """https://docs.python.org/3/library/audit_events.html: importlib compiles by `compile`."""
        place = arguments[0] if event == "open" else arguments[1] if event in ("compile", "import") else None
        if isinstance(place, str) and place.endswith((".py", ".pyc", ".so")):
            os.write(log, f"{event} {place}\n".encode())

    sys.addaudithook(watch)
    sys.argv = argv[2:]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv)
