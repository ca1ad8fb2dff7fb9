"""`@app.on_dynamodb_record`.

https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
"""

from __future__ import annotations

import re

from ..errors import RegistrationError
from ..events.arns import is_arn, resource_part
from ..events.dynamodb import DynamoDBEvent, DynamoDBRecord
from .base import refuse
from .mapping import described
from .names import checked_arn, checked_name
from .stream import StreamTrigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DECORATOR = "on_dynamodb_record"
_NAME = r"[A-Za-z0-9_.-]{3,255}"
_STREAM = "/stream/"


class DynamoDBTrigger(StreamTrigger):
    """A table's stream. `table` is the table's name or ARN, or, as `stream_arn`, the ARN of the stream."""

    decorator = _DECORATOR
    source = "dynamodb"
    event_class = DynamoDBEvent
    record_class = DynamoDBRecord

    def __init__(self, *, table: str | None = None, stream_arn: str | None = None, **options: Any) -> None:
        self.table = _checked_table(table, stream_arn)
        super().__init__(has_timestamps=False, **options)

    @property
    def stream_arn(self) -> str | None:
        """The ARN of the stream; None where the table alone is known, whose stream AWS tells."""
        return self.table if _STREAM in self.table else None

    @property
    def table_name(self) -> str:
        """The table's name."""
        return resource_part(self.table, "table")

    def fits(self, event: dict[str, Any]) -> bool:
        """By the stream of the first record: an event has records of one stream."""
        arn = event["Records"][0]["eventSourceARN"]
        if self.stream_arn is not None:
            return bool(arn == self.table)
        if is_arn(self.table):
            return bool(_table_arn(arn) == self.table)
        return resource_part(arn, "table") == self.table

    def shared_with(self, other: DynamoDBTrigger) -> str | None:
        """The same table: each of the two would do all of its changes."""
        if self._has_other_filters(other):
            return None
        ours, theirs = self.table, other.table
        if is_arn(ours) and is_arn(theirs):
            both_streams = _STREAM in ours and _STREAM in theirs
            same = ours == theirs if both_streams else _table_arn(ours) == _table_arn(theirs)
        else:
            same = self.table_name == other.table_name
        return f"the changes of the table {self.table_name!r}" if same else None

    def declared(self) -> str:
        """With the table."""
        return described(_DECORATOR, {"table": self.table})


def _table_arn(arn: str) -> str:
    return arn.partition(_STREAM)[0]


def _checked_table(table: object, stream_arn: object) -> str:
    if (table is None) == (stream_arn is None):
        raise RegistrationError(
            f"{_DECORATOR}() takes the table's name or ARN, or its stream's ARN: "
            f"write @app.{_DECORATOR}(table='orders')."
        )
    if stream_arn is not None:
        return _checked_resource(
            "stream_arn", checked_arn(_DECORATOR, "stream_arn", stream_arn, service="dynamodb")
        )
    checked = checked_name(
        _DECORATOR,
        "table",
        table,
        service="dynamodb",
        pattern=_NAME,
        rule="a table's name has 3 to 255 letters, digits, '-', '_' and '.'.",
        example="orders",
    )
    return _checked_resource("table", checked) if is_arn(checked) else checked


def _checked_resource(keyword: str, arn: str) -> str:
    """The ARN, which is that of a table or a stream, and not of an index or a backup."""
    stream = r"/stream/[^/]+" if keyword == "stream_arn" else r"(/stream/[^/]+)?"
    if not re.fullmatch(rf"table/{_NAME}{stream}", arn.split(":", 5)[5]):
        form = "arn:aws:dynamodb:REGION:ACCOUNT:table/NAME"
        wanted = f"a stream, {form}/stream/LABEL" if keyword == "stream_arn" else f"a table, {form}"
        raise refuse(_DECORATOR, keyword, arn, f"that is not the ARN of {wanted}.")
    return arn
