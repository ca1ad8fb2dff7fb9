"""A WSGI or ASGI application in the place of an App: it becomes an App that is the application at "/" alone.

It loads where `MICROLAMBDA_APP` names no App. The developer's tools tell by it what can be no application.
"""

from __future__ import annotations

from .app import App
from .errors import ConfigurationError
from .mounts.interface import is_coroutine, is_instance, required_of
from .mounts.interface import parameters_of as parameters_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: How functions are called that make applications: `create_app`, `make_wsgi_app`.
_MAKERS = ("create_", "make_", "build_", "get_", "app_factory")
#: How the two parameters of handlers are called, on Lambda.
_OF_HANDLERS = ("event", "evt", "context", "ctx", "lambda_context")


def wrapped(application: Any, module: str, name: str) -> App:
    """An App that is the application `name` of `module` alone; it has the name of the module's package.

    ConfigurationError for what can be no application, RegistrationError for one that cannot be mounted.
    """
    if application is None:
        raise ConfigurationError(f"{module} has no App called {name!r}, and no application.")
    if (fault := fault_of(application, name)) is not None:
        raise ConfigurationError(f"{module}:{name} {fault}")
    from .mounts import mount

    app = App(name_of(module))
    mount(app, "/", application)
    return app


def name_of(module: str) -> str | None:
    """`mysite` of `mysite.wsgi`; a module `wsgi` that is in no package has no name to give."""
    top = module.partition(".")[0]
    return None if top in ("wsgi", "asgi") else top


def fault_of(application: Any, name: str) -> str | None:
    """Why what is called `name` is no application, to be read behind its place; None where it may be one."""
    if isinstance(application, type):
        return (
            f"is the class {application.__name__}. Make an instance of it, app = {name}(...), and name that."
        )
    if not callable(application):
        return f"is a {type(application).__name__}, not an App."
    names = parameters_of(application)
    if says_so(names or ()):
        return None
    if not is_instance(application) and (fault := other_function(name, names)) is not None:
        return fault
    if names is None or _fits(application, names):
        return None
    return (
        f"is called with ({', '.join(names)}), and is no web application: one of WSGI takes (environ, "
        "start_response), one of ASGI is async and takes (scope, receive, send)."
    )


def says_so(names: tuple[str, ...]) -> bool:
    """Are these the parameters that applications are written with?"""
    return names[1:2] == ("start_response",) or names[:1] == ("scope",)


def other_function(name: str, names: tuple[str, ...] | None) -> str | None:
    """What else a function is, by its name and its parameters."""
    written = f"{name}({'...' if names is None else ', '.join(names)})"
    if any(one.strip("_") in _OF_HANDLERS for one in (names or ())[:2]):
        return (
            f"is a Lambda handler, {written}, and no web application. Declare it in an App: app = "
            "App('my-service'), and @app.lambda_function() above it."
        )
    if names == () or name.startswith(_MAKERS):
        return (
            f"is a function, {written}, that may make the application and is none. Write app = {name}(...) "
            "into a module, wsgi.py say, and name that: wsgi:app."
        )
    return None


def _fits(application: Any, names: tuple[str, ...]) -> bool:
    """Can it be called as WSGI (PEP 3333) or ASGI has it?"""
    wanted = 3 if is_coroutine(application) else 2
    return (required_of(application) or 0) <= wanted <= len(names)
