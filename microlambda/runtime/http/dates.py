"""Dates as HTTP writes them (RFC 9110, 5.6.7), without the cost of `email` and whatever the locale is."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import date, datetime

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NUMBERS = {name.lower(): number for number, name in enumerate(_MONTHS, 1)}


def http_date(value: datetime | date | float | None = None) -> str:
    """`Sun, 06 Nov 1994 08:49:37 GMT`; a number counts seconds since 1970, None is now.

    A datetime without a time zone is UTC, as in Werkzeug; a plain date is its midnight.
    """
    if value is None or isinstance(value, (int, float)):
        import time

        parts = time.gmtime(value)
    else:
        parts = value.utctimetuple() if hasattr(value, "utctimetuple") else value.timetuple()
    year, month, day, hour, minute, second, weekday = parts[:7]
    return f"{_DAYS[weekday]}, {day:02} {_MONTHS[month - 1]} {year:04} {hour:02}:{minute:02}:{second:02} GMT"


def parse_date(text: str | None) -> datetime | None:
    """The moment, in UTC; None for no text and for what has none of HTTP's three formats."""
    from datetime import UTC, datetime

    try:
        return datetime(*_fields(text or ""), tzinfo=UTC)
    except (KeyError, ValueError, OverflowError):
        return None


def _fields(text: str) -> tuple[int, int, int, int, int, int]:
    words = text.replace(",", " ").split()
    if len(words) == 6 and words[5] in ("GMT", "UTC"):  # Sun, 06 Nov 1994 08:49:37 GMT
        _, day, month, year, clock, _ = words
    elif len(words) == 5:  # Sun Nov  6 08:49:37 1994 (asctime)
        _, month, day, clock, year = words
    elif len(words) == 4 and words[3] in ("GMT", "UTC"):  # Sunday, 06-Nov-94 08:49:37 GMT (RFC 850)
        day, month, year = words[1].split("-")
        clock = words[2]
    else:
        raise ValueError(text)
    hour, minute, second = clock.split(":")
    return _year(year), _NUMBERS[month.lower()], _int(day), _int(hour), _int(minute), _int(second)


def _int(digits: str) -> int:
    if not (digits.isascii() and digits.isdigit()):  # int() takes signs, underscores and other scripts
        raise ValueError(digits)
    return int(digits)


def _year(digits: str) -> int:
    """Of two digits, the year that is at most 50 years ahead."""
    year = _int(digits)
    if len(digits) != 2:
        return year
    import time

    latest = time.gmtime().tm_year + 50
    return latest - (latest - year) % 100
