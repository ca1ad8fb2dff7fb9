"""Changes in a DocumentDB collection, from its change stream.

https://docs.aws.amazon.com/lambda/latest/dg/with-documentdb.html
https://www.mongodb.com/docs/manual/reference/change-events/
"""

from __future__ import annotations

from .enclosed import EnclosedRecord, EnclosingBatch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from typing import Any


class DocumentDBRecord(EnclosedRecord):
    """One change. Documents are MongoDB's Extended JSON as it stands: `{"_id": {"$oid": "63ee..."}}`."""

    __slots__ = ()

    @property
    def change(self) -> dict[str, Any]:
        """The change event, as DocumentDB has it."""
        change: dict[str, Any] = self._raw["event"]
        return change

    @property
    def id(self) -> str:
        """The token of the change's place in the stream."""
        token: str = self.change["_id"]["_data"]
        return token

    @property
    def operation(self) -> str:
        """What happened: `insert`, `update`, `replace`, `delete`, `drop`, `invalidate`..."""
        operation: str = self.change["operationType"]
        return operation

    @property
    def database(self) -> str | None:
        """The database's name; None where the change is that of the stream itself."""
        return (self.change.get("ns") or {}).get("db")

    @property
    def collection(self) -> str | None:
        """The collection's name; None where a whole database is meant."""
        return (self.change.get("ns") or {}).get("coll")

    @property
    def document_key(self) -> dict[str, Any] | None:
        """The `_id` of the document."""
        return self.change.get("documentKey")

    @property
    def full_document(self) -> dict[str, Any] | None:
        """The document; None of a deletion, and of an update without `full_document="UpdateLookup"`."""
        return self.change.get("fullDocument")

    @property
    def update_description(self) -> dict[str, Any] | None:
        """What an update changed: `updatedFields` and `removedFields`."""
        return self.change.get("updateDescription")

    @property
    def cluster_arn(self) -> str:
        """The cluster's ARN."""
        arn: str = self._event["eventSourceArn"]
        return arn

    @property
    def timestamp(self) -> datetime | None:
        """When it happened, in UTC: by the clock of the server, or of the cluster, which counts seconds."""
        from .timestamps import from_iso, from_millis, from_seconds

        wall = self.change.get("wallTime")
        if wall is not None:
            date = wall["$date"]
            if isinstance(date, str):
                return from_iso(date)
            return from_millis(date["$numberLong"] if isinstance(date, dict) else date)
        cluster = self.change.get("clusterTime")
        return None if cluster is None else from_seconds(cluster["$timestamp"]["t"])

    def _cloudevent(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "source": self.cluster_arn,
            "type": f"com.amazonaws.docdb.{self.operation}",
            "subject": self._namespace(),
            "time": self.timestamp,
            "data": self.change,
        }

    def _namespace(self) -> str:
        return ".".join([name for name in (self.database, self.collection) if name])

    def _label(self) -> str:
        return f"{self.operation} in {self._namespace()!r}"


class DocumentDBEvent(EnclosingBatch):
    """Changes of one database or collection, in order."""

    __slots__ = ()

    record_class = DocumentDBRecord

    def _raw_records(self) -> Sequence[dict[str, Any]]:
        return self._raw.get("events") or ()

    if TYPE_CHECKING:

        def __iter__(self) -> Iterator[DocumentDBRecord]: ...

        def __getitem__(self, index: int) -> DocumentDBRecord: ...
