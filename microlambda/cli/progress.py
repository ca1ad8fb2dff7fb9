"""How a deploy is shown while it runs: live on a terminal, in plain lines elsewhere."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from microlambda.deploy.progress import Lines, Progress, timed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from microlambda.deploy.changes import Change

_SHOWN = 3  # changes that the bar names at a time


def shown_progress() -> Progress:
    """Give what suits the place that the output goes to."""
    return LiveProgress() if sys.stdout.isatty() else Lines(click.echo)


class LiveProgress:
    """A line for each change that is made, and under them a bar with what is being made."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._running: list[Change] = []

    def say(self, line: str) -> None:
        """Print a line, above the bar if there is one."""
        if self._bar is None:
            click.echo(line)
        else:
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def making(self, changes: Sequence[Change]) -> Iterator[None]:
        """Show the bar."""
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        text = TextColumn("{task.description}", markup=False)
        with Bar(*columns, text, console=self._console, transient=True) as bar:
            self._bar, self._task = bar, bar.add_task("", total=len(changes))
            try:
                yield
            finally:
                self._bar = None

    def began(self, change: Change) -> None:
        """Name the change beside the bar."""
        self._running.append(change)
        self._show()

    def ended(self, change: Change, seconds: float) -> None:
        """Print the change with its time, and go on with the bar."""
        self._running.remove(change)
        self.say(timed(change, seconds))
        self._show(advance=1)

    def _show(self, *, advance: int = 0) -> None:
        if self._bar is not None and self._task is not None:
            names = [one.title for one in self._running]
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            described = f"{', '.join(names[:_SHOWN])}{more}"
            self._bar.update(self._task, advance=advance, description=described, refresh=True)
