"""Whose a line is that does not say so itself, where what stands around it has not been read.

`--filter` leaves out where requests begin and end, and `--since` may come in between: those marks are asked
for when such a line comes, once for each stream.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from microlambda.deploy.log_lines import Requests
from microlambda.project.limits import TIMEOUT

#: Gives the events of a stream, from a moment on, in milliseconds, that match a pattern.
Ask = Callable[[str, int, str], Iterable[Mapping[str, Any]]]

#: Lambda's lines where a request begins and ends, in both of its formats.
PATTERN = '?"START RequestId:" ?"REPORT RequestId:" ?"platform.start" ?"platform.report"'

_LONGEST = TIMEOUT[1] * 1000  # ms: no request has begun earlier than that before its last line


@dataclass
class _Stream:
    """Which request a stream is at, from each mark on; complete until a moment, in milliseconds."""

    until: int
    begins: list[tuple[int, str]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@dataclass
class Marks:
    """The marks of the streams of one log group."""

    ask: Ask
    _streams: dict[str, _Stream] = field(default_factory=dict)

    def request_of(self, event: Mapping[str, Any]) -> str:
        """Tell the request that the stream was at; empty where it was between two, or before the first."""
        name, moment = event["logStreamName"], event["timestamp"]
        stream = self._streams.get(name)
        if stream is None or stream.until < moment:
            stream = self._streams[name] = self._read(name, moment)
        place = bisect_right(stream.begins, _place(event))
        return stream.requests[place - 1] if place else ""

    def _read(self, name: str, moment: int) -> _Stream:
        stream, requests = _Stream(until=max(moment, int(time.time() * 1000))), Requests()
        for event in sorted(self.ask(name, max(moment - _LONGEST, 0), PATTERN), key=_place):
            requests.of(name, event["message"])
            stream.begins.append(_place(event))
            stream.requests.append(requests.current(name))
        return stream


def _place(event: Mapping[str, Any]) -> tuple[int, str]:
    """Order events of one millisecond as they came: their ids are numbers that grow."""
    return event["timestamp"], event["eventId"].zfill(64)
