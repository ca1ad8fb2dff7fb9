"""What `microlambda local --json` prints: one JSON object a line, lines of functions among them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from microlambda.emulator.invocation import failed_records
from microlambda.local.addresses import PREFIX, TOKEN
from microlambda.local.console import Console, failure_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microlambda.emulator.invocation import Invocation
    from microlambda.emulator.messages import HttpRequest, HttpResponse
    from microlambda.local.version import AppReport


class JsonConsole(Console):
    """Prints for programs: `type` says what a line tells, `time` is in UTC, durations are in milliseconds."""

    def output(self, function: str, line: bytes, request_id: str | None) -> None:
        """Tell a line that a function has printed, as soon as it has, with the request that it works on."""
        text = line.decode(errors="replace").rstrip("\r\n")
        self._tell("output", function=function, text=text, request_id=request_id)

    def started(self, report: AppReport, *, stage: str, ingress: str, url: str) -> None:
        """Tell what is served, and where."""
        self._tell("started", **_app(report), stage=stage, ingress=ingress, url=url)

    def by_hand(self, url: str, token: str) -> None:
        """Tell where functions are called by hand, and with which field of the request."""
        self._tell("by_hand", url=f"{url}{PREFIX}invoke/NAME", header=TOKEN, token=token)

    def reloaded(self, before: AppReport | None, report: AppReport, seconds: float) -> None:
        """Tell that new code serves now."""
        del before
        self._tell("reloaded", **_app(report), duration=round(seconds * 1000))

    def failed(self, error: Exception) -> None:
        """Tell why new code does not come up."""
        notes = getattr(error, "__notes__", ())
        self._tell("failed", error=type(error).__name__, message=str(error), notes=list(notes))

    def request(self, request: HttpRequest, response: HttpResponse, invocation: Invocation | None) -> None:
        """Tell one request to the app."""
        reason = self._taken_reason(invocation)
        self._tell(
            "request",
            method=request.method,
            target=request.target,
            status=response.status,
            duration=None if invocation is None else round(invocation.duration, 2),
            request_id=None if invocation is None else invocation.request_id,
            reason=reason,
        )

    def invoked(self, report: AppReport, name: str, invocation: Invocation) -> None:
        """Tell one event that a handler got."""
        self._tell(
            "event",
            trigger=self._declared(report, name),
            handler=name,
            outcome="ok" if invocation.function_error is None else "failed",
            failed_records=failed_records(invocation.payload),
            duration=round(invocation.duration, 2),
            request_id=invocation.request_id,
            reason=None if invocation.function_error is None else failure_of(invocation),
        )

    def cut_off(self, tasks: Mapping[str, str]) -> None:
        """Tell which tasks were ended before their time, names by id."""
        self._tell("cut_off", tasks=dict(tasks))

    def note(self, text: str) -> None:
        """Tell something about the server itself."""
        self._tell("note", text=text)

    def _tell(self, kind: str, **members: Any) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._print(json.dumps({"type": kind, "time": now, **members}))


def _app(report: AppReport) -> dict[str, Any]:
    routes = [
        {"methods": list(methods), "rule": rule, "view": view, "location": location}
        for methods, rule, view, location in report.routes
    ]
    handlers = [
        {"trigger": declared, "name": name, "location": location, "fired": name not in report.waiting}
        for declared, name, location in report.handlers
    ]
    return {"name": report.name, "app": report.app, "routes": routes, "handlers": handlers}
