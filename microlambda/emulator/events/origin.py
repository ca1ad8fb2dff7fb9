"""Where and when events come from, and the ids that services give."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The region and the account of the resources that events come from."""

    region: str = "us-east-1"
    account: str = "123456789012"

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource: `arn("sqs", "orders")`; what is an ARN already stays."""
        return resource if resource.startswith("arn:") else self._made(service, resource)

    def _made(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    @classmethod
    def of(cls, arn: str, default: Origin) -> Origin:
        """The region and account that an ARN names; those of `default` where it names none."""
        parts = arn.split(":")
        if len(parts) < 6 or parts[0] != "arn":
            return default
        return cls(region=parts[3] or default.region, account=parts[4] or default.account)


ORIGIN = Origin()


def moment(time: datetime | None) -> datetime:
    """The time, in UTC; now where none is given. A naive one is UTC."""
    if time is None:
        return datetime.now(UTC)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def iso(time: datetime, timespec: str = "milliseconds") -> str:
    """`2026-11-24T10:00:00.123Z`; of timespec "seconds" without the fraction."""
    return time.isoformat(timespec=timespec).replace("+00:00", "Z")


def millis(time: datetime) -> int:
    """Milliseconds since 1970."""
    return int(time.timestamp() * 1000)


def new_id() -> str:
    """An id as most services give: a random UUID."""
    return str(uuid4())


def as_text(payload: Any) -> str:
    """What a sender hands over, as text: str as it is, bytes as UTF-8, everything else as JSON."""
    if isinstance(payload, str):
        return payload
    if isinstance(payload, bytes):
        return payload.decode()
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False)


def as_bytes(payload: Any) -> bytes:
    """What a sender hands over, as bytes: bytes as they are, str as UTF-8, everything else as JSON."""
    return payload if isinstance(payload, bytes) else as_text(payload).encode()
