"""REST APIs, found by their tags: their names are free, and their ids are AWS's.

Of two that are ours (the answer to a first creation was lost, perhaps) the oldest stays. A change is live
only when it is deployed, which comes last, and moves the stage at once: until then it serves what it served.
"""

from __future__ import annotations

from contextlib import suppress
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
from microlambda.deploy.kinds.invocation_uri import invocation_uri
from microlambda.deploy.kinds.rest_authorizers import RestAuthorizers, read_authorizers
from microlambda.deploy.kinds.rest_methods import (
    foreign_authorizers,
    method_reasons,
    put_methods,
    read_resources,
)
from microlambda.deploy.kinds.rest_stage import content, put_stage, read_stages, stage_reasons
from microlambda.deploy.kinds.rest_url import rest_url
from microlambda.deploy.observed import Seen
from microlambda.deploy.ownership import (
    has_our_names,
    is_renamed,
    renamed,
    seen_or_left_alone,
    sorted_out,
)
from microlambda.plan.names import api_name, rest_stage_name
from microlambda.plan.records import RestApi
from microlambda.plan.rest_api import ANSWERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope

_SERVICE = "apigateway"
_HEADER = "HEADER"  # x-api-key; an authorizer otherwise
_PAGE = {"PageSize": 500}  # the most that one page may hold; 25 otherwise


class RestApiDeployer(KindDeployer[RestApi]):
    """API Gateway's REST APIs, each with its paths, authorizers, its own answers, deployment and stage."""

    kind = RestApi.kind

    def observe(
        self, aws: Aws, scope: Scope, planned: Sequence[RestApi], functions: Sequence[str]
    ) -> list[Seen]:
        """List the REST APIs that carry our tags, the oldest first; then what an earlier name has left."""
        del functions
        pages = aws.client(_SERVICE).get_paginator("get_rest_apis").paginate(PaginationConfig=_PAGE)
        apis = [api for page in pages for api in page["items"]]
        ours = [api for api in apis if has_our_names(api.get("tags", {}), scope)]

        def look(api: Mapping[str, Any]) -> Seen | None:  # the list may name what has just gone
            return seen_or_left_alone(
                self.kind, api["name"], lambda _name: _seen(aws, api, scope), planned=True
            )

        seen = sorted((one for one in aws.each(look, ours) if one is not None), key=_age)
        found = sorted_out(seen, scope, planned=bool(planned))
        return found + [_renamed(aws, api, scope) for api in apis if is_renamed(api.get("tags", {}), scope)]

    def compare(self, record: RestApi, seen: Seen, known: Known) -> list[str]:
        """Compare the API, the ways into it and who is asked, its own answers, and what its stage serves."""
        target = known.value(record.target)
        uri = None if target is None else invocation_uri(target)
        there, resources = seen.state["authorizers"], seen.state["resources"]
        planned = wanted(record.authorizers, known.value)
        return [
            *difference("name", seen.state["name"], record.name),
            *difference("endpoint", seen.state["endpoint_type"], record.endpoint_type),
            *([] if _binary_types(seen.state) == set(record.binary_types) else ["binary media types"]),
            *(["where API keys are read"] if _reads_keys_elsewhere(seen.state, record) else []),
            *authorizer_reasons(there, planned, foreign_authorizers(resources, record, uri)),
            *method_reasons(resources, record, uri, ids(there)),
            *(f"answers {kind}" for kind in _differing_answers(seen.state, record)),
            *stage_reasons(seen.state, record, content(record, uri, planned)),
            *tag_reasons(record.tags, seen.tags),
        ]

    def create(self, job: Job, record: RestApi) -> Attributes:
        """Create the API, then the ways into it."""
        api = job.call(
            job.aws.client(_SERVICE).create_rest_api,
            name=record.name,
            endpointConfiguration={"types": [record.endpoint_type]},
            binaryMediaTypes=list(record.binary_types),
            tags=dict(record.tags),
        )
        seen = Seen(
            kind=self.kind,
            address=record.address,
            name=record.name,
            tags=record.tags,
            attributes=_attributes(job.aws, api["id"], record.stage, api),
            state={
                **_own_state(api),
                "resources": {"/": {"id": api["rootResourceId"]}},
                "authorizers": {},
                "answers": {},
                "stages": [],
                "deployments": [],
            },
        )
        return self.update(job, record, seen, ())

    def update(self, job: Job, record: RestApi, seen: Seen, reasons: Sequence[str]) -> Attributes:
        """Write what differs, then deploy it; then an authorizer that nothing names can go."""
        del reasons
        client, api, arn = job.aws.client(_SERVICE), seen.attributes["id"], seen.attributes["arn"]
        uri, resources = invocation_uri(job.value(record.target)), seen.state["resources"]
        planned, authorizers = wanted(record.authorizers, job.value), RestAuthorizers(client, api)
        if patches := _patches(seen.state, record):
            client.update_rest_api(restApiId=api, patchOperations=patches)
        there = authorizers.put(seen.state["authorizers"], planned)
        put_methods(client, api, resources, record, uri, ids(there))
        _put_answers(client, api, seen.state, record)
        put_stage(client, api, arn, seen.state, record, content(record, uri, planned))
        authorizers.remove_left_over(there, planned, foreign_authorizers(resources, record, uri))
        if tags := missing_tags(record.tags, seen.tags):
            client.tag_resource(resourceArn=arn, tags=tags)
        return seen.attributes

    def remove(self, job: Job, seen: Seen) -> None:
        """Remove the API with everything in it."""
        client = job.aws.client(_SERVICE)
        with suppress(client.exceptions.NotFoundException):
            job.call(client.delete_rest_api, restApiId=seen.attributes["id"])


