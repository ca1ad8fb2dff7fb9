"""Loads a handler in an interpreter that has AWS's runtime client, and answers one event COUNT times.

    python -S -E probe.py SITE-PACKAGES FOLDER MODULE:ATTRIBUTE COUNT EVENT SOURCES

A COUNT of 0 loads the runtime client alone: what Lambda costs everybody. With REPORT in the
environment it prints the modules loaded beyond that, and of those in FOLDER the lines and the bytes
that their bytecode takes in an archive. A module that is there without its source has it in SOURCES.
"""

import sys

site, folder, target, count, event_file, sources = sys.argv[1:]
sys.path.append(site)
import awslambdaric.bootstrap  # noqa: E402, F401

sys.path.remove(site)
sys.path.insert(0, folder)
import json  # noqa: E402
import os  # noqa: E402
from importlib import import_module  # noqa: E402

with open(event_file) as file:  # noqa: PTH123
    event = json.load(file)
before = set(sys.modules)
if int(count):
    module, _, attribute = target.partition(":")
    handler = getattr(import_module(module), attribute)
    result: dict[str, object] | None = None
    for _number in range(int(count)):
        result = handler(event, None)
    if (result or {}).get("statusCode", 200) != 200:
        raise SystemExit(f"{target} answered {result}")
if "REPORT" in os.environ:
    import zlib

    loaded = sorted(set(sys.modules) - before)
    files = [getattr(sys.modules[name], "__file__", None) or "" for name in loaded]
    lines = bytecode = 0
    for name, path in zip(loaded, files, strict=True):
        if path.startswith(folder) and path not in (f"{folder}/app.py", f"{folder}/hand.py"):
            source = path
            if path.endswith(".pyc"):
                source = path.removesuffix("c").replace(folder, sources, 1)
            with open(source) as file:  # noqa: PTH123
                lines += len(file.readlines())
            compiled = getattr(sys.modules[name], "__cached__", None) or ""
            if os.path.exists(compiled):  # noqa: PTH110
                with open(compiled, "rb") as file:  # noqa: PTH123
                    bytecode += len(zlib.compress(file.read()))
    print(json.dumps({"modules": len(loaded), "lines": lines, "bytecode": bytecode}))
