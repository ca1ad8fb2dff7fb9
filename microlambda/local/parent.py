"""What the app's process asks of its parent, which holds the connections of WebSockets: to send to them."""

from __future__ import annotations

import json
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

from microlambda.local.addresses import PREFIX, TOKEN
from microlambda.runtime.errors import WebSocketDisconnected


class ParentConnections:
    """Carries what `app.websocket` sends; `told` is the variable's value."""

    def __init__(self, told: str) -> None:
        url, _, self._token = told.partition(" ")
        self._address = urlsplit(url).netloc

    def post(self, connection_id: str, data: bytes) -> None:
        """Send a message."""
        self._ask("POST", connection_id, data)

    def delete(self, connection_id: str) -> None:
        """End the connection."""
        self._ask("DELETE", connection_id)

    def get(self, connection_id: str) -> dict[str, Any]:
        """Tell of the connection, as `WebSocket.info` does."""
        told: dict[str, Any] = self._ask("GET", connection_id)
        moments = {name: datetime.fromisoformat(told[name]) for name in ("connected_at", "last_active_at")}
        return {**told, **moments}

    def _ask(self, method: str, connection_id: str, data: bytes | None = None) -> Any:
        from http.client import HTTPConnection

        connection = HTTPConnection(self._address, timeout=30)
        try:
            path = f"{PREFIX}connections/{quote(connection_id, safe='')}"
            connection.request(method, path, body=data, headers={TOKEN: self._token})
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status == HTTPStatus.GONE:
            raise WebSocketDisconnected(connection_id)
        if answer.status != HTTPStatus.OK:
            raise ConnectionError(f"the parent answered {answer.status}: {body.decode(errors='replace')}")
        return json.loads(body)
