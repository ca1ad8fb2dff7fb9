"""Events as EventBridge delivers them to a rule's target.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from microlambda.emulator.events.origin import ORIGIN, Origin, iso, moment, new_id


def build(
    source: str = "shop.orders",
    detail_type: str = "Order Placed",
    detail: Any = {"orderId": 7},  # noqa: B006  # never changed
    *,
    resources: Sequence[str] = (),
    time: datetime | None = None,
    origin: Origin = ORIGIN,
) -> dict[str, Any]:
    """One event; `resources` are ARNs of what it is about."""
    return {
        "version": "0",
        "id": new_id(),
        "detail-type": detail_type,
        "source": source,
        "account": origin.account,
        "time": iso(moment(time), "seconds"),
        "region": origin.region,
        "resources": list(resources),
        "detail": detail,
    }
