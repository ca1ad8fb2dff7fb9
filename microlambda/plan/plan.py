"""The Plan: whose it is, and the records of everything that AWS is to hold for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from microlambda.plan.errors import PlanError
from microlambda.plan.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microlambda.plan.records import Record, Ref

ID_TAG, APP_TAG, STAGE_TAG = "microlambda:id", "microlambda:app", "microlambda:stage"


@dataclass(frozen=True, kw_only=True)
class Scope:
    """One stage of one project in one region; `id` is None before the first deploy."""

    id: str | None
    app: str
    stage: str
    region: str

    @property
    def tags(self) -> dict[str, str]:
        """Give the tags by which everything of this stage is known."""
        return {ID_TAG: self.id or "", APP_TAG: self.app, STAGE_TAG: self.stage}

    def owns(self, tags: Mapping[str, str]) -> bool:
        """Tell whether what carries these tags belongs to this stage of this project."""
        return self.id is not None and all(tags.get(name) == value for name, value in self.tags.items())


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What one stage is to be: records in the order in which they can be created."""

    scope: Scope
    records: tuple[Record, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a record before what it refers to, and one of no known kind."""
        seen: set[tuple[str, str]] = set()
        for record in self.records:
            if record.kind not in KINDS:
                raise PlanError(f"{record.name!r} is of the kind {record.kind!r}, which no backend knows.")
            for ref in record.references():
                if (ref.kind, ref.key) not in seen:
                    raise PlanError(
                        f"the {record.kind} {record.name!r} refers to {ref}, which is not before it."
                    )
            seen.add((record.kind, record.key))

    def of_kind(self, kind: str) -> tuple[Record, ...]:
        """List the records of one kind."""
        return tuple(record for record in self.records if record.kind == kind)

    def find(self, ref: Ref) -> Record:
        """Find the record that a reference is to."""
        return next(one for one in self.records if (one.kind, one.key) == (ref.kind, ref.key))
