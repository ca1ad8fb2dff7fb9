"""What planning a handler's trigger starts from, and what it comes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from microlambda.plan.errors import PlanError
from microlambda.plan.names import statement_id
from microlambda.plan.records import Arn, Permission
from microlambda.runtime.events.arns import is_arn
from microlambda.runtime.naming import LIVE

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


def allow_calls(
    target: Target, principal: str, *, statement: str, source: Arn | str, **more: Any
) -> Permission:
    """Let a service call the handler on behalf of `source`.

    `statement` names what calls, so that another one is another statement, and the old one stays meanwhile.
    `more` are further fields of the permission.
    """
    return Permission(
        name=statement_id(f"microlambda-{statement}"),
        alias=target.alias,
        function_name=target.function_name,
        alias_name=LIVE,
        action="lambda:InvokeFunction",
        principal=principal,
        source=source,
        **{"key": target.key, **more},
    )


def check_region(target: Target, noun: str, listened: str, advice: str = "") -> None:
    """Raise `PlanError` where a handler listens to what its ARN says is in another region than it."""
    here = target.scope.region
    region = listened.split(":")[3] if is_arn(listened) else here
    if region != here:
        raise PlanError(
            f"the handler {target.key!r} listens to a {noun} in {region}, {listened!r}, and is deployed to "
            f"{here}{advice or f'. Deploy it there, or name a {noun} that is here.'}"
        )
