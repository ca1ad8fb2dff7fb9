"""Running a task at once: in tests, in scripts, under a WSGI server."""

from __future__ import annotations

import json

from ..context import CURRENT, PROPAGATE
from . import encoded, log_failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..app import App

#: The longest that Lambda lets a function run, in milliseconds.
_LONGEST = 900_000


class TaskContext:
    """Stands for what Lambda hands over beside the event: an id of its own, and else what the caller has."""

    def __init__(self, request_id: str, caller: Any, _name: str) -> None:
        self.aws_request_id = request_id
        self._caller = caller

    def get_remaining_time_in_millis(self) -> int:
        """How long the task may still run."""
        given = getattr(self._caller, "get_remaining_time_in_millis", None)
        return _LONGEST if given is None else int(given())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._caller, name)


def run(app: App, event: dict[str, Any]) -> str:
    """Run the task as its own function would, and raise its error.

    Where something is being answered meanwhile, and no test asks for errors, it is logged, and that goes on.
    """
    from uuid import uuid4

    call = event["microlambda"]
    request_id = call["id"] = str(uuid4())
    given = json.loads(encoded(app, event))
    scope = CURRENT.get(None)
    caller = None if scope is None else scope.lambda_context
    context = getattr(caller, "of_task", TaskContext)(request_id, caller, call["task"])
    try:
        app.handler(call["task"])(given, context)
    except Exception as exc:
        if scope is None or PROPAGATE.get():
            raise
        log_failure(app, call["task"], context, exc)
    return request_id
