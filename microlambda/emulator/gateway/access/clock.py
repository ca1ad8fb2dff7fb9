"""The one clock by which answers are kept and signatures are dated."""

from __future__ import annotations

import time


def now() -> float:
    """Seconds since 1970."""
    return time.time()
