"""The role that a function runs as: one of its own, or one of the user's, which nothing is added to."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from microlambda.plan import names
from microlambda.plan.errors import PlanError
from microlambda.plan.policies import MANAGE_INTERFACES, TRUST, asked_for
from microlambda.plan.records import Arn, Placed, Ref, Role
from microlambda.project.limits import INLINE_POLICY_CHARACTERS, TAGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from microlambda.plan.plan import Scope
    from microlambda.plan.records import Record
    from microlambda.project.settings import FunctionSettings

    Policies = Mapping[str, Mapping[str, Any]]


def plan_role(
    scope: Scope, function: FunctionSettings, policies: Policies, tags: Mapping[str, str]
) -> list[Role]:
    """Plan the role, with what the function's work needs and what the settings ask for.

    A function that runs as a role of the user's gets none.
    """
    if function.iam_role_arn is not None:
        _check_not_ours(scope, function.name, function.iam_role_arn)
        if function.policies:
            raise PlanError(
                f"the function {function.name!r} is to run as {function.iam_role_arn}, which is yours, so "
                "nothing is added to it: give it there what `policies` asks for, and write policies = [] "
                f"under [functions.{function.name}]. Or remove iam_role_arn."
            )
        return []
    attached = tuple(dict.fromkeys(one for one in function.policies if isinstance(one, str)))
    if attached and len(tags) >= TAGS:
        raise PlanError(
            f"the role of the function {function.name!r} has {len(tags)} tags, and needs one more to "
            f"remember which policies were attached; AWS keeps {TAGS}. Remove one of `tags`."
        )
    return [
        Role(
            key=function.name,
            name=names.role_name(scope.app, scope.stage, function.name, scope.region),
            path=names.role_path(scope.app, scope.stage),
            trust=TRUST,
            policies={**policies, **asked_for(one for one in function.policies if not isinstance(one, str))},
            attached=tuple(Placed(text=arn) for arn in attached),
            tags=tags,
        )
    ]


def _check_not_ours(scope: Scope, function: str, arn: str) -> None:
    """Refuse a role that the stage itself has made: as nobody's of the plan, it would be removed."""
    path = names.role_path(scope.app, scope.stage)
    if f":role{path}" in arn:
        raise PlanError(
            f"the function {function!r} is to run as {arn}, which this stage has made, and removes once its "
            f"function runs as another. Make a role of your own, not under the path {path}, or remove "
            "iam_role_arn."
        )


def runs_as(function: FunctionSettings) -> Ref | Placed:
    """Say which role a function runs as."""
    if function.iam_role_arn is not None:
        return Placed(text=function.iam_role_arn)
    return Ref(kind=Role.kind, key=function.name)


def needs(function: FunctionSettings, policies: Policies) -> tuple[str, ...]:
    """List the actions that a role of the user's has to allow for the function's work; none for our own."""
    if function.iam_role_arn is None:
        return ()
    allowed = [statement["Action"] for one in policies.values() for statement in one["Statement"]]
    return tuple(
        dict.fromkeys(name for some in allowed for name in ([some] if isinstance(some, str) else some))
    )


def in_vpc(function: FunctionSettings) -> dict[str, dict[str, Any]]:
    """Let Lambda make network interfaces for a function in a VPC; it needs subnets and security groups."""
    if bool(function.subnets) != bool(function.security_groups):
        has, lacks = "subnets", "security_groups"
        if not function.subnets:
            has, lacks = lacks, has
        raise PlanError(
            f"the vpc of the function {function.name!r} has {has} and no {lacks}. Name both; both as [] "
            "leave it outside of a VPC."
        )
    return {"microlambda-vpc": MANAGE_INTERFACES} if function.subnets else {}


def check_sizes(records: Iterable[Record], region: str) -> None:
    """Refuse a role whose inline policies together are more than IAM takes; white space does not count."""
    for record in records:
        if not isinstance(record, Role):
            continue
        sizes = {name: _size(document, region) for name, document in record.policies.items()}
        if sum(sizes.values()) > INLINE_POLICY_CHARACTERS:
            largest = max(sizes, key=lambda name: sizes[name])
            raise PlanError(
                f"the inline policies of the role {record.name!r} have {sum(sizes.values())} characters; IAM "
                f"takes {INLINE_POLICY_CHARACTERS}. Largest: {largest} with {sizes[largest]}. Make a managed "
                "policy of some of `policies`, and name its ARN there."
            )


def _size(document: Mapping[str, Any], region: str) -> int:
    text = re.sub(r"\s", "", json.dumps(document, default=_written))
    # as long as what the deploy fills in
    places = {"${account}": "1" * 12, "${region}": region, "${partition}": _partition(region)}
    for place, value in places.items():
        text = text.replace(place, value)
    return len(text)


def _written(value: object) -> str:
    if isinstance(value, Arn | Placed):
        return str(value)
    raise TypeError(f"a policy cannot hold {value!r}")


def _partition(region: str) -> str:
    """Name the partition: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
