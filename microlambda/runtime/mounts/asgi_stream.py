"""Answers of ASGI applications whose caller takes them in pieces."""

from __future__ import annotations

import asyncio

from .asgi import MARGIN, Exchange

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Any


class StreamedExchange(Exchange):
    """One request; its `body` is read as it comes, where the application did not say how long it is."""

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
            await task
        else:
            self.body = self._read(task)

    async def _read(self, task: asyncio.Task[None]) -> AsyncIterator[bytes]:
        """The pieces as they come; closing it tells the application that the caller has gone."""
        changed: Any = self._changed
        try:
            while not (self.is_over or task.done()):
                await self._one_of(changed, task)
                changed.clear()
                while self._pieces:
                    yield self._pieces.pop(0)
            while self._pieces:
                yield self._pieces.pop(0)
            await task
        finally:
            if not task.done():
                self.is_over = True
                if self._gone is not None:
                    self._gone.set()
                await asyncio.wait((task,), timeout=MARGIN)
                task.cancel()

    async def _one_of(self, changed: asyncio.Event, task: asyncio.Task[None]) -> None:
        waiting = asyncio.ensure_future(changed.wait())
        await asyncio.wait((waiting, task), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
