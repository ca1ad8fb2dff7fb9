"""The WebSocket API of `microlambda local`: what clients do becomes events, and handlers answer them.

Messages go to the handler of their `action`, by the usual route selection expression `$request.body.action`,
or to that of `$default`. What the API itself answers is API Gateway's.
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-overview.html
"""

from __future__ import annotations

import json
import secrets
import threading
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from microlambda.emulator.events.websocket import build
from microlambda.emulator.gateway.access.handshakes import WEBSOCKET, handshake_question, told
from microlambda.emulator.gateway.decisions import Refused
from microlambda.emulator.gateway.failures import FAILURES
from microlambda.emulator.messages import HttpRequest, HttpResponse
from microlambda.local.spec import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from microlambda.emulator.gateway.decisions import Decider
    from microlambda.emulator.gateway.guards import Guard
    from microlambda.emulator.invocation import Invocation
    from microlambda.local.websocket_client import WebSocketClient

CONNECT, DISCONNECT, DEFAULT = "$connect", "$disconnect", "$default"

_REFUSAL = 400  # statuses from here on refuse a handshake


class ConnectionGone(LookupError):
    """No client has this connection."""


@dataclass(frozen=True, kw_only=True)
class HandshakeAccess:
    """What the API, of that region, asks of a client that opens a connection, and who decides about it."""

    region: str
    guard: Guard
    decider: Decider


