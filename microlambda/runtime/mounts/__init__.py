"""Applications of other frameworks under a path of the app: Flask, Django, FastAPI and others.

The app's own routes come first; what none of them answers, and lies under the path, is the application's.
"""

from __future__ import annotations

from ..errors import RegistrationError
from .base import MountRule
from .interface import INTERFACES, called_twice, interface_of, parameters_of
from .short import answer_mounted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..app import App
    from .base import Mount

    Around = Callable[[Callable[[], Any]], Any]


def mount(
    app: App,
    path: str,
    application: Callable[..., Any],
    *,
    name: str | None = None,
    interface: str | None = None,
) -> None:
    """Let an application answer what the app has no route for below `path`; see `App.mount`."""
    prefix = _checked_prefix(path)
    check_application(path, application)
    for _, taken in app.route_table.mounts:
        if taken.view.prefix == prefix:  # type: ignore[attr-defined]  # a Mount
            raise RegistrationError(
                f"two applications are mounted at {path!r}: {taken.view!r} and {application!r}. Give each a "
                "path of its own."
            )
    view = _mounted(path, prefix, application, interface)
    endpoint = name or getattr(application, "__name__", None) or type(application).__name__
    if app.default_authorizer is not None:
        from ..auth import no_default_beside

        raise no_default_beside(path)
    app.route_table.add_mount(prefix, MountRule(view, endpoint))
    app.way = answer_mounted
    if view.interface == "asgi":
        start: Callable[[], None] = view.lifespan.start  # type: ignore[attr-defined]  # of this interface
        app.startups.append(start)
        _surround(app, _after(start))
    if app.managed is None:
        app.managed = _managed
        _surround(app, _with_fresh_connections)
    # Flask's, also where its `wsgi_app` is given: handlers of events run inside it.
    context = getattr(getattr(application, "__self__", application), "app_context", None)
    if callable(context):
        _surround(app, _inside(context))


def _managed(app: App, event: Any, context: Any) -> dict[str, Any] | None:
    from .django import managed

    return managed(app, event, context)


def _with_fresh_connections(function: Callable[[], Any]) -> Any:
    from .django import with_fresh_connections

    return with_fresh_connections(function)


def _surround(app: App, around: Around) -> None:
    """Have handlers of events called by `around`, inside of what calls them so far."""
    outer = app.around_events
    app.around_events = around if outer is None else lambda function: outer(lambda: around(function))


def _after(start: Callable[[], None]) -> Around:
    """What calls a function once the application has started."""

    def after(function: Callable[[], Any]) -> Any:
        start()
        return function()

    return after


def _inside(context: Callable[[], Any]) -> Around:
    """What calls a function inside the context."""

    def within(function: Callable[[], Any]) -> Any:
        entered = context()
        if not hasattr(type(entered), "__enter__"):  # Quart's, which is to be awaited
            from .asgi_context import call_within

            return call_within(entered, function)
        with entered:
            return function()

    return within


def _mounted(path: str, prefix: str, application: Any, interface: str | None) -> Mount:
    if interface not in (None, *INTERFACES):
        raise RegistrationError(
            f"the application at {path!r} is said to speak {interface!r}. interface is 'wsgi' or 'asgi'; "
            "leave it out where how the application is called shows it."
        )
    if (interface or interface_of(path, application)) == "asgi":
        from .asgi import AsgiMount

        return AsgiMount(prefix, application)
    from .wsgi import WsgiMount

    return WsgiMount(prefix, application)


def _checked_prefix(path: Any) -> str:
    check_path(path)
    prefix: str = path.rstrip("/")
    return prefix


def check_path(path: Any) -> None:
    """Refuse what is no fixed path of an application."""
    if not isinstance(path, str) or path[:1] != "/":
        raise RegistrationError(f"an application is mounted at a path that starts with '/', not at {path!r}.")
    if any(mark in path for mark in "<>{}%?#") or "//" in path:
        raise RegistrationError(
            f"an application is mounted at a fixed path, and {path!r} is none: it captures nothing, and is "
            "written decoded, with single slashes."
        )


def check_application(path: str, application: Any) -> None:
    """Refuse what is no application; `path` is where it was to be."""
    if hasattr(application, "route_table"):
        raise RegistrationError(
            f"the application at {path!r} is an App of microlambda's. Make it a Blueprint and register that, "
            "or mount its `wsgi`."
        )
    if not callable(application):
        raise RegistrationError(
            f"the application at {path!r} is {application!r}, which cannot be called. Give what WSGI servers "
            "are given: a Flask, a FastAPI, or Django's get_wsgi_application()."
        )
    if isinstance(application, type):
        if (parameters_of(vars(application).get("__init__")) or ())[1:] == ("scope",):
            raise called_twice(path, application)
        raise RegistrationError(
            f"the application at {path!r} is the class {application.__name__}. Make an instance of it."
        )
