"""The ways into a REST API: for each path a resource, on it one method, behind that one integration.

API Gateway keeps them apart from what it serves, which is a deployment: whatever is done here, and in
whichever order, changes no answer. What others have put beside ours, another resource or method, stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microlambda.plan.records import RestApi

    Resources = Mapping[str, Mapping[str, Any]]  # by path

METHOD = "ANY"

# What of a method and of an integration is ours to say, and what it is where nobody has said it.
_METHOD = {"authorizationType": "NONE", "apiKeyRequired": False}
_UNSAID = {"credentials": None, "contentHandling": None}


def integration_uri(partition: str, region: str, function: str) -> str:
    """Write what calls a function: https://docs.aws.amazon.com/apigateway/latest/api/API_Integration.html."""
    return f"arn:{partition}:apigateway:{region}:lambda:path/2015-03-31/functions/{function}/invocations"


def integration(record: RestApi, uri: str | None) -> dict[str, Any]:
    """Give the integration of every path, as API Gateway tells of it."""
    return {"type": "AWS_PROXY", "httpMethod": "POST", "uri": uri, "timeoutInMillis": record.timeout}


def read_resources(client: Any, api: str) -> dict[str, Any]:
    """List the API's resources by their paths, with their methods."""
    pages = client.get_paginator("get_resources").paginate(restApiId=api, embed=["methods"])
    return {one["path"]: one for page in pages for one in page["items"]}


def method_reasons(resources: Resources, record: RestApi, uri: str | None) -> list[str]:
    """Name the paths that are missing, or lead elsewhere than planned."""
    planned = integration(record, uri)
    return [f"path {path}" for path in record.paths if not _leads_there(resources.get(path), planned)]


def put_methods(client: Any, api: str, resources: Resources, record: RestApi, uri: str) -> None:
    """Make what differs as planned."""
    planned = integration(record, uri)
    for path in record.paths:
        resource = resources.get(path) or client.create_resource(
            restApiId=api, parentId=resources["/"]["id"], pathPart=path.removeprefix("/")
        )
        if not _leads_there(resource, planned):
            _put_method(client, {"restApiId": api, "resourceId": resource["id"]}, resource, planned)


def _put_method(
    client: Any, where: Mapping[str, str], resource: Mapping[str, Any], planned: Mapping[str, Any]
) -> None:
    found = _method(resource)
    if found is not None and not _is_open(found):
        client.delete_method(**where, httpMethod=METHOD)
        found = None
    if found is None:
        client.put_method(**where, httpMethod=METHOD, **_METHOD)
    named = {("integrationHttpMethod" if name == "httpMethod" else name): planned[name] for name in planned}
    client.put_integration(**where, httpMethod=METHOD, **named)


def _leads_there(resource: Mapping[str, Any] | None, planned: Mapping[str, Any]) -> bool:
    found = _method(resource or {})
    if found is None or not _is_open(found):
        return False
    there = found.get("methodIntegration") or {}
    return all(there.get(name) == value for name, value in {**planned, **_UNSAID}.items())


def _method(resource: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = resource.get("resourceMethods", {}).get(METHOD)
    return found


def _is_open(method: Mapping[str, Any]) -> bool:
    return all(method.get(name) == value for name, value in _METHOD.items())
