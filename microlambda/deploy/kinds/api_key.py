"""API keys, found by their tags, one of which says which key of the settings one is.

Their names are free, and a lost reply may leave two: the one stays that is in the usage plan, for callers
may have it, and else the oldest. AWS chooses the value, answers it to the creation, and is never asked for
it here.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from microlambda.deploy.kinds.base import (
    Attributes,
    Job,
    KindDeployer,
    Known,
    difference,
    missing_tags,
    tag_reasons,
)
from microlambda.deploy.kinds.usage_plan import UsagePlanDeployer
from microlambda.deploy.observed import Seen
from microlambda.deploy.ownership import has_our_names, sorted_out
from microlambda.plan.api_keys import KEY_TAG
from microlambda.plan.names import api_key_name
from microlambda.plan.records import ApiKey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope

_SERVICE = "apigateway"
_PAGE = {"PageSize": 500}


class ApiKeyDeployer(KindDeployer[ApiKey]):
    """API Gateway's API keys."""

    kind = ApiKey.kind

    def observe(
        self, aws: Aws, scope: Scope, planned: Sequence[ApiKey], functions: Sequence[str]
    ) -> list[Seen]:
        """List the keys that carry our tags; of two that are the same, first the one that may call."""
        del functions
        pages = aws.client(_SERVICE).get_paginator("get_api_keys").paginate(PaginationConfig=_PAGE)
        ours = [one for page in pages for one in page["items"] if has_our_names(one.get("tags") or {}, scope)]
        seen = [_seen(aws, scope, one) for one in sorted(ours, key=_age)]
        if len({one.address for one in seen}) < len(seen):
            plans = UsagePlanDeployer().observe(aws, scope, (), ())
            known: set[str] = set().union(*(one.state["keys"] for one in plans[:1]))
            seen.sort(key=lambda one: one.attributes["id"] not in known)
        return sorted_out(seen, scope, planned=bool(planned))

    def compare(self, record: ApiKey, seen: Seen, known: Known) -> list[str]:
        """Compare name, whether it is on, and tags."""
        del known
        return [
            *difference("name", seen.state["name"], record.name),
            *([] if seen.state["enabled"] else ["switched off"]),
            *tag_reasons(record.tags, seen.tags),
        ]

    def create(self, job: Job, record: ApiKey) -> Attributes:
        """Let AWS make one; its value is left where it is."""
        client = job.aws.client(_SERVICE)
        answer = client.create_api_key(name=record.name, enabled=True, tags=dict(record.tags))
        return _attributes(job.aws, answer["id"])

    def update(self, job: Job, record: ApiKey, seen: Seen, reasons: Sequence[str]) -> Attributes:
        """Write what differs; the value stays."""
        del reasons
        client, patches = job.aws.client(_SERVICE), []
        if seen.state["name"] != record.name:
            patches.append({"op": "replace", "path": "/name", "value": record.name})
        if not seen.state["enabled"]:
            patches.append({"op": "replace", "path": "/enabled", "value": "true"})
        if patches:
            client.update_api_key(apiKey=seen.attributes["id"], patchOperations=patches)
        if tags := missing_tags(record.tags, seen.tags):
            client.tag_resource(resourceArn=seen.attributes["arn"], tags=tags)
        return seen.attributes

    def remove(self, job: Job, seen: Seen) -> None:
        """Remove the key: who has its value can call no longer."""
        client = job.aws.client(_SERVICE)
        with suppress(client.exceptions.NotFoundException):
            client.delete_api_key(apiKey=seen.attributes["id"])


def _seen(aws: Aws, scope: Scope, key: Mapping[str, Any]) -> Seen:
    tagged = key["tags"].get(KEY_TAG)
    return Seen(
        kind=ApiKey.kind,
        # its name tells, too, where somebody has taken the tag: a key that callers have is not made anew
        address=key["name"] if tagged is None else api_key_name(scope.app, scope.stage, tagged),
        name=key["name"],
        tags=key["tags"],
        attributes=_attributes(aws, key["id"]),
        state={"name": key["name"], "enabled": key["enabled"]},
    )


def _attributes(aws: Aws, key: str) -> Attributes:
    return {"id": key, "arn": aws.gateway_arn(f"/apikeys/{key}")}


def _age(key: Mapping[str, Any]) -> tuple[str, str]:
    return str(key.get("createdDate", "")), key["id"]
