"""What planning a handler's trigger starts from, and what it comes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microlambda.plan.plan import Scope
    from microlambda.plan.records import Record, Ref


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a trigger calls: the alias of the function of the handler `key`."""

    scope: Scope
    key: str
    function_name: str
    alias: Ref
    timeout: int  # s, of the function
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """What one handler's trigger asks for: records that come after the alias, and inline policies by name."""

    records: tuple[Record, ...] = ()
    policies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
