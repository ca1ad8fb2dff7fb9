"""Statements of a function's resource policy, on its alias; those without our name are others'."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from microlambda.deploy.kinds.base import Attributes, Job, KindDeployer, Known
from microlambda.deploy.observed import Seen
from microlambda.plan.compile import LIVE
from microlambda.plan.records import Permission

if TYPE_CHECKING:
    from microlambda.deploy.place import Place
    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope

_OURS = "microlambda-"
_ROOT = re.compile(r"arn:[\w-]+:iam::(?P<account>\d{12}):root")

#: What AddPermission may be told beside who and what, and the operator and key of the condition it becomes.
#: https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html
_CONDITIONS = {
    "source": ("SourceArn", "ArnLike", "AWS:SourceArn"),
    "account": ("SourceAccount", "StringEquals", "AWS:SourceAccount"),
    "authorization": ("FunctionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType"),
    "through a URL": ("InvokedViaFunctionUrl", "Bool", "lambda:InvokedViaFunctionUrl"),
}


class PermissionDeployer(KindDeployer[Permission]):
    """Permissions to call a function."""

    kind = Permission.kind

    def observe(
        self, aws: Aws, scope: Scope, planned: Sequence[Permission], functions: Sequence[str]
    ) -> list[Seen]:
        """Read the policy of each function's alias."""
        del scope, planned

        def look(name: str) -> list[Seen]:
            return aws.once(("policy", name), lambda: _observe(aws, name))  # other kinds ask for it, too

        return [one for some in aws.each(look, functions) for one in some]

    def compare(self, record: Permission, seen: Seen, known: Known) -> list[str]:
        """Compare who may do what, and on whose behalf."""
        planned = {
            "action": record.action,
            "principal": known.resolve(record.principal),
            **_conditions(record, known.resolve(record.source), known.place),
        }
        return [name for name, value in planned.items() if seen.state[name] != value]

    def create(self, job: Job, record: Permission) -> Attributes:
        """Add the statement; one of its name is there already where the answer to a first call was lost."""
        client = job.aws.client("lambda")
        try:
            _add(client, job, record)
        except client.exceptions.ResourceConflictException:
            where = {"FunctionName": record.function_name, "Qualifier": record.alias_name}
            client.remove_permission(**where, StatementId=record.name)
            _add(client, job, record)
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


def _add(client: Any, job: Job, record: Permission) -> None:
    asked = _conditions(record, job.resolve(record.source), job.place)
    client.add_permission(
        FunctionName=record.function_name,
        Qualifier=record.alias_name,
        StatementId=record.name,
        Action=record.action,
        Principal=job.resolve(record.principal),
        **{_CONDITIONS[name][0]: value for name, value in asked.items() if value is not None},
    )


def _conditions(record: Permission, source: str | None, place: Place) -> dict[str, str | bool | None]:
    return {
        "source": source,
        "account": place.account if record.of_account else None,
        "authorization": record.url_auth_type,
        "through a URL": True if record.via_url else None,
    }


def _read(value: Any) -> Any:
    """Read what a policy says in one word or as a list of one; truth is a word in policies."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


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
    condition = statement.get("Condition", {})
    return Seen(
        kind=Permission.kind,
        address=f"{function}:{LIVE}/{statement['Sid']}",
        name=statement["Sid"],
        attributes={"id": statement["Sid"]},
        state={
            "function": function,
            "action": _read(statement.get("Action")),
            "principal": _principal(statement.get("Principal")),
            **{
                name: _read(condition.get(operator, {}).get(key))
                for name, (_member, operator, key) in _CONDITIONS.items()
            },
        },
    )


def _principal(who: Any) -> Any:
    """Read who may: `{"AWS": "*"}` is everybody, as "*" is, and a service has a name of its own.

    An account is its id here, as in AddPermission, and its root in a policy.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """
    if not isinstance(who, Mapping):
        return who
    found = _read(who.get("Service", who.get("AWS")))
    root = _ROOT.fullmatch(found) if isinstance(found, str) else None
    return root["account"] if root else found
