"""How a deploy tells of itself while it runs."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from microlambda.deploy.changes import Change


class Progress(Protocol):
    """What is told of the changes; by several threads, one at a time."""

    def say(self, line: str) -> None:
        """Take what is no change: a note, a step."""

    def making(self, changes: Sequence[Change]) -> AbstractContextManager[None]:
        """Stand around the making of all changes."""

    def began(self, change: Change) -> None:
        """Take a change that is being made from now on."""

    def ended(self, change: Change, seconds: float) -> None:
        """Take a change that is made, and how long that took."""


class Lines:
    """Plain lines: each change with its time, once it is made."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say

    def making(self, changes: Sequence[Change]) -> AbstractContextManager[None]:
        """Show nothing before the first of them."""
        del changes
        return nullcontext()

    def began(self, change: Change) -> None:
        """Wait for its end."""

    def ended(self, change: Change, seconds: float) -> None:
        """Say what was done, and how long it took."""
        self.say(timed(change, seconds))


def timed(change: Change, seconds: float) -> str:
    """Write a change that was made: `+ role shop-dev-http-eu-west-1 (0.4 s)`."""
    return f"{change.line} ({seconds:.1f} s)"
