"""`@app.on_ws_connect`, `@app.on_ws_message` and `@app.on_ws_disconnect`.

https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-routes.html
"""

from __future__ import annotations

from ..errors import EncodingError, HTTPException, Unauthorized, WrongAnswer
from ..events.websocket import CONNECT, WebSocketEvent
from ..http.response import Response, make_response
from .base import Trigger, as_json, refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..app import App

_ON_MESSAGE = "on_ws_message"
_OWN_DECORATORS = {"$connect": "on_ws_connect", "$disconnect": "on_ws_disconnect"}


class WebSocketTrigger(Trigger):
    """Routes of the WebSocket API: `$connect`, `$disconnect`, or keys that messages are told apart by.

    A decorator declares one; an application that is mounted takes those of a connection's whole life.
    """

    source = "websocket"
    event_class = WebSocketEvent

    def __init__(self, decorator: str, route_keys: tuple[str, ...], authorizer: Any = None) -> None:
        self.decorator = decorator
        self.authorizer = None if authorizer is None else _checked_authorizer(decorator, authorizer)
        self.route_keys = route_keys
        if decorator == _ON_MESSAGE:
            _check_key(*route_keys)

    def fits(self, event: dict[str, Any]) -> bool:
        """By the route key: API Gateway has chosen the route."""
        return event["requestContext"]["routeKey"] in self.route_keys

    def shared_with(self, other: WebSocketTrigger) -> str | None:
        """The same route."""
        shared = next((key for key in self.route_keys if key in other.route_keys), None)
        if shared is None:
            return None
        if shared in _OWN_DECORATORS:
            return f"the events of the route {shared!r}"
        return f"the messages of the route key {shared!r}"

    def declared(self) -> str:
        """With the route key, where it is the user's."""
        words = f"route_key={self.route_keys[0]!r}" if self.decorator == _ON_MESSAGE else ""
        return f"@app.{self.decorator}({words})"

    def make_event(self, raw: dict[str, Any], context: Any) -> WebSocketEvent:
        """The view; the handshake comes with its request."""
        if raw["requestContext"]["eventType"] != CONNECT:
            return WebSocketEvent(raw, context)
        from ..ingress.websocket import WEBSOCKET

        return WebSocketEvent(raw, context, WEBSOCKET.to_request(raw, context))

    def check_caller(self, event: WebSocketEvent) -> None:
        """A handshake has to show that its authorizer let it in; what follows came through one."""
        if self.authorizer is None:
            return
        from ..auth.authorizers import WEBSOCKET, Authorizer, CustomAuthorizer, IAMAuthorizer

        is_by_iam = isinstance(self.authorizer, IAMAuthorizer)
        asked: type[Authorizer] = IAMAuthorizer if is_by_iam else CustomAuthorizer
        if not asked.admits(self.authorizer, event.raw["requestContext"], WEBSOCKET):
            raise Unauthorized("this API asks for credentials.")

    def result(self, app: App, handler: str, event: Any, value: Any) -> Any:  # noqa: ARG002  # as the base's
        """The answer to the handshake, or, on a route that answers (two-way), to the message.

        None is status 200; everything else is what it would be as the answer of a view.
        """
        if value is None:
            return {"statusCode": 200}
        if isinstance(value, dict) and type(value.get("statusCode")) is int:
            return as_json(app, handler, value)  # in Lambda's own form, as a plain handler answers
        try:
            return _proxy_result(app, value.copy() if isinstance(value, Response) else make_response(value))
        except EncodingError as exc:
            told = str(exc).replace("the view", f"the handler {handler!r}", 1)
            raise WrongAnswer(told if repr(handler) in told else f"the handler {handler!r}: {told}") from exc

    def failure(self, app: App, handler: str, event: Any, error: Exception) -> Any:
        """An HTTP error is the answer to the handshake and keeps the client out; nothing else is answered."""
        if isinstance(error, HTTPException) and event.event_type == CONNECT:
            return self.result(app, handler, event, error)
        return None


def _checked_authorizer(decorator: str, value: Any) -> Any:
    from ..auth import checked_authorizer
    from ..auth.authorizers import CustomAuthorizer, IAMAuthorizer

    checked = checked_authorizer(decorator, value)
    if not isinstance(checked, IAMAuthorizer | CustomAuthorizer) and hasattr(checked, "ingresses"):
        why = "a WebSocket API asks a function of the app's, an IAMAuthorizer or a CustomAuthorizer."
        raise refuse(decorator, "authorizer", checked.declared(), why)
    return checked


def _proxy_result(app: App, response: Response) -> dict[str, Any]:
    from ..ingress.websocket import WEBSOCKET

    try:
        body = response.finished_body(app.json_encoder.dumps)
    finally:
        if response.on_close is not None:
            response.close()
    result = WEBSOCKET.to_result(response, body, False)
    return {key: value for key, value in result.items() if value or key == "body"}


def _check_key(route_key: object) -> None:
    if not isinstance(route_key, str) or not route_key:
        raise refuse(_ON_MESSAGE, "route_key", route_key, "write the key as a str, or '$default'.")
    if route_key in _OWN_DECORATORS:
        own = _OWN_DECORATORS[route_key]
        raise refuse(_ON_MESSAGE, "route_key", route_key, f"that route has its own decorator: @app.{own}().")
    if route_key.startswith("$") and route_key != "$default":
        why = "keys with '$' in front are AWS's, and of messages there is only '$default'."
        raise refuse(_ON_MESSAGE, "route_key", route_key, why)
