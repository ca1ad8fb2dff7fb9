"""What runs beside something else ends with it, however that ends."""

from __future__ import annotations

import sys
import threading
from functools import partial

import pytest

from microlambda.bundle.interruption import Stop, Stopped, beside, own_stop
from microlambda.bundle.resolving.running import run

#: A program that would run for ever.
FOREVER = [sys.executable, "-c", "import sys; sys.stdin.read(); import time; time.sleep(3600)"]


def test_the_result_is_there_inside_of_the_block() -> None:
    with beside(partial(int, "7")) as found:
        assert found.result() == 7


def test_what_nobody_waited_for_is_ended_with_the_block() -> None:
    with beside(partial(run, FOREVER)) as running:
        pass

    assert isinstance(running.exception(), Stopped)


def test_an_error_ends_it_and_is_told() -> None:
    with pytest.raises(ValueError, match="^of the block$"), beside(partial(run, FOREVER)) as running:
        raise ValueError("of the block")

    assert isinstance(running.exception(), Stopped)


def test_its_own_error_is_told_to_whoever_waits() -> None:
    with pytest.raises(ValueError, match="invalid literal"), beside(partial(int, "seven")) as found:
        found.result()


def test_what_ends_the_work_around_it_ends_it_too() -> None:
    stop = Stop()
    begun = threading.Event()

    def inner() -> None:
        begun.set()
        run(FOREVER)

    def outer() -> None:
        stop.obey()
        with beside(inner) as running:
            running.result()

    with beside(outer) as working:
        assert begun.wait(30)
        stop.set()
        with pytest.raises(Stopped):
            working.result(30)


def test_outside_nothing_is_to_stop() -> None:
    own_stop().check()
