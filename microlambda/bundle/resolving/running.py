"""Running another program and keeping what it says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from microlambda.bundle.interruption import own_stop

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

#: Lines of a program's output that an error repeats where it is not understood.
_TAIL = 12


def run(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    work: Path | None = None,
    environ: Mapping[str, str | None] | None = None,
    timeout: float | None = None,
    apart: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run a program and keep what it says, both streams in one unless `apart`; it finds no terminal.

    What it makes for the time being, it makes in `work`. A variable of `environ` that is None is taken away.
    Whatever ends the wait ends it with all that it started, builds among them, so that nothing writes there
    any longer.
    """
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=_environment(work, environ or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if apart else subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            with own_stop().ending(partial(_kill, process)):
                said, errors = process.communicate(timeout=timeout)
        except BaseException:  # Ctrl-C, SIGTERM, the time that is over, and Stopped
            _kill(process)
            raise
    return subprocess.CompletedProcess(command, process.returncode, said, errors)


def tail(output: str) -> str:
    """Keep the last lines of an output, indented."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    return "\n".join(f"    {line}" for line in lines[-_TAIL:])


def _environment(work: Path | None, environ: Mapping[str, str | None]) -> dict[str, str]:
    merged = {**os.environ, "NO_COLOR": "1", **_temporary(work), **environ}
    return {name: value for name, value in merged.items() if value is not None}


def _temporary(work: Path | None) -> dict[str, str]:
    """Point a program to a folder of ours for its temporary files; empty where there is none."""
    if work is None:
        return {}
    folder = work / "tmp"
    folder.mkdir(exist_ok=True)
    return dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))


def _kill(process: subprocess.Popen[str]) -> None:
    """Kill a process and its descendants, which are a group of their own where the system has groups."""
    if sys.platform == "win32":
        process.kill()
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
