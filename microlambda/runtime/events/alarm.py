"""CloudWatch alarms that call a function when their state changes.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html
"""

from __future__ import annotations

import json

from .base import Event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any


class AlarmEvent(Event):
    """One change of an alarm's state. States are "OK", "ALARM" and "INSUFFICIENT_DATA"."""

    __slots__ = ()

    @property
    def _data(self) -> dict[str, Any]:
        data: dict[str, Any] = self._raw["alarmData"]
        return data

    @property
    def name(self) -> str:
        """The alarm's name."""
        name: str = self._data["alarmName"]
        return name

    @property
    def arn(self) -> str:
        """The alarm's ARN."""
        arn: str = self._raw["alarmArn"]
        return arn

    @property
    def state(self) -> str:
        """The state that it is in now."""
        state: str = self._data["state"]["value"]
        return state

    @property
    def reason(self) -> str:
        """Why, in CloudWatch's words."""
        return self._data["state"].get("reason") or ""

    @property
    def reason_data(self) -> Any:
        """Why, in figures: the datapoints and the threshold, or the alarms that a composite one follows."""
        text = self._data["state"].get("reasonData")
        return json.loads(text) if text else None

    @property
    def previous_state(self) -> str | None:
        """The state before; None where the event does not tell."""
        return (self._data.get("previousState") or {}).get("value")

    @property
    def time(self) -> datetime:
        """When the state changed, in UTC."""
        from .timestamps import from_iso

        return from_iso(self._raw["time"])

    @property
    def region(self) -> str:
        """The alarm's region."""
        return self._raw.get("region") or ""

    @property
    def account(self) -> str:
        """The alarm's account."""
        return self._raw.get("accountId") or ""

    @property
    def configuration(self) -> dict[str, Any]:
        """What the alarm watches: `metrics`, or the `alarmRule` of a composite one."""
        return self._data.get("configuration") or {}

    @property
    def is_composite(self) -> bool:
        """Does it follow other alarms instead of metrics?"""
        return "alarmRule" in self.configuration

    def _cloudevent(self) -> dict[str, Any]:
        return {
            "id": f"{self.name}/{self._raw['time']}",
            "source": self.arn,
            "type": "com.amazonaws.cloudwatch.alarm-state-change",
            "subject": self.name,
            "time": self.time,
            "data": self._data,
        }

    def _label(self) -> str:
        return f"{self.name!r} is {self.state}"
