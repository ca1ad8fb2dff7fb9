"""One client of the WebSocket API that `microlambda local` serves: the handshake, its messages, its end."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.sync.connection import Connection

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from microlambda.emulator.gateway.decisions import Identity

# The quotas of WebSocket APIs, in bytes; a message that is larger ends the connection with 1009.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
MAX_MESSAGE, MAX_FRAME = 131_072, 32_768

#: "If a client app sends a binary frame, API Gateway rejects it and disconnects the client with code 1003."
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-binary-media-types.html
UNSUPPORTED = 1003

_ENDED = 1000


class HandshakeRefused(Exception):
    """The request is none that opens a WebSocket; `status` and `text` are the answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class WebSocketClient:
    """A connection from its handshake on. Any thread may send, and end it."""

    def __init__(self, environ: dict[str, Any], connection_id: str) -> None:
        self.connection_id = connection_id
        self.address: str = environ["REMOTE_ADDR"]
        self.agent: str | None = environ.get("HTTP_USER_AGENT")
        self.caller: Identity | None = None  # who it is, by the authorizer
        self.connected_at = self.last_active_at = datetime.now(UTC)
        self._socket: socket.socket = environ["microlambda.connection"]
        self._protocol = ServerProtocol(max_size=(MAX_MESSAGE, MAX_FRAME))
        self._response = self._handshake(environ)
        self._connection: Connection | None = None

    def _handshake(self, environ: dict[str, Any]) -> Any:
        """Let the library read the request; `HandshakeRefused` where that is none of its kind."""
        fields = [f"{name}: {value}" for name, value in environ["microlambda.headers"]]
        head = "\r\n".join([f"GET {environ['REQUEST_URI']} HTTP/1.1", *fields, "", ""])
        self._protocol.receive_data(head.encode("latin-1"))
        requests = [one for one in self._protocol.events_received() if isinstance(one, Request)]
        if environ["REQUEST_METHOD"] != "GET" or not requests:
            raise HandshakeRefused(400, "a handshake is a GET request.")
        response = self._protocol.accept(requests[0])
        if response.status_code != 101:
            raise HandshakeRefused(response.status_code, (response.body or b"").decode(errors="replace"))
        return response

    def open(self, subprotocol: str | None = None) -> None:
        """Answer the handshake, with the subprotocol that the app chose: from now on there are messages."""
        if subprotocol is not None:
            self._response.headers["Sec-WebSocket-Protocol"] = subprotocol
        self._protocol.send_response(self._response)
        self._socket.settimeout(None)
        for piece in self._protocol.data_to_send():
            self._socket.sendall(piece)
        self._connection = Connection(self._socket, self._protocol, ping_interval=None, close_timeout=2)

    def messages(self) -> Iterator[str]:
        """Give each message, until the connection ends; a binary one ends it."""
        connection = self._opened()
        with suppress(ConnectionClosed):
            while True:
                message = connection.recv()
                self.last_active_at = datetime.now(UTC)
                if isinstance(message, bytes):
                    connection.close(UNSUPPORTED, "Binary is not supported.")
                    return
                yield message

    def send(self, data: bytes) -> bool:
        """Send a message, as text where it is text; False where the client is gone."""
        try:
            self._opened().send(_text(data))
        except ConnectionClosed:
            return False
        self.last_active_at = datetime.now(UTC)
        return True

    def close(self, code: int = _ENDED, reason: str = "") -> None:
        """End the connection; more calls do nothing."""
        if self._connection is not None:
            self._connection.close(code, reason)

    @property
    def ending(self) -> tuple[int, str]:
        """Say how it ended: the code and the reason of the client's close frame, or 1006 without one."""
        protocol = self._protocol
        return protocol.close_code or 1006, protocol.close_reason or ""

    def info(self) -> dict[str, Any]:
        """Tell of the connection, as JSON has it."""
        return {
            "connected_at": self.connected_at.isoformat(),
            "last_active_at": self.last_active_at.isoformat(),
            "source_ip": self.address,
            "user_agent": self.agent,
        }

    def _opened(self) -> Connection:
        if self._connection is None:
            raise RuntimeError("the handshake has not been answered")
        return self._connection


def _text(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data
