"""CloudEvents 1.0 in their JSON format, of events of AWS; loaded when the first is made.

S3 and SNS follow the CloudEvents project's own adapters (cloudevents/spec, `cloudevents/adapters`); the types
of all others are named in the same way, `com.amazonaws.<service>.<what happened>`; events of a bus keep the
source and the type that their sender gave them.
"""

from __future__ import annotations

import json
from binascii import b2a_base64

from .timestamps import to_rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any


def cloudevent(
    *,
    id: str,  # the specification's name
    source: str,
    type: str,
    data: Any = None,
    time: datetime | None = None,
    subject: str | None = None,
) -> dict[str, Any]:
    """A CloudEvent as a dict ready for JSON.

    `data` that is bytes or str is looked at: JSON becomes what it says; other text stays text; other bytes
    are `data_base64`. Everything else is taken as JSON as it stands.
    """
    event: dict[str, Any] = {"specversion": "1.0", "id": id, "source": _uri_reference(source), "type": type}
    if subject:
        event["subject"] = subject
    if time is not None:
        event["time"] = to_rfc3339(time)
    if data is not None:
        event.update(_payload(data))
    return event


def _payload(data: Any) -> dict[str, Any]:
    if not isinstance(data, (str, bytes)):
        return {"datacontenttype": "application/json", "data": data}
    try:
        return {"datacontenttype": "application/json", "data": json.loads(data, parse_constant=_no_constant)}
    except ValueError:
        pass
    try:
        text = data if isinstance(data, str) else data.decode()
    except UnicodeDecodeError:
        encoded = b2a_base64(data, newline=False).decode()  # type: ignore[arg-type]  # bytes: text is decoded
        return {"datacontenttype": "application/octet-stream", "data_base64": encoded}
    return {"datacontenttype": "text/plain", "data": text}


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON (RFC 8259)")


def _uri_reference(source: str) -> str:
    """`source` is a URI reference (RFC 3986): what cannot stand in one is percent-encoded."""
    from ..percent import PATH, quote

    return quote(source, f"%{PATH}?#")
