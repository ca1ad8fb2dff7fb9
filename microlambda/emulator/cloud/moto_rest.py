"""moto's REST APIs, made to behave where they differ from API Gateway's, and what a stage of one serves.

moto forgets the binary media types of a new API, tags stages alone, replaces a method or a resource that is
there already, takes a second variable to one place, lets a deployment go that a stage serves, leaves what was
in a resource that goes, and keeps nothing of what a deployment was made of.
"""

from __future__ import annotations

import json
import re
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from urllib.parse import unquote

from microlambda.emulator.cloud.deployed import DeployedRestApi, DeployedStage
from microlambda.emulator.cloud.moto_rest_authorizers import asking, authorizers, check_asked
from microlambda.emulator.cloud.moto_usage_plans import usage_plans
from microlambda.emulator.marker import API_URL_HEADER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_TAGGED = re.compile(
    r"/tags/arn:[^/]+:apigateway:[^/]+::/(?P<kind>restapis|apikeys|usageplans)/(?P<id>[^/]+)/?"
)
_FUNCTION = re.compile(r"functions/(?P<arn>arn:[\w-]+:lambda:[\w-]+:\d{12}:function:[\w-]+(?::[\w$-]+)?)/")
_HEADER = "gatewayresponse.header."


@contextmanager
def faithful(url_of: Callable[[Any], str | None] = lambda _api: None) -> Iterator[None]:
    """Let moto's REST APIs behave as AWS's do; `url_of` tells where one of them is served here, if it is."""
    from moto.apigateway import urls
    from moto.apigateway.models import APIGatewayBackend, RestAPI
    from moto.apigateway.responses import APIGatewayResponse

    # Where moto is a server, the tags of an API, a key or a usage plan have no route.
    tags = (
        "{0}/tags/arn:(?P<partition>[^/]+):apigateway:(?P<region>[^/]+)::/"
        "(?P<kind>restapis|apikeys|usageplans)/(?P<id>[^/]+)$"
    )
    with ExitStack() as patches:
        patches.enter_context(patch.dict(urls.url_paths, {tags: APIGatewayResponse.dispatch}))
        for owner, changed in (
            (APIGatewayBackend, _backend(APIGatewayBackend)),
            (APIGatewayBackend, usage_plans(APIGatewayBackend)),
            (APIGatewayBackend, authorizers(APIGatewayBackend)),
            (RestAPI, _api(RestAPI)),
            (APIGatewayResponse, {**_tags(APIGatewayResponse), **_answers(APIGatewayResponse, url_of)}),
        ):
            for name, method in changed.items():
                patches.enter_context(patch.object(owner, name, method))
        yield


def rest_api(account: str, api_id: str) -> DeployedRestApi | None:
    """Look a REST API up, in whatever region it is."""
    from moto.apigateway.models import apigateway_backends

    for region, backend in list(apigateway_backends[account].items()):
        api = backend.apis.get(api_id)
        if api is not None:
            served = {name: _served(api, stage) for name, stage in list(api.stages.items())}
            return DeployedRestApi(api_id=api_id, region=region, account_id=account, stages=served)
    return None


def _served(api: Any, stage: Any) -> DeployedStage:
    deployment = api.deployments.get(stage.deployment_id)
    found: DeployedStage = getattr(deployment, "snapshot", DeployedStage(methods={}, answers={}))
    return found


def _snapshot(api: Any) -> DeployedStage:
    return DeployedStage(
        methods={
            (resource.get_path(), name): _function(method)
            for resource in api.resources.values()
            for name, method in resource.resource_methods.items()
        },
        asked=asking(api),
        answers={
            kind: tuple(_headers(answer.response_parameters or {}))
            for kind, answer in api.gateway_responses.items()
        },
    )


def _function(method: Any) -> str | None:
    found = method.method_integration and _FUNCTION.search(method.method_integration.uri or "")
    return found["arn"] if found else None


