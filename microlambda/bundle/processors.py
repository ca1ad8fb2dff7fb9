"""How many processors this process may use, and who goes first."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

#: How much less others are kept waiting: https://man7.org/linux/man-pages/man7/sched.7.html, the nice value.
_NICE = 15


def processors() -> int:
    """Count them: a container or `taskset` may leave fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def let_others_go_first(thread: int, process: int | None) -> None:
    """Let a thread and a process wait where others want the processor, for good; where the system can."""
    if sys.platform == "win32":
        return
    if sys.platform == "linux":  # elsewhere threads have no priority of their own
        _lower(thread)
    if process is not None:
        _lower(process)


def _lower(identity: int) -> None:
    if sys.platform != "win32":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, identity, _NICE)
