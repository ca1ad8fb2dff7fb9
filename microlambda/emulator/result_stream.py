"""A result in pieces, on its way from the runtime client to whoever waits for it."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from microlambda.emulator.runtime_api import Outcome

_ROOM = 1 << 20  # bytes; a function that is so far ahead of its client waits, as behind any connection


class ResultStream:
    """One thread puts pieces in and tells the end, another takes them out.

    The end comes once: by the function, its exit, or its timeout, which is an end without an outcome.
    """

    def __init__(self) -> None:
        self.is_abandoned = False
        self._pieces: deque[bytes] = deque()
        self._held = 0
        self._has_ended = False
        self._outcome: Outcome | None = None
        self._change = threading.Condition()

    def put(self, piece: bytes) -> bool:
        """Add a piece as soon as there is room; False if nobody takes it any more."""
        with self._change:
            self._change.wait_for(lambda: self._held < _ROOM or self.is_abandoned or self._has_ended)
            if self.is_abandoned or self._has_ended:
                return False
            self._pieces.append(piece)
            self._held += len(piece)
            self._change.notify_all()
            return True

    def end(self, outcome: Outcome | None) -> bool:
        """Tell how it ended, None for a timeout; False if it had ended before."""
        with self._change:
            if self._has_ended:
                return False
            self._has_ended = True
            self._outcome = outcome
            self._change.notify_all()
            return True

    def take(self) -> bytes | None:
        """Wait for the next piece; None at the end."""
        with self._change:
            self._change.wait_for(lambda: self._pieces or self._has_ended)
            if not self._pieces:
                return None
            piece = self._pieces.popleft()
            self._held -= len(piece)
            self._change.notify_all()
            return piece

    def abandon(self) -> None:
        """Take no more: whoever puts pieces in is told so."""
        with self._change:
            self.is_abandoned = True
            self._change.notify_all()

    def outcome(self) -> Outcome | None:
        """Wait for the end, and tell how it came; None for a timeout."""
        with self._change:
            self._change.wait_for(lambda: self._has_ended)
            return self._outcome
