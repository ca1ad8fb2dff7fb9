"""Between the loop and threads: calls that one waits for, work that is done in one, iterables read by one."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from contextvars import copy_context

from . import LOOP, cancelled, changed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable, Generator
    from contextvars import Context
    from typing import Any


class Call:
    """One awaitable on its way through the loop."""

    __slots__ = (
        "_awaitable",
        "_before",
        "_context",
        "_error",
        "_loop",
        "_on_done",
        "_task",
        "_value",
        "done",
    )

    def __init__(
        self,
        awaitable: Awaitable[Any],
        loop: asyncio.AbstractEventLoop,
        on_done: Callable[[], None] | None,
        context: Context | None,
    ) -> None:
        self._awaitable = awaitable
        self._loop = loop
        self._on_done = on_done
        self._context: Context = context or copy_context()
        self._before = dict(self._context.items()) if context is None else None
        self._task: asyncio.Task[None] | None = None
        self._value: Any = None
        self._error: BaseException | None = None
        self.done = threading.Event()

    def start(self, open_calls: set[Call], on_wait: Callable[[asyncio.Task[Any]], None] | None) -> None:
        """Begin, in the loop; `on_wait` is given the task."""
        self._task = self._loop.create_task(self._run(open_calls), context=self._context)
        if on_wait is not None:
            on_wait(self._task)

    def cancel(self) -> None:
        """Cancel it, from any thread."""
        self.wake(lambda: self._task and self._task.cancel())

    def wake(self, callback: Callable[[], object]) -> None:
        """Call it in the loop; one that is closed has nobody to call it for."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback)

    def fail(self, error: BaseException) -> None:
        """Tell who waits that nothing will come of it."""
        self._error = error
        self._end()

    def _end(self) -> None:
        self.done.set()
        if self._on_done is not None:
            self._on_done()

    async def _run(self, open_calls: set[Call]) -> None:
        try:
            self._value = await self._awaitable
        except BaseException as exc:  # noqa: BLE001  # SystemExit too: it belongs to whoever called, not to the loop
            self._error = exc
        finally:
            if self in open_calls:  # else the loop has ended, and whoever waits was told
                open_calls.discard(self)
                self._end()

    def outcome(self) -> Any:
        """What the awaitable came to, once it is done."""
        if self._before is not None:
            changed(self._context, self._before)
        if isinstance(self._error, asyncio.CancelledError):
            raise cancelled() from self._error
        if self._error is not None:
            raise self._error
        return self._value


async def in_thread(function: Callable[[Any], Any], argument: Any) -> Any:
    """Call the function in a thread of its own, for it may wait for this loop; its context comes back.

    Not from a pool: functions that wait for each other would fill it, and wait for ever.
    """
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    outcome: list[Any] = [None, None]
    context = copy_context()
    before = dict(context.items())

    def work() -> None:
        try:
            outcome[0] = context.run(function, argument)
        except BaseException as exc:  # noqa: BLE001  # raised where it is awaited
            outcome[1] = exc
        loop.call_soon_threadsafe(over.set)

    threading.Thread(target=work, daemon=True).start()
    await over.wait()
    changed(context, before)
    if outcome[1] is not None:
        raise outcome[1]
    return outcome[0]


class _Iteration:
    """An asynchronous iterable, read by one coroutine from its start to its end, on demand."""

    def __init__(self, chunks: AsyncIterable[Any]) -> None:
        self._chunks = chunks
        self._is_closing = False
        self._wanted = asyncio.Event()
        self._ready = threading.Event()
        self._items: list[Any] = []

    async def read(self) -> None:
        iterator = aiter(self._chunks)
        try:
            while await self._demand():
                try:
                    self._items.append(await anext(iterator))
                except StopAsyncIteration:
                    return
                self._ready.set()
        finally:
            close = getattr(iterator, "aclose", None)
            if close is not None:
                await close()

    async def _demand(self) -> bool:
        await self._wanted.wait()
        self._wanted.clear()
        return not self._is_closing

    def items(self) -> Generator[Any, None, None]:
        call = LOOP.start(self.read(), self._ready.set)
        try:
            while True:
                self._ready.clear()
                call.wake(self._wanted.set)
                self._ready.wait()
                if not self._items:
                    break
                yield self._items.pop()
        finally:
            self._is_closing = True
            call.wake(self._wanted.set)
            call.done.wait()
            call.outcome()


def iterate(chunks: AsyncIterable[Any]) -> Generator[Any, None, None]:
    """The items of an asynchronous iterable, each made when it is asked for; closing this closes that."""
    return _Iteration(chunks).items()
