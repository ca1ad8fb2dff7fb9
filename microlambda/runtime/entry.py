"""The handler that microlambda's deployer names: it finds the app before the first event comes.

`MICROLAMBDA_APP` is `module:attribute`, an App or a bare WSGI or ASGI application;
`MICROLAMBDA_HANDLER` is the name of the handler that this function runs. An error in the user's
module leaves this module's import as it is, so that AWS's runtime client reports it as the
function's own.
"""

from __future__ import annotations

import os
from importlib import import_module

from .errors import ConfigurationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from typing import Any


def load_handler(environ: MutableMapping[str, str]) -> Callable[[Any, Any], Any]:
    """The handler that the environment names; its references are resolved before the app is imported."""
    target = environ.get("MICROLAMBDA_APP", "")
    module_name, colon, attribute = target.partition(":")
    if not (module_name and colon and attribute):
        raise ConfigurationError(f"MICROLAMBDA_APP is {target!r}; it names the app as 'module:attribute'.")
    if any("${s" in value for value in environ.values()):  # ${ssm:...}, ${secret:...}
        from .references import resolve

        resolve(environ)
    app: Any = _imported(module_name)
    for name in attribute.split("."):
        app = getattr(app, name, None)
    if isinstance(app, type) or not hasattr(app, "route_table"):
        app = _made_of(app, module_name, attribute)
    handler: Any = app.handler(environ.get("MICROLAMBDA_HANDLER"))
    startups = app.startups
    if handler is app:  # the function of the routes
        for start in startups:
            start()
        handler = app.__call__  # a call of the App itself looks that up each time
    return handler  # type: ignore[no-any-return]  # it takes an event and a context


def _made_of(application: Any, module_name: str, attribute: str) -> Any:
    """An App of a WSGI or ASGI application that stands in the place of one."""
    try:
        from .bare import wrapped
    except ImportError as exc:  # it ships where the app's own module makes no App
        raise ConfigurationError(
            f"{module_name} has no App called {attribute!r}, which MICROLAMBDA_APP names. If it has another "
            "application, write microlambda.runtime.bare in a comment there, and package it again."
        ) from exc
    return wrapped(application, module_name, attribute)


def _imported(module_name: str) -> Any:
    """The user's module. AWS's runtime client tells of an ImportError its message alone: say where it is."""
    try:
        return import_module(module_name)
    except ImportError as exc:
        place, traceback = "", exc.__traceback__
        while traceback is not None:
            file = traceback.tb_frame.f_code.co_filename
            is_ours = "/microlambda/runtime/" in file or file.endswith("/microlambda/__init__.py")
            if not is_ours and not file.startswith("<frozen "):
                place = f" ({file}, line {traceback.tb_lineno})"
            traceback = traceback.tb_next
        raise ImportError(f"{exc}{place}", name=exc.name, path=exc.path) from exc


handler = load_handler(os.environ)
