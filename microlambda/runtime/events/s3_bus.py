"""What S3 tells EventBridge of an object: another shape, and other words, for what its notifications tell.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-mapping-troubleshooting.html
"""

from __future__ import annotations

from .s3 import S3Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

#: S3's event -> what tells it from others on the bus: the detail type, and in the detail the reason and the
#: kind of a deletion. None: any.
ON_BUS: dict[str, tuple[str, str | None, str | None]] = {
    "ObjectCreated:Put": ("Object Created", "PutObject", None),
    "ObjectCreated:Post": ("Object Created", "POST Object", None),
    "ObjectCreated:Copy": ("Object Created", "CopyObject", None),
    "ObjectCreated:CompleteMultipartUpload": ("Object Created", "CompleteMultipartUpload", None),
    "ObjectRemoved:Delete": ("Object Deleted", "DeleteObject", "Permanently Deleted"),
    "ObjectRemoved:DeleteMarkerCreated": ("Object Deleted", "DeleteObject", "Delete Marker Created"),
    "LifecycleExpiration:Delete": ("Object Deleted", "Lifecycle Expiration", "Permanently Deleted"),
    "LifecycleExpiration:DeleteMarkerCreated": (
        *("Object Deleted", "Lifecycle Expiration", "Delete Marker Created"),
    ),
    "ObjectRestore:Post": ("Object Restore Initiated", None, None),
    "ObjectRestore:Completed": ("Object Restore Completed", None, None),
    "ObjectRestore:Delete": ("Object Restore Expired", None, None),
    "LifecycleTransition": ("Object Storage Class Changed", None, None),
    "IntelligentTiering": ("Object Access Tier Changed", None, None),
    "ObjectAcl:Put": ("Object ACL Updated", None, None),
    "ObjectTagging:Put": ("Object Tags Added", None, None),
    "ObjectTagging:Delete": ("Object Tags Deleted", None, None),
}


class S3BusRecord(S3Record):
    """The only record of an event of EventBridge; `raw` is that event."""

    __slots__ = ()

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        bucket: str = self._detail["bucket"]["name"]
        return bucket

    @property
    def bucket_arn(self) -> str:
        """The bucket's ARN."""
        arn: str = self._raw["resources"][0]
        return arn

    @property
    def key(self) -> str:
        """The object's key, which is not encoded here."""
        key: str = self._object["key"]
        return key

    @property
    def etag(self) -> str | None:
        """The object's ETag, without quotes; None where S3 gives none."""
        return self._object.get("etag")

    @property
    def version_id(self) -> str | None:
        """The version, in a bucket that keeps versions."""
        return self._object.get("version-id")

    @property
    def event_name(self) -> str:
        """What happened, in the words of S3's notifications; else in EventBridge's."""
        kind, detail = self._raw["detail-type"], self._detail
        for name, (detail_type, reason, deletion) in ON_BUS.items():
            if (
                detail_type == kind
                and reason in (None, detail.get("reason"))
                and deletion in (None, detail.get("deletion-type"))
            ):
                return name
        return str(kind)

    @property
    def event_time(self) -> datetime:
        """When it happened, in UTC."""
        from .timestamps import from_iso

        return from_iso(self._raw["time"])

    @property
    def region(self) -> str:
        """The bucket's region."""
        region: str = self._raw["region"]
        return region

    @property
    def principal(self) -> str | None:
        """Who caused it: an account, or a service."""
        return self._detail.get("requester")

    @property
    def source_ip(self) -> str | None:
        """The address that the request came from; None where it was no request."""
        return self._detail.get("source-ip-address")

    @property
    def _detail(self) -> Mapping[str, Any]:
        detail: Mapping[str, Any] = self._raw["detail"]
        return detail

    @property
    def _object(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._detail["object"]
        return found

    @property
    def _id(self) -> str:
        event_id: str = self._raw["id"]
        return event_id
