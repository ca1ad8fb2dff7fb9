"""Objects of an S3 bucket, as S3's own notifications tell of them or, in `s3_bus`, its events on EventBridge.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

from __future__ import annotations

from ..percent import unquote_plus
from .base import Batch, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from typing import Any

#: What S3 sends once, when a notification is set up.
TEST_EVENT = "s3:TestEvent"


class S3Record(Record):
    """What happened to one object. Events of EventBridge are read as the same, by the same names."""

    __slots__ = ()

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        bucket: str = self._raw["s3"]["bucket"]["name"]
        return bucket

    @property
    def bucket_arn(self) -> str:
        """The bucket's ARN."""
        arn: str = self._raw["s3"]["bucket"]["arn"]
        return arn

    @property
    def key(self) -> str:
        """The object's key, decoded: S3 writes it form-encoded, a space as `+`."""
        return unquote_plus(self._object["key"])

    @property
    def size(self) -> int | None:
        """The object's size in bytes; None of one that is gone."""
        return self._object.get("size")

    @property
    def etag(self) -> str | None:
        """The object's ETag, without quotes; None of one that is gone."""
        return self._object.get("eTag")

    @property
    def version_id(self) -> str | None:
        """The version, in a bucket that keeps versions."""
        return self._object.get("versionId")

    @property
    def sequencer(self) -> str | None:
        """Of two events of one key the later one's is greater, once both are padded to one length."""
        return self._object.get("sequencer")

    @property
    def event_name(self) -> str:
        """What happened, in S3's words without "s3:": `ObjectCreated:Put`."""
        name: str = self._raw["eventName"]
        return name.removeprefix("s3:")

    @property
    def event_time(self) -> datetime:
        """When S3 was done with the request, in UTC."""
        from .timestamps import from_iso

        return from_iso(self._raw["eventTime"])

    @property
    def region(self) -> str:
        """The bucket's region."""
        region: str = self._raw["awsRegion"]
        return region

    @property
    def principal(self) -> str | None:
        """Who caused it: an id of AWS's, or a service."""
        return _within(self._raw, "userIdentity", "principalId")

    @property
    def source_ip(self) -> str | None:
        """The address that the request came from; None where it was no request."""
        return _within(self._raw, "requestParameters", "sourceIPAddress")

    @property
    def _object(self) -> Mapping[str, Any]:
        s3 = self._raw["s3"]
        # Intelligent-Tiering's events have been seen with this other key.
        found: Mapping[str, Any] = s3.get("object") or s3["get_object"]
        return found

    @property
    def _id(self) -> str:
        """As CloudEvents' adapter says; lacking what it takes, what orders the events of a key."""
        ids = self._raw.get("responseElements") or {}
        parts = [ids[name] for name in ("x-amz-request-id", "x-amz-id-2") if ids.get(name)]
        return ".".join(parts) or self.sequencer or str(self._raw["eventTime"])

    @property
    def _service(self) -> str:
        return self._raw.get("eventSource") or "aws:s3"

    def _cloudevent(self) -> dict[str, Any]:
        return {
            "id": self._id,
            "source": f"{self._service}.{self.region}.{self.bucket}",
            "type": f"com.amazonaws.s3.{self.event_name}",
            "subject": self.key,
            "time": self.event_time,
            "data": self._raw,
        }

    def _label(self) -> str:
        return f"{self.event_name} of {self.key!r} in {self.bucket!r}"


class S3Event(Batch):
    """Objects of one bucket. Those that handlers get have one record; those in SQS and SNS may have more."""

    __slots__ = ()

    record_class = S3Record

    @property
    def bucket(self) -> str:
        """Chalice's: the bucket of the only record."""
        return self._only("bucket").bucket  # type: ignore[no-any-return]

    @property
    def key(self) -> str:
        """Chalice's: the key of the only record, decoded."""
        return self._only("key").key  # type: ignore[no-any-return]

    @classmethod
    def unwrapped(cls, body: Any, origin: object) -> S3Event:
        """The event that something else carried; ValueError, naming that, where it is none of S3's.

        S3's test message is an event without records.
        """
        if not isinstance(body, dict) or not _is_of_s3(body):
            raise ValueError(f"what {origin!r} carries is no event of S3.")
        return cls(body)

    @property
    def is_on_bus(self) -> bool:
        """Did it come through EventBridge?"""
        return "detail" in self._raw

    def _raw_records(self) -> Sequence[dict[str, Any]]:
        return (self._raw,) if self.is_on_bus else super()._raw_records()

    def __iter__(self) -> Iterator[S3Record]:
        return map(self._view, self._raw_records())

    def __getitem__(self, index: int) -> S3Record:
        return self._view(self._raw_records()[index])

    def _view(self, raw: dict[str, Any]) -> S3Record:
        if not self.is_on_bus:
            return S3Record(raw)
        from .s3_bus import S3BusRecord

        return S3BusRecord(raw)


def _is_of_s3(body: dict[str, Any]) -> bool:
    records = body.get("Records")
    if isinstance(records, list) and records:
        return isinstance(records[0], dict) and isinstance(records[0].get("s3"), dict)
    if body.get("source") == "aws.s3":
        return isinstance(body.get("detail"), dict) and "object" in body["detail"]  # not CloudTrail's
    return body.get("Event") == TEST_EVENT


def _within(raw: dict[str, Any], part: str, name: str) -> str | None:
    found: str | None = (raw.get(part) or {}).get(name)
    return found
