"""What events of EventBridge and of schedules have in common: the envelope.

https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
"""

from __future__ import annotations

from .base import Event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any


class BusEvent(Event):
    """An envelope around `detail`, with Chalice's names, too."""

    __slots__ = ()

    @property
    def id(self) -> str:
        """EventBridge's id of the event; empty where a schedule's target gives none."""
        return self._raw.get("id") or ""

    @property
    def event_id(self) -> str:
        """Chalice's name for `id`."""
        return self.id

    @property
    def version(self) -> str:
        """The version of the envelope, "0"."""
        return self._raw.get("version") or "0"

    @property
    def source(self) -> str:
        """Who sent it: `aws.ec2`, or a name of the sender's own."""
        source: str = self._raw["source"]
        return source

    @property
    def detail_type(self) -> str:
        """What happened, in the sender's words."""
        kind: str = self._raw["detail-type"]
        return kind

    @property
    def detail(self) -> Any:
        """What the sender says of it."""
        return self._raw["detail"]

    @property
    def account(self) -> str:
        """The account that it comes from."""
        return self._raw.get("account") or ""

    @property
    def region(self) -> str:
        """The region that it comes from."""
        return self._raw.get("region") or ""

    @property
    def resources(self) -> list[str]:
        """The ARNs of what it is about."""
        return list(self._raw.get("resources") or ())

    @property
    def time(self) -> datetime:
        """When it happened, in UTC."""
        from .timestamps import from_iso

        return from_iso(self._raw["time"])
