"""A message of an MQTT topic, as a rule with microlambda's own statement sends it.

https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-functions.html
"""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from typing import Any

from microlambda.emulator.events.origin import ORIGIN, Origin, as_bytes, millis, moment, new_id


def build(
    topic: str = "sensors/kitchen/temperature",
    payload: Any = '{"celsius":21.5}',
    *,
    client_id: str | None = "kitchen-1",
    time: datetime | None = None,
    origin: Origin = ORIGIN,  # noqa: ARG001  # as every builder; the event names neither region nor account
) -> dict[str, Any]:
    """The event of a message, its payload JSON unless str or bytes; without `client_id` it came by HTTP."""
    event = {
        "payload": b64encode(as_bytes(payload)).decode(),
        "topic": topic,
        "timestamp": millis(moment(time)),
        "clientId": client_id or "n/a",
        "eventSource": "aws:iot",
    }
    return event if client_id is None else event | {"traceId": new_id()}
