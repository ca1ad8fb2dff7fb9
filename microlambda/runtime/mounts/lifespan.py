"""The lifespan of an ASGI application: https://asgi.readthedocs.io/en/latest/specs/lifespan.html.

It starts once in an environment, before the first request; on Lambda while the environment starts, so that a
failure is one of the function's start. It ends with the process, which Lambda does not announce.
"""

from __future__ import annotations

import asyncio
import atexit
import threading

from .. import aio
from ..errors import ConfigurationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Seconds that an application has to shut down.
_ENDING = 2.0


class Lifespan:
    """One application's; `state` is what its requests get a copy of."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._guard = threading.Lock()
        self._is_started = False
        self._task: asyncio.Task[None] | None = None
        self.state: dict[str, Any] = {}

    def start(self) -> None:
        """Start the application, unless that is done; ConfigurationError where it says that it cannot.

        One that knows no lifespan goes without.
        """
        if self._is_started:
            return
        with self._guard:
            if not self._is_started:
                aio.run(self._started())
                self._is_started = True
                if self._task is not None:
                    atexit.register(self.stop)

    def stop(self) -> None:
        """Shut it down."""
        task, self._task = self._task, None
        if task is not None and not task.done() and aio.LOOP.is_running_in(task.get_loop()):
            self._inbox.put_nowait({"type": "lifespan.shutdown"})
            aio.run(asyncio.wait((task,), timeout=_ENDING))

    async def _started(self) -> None:
        self._inbox: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._inbox.put_nowait({"type": "lifespan.startup"})
        self._answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        task = asyncio.ensure_future(self._run())
        await asyncio.wait((task, self._answer), return_when=asyncio.FIRST_COMPLETED)
        if not self._answer.done():  # it returned or raised without a word: it has none
            self._answer.cancel()
            return
        answer = self._answer.result()
        if answer["type"] == "lifespan.startup.failed":
            task.cancel()
            raise ConfigurationError(
                f"the mounted application failed to start: {answer.get('message') or 'it does not say why'}"
            )
        self._task = task
        aio.LOOP.waiting.add(task)

    async def _run(self) -> None:
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        try:
            await self._application(scope, self._inbox.get, self._send)
        except Exception:
            # As servers do: an application that raises on this scope knows no lifespan.
            if self._answer.done() and not self._answer.cancelled():
                raise

    async def _send(self, message: Any) -> None:
        if message["type"].startswith("lifespan.startup.") and not self._answer.done():
            self._answer.set_result(message)
