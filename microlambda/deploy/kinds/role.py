"""Roles, found by their path. Inline policies of other names than ours, and attached ones, are the user's."""

from __future__ import annotations

import json
from contextlib import suppress
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
from microlambda.deploy.ownership import seen_or_left_alone
from microlambda.plan.names import in_region, role_path
from microlambda.plan.records import Role

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope


#: What the names of our inline policies begin with.
_OURS = "microlambda-"


class RoleDeployer(KindDeployer[Role]):
    """IAM roles."""

    kind = Role.kind

    def observe(
        self, aws: Aws, scope: Scope, planned: Sequence[Role], functions: Sequence[str]
    ) -> list[Seen]:
        """List this region's roles under our path, and those of planned names: IAM's names know no path."""
        del functions
        path = role_path(scope.app, scope.stage)
        pages = aws.client("iam").get_paginator("list_roles").paginate(PathPrefix=path)
        listed = {role["RoleName"] for page in pages for role in page["Roles"]}
        # IAM is global: the same stage in another region has its roles under the same path
        here = {name for name in listed if in_region(name, scope.region)}
        wanted = {record.name for record in planned}

        def look(name: str) -> Seen | None:
            return seen_or_left_alone(self.kind, name, lambda one: _observe(aws, one), planned=name in wanted)

        return [one for one in aws.each(look, sorted(here | set(wanted))) if one is not None]

    def compare(self, record: Role, seen: Seen, known: Known) -> list[str]:
        """Compare who may run as it, what it may do, and tags."""
        reasons = [] if seen.state["trust"] == record.trust else ["who may run as it"]
        planned: dict[str, Any] = known.resolve(record.policies)
        reasons += [
            f"policy {name}"
            for name, document in planned.items()
            if seen.state["policies"].get(name) != document
        ]
        reasons += [f"policy {name}, which goes" for name in _needless(record, seen)]
        return reasons + tag_reasons(record.tags, seen.tags)

    def unadoptable(self, record: Role, seen: Seen) -> str:
        """Refuse one elsewhere: the path is where roles are found again, and IAM moves none."""
        if seen.attributes["arn"].endswith(f":role{record.path}{record.name}"):
            return ""
        return (
            f"it is {seen.attributes['arn']}, ours lie under the path {record.path}, and IAM moves no role. "
            "Remove it, or give the App another name."
        )

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
        for name in _needless(record, seen):
            with suppress(iam.exceptions.NoSuchEntityException):
                iam.delete_role_policy(RoleName=record.name, PolicyName=name)
        if tags := missing_tags(record.tags, seen.tags):
            iam.tag_role(RoleName=record.name, Tags=_tag_list(tags))
        return seen.attributes

    def remove(self, job: Job, seen: Seen) -> None:
        """Remove the role with every policy that it has; IAM asks for that order."""
        iam, role = job.aws.client("iam"), {"RoleName": seen.name}
        gone = iam.exceptions.NoSuchEntityException
        try:
            attached = iam.list_attached_role_policies(**role)["AttachedPolicies"]
            inline = iam.list_role_policies(**role)["PolicyNames"]
        except gone:
            return
        # each by itself: a policy that has gone meanwhile must not keep the role
        for policy in attached:
            with suppress(gone):
                iam.detach_role_policy(**role, PolicyArn=policy["PolicyArn"])
        for name in inline:
            with suppress(gone):
                iam.delete_role_policy(**role, PolicyName=name)
        with suppress(gone):
            job.call(iam.delete_role, **role)

    def _put_policies(self, job: Job, record: Role, now: Mapping[str, Any]) -> None:
        for name, document in job.resolve(record.policies).items():
            if now.get(name) != document:
                job.call(
                    job.aws.client("iam").put_role_policy,
                    RoleName=record.name,
                    PolicyName=name,
                    PolicyDocument=json.dumps(document),
                )


def _needless(record: Role, seen: Seen) -> list[str]:
    """Name our policies that an earlier plan had, and this one has not."""
    return [name for name in seen.state["policies"] if name not in record.policies]


def _observe(aws: Aws, name: str) -> Seen:
    iam = aws.client("iam")
    role = iam.get_role(RoleName=name)["Role"]
    pages = iam.get_paginator("list_role_policies").paginate(RoleName=name)
    policies = [one for page in pages for one in page["PolicyNames"] if one.startswith(_OURS)]
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
