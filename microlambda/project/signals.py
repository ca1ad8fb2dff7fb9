"""Ctrl-C, at a place where it breaks nothing."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

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


def outside_imports(end: Callable[[int], NoReturn]) -> Callable[[int, FrameType | None], None]:
    """Make a handler of a signal that calls `end` with its number, but not in the midst of Python's import.

    Between taking the lock of all imports and the `try` after it, an exception leaves the lock taken, and
    every import of another thread waits for ever. What is imported runs no such code: a module that never
    ends is interrupted at once.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        if not _is_importing(frame):
            end(number)
        signal.signal(signal.SIGALRM, lambda _alarm, now: handle(number, now))
        signal.setitimer(signal.ITIMER_REAL, _SOON)

    return handle


def _is_importing(frame: FrameType | None) -> bool:
    if not hasattr(signal, "setitimer"):  # Windows, where it cannot be helped
        return False
    while frame is not None and frame.f_code.co_filename == __file__:  # the alarm came while it was being set
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.startswith("<frozen importlib")


def _interrupt(number: int) -> NoReturn:
    del number
    raise KeyboardInterrupt


#: Handles a signal by raising KeyboardInterrupt, as Python does, at a place where it breaks nothing.
interrupt = outside_imports(_interrupt)
