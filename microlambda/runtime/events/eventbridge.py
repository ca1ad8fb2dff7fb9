"""Events of an EventBridge bus.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events.html
"""

from __future__ import annotations

from .bus import BusEvent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class EventBridgeEvent(BusEvent):
    """One event."""

    __slots__ = ()

    def _cloudevent(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "source": self.source,
            "type": self.detail_type,
            "subject": next(iter(self.resources), None),
            "time": self.time if "time" in self._raw else None,
            "data": self.detail,
        }

    def _label(self) -> str:
        return f"{self.detail_type!r} of {self.source!r}, {self.id!r}"
