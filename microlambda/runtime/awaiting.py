"""What a function answered, whether it was `def` or `async def`."""

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
    return code is not None and bool(code.co_flags & _IS_COROUTINE)


_IS_COROUTINE = 0x80  # inspect.CO_COROUTINE, without importing inspect
