"""What functions print, kept until the line of their invocation can stand above it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Seconds that a line waits for the end of its invocation; then it is shown, and all that follow at once.
PATIENCE = 0.4


class Transcripts:
    """The lines of each invocation, by the id of its request; told and asked from several threads.

    `show` is given the function and lines of an invocation that goes on for longer than lines wait, and
    whether they are the first of it.
    """

    def __init__(
        self, show: Callable[[str, Sequence[bytes], bool], None], patience: float = PATIENCE
    ) -> None:
        self._show = show
        self._patience = patience
        self._held: dict[str, tuple[str, float, list[bytes]]] = {}
        self._shown: set[str] = set()
        self._timer: threading.Timer | None = None
        self._guard = threading.Lock()

    def add(self, function: str, line: bytes, request_id: str) -> None:
        """Keep a line for the end of its invocation, or show it where that has been waited for too long."""
        with self._guard:
            if request_id in self._shown:
                self._show(function, [line], False)
                return
            self._held.setdefault(request_id, (function, time.monotonic(), []))[2].append(line)
            self._wind()

    def take(self, request_id: str) -> list[bytes]:
        """Give the lines of an invocation that is over and have not been shown, and forget it."""
        with self._guard:
            self._shown.discard(request_id)
            _, _, lines = self._held.pop(request_id, ("", 0.0, []))
            return lines

    def show_all(self) -> None:
        """Show what is kept: the ends that it waits for will not come."""
        with self._guard:
            for request_id in list(self._held):
                self._show_held(request_id)

    def _wind(self) -> None:
        if self._timer is None and self._held:
            oldest = min(since for _, since, _ in self._held.values())
            self._timer = threading.Timer(oldest + self._patience - time.monotonic(), self._look)
            self._timer.daemon = True
            self._timer.start()

    def _look(self) -> None:
        """Show what has waited long enough."""
        with self._guard:
            self._timer = None
            due = time.monotonic() - self._patience
            for request_id, (_, since, _) in list(self._held.items()):
                if since <= due:
                    self._show_held(request_id)
            self._wind()

    def _show_held(self, request_id: str) -> None:
        function, _, lines = self._held.pop(request_id)
        self._shown.add(request_id)
        self._show(function, lines, True)
