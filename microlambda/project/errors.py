"""What the developer's tools refuse, and say so: the branch `ToolError` of microlambda's errors.

    MicrolambdaError
    └── ToolError             printed as "Name: message", without a traceback; `exit_code` ends the command
        ├── SettingsError     microlambda.toml or [tool.microlambda] asks for what cannot be
        ├── AppNotFound       no App where one was asked for, or several
        └── AppImportFailed   the user's module raised while it was imported; `__cause__` is what it raised

The folders above this one add theirs: plan, bundle, deploy, emulator, local.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, ClassVar

from microlambda.runtime.errors import MicrolambdaError

if TYPE_CHECKING:
    from collections.abc import Iterable


class ToolError(MicrolambdaError):
    """An error that a command prints as one message, and ends with `exit_code`."""

    exit_code: ClassVar[int] = 1


class SettingsError(ToolError):
    """The settings hold what cannot be: an unknown key, a wrong type, a value that AWS refuses."""


class AppNotFound(ToolError):
    """There is no App where one was asked for, or there are several and none was chosen."""


class AppImportFailed(ToolError):
    """The user's module raised at import; the cause keeps its traceback, from the user's first frame on."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Name the one of `known` that `name` was probably meant to be: " Did you mean 'memory'?", or nothing."""
    matches = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f" Did you mean {matches[0]!r}?" if matches else ""
