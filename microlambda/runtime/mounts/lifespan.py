"""The lifespan of an ASGI application: https://asgi.readthedocs.io/en/latest/specs/lifespan.html.

It starts once in an environment, before the first request; on Lambda while the environment starts, so that a
failure is one of the function's start. It ends with the process, which Lambda does not announce.
"""

from __future__ import annotations

import asyncio
import atexit
from contextvars import copy_context

from ..aio import LOOP
from ..errors import ConfigurationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Seconds that an application has to shut down, and that one has to end whose start failed.
_ENDING = 2.0

#: By their applications: one that is mounted twice starts once.
_KNOWN: dict[Any, Lifespan] = {}
_STARTED: list[Lifespan] = []


def lifespan_of(application: Any) -> Lifespan:
    """The one lifespan of an application in this process."""
    try:
        return _KNOWN.setdefault(application, Lifespan(application))
    except TypeError:  # it cannot be hashed
        return Lifespan(application)


class Lifespan:
    """One application's; `state` is what its requests get a copy of."""

    _loop: asyncio.AbstractEventLoop | None = None  # in which it is started
    _task: asyncio.Task[None] | None = None  # where it has a lifespan
    _starting: asyncio.Task[None] | None = None

    def __init__(self, application: Any) -> None:
        self._application = application
        self._context = copy_context()  # of the import: the request that comes first is not its own
        self.state: dict[str, Any] = {}

    def start(self) -> None:
        """Start the application, unless that is done; ConfigurationError where it says that it cannot.

        One that knows no lifespan goes without.
        """
        if not LOOP.is_running_in(self._loop):
            LOOP.run(self._started())

    def stop(self) -> None:
        """Shut it down; the next request starts it again."""
        if LOOP.is_running_in(self._loop):
            LOOP.run(self._stopped())

    async def _started(self) -> None:
        """Wait for the start, which callers in several threads share."""
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        starting = self._starting
        if starting is None or starting.get_loop() is not loop:
            starting = self._starting = asyncio.ensure_future(self._start(loop))
        try:
            await asyncio.shield(starting)
        finally:
            if starting.done():
                self._starting = None

    async def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._inbox: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._inbox.put_nowait({"type": "lifespan.startup"})
        self._has_asked = False
        self._answer: asyncio.Future[dict[str, Any]] = loop.create_future()
        self.state = {}
        task = loop.create_task(self._run(), context=self._context.copy())
        await asyncio.wait((task, self._answer), return_when=asyncio.FIRST_COMPLETED)
        if self._answer.done() and self._answer.result()["type"] == "lifespan.startup.failed":
            await asyncio.wait((task,), timeout=_ENDING)
            task.cancel()
            said = self._answer.result().get("message") or "it does not say why"
            raise ConfigurationError(f"the mounted application failed to start: {said}")
        if not self._answer.done():  # it returned or raised without a word: it has none
            self._answer.cancel()
        elif not task.done():
            self._task = task
            LOOP.waiting.add(task)
        self._loop = loop
        if self not in _STARTED:
            _STARTED.append(self)

    async def _run(self) -> None:
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        try:
            await self._application(scope, self._receive, self._send)
        except Exception as exc:  # noqa: BLE001  # told, or an application without a lifespan
            # As servers do: an application that raises on this scope knows no lifespan.
            if self._has_asked and not self._has_failed():
                self._log("raised", exc)

    def _has_failed(self) -> bool:
        """Has it said itself that the start failed?"""
        return (
            self._answer.done()
            and not self._answer.cancelled()
            and self._answer.result()["type"] == "lifespan.startup.failed"
        )

    async def _receive(self) -> dict[str, str]:
        self._has_asked = True
        return await self._inbox.get()

    async def _send(self, message: Any) -> None:
        kind = message["type"]
        if kind.startswith("lifespan.startup."):
            if not self._answer.done():
                self._answer.set_result(message)
        elif kind == "lifespan.shutdown.failed":
            self._log(f"failed to shut down: {message.get('message') or 'it does not say why'}")

    async def _stopped(self) -> None:
        task, self._task, self._loop = self._task, None, None
        if task is None:
            return
        self._inbox.put_nowait({"type": "lifespan.shutdown"})
        await asyncio.wait((task,), timeout=_ENDING)
        if not task.done():
            self._log(f"was not shut down within {_ENDING:.0f} seconds")
            task.cancel()
        LOOP.waiting.discard(task)

    def _log(self, what: str, error: Exception | None = None) -> None:
        import logging

        logging.getLogger("microlambda").error(
            "the mounted application %r, in its lifespan, %s", self._application, what, exc_info=error
        )


@atexit.register
def stop_all() -> None:
    """Shut down all that is started in this process, the last one first."""
    while _STARTED:
        _STARTED.pop().stop()
