"""A call of a task: what `.delay(...)` hands over, as middleware gets to see it.

    {"microlambda": {"task": "shop.resize", "id": "8f50...", "args": ["cats.png"], "kwargs": {"width": 100}}}

On Lambda the `id` is left out: the id of the invocation stands for it, the same at each retry.
"""

from __future__ import annotations

from .base import Event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class TaskEvent(Event):
    """One call of a task. Its `repr` leaves out the arguments."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The task's name, `shop.resize`."""
        name: str = self._raw["microlambda"]["task"]
        return name

    @property
    def id(self) -> str | None:
        """What `.delay` answered."""
        given = self._raw["microlambda"].get("id") or getattr(self._context, "aws_request_id", None)
        return None if given is None else str(given)

    @property
    def args(self) -> tuple[Any, ...]:
        """The positional arguments."""
        return tuple(self._raw["microlambda"].get("args") or ())

    @property
    def kwargs(self) -> dict[str, Any]:
        """The keyword arguments, a new dict each time."""
        return dict(self._raw["microlambda"].get("kwargs") or {})

    def _cloudevent(self) -> dict[str, Any]:
        from uuid import uuid4

        return {
            "id": self.id or str(uuid4()),
            "source": getattr(self._context, "invoked_function_arn", None) or "aws:lambda",
            "type": "com.amazonaws.lambda.invocation",
            "subject": self.name,
            "data": {"args": list(self.args), "kwargs": self.kwargs},
        }

    def _label(self) -> str:
        return f"{self.name} {self.id or ''}".rstrip()
