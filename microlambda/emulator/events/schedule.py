"""A schedule that is due, as its target gets it: of a rule of EventBridge, or of EventBridge Scheduler.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-templated.html
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from microlambda.emulator.events.origin import ORIGIN, Origin, iso, moment, new_id

_GROUP = "default"


def build(
    name: str = "nightly",
    *,
    time: datetime | None = None,
    input: Any = None,
    handler: str | None = None,
    scheduler: bool = False,
    origin: Origin = ORIGIN,
) -> dict[str, Any]:
    """The event of a rule or a schedule (its name or ARN), due at `time`.

    With `handler` or `input` it has the shape that our own deployer gives it; without them it is AWS's own.
    """
    service, resource = (
        ("scheduler", f"schedule/{_GROUP}/{name}") if scheduler else ("events", f"rule/{name}")
    )
    arn = name if name.startswith("arn:") else origin.arn(service, resource)
    due = moment(time).replace(second=0, microsecond=0) if time is None else moment(time)
    detail: Any = {}
    if handler is not None:
        detail = {"handler": handler, "input": input}
    elif input is not None:
        detail = {"input": input}
    elif scheduler:
        detail = "{}"
    return {
        "version": "0",
        "id": new_id(),
        "detail-type": "Scheduled Event",
        "source": f"aws.{service}",
        "account": origin.account,
        "time": iso(due, "seconds"),
        "region": origin.region,
        "resources": [arn],
        "detail": detail,
    }
