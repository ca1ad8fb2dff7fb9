"""What came of an event that a test sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, kw_only=True)
class EventResult:
    """What Lambda would be told: `result` is what the handler answered, as JSON has it.

    `event` is what the handler was given, None where every record was filtered out and it was not called;
    `filtered` are the records that the trigger's filters kept back. `error` is the exception that failed the
    invocation, where the client was told not to raise it. `request_id` is in the handler's context.
    """

    event: dict[str, Any] | None
    result: Any = None
    error: Exception | None = None
    filtered: tuple[Any, ...] = ()
    request_id: str = ""

    @property
    def failures(self) -> list[Any]:
        """The identifiers in `batchItemFailures`: message ids, sequence numbers, partitions with offsets."""
        reported = self.result.get("batchItemFailures") if isinstance(self.result, dict) else None
        return [failure["itemIdentifier"] for failure in reported or ()]

    @property
    def failed_records(self) -> list[dict[str, Any]]:
        """The raw records that the identifiers of `failures` name, in the event's order."""
        return [record for record in _raw_records(self.event) if _identifier(record) in self.failures]

    @property
    def is_success(self) -> bool:
        """Did the invocation end well, with no record reported?"""
        return self.error is None and not self.failures


def _raw_records(event: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    records = (event or {}).get("Records") or (event or {}).get("records") or []
    for group in records.values() if isinstance(records, dict) else [records]:
        yield from group


def _identifier(record: dict[str, Any]) -> Any:
    if "messageId" in record:
        return record["messageId"]
    if "offset" in record:
        return {"partition": f"{record['topic']}-{record['partition']}", "offset": record["offset"]}
    return (record.get("kinesis") or record.get("dynamodb") or {}).get("sequenceNumber") or (
        record.get("dynamodb") or {}
    ).get("SequenceNumber")
