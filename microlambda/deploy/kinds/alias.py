"""The alias `live`, which every trigger names.

Its description says what its code was built from, since when it serves, and which versions have before.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from microlambda.deploy.kinds.base import Attributes, Job, KindDeployer, Known
from microlambda.deploy.kinds.version import describe
from microlambda.deploy.observed import Seen
from microlambda.deploy.published import Label, prune
from microlambda.plan.compile import LIVE
from microlambda.plan.records import Alias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope

_PREFIX = describe("")


class AliasDeployer(KindDeployer[Alias]):
    """Aliases of Lambda functions."""

    kind = Alias.kind

    def observe(
        self, aws: Aws, scope: Scope, planned: Sequence[Alias], functions: Sequence[str]
    ) -> list[Seen]:
        """Look at the alias of each of our functions."""
        del scope, planned
        return [one for one in aws.each(lambda name: _observe(aws, name), functions) if one is not None]

    def compare(self, record: Alias, seen: Seen, known: Known) -> list[str]:
        """Move it where a new version comes, or where it says other inputs than the planned."""
        if known.change(record.version) is not None:
            return [f"version {seen.attributes['version']} -> the new one"]
        inputs = [] if seen.state["code_hash"] == record.code_hash else ["inputs"]
        return inputs + [f"a share of the calls goes to version {one}" for one in seen.state["weights"]]

    def create(self, job: Job, record: Alias) -> Attributes:
        """Create it on the published version."""
        return _attributes(job.aws.client("lambda").create_alias(**_arguments(job, record)))

    def update(self, job: Job, record: Alias, seen: Seen, reasons: Sequence[str]) -> Attributes:
        """Move it to the published version, in one call, and all calls with it; the oldest versions go."""
        del reasons
        answer = job.aws.client("lambda").update_alias(
            **_arguments(job, record, seen), RoutingConfig={"AdditionalVersionWeights": {}}
        )
        if answer["FunctionVersion"] != seen.attributes["version"]:
            prune(job.aws, record.function_name, int(answer["FunctionVersion"]), _served(seen))
        return _attributes(answer)

    def remove(self, job: Job, seen: Seen) -> None:
        """Remove it."""
        client = job.aws.client("lambda")
        try:
            client.delete_alias(FunctionName=seen.state["function"], Name=seen.name)
        except client.exceptions.ResourceNotFoundException:
            return


def _arguments(job: Job, record: Alias, seen: Seen | None = None) -> dict[str, Any]:
    version = job.value(record.version)
    return {
        "FunctionName": record.function_name,
        "Name": record.name,
        "FunctionVersion": version,
        "Description": str(_label(record, version, seen)),
    }


def _label(record: Alias, version: str, seen: Seen | None) -> Label:
    description = describe(record.code_hash)
    if seen is None:
        return Label.of_moving(description, int(version))
    if version == seen.attributes["version"]:  # it stays, whatever else is written anew
        label: Label = seen.state["label"]
        return replace(label, description=description)
    return Label.of_moving(description, int(version), _served(seen))


def _served(seen: Seen) -> tuple[int, ...]:
    return int(seen.attributes["version"]), *seen.state["label"].served


def _attributes(answer: Mapping[str, Any]) -> Attributes:
    return {"arn": answer["AliasArn"], "version": answer["FunctionVersion"]}


def _observe(aws: Aws, function: str) -> Seen | None:
    client = aws.client("lambda")
    try:
        answer = client.get_alias(FunctionName=function, Name=LIVE)
    except client.exceptions.ResourceNotFoundException:
        return None
    label = Label.read(answer.get("Description", ""))
    return Seen(
        kind=Alias.kind,
        address=f"{function}:{LIVE}",
        name=LIVE,
        attributes=_attributes(answer),
        state={
            "code_hash": label.description.removeprefix(_PREFIX),
            "label": label,
            "function": function,
            "weights": answer.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}),
        },
    )
