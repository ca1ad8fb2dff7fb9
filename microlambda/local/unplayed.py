"""What a plan asks for and an AWS on this machine keeps without effect, so that it can say so.

docs/explanation/local.md tells the rest: what no single setting asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from microlambda.plan.records import EventSourceMapping, Function, Placed, RestApi, Role
from microlambda.project.distributions import is_installed
from microlambda.project.limits import DEFAULT_EPHEMERAL_STORAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from microlambda.plan.plan import Plan
    from microlambda.plan.records import Record

#: What `policies` of the settings that are tables come to.
_OWN_STATEMENTS = "microlambda-settings"


@dataclass(frozen=True, kw_only=True)
class Unplayed:
    """A field of a kind of records that has no effect where `is_asked` of its value.

    `word` is what the settings or the decorator call it.
    """

    word: str
    kind: type[Record]
    field: str
    is_asked: Callable[[Any], bool] = bool

    def names(self, records: Iterable[Record]) -> list[str]:
        """Name the functions that ask for it."""
        ours = (one for one in records if isinstance(one, self.kind))
        return list(dict.fromkeys(one.key for one in ours if self.is_asked(getattr(one, self.field))))


UNPLAYED = (
    Unplayed(word="vpc", kind=Function, field="subnets"),
    Unplayed(word="snap_start", kind=Function, field="snap_start", is_asked=lambda value: value != "None"),
    Unplayed(word="tracing", kind=Function, field="tracing", is_asked=lambda value: value == "Active"),
    Unplayed(
        word="log_format",
        kind=Function,
        field="log_format",
        # the runtime client that stands in for AWS's writes text
        is_asked=lambda value: value != "Text" and not is_installed("awslambdaric"),
    ),
    Unplayed(
        word="reserved_concurrency",
        kind=Function,
        field="reserved_concurrency",
        is_asked=lambda value: value is not None,
    ),
    Unplayed(
        word="ephemeral_storage",
        kind=Function,
        field="ephemeral_storage",
        is_asked=lambda value: value != DEFAULT_EPHEMERAL_STORAGE,
    ),
    Unplayed(
        word="iam_role_arn", kind=Function, field="role", is_asked=lambda value: isinstance(value, Placed)
    ),
    Unplayed(word="policies", kind=Role, field="attached"),
    Unplayed(word="policies", kind=Role, field="policies", is_asked=lambda value: _OWN_STATEMENTS in value),
    Unplayed(
        word="endpoint_type", kind=RestApi, field="endpoint_type", is_asked=lambda value: value == "EDGE"
    ),
    Unplayed(
        word="parallelization_factor",
        kind=EventSourceMapping,
        field="parallelization_factor",
        is_asked=lambda value: value not in (None, 1),
    ),
)


def unplayed(plan: Plan) -> list[str]:
    """Name what has no effect here, each with the functions that it is asked for."""
    found: dict[str, dict[str, None]] = {}
    for one in UNPLAYED:
        if names := one.names(plan.records):
            found.setdefault(one.word, {}).update(dict.fromkeys(names))
    return [f"{word} ({', '.join(names)})" for word, names in found.items()]
