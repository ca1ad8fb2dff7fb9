"""Waiting for Ctrl-C, so that none is missed."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

import pytest

from microlambda.local.interrupt import Interrupt, until_interrupted


def once_it_waits(interrupt: Interrupt, act: Callable[[], object]) -> None:
    """Act from another thread as soon as the main thread waits, or is just about to."""

    def run() -> None:
        while not interrupt.has_served:
            pass
        act()

    threading.Thread(target=run).start()


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name
)
def test_a_signal_ends_the_block(number: int) -> None:
    with until_interrupted() as interrupt:
        once_it_waits(interrupt, lambda: os.kill(os.getpid(), number))
        interrupt.wait()

    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_signal_that_another_thread_is_given_ends_the_block() -> None:
    # The handler runs in the main thread, which nothing wakes but the socket.
    with until_interrupted() as interrupt:
        once_it_waits(interrupt, lambda: signal.pthread_kill(threading.get_ident(), signal.SIGTERM))
        interrupt.wait()


def test_what_is_broken_off_before_it_serves_is_no_success() -> None:
    with pytest.raises(KeyboardInterrupt), until_interrupted():
        signal.raise_signal(signal.SIGTERM)


def test_a_signal_that_comes_before_it_waits_ends_what_serves_already() -> None:
    with until_interrupted() as interrupt:
        interrupt.serving()
        signal.raise_signal(signal.SIGINT)


def test_ignored_signals_do_not_break_off_the_cleaning_up() -> None:
    cleaned = []
    with until_interrupted() as interrupt:
        try:
            once_it_waits(interrupt, lambda: os.kill(os.getpid(), signal.SIGINT))
            interrupt.wait()
        finally:
            interrupt.ignore()
            signal.raise_signal(signal.SIGINT)
            cleaned.append(1)

    assert cleaned == [1]
