"""Whether an application's tasks have anything left to do but to wait."""

from __future__ import annotations

import asyncio
import gc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Turns of the loop that are waited for at most.
_TURNS = 100

#: Where a task is that waits for other tasks, or for the clock.
_RESTING = {"asyncio.locks", "asyncio.queues", "asyncio.tasks", "asyncio.taskgroups"}
_TASK_GROUP = "TaskGroup.__aexit__"  # anyio's

#: Where coroutines, asynchronous generators and generators say what they wait for, by the prefixes of these.
_KINDS = {"cr": "cr_await", "ag": "ag_await", "gi": "gi_yieldfrom"}
_HOLDERS = {"async_generator_asend", "async_generator_athrow", "coroutine_wrapper"}


def is_at_work(task: asyncio.Task[Any]) -> bool:
    """Does it wait for something that comes from outside of the loop: an answer, a file, a thread?"""
    if task.done():
        return False
    running: Any = task.get_coro()
    while (inner := _awaited_by(running)) is not None:
        running = inner
    frame = next(filter(None, (getattr(running, f"{kind}_frame", None) for kind in _KINDS)), None)
    if frame is None:
        return False
    return frame.f_globals.get("__name__") not in _RESTING and frame.f_code.co_qualname != _TASK_GROUP


def _awaited_by(running: Any) -> Any:
    """The coroutine or generator that one waits for; None where that is a future."""
    awaited = next(filter(None, (getattr(running, name, None) for name in _KINDS.values())), None)
    while awaited is not None and not _runs(awaited):
        # What an `async for` or an `__await__` waits for holds its generator, and does not show it.
        held = gc.get_referents(awaited)
        awaited = next((one for one in held if _runs(one) or type(one).__name__ in _HOLDERS), None)
    return awaited


def _runs(value: Any) -> bool:
    return any(hasattr(value, name) for name in _KINDS.values())


async def quiet() -> None:
    """Let the loop run until all that can go on has gone on."""
    loop: Any = asyncio.get_running_loop()
    for _ in range(_TURNS):
        await asyncio.sleep(0)
        if not getattr(loop, "_ready", True):
            return
