"""A line of a log: which function wrote it, for which request, and whether it tells of an error.

In Lambda's text format only Lambda's own lines and those of Python's logger name the request; what the
function prints stands between them, in the stream of one environment, which has one request at a time.
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_OF_REQUEST = re.compile(r"(?P<word>START|END|REPORT) RequestId: (?P<id>\S+)")
# What tells its request by itself: Python's logger, and Lambda of what it has ended.
_ITSELF = re.compile(
    r"(?:\[[A-Z]+\]\t\S+\t|\S+ |RequestId: )"
    r"(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\t| Task timed out | Error: )"
)
_ERROR = re.compile(r"\[(?:ERROR|CRITICAL)\]|\S+ \S+ Task timed out after |RequestId: \S+ Error: ")
_LEVELS = ("ERROR", "CRITICAL", "FATAL")


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One line, or what was written at once; `at` is in UTC, `request` empty where nothing tells it."""

    id: str
    at: datetime
    stream: str
    text: str
    function: str
    request: str = ""
    is_error: bool = False

    def as_data(self) -> dict[str, Any]:
        """Give it as data for JSON."""
        return {
            "time": self.at.isoformat(timespec="milliseconds"),
            "function": self.function,
            "request": self.request or None,
            "error": self.is_error,
            "text": self.text,
        }


@dataclass
class Requests:
    """Which request each stream is at."""

    _current: dict[str, str] = field(default_factory=dict)

    def of(self, stream: str, text: str) -> str:
        """Tell the request of a stream's next line; empty where that began before the first line."""
        found = _OF_REQUEST.match(text)
        if found is not None:
            if found["word"] == "START":
                self._current[stream] = found["id"]
            elif found["word"] == "REPORT":  # the last line of a request
                self._current.pop(stream, None)
            return found["id"]
        if (itself := _ITSELF.match(text)) is not None:
            return itself["id"]
        data = _json(text)
        told = data.get("requestId") or _record(data).get("requestId")
        if told and data.get("type") == "platform.start":  # a print between stays text, in JSON's format, too
            self._current[stream] = str(told)
        elif told and data.get("type") == "platform.report":
            self._current.pop(stream, None)
        return str(told) if told else self.current(stream)

    def current(self, stream: str) -> str:
        """Tell the request that a stream is at; empty between two."""
        return self._current.get(stream, "")


def is_error(text: str) -> bool:
    """Tell whether a line is Lambda's or the logger's word for a failure."""
    data = _json(text)
    if data:
        status = _record(data).get("status", "success")
        return str(data.get("level", "")).upper() in _LEVELS or status not in ("success", "")
    return _ERROR.match(text) is not None or " Task timed out after " in text


def _json(text: str) -> Mapping[str, Any]:
    """Read a line of the JSON format; empty for any other."""
    if not text.startswith("{"):
        return {}
    try:
        data = json.loads(text)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _record(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give what a line of Lambda's own, such as platform.report, tells."""
    record = data.get("record")
    return record if isinstance(record, dict) and str(data.get("type", "")).startswith("platform.") else {}
