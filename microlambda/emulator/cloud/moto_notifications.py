"""moto's answer about a bucket's notifications, which keeps to itself that they go to EventBridge."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def telling_of_the_bus() -> Iterator[None]:
    """Let a bucket that sends its events to EventBridge tell so, as S3 does, in an empty element."""
    from moto.s3.responses import S3Response

    serialized = S3Response.serialized

    def told(response: Any, result: Any) -> Any:
        if response.data.get("Action") == "GetBucketNotificationConfiguration":
            kept = response.backend.get_bucket_notification_configuration(response.bucket_name)
            if kept is not None and kept.event_bridge is not None:
                result.result["EventBridgeConfiguration"] = {}
        return serialized(response, result)

    with patch.object(S3Response, "serialized", told):
        yield
