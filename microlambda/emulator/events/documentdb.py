"""Changes as Lambda reads them from a DocumentDB change stream.

https://docs.aws.amazon.com/lambda/latest/dg/with-documentdb.html
https://www.mongodb.com/docs/manual/reference/change-events/
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from microlambda.emulator.events.origin import ORIGIN, Origin, millis, moment

_OPERATIONS = ("insert", "update", "replace", "delete", "drop", "dropDatabase", "invalidate")


def build(
    database: str = "shop",
    collection: str = "orders",
    document: Any = None,
    *,
    operation: str = "insert",
    updated_fields: Any = None,
    cluster: str | None = None,
    time: datetime | None = None,
    origin: Origin = ORIGIN,
) -> dict[str, Any]:
    """The event of one change in a collection of the cluster of that ARN.

    `document` is MongoDB's Extended JSON and gets an `_id` where it has none; `updated_fields` are what an
    "update" changed. ValueError for an operation or a document that there is not.
    """
    if operation not in _OPERATIONS:
        raise ValueError(f"operation={operation!r} is none of {', '.join(_OPERATIONS)}.")
    happened = millis(moment(time)) // 1000
    change: dict[str, Any] = {
        "_id": {"_data": f"01{happened:08x}0000000100000001{uuid4().hex[:8]}"},
        "clusterTime": {"$timestamp": {"t": happened, "i": 1}},
        **_subject(database, collection, operation),
        "operationType": operation,
    }
    if operation in ("insert", "update", "replace", "delete"):
        change |= _document(document, operation, updated_fields)
    arn = cluster or origin.arn("rds", "cluster:demo")
    return {"eventSourceArn": arn, "events": [{"event": change}], "eventSource": "aws:docdb"}


def _subject(database: str, collection: str, operation: str) -> dict[str, Any]:
    if operation == "invalidate":
        return {}
    return {"ns": {"db": database} if operation == "dropDatabase" else {"db": database, "coll": collection}}


def _document(document: Any, operation: str, updated_fields: Any) -> dict[str, Any]:
    given = {"total": 42} if document is None else document
    if not isinstance(given, Mapping):
        raise ValueError(f"a document is a dict, and this is {document!r}.")  # noqa: TRY004  # of a value
    full = {"_id": {"$oid": uuid4().hex[:24]}, **given}
    parts: dict[str, Any] = {"documentKey": {"_id": full["_id"]}}
    if operation != "delete":
        parts["fullDocument"] = full
    if operation == "update":
        fields = {key: value for key, value in full.items() if key != "_id"}
        changed = fields if updated_fields is None else dict(updated_fields)
        parts["updateDescription"] = {"removedFields": [], "updatedFields": changed}
    return parts