def _seen(aws: Aws, api: Mapping[str, Any], scope: Scope) -> Seen:
    client, name = aws.client(_SERVICE), api["id"]
    stages = read_stages(client, name)
    return Seen(
        kind=RestApi.kind,
        address=api_name(scope.app, scope.stage),
        name=api["name"],
        tags=api.get("tags", {}),
        attributes=_attributes(aws, name, rest_stage_name(scope.stage), stages["answer"]),
        state={
            **_own_state(api),
            "created": str(api.get("createdDate", "")),
            "resources": read_resources(client, name),
            "authorizers": read_authorizers(client, name),
            "answers": _read_answers(client, name),
            "stages": stages["stages"],
            "deployments": stages["deployments"],
        },
    )


def _own_state(api: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": api["name"],
        "endpoint_type": next(iter(api.get("endpointConfiguration", {}).get("types", ())), None),
        "binary_types": api.get("binaryMediaTypes", []),
        "key_source": api.get("apiKeySource", _HEADER),
    }


def _renamed(aws: Aws, api: Mapping[str, Any], scope: Scope) -> Seen:
    url = rest_url(aws, api["id"], rest_stage_name(scope.stage))
    return renamed(RestApi.kind, api["id"], api["name"], api["tags"], url)


def _age(seen: Seen) -> tuple[bool, str, str]:
    """Order APIs by age; one without a stage has never answered anybody, and comes last."""
    return not seen.state["stages"], seen.state["created"], seen.attributes["id"]


def _attributes(aws: Aws, name: str, stage: str, answer: Mapping[str, Any]) -> Attributes:
    return {
        "id": name,
        "arn": aws.gateway_arn(f"/restapis/{name}"),
        "source_arn": aws.arn("execute-api", f"{name}/*"),
        "authorizers_arn": aws.arn("execute-api", f"{name}/authorizers/*"),
        "url": rest_url(aws, name, stage, answer),
    }


def _binary_types(state: Mapping[str, Any]) -> set[str]:
    return set(state["binary_types"])


def _patches(state: Mapping[str, Any], record: RestApi) -> list[dict[str, str]]:
    """Give the operations that make the API itself as planned.

    https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html
    """
    patches = []
    if state["name"] != record.name:
        patches.append({"op": "replace", "path": "/name", "value": record.name})
    if (now := state["endpoint_type"]) != record.endpoint_type:
        path = f"/endpointConfiguration/types/{now}"
        patches.append({"op": "replace", "path": path, "value": record.endpoint_type})
    here, planned = _binary_types(state), set(record.binary_types)
    patches += [{"op": "add", "path": _binary_path(one)} for one in sorted(planned - here)]
    patches += [{"op": "remove", "path": _binary_path(one)} for one in sorted(here - planned)]
    if _reads_keys_elsewhere(state, record):
        patches.append({"op": "replace", "path": "/apiKeySource", "value": _HEADER})
    return patches


def _reads_keys_elsewhere(state: Mapping[str, Any], record: RestApi) -> bool:
    asks = any(guard.api_key for guarded in record.resources.values() for guard in guarded.values())
    return asks and state["key_source"] != _HEADER


def _binary_path(media_type: str) -> str:
    escaped = media_type.replace("~", "~0").replace("/", "~1")  # RFC 6901
    return f"/binaryMediaTypes/{escaped}"


def _read_answers(client: Any, api: str) -> dict[str, Any]:
    """Give the parameters of the gateway's own answers of ours; AWS lists those that nobody changed, too."""
    pages = client.get_paginator("get_gateway_responses").paginate(restApiId=api)
    changed = [one for page in pages for one in page["items"] if not one.get("defaultResponse")]
    return {
        one["responseType"]: one.get("responseParameters", {})
        for one in changed
        if one["responseType"] in ANSWERS
    }


def _differing_answers(state: Mapping[str, Any], record: RestApi) -> list[str]:
    return [kind for kind in ANSWERS if state["answers"].get(kind) != record.answers.get(kind)]


def _put_answers(client: Any, api: str, state: Mapping[str, Any], record: RestApi) -> None:
    for kind in _differing_answers(state, record):
        if kind in record.answers:
            client.put_gateway_response(
                restApiId=api, responseType=kind, responseParameters=dict(record.answers[kind])
            )
        else:
            client.delete_gateway_response(restApiId=api, responseType=kind)
