"""What came of one call of a function, here or on AWS: as text, and as data for JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from microlambda.emulator.invocation import failed_records
from microlambda.local.errors import FunctionRaised

if TYPE_CHECKING:
    from collections.abc import Iterable

    from microlambda.emulator.invocation import Invocation
    from microlambda.project.errors import ToolError


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


def _read(payload: bytes) -> Any:
    """Read JSON; what is none, such as the answer of another's function, is text."""
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode(errors="replace")


def called_here(name: str, invocation: Invocation, lines: Iterable[bytes]) -> Called:
    """Put together what came of a call on this machine, and what the function printed."""
    failed = invocation.function_error is not None
    return Called(
        function=name,
        payload=invocation.payload,
        error=FunctionRaised(name, json.loads(invocation.payload)) if failed else None,
        log=b"".join(lines).decode(errors="replace"),
        duration=invocation.duration,
        max_memory=invocation.max_memory,
    )
