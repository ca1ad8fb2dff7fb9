"""Functions: what `$LATEST` is. What serves is a published version, see `version`.

Which inputs the code was built from is written on the alias `live`, in the call that moves it, so it can only
say what is truly there: an interrupted deploy leaves the old word, and the next one builds again. It then
uploads only if AWS has other bytes.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

from microlambda.deploy.changes import CREATE, Change
from microlambda.deploy.errors import DeployFailed
from microlambda.deploy.kinds.base import (
    Attributes,
    Job,
    KindDeployer,
    Known,
    difference,
    missing_tags,
    tag_reasons,
)
from microlambda.deploy.observed import Seen
from microlambda.deploy.ownership import seen_or_left_alone
from microlambda.deploy.upload import uploadable
from microlambda.plan.names import function_prefix
from microlambda.plan.records import Alias, Function, Ref, Version
from microlambda.project.limits import DEFAULT_EPHEMERAL_STORAGE
from microlambda.runtime.naming import LIVE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from microlambda.deploy.kinds.base import Archive
    from microlambda.deploy.place import Place
    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope

# Seconds between looks at a function that is being made ready: quick at first, some five minutes in all.
_LOOKS = (0.25, 0.5, 0.5, 1, 1, *([2] * 150))

CODE, ROLE = "code", "role"

#: What a version does not have of its own.
CONCURRENCY = "reserved concurrency"


class FunctionDeployer(KindDeployer[Function]):
    """Lambda functions, without their versions and aliases."""

    kind = Function.kind

    def observe(
        self, aws: Aws, scope: Scope, planned: Sequence[Function], functions: Sequence[str]
    ) -> list[Seen]:
        """List the functions whose names start as ours do, and those of planned names, with their tags."""
        del functions
        prefix = function_prefix(scope.app, scope.stage)
        pages = aws.client("lambda").get_paginator("list_functions").paginate()
        listed = {one["FunctionName"] for page in pages for one in page["Functions"]}
        like_ours = {name for name in listed if name.startswith(prefix)}
        wanted = {record.name for record in planned}  # the list may lag: these are asked for by name

        def look(name: str) -> Seen | None:
            return seen_or_left_alone(self.kind, name, lambda one: look_at(aws, one), planned=name in wanted)

        seen = [one for one in aws.each(look, sorted(like_ours | wanted)) if one is not None]
        return [one for one in seen if one.name in wanted or one.left_alone or scope.owns(one.tags or {})]

    def compare(self, record: Function, seen: Seen, known: Known) -> list[str]:
        """Compare the code by the hash of its inputs, then the configuration, then tags."""
        reasons = [] if _is_current(record, seen, known) else [CODE]
        reasons += configuration_reasons(
            record, seen.state, known.resolve(record.role), known.resolve(record.layers)
        )
        if ROLE in reasons and record.needs:
            reasons.insert(reasons.index(ROLE) + 1, f"which has to allow {' '.join(record.needs)}")
        reasons += difference(CONCURRENCY, seen.state["reserved_concurrency"], record.reserved_concurrency)
        return reasons + tag_reasons(record.tags, seen.tags)

    def unadoptable(self, record: Function, seen: Seen) -> str:
        """Refuse a container image: Lambda lets no function change what it is packed as."""
        del record
        if seen.state["package_type"] == "Zip":
            return ""
        return "its code is a container image, ours is an archive. Remove it, or give the App another name."

    def prepare(self, change: Change, archive: Archive) -> None:
        """Build the archive if the change uploads it: a bundle that cannot be built changes nothing."""
        record, new = change.record, change.action == CREATE
        uploads = new or any(one == CODE or one.startswith("architecture ") for one in change.reasons)
        if uploads and isinstance(record, Function):
            uploadable(archive, record.archive)

    def create(self, job: Job, record: Function) -> Attributes:
        """Create the function with its code, and wait until it is ready."""
        answer = job.call(
            job.aws.client("lambda").create_function,
            FunctionName=record.name,
            Code={"ZipFile": uploadable(job.archive, record.archive)},
            PackageType="Zip",
            Architectures=[record.architecture],
            Tags=dict(record.tags),
            **_configuration(job, record, {}),
        )
        attributes = _attributes(settle(job.aws, answer))
        _put_concurrency(job, record, None)
        return attributes

    def update(self, job: Job, record: Function, seen: Seen, reasons: Sequence[str]) -> Attributes:
        """Write what differs, each call after the one before it has taken effect."""
        client = job.aws.client("lambda")
        # an interrupted deploy may have left it in the middle of an update, when Lambda refuses another
        state: Mapping[str, Any] = read_configuration(
            rested(job.aws, client.get_function_configuration(FunctionName=seen.name))
        )
        steps = [_put_code, _put_configuration]
        if len(record.layers) < len(state["layers"]):
            steps.reverse()  # what a layer held may come in the code now, and 250 MB have to hold both
        for step in steps:
            state = step(job, record, state, reasons)
        _put_concurrency(job, record, seen.state["reserved_concurrency"])
        if tags := missing_tags(record.tags, seen.tags):
            client.tag_resource(Resource=seen.attributes["arn"], Tags=tags)
        return {**seen.attributes, "code_sha256": state["code_sha256"]}

    def remove(self, job: Job, seen: Seen) -> None:
        """Remove the function with all versions."""
        client = job.aws.client("lambda")
        try:
            client.delete_function(FunctionName=seen.name)
        except client.exceptions.ResourceNotFoundException:
            return


def read_configuration(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Take from Lambda's description of a function, or of a version, what a plan speaks of."""
    return {
        "handler": answer.get("Handler"),
        "runtime": answer.get("Runtime"),
        "architecture": answer.get("Architectures", ["x86_64"])[0],
        "memory": answer.get("MemorySize"),
        "timeout": answer.get("Timeout"),
        "ephemeral_storage": answer.get("EphemeralStorage", {}).get("Size", DEFAULT_EPHEMERAL_STORAGE),
        "tracing": answer.get("TracingConfig", {}).get("Mode", "PassThrough"),
        "subnets": sorted((answer.get("VpcConfig") or {}).get("SubnetIds") or ()),
        "security_groups": sorted((answer.get("VpcConfig") or {}).get("SecurityGroupIds") or ()),
        "snap_start": answer.get("SnapStart", {}).get("ApplyOn", "None"),
        "log_format": answer.get("LoggingConfig", {}).get("LogFormat", "Text"),
        "dead_letter": answer.get("DeadLetterConfig", {}).get("TargetArn"),
        "role": answer.get("Role"),
        "environment": answer.get("Environment", {}).get("Variables", {}),
        "layers": [layer["Arn"] for layer in answer.get("Layers", [])],
        "code_sha256": answer.get("CodeSha256"),
    }


