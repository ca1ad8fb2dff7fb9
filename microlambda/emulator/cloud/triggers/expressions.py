"""When rules and schedules are due: rate(), cron() and at(), as AWS reads them.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from microlambda.runtime.triggers.cron_fields import DAYS, MONTHS, Field, checked_fields
from microlambda.runtime.triggers.expressions import Rate

_MINUTE = timedelta(minutes=1)
_EXPRESSION = re.compile(r"(rate|cron|at)\((.*)\)")

_MINUTES = Field("minutes", 0, 59)
_HOURS = Field("hours", 0, 23)
_DAY_OF_MONTH = Field("day_of_month", 1, 31)
_MONTH = Field("month", 1, 12, MONTHS)
_DAY_OF_WEEK = Field("day_of_week", 1, 7, DAYS)
_YEAR = Field("year", 1970, 2199)


def latest_due(
    expression: str, tz: str, *, after: datetime, until: datetime, begin: datetime, from_begin: bool = False
) -> datetime | None:
    """Give the last moment after one and until another at which an expression is due; None for none.

    A rate counts from `begin`; `from_begin` says that it is due at that very moment, too, which may then be
    `after` itself. Times are in UTC.
    """
    found = _EXPRESSION.fullmatch(expression.strip())
    if found is None:
        return None
    kind, inside = found[1], found[2].strip()
    if kind == "rate":
        return _latest_of_rate(inside, after, until, begin, from_begin=from_begin)
    if kind == "at":
        moment = datetime.fromisoformat(inside).replace(tzinfo=ZoneInfo(tz)).astimezone(UTC)
        return moment if after < moment <= until else None
    return _latest_of_cron(_cron(inside), ZoneInfo(tz), after, until)


def _latest_of_rate(
    inside: str, after: datetime, until: datetime, begin: datetime, *, from_begin: bool
) -> datetime | None:
    rate = Rate.parse(inside)
    period = timedelta(**{rate.unit: rate.value})
    count = (until - begin) // period
    if count < (0 if from_begin else 1):
        return None
    moment = begin + count * period
    return moment if moment > after or (from_begin and moment == after == begin) else None


def _latest_of_cron(cron: Cron, zone: ZoneInfo, after: datetime, until: datetime) -> datetime | None:
    """Look at the minutes backwards; the hour that a clock set back has twice counts once.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylist-savings-time
    """
    minute = until.replace(second=0, microsecond=0)
    while minute > after:
        local = minute.astimezone(zone)
        if not cron.has_day(local.date()):
            midnight = local.replace(hour=0, minute=0, fold=0)
            minute = min(midnight.astimezone(UTC), minute) - _MINUTE
            continue
        if not local.fold and cron.has_time(local.hour, local.minute):
            return minute
        minute -= _MINUTE
    return None


class Cron:
    """AWS's six fields, to be asked."""

    def __init__(self, fields: tuple[str, ...]) -> None:
        minutes, hours, self._days, months, self._weekdays, years = fields
        self._minutes = _numbers(_MINUTES, minutes)
        self._hours = _numbers(_HOURS, hours)
        self._months = _numbers(_MONTH, months)
        self._years = _numbers(_YEAR, years)

    def has_time(self, hour: int, minute: int) -> bool:
        """Is it due at that minute of its days?"""
        return hour in self._hours and minute in self._minutes

    def has_day(self, day: date) -> bool:
        """Is it due on that day?"""
        if day.year not in self._years or day.month not in self._months:
            return False
        if self._days != "?":
            return _is_day_of_month(self._days, day)
        return _is_day_of_week(self._weekdays, day)


@lru_cache(256)
def _cron(inside: str) -> Cron:
    return Cron(checked_fields(tuple(inside.split())))


def _numbers(field: Field, text: str) -> frozenset[int]:
    found: set[int] = set()
    for item in text.split(","):
        first, last, step = field.bounds(text, text, item)
        found.update(range(first, last + 1, step))
    return frozenset(found)


def _is_day_of_month(text: str, day: date) -> bool:
    last = calendar.monthrange(day.year, day.month)[1]
    if text in ("L", "LW"):
        return day.day == (last if text == "L" else _weekday_near(day, last, last))
    if text.startswith("L-"):
        return day.day == last - int(text[2:])
    if text.endswith("W"):
        wanted = int(text[:-1])
        return wanted <= last and day.day == _weekday_near(day, wanted, last)
    return day.day in _numbers(_DAY_OF_MONTH, text)


def _weekday_near(day: date, wanted: int, last: int) -> int:
    """Give the weekday that is nearest to a day, within its month."""
    weekday = day.replace(day=wanted).weekday()
    if weekday == 5:  # a Saturday
        return wanted - 1 if wanted > 1 else wanted + 2
    if weekday == 6:
        return wanted + 1 if wanted < last else wanted - 2
    return wanted


def _is_day_of_week(text: str, day: date) -> bool:
    own = day.isoweekday() % 7 + 1  # Sunday is 1
    if text == "L":
        return own == 7
    if "#" in text:
        name, _, count = text.partition("#")
        return own == _number(text, name) and (day.day - 1) // 7 + 1 == int(count)
    if text.endswith("L"):
        last = calendar.monthrange(day.year, day.month)[1]
        return own == _number(text, text[:-1]) and day.day + 7 > last
    return own in _numbers(_DAY_OF_WEEK, text)


def _number(text: str, name: str) -> int:
    return _DAY_OF_WEEK.number(text, text, name)
