"""The WebSocket API of an ASGI application: which of its coroutines serves which connection.

API Gateway keeps the connections, and calls the function anew for the beginning of one, each message and its
end. The coroutine of a connection stays in the environment that the connection began in, and goes on there
with each of its events. A message that reaches another environment cannot be served: its connection is
ended, as that of a server that has been restarted, and its client connects anew.
"""

from __future__ import annotations

import asyncio

from ..aio import LOOP
from ..context import CURRENT
from ..dispatch.handler import add_handler
from ..errors import EncodingError, RegistrationError
from ..events.websocket import CONNECT, DISCONNECT
from ..http.response import Response
from ..ingress.websocket import WEBSOCKET
from ..triggers.websocket import WebSocketTrigger
from . import check_application, check_path
from .asgi import MARGIN, scope_of
from .asgi_tasks import seconds_left
from .base import module_of
from .interface import interface_of
from .lifespan import lifespan_of
from .websocket_connection import ABNORMAL, WebSocketConnection, hang_up

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..app import App
    from ..events.websocket import WebSocketEvent

    Path = str | Callable[[WebSocketEvent], str]

DECORATOR = "mount_websocket"
_ROUTES = ("$connect", "$default", "$disconnect")

#: Seconds after which a connection is over, whoever heard of its end; API Gateway keeps one for two hours.
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
_LONGEST = 7_500.0


def mount_websocket(app: App, path: Path, application: Any, *, authorizer: Any, name: str | None) -> None:
    """Let an ASGI application serve the clients of the WebSocket API; see `App.mount_websocket`."""
    if not callable(path):
        check_path(path)
    shown = path if isinstance(path, str) else "/"
    check_application(shown, application)
    if interface_of(shown, application) != "asgi":
        raise RegistrationError(
            f"the application at {shown!r} is {application!r}, which speaks WSGI: that has no WebSockets."
        )
    connections = WebSocketConnections(path, application)
    trigger = WebSocketTrigger(DECORATOR, _ROUTES, authorizer)
    add_handler(app, DECORATOR, connections, name or "websocket", trigger)
    app.startups.append(connections.lifespan.start)


class WebSocketConnections:
    """The connections of one application that this environment has; called with their events."""

    def __init__(self, path: Path, application: Any) -> None:
        self._path = path
        self._application = application
        self.lifespan = lifespan_of(application)
        self._kept: dict[str, WebSocketConnection] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self.__module__ = module_of(application)
        self.__qualname__ = f"{application!r}"

    def __call__(self, event: WebSocketEvent) -> Any:
        """The answer to a handshake; None for what follows it."""
        self.lifespan.start()
        return LOOP.run(self._served(event))

    async def _served(self, event: WebSocketEvent) -> Any:
        await self._drop_old()
        answer = None
        if event.event_type == CONNECT:
            answer = await self._let_in(event)
        elif event.event_type == DISCONNECT:
            await self._left(
                event.connection_id, event.disconnect_status_code or ABNORMAL, event.disconnect_reason or ""
            )
        else:
            await self._said(event)
        for connection_id, other in list(self._kept.items()):
            if connection_id != event.connection_id:  # what was said here may be for its client, too
                await self._catch_up(connection_id, other)
        return answer

    async def _catch_up(self, connection_id: str, connection: WebSocketConnection) -> None:
        try:
            await connection.catch_up()
            if connection.is_done:
                await self._end(connection_id, connection)
        except Exception as exc:  # noqa: BLE001  # the event is another client's, who has no part in it
            told = "the connection %s could not be sent to; what is for it is kept for its next event."
            CURRENT.get().app.logger.error(told, connection_id, exc_info=exc)
        finally:
            connection.freeze()

    async def _let_in(self, event: WebSocketEvent) -> Any:
        connection = WebSocketConnection(CURRENT.get().app.websocket, event.connection_id)
        connection.begin(self._application, self._scope(event))
        rests = await connection.rest(_seconds_left())
        if rests and connection.is_accepted and not connection.is_done and not connection.is_over:
            self._kept[event.connection_id] = connection
            connection.is_let_in = True
            return connection.answer
        instead = "returned" if connection.is_done else "waited for a message"
        error = await connection.finished()
        if error is not None:
            raise error
        if connection.answer is None:
            raise EncodingError(
                "the mounted application neither accepted the client nor refused it: before it sent "
                f"websocket.accept or websocket.close, it {instead if rests else 'ran out of time'}."
            )
        return Response(b"", status_code=403) if connection.is_accepted else connection.answer

    async def _said(self, event: WebSocketEvent) -> None:
        connection = self._kept.get(event.connection_id)
        sender = CURRENT.get().app.websocket
        if connection is None or connection.is_over:
            CURRENT.get().app.logger.warning(
                "a message of the connection %s reached an environment that does not have it: it is not "
                "delivered, and the connection is ended, for its client to connect anew.",
                event.connection_id,
            )
            await hang_up(sender, event.connection_id)
            return
        await connection.open()
        body = event.body
        is_text = type(body) is str
        text, data = (body, None) if is_text else (None, body)
        connection.deliver({"type": "websocket.receive", "text": text, "bytes": data})
        if not await connection.rest(_seconds_left()):
            CURRENT.get().app.logger.warning(
                "what the mounted application does with a message of the connection %s was not over %s s "
                "before the function's time was: it goes on with the next event of this environment, if any.",
                event.connection_id,
                MARGIN,
            )
        elif connection.is_done:
            await self._end(event.connection_id, connection, is_own=True)

    async def _left(self, connection_id: str, code: int, reason: str) -> None:
        connection = self._kept.pop(connection_id, None)
        if connection is None or connection.is_over:
            return  # of another environment, or ended by the application, which may still be at it
        connection.leave(code, reason)
        await connection.rest(_seconds_left())
        await self._end(connection_id, connection)

    async def _end(self, connection_id: str, connection: WebSocketConnection, is_own: bool = False) -> None:
        """Let go of it. What it raised fails its own event, unless it comes of the client's leaving."""
        self._kept.pop(connection_id, None)
        error = await connection.finished()
        if error is None:
            return
        if is_own and not connection.is_gone:
            raise error
        CURRENT.get().app.logger.error(
            "the mounted application failed behind a connection that had ended.", exc_info=error
        )

    async def _drop_old(self) -> None:
        """End what is left of connections that API Gateway cannot have any more."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop = loop
            self._kept.clear()  # their coroutines ended with their loop
        for connection_id, connection in list(self._kept.items()):
            if connection.began + _LONGEST < loop.time():
                await self._left(connection_id, ABNORMAL, "")

    def _scope(self, event: WebSocketEvent) -> dict[str, Any]:
        path = self._path(event) if callable(self._path) else self._path
        check_path(path)
        raw: Any = event.raw
        _, _, root_path = WEBSOCKET.place(raw)
        context = CURRENT.get().lambda_context
        scope = scope_of(WEBSOCKET, raw, context, ("GET", path, root_path), "", b"")
        del scope["method"]
        offered = ",".join(
            value.decode("latin-1") for name, value in scope["headers"] if name == b"sec-websocket-protocol"
        )
        scope |= {
            "type": "websocket",
            "scheme": "wss" if scope["scheme"] == "https" else "ws",
            "subprotocols": [one.strip() for one in offered.split(",") if one.strip()],
            "extensions": {"websocket.http.response": {}},
            "state": self.lifespan.state.copy(),
        }
        return scope


def _seconds_left() -> float:
    """Until what the application still does is left alone."""
    return seconds_left(CURRENT.get().lambda_context, MARGIN)
