"""Filters of event source mappings: which records Lambda reads for a function at all.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
"""

from __future__ import annotations

import json
from base64 import b64decode
from typing import TYPE_CHECKING, Any

from microlambda.runtime.triggers.patterns import matches

if TYPE_CHECKING:
    from collections.abc import Sequence


def passes(patterns: Sequence[str], record: dict[str, Any]) -> bool:
    """Does a record pass one of the patterns, which are JSON? Without patterns all do."""
    if not patterns:
        return True
    seen = _seen(record)
    return seen is not None and any(matches(json.loads(pattern), seen) for pattern in patterns)


def _seen(record: dict[str, Any]) -> dict[str, Any] | None:
    """Give the record as patterns see it, what was sent being parsed; None for data that is no text."""
    if record["eventSource"] == "aws:sqs":
        return {"body": _parsed(record["body"])}
    if record["eventSource"] != "aws:kinesis":
        return record
    try:
        return {"data": _parsed(b64decode(record["kinesis"]["data"]).decode())}
    except UnicodeDecodeError:
        return None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
