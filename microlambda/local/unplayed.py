"""What a plan asks for and an AWS on this machine keeps without effect, so that it can say so.

docs/explanation/local.md tells the rest: what no single setting asks for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from microlambda.plan.records import EventSourceMapping, Function, Placed, RestApi, Role
from microlambda.project.limits import DEFAULT_EPHEMERAL_STORAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from microlambda.plan.plan import Plan
    from microlambda.plan.records import Record

    Asks = Callable[[Record], bool]


def _is(kind: type[Record], field: str, asks: Callable[[object], bool]) -> Asks:
    return lambda record: isinstance(record, kind) and asks(getattr(record, field))


#: The word of the settings or of the decorator, and which records ask for it.
UNPLAYED: Mapping[str, Asks] = {
    "vpc": _is(Function, "subnets", bool),
    "snap_start": _is(Function, "snap_start", lambda value: value != "None"),
    "tracing": _is(Function, "tracing", lambda value: value == "Active"),
    "log_format": _is(Function, "log_format", lambda value: value != "Text"),
    "reserved_concurrency": _is(Function, "reserved_concurrency", lambda value: value is not None),
    "ephemeral_storage": _is(Function, "ephemeral_storage", lambda value: value != DEFAULT_EPHEMERAL_STORAGE),
    "iam_role_arn": _is(Function, "role", lambda value: isinstance(value, Placed)),
    "policies": _is(Role, "attached", bool),
    "endpoint_type": _is(RestApi, "endpoint_type", lambda value: value == "EDGE"),
    "parallelization_factor": _is(
        EventSourceMapping, "parallelization_factor", lambda value: value not in (None, 1)
    ),
}


def unplayed(plan: Plan) -> list[str]:
    """Name what has no effect here, each with the functions that it is asked for."""
    found = ((word, _names(plan.records, asks)) for word, asks in UNPLAYED.items())
    return [f"{word} ({', '.join(names)})" for word, names in found if names]


def _names(records: Iterable[Record], asks: Asks) -> list[str]:
    return list(dict.fromkeys(record.key for record in records if asks(record)))
