"""Range and If-Range (RFC 9110, 14.2 and 13.1.5): which part of an answer the caller wants."""

from __future__ import annotations

from .header_parsing import whole_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime


class Range:
    """The ranges asked for, as `(begin, end)`: `end` is not part of it, None is the rest.

    A negative `begin` counts from the end.
    """

    __slots__ = ("ranges", "units")

    def __init__(self, units: str, ranges: list[tuple[int, int | None]]) -> None:
        self.units = units
        self.ranges = ranges

    @classmethod
    def from_header(cls, value: str | None) -> Range | None:
        """None where the header is missing or malformed, or its ranges overlap or run backwards."""
        units, equals, listed = (value or "").partition("=")
        ranges: list[tuple[int, int | None]] = []
        reached: int | None = 0  # None: the rest was asked for, and nothing can follow
        for item in listed.split(","):
            one = _range(item.strip(" \t"))
            if not equals or one is None or reached is None or 0 <= one[0] < reached:
                return None
            ranges.append(one)
            reached = one[1]
        return cls(units.strip(" \t").lower(), ranges)

    def range_for_length(self, length: int | None) -> tuple[int, int] | None:
        """The one range of bytes within `length`, as `(start, stop)`; None where it cannot be satisfied."""
        if self.units != "bytes" or length is None or len(self.ranges) != 1:
            return None
        begin, end = self.ranges[0]
        start = begin + length if begin < 0 else begin
        return (start, length if end is None else min(end, length)) if 0 <= start < length else None

    def to_content_range_header(self, length: int | None) -> str | None:
        """The Content-Range that answers it."""
        found = self.range_for_length(length)
        return f"{self.units} {found[0]}-{found[1] - 1}/{length}" if found else None

    def to_header(self) -> str:
        """The range as a header has it."""
        return f"{self.units}={','.join(_written(*one) for one in self.ranges)}"

    __str__ = to_header

    def __repr__(self) -> str:
        return f"<Range {self}>"


def _range(item: str) -> tuple[int, int | None] | None:
    first, dash, last = item.partition("-")
    begin, end = whole_number(first), whole_number(last)
    if not dash or (last.strip(" \t") and end is None):
        return None
    if not first:
        return (-end, None) if end else None
    if begin is None or (end is not None and begin > end):
        return None
    return begin, None if end is None else end + 1


def _written(begin: int, end: int | None) -> str:
    if end is not None:
        return f"{begin}-{end - 1}"
    return f"{begin}-" if begin >= 0 else str(begin)


class IfRange:
    """The ETag or the date that If-Range names; never both."""

    __slots__ = ("date", "etag")

    def __init__(self, etag: str | None = None, date: datetime | None = None) -> None:
        self.etag = etag
        self.date = date

    @classmethod
    def from_header(cls, value: str | None) -> IfRange:
        """Neither where the header is missing."""
        from .dates import parse_date
        from .etags import unquote_etag

        date = parse_date(value)
        return cls(date=date) if date is not None else cls(unquote_etag(value)[0])

    def to_header(self) -> str:
        """The condition as a header has it."""
        from .dates import http_date
        from .etags import quote_etag

        if self.date is not None:
            return http_date(self.date)
        if self.etag is None or '"' in self.etag:
            return self.etag or ""  # what is no tag stands as the caller wrote it
        return quote_etag(self.etag)

    __str__ = to_header

    def __repr__(self) -> str:
        return f"<IfRange {self}>"
