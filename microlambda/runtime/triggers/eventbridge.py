"""`@app.on_event`, in Chalice `@app.on_cw_event`.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
"""

from __future__ import annotations

import json

from ..events import source_of
from ..events.arns import is_arn, may_be_same
from ..events.eventbridge import EventBridgeEvent
from .asynchronous import AsyncOptions
from .base import Trigger, refuse
from .names import checked_name
from .patterns import canonical, check_pattern, matches
from .rules import checked_description

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BUS = ":event-bus/"


class EventBridgeTrigger(Trigger):
    """A rule on a bus, by name or ARN: what matches `event_pattern`, scheduled events, too."""

    source = "eventbridge"
    event_class = EventBridgeEvent

    def __init__(
        self,
        *,
        event_pattern: Any,
        bus: str = "default",
        description: str = "",
        decorator: str = "on_event",
        **options: Any,
    ) -> None:
        self.decorator = decorator
        check_pattern(decorator, "event_pattern", event_pattern)
        self.event_pattern: dict[str, Any] = json.loads(json.dumps(event_pattern))
        self.bus = _checked_bus(decorator, bus)
        self.description = checked_description(decorator, description)
        self.asynchronous = AsyncOptions(decorator, **options)

    def handles(self, event: dict[str, Any], source: str | None) -> bool:
        """Whatever comes over a bus."""
        return source in ("eventbridge", "schedule") and self.fits(event)

    def fits(self, event: dict[str, Any]) -> bool:
        """By the pattern: nothing in an event names its bus."""
        return matches(self.event_pattern, event)

    def prefers(self, event: dict[str, Any]) -> int:
        """A handler of schedules comes first, where there is one."""
        return -1 if source_of(event) == "schedule" else 0

    def shared_with(self, other: EventBridgeTrigger) -> str | None:
        """The same pattern on the same bus."""
        same = may_be_same(self.bus, other.bus, _bus_name)
        if not same or canonical(self.event_pattern) != canonical(other.event_pattern):
            return None
        return f"the events of the bus {_bus_name(self.bus)!r} that match {self.event_pattern!r}"

    def declared(self) -> str:
        """With the pattern, and the bus if it is not the default one."""
        bus = "" if self.bus == "default" else f", bus={self.bus!r}"
        return f"@app.{self.decorator}({self.event_pattern!r}{bus})"


def _checked_bus(decorator: str, bus: object) -> str:
    checked = checked_name(
        decorator,
        "bus",
        bus,
        service="events",
        pattern=r"[/.\-_A-Za-z0-9]{1,256}",
        rule="a bus's name has up to 256 letters, digits, '/', '.', '-' and '_'.",
        example="default",
    )
    if is_arn(checked) and _BUS not in checked:
        raise refuse(
            decorator, "bus", bus, "a bus's ARN looks like arn:aws:events:REGION:ACCOUNT:event-bus/NAME."
        )
    return checked


def _bus_name(bus: str) -> str:
    return bus.partition(_BUS)[2] if is_arn(bus) else bus
