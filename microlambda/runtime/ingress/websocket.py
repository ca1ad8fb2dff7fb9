"""The handshake of a WebSocket connection, read as the HTTP request that it is.

No view answers it: it comes to `@app.on_ws_connect`, whose event carries the request.
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-route-keys-connect-disconnect.html
"""

from __future__ import annotations

from .rest_api import RestApiIngress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class WebSocketIngress(RestApiIngress):
    """Headers, query, client's address and answer have the places of payload 1.0; there is no path."""

    name = "websocket"
    streams = False
    keeps_escapes = False  # the path is not the caller's

    def place(self, event: dict[str, Any]) -> tuple[str, str, str]:
        """A GET of `/`; the stage, in the URL unless the domain is a custom one, is its `root_path`."""
        place = event["requestContext"]
        stage = place.get("stage")
        in_url = stage and ".execute-api." in (place.get("domainName") or "")
        return "GET", "/", f"/{stage}" if in_url else ""


WEBSOCKET = WebSocketIngress()
