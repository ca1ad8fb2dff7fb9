"""Why nothing is served, or answered.

ToolError
├── StartFailed        the app's process ended, or hung, before it could take a request
├── UnusableHost       the address to listen on is none of this machine's
├── UnknownFunction    the app has no function of that name
├── NotAnswered        the `microlambda local` that runs did not call the function
└── FunctionRaised     the function that was called raised, exited, or took too long
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from microlambda.project.errors import AppImportFailed, AppNotFound, SettingsError, ToolError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from microlambda.emulator.invocation import Invocation


class StartFailed(ToolError):
    """The app's process ended, or hung, before it could take a request."""


class UnusableHost(ToolError):
    """The address to listen on is none of this machine's."""

    def __init__(self, host: str, reason: str | None) -> None:
        super().__init__(f"nothing can listen on {host!r}: {reason}. Try: --host 127.0.0.1")


class UnknownFunction(ToolError):
    """The app has no function of that name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        has = f"It has: {', '.join(known)}." if known else "It has none at all."
        super().__init__(f"the app has no function {name!r}.{nearest(name, known)} {has}")

    @classmethod
    def told(cls, text: str) -> UnknownFunction:
        """Make one of what another process has written."""
        error = cls.__new__(cls)
        error.args = (text,)
        return error


class NotAnswered(ToolError):
    """The `microlambda local` that runs for the project did not call the function."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f"`microlambda local` at {url} did not call the function: {reason} With --alone it runs in a "
            "process of its own."
        )


class FunctionRaised(ToolError):
    """The function that was called raised, exited, or took too long; its log has the traceback."""

    def __init__(self, name: str, document: Mapping[str, Any]) -> None:
        kind, message = document.get("errorType"), str(document.get("errorMessage", ""))
        if document.get("stackTrace"):
            super().__init__(f"{name!r} raised {kind}; the traceback stands above.")
            return
        told = message.partition(" Error: ")[2] if message.startswith("RequestId: ") else message
        super().__init__(f"{name!r} failed: {kind}: {told}")


_REPORTED = {kind.__name__: kind for kind in (AppImportFailed, AppNotFound, SettingsError)}


def start_error(failed: Invocation) -> ToolError:
    """Turn what the app's process reported, or that it could not, into the error to raise.

    The lines of the user's traceback become a note of the error.
    """
    document = json.loads(failed.payload)
    kind, message = document.get("errorType", ""), document.get("errorMessage", "")
    if kind == "ConfigurationError":
        return SettingsError(f"{message} Write the variable's value into .env, for this machine alone.")
    error = _REPORTED.get(kind)
    if error is None:
        reason = message.partition(" Error: ")[2] or message
        return StartFailed(f"the app's process came to no first request: {reason} ({kind}).")
    raised = error(message)
    if trace := "".join(document.get("stackTrace") or ()).rstrip():
        raised.add_note(trace)
    return raised
