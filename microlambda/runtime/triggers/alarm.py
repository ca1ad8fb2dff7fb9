"""`@app.on_alarm`.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html
"""

from __future__ import annotations

from ..events.alarm import AlarmEvent
from ..events.arns import is_arn, is_same, may_be_same
from .asynchronous import AsyncOptions
from .base import Trigger, checked_texts, refuse
from .names import checked_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DECORATOR = "on_alarm"
_ALARM = ":alarm:"


class AlarmTrigger(Trigger):
    """Alarms, each by its name or ARN."""

    decorator = _DECORATOR
    source = "alarm"
    event_class = AlarmEvent

    def __init__(self, *, alarm: Any, **options: Any) -> None:
        self.alarms = tuple([_checked_alarm(one) for one in checked_texts(_DECORATOR, "alarm", alarm)])
        self.asynchronous = AsyncOptions(_DECORATOR, **options)

    def fits(self, event: dict[str, Any]) -> bool:
        """By the alarm."""
        changed = AlarmEvent(event)
        return any(is_same(one, changed.arn, changed.name) for one in self.alarms)

    def shared_with(self, other: AlarmTrigger) -> str | None:
        """The same alarm."""
        for one in self.alarms:
            if any(may_be_same(one, another, _name) for another in other.alarms):
                return f"the changes of the alarm {_name(one)!r}"
        return None

    def declared(self) -> str:
        """With the alarms."""
        names = repr(self.alarms[0]) if len(self.alarms) == 1 else repr(list(self.alarms))
        return f"@app.{_DECORATOR}({names})"


def _checked_alarm(alarm: str) -> str:
    checked = checked_name(
        _DECORATOR,
        "alarm",
        alarm,
        service="cloudwatch",
        pattern=r"[\s\S]{1,255}",
        rule="an alarm's name has up to 255 characters.",
        example="orders-errors",
    )
    if is_arn(checked) and _ALARM not in checked:
        why = "an alarm's ARN looks like arn:aws:cloudwatch:REGION:ACCOUNT:alarm:NAME."
        raise refuse(_DECORATOR, "alarm", alarm, why)
    return checked


def _name(alarm: str) -> str:
    """An alarm's name may have a colon or a slash of its own."""
    return alarm.partition(_ALARM)[2] if is_arn(alarm) else alarm
