"""HTTP APIs, found by their tags: their names are free, and their ids are AWS's.

Of two that are ours (the answer to a first creation was lost, perhaps) the oldest stays. Inside our API, what
no route of the plan uses is removed where it is plainly left over: an integration without a route, a route to
our integration, an authorizer that no route names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from microlambda.deploy.kinds.authorizers import authorizer_reasons, ids, wanted
from microlambda.deploy.kinds.base import (
    Attributes,
    Job,
    KindDeployer,
    Known,
    difference,
    missing_tags,
    tag_reasons,
)
from microlambda.deploy.kinds.http_authorizers import PAYLOAD, HttpAuthorizers, found_authorizers
from microlambda.deploy.kinds.http_routes import (
    foreign_routes,
    left_over_routes,
    planned_routes,
    put_routes,
    remove_routes,
    route_reasons,
    target_of,
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
    from collections.abc import Mapping, Sequence

    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope

_SERVICE = "apigatewayv2"


class HttpApiDeployer(KindDeployer[HttpApi]):
    """API Gateway's HTTP APIs, each with its integration, authorizers, routes and stage."""

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
        """Compare the API, and the ways through it: stage, routes, authorizers, integration, alias."""
        state, target = seen.state, known.value(record.target)
        chosen = _chosen(state, record)
        to, there = target_of(chosen), state["authorizers"]
        return [
            *difference("name", state["name"], record.name),
            *_integration_reasons(chosen, record, target),
            *authorizer_reasons(
                there, wanted(record.authorizers, known.value, payload=PAYLOAD), _used(state, record, to)
            ),
            *route_reasons(state["routes"], record, to, ids(there)),
            *([] if _has_stage(state, record) else [f"stage {record.stage}"]),
            *(f"left-over route {one['RouteKey']}" for one in left_over_routes(state["routes"], record, to)),
            *(["left-over integrations"] if _left_over(state, record, chosen) else []),
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
            state={"name": record.name, "integrations": [], "authorizers": {}, "routes": [], "stages": []},
        )
        return self.update(job, record, seen, ())

    def update(self, job: Job, record: HttpApi, seen: Seen, reasons: Sequence[str]) -> Attributes:
        """Write what differs: what routes name comes before them, and what they replace goes after."""
        del reasons
        client, api, state = job.aws.client(_SERVICE), seen.attributes["id"], seen.state
        if state["name"] != record.name:
            client.update_api(ApiId=api, Name=record.name)
        chosen = _put_integration(client, api, state, record, job.value(record.target))
        to, authorizers = target_of(chosen), HttpAuthorizers(client, api)
        planned = wanted(record.authorizers, job.value, payload=PAYLOAD)
        there = authorizers.put(state["authorizers"], planned)
        put_routes(client, api, state["routes"], record, to, ids(there))
        _put_stage(client, api, state, record)
        remove_routes(client, api, left_over_routes(state["routes"], record, to))
        for integration in _left_over(state, record, chosen):
            client.delete_integration(ApiId=api, IntegrationId=integration["IntegrationId"])
        authorizers.remove_left_over(there, planned, _used(state, record, to))
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
            "authorizers": found_authorizers(_items(client, "get_authorizers", where)),
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
        "authorizers_arn": aws.arn("execute-api", f"{name}/authorizers/*"),
        "url": api["ApiEndpoint"],
    }


def _chosen(state: Mapping[str, Any], record: HttpApi) -> Mapping[str, Any] | None:
    """Find the integration that our routes use; else one that none uses, left by an interrupted deploy."""
    targets = {route["RouteKey"]: route.get("Target") for route in state["routes"]}
    ours = [targets.get(key) for key in planned_routes(record)]
    used = [one for target in ours for one in state["integrations"] if target_of(one) == target]
    unused = [one for one in state["integrations"] if target_of(one) not in targets.values()]
    return next(iter([*used, *unused]), None)


def _used(state: Mapping[str, Any], record: HttpApi, to: str | None) -> set[str | None]:
    """Give the ids of the authorizers that routes of others name."""
    return {one.get("AuthorizerId") for one in foreign_routes(state["routes"], record, to)}


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


def _has_stage(state: Mapping[str, Any], record: HttpApi) -> bool:
    return any(one["StageName"] == record.stage and one.get("AutoDeploy") for one in state["stages"])


def _left_over(
    state: Mapping[str, Any], record: HttpApi, chosen: Mapping[str, Any] | None
) -> list[Mapping[str, Any]]:
    """List the integrations that no route will lead to."""
    to = target_of(chosen)
    used = {to, *(one.get("Target") for one in foreign_routes(state["routes"], record, to))}
    return [one for one in state["integrations"] if chosen is not None and target_of(one) not in used]


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


def _put_stage(client: Any, api: str, state: Mapping[str, Any], record: HttpApi) -> None:
    if _has_stage(state, record):
        return
    if any(one["StageName"] == record.stage for one in state["stages"]):
        client.update_stage(ApiId=api, StageName=record.stage, AutoDeploy=True)
    else:
        client.create_stage(ApiId=api, StageName=record.stage, AutoDeploy=True, Tags=dict(record.tags))
