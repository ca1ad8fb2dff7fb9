"""HTTP APIs, found by their tags: their names are free, and their ids are AWS's.

Of two that are ours (the answer to a first creation was lost, perhaps) the oldest stays. Inside our API, what
no route of the plan uses is removed where it is plainly left over: an integration without a route.
"""

from __future__ import annotations

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
from microlambda.deploy.ownership import (
    has_our_names,
    is_renamed,
    renamed,
    seen_or_left_alone,
    sorted_out,
)
from microlambda.plan.names import api_name
from microlambda.plan.records import HttpApi

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope

_SERVICE = "apigatewayv2"


class HttpApiDeployer(KindDeployer[HttpApi]):
    """API Gateway's HTTP APIs, each with its integration, route and stage."""

    kind = HttpApi.kind

    def observe(
        self, aws: Aws, scope: Scope, planned: Sequence[HttpApi], functions: Sequence[str]
    ) -> list[Seen]:
        """List the HTTP APIs that carry our tags, the oldest first; then what an earlier name has left."""
        del functions
        pages = aws.client(_SERVICE).get_paginator("get_apis").paginate()
        apis = [api for page in pages for api in page["Items"]]
        ours = [
            api for api in apis if api["ProtocolType"] == "HTTP" and has_our_names(api.get("Tags", {}), scope)
        ]
        address = api_name(scope.app, scope.stage)

        def look(api: Mapping[str, Any]) -> Seen | None:  # the list may name what has just gone
            return seen_or_left_alone(
                self.kind, api["Name"], lambda _name: _seen(aws, api, address), planned=True
            )

        seen = sorted((one for one in aws.each(look, ours) if one is not None), key=_age)
        found = sorted_out(seen, scope, planned=bool(planned))
        return found + [_renamed(api) for api in apis if is_renamed(api.get("Tags", {}), scope)]

    def compare(self, record: HttpApi, seen: Seen, known: Known) -> list[str]:
        """Compare the API, and the one way through it: stage, route, integration, alias."""
        target = known.value(record.target)
        chosen = _chosen(seen.state, record)
        return [
            *difference("name", seen.state["name"], record.name),
            *_integration_reasons(chosen, record, target),
            *([] if chosen and _has_route(seen.state, record, chosen) else [f"route {record.route}"]),
            *([] if _has_stage(seen.state, record) else [f"stage {record.stage}"]),
            *(["left-over integrations"] if _left_over(seen.state, chosen) else []),
            *tag_reasons(record.tags, seen.tags),
        ]

    def create(self, job: Job, record: HttpApi) -> Attributes:
        """Create the API, then the way through it."""
        api = job.aws.client(_SERVICE).create_api(
            Name=record.name, ProtocolType="HTTP", Tags=dict(record.tags)
        )
        seen = Seen(
            kind=self.kind,
            address=record.address,
            name=record.name,
            tags=record.tags,
            attributes=_attributes(job.aws, api),
            state={"name": record.name, "integrations": [], "routes": [], "stages": []},
        )
        return self.update(job, record, seen, ())

    def update(self, job: Job, record: HttpApi, seen: Seen, reasons: Sequence[str]) -> Attributes:
        """Write what differs; the route comes before what it replaces is removed."""
        del reasons
        client, api = job.aws.client(_SERVICE), seen.attributes["id"]
        if seen.state["name"] != record.name:
            client.update_api(ApiId=api, Name=record.name)
        chosen = _put_integration(client, api, seen.state, record, job.value(record.target))
        _put_route(client, api, seen.state, record, chosen)
        _put_stage(client, api, seen.state, record)
        for integration in _left_over(seen.state, chosen):
            client.delete_integration(ApiId=api, IntegrationId=integration["IntegrationId"])
        if tags := missing_tags(record.tags, seen.tags):
            client.tag_resource(ResourceArn=seen.attributes["arn"], Tags=tags)
        return seen.attributes

    def remove(self, job: Job, seen: Seen) -> None:
        """Remove the API with everything in it."""
        client = job.aws.client(_SERVICE)
        try:
            client.delete_api(ApiId=seen.attributes["id"])
        except client.exceptions.NotFoundException:
            return


def _seen(aws: Aws, api: Mapping[str, Any], address: str) -> Seen:
    client, where = aws.client(_SERVICE), {"ApiId": api["ApiId"]}
    return Seen(
        kind=HttpApi.kind,
        address=address,
        name=api["Name"],
        tags=api.get("Tags", {}),
        attributes=_attributes(aws, api),
        state={
            "name": api["Name"],
            "created": str(api.get("CreatedDate", "")),
            "integrations": _items(client, "get_integrations", where),
            "routes": _items(client, "get_routes", where),
            "stages": _items(client, "get_stages", where),
        },
    )


