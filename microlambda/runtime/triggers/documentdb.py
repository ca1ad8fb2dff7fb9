"""`@app.on_documentdb_change`.

https://docs.aws.amazon.com/lambda/latest/dg/with-documentdb.html
https://docs.aws.amazon.com/lambda/latest/api/API_DocumentDBEventSourceConfig.html
"""

from __future__ import annotations

import re

from ..events.documentdb import DocumentDBEvent, DocumentDBRecord
from .base import checked_choice, checked_int, refuse
from .mapping import MappingTrigger, checked_window, described
from .names import checked_arn
from .stream import checked_start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

_DECORATOR = "on_documentdb_change"
_DATABASE = r'[^ /.$"]{1,63}'
_COLLECTION = r"(?!system\.)[_a-zA-Z0-9][^$]{0,56}"


class DocumentDBTrigger(MappingTrigger):
    """The changes of a database, or of one of its collections, in the cluster of that ARN."""

    decorator = _DECORATOR
    source = "documentdb"
    event_class = DocumentDBEvent
    record_class = DocumentDBRecord

    def __init__(
        self,
        *,
        database: str,
        collection: str | None = None,
        cluster: str,
        credentials: str | None = None,
        full_document: str = "Default",
        batch_size: int = 100,
        starting_position: str = "LATEST",
        starting_position_timestamp: datetime | None = None,
        maximum_batching_window_in_seconds: int = 0,
    ) -> None:
        self.database = _checked_database(database)
        self.collection = _checked_collection(collection)
        self.cluster = _checked_cluster(cluster)
        if credentials is not None:
            checked_arn(_DECORATOR, "credentials", credentials, service="secretsmanager")
        self.credentials = credentials
        self.full_document = checked_choice(
            _DECORATOR, "full_document", full_document, ("Default", "UpdateLookup")
        )
        self.batch_size = checked_int(_DECORATOR, "batch_size", batch_size, 1, 10_000, "changes")
        self.starting_position = checked_start(_DECORATOR, starting_position, starting_position_timestamp)
        self.starting_position_timestamp = starting_position_timestamp
        self.maximum_batching_window_in_seconds = checked_window(
            _DECORATOR, maximum_batching_window_in_seconds
        )

    @property
    def reports_failures(self) -> bool:
        """Lambda retries a batch of changes as a whole."""
        return False

    def fits(self, event: dict[str, Any]) -> bool:
        """By the cluster, and the database and the collection of the first change that names them."""
        if event["eventSourceArn"] != self.cluster:
            return False
        first = next((record for record in DocumentDBEvent(event) if record.database), None)
        if first is None:  # a change of the stream itself, such as its end
            return True
        wanted = self.collection or first.collection
        return first.database == self.database and first.collection in (None, wanted)

    def shared_with(self, other: DocumentDBTrigger) -> str | None:
        """The same collection, or a database and a collection in it: each of the two would do its changes."""
        if self.cluster != other.cluster or self.database != other.database:
            return None
        names = {self.collection, other.collection} - {None}
        if len(names) > 1:
            return None
        where = f"{self.database}.{names.pop()}" if names else self.database
        return f"the changes in {where!r}"

    def declared(self) -> str:
        """With the database, the collection and the cluster."""
        words = {"database": self.database, "collection": self.collection, "cluster": self.cluster}
        return described(_DECORATOR, words)


def _checked_database(database: object) -> str:
    if not isinstance(database, str) or not re.fullmatch(_DATABASE, database):
        why = "a database's name has up to 63 characters, and none of ' ', '/', '.', '$' and '\"'."
        raise refuse(_DECORATOR, "database", database, why)
    return database


def _checked_collection(collection: object) -> str | None:
    if collection is None:
        return None
    if not isinstance(collection, str) or not re.fullmatch(_COLLECTION, collection):
        why = (
            "a collection's name has up to 57 characters, begins with a letter, a digit or '_', "
            "has no '$' and is none of 'system.'."
        )
        raise refuse(_DECORATOR, "collection", collection, why)
    return collection


def _checked_cluster(cluster: object) -> str:
    arn = checked_arn(_DECORATOR, "cluster", cluster, service="rds")
    if not re.fullmatch(r"cluster:[^:]+", arn.split(":", 5)[5]):
        form = "arn:aws:rds:REGION:ACCOUNT:cluster:NAME"
        raise refuse(_DECORATOR, "cluster", cluster, f"that is not the ARN of a cluster, {form}.")
    return arn
