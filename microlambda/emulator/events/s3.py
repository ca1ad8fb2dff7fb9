"""What becomes of an object, as S3 tells Lambda itself or EventBridge.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus

from microlambda.emulator.events.origin import ORIGIN, Origin, as_bytes, iso, millis, moment, new_id

_GONE = ("ObjectRemoved:", "LifecycleExpiration:", "ObjectRestore:Delete")
_MARKER = "DeleteMarkerCreated"

#: The beginning of an event's name -> the version of the record's structure; 2.1 for all others.
_VERSIONS = {
    "Replication:": "2.2",
    "Lifecycle": "2.3",
    "IntelligentTiering": "2.3",
    "ObjectAcl:": "2.3",
    "ObjectTagging:": "2.3",
    "ObjectRestore:Delete": "2.3",
}

#: An event -> its detail type and what else its detail says on the bus.
_ON_BUS: dict[str, tuple[str, dict[str, str]]] = {
    "ObjectCreated:Put": ("Object Created", {"reason": "PutObject"}),
    "ObjectCreated:Post": ("Object Created", {"reason": "POST Object"}),
    "ObjectCreated:Copy": ("Object Created", {"reason": "CopyObject"}),
    "ObjectCreated:CompleteMultipartUpload": ("Object Created", {"reason": "CompleteMultipartUpload"}),
    "ObjectRemoved:Delete": (
        "Object Deleted",
        {"reason": "DeleteObject", "deletion-type": "Permanently Deleted"},
    ),
    "ObjectRemoved:DeleteMarkerCreated": (
        "Object Deleted",
        {"reason": "DeleteObject", "deletion-type": "Delete Marker Created"},
    ),
    "LifecycleExpiration:Delete": (
        "Object Deleted",
        {"reason": "Lifecycle Expiration", "deletion-type": "Permanently Deleted"},
    ),
    "LifecycleExpiration:DeleteMarkerCreated": (
        "Object Deleted",
        {"reason": "Lifecycle Expiration", "deletion-type": "Delete Marker Created"},
    ),
    "ObjectRestore:Post": ("Object Restore Initiated", {"source-storage-class": "GLACIER"}),
    "ObjectRestore:Completed": ("Object Restore Completed", {"source-storage-class": "GLACIER"}),
    "ObjectRestore:Delete": ("Object Restore Expired", {}),
    "LifecycleTransition": ("Object Storage Class Changed", {"destination-storage-class": "GLACIER"}),
    "IntelligentTiering": ("Object Access Tier Changed", {"destination-access-tier": "ARCHIVE_ACCESS"}),
    "ObjectAcl:Put": ("Object ACL Updated", {}),
    "ObjectTagging:Put": ("Object Tags Added", {}),
    "ObjectTagging:Delete": ("Object Tags Deleted", {}),
}


def build(
    bucket: str = "photos",
    key: str = "2026/summer holiday.jpg",
    *,
    body: Any = None,
    event: str = "ObjectCreated:Put",
    version_id: str | None = None,
    through: str = "notifications",
    time: datetime | None = None,
    origin: Origin = ORIGIN,
) -> dict[str, Any]:
    """The event of one object of a bucket (its name or ARN).

    `body` is what the object holds, JSON unless str or bytes; None is nothing. `event` is one of S3's, with
    "s3:" or without; "TestEvent" is what S3 sends when notifications are set up. `through` is "notifications"
    or "eventbridge".
    """
    name = bucket.rpartition(":")[2]
    event = event.removeprefix("s3:")
    happened = moment(time)
    if event == "TestEvent":
        return _test_event(name, happened)
    data = b"" if body is None else as_bytes(body)
    if through == "eventbridge":
        return _on_bus(name, key, data, event, version_id, happened, origin)
    if through != "notifications":
        raise ValueError(f'through={through!r}: write "notifications" or "eventbridge".')
    return {"Records": [_record(name, key, data, event, version_id, happened, origin)]}


def _test_event(bucket: str, happened: datetime) -> dict[str, Any]:
    return {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": iso(happened),
        "Bucket": bucket,
        "RequestId": _request_id(),
        "HostId": _host_id(),
    }


def _record(
    bucket: str,
    key: str,
    data: bytes,
    event: str,
    version_id: str | None,
    happened: datetime,
    origin: Origin,
) -> dict[str, Any]:
    versions = [version for start, version in _VERSIONS.items() if event.startswith(start)]
    gone = event.startswith(_GONE)
    return {
        "eventVersion": versions[0] if versions else "2.1",
        "eventSource": "aws:s3",
        "awsRegion": origin.region,
        "eventTime": iso(happened),
        "eventName": event,
        "userIdentity": {"principalId": "AWS:AIDAJDPLRKLG7UEXAMPLE"},
        "requestParameters": {"sourceIPAddress": "203.0.113.7"},
        "responseElements": {"x-amz-request-id": _request_id(), "x-amz-id-2": _host_id()},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "microlambda",
            "bucket": {
                "name": bucket,
                "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                "arn": f"arn:aws:s3:::{bucket}",
            },
            "object": {
                "key": encoded(key),
                **({} if gone else {"size": len(data), "eTag": _etag(data)}),
                **({} if version_id is None else {"versionId": version_id}),
                "sequencer": _sequencer(happened),
            },
        },
    }


def _on_bus(
    bucket: str,
    key: str,
    data: bytes,
    event: str,
    version_id: str | None,
    happened: datetime,
    origin: Origin,
) -> dict[str, Any]:
    if event not in _ON_BUS:
        raise ValueError(f"S3 sends no {event!r} to EventBridge; it sends {', '.join(_ON_BUS)}.")
    detail_type, more = _ON_BUS[event]
    gone = event.startswith(_GONE)
    by_request = not event.startswith(("Lifecycle", "IntelligentTiering", "ObjectRestore:"))
    content = {"size": len(data), "etag": _etag(data)}
    marker = {"etag": _etag(b"")} if event.endswith(_MARKER) else {}
    return {
        "version": "0",
        "id": new_id(),
        "detail-type": detail_type,
        "source": "aws.s3",
        "account": origin.account,
        "time": iso(happened, "seconds"),
        "region": origin.region,
        "resources": [f"arn:aws:s3:::{bucket}"],
        "detail": {
            "version": "0",
            "bucket": {"name": bucket},
            "object": {
                "key": key,
                **(marker if gone else content),
                **({} if version_id is None else {"version-id": version_id}),
                "sequencer": _sequencer(happened),
            },
            "request-id": _request_id(),
            "requester": origin.account if by_request else "s3.amazonaws.com",
            **({"source-ip-address": "203.0.113.7"} if by_request else {}),
            **more,
        },
    }


def encoded(key: str) -> str:
    """A key as in a notification: `application/x-www-form-urlencoded`, with its slashes left as they are."""
    return quote_plus(key, safe="/*").replace("~", "%7E")


def _etag(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _sequencer(happened: datetime) -> str:
    return f"{millis(happened) << 20:018X}"


def _request_id() -> str:
    return new_id().replace("-", "")[:16].upper()


def _host_id() -> str:
    return f"{new_id()}{new_id()}".replace("-", "")
