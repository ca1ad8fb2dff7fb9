"""Lines of a log group, packed as CloudWatch Logs sends them to a subscribed function.

https://docs.aws.amazon.com/lambda/latest/dg/services-cloudwatchlogs.html
"""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from microlambda.emulator.events.origin import ORIGIN, Origin, as_text, millis, moment

_ID_DIGITS = 56


def build(
    log_group: str = "/aws/lambda/orders",
    lines: Sequence[Any] = ("Hello from CloudWatch Logs!",),
    *,
    log_stream: str = "2026/11/24/[$LATEST]8f507cfc",
    subscription_filter: str = "orders",
    time: datetime | None = None,
    origin: Origin = ORIGIN,
) -> dict[str, Any]:
    """Lines of a log group (its name or ARN), JSON unless str or bytes, a millisecond apart, from `time`."""
    logged = millis(moment(time))
    group = log_group.removesuffix(":*")
    content = {
        "messageType": "DATA_MESSAGE",
        "owner": Origin.of(group, origin).account,
        "logGroup": group.partition(":log-group:")[2] or group,
        "logStream": log_stream,
        "subscriptionFilters": [subscription_filter],
        "logEvents": [
            {
                "id": line_id(logged, number),
                "timestamp": logged + number,
                "message": as_text(line),
            }
            for number, line in enumerate(lines)
        ],
    }
    return packed(content)


def line_id(timestamp: int, number: int) -> str:
    """Write the id of a line, as long as CloudWatch's: it is of its time (ms), and of its number."""
    return str(10 ** (_ID_DIGITS - 1) + (timestamp << 20) + number)


def control_message() -> dict[str, Any]:
    """What CloudWatch Logs sends to see whether the destination can be reached."""
    return packed(
        {
            "messageType": "CONTROL_MESSAGE",
            "owner": "CloudwatchLogs",
            "logGroup": "",
            "logStream": "",
            "subscriptionFilters": [],
            "logEvents": [
                {
                    "id": "",
                    "timestamp": millis(moment(None)),
                    "message": "CWL CONTROL MESSAGE: Checking health of destination.",
                }
            ],
        }
    )


def packed(content: Any) -> dict[str, Any]:
    """The event that holds a content: base64 of gzip of JSON."""
    return {"awslogs": {"data": b64encode(gzip.compress(json.dumps(content).encode())).decode()}}
