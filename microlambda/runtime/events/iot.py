"""A message that a device published on an MQTT topic, as a rule of AWS IoT hands it over.

https://docs.aws.amazon.com/iot/latest/developerguide/iot-rules.html
"""

from __future__ import annotations

import json
from binascii import a2b_base64

from .base import Event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

#: What our own statement puts under `eventSource`: what a rule sends has no mark of AWS's.
MARK = "aws:iot"


class IotEvent(Event):
    """One message; of a rule with the user's own `sql` only `json()` is known, what that selected."""

    __slots__ = ()

    @property
    def _ours(self) -> dict[str, Any]:
        """What our own statement selected; empty where another one did."""
        raw: Any = self._raw
        return raw if isinstance(raw, dict) and raw.get("eventSource") == MARK else {}

    @property
    def topic(self) -> str | None:
        """The topic that it was published on."""
        return self._ours.get("topic")

    @property
    def payload(self) -> bytes:
        """What was published, untouched; of a rule with another statement, its result as JSON."""
        if not self._ours:
            return json.dumps(self._raw, ensure_ascii=False).encode()
        return a2b_base64(self._ours.get("payload") or "")

    @property
    def text(self) -> str:
        """The payload as text; ValueError where it is no UTF-8."""
        return self.payload.decode()

    def json(self) -> Any:
        """The payload, parsed; ValueError where it is no JSON."""
        return json.loads(self.payload) if self._ours else self._raw

    @property
    def timestamp(self) -> datetime | None:
        """When AWS IoT got it, in UTC."""
        from .timestamps import from_millis

        moment = self._ours.get("timestamp")
        return None if moment is None else from_millis(moment)

    @property
    def client_id(self) -> str | None:
        """The MQTT client that sent it; None where it came another way, by HTTP for example."""
        client: str | None = self._ours.get("clientId")
        return None if client is None or client.lower() == "n/a" else client

    @property
    def trace_id(self) -> str | None:
        """AWS IoT's id of the message, by which its log tells of it; None unless it came by MQTT."""
        return self._ours.get("traceId")

    def _cloudevent(self) -> dict[str, Any]:
        from datetime import UTC, datetime
        from uuid import uuid4

        request_id = getattr(self._context, "aws_request_id", None)
        return {
            "id": self.trace_id or request_id or str(uuid4()),
            "source": self._source(),
            "type": "com.amazonaws.iot.message",
            "subject": self.topic,
            "time": self.timestamp or datetime.now(UTC),
            "data": self.payload if self._ours else self._raw,
        }

    def _source(self) -> str:
        """The topic's ARN, in the account and region of the function, which a rule shares."""
        function = getattr(self._context, "invoked_function_arn", None) or ""
        parts = function.split(":")
        if self.topic is None or len(parts) < 5:
            return MARK
        return f"arn:{parts[1]}:iot:{parts[3]}:{parts[4]}:topic/{self.topic}"

    def _label(self) -> str:
        return f"on {self.topic!r}" if self.topic is not None else "of a statement of its own"
