"""Triggers that Lambda itself polls: queues, streams, brokers. They come in batches that may fail in part.

https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
"""

from __future__ import annotations

from ..errors import WrongAnswer
from .base import RAISE, REST, Trigger, as_json, checked_choice, checked_int, refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..app import App
    from .base import Outcome

FAILURES = "batchItemFailures"
_POSITIONS = ("LATEST", "TRIM_HORIZON", "AT_TIMESTAMP")
MAX_WINDOW = 300
_MAX_FILTERS = 5


class MappingTrigger(Trigger):
    """A trigger with `batch_size`, `maximum_batching_window_in_seconds` and, where there are any, `filters`.

    `reports_failures` tells whether Lambda reads `batchItemFailures` of it: the deployment switches that on.
    """

    batch_size: int
    maximum_batching_window_in_seconds: int
    filters: tuple[dict[str, Any], ...] = ()

    @property
    def reports_failures(self) -> bool:
        """Does Lambda read which records failed?"""
        return True

    def result(self, app: App, handler: str, event: Any, value: Any) -> Any:
        """The handler's own report of failures, checked; any other answer is left out: nobody reads it."""
        check_shape(handler, value)
        if not isinstance(value, dict) or FAILURES not in value:
            return None
        report = as_json(app, handler, value)
        if report[FAILURES] and not self.reports_failures:
            raise WrongAnswer(
                f"the handler {handler!r} reported {FAILURES}, which Lambda does not read of "
                f"{self.declared()}: they would be lost. Raise an error to have the batch delivered again."
            )
        self._check_report(handler, event, report[FAILURES])
        return report

    def _check_report(self, handler: str, event: Any, failures: Any) -> None:
        """Refuse what Lambda would take for the failure of the whole batch, naming what is wrong with it."""
        if failures is None:
            return
        if not isinstance(failures, list):
            raise WrongAnswer(f"the handler {handler!r} answered {FAILURES} that is no list.")
        known = [record.item_identifier for record in event]
        for failure in failures:
            identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
            if identifier not in known:
                raise WrongAnswer(
                    f"the handler {handler!r} reported in {FAILURES} what names no record by its "
                    f"identifier. Write {{'itemIdentifier': record.item_identifier}}."
                )

    def report(self, app: App, handler: str, event: Any, outcomes: list[Outcome]) -> Any:
        """The records that failed, and in the mode REST those that were not tried; all, if all failed."""
        mode = self.failure_mode(event)
        if mode == RAISE:
            return super().report(app, handler, event, outcomes)
        failed = [one.record for one in outcomes if one.error or (one.is_skipped and mode == REST)]
        return {FAILURES: [{"itemIdentifier": record.item_identifier} for record in failed]}


def check_shape(handler: str, value: Any) -> None:
    """Refuse what was meant as a report of failures and is none: it would count as success."""
    is_list = isinstance(value, list) and any(
        isinstance(one, dict) and "itemIdentifier" in one for one in value
    )
    letters = FAILURES.lower().removesuffix("s")
    near = isinstance(value, dict) and any(
        isinstance(key, str) and key != FAILURES and key.lower().replace("_", "").startswith(letters)
        for key in value
    )
    if is_list or near:
        raise WrongAnswer(
            f"the handler {handler!r} reported failures in another shape than {{'{FAILURES}': [...]}}."
        )


def checked_window(decorator: str, value: object) -> int:
    """The batching window, 0 to 300 s."""
    return checked_int(decorator, "maximum_batching_window_in_seconds", value, 0, MAX_WINDOW, "seconds")


def checked_filters(decorator: str, value: object, key: str | None = None) -> tuple[dict[str, Any], ...]:
    """Up to five patterns; a record passes that one of them matches.

    `key` is the one part of a record that Lambda filters by, where it takes a single one.
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
    """
    if value is None:
        return ()
    patterns = [value] if isinstance(value, dict) else list(value) if hasattr(value, "__iter__") else None
    if not patterns or not all(isinstance(one, dict) and one for one in patterns):
        raise refuse(decorator, "filters", value, "write a list of patterns: filters=[{'body': {...}}].")
    if len(patterns) > _MAX_FILTERS:
        raise refuse(decorator, "filters", value, f"AWS takes at most {_MAX_FILTERS} patterns.")
    from .patterns import check_pattern

    for pattern in patterns:
        if key is not None and pattern.keys() != {key}:
            why = f"Lambda filters these records by {key!r} alone: write filters=[{{{key!r}: ...}}]."
            raise refuse(decorator, "filters", pattern, why)
        check_pattern(decorator, "filters", pattern)
    return tuple(patterns)


def checked_position(decorator: str, value: object, *, allowed: tuple[str, ...] = _POSITIONS) -> str:
    """Where a new reader of a stream starts."""
    return checked_choice(decorator, "starting_position", value, allowed)


def stream_retries(decorator: str, retries: object, maximum_age: object) -> None:
    """Check a stream's own retries (-1 for no end, to 10,000) and age (-1, or 60 to 604,800 s)."""
    if retries is not None:
        checked_int(decorator, "retries", retries, -1, 10_000)
    if maximum_age is not None and maximum_age != -1:
        checked_int(decorator, "maximum_age", maximum_age, 60, 604_800, "seconds, or -1 for no limit")


def described(decorator: str, words: Mapping[str, Any]) -> str:
    """`@app.on_sqs_message(queue='orders')`: the decorator with the words that say where events come from."""
    given = ", ".join([f"{name}={value!r}" for name, value in words.items() if value])
    return f"@app.{decorator}({given})"
