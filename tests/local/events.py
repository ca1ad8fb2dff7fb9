"""A console that hands on what happens to the test that waits for it."""

from __future__ import annotations

import json
from io import StringIO
from queue import Queue
from typing import Any, NamedTuple

from microlambda.emulator.invocation import Invocation
from microlambda.local.console import Console
from microlambda.local.version import AppReport

WAIT = 60  # s, after which a test gives up


class Event(NamedTuple):
    """An event that a handler got: its name, what it answered, and the word for its failure."""

    name: str
    result: Any
    error: str | None


class Events(Console):
    """Prints into `out` and `err`, and fills a queue for each kind of thing that happens."""

    def __init__(self) -> None:
        self.out, self.err = StringIO(), StringIO()
        super().__init__(self.out, self.err)
        self.events: Queue[Event] = Queue()
        self.notes: Queue[str] = Queue()
        self.reloads: Queue[AppReport] = Queue()
        self.failures: Queue[Exception] = Queue()

    def invoked(self, report: AppReport, name: str, invocation: Invocation) -> None:
        super().invoked(report, name, invocation)
        self.events.put(Event(name, json.loads(invocation.payload), invocation.function_error))

    def note(self, text: str) -> None:
        super().note(text)
        self.notes.put(text)

    def reloaded(self, before: AppReport | None, report: AppReport, seconds: float) -> None:
        super().reloaded(before, report, seconds)
        self.reloads.put(report)

    def failed(self, error: Exception) -> None:
        super().failed(error)
        self.failures.put(error)

    def next(self) -> Event:
        """Wait for the next event of any handler."""
        return self.events.get(timeout=WAIT)

    def until(self, name: str) -> Any:
        """Wait for an event of this handler; gives its answer."""
        while True:
            event = self.next()
            if event.name == name:
                return event.result
