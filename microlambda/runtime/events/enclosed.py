"""Records with a payload in base64, and records of events that name their resource once for all of them.

Those of brokers, change streams and Firehose know the event that they came in.
"""

from __future__ import annotations

import json
from binascii import a2b_base64

from .base import Batch, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


class PayloadRecord(Record):
    """A record whose payload is bytes."""

    __slots__ = ()

    def _encoded(self) -> str:
        """The payload in base64, as AWS sends it."""
        encoded: str = self._raw["data"]
        return encoded

    @property
    def data(self) -> bytes:
        """The payload, decoded from base64."""
        return a2b_base64(self._encoded())

    @property
    def text(self) -> str:
        """The payload as text; ValueError where it is no UTF-8."""
        return self.data.decode()

    def json(self) -> Any:
        """The payload, parsed; ValueError where it is no JSON."""
        return json.loads(self.data)


class EnclosedRecord(Record):
    """A record that knows the raw event it came in."""

    __slots__ = ("_event",)

    def __init__(self, raw: dict[str, Any], event: dict[str, Any]) -> None:
        super().__init__(raw)
        self._event = event


class EnclosingBatch(Batch):
    """An event that hands itself to its records."""

    __slots__ = ()

    #: The class of its records.
    record_class: type[EnclosedRecord] = EnclosedRecord

    def _record(self, raw: dict[str, Any]) -> Any:
        return self.record_class(raw, self._raw)

    def __iter__(self) -> Iterator[Any]:
        return map(self._record, self._raw_records())

    def __getitem__(self, index: int) -> Any:
        return self._record(self._raw_records()[index])
