"""moto's notifications of buckets: its choice of whom to tell, our events, and functions called by us.

moto's own events lack half of their fields, and it sends none of a delete marker, and one too many of an
upload in parts. It takes what a filter says literally, where S3 has it encoded as in a URL.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from urllib.parse import unquote_plus

from microlambda.emulator.cloud.moto_adapter import ACCOUNT
from microlambda.emulator.events import s3
from microlambda.emulator.events.origin import Origin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Deliver = Callable[[str, str, dict[str, Any]], None]
    Put = Callable[[str, Callable[[], dict[str, Any]]], None]

_MARKER = "s3:ObjectRemoved:DeleteMarkerCreated"


@contextmanager
def telling_of_objects(deliver: Deliver, put: Put) -> Iterator[None]:
    """Call back with function, bucket (their ARNs) and event; or with a region and what makes an event."""
    from moto.s3 import notifications
    from moto.s3.models import Notification, S3Backend

    mark, put_object = S3Backend._set_delete_marker, S3Backend.put_object

    def invoked(_account_id: str, event: dict[str, Any], function: str, _region: str) -> None:
        deliver(function, event["Records"][0]["s3"]["bucket"]["arn"], event)

    def sent_to_bus(_account_id: str, bucket: Any, event_name: str, key: Any) -> None:
        put(bucket.region_name, partial(_event, event_name, bucket, key, through="eventbridge"))

    def marked(backend: Any, bucket_name: str, key_name: str) -> Any:
        marker = mark(backend, bucket_name, key_name)
        event = notifications.S3NotificationEvent(_MARKER)
        notifications.send_event(ACCOUNT, event, backend.get_bucket(bucket_name), marker)
        return marker

    def stored(*args: Any, **named: Any) -> Any:
        if named.get("multipart") is not None:
            named["disable_notification"] = True
        return put_object(*args, **named)

    with ExitStack() as patches:
        for name, replacement in (
            ("_get_s3_event", _notification),
            ("_invoke_awslambda", invoked),
            ("_send_event_bridge_message", sent_to_bus),
        ):
            patches.enter_context(patch.object(notifications, name, replacement))
        patches.enter_context(patch.object(Notification, "_key_matches", _matches))
        patches.enter_context(patch.object(S3Backend, "_set_delete_marker", marked))
        patches.enter_context(patch.object(S3Backend, "put_object", stored))
        yield


def _matches(notification: Any, key: str) -> bool:
    """Compare a key with prefix and suffix, which are written as in a URL.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
    """
    rules = notification.filters.get("S3Key", {}).get("FilterRule", ()) if notification.filters else ()
    said = {one["Name"].lower(): unquote_plus(one["Value"]) for one in rules}
    return key.startswith(said.get("prefix", "")) and key.endswith(said.get("suffix", ""))


def _notification(event_name: str, bucket: Any, key: Any, notification_id: str) -> dict[str, Any]:
    event = _event(event_name, bucket, key, through="notifications")
    event["Records"][0]["s3"]["configurationId"] = notification_id
    return event


def _event(event_name: Any, bucket: Any, key: Any, *, through: str) -> dict[str, Any]:
    """Build the event of a key of moto's: an object, or a delete marker, which has no content."""
    event = s3.build(
        bucket.name,
        key.name,
        event=str(getattr(event_name, "value", event_name)),
        version_id=key.version_id if bucket.is_versioned else None,
        through=through,
        time=datetime.now(UTC),
        origin=Origin(region=bucket.region_name, account=ACCOUNT),
    )
    described = event["detail"]["object"] if through == "eventbridge" else event["Records"][0]["s3"]["object"]
    if "size" in described:
        described["size"] = key.size
        described["etag" if through == "eventbridge" else "eTag"] = key.etag.strip('"')
    return event
