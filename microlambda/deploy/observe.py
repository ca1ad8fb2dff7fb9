"""Looking at what AWS has: every kind at once, but what lives inside functions after the functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from microlambda.deploy.kinds import DEPLOYERS
from microlambda.deploy.observed import Observed, Seen
from microlambda.plan.kinds import KINDS
from microlambda.plan.records import Function

if TYPE_CHECKING:
    from collections.abc import Sequence

    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Plan


def observe(aws: Aws, plan: Plan, *, adopt: bool = False) -> Observed:
    """List everything of the plan's stage, and everything that has a planned name.

    With `adopt` a function of a planned name is looked into, too, where it is another's.
    """
    _ = aws.identity  # asked once, before the threads
    with aws.one_moment():
        return _observe_all(aws, plan, adopt=adopt)


def _observe_all(aws: Aws, plan: Plan, *, adopt: bool) -> Observed:
    outer = [kind.name for kind in KINDS.values() if kind.inside is None]
    inner = [kind.name for kind in KINDS.values() if kind.inside is not None]
    seen = _observe(aws, plan, outer, ())
    planned = {one.name for one in plan.of_kind(Function.kind)} if adopt else set()
    functions = [
        one.name
        for one in seen
        if one.kind == Function.kind and (plan.scope.owns(one.tags or {}) or one.name in planned)
    ]
    return Observed(seen=(*seen, *_observe(aws, plan, inner, functions)))


def _observe(aws: Aws, plan: Plan, kinds: Sequence[str], functions: Sequence[str]) -> list[Seen]:
    def one(kind: str) -> list[Seen]:
        return DEPLOYERS[kind].observe(aws, plan.scope, plan.of_kind(kind), functions)

    return [seen for some in aws.each(one, kinds) for seen in some]