def _renamed(api: Mapping[str, Any]) -> Seen:
    return renamed(HttpApi.kind, api["ApiId"], api["Name"], api["Tags"], api["ApiEndpoint"])


def _age(seen: Seen) -> tuple[bool, str, str]:
    """Order APIs by age; one without a route has never answered anybody, and comes last."""
    return not seen.state["routes"], seen.state["created"], seen.attributes["id"]


def _items(client: Any, operation: str, where: Mapping[str, str]) -> list[dict[str, Any]]:
    return [item for page in client.get_paginator(operation).paginate(**where) for item in page["Items"]]


def _attributes(aws: Aws, api: Mapping[str, Any]) -> Attributes:
    name = api["ApiId"]
    return {
        "id": name,
        "arn": aws.gateway_arn(f"/apis/{name}"),
        "source_arn": aws.arn("execute-api", f"{name}/*"),
        "url": api["ApiEndpoint"],
    }


def _chosen(state: Mapping[str, Any], record: HttpApi) -> Mapping[str, Any] | None:
    """Find the integration that the route uses; else any, left by an interrupted deploy."""
    targets = [route.get("Target") for route in state["routes"] if route["RouteKey"] == record.route]
    used = [one for one in state["integrations"] if f"integrations/{one['IntegrationId']}" in targets]
    return next(iter([*used, *state["integrations"]]), None)


def _integration(record: HttpApi, target: str | None) -> dict[str, Any]:
    return {
        "IntegrationType": "AWS_PROXY",
        "IntegrationUri": target,
        "PayloadFormatVersion": record.payload,
    }


def _integration_reasons(chosen: Mapping[str, Any] | None, record: HttpApi, target: str | None) -> list[str]:
    if chosen is None:
        return ["integration"]
    planned = _integration(record, target)
    return ["integration"] if any(chosen.get(name) != value for name, value in planned.items()) else []


def _has_route(state: Mapping[str, Any], record: HttpApi, chosen: Mapping[str, Any]) -> bool:
    target = f"integrations/{chosen['IntegrationId']}"
    return any(
        route["RouteKey"] == record.route and route.get("Target") == target for route in state["routes"]
    )


def _has_stage(state: Mapping[str, Any], record: HttpApi) -> bool:
    return any(one["StageName"] == record.stage and one.get("AutoDeploy") for one in state["stages"])


def _left_over(state: Mapping[str, Any], chosen: Mapping[str, Any] | None) -> Iterable[Mapping[str, Any]]:
    if chosen is None:
        return []
    used = {route.get("Target") for route in state["routes"]}
    return [
        one
        for one in state["integrations"]
        if one["IntegrationId"] != chosen["IntegrationId"]
        and f"integrations/{one['IntegrationId']}" not in used
    ]


def _put_integration(
    client: Any, api: str, state: Mapping[str, Any], record: HttpApi, target: str
) -> Mapping[str, Any]:
    chosen, planned = _chosen(state, record), _integration(record, target)
    answer: Mapping[str, Any]
    if chosen is None:
        answer = client.create_integration(ApiId=api, **planned)
    elif _integration_reasons(chosen, record, target):
        answer = client.update_integration(ApiId=api, IntegrationId=chosen["IntegrationId"], **planned)
    else:
        answer = chosen
    return answer


def _put_route(
    client: Any, api: str, state: Mapping[str, Any], record: HttpApi, chosen: Mapping[str, Any]
) -> None:
    if _has_route(state, record, chosen):
        return
    target = f"integrations/{chosen['IntegrationId']}"
    for route in state["routes"]:
        if route["RouteKey"] == record.route:
            client.update_route(ApiId=api, RouteId=route["RouteId"], Target=target)
            return
    client.create_route(ApiId=api, RouteKey=record.route, Target=target)


def _put_stage(client: Any, api: str, state: Mapping[str, Any], record: HttpApi) -> None:
    if _has_stage(state, record):
        return
    if any(one["StageName"] == record.stage for one in state["stages"]):
        client.update_stage(ApiId=api, StageName=record.stage, AutoDeploy=True)
    else:
        client.create_stage(ApiId=api, StageName=record.stage, AutoDeploy=True, Tags=dict(record.tags))
