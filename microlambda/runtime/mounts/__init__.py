"""Applications of other frameworks under a path of the app: Flask, Django, whatever speaks WSGI (PEP 3333).

The app's own routes come first; what none of them answers, and lies under the path, is the application's.
"""

from __future__ import annotations

from ..context import CURRENT
from ..errors import RegistrationError
from ..routing.rule import Rule
from .short import answer_mounted
from .wsgi import environ_of, exchanged, is_streaming, response_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..app import App
    from ..http.response import Response

_BELOW = "/<path:path>"
_COROUTINE = 0x80  # inspect.CO_COROUTINE, without importing inspect
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Mount:
    """The view that stands for a mounted application; `prefix` is empty for one at the root."""

    def __init__(self, prefix: str, application: Any) -> None:
        self.prefix = prefix
        self.application = application
        self.__module__ = type(application).__module__

    def __call__(self, **_: Any) -> Response:
        """The application's answer to the request that is being answered."""
        scope = CURRENT.get()
        request: Any = scope.request
        place = (request.method, request.path, request.root_path)
        environ = environ_of(
            request._ingress, request.event, request.lambda_context, place, self.prefix, request.data
        )
        return response_of(exchanged(self.application, environ, is_streaming(request._ingress)))

    def __repr__(self) -> str:
        return f"<Mount of {self.application!r} at {self.prefix or '/'!r}>"


def mount(app: App, path: str, application: Callable[..., Any], *, name: str | None = None) -> None:
    """Let an application answer what the app has no route for below `path`; see `App.mount`."""
    prefix = _checked_prefix(path)
    _check_application(path, application)
    for _, taken in app.route_table.mounts:
        if taken.rule == f"{prefix}{_BELOW}":
            raise RegistrationError(
                f"two applications are mounted at {path!r}: {taken.view!r} and {application!r}. Give each a "
                "path of its own."
            )
    view = Mount(prefix, application)
    endpoint = name or getattr(application, "__name__", None) or type(application).__name__
    if app.default_authorizer is not None:
        from ..auth import no_default_beside

        raise no_default_beside(path)
    rule = Rule(f"{prefix}{_BELOW}", view, methods=_METHODS, endpoint=endpoint)
    app.route_table.add_mount(prefix, rule)
    app.short_way = answer_mounted
    # Flask's and Quart's, also where the `wsgi_app` of one is given: handlers of events run inside it.
    context = getattr(getattr(application, "__self__", application), "app_context", None)
    if callable(context):
        app.around_events = _inside(context, app.around_events)


def _inside(context: Callable[[], Any], outer: Callable[[Callable[[], Any]], Any] | None) -> Any:
    """What calls a function inside the context, and inside what was there before."""

    def within(function: Callable[[], Any]) -> Any:
        with context():
            return function()

    return within if outer is None else lambda function: outer(lambda: within(function))


def _checked_prefix(path: Any) -> str:
    if not isinstance(path, str) or path[:1] != "/":
        raise RegistrationError(f"an application is mounted at a path that starts with '/', not at {path!r}.")
    if any(mark in path for mark in "<>{}%?#") or "//" in path:
        raise RegistrationError(
            f"an application is mounted at a fixed path, and {path!r} is none: it captures nothing, and is "
            "written decoded, with single slashes."
        )
    return path.rstrip("/")


def _check_application(path: str, application: Any) -> None:
    if hasattr(application, "route_table"):
        raise RegistrationError(
            f"the application at {path!r} is an App of microlambda's. Make it a Blueprint and register that, "
            "or mount its `wsgi`."
        )
    if not callable(application):
        raise RegistrationError(
            f"the application at {path!r} is {application!r}, which cannot be called. Give what WSGI servers "
            "are given: a Flask, or Django's get_wsgi_application()."
        )
    if isinstance(application, type):
        raise RegistrationError(
            f"the application at {path!r} is the class {application.__name__}. Make an instance of it."
        )
    if _is_asynchronous(application):
        raise RegistrationError(
            f"the application at {path!r} is {application!r}, which speaks ASGI; WSGI applications are "
            "mounted so far. Of a Django give get_wsgi_application()."
        )


def _is_asynchronous(application: Any) -> bool:
    """Is it called as ASGI has it, by `await`? A class's `__call__` says so, or the function itself."""
    code = getattr(application, "__code__", None) or getattr(type(application).__call__, "__code__", None)
    return code is not None and bool(code.co_flags & _COROUTINE)
