"""The tasks that an ASGI application begins while it answers: they are over before the invocation is.

After it Lambda stops the environment: what `asyncio.create_task` has begun would go on with a later request,
or never.
"""

from __future__ import annotations

import asyncio

from ..aio import LOOP, NOTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Tasks = list[asyncio.Task[Any]]

#: Seconds that are waited where no time limit is known: what API Gateway waits.
_NO_LIMIT = 29.0


def noted() -> Tasks:
    """The list into which the tasks go that are begun from now on in this context.

    There are none in a loop that the application has given a factory of tasks of its own.
    """
    tasks: Tasks = []
    NOTES.set(tasks)
    return tasks


def seconds_left(lambda_context: Any, margin: float) -> float:
    """How long may be waited, for `margin` seconds to be left of the function's time."""
    remaining = getattr(lambda_context, "get_remaining_time_in_millis", None)
    return _NO_LIMIT if remaining is None else max(remaining() / 1000 - margin, 0)


async def settled(tasks: Tasks, lambda_context: Any, margin: float) -> None:
    """Wait for them until `margin` seconds are left of the function's time; then say which go on."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds_left(lambda_context, margin)
    while pending := [task for task in tasks if not task.done()]:
        if loop.time() >= until:
            break
        await asyncio.wait(pending, timeout=until - loop.time())
    for task in pending:
        LOOP.waiting.add(task)
        task.add_done_callback(LOOP.waiting.discard)
        _log(task)


def _log(task: asyncio.Task[Any]) -> None:
    import logging

    logging.getLogger("microlambda").warning(
        "the task %s (%s) was not over when the function's time was: it goes on with the next request of "
        "this environment, if any. Begin what never ends at the start-up (lifespan), and hand long work to a "
        "task of the app.",
        task.get_name(),
        getattr(task.get_coro(), "__qualname__", "a coroutine"),
    )
