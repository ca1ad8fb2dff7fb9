"""What a function answered, whether it was `def` or `async def`, and what to call it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def settled(value: Any) -> Any:
    """The value itself, or what the coroutine that it is comes to."""
    if not hasattr(value, "__await__"):
        return value
    from .aio import run

    return run(value)


def is_async(function: Any) -> bool:
    """Is it an `async def`, a partial of one, or an object whose call is one?"""
    while hasattr(function, "func") and not hasattr(function, "__code__"):
        function = function.func
    code = getattr(function, "__code__", None)
    if code is None:  # an object whose class has a __call__
        code = getattr(getattr(type(function), "__call__", None), "__code__", None)  # noqa: B004
    return code is not None and bool(code.co_flags & _IS_ASYNC)


def named(function: Any) -> str:
    """The function as people find it, below its decorators: `load_user (app.py:12)`."""
    while hasattr(function, "__wrapped__") or (
        hasattr(function, "func") and not hasattr(function, "__code__")
    ):
        function = function.__wrapped__ if hasattr(function, "__wrapped__") else function.func
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    code = getattr(function, "__code__", None)
    if code is None:
        return str(name)
    return f"{name} ({code.co_filename.replace(chr(92), '/').rpartition('/')[2]}:{code.co_firstlineno})"


def prepare(function: Any) -> None:
    """Load asyncio while the environment starts, if this function will need it."""
    if is_async(function):
        from . import aio  # noqa: F401


# inspect.CO_COROUTINE and CO_ASYNC_GENERATOR, without importing inspect
_IS_ASYNC = 0x80 | 0x200
