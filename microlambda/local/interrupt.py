"""Serving until Ctrl-C: how the commands that serve wait, and how they end."""

from __future__ import annotations

import signal
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from microlambda.project.signals import interrupt

if TYPE_CHECKING:
    from collections.abc import Iterator


class Interrupt:
    """What the block of `until_interrupted` waits with."""

    def __init__(self, woken: socket.socket) -> None:
        self._woken = woken
        self.has_served = False

    def serving(self) -> None:
        """Note that it serves, before anybody is told so: from now on a signal is how it ends."""
        self.has_served = True

    def wait(self) -> NoReturn:
        """Wait for a signal, which ends the block."""
        self.serving()
        while True:
            self._woken.recv(1)  # after which Python runs the signal's handler, and that raises

    def ignore(self) -> None:
        """Give the signals no effect any more: a second Ctrl-C must not break off the cleaning up."""
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)


@contextmanager
def until_interrupted() -> Iterator[Interrupt]:
    """Let Ctrl-C, SIGTERM or the terminal's end (SIGHUP) end the block.

    Once it serves or waits, that is how serving ends, and no failure; before, KeyboardInterrupt goes on:
    whatever was to be served has not come up. For the main thread. A signal writes into a socket that `wait`
    reads: what waits in any other way can miss one that comes just before it begins to wait, or that another
    thread is given.
    """
    woken, waker = socket.socketpair()
    waker.setblocking(False)
    # SIGINT too: a shell starts background jobs with it ignored.
    before = {number: signal.signal(number, interrupt) for number in _SIGNALS}
    wakeup = signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    waiting = Interrupt(woken)
    try:
        yield waiting
    except KeyboardInterrupt:
        if not waiting.has_served:
            raise
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        woken.close()
        waker.close()


_SIGNALS = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))
