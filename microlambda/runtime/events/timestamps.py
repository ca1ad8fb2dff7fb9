"""Moments as AWS writes them, as aware datetimes in UTC; loaded when one is read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def from_iso(text: str) -> datetime:
    """`2026-11-24T10:00:00.123Z` and its kin; one without an offset is UTC. ValueError for other text."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def from_seconds(seconds: float) -> datetime:
    """Seconds since 1970, of whatever fraction."""
    return _EPOCH + timedelta(seconds=seconds)


def from_millis(millis: float | str) -> datetime:
    """Milliseconds since 1970, exactly."""
    return _EPOCH + timedelta(milliseconds=int(millis))


def to_rfc3339(moment: datetime) -> str:
    """`2026-11-24T10:00:00.123Z`, for CloudEvents (RFC 3339); a fraction only where there is one."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
