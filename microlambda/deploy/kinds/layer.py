"""Layers. They take no tags, so whose a version is, and what it was made of, stands in its description.

A version never changes: a difference publishes another one. One that was made of the planned inputs is used
again, whether an interrupted deploy has left it or an earlier one made it, and nothing is uploaded. What is
not pinned may come to other content of the same inputs: where that is asked for, the newest of the planned
inputs serves only if it has the planned content. Of the
others the newest are kept; a function, and a published version of it, keeps its copy of a version that has
been deleted: https://docs.aws.amazon.com/lambda/latest/api/API_DeleteLayerVersion.html
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from microlambda.bundle.archive import content_digest
from microlambda.deploy.kinds.base import Attributes, Job, KindDeployer, Known, difference
from microlambda.deploy.observed import Seen
from microlambda.deploy.ownership import seen_or_left_alone
from microlambda.deploy.upload import uploadable
from microlambda.plan.names import layer_prefix
from microlambda.plan.plan import APP_TAG, ID_TAG, STAGE_TAG
from microlambda.plan.records import Layer
from microlambda.runtime.naming import aws_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from microlambda.deploy.changes import Change
    from microlambda.deploy.kinds.base import Archive
    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope

    Version = Mapping[str, Any]  # as ListLayerVersions gives it

#: How many versions of a layer stay, the one in use included.
KEPT = 5

# A description has 256 characters; an app's name alone may have 128.
_SHORT = 40

_MARK = re.compile(
    r"microlambda id=(?P<id>\S*) app=(?P<app>\S+) stage=(?P<stage>\S+)"
    r" inputs=(?P<inputs>\S+)(?: content=(?P<content>\S+))?"
)


class LayerDeployer(KindDeployer[Layer]):
    """Lambda layers."""

    kind = Layer.kind

    def observe(
        self, aws: Aws, scope: Scope, planned: Sequence[Layer], functions: Sequence[str]
    ) -> list[Seen]:
        """List the layers whose names start as ours do, and those of planned names, with their versions."""
        del functions
        prefix = layer_prefix(scope.app, scope.stage)
        pages = aws.client("lambda").get_paginator("list_layers").paginate()
        listed = {one["LayerName"] for page in pages for one in page["Layers"]}
        like_ours = {name for name in listed if name.startswith(prefix)}
        wanted = {record.name: record for record in planned}  # asked for by name: the list may lag

        def look(name: str) -> Seen | None:
            return seen_or_left_alone(
                self.kind,
                name,
                lambda one: _look_at(aws, scope, one, wanted.get(one)),
                planned=name in wanted,
            )

        seen = [one for one in aws.each(look, sorted(like_ours | {*wanted})) if one is not None]
        return [one for one in seen if one.name in wanted or one.left_alone or scope.owns(one.tags or {})]

    def compare(self, record: Layer, seen: Seen, known: Known) -> list[str]:
        """Ask for a new version unless one of the planned inputs is there; name what goes."""
        del known
        return [
            *([] if seen.attributes else _newest_reasons(record, seen.state["versions"])),
            *(f"version {one['Version']}, which goes" for one in _outdated(seen)),
        ]

    def prepare(self, change: Change, archive: Archive) -> None:
        """Build the archive if a version is to be published of it."""
        if change.record is not None and (change.seen is None or not change.seen.attributes):
            uploadable(archive, change.record.key)

    def create(self, job: Job, record: Layer) -> Attributes:
        """Publish the first version."""
        archive = uploadable(job.archive, record.key)
        answer = job.aws.client("lambda").publish_layer_version(
            LayerName=record.name,
            Description=_mark(job.plan.scope, record.inputs, content_digest(archive)),
            Content={"ZipFile": archive},
            CompatibleRuntimes=[record.runtime],
            CompatibleArchitectures=[record.architecture],
        )
        return {"arn": answer["LayerVersionArn"]}

    def update(self, job: Job, record: Layer, seen: Seen, reasons: Sequence[str]) -> Attributes:
        """Publish a version unless one serves, then delete those that are older than what is kept."""
        del reasons
        attributes = seen.attributes or self.create(job, record)
        _delete(job, seen, _outdated(seen))
        return attributes

    def remove(self, job: Job, seen: Seen) -> None:
        """Delete all versions that are ours, and the layer with them."""
        _delete(job, seen, seen.state["versions"])


def _look_at(aws: Aws, scope: Scope, name: str, record: Layer | None) -> Seen | None:
    pages = aws.client("lambda").get_paginator("list_layer_versions").paginate(LayerName=name)
    found = [one for page in pages for one in page["LayerVersions"]]
    newest_first = sorted(found, key=lambda one: -one["Version"])
    ours = [one for one in newest_first if scope.owns(_tags(one, scope))]
    if not newest_first:
        return None
    # over a stranger's version nothing is published; what is planned no longer goes, whatever lies above it
    telling = newest_first if record is not None else [*ours, *newest_first]
    # nor does one of ours serve under a stranger's: taken over is the layer once one of ours lies on top
    on_top = bool(ours) and ours[0] is newest_first[0]
    serving = _serving(record, ours) if record is not None and on_top else None
    return Seen(
        kind=Layer.kind,
        address=name,
        name=name,
        tags=_tags(telling[0], scope),
        attributes={"arn": serving["LayerVersionArn"]} if serving is not None else {},
        state={"versions": ours},
    )


def _serving(record: Layer, ours: Sequence[Version]) -> Version | None:
    """Find the newest version that was made of the planned inputs; None where it has other content."""
    of_any_content = replace(record, content="")
    newest = next((one for one in ours if not _differences(of_any_content, one)), None)
    return None if newest is None or _differences(record, newest) else newest


def _newest_reasons(record: Layer, ours: Sequence[Version]) -> list[str]:
    return _differences(record, ours[0]) if ours else ["a first version of ours"]


def _differences(record: Layer, version: Version) -> list[str]:
    runtimes, architectures = version.get("CompatibleRuntimes"), version.get("CompatibleArchitectures")
    mark = _MARK.fullmatch(version.get("Description", ""))
    return [
        *difference("runtime", " ".join(runtimes or ()) or None, record.runtime),
        *difference("architecture", " ".join(architectures or ()) or None, record.architecture),
        *([] if mark and mark["inputs"] == record.inputs else ["content"]),
        *([] if mark is None or record.content in ("", mark["content"]) else ["packages resolved anew"]),
    ]


def _outdated(seen: Seen) -> list[Version]:
    """List what is older than the versions to keep, when the one that will serve is there."""
    serving = seen.attributes.get("arn")
    others = [one for one in seen.state["versions"] if one["LayerVersionArn"] != serving]
    return others[KEPT - 1 :]


def _delete(job: Job, seen: Seen, versions: Sequence[Version]) -> None:
    client = job.aws.client("lambda")
    for version in versions:
        with suppress(client.exceptions.ResourceNotFoundException):
            client.delete_layer_version(LayerName=seen.name, VersionNumber=version["Version"])


def _mark(scope: Scope, inputs: str, content: str) -> str:
    whose = _short(scope.tags)
    told = f"id={whose[ID_TAG]} app={whose[APP_TAG]} stage={whose[STAGE_TAG]}"
    return f"microlambda {told} inputs={inputs} content={content}"


def _tags(version: Version, scope: Scope) -> dict[str, str]:
    """Read a version's description as the tags that other resources carry; none where it is not marked."""
    mark = _MARK.fullmatch(version.get("Description", ""))
    if mark is None:
        return {}
    told = {ID_TAG: mark["id"], APP_TAG: mark["app"], STAGE_TAG: mark["stage"]}
    ours = _short(scope.tags)
    return {name: scope.tags[name] if told[name] == ours[name] else told[name] for name in told}


def _short(tags: Mapping[str, str]) -> dict[str, str]:
    return {name: aws_name(value, _SHORT) for name, value in tags.items()}
