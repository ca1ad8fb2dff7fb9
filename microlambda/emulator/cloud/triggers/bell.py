"""What a thread waits for that has nothing to do: somebody rings, or a time comes."""

from __future__ import annotations

import threading


class Bell:
    """Counts its rings, so that none is missed between a look and a wait.

    heard = bell.rings
    if not look():
        bell.wait(heard, 5.0)
    """

    def __init__(self) -> None:
        self.rings = 0
        self._changed = threading.Condition()

    def ring(self) -> None:
        """Wake whoever waits."""
        with self._changed:
            self.rings += 1
            self._changed.notify_all()

    def wait(self, heard: int, seconds: float | None) -> None:
        """Wait for a ring after that one, at most so long; without end for None."""
        with self._changed:
            self._changed.wait_for(lambda: self.rings != heard, seconds)