def configuration_reasons(
    record: Function, now: Mapping[str, Any], role: str | None, layers: Sequence[str | None]
) -> list[str]:
    """Say in which ways a configuration differs from the planned one; of the environment, the names alone.

    `role` and `layers` are the planned ARNs, None where only the creation will tell one.
    """
    return [
        *difference("runtime", now["runtime"], record.runtime),
        *difference("architecture", now["architecture"], record.architecture),
        *difference("memory", now["memory"], record.memory, " MB"),
        *difference("timeout", now["timeout"], record.timeout, " s"),
        *difference("ephemeral storage", now["ephemeral_storage"], record.ephemeral_storage, " MB"),
        *difference("tracing", now["tracing"], record.tracing),
        *difference("log format", now["log_format"], record.log_format),
        *difference("subnets", _listed(now["subnets"]), _listed(record.subnets)),
        *difference("security groups", _listed(now["security_groups"]), _listed(record.security_groups)),
        *difference("SnapStart", now["snap_start"], record.snap_start),
        *difference("dead-letter queue", now["dead_letter"] or None, record.dead_letter),
        *difference("handler", now["handler"], record.handler),
        *([] if now["role"] == role else [ROLE]),
        *_layer_reasons(record, now["layers"], layers),
        *_environment_reasons(now["environment"], record.environment),
    ]


