"""What a Django that is mounted has beside its requests: connections that age, and management commands."""

from __future__ import annotations

import os
import sys

from ..registration import HTTP_FUNCTION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..app import App


def managed(app: App, event: Any, context: Any) -> dict[str, Any] | None:
    """The result of the management command that the event asks for; None for every other event.

    `{"microlambda": {"manage": ["migrate", "--noinput"]}}` is what `microlambda manage` calls the function
    with. Nothing but lambda:InvokeFunction sends it: the events of gateways and sources have keys beside this
    one, and the function `http`, which alone answers it, is called by gateways only.
    """
    arguments = _arguments(event)
    if arguments is None or os.environ.get("MICROLAMBDA_HANDLER") != HTTP_FUNCTION or not _is_set_up():
        return None
    from .manage import run

    return run(app, arguments, context)


def _arguments(event: Any) -> list[str] | None:
    ours = event["microlambda"] if type(event) is dict and event.keys() == {"microlambda"} else None
    arguments = ours["manage"] if type(ours) is dict and ours.keys() == {"manage"} else None
    if type(arguments) is list and arguments and all(type(one) is str for one in arguments):
        return arguments
    return None


def _is_set_up() -> bool:
    """Has the application that is mounted set up Django, as `get_wsgi_application` does?"""
    registry = sys.modules.get("django.apps")
    return registry is not None and bool(registry.apps.ready)


def with_fresh_connections(function: Callable[[], Any]) -> Any:
    """Call a function, and close Django's connections to databases around it when their time has come.

    As Django does around requests, by CONN_MAX_AGE: a handler of events would else go on for good with one
    that the database has closed.
    """
    database = sys.modules.get("django.db")
    if database is None or not _is_set_up():
        return function()
    database.close_old_connections()
    try:
        return function()
    finally:
        database.close_old_connections()
