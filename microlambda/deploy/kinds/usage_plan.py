"""The usage plan of a REST API's stage: whose API keys may call it.

API Gateway tells no date of it: of two that are ours, the one stays that does the most of its work. The keys
in it are those of the settings, and others are taken out of it; throttling and quotas are whoever's who sets
them.
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
from microlambda.deploy.observed import Seen
from microlambda.deploy.ownership import has_our_names, seen_or_left_alone, sorted_out
from microlambda.plan.names import api_name
from microlambda.plan.records import UsagePlan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope

_SERVICE = "apigateway"
_PAGE = {"PageSize": 500}
_KEY = "API_KEY"


class UsagePlanDeployer(KindDeployer[UsagePlan]):
    """API Gateway's usage plans, each with its stage and its keys."""

    kind = UsagePlan.kind

    def observe(
        self, aws: Aws, scope: Scope, planned: Sequence[UsagePlan], functions: Sequence[str]
    ) -> list[Seen]:
        """List the usage plans that carry our tags."""
        del functions
        pages = aws.client(_SERVICE).get_paginator("get_usage_plans").paginate(PaginationConfig=_PAGE)
        ours = [one for page in pages for one in page["items"] if has_our_names(one.get("tags") or {}, scope)]

        def look(plan: Mapping[str, Any]) -> Seen | None:  # the list may name what has just gone
            return seen_or_left_alone(
                self.kind, plan["name"], lambda _name: _seen(aws, plan, scope), planned=True
            )

        seen = sorted((one for one in aws.each(look, ours) if one is not None), key=_use)
        return sorted_out(seen, scope, planned=bool(planned))

    def compare(self, record: UsagePlan, seen: Seen, known: Known) -> list[str]:
        """Compare name, stage, keys and tags."""
        stage = _stage(record, known.value(record.api))
        keys = {known.value(one) for one in record.api_keys}
        return [
            *difference("name", seen.state["name"], record.name),
            *([] if seen.state["stages"] == [stage] else ["stage"]),
            *([] if seen.state["keys"] == keys else ["API keys"]),
            *tag_reasons(record.tags, seen.tags),
        ]

    def create(self, job: Job, record: UsagePlan) -> Attributes:
        """Create the plan with its stage, then let the keys in."""
        stage = {"apiId": job.value(record.api), "stage": record.stage}
        answer = job.call(
            job.aws.client(_SERVICE).create_usage_plan,
            name=record.name,
            apiStages=[stage],
            tags=dict(record.tags),
        )
        _put_keys(job, record, answer["id"], set())
        return _attributes(job.aws, answer["id"])

    def update(self, job: Job, record: UsagePlan, seen: Seen, reasons: Sequence[str]) -> Attributes:
        """Write what differs: API Gateway takes one such change in 20 seconds, so in one call."""
        del reasons
        client, plan = job.aws.client(_SERVICE), seen.attributes["id"]
        if patches := _patches(seen.state, record, _stage(record, job.value(record.api))):
            job.call(client.update_usage_plan, usagePlanId=plan, patchOperations=patches)
        _put_keys(job, record, plan, seen.state["keys"])
        if tags := missing_tags(record.tags, seen.tags):
            client.tag_resource(resourceArn=seen.attributes["arn"], tags=tags)
        return seen.attributes

    def remove(self, job: Job, seen: Seen) -> None:
        """Remove the plan, which API Gateway does once no stage is in it any more.

        Its refusal: https://github.com/aws/aws-sdk-js/issues/3841.
        """
        client, plan = job.aws.client(_SERVICE), seen.attributes["id"]
        stages = [{"op": "remove", "path": "/apiStages", "value": one} for one in seen.state["stages"]]
        gone = client.exceptions.NotFoundException
        if stages:
            with suppress(gone):
                job.call(client.update_usage_plan, usagePlanId=plan, patchOperations=stages)
        with suppress(gone):
            job.call(client.delete_usage_plan, usagePlanId=plan)


def _seen(aws: Aws, plan: Mapping[str, Any], scope: Scope) -> Seen:
    pages = aws.client(_SERVICE).get_paginator("get_usage_plan_keys").paginate(usagePlanId=plan["id"])
    return Seen(
        kind=UsagePlan.kind,
        address=api_name(scope.app, scope.stage),
        name=plan["name"],
        tags=plan["tags"],
        attributes=_attributes(aws, plan["id"]),
        state={
            "name": plan["name"],
            "stages": sorted(f"{one['apiId']}:{one['stage']}" for one in plan.get("apiStages") or ()),
            "keys": {one["id"] for page in pages for one in page["items"]},  # without their values
        },
    )


def _use(seen: Seen) -> tuple[int, int, str]:
    return -len(seen.state["stages"]), -len(seen.state["keys"]), seen.attributes["id"]


def _attributes(aws: Aws, plan: str) -> Attributes:
    return {"id": plan, "arn": aws.gateway_arn(f"/usageplans/{plan}")}


def _stage(record: UsagePlan, api: str | None) -> str | None:
    return None if api is None else f"{api}:{record.stage}"


def _patches(state: Mapping[str, Any], record: UsagePlan, stage: str | None) -> list[dict[str, str]]:
    """Give the operations that make the plan itself as planned.

    https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html
    """
    patches = []
    if state["name"] != record.name:
        patches.append({"op": "replace", "path": "/name", "value": record.name})
    patches += [
        {"op": "remove", "path": "/apiStages", "value": one} for one in state["stages"] if one != stage
    ]
    if stage is not None and stage not in state["stages"]:
        patches.append({"op": "add", "path": "/apiStages", "value": stage})
    return patches


def _put_keys(job: Job, record: UsagePlan, plan: str, there: set[str]) -> None:
    client = job.aws.client(_SERVICE)
    planned = {job.value(one): None for one in record.api_keys}
    for key in planned:
        if key not in there:
            client.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType=_KEY)
    for key in sorted(there - planned.keys()):
        with suppress(client.exceptions.NotFoundException):
            client.delete_usage_plan_key(usagePlanId=plan, keyId=key)
