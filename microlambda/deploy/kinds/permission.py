"""Statements of a function's resource policy, on its alias; those without our name are others'."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from microlambda.deploy.kinds.base import Attributes, Job, KindDeployer, Known
from microlambda.deploy.observed import Seen
from microlambda.plan.compile import LIVE
from microlambda.plan.records import Permission

if TYPE_CHECKING:
    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope

_OURS = "microlambda-"


class PermissionDeployer(KindDeployer[Permission]):
    """Permissions to call a function."""

    kind = Permission.kind

    def observe(
        self, aws: Aws, scope: Scope, planned: Sequence[Permission], functions: Sequence[str]
    ) -> list[Seen]:
        """Read the policy of each function's alias."""
        del scope, planned
        return [one for some in aws.each(lambda name: _observe(aws, name), functions) for one in some]

    def compare(self, record: Permission, seen: Seen, known: Known) -> list[str]:
        """Compare who may do what, and on whose behalf."""
        planned = {
            "action": record.action,
            "principal": record.principal,
            "source": known.resolve(record.source),
            "account": known.place.account if record.of_account else None,
        }
        return [name for name, value in planned.items() if seen.state[name] != value]

    def create(self, job: Job, record: Permission) -> Attributes:
        """Add the statement."""
        job.aws.client("lambda").add_permission(
            FunctionName=record.function_name,
            Qualifier=record.alias_name,
            StatementId=record.name,
            Action=record.action,
            Principal=record.principal,
            SourceArn=job.resolve(record.source),
            **({"SourceAccount": job.place.account} if record.of_account else {}),
        )
        return {"id": record.name}

    def update(self, job: Job, record: Permission, seen: Seen, reasons: Sequence[str]) -> Attributes:
        """Put the statement anew: Lambda has no call to change one."""
        del reasons
        self.remove(job, seen)
        return self.create(job, record)

    def remove(self, job: Job, seen: Seen) -> None:
        """Take the statement out."""
        client = job.aws.client("lambda")
        try:
            client.remove_permission(
                FunctionName=seen.state["function"], Qualifier=LIVE, StatementId=seen.name
            )
        except client.exceptions.ResourceNotFoundException:
            return


def _observe(aws: Aws, function: str) -> list[Seen]:
    client = aws.client("lambda")
    try:
        policy = json.loads(client.get_policy(FunctionName=function, Qualifier=LIVE)["Policy"])
    except client.exceptions.ResourceNotFoundException:
        return []
    return [
        _seen(function, statement)
        for statement in policy["Statement"]
        if statement.get("Sid", "").startswith(_OURS)
    ]


def _seen(function: str, statement: Mapping[str, Any]) -> Seen:
    principal = statement.get("Principal")
    condition = statement.get("Condition", {})
    return Seen(
        kind=Permission.kind,
        address=f"{function}:{LIVE}/{statement['Sid']}",
        name=statement["Sid"],
        attributes={"id": statement["Sid"]},
        state={
            "function": function,
            "action": statement.get("Action"),
            "principal": principal.get("Service") if isinstance(principal, Mapping) else principal,
            "source": condition.get("ArnLike", {}).get("AWS:SourceArn"),
            "account": condition.get("StringEquals", {}).get("AWS:SourceAccount"),
        },
    )