def _headers(parameters: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Give the header fields with static values, which stand in single quotes."""
    for name, value in parameters.items():
        if name.startswith(_HEADER) and value[:1] == value[-1:] == "'":
            yield name.removeprefix(_HEADER), value[1:-1]


def _backend(backend: Any) -> dict[str, Any]:
    from moto.apigateway.exceptions import (
        BadRequestException,
        ConflictException,
        RestAPINotFound,
        StageStillActive,
    )

    put_method, create_resource = backend.put_method, backend.create_resource
    delete_deployment, delete_rest_api = backend.delete_deployment, backend.delete_rest_api

    def put(self: Any, api: str, resource: str, method: str, *args: Any, **named: Any) -> Any:
        check_asked(self, api, args[0], named.get("authorizer_id"))
        if method in self.get_resource(api, resource).resource_methods:
            raise ConflictException("Method already exists for this resource")
        return put_method(self, api, resource, method, *args, **named)

    def created(self: Any, api: str, parent: str, part: str) -> Any:
        beside = [one.path_part for one in self.get_resources(api) if one.parent_id == parent]
        if part in beside:
            raise ConflictException(f"Another resource with the same parent already has this name: {part}")
        variable = next((one for one in beside if one[0] == "{"), None)
        if variable is not None and part[0] == "{":
            raise BadRequestException(
                f"A sibling ({variable}) of this resource already has a variable path part -- only one "
                "unique variable path part is allowed"
            )
        return create_resource(self, api, parent, part)

    def deployment_deleted(self: Any, api: str, deployment: str) -> Any:
        if any(stage.deployment_id == deployment for stage in self.get_stages(api)):
            raise StageStillActive
        return delete_deployment(self, api, deployment)

    def deleted(self: Any, api: str) -> Any:
        if api not in self.apis:
            raise RestAPINotFound
        return delete_rest_api(self, api)

    return {
        "put_method": put,
        "create_resource": created,
        "delete_deployment": deployment_deleted,
        "delete_rest_api": deleted,
        "delete_resource": _delete_resource,
    }


def _delete_resource(backend: Any, api: str, resource: str) -> Any:
    """Remove a resource with what is in it."""
    gone = backend.get_resource(api, resource)
    for inside in [one for one in backend.get_resources(api) if one.parent_id == resource]:
        _delete_resource(backend, api, inside.id)
    backend.apis[api].resources.pop(resource)
    return gone


def _api(api: Any) -> dict[str, Any]:
    apply, deploy = api.apply_patch_operations, api.create_deployment

    def applied(self: Any, operations: list[dict[str, Any]]) -> None:
        apply(self, [_with_value(one) for one in operations])

    def deployed(self: Any, *args: Any, **named: Any) -> Any:
        deployment = deploy(self, *args, **named)
        deployment.snapshot = _snapshot(self)
        return deployment

    return {"apply_patch_operations": applied, "create_deployment": deployed}


def _with_value(operation: dict[str, Any]) -> dict[str, Any]:
    """Say what moto reads of the value: of binary media types the path alone says it."""
    head, _, last = operation["path"].rpartition("/")
    if head != "/binaryMediaTypes" or "value" in operation:
        return operation
    return {**operation, "value": last.replace("~1", "/").replace("~0", "~")}


def _tags(answers: Any) -> dict[str, Any]:
    """Answer for the tags of APIs, keys and usage plans; for those of stages moto does."""
    tag, untag, get = answers.tag_resource, answers.untag_resource, answers.get_tags

    def of_tags(self: Any) -> Any:
        found = _TAGGED.fullmatch(unquote(self.path))
        kind = found["kind"] if found else ""
        get = {"restapis": "get_rest_api", "apikeys": "get_api_key", "usageplans": "get_usage_plan"}.get(kind)
        return getattr(self.backend, get)(found["id"]) if found and get else None

    def tagged(self: Any) -> Any:
        if (tagged_one := of_tags(self)) is None:
            return tag(self)
        tagged_one.tags = {**(tagged_one.tags or {}), **self._get_param("tags")}
        return "{}"

    def untagged(self: Any) -> Any:
        if (tagged_one := of_tags(self)) is None:
            return untag(self)
        gone = self.querystring.get("tagKeys") or ()
        kept = (tagged_one.tags or {}).items()
        tagged_one.tags = {name: value for name, value in kept if name not in gone}
        return "{}"

    def got(self: Any) -> Any:
        return get(self) if (tagged_one := of_tags(self)) is None else json.dumps({"tags": tagged_one.tags})

    return {"tag_resource": tagged, "untag_resource": untagged, "get_tags": got}


def _answers(answers: Any, url_of: Callable[[Any], str | None]) -> dict[str, Any]:
    create, stages = answers.create_rest_api, answers.get_stages

    def where(api: Any) -> dict[str, str]:
        url = url_of(api)
        return {} if url is None else {API_URL_HEADER: url}

    def created(self: Any) -> Any:
        status, headers, body = create(self)
        made = self.backend.apis.get(json.loads(body).get("id"))
        if made is None or status >= 300:  # refused
            return status, headers, body
        made.binaryMediaTypes = list(self._get_param("binaryMediaTypes") or ())
        return status, {**headers, **where(made)}, json.dumps(made.to_dict())

    def listed(self: Any) -> Any:
        body = stages(self)
        return 200, where(self.backend.get_rest_api(self.path.split("/")[2])), body

    return {"create_rest_api": created, "get_stages": listed}
