"""Calling an ASGI application: https://asgi.readthedocs.io/en/latest/specs/www.html.

It runs in the one loop of the environment. An answer is whole when it goes out, unless the caller takes
pieces and the application did not say how long it is.
"""

from __future__ import annotations

import asyncio
from contextvars import copy_context

from .. import aio
from ..errors import EncodingError
from .asgi_tasks import noted, settled
from .base import Mount, host_and_port, is_raw, put_fields, raw_path, remembered, scheme_of, takes_pieces
from .lifespan import lifespan_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ..ingress.base import Ingress

_APART = frozenset((b"transfer-encoding", b"connection", b"keep-alive", b"content-length"))
_ASGI = {"version": "3.0", "spec_version": "2.5"}

#: Seconds that are left of the function's time when what still runs behind an answer is ended.
MARGIN = 0.5


_NAMES: dict[str, bytes] = {}


class AsgiMount(Mount):
    """An ASGI application, started before its first request."""

    interface = "asgi"

    def __init__(self, prefix: str, application: Any) -> None:
        super().__init__(prefix, application)
        self.lifespan = lifespan_of(application)

    def answered(
        self,
        ingress: Ingress,
        event: dict[str, Any],
        context: Any,
        place: tuple[str, str, str],
        body: bytes,
    ) -> Exchange:
        """What the application answers; its tasks in the background are over by then, or out of time."""
        self.lifespan.start()
        scope = scope_of(ingress, event, context, place, self.prefix, body)
        scope["state"] = self.lifespan.state.copy()
        if takes_pieces(ingress):
            from .asgi_stream import StreamedExchange

            streamed = StreamedExchange(body, context)
            aio.run(streamed.begin(self.application, scope), copy_context())
            exchange: Exchange = streamed
        else:
            exchange = Exchange(body, context)
            aio.run(exchange.run(self.application, scope), copy_context(), exchange.waits)
        exchange.finish()
        return exchange


class Exchange:
    """One request: what the application receives, and what it sends.

    `status`, `headers` and `body` are what it answered, once it has.
    """

    status: int | None = None
    headers: Sequence[tuple[str, str]] = ()
    body: Any = b""
    is_over = False  # the answer is whole
    _fields: Any = ()
    _gone: asyncio.Event | None = None
    _changed: asyncio.Event | None = None
    _task: asyncio.Task[Any] | None = None  # which may be cut off
    _has_returned = False
    _left: OSError | None = None  # what `send` raises once the caller has gone
    _timer: asyncio.TimerHandle | None = None
    _is_out_of_time = False

    def __init__(self, body: bytes, context: Any) -> None:
        self._context = context
        self._unread: bytes | None = body
        self._pieces: list[bytes] = []

    # What the application calls ----------------------------------------------------------------

    async def receive(self) -> dict[str, Any]:
        """The body at once, and after the answer that the caller has gone."""
        if self._unread is not None:
            body, self._unread = self._unread, None
            return {"type": "http.request", "body": body, "more_body": False}
        if not self.is_over:
            if self._gone is None:
                self._gone = asyncio.Event()
            await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        """Take the head, or a part of the body."""
        if self._left is not None:
            raise self._left
        kind = message["type"]
        if kind == "http.response.body":
            if self.status is None:
                raise RuntimeError("http.response.body was sent before http.response.start.")
            if self.is_over:
                raise RuntimeError("http.response.body was sent after the last one, which had no more_body.")
            piece = message.get("body", b"")
            if piece:
                self._pieces.append(bytes(piece))
            if not message.get("more_body", False):
                self._end()
            if self._changed is not None:
                self._changed.set()
        elif kind == "http.response.start":
            if self.status is not None:
                raise RuntimeError("http.response.start was sent twice.")
            self.status = message["status"]
            self._fields = message.get("headers") or ()
        else:
            raise RuntimeError(f"{kind!r} was sent, which is no message of an answer over HTTP.")

    def _end(self) -> None:
        self.is_over = True
        if self._gone is not None:
            self._gone.set()
        if self._task is not None:
            self._watch(self._task)

    def waits(self, task: asyncio.Task[Any]) -> None:
        """What the application does in `task` takes a while."""
        if not self._has_returned:
            self._task = task
            if self.is_over:
                self._watch(task)

    def _watch(self, task: asyncio.Task[Any]) -> None:
        """See to it that what still runs behind the answer ends in time."""
        remaining = getattr(self._context, "get_remaining_time_in_millis", None)
        if remaining is not None:
            left = remaining() / 1000 - MARGIN
            self._timer = task.get_loop().call_later(max(left, 0), self._cut)

    def _cut(self) -> None:
        """End what runs behind the answer: Lambda would end it with the answer."""
        if self._task is not None and not self._task.done():
            self._is_out_of_time = True
            self._task.cancel()

    # What calls the application ----------------------------------------------------------------

    async def run(self, application: Any, scope: dict[str, Any]) -> None:
        """Let it answer, to its end; what it raises behind a whole answer is told, and not raised."""
        tasks = noted()
        try:
            await application(scope, self.receive, self.send)
        except (Exception, asyncio.CancelledError) as exc:
            is_behind = self.is_over if isinstance(exc, Exception) else self._is_out_of_time
            if not is_behind:
                raise
            self._tell(exc)
        finally:
            if self._timer is not None:
                self._timer.cancel()
            self._has_returned, self._task = True, None  # it is not cut off any more
            if tasks:
                if self._gone is None:
                    self._gone = asyncio.Event()
                self._gone.set()  # whatever became of the answer
                await settled(tasks, self._context, MARGIN)

    def finish(self) -> None:
        """Put the answer together; EncodingError for one that is none."""
        if self.status is None:
            raise EncodingError("the mounted application returned, and sent no http.response.start.")
        self.headers = [(str(name, "latin-1"), str(value, "latin-1")) for name, value in self._fields]
        if self.body == b"":
            if not self.is_over:
                raise EncodingError(
                    "the mounted application returned in the midst of its answer: there was no "
                    "http.response.body, or the last had more_body."
                )
            self.body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)

    def _tell(self, error: BaseException) -> None:
        """Log what happened behind an answer that was whole; not what came of the caller's leaving."""
        from ..context import CURRENT

        cause: BaseException | None = error
        while cause is not None:
            if cause is self._left:
                return
            cause = cause.__cause__ or cause.__context__
        logger = CURRENT.get().app.logger
        if self._is_out_of_time:
            logger.warning(
                "what the mounted application still did behind its answer was ended %s s before the "
                "function's time was over. Give it a longer timeout, or hand the work over to a task.",
                MARGIN,
            )
        else:
            logger.error(
                "the mounted application failed behind its answer, which has gone out.", exc_info=error
            )


