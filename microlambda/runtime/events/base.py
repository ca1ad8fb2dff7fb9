"""What every event and every record can do: thin, read-only views that read what is asked of them.

`raw` is always what AWS sent, untouched. An event that carries records gives all of them when iterated.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from ..http.request import Request


class View:
    """A view of a part of an event. `str()` names it, and prints nothing of what it carries."""

    __slots__ = ("_raw",)

    def __init__(self, raw: dict[str, Any]) -> None:
        self._raw = raw

    @property
    def raw(self) -> dict[str, Any]:
        """What AWS sent, untouched."""
        return self._raw

    def to_dict(self) -> dict[str, Any]:
        """Chalice's name for `raw`."""
        return self._raw

    def to_cloudevent(self) -> dict[str, Any]:
        """The same as a CloudEvent 1.0, a dict in its JSON format.

        https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
        """
        from .cloudevents import cloudevent

        return cloudevent(**self._cloudevent())

    def _cloudevent(self) -> dict[str, Any]:
        """The attributes, as arguments of `cloudevents.cloudevent`."""
        raise TypeError(f"{type(self).__name__} has nothing that a CloudEvent could be made of.")

    def _label(self) -> str:
        """What tells it from others of its kind in a log; no payload and no secret."""
        return ""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._label()}".rstrip() + ">"


class Event(View):
    """What a handler gets. `context` is Lambda's own second argument, None where there is none."""

    __slots__ = ("_context",)

    def __init__(self, raw: dict[str, Any], context: Any = None) -> None:
        super().__init__(raw)
        self._context = context

    @property
    def context(self) -> Any:
        """What AWS handed over beside the event: request id, remaining time."""
        return self._context

    @property
    def http_request(self) -> Request | None:
        """What `microlambda.request` stands for while the event is handled; None where it is no HTTP."""
        return None


class Record(View):
    """One of the records of an event. `item_identifier` is how a partial failure names it, if one can."""

    __slots__ = ()

    @property
    def item_identifier(self) -> Any:
        """What `batchItemFailures` calls this record."""
        return None


class Batch(Event):
    """An event that carries records; iterating it gives every one of them, in order."""

    __slots__ = ()

    #: The class of its records.
    record_class: type[Record] = Record

    def _raw_records(self) -> Sequence[dict[str, Any]]:
        records: Sequence[dict[str, Any]] = self._raw.get("Records") or ()
        return records

    def __iter__(self) -> Iterator[Any]:
        return map(self.record_class, self._raw_records())

    def __len__(self) -> int:
        return len(self._raw_records())

    def __getitem__(self, index: int) -> Any:
        return self.record_class(self._raw_records()[index])

    def to_cloudevent(self) -> dict[str, Any]:
        """The CloudEvent of the only record; ValueError where there are others, which would be lost."""
        return self._only("to_cloudevent(): to_cloudevents() gives one for each").to_cloudevent()  # type: ignore[no-any-return]

    def to_cloudevents(self) -> list[dict[str, Any]]:
        """One CloudEvent for each record."""
        return [record.to_cloudevent() for record in self]

    def _only(self, wanted: str) -> Any:
        """The record, where there is exactly one: Chalice's names for S3 and SNS read it from the event."""
        if len(self) != 1:
            raise ValueError(
                f"this {type(self).__name__} has {len(self)} records, and was asked for {wanted}. "
                "Iterate it: for record in event."
            )
        return self[0]

    def _label(self) -> str:
        count = len(self)
        return "of 1 record" if count == 1 else f"of {count} records"
