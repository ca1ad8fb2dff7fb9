"""Which changes wait for which: what is independent of each other is made at the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from microlambda.deploy.changes import REMOVE, UPDATE
from microlambda.plan.records import BucketNotifications, Function, LogSubscription, Permission, Ref, Version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from microlambda.deploy.changes import Change

    Lane = tuple[str, str]


def waits(changes: Sequence[Change]) -> list[set[int]]:
    """Give for each change the numbers of those that must be through first.

    What is created or updated waits for what it refers to, and for what touches the same function, bucket or
    log group: Lambda and CloudWatch Logs refuse two changes to one at a time, and a bucket's notifications
    are written as a whole.
    A removal waits for everything of another kind before it, so that nothing goes before its successor is
    there, or before what calls it. An API that is there already waits for what lets it call its authorizers:
    without that it would answer 500.
    """
    places = {(one.kind, one.key): number for number, one in enumerate(changes) if one.action != REMOVE}
    last: dict[Lane, int] = {}
    found: list[set[int]] = []
    for number, change in enumerate(changes):
        before = {last[lane] for lane in _lanes(change) if lane in last}
        if change.action == REMOVE:
            before |= {other for other in range(number) if _is_apart(changes[other], change)}
        elif change.record is not None:
            refs = change.record.references()
            before |= {places[ref.kind, ref.key] for ref in refs if (ref.kind, ref.key) in places}
        last |= dict.fromkeys(_lanes(change), number)
        found.append({other for other in before if other < number})
    for number, change in enumerate(changes):
        asking = _asking(change, places)
        if asking is not None and changes[asking].action == UPDATE:
            found[number].discard(asking)
            found[asking].add(number)
    return found


def _asking(change: Change, places: Mapping[tuple[str, str], int]) -> int | None:
    """Give the number of the API that the change lets call an authorizer, if that is to change, too."""
    source = change.record.source if isinstance(change.record, Permission) else None
    if not isinstance(source, Ref) or source.attribute != "authorizers_arn":
        return None
    return places.get((source.kind, source.key))


def _is_apart(earlier: Change, removal: Change) -> bool:
    return earlier.action != REMOVE or earlier.kind != removal.kind


def _lanes(change: Change) -> Iterator[Lane]:
    """Name what only one change at a time may touch."""
    if change.key:
        yield "key", change.key
    if change.kind in (BucketNotifications.kind, LogSubscription.kind):
        yield change.kind, change.name
    if change.kind in (Function.kind, Version.kind):
        yield "function", change.name
    elif function := _function(change):
        yield "function", function


def _function(change: Change) -> str:
    if change.record is not None:
        return str(getattr(change.record, "function_name", ""))
    # where something lives inside a function, its address begins with the function's name
    return change.seen.address.replace("/", ":").partition(":")[0] if change.seen is not None else ""
