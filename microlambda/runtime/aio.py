"""The one event loop of an environment, where coroutines of views, hooks and handlers run.

It runs in a thread of its own and stays there from one invocation to the next, so that a client
that an `async def` view opened still belongs to it at the next request. Whoever calls waits; several
threads may do so at once. Context variables go in with the call and come back out of it.
"""

from __future__ import annotations

import asyncio
import atexit
import threading
from contextvars import copy_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Generator
    from contextvars import Context
    from typing import Any


class EventLoop:
    """A loop and its thread, started when the first coroutine comes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, awaitable: Awaitable[Any]) -> Any:
        """The value of `awaitable`, awaited in the loop; its error is raised here."""
        loop = self._started()
        if threading.current_thread() is self._thread:
            close = getattr(awaitable, "close", None)
            if close is not None:
                close()
            raise RuntimeError(
                "a coroutine is to be waited for inside the event loop that should run it. "
                "Await it, or call what needs it through asyncio.to_thread()."
            )
        call = _Call(awaitable)
        loop.call_soon_threadsafe(call.start, loop)
        try:
            call.done.wait()
        except BaseException:
            loop.call_soon_threadsafe(call.cancel)
            raise
        call.take_over_context()
        if call.error is not None:
            raise call.error
        return call.value

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._thread is None or not self._thread.is_alive():
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="microlambda-event-loop", daemon=True
                )
                self._thread.start()
                atexit.register(self.stop)
            return self._loop

    def stop(self) -> None:
        """End the loop and what still runs in it; the next coroutine starts a new one."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(_settled(loop))
        loop.close()


class _Call:
    """One awaitable on its way through the loop."""

    __slots__ = ("_awaitable", "_before", "_context", "_task", "done", "error", "value")

    def __init__(self, awaitable: Awaitable[Any]) -> None:
        self._awaitable = awaitable
        self._context: Context = copy_context()
        self._before = dict(self._context.items())
        self._task: asyncio.Task[None] | None = None
        self.done = threading.Event()
        self.value: Any = None
        self.error: BaseException | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._task = loop.create_task(self._run(), context=self._context)

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            self.value = await self._awaitable
        except BaseException as exc:  # noqa: BLE001  # SystemExit too: it belongs to whoever called, not to the loop
            self.error = exc
        finally:
            self.done.set()

    def take_over_context(self) -> None:
        """Set here what the coroutine set in its copy of the context."""
        for variable, value in self._context.items():
            if variable not in self._before or self._before[variable] is not value:
                variable.set(value)


async def _settled(loop: asyncio.AbstractEventLoop) -> None:
    tasks = [task for task in asyncio.all_tasks(loop) if task is not asyncio.current_task()]
    await asyncio.gather(*tasks, return_exceptions=True)
    await loop.shutdown_asyncgens()
    await loop.shutdown_default_executor()


LOOP = EventLoop()
run = LOOP.run


def iterate(chunks: AsyncIterable[Any]) -> Generator[Any, None, None]:
    """The items of an asynchronous iterable, each awaited in the loop; closing this closes that."""
    iterator = aiter(chunks)
    try:
        while True:
            try:
                item = run(anext(iterator))
            except StopAsyncIteration:
                return
            yield item
    finally:
        close = getattr(iterator, "aclose", None)
        if close is not None:
            run(close())
