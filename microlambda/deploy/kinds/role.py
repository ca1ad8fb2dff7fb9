"""Roles, found by their path. Inline policies of other names than ours are the user's.

So are the managed policies that others attach; which of them we have attached, the role's own tag `ATTACHED`
tells: short hashes of their ARNs, since a tag holds 256 characters and ten ARNs do not fit. It is written
before anything is attached, and again after what goes was detached, so that at any moment it names all that
we have attached: an interrupted deploy leaves a hash too many at most, and the next one writes the tag anew.
A policy that somebody else had attached before it was planned is never named there, and stays when the plan
no longer has it.

The permissions of a function in a VPC stay until the role goes: Lambda takes the network interfaces away with
them, some time after the last version that used them.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
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
from microlambda.project.limits import INLINE_POLICY_CHARACTERS, MANAGED_POLICIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope


#: What the names of our inline policies begin with.
_OURS = "microlambda-"

#: The tag of what we have attached.
ATTACHED = "microlambda:attached"

#: What stays though the plan no longer has it.
_LASTING = ("microlambda-vpc",)


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
        wanted = {record.name: record for record in planned}

        def look(name: str) -> Seen | None:
            return seen_or_left_alone(
                self.kind, name, lambda one: _observe(aws, one, wanted.get(one)), planned=name in wanted
            )

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
        reasons += _attached(known.resolve(record.attached), seen).reasons
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
        attached = job.resolve(record.attached)
        mark = {ATTACHED: _mark(map(_digest, attached))} if attached else {}
        role = job.aws.client("iam").create_role(
            Path=record.path,
            RoleName=record.name,
            AssumeRolePolicyDocument=json.dumps(record.trust),
            Tags=_tag_list({**record.tags, **mark}),
        )["Role"]
        self._put_policies(job, record, {})
        _attach(job, record.name, attached)
        return _attributes(role)

    def update(self, job: Job, record: Role, seen: Seen, reasons: Sequence[str]) -> Attributes:
        """Write what differs, and take nothing away that what serves until the end may need."""
        del reasons
        iam = job.aws.client("iam")
        if seen.state["trust"] != record.trust:
            iam.update_assume_role_policy(RoleName=record.name, PolicyDocument=json.dumps(record.trust))
        self._put_policies(job, record, seen.state["policies"])
        if tags := missing_tags(record.tags, seen.tags):
            iam.tag_role(RoleName=record.name, Tags=_tag_list(tags))
        _put_attached(job, record.name, _attached(job.resolve(record.attached), seen))
        return seen.attributes

    def finish(self, job: Job, record: Role, seen: Seen) -> None:
        """Take away what was for what has gone: policies, and of policies the statements."""
        iam = job.aws.client("iam")
        planned = job.resolve(record.policies)
        for name, document in _meanwhile(seen.state["policies"], planned).items():
            if document != planned[name]:
                _put_policy(job, record.name, name, planned[name])
        for name in _needless(record, seen):
            with suppress(iam.exceptions.NoSuchEntityException):
                iam.delete_role_policy(RoleName=record.name, PolicyName=name)
        _take_attached(job, record.name, _attached(job.resolve(record.attached), seen))

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
        for name, document in _meanwhile(now, job.resolve(record.policies)).items():
            if now.get(name) != document:
                _put_policy(job, record.name, name, document)


def _put_policy(job: Job, role: str, name: str, document: Mapping[str, Any]) -> None:
    put = job.aws.client("iam").put_role_policy
    job.call(put, RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))


def _meanwhile(now: Mapping[str, Any], planned: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give what the planned policies hold while both the old and the new are there: the statements of both.

    No more than is planned where IAM has no room for that.
    """
    wide = {name: _widened(now.get(name), document) for name, document in planned.items()}
    room = sum(len(json.dumps(one, separators=(",", ":"))) for one in {**now, **wide}.values())
    return wide if room <= INLINE_POLICY_CHARACTERS else planned


def _widened(now: Mapping[str, Any] | None, planned: Mapping[str, Any]) -> Mapping[str, Any]:
    there = (now or {}).get("Statement")
    if now is None or not isinstance(there, list):
        return planned
    kept = [one for one in there if one not in planned["Statement"]]
    new = [one for one in planned["Statement"] if one not in there]
    if not kept:
        return planned
    return {**planned, "Statement": [*there, *new]} if new else now


def _needless(record: Role, seen: Seen) -> list[str]:
    """Name our policies that an earlier plan had, and this one has not."""
    return [name for name in seen.state["policies"] if name not in (*record.policies, *_LASTING)]


