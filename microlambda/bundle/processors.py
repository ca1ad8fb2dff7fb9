"""How many processors this process may use."""

from __future__ import annotations

import os


def processors() -> int:
    """Count them: a container or `taskset` may leave fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1