def settle(aws: Aws, answer: Mapping[str, Any], qualifier: str | None = None) -> Mapping[str, Any]:
    """Wait until the function is active and its last update successful; `DeployFailed` if that fails."""
    answer = rested(aws, answer, qualifier)
    if "Failed" in (answer.get("State"), answer.get("LastUpdateStatus")):
        why = answer.get("LastUpdateStatusReason") or answer.get("StateReason") or "no reason given"
        raise DeployFailed(f"Lambda cannot make the function {answer['FunctionName']!r} ready: {why}")
    return answer


def rested(aws: Aws, answer: Mapping[str, Any], qualifier: str | None = None) -> Mapping[str, Any]:
    """Wait until Lambda is through with the function, well or badly: what failed may be updated again."""
    name = answer["FunctionName"]
    where = {"Qualifier": qualifier} if qualifier else {}
    for look in _LOOKS:
        if answer.get("State") != "Pending" and answer.get("LastUpdateStatus") != "InProgress":
            return answer
        aws.sleep(look)
        answer = aws.client("lambda").get_function_configuration(FunctionName=name, **where)
    raise DeployFailed(
        f"Lambda has not made the function {name!r} ready in five minutes. Run the same command again."
    )


def check_role(record: Function, place: Place) -> None:
    """Refuse a role of another account, as Lambda does: "Cross-account pass role is not allowed."."""
    if isinstance(record.role, Ref):
        return
    arn = place.text(record.role)
    account = arn.split(":")[4]
    if account != place.account:
        raise DeployFailed(
            f"the function {record.key!r} is to run as {arn}, a role of the account {account}; Lambda takes "
            f"roles of the function's own account alone: {place.account}. Name one of these as iam_role_arn; "
            "${account} in it stands for the account of the deploy."
        )


def live_arn(aws: Aws, function: str) -> str:
    """Give the ARN of the alias by which a function is called."""
    return aws.arn("lambda", f"function:{function}:{LIVE}")


def is_left(job: Job, alias: str) -> bool:
    """Tell whether an alias is of a handler of ours that is planned no longer, or that has gone."""
    scope = job.plan.scope
    function = alias.split(":")[6] if alias.endswith(f":{LIVE}") else ""
    if not function.startswith(function_prefix(scope.app, scope.stage)):
        return False
    if any(one.name == function for one in job.plan.of_kind(Function.kind)):
        return False
    try:
        return scope.owns(look_at(job.aws, function).tags or {})
    except job.aws.client("lambda").exceptions.ResourceNotFoundException:
        return True


def look_at(aws: Aws, name: str) -> Seen:
    """Look at one function; boto3's error where there is none."""
    answer = aws.client("lambda").get_function(FunctionName=name)
    if "TagsError" in answer:  # Lambda answers all the same, and without tags nothing is ours
        why = answer["TagsError"].get("Message") or answer["TagsError"].get("ErrorCode")
        raise DeployFailed(
            f"looking at the function {name!r} needs lambda:ListTags, which this identity lacks: {why}. "
            "Its tags tell whose it is. Run the same command again once the permission exists."
        )
    configuration = answer["Configuration"]
    return Seen(
        kind=Function.kind,
        address=name,
        name=name,
        tags=answer.get("Tags", {}),
        attributes=_attributes(configuration),
        state={
            **read_configuration(configuration),
            "package_type": configuration.get("PackageType", "Zip"),
            "reserved_concurrency": answer.get("Concurrency", {}).get("ReservedConcurrentExecutions"),
        },
    )


def _is_current(record: Function, seen: Seen, known: Known) -> bool:
    """Tell whether the code that serves was built from the planned inputs, and is what `$LATEST` has."""
    alias = known.seen(Ref(kind=Alias.kind, key=record.key))
    version = known.seen(Ref(kind=Version.kind, key=record.key))
    return (
        alias is not None
        and version is not None
        and alias.state["code_hash"] == record.code_hash
        and version.state["code_sha256"] == seen.state["code_sha256"]
        and record.code_sha256 in ("", seen.state["code_sha256"])
    )


