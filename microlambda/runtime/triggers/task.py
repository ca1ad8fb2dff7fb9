"""`@app.task`: a function that the app itself calls, asynchronously."""

from __future__ import annotations

from ..errors import UnknownEvent, WrongAnswer
from ..events.task import TaskEvent
from .asynchronous import AsyncOptions
from .base import Trigger, as_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..app import App
    from ..tasks import Task


class TaskTrigger(Trigger):
    """What is to become of calls that fail, and the task, which learns here under which name it is called."""

    decorator = source = "task"
    event_class = TaskEvent
    has_events = False

    def __init__(self, task: Task[..., Any], asynchronous: AsyncOptions, name: str = "") -> None:
        self.asynchronous = asynchronous
        self.name = name
        self._task = task

    def for_handler(self, app: App, name: str) -> TaskTrigger:
        """One for each registration: a blueprint's task may have several, each with its own name."""
        self._task._registered(app, name)
        return TaskTrigger(self._task, self.asynchronous, name)

    def fits(self, event: dict[str, Any]) -> bool:
        """Is it a call of this task?"""
        return bool(event["microlambda"]["task"] == self.name)

    def declared(self) -> str:
        """With what calls it, as there is no source."""
        return f"@app.task(), which {self.name}.delay() calls"

    def make_event(self, raw: dict[str, Any], context: Any) -> TaskEvent:
        """The view; `UnknownEvent` for one by hand whose arguments cannot be any."""
        called = raw["microlambda"]
        args, kwargs = called.get("args"), called.get("kwargs")
        if not isinstance(args, list | None) or not isinstance(kwargs, dict | None):
            raise UnknownEvent(
                f"this call of the task {self.name!r} is not one that .delay() makes: "
                "`args` is a list and `kwargs` an object."
            )
        return TaskEvent(raw, context)

    def result(self, app: App, handler: str, event: Any, value: Any) -> Any:  # noqa: ARG002  # as of others
        """The answer where JSON has it: nobody but who calls by hand reads it."""
        try:
            return as_json(app, handler, value)
        except WrongAnswer:
            return None
