"""What `microlambda local` prints: the app at its start, a line for each request, what went wrong."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, TextIO

import click

from microlambda.emulator.invocation import failed_records
from microlambda.local.addresses import PREFIX, TOKEN
from microlambda.local.columns import aligned
from microlambda.local.transcripts import Transcripts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from microlambda.emulator.invocation import Invocation
    from microlambda.emulator.messages import HttpRequest, HttpResponse
    from microlambda.local.version import AppReport

_MOST = 5  # tasks that one line names
_WIDEST = 60  # characters of a decorator
_COLORS = {2: "green", 3: "cyan", 4: "yellow", 5: "red"}


class Console:
    """Prints whole lines, from any thread; colours only on a terminal, and not under NO_COLOR."""

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self._colored = self._out.isatty() and not os.environ.get("NO_COLOR")
        self._lock = threading.Lock()
        self._reason = threading.local()
        self._transcripts = Transcripts(self._goes_on)

    def output(self, function: str, line: bytes, request_id: str | None) -> None:
        """Show what a function prints, below the line of the request that it works on."""
        if request_id is None:
            self._print(_text(line))
        else:
            self._transcripts.add(function, line, request_id)

    def stopped(self) -> None:
        """Show what functions have printed that did not come to their end."""
        self._transcripts.show_all()

    def _goes_on(self, function: str, lines: Sequence[bytes], are_first: bool) -> None:
        """Show what an invocation has printed that is not over."""
        clock = time.strftime("%H:%M:%S")
        head = [f"{clock} {function} is running"] if are_first else []
        self._print(*head, *map(_indented, lines))

    def started(self, report: AppReport, *, stage: str, ingress: str, url: str) -> None:
        """Show the app and its routes, and where it answers."""
        name = self._styled(report.name or "an app without a name", bold=True)
        self._print(
            f"{name} ({report.app}), stage {stage}, as behind {ingress}",
            *_routes(report),
            *_handlers(report),
            f"Serving on {self._styled(url, bold=True)} (Ctrl-C ends it)",
        )

    def by_hand(self, url: str, token: str) -> None:
        """Show how a program calls a function, or fires a schedule, in this process."""
        self._print(f"By hand: curl -X POST {url}{PREFIX}invoke/NAME -H '{TOKEN}: {token}' -d '{{}}'")

    def reloaded(self, before: AppReport | None, report: AppReport, seconds: float) -> None:
        """Say that new code serves now, and show the routes where they are others."""
        lines = [f"Reloaded in {seconds:.2f} s"]
        if before is None or before.routes != report.routes:
            lines += _routes(report)
        if before is None or before.handlers != report.handlers:
            lines += _handlers(report)
        self._print(*lines)

    def failed(self, error: Exception) -> None:
        """Show why new code does not come up."""
        message = f"{type(error).__name__}: {error}"
        lines = [self._styled(message, fg="red"), *getattr(error, "__notes__", ())]
        self._print(*lines, "The last good version keeps serving.", stream=self._err)

    def explain(self, reason: str) -> None:
        """Keep why the gateway answers by itself; `request` is told of the answer next, in this thread."""
        self._reason.text = reason

    def request(self, request: HttpRequest, response: HttpResponse, invocation: Invocation | None) -> None:
        """Show one request: time, method, path, status, duration."""
        clock = time.strftime("%H:%M:%S")
        status = self._styled(str(response.status), fg=_COLORS.get(response.status // 100))
        duration = f"{invocation.duration:.0f} ms" if invocation is not None else "-"
        lines = [f"{clock} {_shown(request.method)} {_shown(request.target)} {status} {duration}"]
        if reason := self._taken_reason(invocation):
            lines.append(self._styled(f"  {_shown(reason)}", fg="yellow"))
        self._print(*lines, *self._printed(invocation))

    def invoked(self, report: AppReport, name: str, invocation: Invocation) -> None:
        """Show one event that a handler got: time, what fired it, handler, outcome, duration."""
        clock = time.strftime("%H:%M:%S")
        trigger = _shortened(self._declared(report, name))
        outcome, color = _outcome(invocation)
        lines = [f"{clock} {trigger} {name} {self._styled(outcome, fg=color)} {invocation.duration:.0f} ms"]
        if invocation.function_error is not None:
            lines.append(self._styled(f"  {_shown(failure_of(invocation))}", fg="yellow"))
        self._print(*lines, *self._printed(invocation))

    def _printed(self, invocation: Invocation | None) -> list[str]:
        """Give what was printed meanwhile and has not been shown."""
        return [] if invocation is None else [*map(_indented, self._transcripts.take(invocation.request_id))]

    def _taken_reason(self, invocation: Invocation | None) -> str | None:
        """Give why a request failed, if it did, and forget what `explain` has said of it."""
        reason, self._reason.text = getattr(self._reason, "text", None), None
        failed = invocation is not None and invocation.function_error is not None
        return failure_of(invocation) if invocation is not None and failed else reason

    def _declared(self, report: AppReport, name: str) -> str:
        declared = next((words for words, handler, _ in report.handlers if handler == name), "")
        return declared.partition(".")[2] or "invoke"

    def cut_off(self, tasks: Mapping[str, str]) -> None:
        """Say which tasks were ended before their time; `tasks` are their names by id."""
        names = [f"{name} ({request_id})" for request_id, name in tasks.items()]
        more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
        word = "task was" if len(names) == 1 else "tasks were"
        self.note(f"{len(names)} {word} cut off before the end: {', '.join(names[:_MOST])}{more}")

    def note(self, text: str) -> None:
        """Say something about the server itself."""
        self._print(text, stream=self._err)

    def _styled(self, text: str, *, fg: str | None = None, bold: bool | None = None) -> str:
        return click.style(text, fg=fg, bold=bold) if self._colored else text

    def _print(self, *lines: str, stream: TextIO | None = None) -> None:
        stream = stream or self._out
        with self._lock:
            stream.write("".join(f"{line}\n" for line in lines))
            stream.flush()


def _text(line: bytes) -> str:
    # AWS's client ends the lines of one message with CR, and the message with LF.
    return line.decode(errors="replace").rstrip("\r\n").replace("\r", "\n")


def _indented(line: bytes) -> str:
    return "\n".join(f"  {one}" for one in _text(line).split("\n"))


def _routes(report: AppReport) -> Iterable[str]:
    if not report.routes:
        return ["  no routes: every request is answered 404"]
    rows = [(", ".join(methods), rule, view, location) for methods, rule, view, location in report.routes]
    return [f"  {line}" for line in aligned(rows)]


def _handlers(report: AppReport) -> Iterable[str]:
    """The handlers of events, and which of them nothing fires here: silence would look like working."""
    lines = [f"  {line}" for line in aligned(list(report.handlers))]
    if report.unplanned is not None:
        lines.append(f"  Nothing fires them here: {report.unplanned}")
    if report.waiting:
        lines.append(
            f"  Not fired here: {', '.join(report.waiting)}. `microlambda invoke NAME` runs one of them."
        )
    return lines


def _outcome(invocation: Invocation) -> tuple[str, str]:
    """Say what came of an event, and in which colour."""
    if invocation.function_error is not None:
        return "failed", "red"
    if failed := failed_records(invocation.payload):
        return f"{len(failed)} record{'s' if len(failed) > 1 else ''} failed", "yellow"
    return "ok", "green"


def _shortened(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"


def failure_of(invocation: Invocation) -> str:
    """Say why a function did not answer: `Sandbox.Timedout: Task timed out after 3.00 seconds`."""
    document = json.loads(invocation.payload)
    message = str(document.get("errorMessage", ""))
    return f"{document.get('errorType')}: {message.partition(' Error: ')[2] or message}"


def _shown(text: str) -> str:
    """Escape what a terminal would act upon."""
    return text if text.isprintable() else "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
