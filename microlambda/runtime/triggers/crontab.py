"""A crontab's five fields as AWS's expressions.

https://pubs.opengroup.org/onlinepubs/9799919799/utilities/crontab.html
Names, steps, 7 for Sunday and `@daily` are those of https://man7.org/linux/man-pages/man5/crontab.5.html
"""

from __future__ import annotations

from ..errors import RegistrationError
from .cron_fields import DAYS, MONTHS, Field
from .expressions import Cron

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_SHORT = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

_MINUTES = Field("minutes", 0, 59)
_HOURS = Field("hours", 0, 23)
_DAY_OF_MONTH = Field("day_of_month", 1, 31)
_MONTH = Field("month", 1, 12, MONTHS)
_DAY_OF_WEEK = Field("day_of_week", 0, 7, DAYS, 0)


def crons(text: str) -> list[Cron]:
    """AWS's expressions for a line: one, or two where both day fields are restricted.

    There a crontab means days of either kind, which AWS cannot say in one; on a day of both, both are due.
    """
    fields = _fields(text)
    minutes, hours, month = (
        _written(field, _numbers(field, text, fields[place]))
        for field, place in ((_MINUTES, 0), (_HOURS, 1), (_MONTH, 3))
    )
    days = _numbers(_DAY_OF_MONTH, text, fields[2])
    weekdays = sorted({number % 7 for number in _numbers(_DAY_OF_WEEK, text, fields[4])})
    return [
        Cron(minutes, hours, of_month, month, of_week, "*")
        for of_month, of_week in _days(text, (fields[2], fields[4]), days, weekdays)
    ]


def _fields(text: str) -> list[str]:
    fields = _SHORT.get(text.strip(), text).split()
    if fields and fields[0].startswith("@"):
        raise RegistrationError(f"{text!r} is none of {', '.join(_SHORT)}.")
    if len(fields) == 6:
        raise RegistrationError(
            f"{text!r} has 6 fields; a crontab has five. AWS's six stand in cron(): 'cron({text.strip()})'."
        )
    if len(fields) != 5:
        raise RegistrationError(
            f"{text!r} has {len(fields)} fields; a crontab has five: minutes, hours, day_of_month, month, "
            "day_of_week. AWS's own forms work, too: 'rate(10 minutes)'."
        )
    return fields


def _numbers(field: Field, whole: str, text: str) -> list[int]:
    """All numbers that a field names, in order."""
    found: set[int] = set()
    for item in text.split(","):
        first, last, step = field.bounds(repr(whole), text, item)
        found.update(range(first, last + 1, step))
    return sorted(found)


def _days(text: str, given: tuple[str, str], days: list[int], weekdays: list[int]) -> list[tuple[str, str]]:
    """The two day fields of each expression."""
    of_month = (_written(_DAY_OF_MONTH, days), "?")
    starred = [field.startswith("*") for field in given]
    are_all = (len(days) == 31, len(weekdays) == 7)
    if (starred[1] and are_all[1]) or are_all == (True, True):
        return [of_month]
    of_week = ("?", _weekdays(weekdays))
    if starred[0] and are_all[0]:
        return [of_week]
    if any(starred):
        raise RegistrationError(
            f"{text!r} names days in both day fields, in one of them by '*/', which crons read differently. "
            "List the days of one field, or leave '*' in the other."
        )
    return [("*", "?")] if any(are_all) else [of_month, of_week]  # days of either kind, where one kind is all


def _written(field: Field, numbers: list[int]) -> str:
    """`*`, `0/15`, or a list of numbers and ranges."""
    if len(numbers) == field.most - field.least + 1:
        return "*"
    if len(numbers) > 2:
        step = numbers[1] - numbers[0]
        if step > 1 and numbers == list(range(numbers[0], field.most + 1, step)):
            return f"{numbers[0]}/{step}"
    return ",".join([_run(first, last, str) for first, last in _runs(numbers)])


def _weekdays(numbers: list[int]) -> str:
    return ",".join([_run(first, last, DAYS.__getitem__) for first, last in _runs(numbers)])


def _run(first: int, last: int, word: Callable[[int], str]) -> str:
    if last - first < 2:
        return word(first) if first == last else f"{word(first)},{word(last)}"
    return f"{word(first)}-{word(last)}"


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Consecutive numbers as pairs of the first and the last."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
