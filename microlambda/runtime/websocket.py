"""Messages to the clients of a WebSocket API, from any handler: `app.websocket.send(connection_id, data)`.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar

from .context import CURRENT
from .errors import ConfigurationError, MessageTooLarge, WebSocketDisconnected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Protocol

    from .app import App

    class Transport(Protocol):
        """What carries messages to clients; it raises `WebSocketDisconnected` for one who is gone."""

        def post(self, connection_id: str, data: bytes) -> None:
            """Send a message."""

        def delete(self, connection_id: str) -> None:
            """End the connection."""

        def get(self, connection_id: str) -> dict[str, Any]:
            """What `WebSocket.info` answers."""


#: The environment variable that names the endpoint, for handlers of anything else.
URL = "MICROLAMBDA_WEBSOCKET_URL"

_EXAMPLE = "https://ID.execute-api.REGION.amazonaws.com/STAGE"

#: What API Gateway takes in one message, in bytes (`PostToConnection`).
LIMIT = 131_072

_TRANSPORT: ContextVar[Transport | None] = ContextVar("microlambda.websocket", default=None)


@contextmanager
def websocket_transport(transport: Transport) -> Iterator[None]:
    """Let another one than API Gateway carry what is sent, as tests and `microlambda local` do."""
    token = _TRANSPORT.set(transport)
    try:
        yield
    finally:
        _TRANSPORT.reset(token)


def as_message(data: str | bytes | bytearray | memoryview) -> bytes:
    """The bytes of a message; `MessageTooLarge` for one over 128 kB."""
    message = data.encode() if isinstance(data, str) else bytes(data)
    if len(message) > LIMIT:
        raise MessageTooLarge(
            f"a WebSocket message has {len(message):,} bytes, and API Gateway takes {LIMIT:,} (128 kB). "
            "Send it in parts, or send where to fetch it."
        )
    return message


class WebSocket:
    """The sender of an app. Every method raises `WebSocketDisconnected` where the client is gone."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._endpoint: str | None = None
        self._carriers: dict[str, ManagementApi] = {}

    @property
    def endpoint(self) -> str:
        """Where messages are posted: the current event's API, else the one set here, else the environment's.

        ConfigurationError where none of them says it.
        """
        scope = CURRENT.get(None)
        current = getattr(scope.event, "callback_url", None) if scope is not None else None
        found: str | None = current or self._endpoint
        if found:
            return found
        if os.environ.get(URL):
            return _checked_endpoint(os.environ[URL], f"the environment variable {URL}")
        raise ConfigurationError(
            "app.websocket does not know which WebSocket API it sends through. There are three ways: send "
            "from a handler of that API (on_ws_connect, on_ws_message, on_ws_disconnect); set "
            f"app.websocket.endpoint = '{_EXAMPLE}'; or put that URL into the environment variable {URL}."
        )

    @endpoint.setter
    def endpoint(self, value: str | None) -> None:
        self._endpoint = None if value is None else _checked_endpoint(value, "app.websocket.endpoint")

    def send(self, connection_id: str, data: Any) -> None:
        """Send a message: text or bytes as they are, anything else as JSON by the app's encoder.

        `MessageTooLarge` for one over 128 kB, `EncodingError` for what JSON cannot hold.
        """
        is_plain = isinstance(data, (str, bytes, bytearray, memoryview))
        message = as_message(data if is_plain else self._app.json_encoder.dumps(data))
        self._carrier().post(connection_id, message)

    def close(self, connection_id: str) -> None:
        """End the connection; its client sees it closed, and `on_ws_disconnect` is run."""
        self._carrier().delete(connection_id)

    def info(self, connection_id: str) -> dict[str, Any]:
        """`connected_at` and `last_active_at` (aware datetimes), `source_ip` and `user_agent`."""
        return self._carrier().get(connection_id)

    def _carrier(self) -> Transport:
        transport = _TRANSPORT.get()
        if transport is not None:
            return transport
        endpoint = self.endpoint
        if endpoint not in self._carriers:
            self._carriers[endpoint] = ManagementApi(endpoint)
        return self._carriers[endpoint]

    def __repr__(self) -> str:
        return f"<WebSocket of {self._app!r}>"


class ManagementApi:
    """API Gateway's own transport, through boto3, which is imported with the first message."""

    def __init__(self, endpoint: str) -> None:
        import boto3

        region = _region_of(endpoint)
        self._client = boto3.client("apigatewaymanagementapi", endpoint_url=endpoint, region_name=region)

    def post(self, connection_id: str, data: bytes) -> None:
        """PostToConnection."""
        with self._told(connection_id):
            self._client.post_to_connection(ConnectionId=connection_id, Data=data)

    def delete(self, connection_id: str) -> None:
        """DeleteConnection."""
        with self._told(connection_id):
            self._client.delete_connection(ConnectionId=connection_id)

    def get(self, connection_id: str) -> dict[str, Any]:
        """GetConnection."""
        with self._told(connection_id):
            found = self._client.get_connection(ConnectionId=connection_id)
        from datetime import UTC

        identity = found.get("Identity") or {}
        return {
            "connected_at": found["ConnectedAt"].astimezone(UTC),  # botocore's own zone is another object
            "last_active_at": found["LastActiveAt"].astimezone(UTC),
            "source_ip": identity.get("SourceIp"),
            "user_agent": identity.get("UserAgent"),
        }

    @contextmanager
    def _told(self, connection_id: str) -> Iterator[None]:
        try:
            yield
        except self._client.exceptions.GoneException as exc:
            raise WebSocketDisconnected(connection_id) from exc


def _region_of(endpoint: str) -> str | None:
    """The region in an execute-api domain, for which requests are signed; else the function's."""
    _, found, rest = endpoint.partition(".execute-api.")
    return rest.partition(".")[0] if found else os.environ.get("AWS_REGION")


def _checked_endpoint(value: object, name: str) -> str:
    """The endpoint as boto3 takes it: the console shows `wss:` in front, and `/@connections` behind."""
    text = value.rstrip("/").removesuffix("/@connections") if isinstance(value, str) else ""
    for scheme, kept in (
        ("https://", "https://"),
        ("http://", "http://"),
        ("wss://", "https://"),
        ("ws://", "http://"),
    ):
        if text.startswith(scheme) and text != scheme:
            return kept + text.removeprefix(scheme)
    raise ConfigurationError(f"{name} is {value!r}, which is no URL: write '{_EXAMPLE}'.")
