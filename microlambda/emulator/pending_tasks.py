"""The tasks that a function's process has taken on and not yet brought to their end, as it tells of them.

On Lambda a task runs in a function of its own; here it may go on in the process that answered the request
that it came of. Whoever ends that process waits for it, or says what is lost.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class PendingTasks:
    """Tasks by id; told and asked from several threads."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._closed = False
        self._change = threading.Condition()

    def note(self, told: Mapping[str, Any]) -> None:
        """Take a message: `{"id": ..., "task": name}` of a new one, the id alone when it is over."""
        with self._change:
            if "task" in told:
                self._names[told["id"]] = told["task"]
            else:
                self._names.pop(told["id"], None)
            self._change.notify_all()

    def wait(self, seconds: float) -> None:
        """Come back when all are over, or the process is, or after so many seconds."""
        with self._change:
            self._change.wait_for(lambda: self._closed or not self._names, seconds)

    def close(self) -> None:
        """Let nobody wait any more: the process is no more."""
        with self._change:
            self._closed = True
            self._change.notify_all()

    def take(self) -> dict[str, str]:
        """Give those that are not over, id and name, and forget them."""
        with self._change:
            names, self._names = self._names, {}
            return names
