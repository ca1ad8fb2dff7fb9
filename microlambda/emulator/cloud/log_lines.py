"""What Lambda writes into a function's log of one invocation, in its text format and in JSON.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from microlambda.emulator.invocation import Invocation


class Logging(Protocol):
    """What the lines tell of a function."""

    @property
    def version(self) -> str:
        """Its number, or $LATEST."""
        ...

    @property
    def timeout(self) -> float:
        """In seconds."""
        ...

    @property
    def memory(self) -> int:
        """In MB."""
        ...


def text_lines(function: Logging, request_id: str, invocation: Invocation) -> list[str]:
    """Write START, what the function printed, END and REPORT."""
    lines = _printed(invocation)
    if invocation.timed_out:
        lines.append(f"{_now()} {request_id} Task timed out after {function.timeout:.2f} seconds")
    report = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {invocation.duration:.2f} ms",
        f"Billed Duration: {math.ceil(invocation.duration)} ms",
        f"Memory Size: {function.memory} MB",
        f"Max Memory Used: {invocation.max_memory or function.memory} MB",
    ]
    if invocation.init_duration is not None:
        report.append(f"Init Duration: {invocation.init_duration:.2f} ms")
    if invocation.timed_out:
        report.append("Status: timeout")
    return [
        f"START RequestId: {request_id} Version: {function.version}",
        *lines,
        f"END RequestId: {request_id}",
        "\t".join(report) + "\t",
    ]


def json_lines(function: Logging, request_id: str, invocation: Invocation) -> list[str]:
    """Write what the level INFO has: the start, what the function printed, and the report.

    https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
    """
    metrics: dict[str, Any] = {
        "durationMs": round(invocation.duration, 3),
        "billedDurationMs": math.ceil(invocation.duration),
        "memorySizeMB": function.memory,
        "maxMemoryUsedMB": invocation.max_memory or function.memory,
    }
    if invocation.init_duration is not None:
        metrics["initDurationMs"] = round(invocation.init_duration, 3)
    return [
        _platform("start", requestId=request_id, version=function.version),
        *_printed(invocation),
        _platform("report", requestId=request_id, metrics=metrics, status=_status(invocation)),
    ]


def _printed(invocation: Invocation) -> list[str]:
    printed = invocation.log.decode("utf-8", errors="replace")
    # AWS's client ends the lines of one message with CR, and the message with LF.
    return [line.replace("\r", "\n") for line in printed.split("\n") if line]


def _status(invocation: Invocation) -> str:
    if invocation.timed_out:
        return "timeout"
    return "success" if invocation.function_error is None else "error"


def _platform(name: str, **record: Any) -> str:
    line = {"time": _now(), "type": f"platform.{name}", "record": record}
    return json.dumps(line, separators=(",", ":"))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
