"""What a terminal shows while a deploy runs."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from microlambda.cli.progress import LiveProgress, shown_progress
from microlambda.deploy.changes import CREATE, UPDATE, Change
from microlambda.deploy.progress import Lines


def change(name: str, action: str = CREATE, *reasons: str) -> Change:
    return Change(action=action, kind="function", key="http", name=name, reasons=reasons)


@pytest.fixture
def screen() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def live(screen: io.StringIO) -> LiveProgress:
    return LiveProgress(Console(file=screen, force_terminal=True, width=200, color_system=None))


def test_each_change_has_a_line_with_its_time_and_the_bar_says_what_is_being_made(
    live: LiveProgress, screen: io.StringIO
) -> None:
    one, two = change("shop-dev-http"), change("shop-dev-tidy", UPDATE, "memory 128 -> 512 MB")

    with live.making([one, two]):
        live.began(one)
        live.began(two)
        live.ended(one, 1.26)
        live.say("Interrupted [soon].")
        live.ended(two, 0.04)

    shown = screen.getvalue()
    assert "+ function shop-dev-http (1.3 s)\n" in shown
    assert "~ function shop-dev-tidy: memory 128 -> 512 MB (0.0 s)\n" in shown
    assert "Interrupted [soon].\n" in shown
    assert "2/2" in shown
    assert "function shop-dev-http, function shop-dev-tidy" in shown


def test_of_many_that_are_being_made_the_bar_names_some(live: LiveProgress, screen: io.StringIO) -> None:
    changes = [change(f"f{number}") for number in range(5)]

    with live.making(changes):
        for one in changes:
            live.began(one)

    assert "function f0, function f1, function f2 and 2 more" in screen.getvalue()


def test_outside_of_the_changes_lines_are_printed_as_they_are(
    live: LiveProgress, capsys: pytest.CaptureFixture[str]
) -> None:
    live.say("[code]: 0.1 MB to upload")

    assert capsys.readouterr().out == "[code]: 0.1 MB to upload\n"


def test_where_there_is_no_terminal_the_lines_are_plain(capsys: pytest.CaptureFixture[str]) -> None:
    progress = shown_progress()

    with progress.making([change("x")]):
        progress.began(change("x"))
        progress.ended(change("x"), 2)

    assert isinstance(progress, Lines)
    assert capsys.readouterr().out == "+ function x (2.0 s)\n"
