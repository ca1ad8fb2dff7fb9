"""The terminal for `breakpoint()`: what the app's process prints goes to its parent, until a debugger starts.

Then both streams lead to the terminal, so that a debugger has its prompt and its history there, and no time
runs for the event, until the event is over.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any

from microlambda.emulator.runtime_client import Connection, RuntimeGone, report_debugger

if TYPE_CHECKING:
    from collections.abc import Callable

    Handler = Callable[[Any, Any], Any]

# `breakpoint()`, whatever debugger it leads to; pdb.set_trace(), pdb.post_mortem() and what is built on pdb.
# https://docs.python.org/3/library/audit_events.html
_DEBUGGERS = ("builtins.breakpoint", "pdb.Pdb")


class Terminal:
    """Hands the streams over to debuggers; `address` is that of the Runtime API."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._parted: dict[int, int] = {}  # what the streams led to before

    def lent_to_debuggers(self, handler: Handler) -> Handler:
        """Watch for debuggers from now on; gives `handler` with the streams given back at its end."""
        sys.addaudithook(self._hear)

        def handled(event: Any, context: Any) -> Any:
            try:
                return handler(event, context)
            finally:
                if self._parted:
                    self._give_back()

        return handled

    def _hear(self, event: str, _arguments: tuple[Any, ...]) -> None:
        if event in _DEBUGGERS and not self._parted and os.environ.get("PYTHONBREAKPOINT") != "0":
            self._take()

    def _take(self) -> None:
        with contextlib.suppress(RuntimeGone):
            report_debugger(Connection(self._address))
        terminal = os.open(os.ttyname(0), os.O_WRONLY)
        for stream in (1, 2):
            self._parted[stream] = os.dup(stream)
            os.dup2(terminal, stream)
        os.close(terminal)

    def _give_back(self) -> None:
        sys.settrace(None)  # a debugger that was left with `next` would go on into our own code
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        for stream, before in self._parted.items():
            os.dup2(before, stream)
            os.close(before)
        self._parted = {}


def owns_terminal() -> bool:
    """Tell whether the parent has left its terminal to this process."""
    return hasattr(os, "ttyname") and os.isatty(0)
