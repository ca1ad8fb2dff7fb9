"""When a schedule is due, as AWS writes it: `Rate`, `Cron` and `At`, by their words or out of text.

`str()` of each is AWS's expression. Words that AWS would refuse are refused when they are written.
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

from __future__ import annotations

from ..errors import RegistrationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

_UNITS = ("minutes", "hours", "days")


class Expression:
    """What the three have in common: two of one text are equal."""

    __slots__ = ("_text",)

    #: Only EventBridge Scheduler has it: rules have none.
    needs_scheduler = False

    def __init__(self, text: str) -> None:
        self._text = text

    def to_string(self) -> str:
        """Chalice's name for `str()`."""
        return self._text

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._text}>"

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Expression) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


class Rate(Expression):
    """Every so many minutes, hours or days: `Rate(10, unit=Rate.MINUTES)`."""

    __slots__ = ("unit", "value")

    MINUTES = "MINUTES"
    HOURS = "HOURS"
    DAYS = "DAYS"

    def __init__(self, value: int, unit: str) -> None:
        plural = f"{str(unit).lower().removesuffix('s')}s"
        if plural not in _UNITS:
            raise RegistrationError(f"Rate(unit={unit!r}): write Rate.MINUTES, Rate.HOURS or Rate.DAYS.")
        if type(value) is not int or value < 1:
            raise RegistrationError(f"Rate(value={value!r}): the value is an int of 1 or more.")
        self.value = value
        self.unit = plural
        super().__init__(f"rate({value} {plural.removesuffix('s') if value == 1 else plural})")

    @classmethod
    def parse(cls, inside: str) -> Rate:
        """`10 minutes`, as it stands in `rate(...)`; one has the singular, all others the plural."""
        whole = f"rate({inside})"
        value, _, unit = inside.strip().partition(" ")
        unit = unit.strip()
        if unit not in (*_UNITS, "minute", "hour", "day"):
            raise RegistrationError(f"the unit of {whole} is {unit!r}; it takes minutes, hours or days.")
        if not (value.isascii() and value.isdigit()) or int(value) < 1:
            raise RegistrationError(f"the value of {whole} is {value!r}; it takes a whole number from 1.")
        rate = cls(int(value), unit)
        if not str(rate).endswith(f" {unit})"):
            raise RegistrationError(f"the unit of {whole} is {unit!r}, which AWS refuses. Write {rate}.")
        return rate


class Cron(Expression):
    """AWS's six fields: `Cron(0, 18, "?", "*", "MON-FRI", "*")`. One of the two day fields is `"?"`."""

    __slots__ = ("fields",)

    def __init__(
        self,
        minutes: int | str,
        hours: int | str,
        day_of_month: int | str,
        month: int | str,
        day_of_week: int | str,
        year: int | str,
    ) -> None:
        from .cron_fields import checked_fields

        self.fields = checked_fields((minutes, hours, day_of_month, month, day_of_week, year))
        super().__init__(f"cron({' '.join(self.fields)})")

    @classmethod
    def parse(cls, inside: str) -> Cron:
        """`0 18 ? * MON-FRI *`, as it stands in `cron(...)`."""
        fields = inside.split()
        if len(fields) == 6:
            return cls(*fields)
        remedy = f" A crontab's five stand without cron(): {inside!r}." if len(fields) == 5 else ""
        raise RegistrationError(
            f"cron({inside}) has {len(fields)} fields; AWS takes six: minutes, hours, day_of_month, month, "
            f"day_of_week, year.{remedy}"
        )


class At(Expression):
    """Once, at a moment: ISO text (`At("2026-12-01T09:00:00")`) or a datetime.

    A moment without an offset is one of the schedule's `tz`, UTC by default. AWS keeps whole seconds.
    """

    __slots__ = ("has_offset",)

    needs_scheduler = True

    def __init__(self, moment: str | datetime) -> None:
        from datetime import UTC, datetime

        try:
            when = moment if isinstance(moment, datetime) else datetime.fromisoformat(moment)
        except (TypeError, ValueError):
            raise RegistrationError(
                f"At({moment!r}): write a datetime or ISO text, as in At('2026-12-01T09:00:00')."
            ) from None
        #: Does the moment say by itself which it is? It is written in UTC, then.
        self.has_offset = when.tzinfo is not None
        if self.has_offset:
            when = when.astimezone(UTC)
        super().__init__(f"at({when.replace(tzinfo=None).isoformat(timespec='seconds')})")


_FORMS = {"rate": Rate.parse, "cron": Cron.parse, "at": At}


def parsed(text: str) -> tuple[Expression, ...]:
    """The expressions that a text stands for: one, or two for a crontab's line that names days in both ways.

    RegistrationError says which field is wrong and why.
    """
    name, bracket, inside = text.strip().partition("(")
    if not bracket:
        from .crontab import crons

        return tuple(crons(text))
    if name not in _FORMS or not inside.endswith(")"):
        raise RegistrationError(
            f"{text!r} is none of AWS's forms: rate(10 minutes), cron(0 18 ? * MON-FRI *), "
            "at(2026-12-01T09:00:00)."
        )
    return (_FORMS[name](inside[:-1].strip()),)
