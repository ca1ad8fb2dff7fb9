"""A client of the app's WebSocket API, in this process: what it sends becomes events."""

from __future__ import annotations

import json
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from microlambda.emulator.events.websocket import build
from microlambda.emulator.gateway.decisions import Refused
from microlambda.emulator.gateway.failures import FAILURES
from microlambda.runtime.errors import MicrolambdaError, WebSocketDisconnected
from microlambda.runtime.websocket import websocket_transport
from microlambda.testing.handshake import WEBSOCKET, admitted, told
from microlambda.testing.invoking import handlers_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from microlambda.emulator.gateway.decisions import Identity
    from microlambda.testing.event_methods import EventMethods
    from microlambda.testing.event_result import EventResult

_REFUSAL = 400  # statuses from here on refuse a handshake


class WebSocketRefused(MicrolambdaError):
    """The client was not let in; `status_code` is the answer of the app, or of who decides before it."""

    def __init__(self, status_code: int, why: str = "") -> None:
        super().__init__(f"the handshake was answered with {status_code}{f': {why}' if why else ''}.")
        self.status_code = status_code


class WebSocketSession:
    """One connection. Leaving its `with` block ends it, as a client that goes away does."""

    def __init__(
        self,
        client: EventMethods,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        self._client = client
        self._options = options
        self._inbox: list[bytes] = []
        self._headers = dict(headers or {})
        self._open = ExitStack()
        self._is_open = True
        self._caller: Identity | None = None
        self.connection_id: str = options.pop("connection_id", None) or f"{uuid4().hex[:15]}="
        self.connected_at = self.last_active_at = datetime.now(UTC)
        if not self._routes():
            raise LookupError("the app has no handler of WebSocket events, so there is no API to connect to.")
        client.connections[self.connection_id] = self
        self._connect(headers, query)

    def _connect(self, headers: Mapping[str, str] | None, query: Mapping[str, str] | None) -> None:
        asked = {key: value for key, value in (("headers", headers), ("query", query)) if value is not None}
        self._caller = self._admitted(asked)
        answer = self._event("CONNECT", "$connect", **asked)
        status = answer.result.get("statusCode", 200) if answer is not None and answer.result else 200
        failed = answer is not None and answer.error is not None
        if failed or status >= _REFUSAL:
            self._forget()
            raise WebSocketRefused(502 if failed else status)

    def _admitted(self, asked: dict[str, Any]) -> Identity | None:
        """Who the client is, by the authorizer of `on_ws_connect`; None where it has none."""
        declared = next((one.authorizer for one in self._triggers() if "$connect" in one.route_keys), None)
        if declared is None:
            return None
        found = admitted(self._client, declared, self._built("CONNECT", "$connect", asked))
        if isinstance(found, Refused):
            self._forget()
            raise WebSocketRefused(FAILURES[WEBSOCKET][found.failure].status, found.reason)
        return found

    def __enter__(self) -> Self:
        self._open.enter_context(websocket_transport(Connections(self._client)))
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.close()
        finally:
            self._open.close()

    def send(self, message: Any) -> EventResult:
        """Send text, bytes, or anything that is JSON, to the handler of its `action` or of `$default`."""
        if not self._is_open:
            raise ValueError("this connection has been closed.")
        self.last_active_at = datetime.now(UTC)
        sent = self._event("MESSAGE", self._route_key(message), body=message)
        if sent is None:
            raise LookupError("the app has no @app.on_ws_message() for this message.")
        return sent

    def receive(self) -> Any:
        """The oldest message that the app sent and nobody received: JSON parsed, else text, else bytes.

        LookupError where there is none.
        """
        if not self._inbox:
            raise LookupError("the app has sent nothing more to this connection.")
        message = self._inbox.pop(0)
        try:
            text = message.decode()
        except UnicodeDecodeError:
            return message
        try:
            return json.loads(text)
        except ValueError:
            return text

    @property
    def pending(self) -> int:
        """How many messages wait to be received."""
        return len(self._inbox)

    @property
    def is_open(self) -> bool:
        """Has neither side ended it?"""
        return self._is_open

    def close(self) -> None:
        """End the connection; `@app.on_ws_disconnect` is run. More calls do nothing."""
        if self._is_open:
            self._forget()
            self._event("DISCONNECT", "$disconnect")

    def deliver(self, data: bytes) -> None:
        """Take a message of the app's."""
        self.last_active_at = datetime.now(UTC)
        self._inbox.append(data)

    def info(self) -> dict[str, Any]:
        """What API Gateway tells of the connection."""
        agent = next((value for name, value in self._headers.items() if name.lower() == "user-agent"), None)
        return {
            "connected_at": self.connected_at,
            "last_active_at": self.last_active_at,
            "source_ip": "127.0.0.1",
            "user_agent": agent,
        }

    def _forget(self) -> None:
        self._is_open = False
        self._client.connections.pop(self.connection_id, None)

    def _routes(self) -> set[str]:
        return {key for trigger in self._triggers() for key in trigger.route_keys}

    def _triggers(self) -> list[Any]:
        return [one.trigger for one in handlers_of(self._client.app, "websocket")]

    def _route_key(self, message: Any) -> str:
        """By the usual route selection expression, `$request.body.action`."""
        parsed = message
        if isinstance(message, str | bytes):
            try:
                parsed = json.loads(message)
            except ValueError:
                parsed = None
        action = parsed.get("action") if isinstance(parsed, dict) else None
        return action if isinstance(action, str) and action in self._routes() else "$default"

    def _event(self, kind: str, route_key: str, **options: Any) -> EventResult | None:
        """Send an event; a route that nobody handles is none of the API's."""
        if route_key not in self._routes():
            return None
        event = self._built(kind, route_key, options)
        with websocket_transport(Connections(self._client)):
            return self._client.send_event(event)

    def _built(self, kind: str, route_key: str, options: dict[str, Any]) -> dict[str, Any]:
        """The event, with what is known of the client."""
        options = {**self._options, **options}
        event = build(kind, route_key=route_key, connection_id=self.connection_id, **options)
        return event if self._caller is None else told(event, self._caller)


class Connections:
    """Carries what the app sends to the connections of one test client."""

    def __init__(self, client: EventMethods) -> None:
        self._client = client

    def _session(self, connection_id: str) -> WebSocketSession:
        session = self._client.connections.get(connection_id)
        if session is None:
            raise WebSocketDisconnected(connection_id)
        return session

    def post(self, connection_id: str, data: bytes) -> None:
        """Hand a message over."""
        self._session(connection_id).deliver(data)

    def delete(self, connection_id: str) -> None:
        """End a connection from the app's side."""
        self._session(connection_id).close()

    def get(self, connection_id: str) -> dict[str, Any]:
        """Tell of a connection."""
        return self._session(connection_id).info()
