"""Ending early: by a signal that ends the process, or because what a thread is making is wanted no more.

Either way what was made for the time being is removed first.
"""

from __future__ import annotations

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, NoReturn, TypeVar

from microlambda.project.signals import outside_imports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

_Result = TypeVar("_Result")

_ENDING = [signal.Signals[name] for name in ("SIGTERM", "SIGHUP") if name in signal.Signals.__members__]


@contextmanager
def unwinding() -> Iterator[None]:
    """Let SIGTERM and SIGHUP leave the block as Ctrl-C does: by an exception, SystemExit(128 + the signal).

    A handler that is there already stays. Outside the main thread, which alone is told of signals, nothing
    changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    taken = [number for number in _ENDING if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, _unwind)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _end(number: int) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # a second one must not end the cleaning up
    raise SystemExit(128 + number)


_unwind = outside_imports(_end)


class Stopped(Exception):
    """What a thread is making is wanted no more; nobody is told."""


class Stop:
    """Ends the work of another thread: the programs that it waits for, then the work itself.

    A thread is told which one is its own by `obey`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_set = False
        self._ends: list[Callable[[], None]] = []

    def set(self) -> None:
        """End the work."""
        with self._lock:
            self._is_set = True
            for end in self._ends:
                end()

    def check(self) -> None:
        """Raise `Stopped` where the work is to end."""
        if self._is_set:
            raise Stopped

    @contextmanager
    def ending(self, end: Callable[[], None]) -> Iterator[None]:
        """Call `end` if the work is to end while the block runs; it ends by `Stopped` then."""
        with self._lock:
            self.check()
            self._ends.append(end)
        try:
            yield
        finally:
            with self._lock:
                self._ends.remove(end)
        self.check()

    def obey(self) -> None:
        """Be this thread's own from here on, and of the threads that run in a copy of its context."""
        _OWN.set(self)


_OWN: ContextVar[Stop | None] = ContextVar("_OWN", default=None)


def own_stop() -> Stop:
    """Give what ends the work of this thread; one that nobody sets where there is none."""
    return _OWN.get() or Stop()


@contextmanager
def beside(function: Callable[[], _Result]) -> Iterator[Future[_Result]]:
    """Run a function in a thread of its own while the block runs.

    What is not done when the block ends, however it ends, is wanted no more: it is ended.
    """
    stop = Stop()

    def obeying() -> _Result:
        stop.obey()
        return function()

    with ThreadPoolExecutor(1) as pool, own_stop().ending(stop.set):
        try:
            yield pool.submit(copy_context().run, obeying)
        finally:
            stop.set()