def _put_code(
    job: Job, record: Function, now: Mapping[str, Any], reasons: Sequence[str]
) -> Mapping[str, Any]:
    if CODE not in reasons and now["architecture"] == record.architecture:
        return now
    archive = uploadable(job.archive, record.archive)
    if code_sha256(archive) == now["code_sha256"] and record.architecture == now["architecture"]:
        return now  # an interrupted deploy has uploaded it already
    answer = job.aws.client("lambda").update_function_code(
        FunctionName=record.name, ZipFile=archive, Architectures=[record.architecture]
    )
    return read_configuration(settle(job.aws, answer))


def code_sha256(archive: bytes) -> str:
    """Give the hash of an archive as Lambda tells it."""
    return base64.b64encode(hashlib.sha256(archive).digest()).decode()


def _put_configuration(
    job: Job, record: Function, now: Mapping[str, Any], reasons: Sequence[str]
) -> Mapping[str, Any]:
    planned = _configuration(job, record, now)
    # "role" too where it reads the same: Lambda keeps to the removed role until it is told the new one
    if ROLE not in reasons and not configuration_reasons(record, now, planned["Role"], planned["Layers"]):
        return now
    answer = job.call(
        job.aws.client("lambda").update_function_configuration, FunctionName=record.name, **planned
    )
    return read_configuration(settle(job.aws, answer))


def _put_concurrency(job: Job, record: Function, now: int | None) -> None:
    """Reserve, or give back; a function that is new has nothing reserved."""
    if record.reserved_concurrency == now:
        return
    client = job.aws.client("lambda")
    if record.reserved_concurrency is None:
        client.delete_function_concurrency(FunctionName=record.name)
    else:
        client.put_function_concurrency(
            FunctionName=record.name, ReservedConcurrentExecutions=record.reserved_concurrency
        )


def _configuration(job: Job, record: Function, now: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Role": job.resolve(record.role),
        "Layers": job.resolve(record.layers),
        "Handler": record.handler,
        "Runtime": record.runtime,
        "MemorySize": record.memory,
        "Timeout": record.timeout,
        "EphemeralStorage": {"Size": record.ephemeral_storage},
        "TracingConfig": {"Mode": record.tracing},
        "LoggingConfig": {"LogFormat": record.log_format},
        "DeadLetterConfig": {"TargetArn": record.dead_letter or ""},
        "Environment": {"Variables": dict(record.environment)},
        **_beside(record, now),
    }


def _beside(record: Function, now: Mapping[str, Any]) -> dict[str, Any]:
    """Ask for a VPC and for SnapStart where it has, or is to have, them: not all regions know the second."""
    subnets, groups = [*record.subnets], [*record.security_groups]
    given: dict[str, Any] = {}
    if subnets or now.get("subnets"):  # empty lists take it out of the VPC
        given["VpcConfig"] = {"SubnetIds": subnets, "SecurityGroupIds": groups}
    if record.snap_start != now.get("snap_start", "None"):
        given["SnapStart"] = {"ApplyOn": record.snap_start}
    return given


def _attributes(answer: Mapping[str, Any]) -> Attributes:
    return {
        "arn": answer["FunctionArn"],
        "name": answer["FunctionName"],
        "code_sha256": answer["CodeSha256"],
    }


def _layer_reasons(record: Function, now: Sequence[str], planned: Sequence[str | None]) -> list[str]:
    if list(now) == list(planned):
        return []
    named = [layer.key if isinstance(layer, Ref) else str(layer) for layer in record.layers]
    new = [name for name, arn in zip(named, planned, strict=True) if arn not in now]
    return [f"layers {' '.join(new or named) or 'none'}"]


def _listed(ids: Sequence[str]) -> str | None:
    return " ".join(sorted(ids)) or None


def _environment_reasons(now: Mapping[str, str], planned: Mapping[str, str]) -> list[str]:
    signs = {
        name: "+" if name not in now else "-" if name not in planned else "~"
        for name in sorted({*now, *planned})
        if now.get(name) != planned.get(name)
    }
    return [f"environment {' '.join(sign + name for name, sign in signs.items())}"] if signs else []
