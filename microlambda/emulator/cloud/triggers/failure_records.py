"""What Lambda writes of events that a function did not get done.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from microlambda.emulator.events.origin import iso

if TYPE_CHECKING:
    from collections.abc import Sequence

    from microlambda.emulator.cloud.deployed import DeployedFunction
    from microlambda.emulator.cloud.moto_mappings import Mapping
    from microlambda.emulator.cloud.moto_streams import StreamRecord
    from microlambda.emulator.invocation import Invocation

    Attempt = tuple[DeployedFunction, Invocation]

EXHAUSTED = "RetriesExhausted"
TOO_OLD = "EventAgeExceeded"
STREAM_EXHAUSTED = "RetryAttemptsExhausted"
STREAM_TOO_OLD = "RecordAgeExceeded"

_MOST_OF_A_MESSAGE = 1024  # of ErrorMessage: "the first 1 KB"


def of_invocation(
    arn: str, payload: bytes, *, request_id: str, condition: str, count: int, attempt: Attempt | None
) -> dict[str, Any]:
    """Write the record of an asynchronous invocation; `attempt` is the last one, if there was any."""
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": iso(datetime.now(UTC)),
        "requestContext": {
            "requestId": request_id,
            "functionArn": arn if arn.count(":") > 6 else f"{arn}:$LATEST",
            "condition": condition,
            "approximateInvokeCount": count,
        },
        "requestPayload": json.loads(payload),
    }
    if attempt is not None:
        record["responseContext"] = _response_context(attempt)
        record["responsePayload"] = json.loads(attempt[1].payload or b"null")
    return record


def dead_letter_attributes(request_id: str, attempt: Attempt | None) -> dict[str, tuple[str, str]]:
    """Give the attributes of the event in a dead-letter queue."""
    told: Any = None if attempt is None else json.loads(attempt[1].payload or b"null")
    message = told.get("errorMessage") if isinstance(told, dict) else None
    return {
        "RequestID": ("String", request_id),
        "ErrorCode": ("Number", "200"),
        **({"ErrorMessage": ("String", str(message)[:_MOST_OF_A_MESSAGE])} if message else {}),
    }


def of_batch(
    mapping: Mapping,
    shard: str,
    records: Sequence[StreamRecord],
    *,
    request_id: str,
    condition: str,
    count: int,
    attempt: Attempt | None,
) -> dict[str, Any]:
    """Write the record of a stream's batch: where it is to be found, and not what is in it."""
    about = {
        "shardId": shard,
        "startSequenceNumber": str(records[0].sequence),
        "endSequenceNumber": str(records[-1].sequence),
        "approximateArrivalOfFirstRecord": _moment(records[0].arrived),
        "approximateArrivalOfLastRecord": _moment(records[-1].arrived),
        "batchSize": len(records),
        "streamArn": mapping.feed_arn,
    }
    context = {
        "requestId": request_id,
        "functionArn": mapping.function_arn,
        "condition": condition,
        "approximateInvokeCount": count,
    }
    return {
        "requestContext": context,
        **({} if attempt is None else {"responseContext": _response_context(attempt)}),
        "version": "1.0",
        "timestamp": iso(datetime.now(UTC)),
        "DDBStreamBatchInfo" if mapping.service == "dynamodb" else "KinesisBatchInfo": about,
    }


def _response_context(attempt: Attempt) -> dict[str, Any]:
    function, invocation = attempt
    context: dict[str, Any] = {"statusCode": 200, "executedVersion": function.version}
    if invocation.function_error is not None:
        context["functionError"] = invocation.function_error
    return context


def _moment(seconds: float) -> str:
    return iso(datetime.fromtimestamp(seconds, UTC))
