"""What triggers that read a stream share: where they start, and what becomes of a batch that fails.

https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
"""

from __future__ import annotations

from .base import FIRST, checked_flag, checked_int, refuse
from .mapping import MappingTrigger, checked_filters, checked_position, checked_window, stream_retries
from .names import checked_arn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

AT_TIMESTAMP = "AT_TIMESTAMP"
_POSITIONS = ("LATEST", "TRIM_HORIZON")


class StreamTrigger(MappingTrigger):
    """A stream of shards, each read in order: a batch that fails stops its shard until it succeeds.

    `retries` and `maximum_age` (s) end that, -1 for no end; then the batch's place goes to `on_failure`.
    """

    #: The one part of a record that filters name, None where they name any.
    filter_key: str | None = None

    def __init__(
        self,
        *,
        batch_size: int = 100,
        starting_position: str = "LATEST",
        starting_position_timestamp: datetime | None = None,
        maximum_batching_window_in_seconds: int = 0,
        parallelization_factor: int = 1,
        bisect_batch_on_error: bool = False,
        retries: int | None = None,
        maximum_age: int | None = None,
        on_failure: str | None = None,
        filters: Any = None,
        has_timestamps: bool = True,
    ) -> None:
        name = self.decorator
        self.batch_size = checked_int(name, "batch_size", batch_size, 1, 10_000, "records")
        self.maximum_batching_window_in_seconds = checked_window(name, maximum_batching_window_in_seconds)
        self.starting_position = checked_start(
            name, starting_position, starting_position_timestamp, has_timestamps=has_timestamps
        )
        self.starting_position_timestamp = starting_position_timestamp
        self.parallelization_factor = checked_int(
            name, "parallelization_factor", parallelization_factor, 1, 10, "batches of a shard at once"
        )
        self.bisect_batch_on_error = checked_flag(name, "bisect_batch_on_error", bisect_batch_on_error)
        stream_retries(name, retries, maximum_age)
        self.retries = retries
        self.maximum_age = maximum_age
        self.on_failure = checked_destination(name, on_failure)
        self.filters = checked_filters(name, filters, self.filter_key)

    def _has_other_filters(self, other: StreamTrigger) -> bool:
        """Do both of them filter, by other patterns? A stream is read by each for itself."""
        if not (self.filters and other.filters):
            return False
        from .patterns import canonical

        return {canonical(one) for one in self.filters} != {canonical(one) for one in other.filters}

    def failure_mode(self, event: Any) -> str:  # noqa: ARG002  # a shard's order holds for all events alike
        """Lambda reads on from the lowest number reported, and keeps the order by that."""
        return FIRST


def checked_start(decorator: str, position: object, timestamp: object, *, has_timestamps: bool = True) -> str:
    """The starting position, which has a timestamp exactly where it is AT_TIMESTAMP."""
    allowed = (*_POSITIONS, AT_TIMESTAMP) if has_timestamps else _POSITIONS
    checked = checked_position(decorator, position, allowed=allowed)
    if timestamp is not None:
        _check_moment(decorator, timestamp)
        if checked != AT_TIMESTAMP:
            why = f"only starting_position={AT_TIMESTAMP!r} has a time, and here it is {checked!r}."
            raise refuse(decorator, "starting_position_timestamp", timestamp, why)
    elif checked == AT_TIMESTAMP:
        why = "say from when: starting_position_timestamp=datetime(2026, 1, 1, tzinfo=UTC)."
        raise refuse(decorator, "starting_position", position, why)
    return checked


def _check_moment(decorator: str, timestamp: object) -> None:
    from datetime import datetime

    if not isinstance(timestamp, datetime) or timestamp.utcoffset() is None:
        why = "write an aware datetime: datetime(2026, 1, 1, tzinfo=UTC)."
        raise refuse(decorator, "starting_position_timestamp", timestamp, why)


def checked_destination(decorator: str, on_failure: object) -> str | None:
    """The ARN of where failures go, None for nowhere."""
    if on_failure is None:
        return None
    return checked_arn(decorator, "on_failure", on_failure, service=("sqs", "sns", "s3"))
