"""Connections of a WebSocket API: their beginning, their messages, their end.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html
"""

from __future__ import annotations

import json
import os
from binascii import a2b_base64

from .base import Event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from ..http.request import Request

CONNECT = "CONNECT"
MESSAGE = "MESSAGE"
DISCONNECT = "DISCONNECT"


class WebSocketEvent(Event):
    """A new connection, a message from a client, or the end of a connection: `event_type` tells which."""

    __slots__ = ("_request",)

    def __init__(self, raw: dict[str, Any], context: Any = None, request: Request | None = None) -> None:
        super().__init__(raw, context)
        self._request = request

    @property
    def _place(self) -> dict[str, Any]:
        place: dict[str, Any] = self._raw["requestContext"]
        return place

    @property
    def connection_id(self) -> str:
        """The connection, as `app.websocket.send` takes it."""
        connection_id: str = self._place["connectionId"]
        return connection_id

    @property
    def event_type(self) -> str:
        """CONNECT, MESSAGE or DISCONNECT."""
        event_type: str = self._place["eventType"]
        return event_type

    @property
    def route_key(self) -> str:
        """The route that API Gateway took: `$connect`, `$disconnect`, `$default` or one of the app's own."""
        route_key: str = self._place["routeKey"]
        return route_key

    @property
    def domain_name(self) -> str:
        """The domain that the client connected to."""
        domain_name: str = self._place["domainName"]
        return domain_name

    @property
    def stage(self) -> str:
        """The stage of the API."""
        stage: str = self._place["stage"]
        return stage

    @property
    def api_id(self) -> str | None:
        """API Gateway's id of the API."""
        return self._place.get("apiId")

    @property
    def body(self) -> str | bytes | None:
        """The message: text, or bytes where it came as base64; None where the event carries none."""
        body: str | None = self._raw.get("body")
        if body is None or not self._raw.get("isBase64Encoded"):
            return body
        return a2b_base64(body)

    def json(self) -> Any:
        """The message, parsed; ValueError where it is no JSON."""
        return json.loads(self.body or "")

    @property
    def json_body(self) -> Any:
        """Chalice's name for `json()`."""
        return self.json()

    @property
    def request(self) -> Request | None:
        """The handshake as a request, with headers, query and cookies; None unless a client connects."""
        return self._request

    @property
    def http_request(self) -> Request | None:
        """The same: it is what `microlambda.request` stands for."""
        return self._request

    @property
    def authorizer(self) -> dict[str, Any]:
        """What the authorizer of the connection said of the client; empty without one."""
        return self._place.get("authorizer") or {}

    @property
    def source_ip(self) -> str | None:
        """The client's address as API Gateway saw it."""
        return (self._place.get("identity") or {}).get("sourceIp")

    @property
    def connected_at(self) -> datetime:
        """When the connection began, in UTC."""
        from .timestamps import from_millis

        return from_millis(self._place["connectedAt"])

    @property
    def message_id(self) -> str | None:
        """API Gateway's id of the message; None unless it is one."""
        return self._place.get("messageId")

    @property
    def request_id(self) -> str | None:
        """API Gateway's id of this event, as in its access log."""
        return self._place.get("requestId")

    @property
    def disconnect_status_code(self) -> int | None:
        """The code of the close frame (RFC 6455, 7.4); None unless the connection ended."""
        return self._place.get("disconnectStatusCode")

    @property
    def disconnect_reason(self) -> str | None:
        """Why the connection ended, in words; None or empty where nobody said."""
        return self._place.get("disconnectReason")

    @property
    def callback_url(self) -> str | None:
        """The endpoint that takes messages to the API's connections; None where the region is not known.

        A custom domain takes none: there it is the API's own domain, in the region of the function.
        https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
        """
        domain, stage = self._place.get("domainName") or "", self._place.get("stage")
        if ".execute-api." in domain:
            return f"https://{domain}/{stage}"
        region = os.environ.get("AWS_REGION")
        if not region or not self.api_id:
            return None
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        return f"https://{self.api_id}.execute-api.{region}.{suffix}/{stage}"

    def _cloudevent(self) -> dict[str, Any]:
        from uuid import uuid4

        from .timestamps import from_millis

        moment = self._place.get("requestTimeEpoch")
        return {
            "id": self.request_id or str(uuid4()),
            # The event does not say the account, which an ARN would need.
            "source": f"wss://{self.domain_name}/{self.stage}",
            "type": f"com.amazonaws.apigateway.websocket.{self.event_type.lower()}",
            "subject": self.connection_id,
            "time": None if moment is None else from_millis(moment),
            "data": self._data(),
        }

    def _data(self) -> Any:
        if self.event_type != DISCONNECT:
            return self.body
        return {"statusCode": self.disconnect_status_code, "reason": self.disconnect_reason}

    def _label(self) -> str:
        return f"{self.event_type} {self.route_key!r} of {self.connection_id!r}"
