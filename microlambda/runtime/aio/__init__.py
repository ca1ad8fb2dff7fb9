"""The one event loop of an environment, where coroutines of views, hooks and handlers run.

It stays from one invocation to the next, so that a client that an `async def` view opened still belongs to
it at the next request. Whoever calls waits; several threads may do so at once. Context variables go in with
the call and come back out of it.

The thread that waits runs the loop itself, which spares it two changes of threads. The loop gets a thread of
its own, and keeps that, as soon as there is something to do in it that no such thread waits for: the call of
a second one, an iteration, a task that a coroutine left.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from contextlib import suppress
from contextvars import ContextVar, copy_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextvars import Context
    from typing import Any

    from .threads import Call


#: The tasks that coroutines have begun in the loop, those that are over dropped from time to time.
_BEGUN: list[asyncio.Task[Any]] = []
_MANY = 64

#: Where the tasks are noted that are begun in a context, by who wants to know them.
NOTES: ContextVar[list[asyncio.Task[Any]] | None] = ContextVar("microlambda.tasks", default=None)

_ENDED = "the event loop was ended while a coroutine ran in it."


class EventLoop:
    """A loop and who runs it, made when the first coroutine comes, and anew in a forked process.

    `waiting` are tasks that go on with the next call only, and need no thread before it.
    """

    def __init__(self) -> None:
        self._forget()
        atexit.register(self.stop)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=self._held)

    def _held(self) -> None:
        """Let a thread hold the loop while the process forks.

        In the child nothing may end it: it would take its files out of the epoll that is the parent's, too.
        """
        with self._lock:
            if self._loop is not None and self._thread is None:
                self._begin(self._loop)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._is_lent = False  # the thread is a caller's, which runs the loop for what it waits for
        self._calls: set[Call] = set()
        self.waiting: set[asyncio.Task[Any]] = set()
        _BEGUN.clear()

    def run(
        self,
        awaitable: Awaitable[Any],
        context: Context | None = None,
        on_wait: Callable[[asyncio.Task[Any]], None] | None = None,
    ) -> Any:
        """The value of `awaitable`, awaited in the loop; its error is raised here.

        With a `context`, it runs in that itself, and what it sets there stays there. `on_wait` is given its
        task, in the loop's thread, before it waits for anything; not where it never does.
        """
        loop = self._lent()
        if loop is not None:
            return self._run_here(loop, awaitable, context, on_wait)
        call = self.start(awaitable, context=context, on_wait=on_wait)
        try:
            call.done.wait()
        except BaseException:
            call.cancel()
            raise
        return call.outcome()

    def is_running_in(self, loop: asyncio.AbstractEventLoop | None) -> bool:
        """Is that the loop of this process?"""
        return loop is not None and loop is self._loop and os.getpid() == self._process

    def _lent(self) -> asyncio.AbstractEventLoop | None:
        """The loop for this thread to run; None where another one does, or this one runs a loop already."""
        if os.getpid() != self._process:
            self._forget()  # what the fork copied is the parent's, and must not be touched
        with self._lock:
            if self._thread is not None or asyncio._get_running_loop() is not None:
                return None
            self._thread, self._is_lent = threading.current_thread(), True
            return self._loop or self._made()

    def _run_here(
        self,
        loop: asyncio.AbstractEventLoop,
        awaitable: Awaitable[Any],
        context: Context | None,
        on_wait: Callable[[asyncio.Task[Any]], None] | None,
    ) -> Any:
        given = context
        context = given or copy_context()
        before = dict(context.items()) if given is None else {}
        coroutine: Any = awaitable if asyncio.iscoroutine(awaitable) else _awaited(awaitable)
        task = asyncio.Task(coroutine, loop=loop, context=context)  # not noted: it is over with the call
        try:
            _run_once(loop)  # most coroutines have nothing to wait for
            if not task.done():
                if on_wait is not None:
                    on_wait(task)
                loop.run_until_complete(task)
            elif getattr(loop, "_ready", True):
                _run_once(loop)  # what it left to be called
            value = task.result()
        except asyncio.CancelledError as exc:
            raise cancelled() from exc
        except RuntimeError as exc:
            if task.done():
                raise
            self._ended(loop)  # it was stopped
            _close(loop)
            raise RuntimeError(_ENDED) from exc
        finally:
            if not task.done():
                task.cancel()  # something was raised here that is not the coroutine's, such as by Ctrl-C
                _BEGUN.append(task)
            self._given_back(loop)
            if given is None:
                changed(context, before)
        return value

    def _given_back(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let the loop rest until the next call, or give it a thread where something goes on in it."""
        with self._lock:
            if self._loop is not loop:
                return
            self._thread, self._is_lent = None, False
            if self._calls or self._has_more(loop):
                self._begin(loop)

    def start(
        self,
        awaitable: Awaitable[Any],
        on_done: Callable[[], None] | None = None,
        context: Context | None = None,
        on_wait: Callable[[asyncio.Task[Any]], None] | None = None,
    ) -> Call:
        """Begin to await it, and come back at once; `on_done` is called when it is over."""
        from .threads import Call

        if os.getpid() != self._process:
            self._forget()
        with self._lock:
            if threading.current_thread() is self._thread:
                _refuse(awaitable)
            loop = self._loop or self._made()
            if self._thread is None:
                self._begin(loop)
            call = Call(awaitable, loop, on_done, context)
            self._calls.add(call)
            loop.call_soon_threadsafe(call.start, self._calls, on_wait)
            return call

    def _made(self) -> asyncio.AbstractEventLoop:
        self._loop = asyncio.new_event_loop()
        self._loop.set_task_factory(_noted_task)
        return self._loop

    def _has_more(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Is there a task that does not wait for the next call?"""
        if loop.get_task_factory() is _noted_task:
            begun = _BEGUN
            if begun:
                begun[:] = [task for task in begun if not task.done()]
            return bool(begun) and not self.waiting.issuperset(begun)
        return not self.waiting.issuperset(asyncio.all_tasks(loop))

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        is_held = threading.Event()
        self._thread = threading.Thread(
            target=self._serve, args=(loop, is_held), name="microlambda-event-loop", daemon=True
        )
        self._thread.start()
        is_held.wait()  # what a fork copies of the thread is its frames, and never given back

    def _serve(self, loop: asyncio.AbstractEventLoop, is_held: threading.Event) -> None:
        """Run the loop to its end; whoever still waits then is told, for nobody else would wake them."""
        is_held.set()
        try:
            with suppress(SystemExit, KeyboardInterrupt):  # of a task that nobody waits for
                loop.run_forever()
        finally:
            self._ended(loop)
            _close(loop)

    def _ended(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            if self._loop is not loop:
                return
            self._loop = self._thread = None
            self._is_lent = False
            calls, self._calls = self._calls, set()
            self.waiting.clear()
        for call in calls:
            call.fail(RuntimeError(_ENDED))

    def stop(self) -> None:
        """End the loop and what still runs in it; the next coroutine starts a new one."""
        if os.getpid() != self._process:
            return
        with self._lock:
            loop, thread, is_lent = self._loop, self._thread, self._is_lent
        if loop is None:
            return
        if thread is None:
            self._ended(loop)
            _close(loop)
            return
        loop.call_soon_threadsafe(loop.stop)
        if not is_lent:
            thread.join(5)


def changed(context: Context, before: dict[Any, Any]) -> None:
    """Set here what was set in a copy of the context."""
    for variable, value in context.items():
        if variable not in before or before[variable] is not value:
            variable.set(value)


def cancelled() -> RuntimeError:
    """In the place of a CancelledError, which passes every `except Exception` and ends the environment."""
    return RuntimeError("the coroutine was cancelled.")


def _noted_task(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
    """The loop's factory of tasks."""
    task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **options)
    context = options.get("context")
    for notes in (_BEGUN, NOTES.get() if context is None else context.get(NOTES)):
        if notes is not None:
            if len(notes) >= _MANY:
                notes[:] = [one for one in notes if not one.done()]
            notes.append(task)
    return task


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def _refuse(awaitable: Any) -> None:
    close = getattr(awaitable, "close", None)
    if close is not None:
        close()
    raise RuntimeError(
        "a coroutine is to be waited for inside the event loop that should run it. "
        "Await it, or call what needs it through asyncio.to_thread()."
    )


def _run_once(loop: asyncio.AbstractEventLoop) -> None:
    """Let the loop call what is ready, and wait for nothing."""
    loop.stop()
    loop.run_forever()


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