@dataclass(frozen=True, kw_only=True)
class _Attached:
    """What is to be done about managed policies, and the marks of ours: now, meanwhile, and after it.

    Where it is `crowded` IAM takes the new ones only after the needless have gone.
    """

    new: tuple[str, ...]
    needless: tuple[str, ...]
    crowded: bool
    marks: tuple[str, str, str]

    @property
    def reasons(self) -> list[str]:
        told = [f"policy {arn}" for arn in self.new] + [f"policy {arn}, which goes" for arn in self.needless]
        now, _, then = self.marks
        return told or ([] if now == then else [f"tags {ATTACHED}"])


def _attached(planned: Sequence[str], seen: Seen) -> _Attached:
    there: Sequence[str] = seen.state["attached"]
    now = (seen.tags or {}).get(ATTACHED, "")
    ours = set(now.split())
    new = [arn for arn in planned if arn not in there]
    needless = [arn for arn in there if arn not in planned and _digest(arn) in ours]
    kept = [arn for arn in planned if arn in new or _digest(arn) in ours]
    return _Attached(
        new=tuple(new),
        needless=tuple(needless),
        crowded=len(there) + len(new) > MANAGED_POLICIES,
        marks=(now, _mark(map(_digest, [*kept, *needless])), _mark(map(_digest, kept))),
    )


def _put_attached(job: Job, role: str, wanted: _Attached) -> None:
    """Attach what is new; what is needless stays until the end, unless there is no room for both."""
    now, meanwhile, _ = wanted.marks
    _put_mark(job, role, now, meanwhile)
    if wanted.crowded:
        _detach(job, role, wanted.needless)
    _attach(job, role, wanted.new)


def _take_attached(job: Job, role: str, wanted: _Attached) -> None:
    _, meanwhile, then = wanted.marks
    if not wanted.crowded:
        _detach(job, role, wanted.needless)
    _put_mark(job, role, meanwhile, then)


def _attach(job: Job, role: str, policies: Sequence[str]) -> None:
    for arn in policies:
        job.call(job.aws.client("iam").attach_role_policy, RoleName=role, PolicyArn=arn)


def _detach(job: Job, role: str, policies: Sequence[str]) -> None:
    iam = job.aws.client("iam")
    for arn in policies:
        with suppress(iam.exceptions.NoSuchEntityException):
            iam.detach_role_policy(RoleName=role, PolicyArn=arn)


def _put_mark(job: Job, role: str, now: str, mark: str) -> None:
    iam = job.aws.client("iam")
    if mark and mark != now:
        iam.tag_role(RoleName=role, Tags=_tag_list({ATTACHED: mark}))
    elif now and not mark:
        iam.untag_role(RoleName=role, TagKeys=[ATTACHED])


def _digest(arn: str) -> str:
    # while ten are exchanged for ten others, the tag names twenty in its 256 characters
    return hashlib.sha256(arn.encode()).hexdigest()[:8]


def _mark(digests: Iterable[str]) -> str:
    return " ".join(sorted(set(digests)))


def _observe(aws: Aws, name: str, record: Role | None) -> Seen:
    iam = aws.client("iam")
    role = iam.get_role(RoleName=name)["Role"]
    tags = {tag["Key"]: tag["Value"] for tag in role.get("Tags", [])}
    # what others have attached matters to no role that neither has nor had any of ours
    asks = ATTACHED in tags or (record is not None and record.attached)
    pages = iam.get_paginator("list_role_policies").paginate(RoleName=name)
    policies = [one for page in pages for one in page["PolicyNames"] if one.startswith(_OURS)]
    return Seen(
        kind=Role.kind,
        address=name,
        name=name,
        tags=tags,
        attributes=_attributes(role),
        state={
            "trust": role["AssumeRolePolicyDocument"],
            "policies": {policy: _policy(iam, name, policy) for policy in policies},
            "attached": _attached_now(iam, name) if asks else [],
        },
    )


def _attached_now(iam: Any, role: str) -> list[str]:
    pages = iam.get_paginator("list_attached_role_policies").paginate(RoleName=role)
    return [policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"]]


def _policy(iam: Any, role: str, name: str) -> Any:
    try:
        return iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    except iam.exceptions.NoSuchEntityException:
        return None


def _attributes(role: Mapping[str, Any]) -> Attributes:
    return {"arn": role["Arn"], "name": role["RoleName"]}


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": name, "Value": value} for name, value in tags.items()]
