"""Filters of triggers, applied before the handler is called, as Lambda's pollers do.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
"""

from __future__ import annotations

import gzip
import json
from base64 import b64decode
from typing import TYPE_CHECKING, Any

from microlambda.emulator.events.logs import packed
from microlambda.emulator.log_patterns import compiled
from microlambda.runtime.triggers.logs import LogsTrigger
from microlambda.runtime.triggers.patterns import matches

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from microlambda.runtime.triggers.base import Trigger


def split(trigger: Trigger, event: dict[str, Any]) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """The event with the records that pass, and those that do not."""
    if isinstance(trigger, LogsTrigger):
        return _split_lines(trigger.filter_pattern, event)
    patterns = getattr(trigger, "filters", ())
    if not patterns:
        return event, ()
    kept_back: list[Any] = []

    def passing(records: Sequence[Any]) -> list[Any]:
        kept: list[Any] = []
        for record in records:
            view = _seen(trigger.source, record)
            passes = view is not None and any(matches(pattern, view) for pattern in patterns)
            (kept if passes else kept_back).append(record)
        return kept

    left = {key: _filtered(key, value, passing) for key, value in event.items()}
    return left, tuple(kept_back)


def _split_lines(pattern: str, event: dict[str, Any]) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """Unpack the lines, and pack those that match; CloudWatch's own message has none."""
    content = json.loads(gzip.decompress(b64decode(event["awslogs"]["data"])))
    if not pattern or content["messageType"] == "CONTROL_MESSAGE":
        return event, ()
    matching = compiled(pattern)
    kept = [one for one in content["logEvents"] if matching(one["message"])]
    kept_back = [one for one in content["logEvents"] if one not in kept]
    return packed({**content, "logEvents": kept}) if kept else {}, tuple(kept_back)


def is_empty(event: dict[str, Any]) -> bool:
    """Is no record left?"""
    return not any(
        value if isinstance(value, list) else any(value.values())
        for key, value in event.items()
        if key in _HOLDERS and value
    )


#: The keys of events below which records stand: in a list, in lists by queue or partition, or packed.
_HOLDERS = ("Records", "records", "messages", "rmqMessagesByQueue", "events", "awslogs")


def _filtered(key: str, value: Any, passing: Any) -> Any:
    if key not in _HOLDERS:
        return value
    if isinstance(value, dict):
        return {name: passing(records) for name, records in value.items()}
    return passing(value)


def _seen(source: str, record: dict[str, Any]) -> dict[str, Any] | None:
    """The record as patterns see it: what was sent, parsed where it is JSON; None for what is no text."""
    if source == "sqs":
        return {"body": _parsed(record["body"])}
    if source not in _SENT:
        return record
    key, sent = _SENT[source]
    encoded = sent(record)
    try:
        return {key: None if encoded is None else _parsed(b64decode(encoded).decode())}
    except UnicodeDecodeError:
        return None


#: Source -> the key that patterns name, and where in a record its base64 stands.
_SENT: dict[str, tuple[str, Callable[[dict[str, Any]], str | None]]] = {
    "kinesis": ("data", lambda record: record["kinesis"]["data"]),
    "kafka": ("value", lambda record: record.get("value")),
    "mq": ("data", lambda record: record["data"]),
}


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
