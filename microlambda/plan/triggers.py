"""What the triggers of handlers come to on AWS, and what the handler's role has to be allowed for them.

One planner for each class of trigger. A trigger without one is refused by name, never left out in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from microlambda.plan.plan import Scope
    from microlambda.plan.records import Record, Ref
    from microlambda.runtime.dispatch.handler import Handler


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a trigger calls: the alias of the function of the handler `key`."""

    scope: Scope
    key: str
    function_name: str
    alias: Ref
    timeout: int  # s, of the function


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """What one handler's trigger asks for: records that come after the alias, and inline policies by name."""

    records: tuple[Record, ...] = ()
    policies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


Planner = Callable[[Any, Target], Wiring]

#: Handlers that are called by name alone.
BY_NAME = ("lambda_function", "task")

PLANNERS: dict[str, Planner] = {}


def is_deployed(handler: Handler) -> bool:
    """Tell whether this version can bring the handler's trigger to AWS."""
    return handler.kind in (*BY_NAME, *PLANNERS)


def wire(handler: Handler, target: Target) -> Wiring:
    """Plan the trigger of a handler; nothing for one that is called by name."""
    planner = PLANNERS.get(handler.kind)
    return Wiring() if planner is None else planner(handler.trigger, target)
