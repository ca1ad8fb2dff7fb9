"""What a WebSocket API sends for a new connection, for a message and for the end of a connection.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html
"""

from __future__ import annotations

import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from microlambda.emulator.events.origin import ORIGIN, Origin, as_bytes, millis, moment

_ROUTES = {"CONNECT": "$connect", "MESSAGE": "$default", "DISCONNECT": "$disconnect"}
_API = "a1b2c3d4e5"
_ADDRESS = "203.0.113.7"


def build(
    event_type: str = "CONNECT",
    *,
    route_key: str | None = None,
    body: Any = "Hello from a client!",
    connection_id: str | None = None,
    headers: Mapping[str, Any] = {},
    query: Mapping[str, Any] = {},
    stage: str = "dev",
    domain_name: str | None = None,
    time: datetime | None = None,
    origin: Origin = ORIGIN,
) -> dict[str, Any]:
    """The event of one type: CONNECT, MESSAGE or DISCONNECT; any other is a ValueError.

    `headers` and `query` (values str, or lists of them) are the handshake's. `body` is a message's: JSON
    unless it is str or bytes; bytes that are no UTF-8 go as base64. A message's route key is `$default`
    unless it is given.
    """
    if event_type not in _ROUTES:
        raise ValueError(f"event_type={event_type!r}: a WebSocket API sends {', '.join(_ROUTES)}.")
    domain = domain_name or f"{_API}.execute-api.{origin.region}.amazonaws.com"
    event: dict[str, Any] = {}
    if event_type == "CONNECT":
        event |= _fields("headers", "multiValueHeaders", _handshake(domain, headers))
        if query:
            event |= _fields("queryStringParameters", "multiValueQueryStringParameters", query)
    elif event_type == "DISCONNECT":
        gone = {"Host": domain, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
        event |= _fields("headers", "multiValueHeaders", gone)
    context = _context(event_type, moment(time), connection_id or _new_id())
    context |= {"routeKey": route_key or _ROUTES[event_type], "stage": stage, "domainName": domain}
    event |= {"requestContext": context, "isBase64Encoded": False}
    return event | _message(body) if event_type == "MESSAGE" else event


def _context(event_type: str, now: datetime, connection_id: str) -> dict[str, Any]:
    request_id = _new_id()
    connected = now if event_type == "CONNECT" else now - timedelta(seconds=1)
    context: dict[str, Any] = {
        "eventType": event_type,
        "extendedRequestId": request_id,
        "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "messageDirection": "IN",
        "connectedAt": millis(connected),
        "requestTimeEpoch": millis(now),
        "identity": {"sourceIp": _ADDRESS},
        "requestId": request_id,
        "connectionId": connection_id,
        "apiId": _API,
    }
    if event_type == "MESSAGE":
        context["messageId"] = _new_id()
    elif event_type == "DISCONNECT":
        context |= {"disconnectStatusCode": 1000, "disconnectReason": ""}
    return context


def _handshake(domain: str, own: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "Host": domain,
        "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
        "Sec-WebSocket-Key": b64encode(secrets.token_bytes(16)).decode(),
        "Sec-WebSocket-Version": "13",
        "X-Amzn-Trace-Id": f"Root=1-{secrets.token_hex(4)}-{secrets.token_hex(12)}",
        "X-Forwarded-For": _ADDRESS,
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
    }
    given = {name.lower() for name in own}
    return {name: value for name, value in fields.items() if name.lower() not in given} | dict(own)


def _fields(single: str, several: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The two maps in which payload 1.0 has its fields: the last value of each name, and all of them."""
    lists = {name: [value] if isinstance(value, str) else list(value) for name, value in values.items()}
    return {single: {name: value[-1] for name, value in lists.items()}, several: lists}


def _message(body: Any) -> dict[str, Any]:
    data = as_bytes(body)
    try:
        return {"body": data.decode(), "isBase64Encoded": False}
    except UnicodeDecodeError:
        return {"body": b64encode(data).decode(), "isBase64Encoded": True}


def _new_id() -> str:
    """16 characters, as `L0SM9cOFvHcCIhw=`."""
    return urlsafe_b64encode(secrets.token_bytes(11)).decode()
