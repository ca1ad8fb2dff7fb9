"""Waiting for Ctrl-C, so that none is missed."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from microlambda.local.interrupt import until_interrupted


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_ends_the_block(number: int) -> None:
    with until_interrupted() as interrupt:
        threading.Timer(0, os.kill, (os.getpid(), number)).start()
        interrupt.wait()

    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_signal_that_another_thread_is_given_ends_the_block() -> None:
    # The handler runs in the main thread, which nothing wakes but the socket.
    with until_interrupted() as interrupt:
        threading.Thread(target=lambda: signal.pthread_kill(threading.get_ident(), signal.SIGTERM)).start()
        interrupt.wait()


def test_what_is_broken_off_before_it_serves_is_no_success() -> None:
    with pytest.raises(KeyboardInterrupt), until_interrupted():
        signal.raise_signal(signal.SIGTERM)


def test_ignored_signals_do_not_break_off_the_cleaning_up() -> None:
    cleaned = []
    with until_interrupted() as interrupt:
        try:
            threading.Timer(0, os.kill, (os.getpid(), signal.SIGINT)).start()
            interrupt.wait()
        finally:
            interrupt.ignore()
            signal.raise_signal(signal.SIGINT)
            cleaned.append(1)

    assert cleaned == [1]
