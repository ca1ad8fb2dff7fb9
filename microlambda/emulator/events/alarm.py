"""Changes of alarms, as CloudWatch calls a function with them.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from microlambda.emulator.events.origin import ORIGIN, Origin, moment

_BEFORE = timedelta(minutes=5)


def build(
    alarm: str = "orders-errors",
    state: str = "ALARM",
    *,
    previous_state: str = "OK",
    reason: str = "Threshold Crossed: 1 datapoint [7.0] was greater than the threshold (1.0).",
    composite: bool = False,
    time: datetime | None = None,
    origin: Origin = ORIGIN,
) -> dict[str, Any]:
    """An alarm (its name or ARN) that went from one state to another; a composite one follows others."""
    arn = origin.arn("cloudwatch", f"alarm:{alarm}") if not alarm.startswith("arn:") else alarm
    place = Origin.of(arn, origin)
    changed = moment(time)
    child = place.arn("cloudwatch", "alarm:orders-errors-metric")
    configuration = _composite(child) if composite else _metric()
    return {
        "source": "aws.cloudwatch",
        "alarmArn": arn,
        "accountId": place.account,
        "time": _stamp(changed),
        "region": place.region,
        "alarmData": {
            "alarmName": arn.partition(":alarm:")[2],
            "state": {
                "value": state,
                "reason": reason,
                "reasonData": json.dumps(_reason_data(changed, state, child if composite else None)),
                "timestamp": _stamp(changed),
            },
            "previousState": {
                "value": previous_state,
                "reason": f"It was {previous_state}.",
                "timestamp": _stamp(changed - _BEFORE),
            },
            "configuration": configuration,
        },
    }


def _stamp(time: datetime) -> str:
    """CloudWatch writes UTC as `+0000`."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "+0000")


def _metric() -> dict[str, Any]:
    metric = {"namespace": "AWS/Lambda", "name": "Errors", "dimensions": {"FunctionName": "orders"}}
    return {
        "description": "Errors of the function orders",
        "metrics": [
            {
                "id": "e1",
                "metricStat": {"metric": metric, "period": 60, "stat": "Sum", "unit": "Count"},
                "returnData": True,
            }
        ],
    }


def _composite(child: str) -> dict[str, Any]:
    return {
        "alarmRule": f"ALARM({child})",
        "actionsSuppressor": "deploying",
        "actionsSuppressorWaitPeriod": 120,
        "actionsSuppressorExtensionPeriod": 180,
    }


def _reason_data(changed: datetime, state: str, child: str | None) -> dict[str, Any]:
    if child is not None:
        return {"triggeringAlarms": [{"arn": child, "state": {"value": state, "timestamp": _stamp(changed)}}]}
    return {
        "version": "1.0",
        "queryDate": _stamp(changed),
        "startDate": _stamp(changed - _BEFORE),
        "statistic": "Sum",
        "period": 60,
        "recentDatapoints": [7.0],
        "threshold": 1.0,
    }
