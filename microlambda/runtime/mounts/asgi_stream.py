"""Answers of ASGI applications whose caller takes them in pieces."""

from __future__ import annotations

import asyncio

from ..aio import LOOP
from .asgi import MARGIN, Exchange

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import Any

#: Bytes that the application may be ahead of who reads; uvicorn's bound, too.
_AHEAD = 65_536


class Pieces:
    """A body that is still to come. The application ends with `close`, whether anybody read it or not."""

    def __init__(self, exchange: StreamedExchange, task: asyncio.Task[None]) -> None:
        self._exchange = exchange
        self._task = task

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._exchange.read(self._task)

    def close(self) -> None:
        """End the application; not for the loop's own thread."""
        if not self._task.done():
            LOOP.run(self._exchange.end(self._task))


class StreamedExchange(Exchange):
    """One request; its `body` is read as it comes, where the application did not say how long it is."""

    _is_whole = False  # nobody reads before the end

    def __init__(self, body: bytes, context: Any) -> None:
        super().__init__(body, context)
        self._taken = asyncio.Event()

    async def send(self, message: Any) -> None:
        """Take it, and let the application wait while it is far ahead of who reads."""
        await super().send(message)
        while not self._is_whole and self._left is None and sum(map(len, self._pieces)) > _AHEAD:
            self._taken.clear()
            await self._taken.wait()

    async def begin(self, application: Any, scope: dict[str, Any]) -> None:
        """Let it answer until it is known what comes: all of it, or pieces of an unknown number."""
        self._changed = asyncio.Event()
        task = asyncio.ensure_future(self.run(application, scope))
        self.waits(task)
        changed = asyncio.ensure_future(self._changed.wait())
        await asyncio.wait((task, changed), return_when=asyncio.FIRST_COMPLETED)
        changed.cancel()
        is_long = any(bytes(name).lower() == b"content-length" for name, _ in self._fields)
        if self.status is None or self.is_over or is_long or task.done():
            self._is_whole = True
            self._taken.set()
            await task
        else:
            self.body = Pieces(self, task)

    async def read(self, task: asyncio.Task[None]) -> AsyncIterator[bytes]:
        """The pieces as they come; closing it ends the application."""
        changed: Any = self._changed
        try:
            while not (self.is_over or task.done()):
                await self._one_of(changed, task)
                changed.clear()
                for piece in self._unsent():
                    yield piece
            for piece in self._unsent():
                yield piece
            await task
        finally:
            await self.end(task)

    def _unsent(self) -> Iterator[bytes]:
        while self._pieces:
            piece = self._pieces.pop(0)
            self._taken.set()
            yield piece

    async def end(self, task: asyncio.Task[None]) -> None:
        """Tell the application that the caller has gone, and end it where that does not."""
        if not task.done():
            self.is_over = True
            self._left = OSError("the caller has gone: nobody takes the rest of the answer.")
            self._taken.set()
            if self._gone is not None:
                self._gone.set()
            await asyncio.wait((task,), timeout=MARGIN)
            task.cancel()

    async def _one_of(self, changed: asyncio.Event, task: asyncio.Task[None]) -> None:
        waiting = asyncio.ensure_future(changed.wait())
        await asyncio.wait((waiting, task), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
