"""The app's process: it loads the App, tells the parent what there is, and takes events from the Runtime API.

`python -m microlambda.local.child ROOT STAGE TARGET [FUNCTION]`, with AWS_LAMBDA_RUNTIME_API in the
environment. With the name of a function it serves that one alone (an empty TARGET is none). What the parent
is told is an `AppReport`; an app that does not load is reported as an error of init.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microlambda.emulator.runtime_client import (
    Connection,
    Fault,
    RuntimeGone,
    end_quietly_on_interrupt,
    print_uncaught,
    report_init_error,
    report_ready,
    serve,
    set_up_logging,
)
from microlambda.local.addresses import PARENT
from microlambda.local.tasks import TaskThreads
from microlambda.local.terminal import Terminal, owns_terminal
from microlambda.project.errors import ToolError
from microlambda.project.loader import LoadedApp, load_app
from microlambda.runtime.context import streaming_answers
from microlambda.runtime.errors import ConfigurationError
from microlambda.runtime.routing.problems import location_of
from microlambda.runtime.tasks import tasks_run_by
from microlambda.runtime.websocket import websocket_transport

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from microlambda import App


#: Sources whose events come from what serves here, and from no AWS.
_ASKED_HERE = ("websocket", "authorizer")


def main(argv: list[str]) -> int:
    """Load the app and serve it until the parent is gone."""
    end_quietly_on_interrupt()
    set_up_logging()
    sys.excepthook = print_uncaught
    root, stage, target = Path(argv[1]), argv[2], argv[3] or None
    function = argv[4] if len(argv) > 4 else None
    sys.argv[1:] = []  # on Lambda there are no arguments either
    address = os.environ["AWS_LAMBDA_RUNTIME_API"]
    sending = _sending()
    with contextlib.suppress(RuntimeGone), tasks_run_by(TaskThreads(address, sending)), sending():
        connection = Connection(address)
        try:
            _resolve_references()
            loaded = load_app(root, target, command="local" if function is None else "invoke --app")
        except (ToolError, ConfigurationError) as exc:
            report_init_error(connection, _fault(exc))
            return 1
        os.environ["MICROLAMBDA_APP"] = loaded.path
        triggers = _triggers(loaded, root, stage) if function is None else {}
        report_ready(connection, {**_report(loaded), **triggers})
        # One that has been asked for by name answers at once, as Lambda's Invoke does.
        with streaming_answers(function is None):
            handler = _served(loaded.app, function)
            serve(Terminal(address).lent_to_debuggers(handler) if owns_terminal() else handler, connection)
        connection.close()
    return 0


def _sending() -> Callable[[], AbstractContextManager[None]]:
    """Give what lets `app.websocket` send through our parent, in the thread that enters it."""
    told = os.environ.pop(PARENT, None)
    if told is None:
        return contextlib.nullcontext
    from microlambda.local.parent import ParentConnections

    return partial(websocket_transport, ParentConnections(told))


def _resolve_references() -> None:
    """Put what `${ssm:...}` and `${secret:...}` refer to into their places, from the AWS of this machine."""
    if any("${s" in value for value in os.environ.values()):
        from microlambda.runtime.references import resolve

        resolve(os.environ)


def _served(app: App, function: str | None) -> Callable[[Any, Any], Any]:
    """Give what takes the events; where there is no such function, the parent sees that in the report."""
    return app.handler(function) if function in app.functions else app


def _fault(error: Exception) -> Fault:
    """Put an error, and the traceback of what the user's module raised, into the shape of Lambda's."""
    cause = error.__cause__
    trace = traceback.format_exception(cause) if cause is not None else []
    return Fault(type(error).__name__, str(error), trace)


def _report(loaded: LoadedApp) -> dict[str, Any]:
    return {
        "name": loaded.app.name,
        "app": loaded.path,
        "functions": list(loaded.app.functions),
        "routes": [
            [sorted(rule.methods), rule.rule, rule.endpoint, rule.location] for rule in loaded.app.route_table
        ],
        "handlers": [
            [handler.trigger.declared(), handler.name, location_of(handler.function)]
            for handler in loaded.app.handlers.values()
            if handler.trigger.has_events
        ],
        "websocket": {
            route_key: handler.name
            for handler in loaded.app.handlers.values()
            if handler.source == "websocket"
            for route_key in getattr(handler.trigger, "route_keys", ())
        },
        "asked": _asked(loaded.app),
        "handshake": _handshake(loaded.app),
        "failure_fields": _failure_fields(loaded.app),
        "files": sorted({file for module in list(sys.modules.values()) if (file := _source(module))}),
    }


def _asked(app: App) -> dict[str, Any]:
    """Give what each ingress asks of the callers of protected views."""
    if not any(rule.is_protected for rule in app.route_table):
        return {}
    from microlambda.emulator.gateway import INGRESSES
    from microlambda.plan.asked import asked_of_callers

    return {ingress: asked_of_callers(app, ingress) for ingress in INGRESSES}


def _handshake(app: App) -> dict[str, Any] | None:
    """Give what is asked of clients that open a WebSocket, if anything."""
    triggers: list[Any] = [one.trigger for one in app.handlers.values() if one.source == "websocket"]
    declared = next((one.authorizer for one in triggers if one.authorizer is not None), None)
    if declared is None:
        return None
    from microlambda.plan.asked import asked_at_handshake

    return asked_at_handshake(app, declared)


def _failure_fields(app: App) -> list[tuple[str, str]]:
    if app.cors is None:
        return []
    from microlambda.plan.gateway_answers import failure_fields

    return list(failure_fields(app.cors).items())


def _triggers(loaded: LoadedApp, root: Path, stage: str) -> dict[str, Any]:
    """Plan what fires the app's handlers, or say why that cannot be; nothing where there are none."""
    handlers = [one for one in loaded.app.handlers.values() if one.source not in _ASKED_HERE]
    if not any(one.trigger.has_events for one in handlers):
        return {}
    from microlambda.local.triggers import packed, plan_triggers
    from microlambda.plan.triggers import is_deployed
    from microlambda.project.settings import load_settings

    waiting = [one.name for one in handlers if not is_deployed(one)]
    try:
        plan = plan_triggers(loaded.app, load_settings(root, stage), app_path=loaded.path)
    except ToolError as exc:
        return {"unplanned": f"{type(exc).__name__}: {exc}"}
    return {"triggers": packed(plan), "waiting": waiting}


def _source(module: object) -> str | None:
    file = getattr(module, "__file__", None)
    return os.path.realpath(file) if isinstance(file, str) and file.endswith(".py") else None


if __name__ == "__main__":
    sys.exit(main(sys.argv))
