"""What a function that reports batch item failures says of its batch.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection


def reported(payload: bytes, identifiers: Collection[str]) -> set[str] | None:
    """Give the identifiers of the records that failed; None where the answer fails the whole batch.

    An answer that is empty or null is a success; one that has an identifier of no record is a failure.
    """
    try:
        answer = json.loads(payload or b"null")
    except ValueError:
        return None
    if answer is None:
        return set()
    if not isinstance(answer, dict):
        return None
    failures = answer.get("batchItemFailures")
    if failures is None:
        return set()
    return _identified(failures, identifiers) if isinstance(failures, list) else None


def _identified(failures: list[Any], identifiers: Collection[str]) -> set[str] | None:
    failed = [one.get("itemIdentifier") if isinstance(one, dict) else None for one in failures]
    known = {one for one in failed if isinstance(one, str) and one in identifiers}
    return known if all(isinstance(one, str) and one in known for one in failed) else None
