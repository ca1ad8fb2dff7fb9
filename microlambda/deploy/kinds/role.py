"""Roles, found by their path. Inline policies of other names than ours, and attached ones, are the user's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from microlambda.deploy.kinds.base import (
    Attributes,
    Job,
    KindDeployer,
    Known,
    missing_tags,
    tag_reasons,
)
from microlambda.deploy.observed import Seen
from microlambda.plan.names import role_path
from microlambda.plan.records import Role

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope


class RoleDeployer(KindDeployer[Role]):
    """IAM roles."""

    kind = Role.kind

    def observe(
        self, aws: Aws, scope: Scope, planned: Sequence[Role], functions: Sequence[str]
    ) -> list[Seen]:
        """List the roles under our path, and those of planned names: IAM's names know no path."""
        del functions
        path = role_path(scope.app, scope.stage)
        pages = aws.client("iam").get_paginator("list_roles").paginate(PathPrefix=path)
        names = {role["RoleName"] for page in pages for role in page["Roles"]}
        names |= {record.name for record in planned}
        wanted = {record.name: tuple(record.policies) for record in planned}
        seen = aws.each(lambda name: _observe(aws, name, wanted.get(name, ())), sorted(names))
        return [one for one in seen if one is not None]

    def compare(self, record: Role, seen: Seen, known: Known) -> list[str]:
        """Compare who may run as it, what it may do, and tags."""
        reasons = [] if seen.state["trust"] == record.trust else ["who may run as it"]
        planned: dict[str, Any] = known.resolve(record.policies)
        reasons += [
            f"policy {name}"
            for name, document in planned.items()
            if seen.state["policies"].get(name) != document
        ]
        return reasons + tag_reasons(record.tags, seen.tags)

    def create(self, job: Job, record: Role) -> Attributes:
        """Create the role, then give it its policies."""
        role = job.aws.client("iam").create_role(
            Path=record.path,
            RoleName=record.name,
            AssumeRolePolicyDocument=json.dumps(record.trust),
            Tags=_tag_list(record.tags),
        )["Role"]
        self._put_policies(job, record, {})
        return _attributes(role)

    def update(self, job: Job, record: Role, seen: Seen, reasons: Sequence[str]) -> Attributes:
        """Write what differs."""
        del reasons
        iam = job.aws.client("iam")
        if seen.state["trust"] != record.trust:
            iam.update_assume_role_policy(RoleName=record.name, PolicyDocument=json.dumps(record.trust))
        self._put_policies(job, record, seen.state["policies"])
        if tags := missing_tags(record.tags, seen.tags):
            iam.tag_role(RoleName=record.name, Tags=_tag_list(tags))
        return seen.attributes

    def remove(self, job: Job, seen: Seen) -> None:
        """Remove the role with every policy that it has; IAM asks for that order."""
        iam = job.aws.client("iam")
        try:
            for policy in iam.list_attached_role_policies(RoleName=seen.name)["AttachedPolicies"]:
                iam.detach_role_policy(RoleName=seen.name, PolicyArn=policy["PolicyArn"])
            for name in iam.list_role_policies(RoleName=seen.name)["PolicyNames"]:
                iam.delete_role_policy(RoleName=seen.name, PolicyName=name)
            iam.delete_role(RoleName=seen.name)
        except iam.exceptions.NoSuchEntityException:
            return

    def _put_policies(self, job: Job, record: Role, now: Mapping[str, Any]) -> None:
        for name, document in job.resolve(record.policies).items():
            if now.get(name) != document:
                job.aws.client("iam").put_role_policy(
                    RoleName=record.name, PolicyName=name, PolicyDocument=json.dumps(document)
                )


def _observe(aws: Aws, name: str, policies: Sequence[str]) -> Seen | None:
    iam = aws.client("iam")
    try:
        role = iam.get_role(RoleName=name)["Role"]
    except iam.exceptions.NoSuchEntityException:
        return None
    return Seen(
        kind=Role.kind,
        address=name,
        name=name,
        tags={tag["Key"]: tag["Value"] for tag in role.get("Tags", [])},
        attributes=_attributes(role),
        state={
            "trust": role["AssumeRolePolicyDocument"],
            "policies": {policy: _policy(iam, name, policy) for policy in policies},
        },
    )


def _policy(iam: Any, role: str, name: str) -> Any:
    try:
        return iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    except iam.exceptions.NoSuchEntityException:
        return None


def _attributes(role: Mapping[str, Any]) -> Attributes:
    return {"arn": role["Arn"], "name": role["RoleName"]}


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": name, "Value": value} for name, value in tags.items()]
