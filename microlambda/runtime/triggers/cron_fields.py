"""The fields of AWS's cron expressions: what each takes, and what is wrong with one.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

from __future__ import annotations

import re

from ..errors import RegistrationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()  # noqa: SIM905
DAYS = "SUN MON TUE WED THU FRI SAT".split()  # noqa: SIM905


class Field:
    """One field: its name, the numbers that it takes, and names for them, the first for `first_named`."""

    __slots__ = ("least", "most", "name", "values")

    def __init__(
        self, name: str, least: int, most: int, names: Iterable[str] = (), first_named: int = 1
    ) -> None:
        self.name = name
        self.least = least
        self.most = most
        self.values = {one: number for number, one in enumerate(names, first_named)}

    def wrong(self, whole: str, field: str, part: str, why: str) -> RegistrationError:
        """The error for a part of the field of a whole expression."""
        verb = "is" if part == field else "has"
        return RegistrationError(f"the field {self.name!r} of {whole} {verb} {part}; {why}")

    @property
    def takes(self) -> str:
        """Which values it takes, in words."""
        names = list(self.values)
        return f"it takes {self.least} to {self.most}{f', or {names[0]} to {names[-1]}' if names else ''}."

    def number(self, whole: str, field: str, part: str) -> int:
        """A number or a name as a number."""
        number = self.values.get(part.upper())
        if number is None and part.isascii() and part.isdigit():
            number = int(part)
        if number is None or not self.least <= number <= self.most:
            raise self.wrong(whole, field, part or "an empty part", self.takes)
        return number

    def bounds(self, whole: str, field: str, item: str) -> tuple[int, int, int]:
        """First, last and step of an item of a list: `*`, `5`, `1-5`, `*/15`, `5/15`, `1-30/5`."""
        span, slash, step_text = item.partition("/")
        step = 1
        if slash:
            if not (step_text.isascii() and step_text.isdigit()) or int(step_text) < 1:
                raise self.wrong(whole, field, item, "a step behind '/' is a whole number from 1.")
            step = int(step_text)
        if span == "*":
            return self.least, self.most, step
        first_text, dash, last_text = span.partition("-")
        first = self.number(whole, field, first_text)
        if not dash:
            return first, self.most if slash else first, step
        last = self.number(whole, field, last_text)
        if last < first:
            why = f"a range runs upwards: {first_text}-{self.most},{self.least}-{last_text} goes round."
            raise self.wrong(whole, field, item, why)
        return first, last, step


_MINUTES = Field("minutes", 0, 59)
_HOURS = Field("hours", 0, 23)
_DAY_OF_MONTH = Field("day_of_month", 1, 31)
_MONTH = Field("month", 1, 12, MONTHS)
_DAY_OF_WEEK = Field("day_of_week", 1, 7, DAYS)
_YEAR = Field("year", 1970, 2199)
_FIELDS = (_MINUTES, _HOURS, _DAY_OF_MONTH, _MONTH, _DAY_OF_WEEK, _YEAR)

#: What a whole field may say beside numbers: the last day (before the n-th last), the weekday next to a day;
#: the last or the n-th of one weekday.
_OF_MONTH = re.compile(r"L|LW|L-(\d+)|(\d+)W")
_OF_WEEK = re.compile(r"L|(\w+?)L|(\w+)#(\w+)")


def checked_fields(given: tuple[int | str, ...]) -> tuple[str, ...]:
    """The six fields as text; RegistrationError for one that AWS refuses, saying which and why."""
    fields = tuple([str(one).strip().upper() for one in given])
    whole = f"cron({' '.join(fields)})"
    for field, text in zip(_FIELDS, fields, strict=True):
        if text != "?":
            _check(field, whole, text)
        elif field not in (_DAY_OF_MONTH, _DAY_OF_WEEK):
            raise field.wrong(whole, text, text, "'?' stands in the two day fields only: write '*'.")
    if (fields[2] == "?") == (fields[4] == "?"):
        count = "both are" if fields[2] == "?" else "neither is"
        raise RegistrationError(
            f"of the fields 'day_of_month' and 'day_of_week' of {whole} {count} '?'; AWS takes it in exactly "
            "one, the one that does not say on which days."
        )
    return fields


def _check(field: Field, whole: str, text: str) -> None:
    if field is _DAY_OF_MONTH and (special := _OF_MONTH.fullmatch(text)):
        for number in filter(None, special.groups()):
            field.number(whole, text, number)
        return
    if field is _DAY_OF_WEEK:
        if special := _OF_WEEK.fullmatch(text):
            _check_weekday(whole, text, *special.groups())
            return
        if "/" in text:
            raise field.wrong(whole, text, text, "AWS has no steps there: list the days, MON,WED,FRI.")
    for item in text.split(","):
        field.bounds(whole, text, item)


def _check_weekday(whole: str, text: str, last: str | None, nth: str | None, count: str | None) -> None:
    day = last or nth
    if day is not None:
        _DAY_OF_WEEK.number(whole, text, day)
    if count is not None and count not in set("12345"):
        raise _DAY_OF_WEEK.wrong(whole, text, text, "behind '#' stands 1 to 5, as in MON#1.")
