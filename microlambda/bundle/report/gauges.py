"""How much of Lambda's limits a bundle uses up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from microlambda.bundle.limits import UNPACKED_LIMIT
from microlambda.bundle.report.report import shown_size
from microlambda.project.limits import UPLOAD_LIMIT

if TYPE_CHECKING:
    from microlambda.bundle.report.report import Report

_MB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Gauge:
    """One limit, and what is held to it; in bytes."""

    what: str
    size: int
    limit: int

    @property
    def share(self) -> float:
        """Give what is used up of the limit; over 1, too much."""
        return self.size / self.limit

    @property
    def text(self) -> str:
        """Write both: 3.1 MB of 50 MB."""
        return f"{shown_size(self.size)} of {self.limit // _MB} MB"


def gauges(report: Report) -> tuple[Gauge, ...]:
    """Hold the archives to the limits: each one zipped, and those of a function together unpacked."""
    largest = max((row.size for row in report.archives), default=0)
    together = sum(row.unpacked for row in report.archives if not row.users)
    return (
        Gauge(what="largest archive, for a direct upload", size=largest, limit=UPLOAD_LIMIT),
        Gauge(what="code and layers, unpacked", size=together, limit=UNPACKED_LIMIT),
    )
