"""Changes of a DynamoDB table, from its stream.

https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
"""

from __future__ import annotations

from .arns import resource_part
from .base import Batch, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from typing import Any


class DynamoDBRecord(Record):
    """One change. Keys and images are plain Python values, made anew at each reading.

    A number is an int where it is written as one, else a `decimal.Decimal`, exactly; sets are sets.
    """

    __slots__ = ()

    @property
    def event_name(self) -> str:
        """What happened: `INSERT`, `MODIFY` or `REMOVE`."""
        name: str = self._raw["eventName"]
        return name

    @property
    def event_id(self) -> str | None:
        """The change's id."""
        return self._raw.get("eventID")

    @property
    def keys(self) -> dict[str, Any]:
        """The key attributes of the item."""
        return self._item("Keys") or {}

    @property
    def new_image(self) -> dict[str, Any] | None:
        """The item after the change; None where there is none, or where the stream's view leaves it out."""
        return self._item("NewImage")

    @property
    def old_image(self) -> dict[str, Any] | None:
        """The item before the change; None as for `new_image`."""
        return self._item("OldImage")

    @property
    def raw_keys(self) -> dict[str, Any]:
        """`keys` in DynamoDB's own form, `{"id": {"S": "7"}}`."""
        return self._change.get("Keys") or {}

    @property
    def raw_new_image(self) -> dict[str, Any] | None:
        """`new_image` in DynamoDB's own form."""
        return self._change.get("NewImage")

    @property
    def raw_old_image(self) -> dict[str, Any] | None:
        """`old_image` in DynamoDB's own form."""
        return self._change.get("OldImage")

    @property
    def sequence_number(self) -> str:
        """The change's place in its shard, all digits."""
        number: str = self._change["SequenceNumber"]
        return number

    @property
    def timestamp(self) -> datetime | None:
        """When it happened, in UTC, to the second."""
        from .timestamps import from_seconds

        seconds = self._change.get("ApproximateCreationDateTime")
        return None if seconds is None else from_seconds(seconds)

    @property
    def size_bytes(self) -> int | None:
        """The size of the change."""
        return self._change.get("SizeBytes")

    @property
    def stream_view_type(self) -> str | None:
        """Which images the stream has: `KEYS_ONLY`, `NEW_IMAGE`, `OLD_IMAGE` or `NEW_AND_OLD_IMAGES`."""
        return self._change.get("StreamViewType")

    @property
    def stream_arn(self) -> str:
        """The stream's ARN."""
        arn: str = self._raw["eventSourceARN"]
        return arn

    @property
    def table_name(self) -> str:
        """The table's name, from the stream's ARN."""
        return resource_part(self.stream_arn, "table")

    @property
    def user_identity(self) -> dict[str, str] | None:
        """Who did it, `type` and `principalId`; there for DynamoDB's own deletions only."""
        return self._raw.get("userIdentity")

    @property
    def is_expired(self) -> bool:
        """Did DynamoDB remove the item because its time to live had ended?

        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
        """
        who = self.user_identity or {}
        return who.get("type") == "Service" and who.get("principalId") == "dynamodb.amazonaws.com"

    @property
    def _change(self) -> dict[str, Any]:
        change: dict[str, Any] = self._raw["dynamodb"]
        return change

    def _item(self, key: str) -> dict[str, Any] | None:
        from .attribute_values import plain_item

        item = self._change.get(key)
        return None if item is None else plain_item(item)

    @property
    def item_identifier(self) -> str:
        """The sequence number."""
        return self.sequence_number

    def _cloudevent(self) -> dict[str, Any]:
        """With the change in DynamoDB's own form as data: JSON has no sets, bytes or exact numbers."""
        return {
            "id": self.event_id or self.sequence_number,
            "source": self.stream_arn,
            "type": f"com.amazonaws.dynamodb.{self.event_name.lower()}",
            "subject": self.table_name,
            "time": self.timestamp,
            "data": self._change,
        }

    def _label(self) -> str:
        return f"{self.event_name} {self.sequence_number!r} of {self.table_name!r}"


class DynamoDBEvent(Batch):
    """Changes of one table, in the order of their shard."""

    __slots__ = ()

    record_class = DynamoDBRecord

    if TYPE_CHECKING:

        def __iter__(self) -> Iterator[DynamoDBRecord]: ...

        def __getitem__(self, index: int) -> DynamoDBRecord: ...
