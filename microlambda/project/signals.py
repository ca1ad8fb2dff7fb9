"""Ctrl-C, at a place where it breaks nothing."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_SOON = 0.005  # s


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C end the block by KeyboardInterrupt, as Python does it, unless somebody else handles it."""
    is_ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if is_ours:
        signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def interrupt(number: int, frame: FrameType | None) -> None:
    """Handle a signal by raising KeyboardInterrupt, but not in the midst of Python's own import.

    Between taking the lock of all imports and the `try` after it, an exception leaves the lock taken, and
    every import of another thread waits for ever. What is imported runs no such code: a module that never
    ends is interrupted at once.
    """
    del number
    if is_importing(frame):
        again(interrupt)
    else:
        raise KeyboardInterrupt


def is_importing(frame: FrameType | None) -> bool:
    """Tell whether a signal has come in the midst of Python's own import, and whether that can be helped."""
    return (
        hasattr(signal, "setitimer")  # which Windows lacks
        and frame is not None
        and frame.f_code.co_filename.startswith("<frozen importlib")
    )


def again(handler: Callable[[int, FrameType | None], None]) -> None:
    """Have a handler of a signal called again, soon."""
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, _SOON)
