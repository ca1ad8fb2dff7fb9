"""Published versions. Observed is the one that the alias `live` points at; a difference publishes another.

A new version is asked for the check event before the alias may move: a module that does not import is the
deploy's own failure, and what served before goes on serving.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import dropwhile
from typing import TYPE_CHECKING, Any

from microlambda.deploy.errors import CheckFailed
from microlambda.deploy.kinds.base import Attributes, Job, KindDeployer, Known
from microlambda.deploy.kinds.function import (
    CONCURRENCY,
    configuration_reasons,
    read_configuration,
    rested,
    settle,
)
from microlambda.deploy.observed import Seen
from microlambda.plan.compile import LIVE
from microlambda.plan.records import Function, Ref, Version

if TYPE_CHECKING:
    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope

# Frames between Lambda and the user's code: our runtime, and Python's import of the app.
_BEFORE_THE_APP = re.compile(r'\s*File "(?:<frozen importlib|[^"]*/(?:microlambda/runtime|importlib)/)')

_MISSING = re.compile(r"No module named '([\w-]+)")

#: Reasons of a function that concern none of its versions.
_UNVERSIONED = ("tags ", f"{CONCURRENCY} ")

CHECK = {"microlambda": {"check": 1}}


class VersionDeployer(KindDeployer[Version]):
    """Versions of Lambda functions."""

    kind = Version.kind
    immutable = True
    removed_with = Function.kind

    def observe(
        self, aws: Aws, scope: Scope, planned: Sequence[Version], functions: Sequence[str]
    ) -> list[Seen]:
        """Look at the live version of each of our functions."""
        del scope, planned
        return [one for one in aws.each(lambda name: _observe(aws, name), functions) if one is not None]

    def compare(self, record: Version, seen: Seen, known: Known) -> list[str]:
        """Ask for a new version where the function changes, or the live one is not what is planned."""
        change = known.change(record.function)
        if change is not None and any(not reason.startswith(_UNVERSIONED) for reason in change.reasons):
            return ["the function changes"]
        function = known.plan.find(record.function)
        latest = known.seen(record.function)
        if not isinstance(function, Function) or latest is None:
            return ["the function is new"]
        planned = known.resolve(function.role), known.resolve(function.layers)
        reasons = configuration_reasons(function, seen.state, *planned)
        if seen.state["code_sha256"] != latest.state["code_sha256"]:
            reasons.append("code")
        return [f"version {seen.attributes['version']} is live: {reason}" for reason in reasons]

    def create(self, job: Job, record: Version) -> Attributes:
        """Publish what the function is now, and check that it starts."""
        client = job.aws.client("lambda")
        rested(job.aws, client.get_function_configuration(FunctionName=record.name))
        answer = client.publish_version(
            FunctionName=record.name,
            CodeSha256=job.value(Ref(kind=Function.kind, key=record.key, attribute="code_sha256")),
            Description=describe(record.code_hash),
        )
        answer = rested(job.aws, answer, answer["Version"])
        if answer.get("State") == "Failed":
            _discard(client, record.name, answer["Version"])
        answer = settle(job.aws, answer, answer["Version"])
        _check(job, record, answer)
        return {"version": answer["Version"], "arn": answer["FunctionArn"]}

    def update(self, job: Job, record: Version, seen: Seen, reasons: Sequence[str]) -> Attributes:
        """Publish another: a version never changes."""
        del seen, reasons
        return self.create(job, record)

    def remove(self, job: Job, seen: Seen) -> None:
        """Leave it to the function, which takes its versions with it."""
        del job, seen


def describe(code_hash: str) -> str:
    """Write on versions and aliases what their code was built from."""
    return f"microlambda inputs {code_hash}"


def _observe(aws: Aws, function: str) -> Seen | None:
    client = aws.client("lambda")
    try:
        answer = client.get_function_configuration(FunctionName=function, Qualifier=LIVE)
    except client.exceptions.ResourceNotFoundException:
        return None
    return Seen(
        kind=Version.kind,
        address=function,
        name=function,
        attributes={"version": answer["Version"], "arn": answer["FunctionArn"]},
        state=read_configuration(answer),
    )


def _discard(client: Any, function: str, version: str) -> None:
    """Delete a version that never became ready: Lambda publishes the same once, and would give it again.

    https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
    """
    gone = client.exceptions.ResourceNotFoundException, client.exceptions.ResourceConflictException
    with suppress(*gone):  # an alias may point at it
        client.delete_function(FunctionName=function, Qualifier=version)


def _check(job: Job, record: Version, version: Mapping[str, Any]) -> None:
    answer = job.call(  # again where Lambda is busy: the check runs no handler
        job.aws.client_for_invoke(version["Timeout"]).invoke,
        FunctionName=record.name,
        Qualifier=version["Version"],
        Payload=json.dumps(CHECK).encode(),
    )
    body = answer["Payload"].read()
    result = _json(body)
    if "FunctionError" not in answer and result == CHECK:
        return
    told = error_text(result)
    missing = _MISSING.search(told)
    remedy = f"Name {missing[1]!r} in the project's requirements.\n" if missing else ""
    raise CheckFailed(
        f"version {version['Version']} of {record.name} does not start: {told}\n{remedy}"
        f"{_serving(job.attributes.get((Version.kind, record.key)))}"
    )


def _serving(live: Attributes | None) -> str:
    """Say what a failed check means for those who call the function."""
    if live is None:
        return "It has no version yet that starts: nothing serves."
    return f"The alias {LIVE!r} has not moved: version {live['version']} goes on serving."


def error_text(result: object) -> str:
    """Write a function's error as Python does: type, message, and its stack from the user's frame on."""
    if not isinstance(result, Mapping) or "errorMessage" not in result:
        return f"it answered {json.dumps(result)[:200]}"
    frames = (f"{str(line).rstrip()}\n" for line in result.get("stackTrace") or [])
    stack = "".join(dropwhile(_BEFORE_THE_APP.match, frames))
    return f"{result.get('errorType', 'Error')}: {result['errorMessage']}\n{stack}".rstrip()


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
