"""Whether an application's tasks have anything left to do but to wait."""

from __future__ import annotations

import asyncio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Turns of the loop that are waited for at most.
_TURNS = 100

#: Where a task is that waits for other tasks, or for the clock.
_RESTING = {"asyncio.locks", "asyncio.queues", "asyncio.tasks", "asyncio.taskgroups"}
_TASK_GROUP = "TaskGroup.__aexit__"  # anyio's


def is_at_work(task: asyncio.Task[Any]) -> bool:
    """Does it wait for something that comes from outside of the loop: an answer, a file, a thread?"""
    if task.done():
        return False
    coroutine: Any = task.get_coro()
    while hasattr(inner := getattr(coroutine, "cr_await", None), "cr_await"):
        coroutine = inner
    frame = getattr(coroutine, "cr_frame", None)
    if frame is None:
        return False
    return frame.f_globals.get("__name__") not in _RESTING and frame.f_code.co_qualname != _TASK_GROUP


async def quiet() -> None:
    """Let the loop run until all that can go on has gone on."""
    loop: Any = asyncio.get_running_loop()
    for _ in range(_TURNS):
        await asyncio.sleep(0)
        if not getattr(loop, "_ready", True):
            return
