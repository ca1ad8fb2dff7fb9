"""A schedule that is due: of a rule of EventBridge, or of EventBridge Scheduler.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
"""

from __future__ import annotations

import json

from .arns import last_part
from .bus import BusEvent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def detail_of(raw: dict[str, Any]) -> dict[str, Any]:
    """The detail as a dict, which Scheduler may send as text; empty where it is none."""
    detail = raw.get("detail")
    if isinstance(detail, str):
        try:
            detail = json.loads(detail)
        except ValueError:
            detail = None
    return detail if isinstance(detail, dict) else {}


class ScheduleEvent(BusEvent):
    """One moment of a schedule."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name of the rule or the schedule; empty where the event names none."""
        return last_part(self.schedule_arn or "")

    @property
    def schedule_arn(self) -> str | None:
        """The ARN of the rule or the schedule."""
        return next(iter(self.resources), None)

    @property
    def detail(self) -> dict[str, Any]:
        """What the schedule's target was given beside the moment."""
        return detail_of(self._raw)

    @property
    def input(self) -> Any:
        """The `input` of the handler's decorator; None where there is none."""
        return self.detail.get("input")

    def _cloudevent(self) -> dict[str, Any]:
        service = "scheduler" if self.source == "aws.scheduler" else "events"
        return {
            "id": self.id or f"{self.name}/{self._raw['time']}",
            "source": self.schedule_arn or self.source,
            "type": f"com.amazonaws.{service}.schedule",
            "subject": self.name,
            "time": self.time,
            "data": self.input,
        }

    def _label(self) -> str:
        return f"{self.name!r} due {self._raw.get('time')}"
