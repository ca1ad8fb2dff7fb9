"""The one event loop of an environment, where coroutines of views, hooks and handlers run.

It runs in a thread of its own and stays there from one invocation to the next, so that a client
that an `async def` view opened still belongs to it at the next request. Whoever calls waits; several
threads may do so at once. Context variables go in with the call and come back out of it.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from contextlib import suppress
from contextvars import copy_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable, Generator
    from contextvars import Context
    from typing import Any


class EventLoop:
    """A loop and its thread, started when the first coroutine comes, and anew in a forked process."""

    def __init__(self) -> None:
        self._forget()
        atexit.register(self.stop)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._calls: set[_Call] = set()

    def run(self, awaitable: Awaitable[Any]) -> Any:
        """The value of `awaitable`, awaited in the loop; its error is raised here."""
        call = self.start(awaitable)
        try:
            call.done.wait()
        except BaseException:
            call.cancel()
            raise
        return call.outcome()

    def start(self, awaitable: Awaitable[Any], on_done: Callable[[], None] | None = None) -> _Call:
        """Begin to await it, and come back at once; `on_done` is called when it is over."""
        if os.getpid() != self._process:
            self._forget()  # what the fork copied is the parent's, and must not be touched
        with self._lock:
            if threading.current_thread() is self._thread:
                _refuse(awaitable)
            loop = self._loop or self._started()
            call = _Call(awaitable, loop, on_done)
            self._calls.add(call)
            loop.call_soon_threadsafe(call.start, self._calls)
            return call

    def _started(self) -> asyncio.AbstractEventLoop:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._serve, args=(self._loop,), name="microlambda-event-loop", daemon=True
        )
        self._thread.start()
        return self._loop

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run the loop to its end; whoever still waits then is told, for nobody else would wake them."""
        try:
            with suppress(SystemExit, KeyboardInterrupt):  # of a task that nobody waits for
                loop.run_forever()
        finally:
            with self._lock:
                self._loop = self._thread = None
                calls, self._calls = self._calls, set()
            for call in calls:
                call.fail(RuntimeError("the event loop was ended while a coroutine ran in it."))
            _close(loop)

    def stop(self) -> None:
        """End the loop and what still runs in it; the next coroutine starts a new one."""
        if os.getpid() != self._process:
            return
        with self._lock:
            loop, thread = self._loop, self._thread
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(5)


class _Call:
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
        self, awaitable: Awaitable[Any], loop: asyncio.AbstractEventLoop, on_done: Callable[[], None] | None
    ) -> None:
        self._awaitable = awaitable
        self._loop = loop
        self._on_done = on_done
        self._context: Context = copy_context()
        self._before = dict(self._context.items())
        self._task: asyncio.Task[None] | None = None
        self._value: Any = None
        self._error: BaseException | None = None
        self.done = threading.Event()

    def start(self, open_calls: set[_Call]) -> None:
        self._task = self._loop.create_task(self._run(open_calls), context=self._context)

    def cancel(self) -> None:
        self.wake(lambda: self._task and self._task.cancel())

    def wake(self, callback: Callable[[], object]) -> None:
        """Call it in the loop; one that is closed has nobody to call it for."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback)

    def fail(self, error: BaseException) -> None:
        self._error = error
        self._end()

    def _end(self) -> None:
        self.done.set()
        if self._on_done is not None:
            self._on_done()

    async def _run(self, open_calls: set[_Call]) -> None:
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
        changed(self._context, self._before)
        if isinstance(self._error, asyncio.CancelledError):
            # Outside of the loop it would pass every `except Exception`, and end the environment.
            raise RuntimeError("the coroutine was cancelled.") from self._error  # noqa: TRY004
        if self._error is not None:
            raise self._error
        return self._value


def changed(context: Context, before: dict[Any, Any]) -> None:
    """Set here what was set in a copy of the context."""
    for variable, value in context.items():
        if variable not in before or before[variable] is not value:
            variable.set(value)


def _refuse(awaitable: Any) -> None:
    close = getattr(awaitable, "close", None)
    if close is not None:
        close()
    raise RuntimeError(
        "a coroutine is to be waited for inside the event loop that should run it. "
        "Await it, or call what needs it through asyncio.to_thread()."
    )


def _close(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()
    try:
        loop.run_until_complete(_settled(loop))
    finally:
        loop.close()


async def _settled(loop: asyncio.AbstractEventLoop) -> None:
    tasks = [task for task in asyncio.all_tasks(loop) if task is not asyncio.current_task()]
    await asyncio.gather(*tasks, return_exceptions=True)
    await loop.shutdown_asyncgens()
    await loop.shutdown_default_executor()


LOOP = EventLoop()
run = LOOP.run


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