class WebSocketApi:
    """Serves clients, as a WSGI application of a server that gives its connections away.

    `routes` gives the handlers of the version that serves now, by route keys; `run` runs one event of a
    handler, and `access` gives what a handshake is asked for. Connections stay open through reloads.
    `refused` is told of each client that was not let in, and why.
    """

    def __init__(
        self,
        routes: Callable[[], Mapping[str, str]],
        run: Callable[[str, bytes], Invocation],
        *,
        stage: str,
        access: Callable[[], HandshakeAccess | None] = lambda: None,
        refused: Callable[[HttpRequest, HttpResponse, str], None] = lambda _request, _answer, _why: None,
    ) -> None:
        self._access = access
        self._told_refused = refused
        self._routes = routes
        self._run = run
        self._stage = stage
        self._clients: dict[str, WebSocketClient] = {}
        self._guard = threading.Lock()

    def takes(self, environ: dict[str, Any]) -> bool:
        """Tell whether a request would open a WebSocket, and the app has handlers of such events."""
        asked = environ.get("HTTP_UPGRADE", "").lower() == "websocket"
        return asked and bool(self._routes())

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Serve one client from its handshake to its end, or refuse it."""
        if environ["PATH_INFO"].strip("/") not in ("", self._stage):
            return _answer(start_response, HTTPStatus.FORBIDDEN, '{"message": "Forbidden"}')
        # the library loads with the first client
        from microlambda.local.websocket_client import HandshakeRefused, WebSocketClient

        try:
            client = WebSocketClient(environ, _new_id())
        except HandshakeRefused as refused:
            return _answer(start_response, HTTPStatus(refused.status), refused.text)
        status, subprotocol = self._connected(client, environ)
        if status >= _REFUSAL:
            return _answer(start_response, HTTPStatus(status), "")
        self._serve(client, subprotocol)
        raise ConnectionResetError("the connection was a WebSocket, and has ended")

    def post(self, connection_id: str, data: bytes) -> None:
        """Send a message to a client; `ConnectionGone` where there is none."""
        if not self._client(connection_id).send(data):
            raise ConnectionGone(connection_id)

    def delete(self, connection_id: str) -> None:
        """End a client's connection."""
        self._client(connection_id).close()

    def get(self, connection_id: str) -> dict[str, Any]:
        """Tell of a client."""
        return self._client(connection_id).info()

    def stop(self) -> None:
        """End all connections."""
        with self._guard:
            clients = list(self._clients.values())
        for client in clients:
            client.close(1001, "Going away")

    def _client(self, connection_id: str) -> WebSocketClient:
        with self._guard:
            client = self._clients.get(connection_id)
        if client is None:
            raise ConnectionGone(connection_id)
        return client

    def _connected(self, client: WebSocketClient, environ: dict[str, Any]) -> tuple[int, str | None]:
        """Ask the app whether the client may come in; gives the handshake's status, and a subprotocol.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-connect-route-subprotocol.html
        """
        fields: dict[str, list[str]] = {}
        for name, value in environ["microlambda.headers"]:
            fields.setdefault(name, []).append(value)
        query: dict[str, list[str]] = {}
        for name, value in parse_qsl(environ["QUERY_STRING"], keep_blank_values=True):
            query.setdefault(name, []).append(value)
        request = HttpRequest.from_environ({**environ, "wsgi.input": None})
        refused = self._refused(client, request, fields, query)
        if refused is not None:
            return refused, None
        invocation = self._event(client, "CONNECT", CONNECT, headers=fields, query=query)
        if invocation is None:
            return 200, None
        result = json.loads(invocation.payload) if invocation.function_error is None else None
        if not isinstance(result, dict) or not isinstance(result.get("statusCode", 200), int):
            return HTTPStatus.BAD_GATEWAY, None
        chosen = {name.lower(): value for name, value in (result.get("headers") or {}).items()}
        return result.get("statusCode", 200), chosen.get("sec-websocket-protocol")

    def _refused(
        self,
        client: WebSocketClient,
        request: HttpRequest,
        headers: dict[str, list[str]],
        query: dict[str, list[str]],
    ) -> int | None:
        """Ask the authorizer, if there is one; gives the status for a client that it does not let in."""
        access = self._access()
        if access is None:
            return None
        event = self._built(client, "CONNECT", CONNECT, headers=headers, query=query)
        question = handshake_question(event, region=access.region, account_id=ACCOUNT, request=request)
        found = access.decider.decide(access.guard, question)
        if isinstance(found, Refused):
            status = FAILURES[WEBSOCKET][found.failure].status
            why = f"{found.failure.value}: {found.reason}" if found.reason else found.failure.value
            path = request.target.partition("?")[0]  # the query may hold the token
            self._told_refused(replace(request, target=path), HttpResponse(status=status), why)
            return status
        client.caller = found
        return None

    def _serve(self, client: WebSocketClient, subprotocol: str | None) -> None:
        with self._guard:
            self._clients[client.connection_id] = client
        try:
            client.open(subprotocol)
            for message in client.messages():
                self._take(client, message)
        except OSError:
            pass  # the client left while it was let in
        finally:
            with self._guard:
                self._clients.pop(client.connection_id, None)
            self._event(client, "DISCONNECT", DISCONNECT)

    def _take(self, client: WebSocketClient, message: str) -> None:
        """Hand a message to its handler; where there is none, or it fails, the client is told."""
        invocation = self._event(client, "MESSAGE", self._route_key(message), body=message)
        if invocation is None:
            self._tell(client, "Forbidden")
        elif invocation.function_error is not None:
            self._tell(client, "Internal server error")

    def _tell(self, client: WebSocketClient, message: str) -> None:
        told = {"message": message, "connectionId": client.connection_id, "requestId": _new_id()}
        client.send(json.dumps(told).encode())

    def _route_key(self, message: str) -> str:
        try:
            parsed = json.loads(message)
        except ValueError:
            return DEFAULT
        action = parsed.get("action") if isinstance(parsed, dict) else None
        return action if isinstance(action, str) and action in self._routes() else DEFAULT

    def _event(self, client: WebSocketClient, kind: str, route_key: str, **options: Any) -> Invocation | None:
        """Run an event; None where the app has no handler of this route."""
        handler = self._routes().get(route_key)
        if handler is None:
            return None
        event = told(self._built(client, kind, route_key, **options), client.caller)
        return self._run(handler, json.dumps(event).encode())

    def _built(self, client: WebSocketClient, kind: str, route_key: str, **options: Any) -> dict[str, Any]:
        event = build(
            kind, route_key=route_key, connection_id=client.connection_id, stage=self._stage, **options
        )
        context = event["requestContext"]
        context["connectedAt"] = int(client.connected_at.timestamp() * 1000)
        context["identity"] = {"sourceIp": client.address}
        if client.agent is not None:
            context["identity"]["userAgent"] = client.agent
        if kind == "DISCONNECT":
            context["disconnectStatusCode"], context["disconnectReason"] = client.ending
        return event


def _answer(start_response: Any, status: HTTPStatus, text: str) -> list[bytes]:
    kind = "application/json" if text.startswith("{") else "text/plain"
    start_response(f"{status.value} {status.phrase}", [("Content-Type", kind)])
    return [text.encode()]


def _new_id() -> str:
    """16 characters, as API Gateway's: `L0SM9cOFvHcCIhw=`."""
    return urlsafe_b64encode(secrets.token_bytes(11)).decode()
