"""Plan x Observed -> the ordered Changes between them. Pure: it asks AWS nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from microlambda.deploy.changes import CREATE, REMOVE, UPDATE, Change
from microlambda.deploy.errors import NotOurs
from microlambda.deploy.kinds import DEPLOYERS
from microlambda.deploy.kinds.base import Known
from microlambda.deploy.ownership import check_ours, whose
from microlambda.plan.kinds import KINDS, REMOVAL_ORDER
from microlambda.plan.view import summary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from microlambda.deploy.observed import Observed, Seen
    from microlambda.deploy.place import Place
    from microlambda.plan.plan import Plan, Scope
    from microlambda.plan.records import Record


def compare(
    plan: Plan, observed: Observed, place: Place, *, remove_kept: bool = False, adopt: bool = False
) -> tuple[Change, ...]:
    """List what is to be done, in order: creations and updates as planned, then what is planned no longer.

    What a kind keeps (log groups) is removed only with `remove_kept`. What has a planned name and is
    another's is taken over with `adopt`, and a `NotOurs` error otherwise.
    """
    changing: dict[tuple[str, str], Change] = {}
    for record in plan.records:
        known = Known(plan=plan, observed=observed, place=place, changing=changing)
        change = _change(record, observed.find(record.kind, record.address), known, adopt=adopt)
        if change is not None:
            changing[record.kind, record.key] = change
    return (*changing.values(), *_removals(plan, observed, remove_kept=remove_kept))


def _change(record: Record, seen: Seen | None, known: Known, *, adopt: bool) -> Change | None:
    deployer = DEPLOYERS[record.kind]
    if seen is None:
        return Change(
            action=CREATE,
            kind=record.kind,
            key=record.key,
            name=record.name,
            reasons=summary(record),
            record=record,
        )
    taken_over = _taking_over(record, seen, known.plan.scope, adopt=adopt)
    reasons = (*taken_over, *deployer.compare(record, seen, known))
    if not reasons:
        return None
    return Change(
        action=CREATE if deployer.immutable else UPDATE,
        kind=record.kind,
        key=record.key,
        name=record.name,
        reasons=reasons,
        record=record,
        seen=seen,
    )


def _taking_over(record: Record, seen: Seen, scope: Scope, *, adopt: bool) -> tuple[str, ...]:
    """Say from whom it is taken over, if it is not ours; raise where that is not wanted, or cannot be."""
    if seen.tags is None or scope.owns(seen.tags):
        return ()
    if not adopt:
        check_ours(record.kind, record.name, seen.tags, scope)
    if problem := DEPLOYERS[record.kind].unadoptable(record, seen):
        raise NotOurs(f"the {KINDS[record.kind].title} {record.name!r} cannot be taken over: {problem}")
    return (f"taken over: {whose(record.kind, seen.tags, scope)}",)


def _removals(plan: Plan, observed: Observed, *, remove_kept: bool) -> Iterator[Change]:
    planned = {(record.kind, record.address) for record in plan.records}
    for kind in REMOVAL_ORDER:
        deployer = DEPLOYERS[kind]
        if deployer.removed_with is not None or (deployer.kept and not remove_kept):
            continue
        kept: set[str] = set()
        for seen in observed.of_kind(kind):
            first = seen.address not in kept
            kept.add(seen.address)
            if (kind, seen.address) in planned and first:
                continue
            if seen.tags is not None and not plan.scope.owns(seen.tags):
                continue
            yield Change(action=REMOVE, kind=kind, key="", name=seen.name, seen=seen)
