"""Lines of a CloudWatch log group, unpacked when they are first read.

https://docs.aws.amazon.com/lambda/latest/dg/services-cloudwatchlogs.html
"""

from __future__ import annotations

import json
from binascii import a2b_base64

from .base import Batch, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from typing import Any


#: The last data, and what it holds: dispatch looks for the log group, then the handler for the lines.
_KEPT: dict[str, dict[str, Any]] = {}


def unpacked(data: str) -> dict[str, Any]:
    """What `awslogs.data` holds, base64 of gzip of JSON; ValueError where it is something else."""
    kept = _KEPT.get(data)
    if kept is None:
        kept = _unpack(data)
        _KEPT.clear()
        _KEPT[data] = kept
    return kept


def _unpack(data: str) -> dict[str, Any]:
    import zlib

    try:
        content = json.loads(zlib.decompress(a2b_base64(data), wbits=31))
    except zlib.error as exc:
        raise ValueError(f"awslogs.data is no gzip: {exc}") from exc
    if not isinstance(content, dict):
        raise ValueError("awslogs.data holds no JSON object")  # noqa: TRY004  # as for all other data that is wrong
    return content


class LogRecord(Record):
    """One line, or what else was logged at once."""

    __slots__ = ("_event",)

    def __init__(self, raw: dict[str, Any], event: LogsEvent) -> None:
        super().__init__(raw)
        self._event = event

    @property
    def id(self) -> str:
        """CloudWatch's id of the record."""
        record_id: str = self._raw["id"]
        return record_id

    @property
    def message(self) -> str:
        """What was logged."""
        message: str = self._raw["message"]
        return message

    def json(self) -> Any:
        """What was logged, parsed; ValueError where it is no JSON."""
        return json.loads(self.message)

    @property
    def timestamp(self) -> datetime:
        """When it was logged, in UTC."""
        from .timestamps import from_millis

        return from_millis(self._raw["timestamp"])

    @property
    def extracted_fields(self) -> dict[str, str]:
        """The fields that a filter pattern such as `[level, text]` gives names to; empty without one."""
        return dict(self._raw.get("extractedFields") or {})

    def _cloudevent(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "source": self._event.log_group,
            "type": "com.amazonaws.logs.log-event",
            "subject": self._event.log_stream,
            "time": self.timestamp,
            "data": self.message,
        }

    def _label(self) -> str:
        return f"{self.id!r} of {self._event.log_group!r}"


class LogsEvent(Batch):
    """Lines of one log stream that match the subscription filter."""

    __slots__ = ()

    record_class = LogRecord

    @property
    def content(self) -> dict[str, Any]:
        """What AWS packed: the log group and its events."""
        return unpacked(self._raw["awslogs"]["data"])

    def _raw_records(self) -> Sequence[dict[str, Any]]:
        return self.content.get("logEvents") or ()

    def __iter__(self) -> Iterator[LogRecord]:
        return (LogRecord(raw, self) for raw in self._raw_records())

    def __getitem__(self, index: int) -> LogRecord:
        return LogRecord(self._raw_records()[index], self)

    @property
    def log_group(self) -> str:
        """The log group's name."""
        return self.content.get("logGroup") or ""

    @property
    def log_stream(self) -> str:
        """The log stream's name."""
        return self.content.get("logStream") or ""

    @property
    def owner(self) -> str:
        """The account of the log group."""
        return self.content.get("owner") or ""

    @property
    def subscription_filters(self) -> list[str]:
        """The names of the subscription filters that matched."""
        return list(self.content.get("subscriptionFilters") or ())

    @property
    def is_control_message(self) -> bool:
        """Is it CloudWatch's own, which looks whether the function can be reached?"""
        return self.content.get("messageType") == "CONTROL_MESSAGE"
