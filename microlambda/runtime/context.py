"""What belongs to the request being answered, in context variables: safe in threads and in async code."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar

from .errors import OutsideRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from .app import App
    from .http.request import Request
    from .http.response import Response


class RequestContext:
    """One invocation: the app that answers it, its request if it is HTTP, and `g`, the views' own room.

    `after` are the functions that `after_this_request` left, `broken_hook` the one among all those that
    follow a view that raised; `error` is what no handler of errors took; `is_streaming` says that the answer
    is still being read, so that the request is not over yet.
    """

    g: Namespace | None = None
    after: Sequence[Callable[[Response], Any]] = ()
    broken_hook: Callable[..., Any] | None = None
    error: BaseException | None = None
    is_streaming = False
    opened_session: Any = None
    event: Any = None  # the view of the event that a handler of events was given

    def __init__(self, app: App, request: Request | None, lambda_context: Any) -> None:
        self.app = app
        self.request = request
        self.lambda_context = lambda_context


class Namespace:
    """Attributes that live as long as the request."""

    def get(self, name: str, default: Any = None) -> Any:
        """The attribute, or `default`."""
        return self.__dict__.get(name, default)

    def pop(self, name: str, *default: Any) -> Any:
        """Take the attribute away and return it, or `default`; without one, KeyError."""
        return self.__dict__.pop(name, *default)

    def setdefault(self, name: str, default: Any = None) -> Any:
        """The attribute, after setting it to `default` where it is missing."""
        return self.__dict__.setdefault(name, default)

    def __contains__(self, name: object) -> bool:
        return name in self.__dict__

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)


CURRENT: ContextVar[RequestContext] = ContextVar("microlambda.request")
PROPAGATE: ContextVar[bool] = ContextVar("microlambda.propagate", default=False)
STREAMING: ContextVar[bool] = ContextVar("microlambda.streaming", default=False)


@contextmanager
def propagating_errors() -> Iterator[None]:
    """Let a view's own errors through to the caller, as tests want it, instead of answering 500."""
    token = PROPAGATE.set(True)
    try:
        yield
    finally:
        PROPAGATE.reset(token)


@contextmanager
def streaming_answers(allowed: bool = True) -> Iterator[None]:
    """Say whether the caller of the app can pass on a StreamedResult, where the ingress streams."""
    token = STREAMING.set(allowed)
    try:
        yield
    finally:
        STREAMING.reset(token)


def current_context(name: str) -> RequestContext:
    """The context of the request being answered; `name` is what the caller was looking for."""
    context = CURRENT.get(None)
    if context is None:
        raise OutsideRequest(
            f"{name} was read where no request is being answered. Read it in a view, or in what a view "
            "calls; a thread of your own gets it by contextvars.copy_context().run(...) or "
            "asyncio.to_thread(...)."
        )
    return context


def current_request(name: str = "request") -> Request:
    """The request being answered; an event of another source has none."""
    request = current_context(name).request
    if request is None:
        raise OutsideRequest(
            f"{name} was read in a handler of events, where no HTTP request is being answered."
        )
    return request


def _current_app() -> Any:
    return current_context("current_app").app


def _g() -> Any:
    context = current_context("g")
    if context.g is None:
        context.g = Namespace()
    return context.g


class Proxy:
    """Stands for an object that is another one in each request."""

    __slots__ = ("_find",)

    def __init__(self, find: Any) -> None:
        object.__setattr__(self, "_find", find)

    def __getattr__(self, name: str) -> Any:
        if name == "__wrapped__":  # inspect and doctest ask every global for it
            raise AttributeError(name)
        return getattr(self._find(), name)

    if not TYPE_CHECKING:

        @property
        def __class__(self) -> type:
            """The class of what it stands for, so that isinstance() tells the truth."""
            try:
                return type(self._find())
            except OutsideRequest:
                return Proxy

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._find(), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._find(), name)

    def __contains__(self, item: object) -> bool:
        return item in self._find()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._find())

    def __bool__(self) -> bool:
        """As Flask's: outside of a request it stands for nothing."""
        try:
            return bool(self._find())
        except OutsideRequest:
            return False

    def __dir__(self) -> list[str]:
        try:
            return dir(self._find())
        except OutsideRequest:
            return []

    def __eq__(self, other: object) -> bool:
        return bool(self._find() == other)

    def __hash__(self) -> int:
        return hash(self._find())

    def __repr__(self) -> str:
        try:
            return repr(self._find())
        except OutsideRequest:
            return "<proxy outside a request>"


if TYPE_CHECKING:
    request: Request
    current_app: App
    g: Any
else:
    request = Proxy(current_request)
    current_app = Proxy(_current_app)
    g = Proxy(_g)
