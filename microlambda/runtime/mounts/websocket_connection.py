"""One client of a WebSocket API, as an ASGI application serves it: a coroutine from handshake to end.

https://asgi.readthedocs.io/en/latest/specs/www.html#websocket
"""

from __future__ import annotations

import asyncio
from contextvars import copy_context

from ..aio import LOOP
from ..aio.threads import in_thread
from ..errors import WebSocketDisconnected
from ..http.headers import Headers
from ..http.response import Response
from ..websocket import as_message
from .asgi import MARGIN
from .asgi_tasks import noted
from .resting import is_at_work, quiet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from ..websocket import WebSocket

#: Seconds that the application's other tasks are waited for then, while they wait for something outside.
_PATIENCE = 1.0
_POLL = 0.002

#: The code of an end that nobody announced (RFC 6455, 7.4.1).
ABNORMAL = 1006

_REFUSED = 400  # statuses from here on refuse a handshake


class WebSocketConnection:
    """What the application receives, and what it sends; all of it runs in the loop.

    `answer` is what the application made of the handshake, as a handler answers it; None until then.
    `is_let_in` says that the gateway was told to take the client, `is_open` that it has. The connection is
    over when one of both sides has ended it; `is_gone` says that it was the client.
    """

    answer: Response | dict[str, Any] | None = None
    is_accepted = False
    is_let_in = False
    is_open = False
    is_over = False
    is_gone = False
    _asking = 0  # how many wait for a message
    _sending = 0  # how many messages are on their way

    def __init__(self, sender: WebSocket, connection_id: str) -> None:
        self._sender = sender
        self._id = connection_id
        self.began = asyncio.get_running_loop().time()
        self._inbox: list[dict[str, Any]] = [{"type": "websocket.connect"}]
        self._held: list[bytes] = []
        self._arrived = asyncio.Event()
        self._rests = asyncio.Event()
        self._tasks: list[asyncio.Task[Any]] = []

    # What the application calls ----------------------------------------------------------------

    async def receive(self) -> dict[str, Any]:
        """The next message; after the end of the connection that it has ended, however often it asks."""
        while not self._inbox:
            self._asking += 1
            self._look()
            try:
                await self._arrived.wait()
            finally:
                self._asking -= 1
                self._look()
        message = self._inbox[0]
        if message["type"] != "websocket.disconnect":
            self._inbox.pop(0)
        return message

    async def send(self, message: Any) -> None:
        """Answer the handshake, send to the client, or end the connection.

        OSError once the client has gone, RuntimeError for a message that has no place where it comes.
        """
        kind = message["type"]
        if self.is_gone:
            raise OSError("the client has gone: nobody takes what is sent.")
        taken = self._taken()
        if kind not in taken:
            raise RuntimeError(f"{kind!r} was sent {self._when()}.")
        await taken[kind](message)

    def _taken(self) -> dict[str, Callable[[Any], Awaitable[None]]]:
        """What the application may send now."""
        if self.is_over:
            return {}
        if self.answer is None:
            return {
                "websocket.accept": self._accept,
                "websocket.close": self._close,
                "websocket.http.response.start": self._refuse,
            }
        if not self.is_accepted:
            return {"websocket.http.response.body": self._refuse_more}
        return {"websocket.send": self._say, "websocket.close": self._close}

    def _when(self) -> str:
        if self.is_over:
            return "after the end of the connection"
        return "before websocket.accept" if self.answer is None else "after the answer to the handshake"

    async def _accept(self, message: Any) -> None:
        headers = dict(_fields(message))
        if message.get("subprotocol"):
            headers["Sec-WebSocket-Protocol"] = message["subprotocol"]
        self.is_accepted = True
        self.answer = {"statusCode": 200, "headers": headers} if headers else {"statusCode": 200}

    async def _refuse(self, message: Any) -> None:
        status = message["status"]
        status = status if status >= _REFUSED else 403  # API Gateway takes those below for a yes
        self.answer = Response(b"", status_code=status, headers=Headers(_fields(message)))

    async def _refuse_more(self, message: Any) -> None:
        answer: Any = self.answer
        answer.body += bytes(message.get("body", b""))
        if not message.get("more_body", False):
            self._end(ABNORMAL)

    async def _say(self, message: Any) -> None:
        data = message.get("bytes")
        data = as_message(message["text"] if data is None else data)
        if not self.is_open:
            self._held.append(data)
            return
        try:
            await self._post(data)
        except WebSocketDisconnected as exc:
            self.leave(ABNORMAL)
            raise OSError("the client has gone: nobody takes what is sent.") from exc

    async def _close(self, message: Any) -> None:
        if self.answer is None:
            self.answer = Response(b"", status_code=403)
        if self.is_let_in:
            await self.catch_up()
        self._end(message.get("code") or 1000, message.get("reason") or "")
        await self._hang_up()

    def _end(self, code: int, reason: str = "") -> None:
        self.is_over = True
        self.deliver({"type": "websocket.disconnect", "code": code, "reason": reason})

    async def _post(self, data: bytes) -> None:
        self._sending += 1
        self._look()
        try:
            await in_thread(lambda _: self._sender.send(self._id, data), None)
        finally:
            self._sending -= 1
            self._look()

    async def _hang_up(self) -> None:
        """End it at the gateway, where that has it."""
        if self.is_let_in and not self.is_gone:
            await hang_up(self._sender, self._id)

    # What calls the application ----------------------------------------------------------------

    def begin(self, application: Any, scope: dict[str, Any]) -> None:
        """Start the coroutine, in a context of its own."""
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self._run(application, scope), context=copy_context())
        self._task.add_done_callback(lambda _: self._look())

    async def _run(self, application: Any, scope: dict[str, Any]) -> None:
        self._tasks = noted()
        await application(scope, self.receive, self.send)

    def deliver(self, message: dict[str, Any]) -> None:
        """Let the application have a message."""
        self._inbox.append(message)
        self._look()

    def leave(self, code: int, reason: str = "") -> None:
        """Tell the application that the client has gone."""
        if not self.is_over:
            self.is_gone = True
            self._end(code, reason)

    async def open(self) -> None:
        """The client has said something, so the gateway has it, and takes what was sent to it before."""
        if await self.catch_up():
            self.is_open = True
        else:
            self.leave(ABNORMAL)

    async def catch_up(self) -> bool:
        """Send what the application has sent before it was known that the gateway has the client.

        False where that does not take it: not yet, or not any more.
        """
        while self._held and not self.is_over:
            try:
                await self._post(self._held[0])
            except WebSocketDisconnected:
                return False
            del self._held[0]
            self.is_open = not self._held
        while self._sending:
            await asyncio.sleep(_POLL)
        return True

    def _look(self) -> None:
        """See whether there is anything to do for the application, and for who waits until there is not."""
        if self._inbox:
            self._arrived.set()
        else:
            self._arrived.clear()
        if self._task.done() or (self._asking and not self._inbox and not self._sending):
            self._rests.set()
        else:
            self._rests.clear()

    async def rest(self, seconds: float) -> bool:
        """Wait until the application waits for a message, and has done what comes of the last one.

        False where it takes longer. Of its other tasks, those that wait for something outside have a second.
        """
        try:
            async with asyncio.timeout(seconds):
                while not self._task.done():
                    await self._rests.wait()
                    await quiet()
                    if self._rests.is_set() and await self._is_at_rest():
                        break
        except TimeoutError:
            return False
        finally:
            self.freeze()
        return True

    async def _is_at_rest(self) -> bool:
        """Do the others wait, too? False as soon as it is worth to look at everything again."""
        until = asyncio.get_running_loop().time() + _PATIENCE
        while any(is_at_work(task) for task in (self._task, *self._tasks)):
            if asyncio.get_running_loop().time() >= until:
                break
            await asyncio.sleep(_POLL)
            if not self._rests.is_set():
                return False
        return not self._sending

    def freeze(self) -> None:
        """Let what it has begun wait for the next event: nothing runs between two of them on Lambda."""
        for task in (self._task, *self._tasks):
            if not task.done():
                LOOP.waiting.add(task)
                task.add_done_callback(LOOP.waiting.discard)

    @property
    def is_done(self) -> bool:
        """Has the application returned?"""
        return self._task.done()

    async def finished(self) -> BaseException | None:
        """End the application where it has not returned, and the connection; gives what it raised."""
        self._task.cancel()
        await asyncio.wait((self._task,), timeout=MARGIN)
        is_known = self._task.done() and not self._task.cancelled()
        error = self._task.exception() if is_known else None
        if not self.is_over:
            self._end(ABNORMAL)
            try:
                await self._hang_up()
            except Exception as exc:
                if error is None:
                    raise
                error.add_note(f"Nor could the connection be ended: {exc}")
        return error


async def hang_up(sender: WebSocket, connection_id: str) -> None:
    """End a connection at the gateway, unless it has ended."""

    def close(_: None) -> None:
        try:
            sender.close(connection_id)
        except WebSocketDisconnected:
            return

    await in_thread(close, None)


def _fields(message: Any) -> list[tuple[str, str]]:
    given = message.get("headers") or ()
    return [(str(bytes(name), "latin-1"), str(bytes(value), "latin-1")) for name, value in given]
