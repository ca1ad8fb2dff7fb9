"""The context of an ASGI application around handlers of events beside it."""

from __future__ import annotations

import sys
from contextvars import copy_context

from ..aio import LOOP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def call_within(manager: Any, function: Callable[[], Any]) -> Any:
    """What the function answers inside an asynchronous context manager, such as Quart's `app_context()`.

    It is entered and left in one context of variables, and the function is called in that, in this thread.
    """
    context = copy_context()
    LOOP.run(manager.__aenter__(), context)
    try:
        value = context.run(function)
    except BaseException:
        if not LOOP.run(manager.__aexit__(*sys.exc_info()), context):
            raise
        return None
    LOOP.run(manager.__aexit__(None, None, None), context)
    return value