def _field_name(name: str) -> bytes:
    return name.lower().encode("utf-8", "surrogatepass")


def scope_of(
    ingress: Ingress,
    event: dict[str, Any],
    context: Any,
    place: tuple[str, str, str],
    prefix: str,
    body: bytes,
) -> dict[str, Any]:
    """The scope for an application at `prefix`, without `state`; its `path` has the `root_path` in front."""
    method, path, root_path = place
    values: dict[bytes, str] = {}
    if put_fields(event, _NAMES, values):
        fields = [(name, value.encode()) for name, value in values.items()]
    else:
        given = [(remembered(_NAMES, name, _field_name), value) for name, value in ingress.headers(event)]
        values = dict(given)
        fields = [(name, value.encode("utf-8", "surrogatepass")) for name, value in given]
    if not _APART.isdisjoint(values):
        fields = [field for field in fields if field[0] not in _APART]
    if body or b"content-length" in values:
        fields.append((b"content-length", b"%d" % len(body)))
    host = values.get(b"host")
    if not host:
        host = ingress.host(event)
        fields = [(b"host", host.encode()), *[field for field in fields if field[0] != b"host"]]
    scheme = scheme_of(ingress, event, values.get(b"x-forwarded-proto", ""))
    name, port = host_and_port(host, scheme)
    client = ingress.client_address(event)
    whole = root_path + path
    return {
        "type": "http",
        "asgi": _ASGI.copy(),
        "http_version": "1.1",
        "method": method,
        "scheme": scheme,
        "path": whole,
        "raw_path": (whole if is_raw(ingress, event, whole) else raw_path(event, root_path, whole)).encode(),
        "query_string": ingress.query_string(event).encode("utf-8", "surrogatepass"),
        "root_path": root_path + prefix,
        "headers": fields,
        "client": (client, 0) if client else None,
        "server": (name, int(port)),
        "extensions": {},
        "microlambda.event": event,
        "microlambda.context": context,
        # the names that Mangum has for them
        "aws.event": event,
        "aws.context": context,
    }
