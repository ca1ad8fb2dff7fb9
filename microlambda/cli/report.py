"""Lambda's report of a call: the last line of its log."""

from __future__ import annotations

import re
from dataclasses import dataclass

# In both of Lambda's formats: text, and JSON.
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
_DURATION = re.compile(r'(?:\tDuration: |"durationMs": ?)([\d.]+)')
_MEMORY = re.compile(r'(?:\tMax Memory Used: |"maxMemoryUsedMB": ?)(\d+)')


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
