"""A Change: one thing to do to AWS, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from microlambda.plan.kinds import KINDS

if TYPE_CHECKING:
    from microlambda.deploy.observed import Seen
    from microlambda.plan.records import Record

CREATE, UPDATE, REMOVE = "create", "update", "remove"
_SIGNS = {CREATE: "+", UPDATE: "~", REMOVE: "-"}
_DOING = {CREATE: "creating", UPDATE: "changing", REMOVE: "removing"}


@dataclass(frozen=True, kw_only=True)
class Change:
    """Create or update what `record` plans, or remove what was `seen`. Reasons name no secret."""

    action: str
    kind: str
    key: str
    name: str
    reasons: tuple[str, ...] = ()
    record: Record | None = field(default=None, repr=False)
    seen: Seen | None = field(default=None, repr=False)

    @property
    def title(self) -> str:
        """Name what changes: `function shop-dev-http`, or `alias live of shop-dev-http`."""
        return f"{KINDS[self.kind].title} {self.name}{self._of()}"

    @property
    def line(self) -> str:
        """Write the change as people read it: `~ function shop-dev-http: memory 128 -> 512 MB`."""
        reasons = f": {', '.join(self.reasons)}" if self.reasons else ""
        return f"{_SIGNS[self.action]} {self.title}{reasons}"

    @property
    def doing(self) -> str:
        """Name the work in a sentence: `creating the function 'shop-dev-http'`."""
        return f"{_DOING[self.action]} the {KINDS[self.kind].title} {self.name!r}{self._of()}"

    def as_data(self) -> dict[str, Any]:
        """Give the change as data for JSON."""
        return {
            "action": self.action,
            "kind": self.kind,
            "key": self.key,
            "name": self.name,
            "reasons": list(self.reasons),
            **({"function": self._function} if self._function else {}),
        }

    @property
    def _function(self) -> str:
        """Name the function of what is called the same in each; empty for all else."""
        there = self.record or self.seen
        return there.address.partition(":")[0] if there is not None and KINDS[self.kind].alike else ""

    def _of(self) -> str:
        return f" of {self._function}" if self._function else ""
