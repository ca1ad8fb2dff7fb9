"""What came of one call of a function, here or on AWS: as text, and as data for JSON."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from microlambda.emulator.invocation import failed_records

if TYPE_CHECKING:
    from microlambda.project.errors import ToolError

#: Lambda's last line of a call, in both of its formats: text, and JSON.
#: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
_DURATION = re.compile(r'(?:\tDuration: |"durationMs": ?)([\d.]+)')
_MEMORY = re.compile(r'(?:\tMax Memory Used: |"maxMemoryUsedMB": ?)(\d+)')


@dataclass(frozen=True, kw_only=True)
class Called:
    """The function's answer, or the error that the command ends with where it failed.

    `payload` is JSON: the answer's, or the error document's. `duration` is in milliseconds, `max_memory` the
    most that its process has used, in MB; None where nobody tells. `version` is that of a deployed function.
    """

    function: str
    payload: bytes
    error: ToolError | None
    log: str
    duration: float | None
    max_memory: int | None
    version: str | None = None

    @property
    def failed_records(self) -> list[str]:
        """Give the identifiers that it reported as failed."""
        return failed_records(self.payload)

    def as_data(self) -> dict[str, Any]:
        """Give it as data for JSON."""
        document = _read(self.payload)
        return {
            "function": self.function,
            "version": self.version,
            "result": None if self.error else document,
            "error": document if self.error else None,
            "failed_records": self.failed_records,
            "log": self.log.splitlines(),
            "duration": None if self.duration is None else round(self.duration, 2),
            "max_memory": self.max_memory,
        }


@dataclass(frozen=True, kw_only=True)
class Report:
    """What Lambda's report, the last line of a call's log, says of it: milliseconds, and MB."""

    duration: float | None = None
    max_memory: int | None = None

    @classmethod
    def read(cls, log: str) -> Report:
        """Read the end of a log; None stands for what it does not tell."""
        duration, memory = _last(_DURATION, log), _last(_MEMORY, log)
        return cls(
            duration=None if duration is None else float(duration),
            max_memory=None if memory is None else int(memory),
        )


def _last(pattern: re.Pattern[str], text: str) -> str | None:
    numbers: list[str] = pattern.findall(text)
    return numbers[-1] if numbers else None


def _read(payload: bytes) -> Any:
    """Read JSON; what is none, such as the answer of another's function, is text."""
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode(errors="replace")
