"""Pausing Python's garbage collector, where one of its faults asks for it."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def while_threads_parse() -> Iterator[None]:
    """Collect nothing meanwhile where two threads must not build syntax trees in turns.

    Before Python 3.12 one count of the depth serves all threads: what a collection runs can let another
    thread in between the nodes of a tree, and both fail with "AST constructor recursion depth mismatch"
    (python/cpython#106905). Trees have no cycles, so nothing heaps up that a collection would free.
    """
    if sys.version_info >= (3, 12) or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
