"""`after_this_request`: a hook for the one request being answered."""

from __future__ import annotations

from ..awaiting import named, settled
from ..context import current_context
from ..errors import OutsideRequest
from ..http.response import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeVar

    from ..context import RequestContext

    Hook = TypeVar("Hook", bound=Callable[..., Any])


def after_this_request(function: Hook) -> Hook:
    """Run the function with this request's response; it answers the response to send, as in Flask."""
    scope = current_context("after_this_request")
    if scope.request is None:
        raise OutsideRequest("after_this_request was called in a handler of events: there is no response.")
    scope.after = [*scope.after, function]
    return function


def take_hooks(scope: RequestContext) -> Iterable[Callable[..., Any]]:
    """The functions that this request left, once."""
    hooks, scope.after = scope.after, ()
    return hooks


def processed(scope: RequestContext, hooks: Iterable[Callable[..., Any]], response: Response) -> Response:
    """The response through the functions, each of which must answer one."""
    for hook in hooks:
        scope.broken_hook = hook
        value = settled(hook(response))
        if not isinstance(value, Response):
            raise TypeError(
                f"{named(hook)}, which runs after requests, answered {type(value).__qualname__}, not the "
                "response. End it with `return response`."
            )
        scope.broken_hook = None
        response = value
    return response
