"""Runs of `microlambda package` in the current folder that are stopped: `MODE`, gives a report as JSON.

Each run is a fork of this process, so that many of them are cheap. After each that was stopped another one,
undisturbed, tells whether the cache was left whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import microlambda.bundle.making  # noqa: F401  # so that no fork has to load it
from microlambda.cli.main import main

#: What a process does to files, as Python's audit events call it: each is a moment to be killed at.
MOMENTS = ("open", "os.", "shutil.", "tempfile.", "subprocess.Popen")
KILLED = -signal.SIGKILL

#: How many moments are tried, spread over all that there are.
TRIED = 8

SIZES = (0, 5_000, 30_000, 80_000)  # bytes

CACHE = Path(os.environ["MICROLAMBDA_CACHE_DIR"])
OUT = Path("out")

Before = Callable[[], object]


def run(*before: Before) -> tuple[int, str]:
    """Run the command in a process of its own; gives its exit code and what it said."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        for step in before:
            step()
        try:
            main(["package", "--out", str(OUT), "--resolver", "uv"])
        except SystemExit as exc:
            sys.stdout.flush()
            os._exit(exc.code if isinstance(exc.code, int) else 1)
    os.close(writing)
    with os.fdopen(reading, "rb") as output:
        said = output.read().decode()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said


def afresh() -> None:
    """Begin with nothing but bytecode of the runtime, which takes a second to make."""
    for folder in (*CACHE.glob("*/[!b]*"), OUT):
        shutil.rmtree(folder, ignore_errors=True)


def made() -> str:
    """Hash the archives that there are."""
    whole = b"".join(path.name.encode() + path.read_bytes() for path in sorted(OUT.iterdir()))
    return hashlib.sha256(whole).hexdigest()


def counting(pipe: int) -> None:
    def hook(event: str, _arguments: Any) -> None:
        if event.startswith(MOMENTS):
            os.write(pipe, b".")

    sys.addaudithook(hook)


def die_at(moment: int) -> None:
    left = moment

    def hook(event: str, _arguments: Any) -> None:
        nonlocal left
        if event.startswith(MOMENTS):
            left -= 1
            if left == -1:  # once: to kill is an event of its own
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def limited(size: int) -> None:
    """Let no file grow larger: to a process this is what a full disk is."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def killed() -> dict[str, Any]:
    """Die at moments of the whole run, each time with an empty cache."""
    run()
    afresh()
    counted = Path("counted.txt")
    pipe = os.open(counted, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    run(partial(counting, pipe))
    moments = counted.stat().st_size
    stopped, after = [], set()
    for number in range(TRIED):
        afresh()
        stopped.append(run(partial(die_at, moments * number // TRIED)))
        after.add((run()[0], made()))
    return {"stopped": stopped, "after": sorted(after), "moments": moments}


def full() -> dict[str, Any]:
    """Find no room for files of some size, then run with room."""
    stopped, after = [], set()
    for size in SIZES:
        afresh()
        stopped.append(run(partial(limited, size)))
        after.add((run()[0], made()))
    return {"stopped": stopped, "after": sorted(after)}


def at_once() -> dict[str, Any]:
    """Run three at a time, in one project, with one empty cache and one folder for archives."""
    afresh()
    pids = []
    for _number in range(3):
        pid = os.fork()
        if pid == 0:
            os._exit(run()[0])
        pids.append(pid)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    return {"codes": codes, "after": made()}


if __name__ == "__main__":
    sys.stdout.write(json.dumps({"killed": killed, "full": full, "at once": at_once}[sys.argv[1]]()))
