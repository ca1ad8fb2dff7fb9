"""The ways into a REST API: resources, on each the methods that are planned, behind each one integration.

API Gateway keeps them apart from what it serves, which is a deployment: whatever is done here, and in
whichever order, changes no answer. What others have put beside ours, another resource or method, stays; a
method that leads to our function is ours, and goes where it is planned no longer.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from microlambda.plan.records import Guard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from microlambda.plan.records import RestApi

    Resources = Mapping[str, Mapping[str, Any]]  # by path
    Way = tuple[str, str]  # path, method
    Ids = Mapping[str, str]  # of authorizers, by name

METHOD = "ANY"
_OPEN = "NONE"

# What of an integration is ours to say, and what it is where nobody has said it.
_UNSAID = {"credentials": None, "contentHandling": None}


def integration(record: RestApi, uri: str | None) -> dict[str, Any]:
    """Give the integration of every path, as API Gateway tells of it."""
    return {"type": "AWS_PROXY", "httpMethod": "POST", "uri": uri, "timeoutInMillis": record.timeout}


def read_resources(client: Any, api: str) -> dict[str, Any]:
    """List the API's resources by their paths, with their methods."""
    pages = client.get_paginator("get_resources").paginate(restApiId=api, embed=["methods"])
    return {one["path"]: one for page in pages for one in page["items"]}


def method_reasons(resources: Resources, record: RestApi, uri: str | None, ids: Ids) -> list[str]:
    """Name the paths that are missing, or lead elsewhere than planned, and those that are left over."""
    planned = integration(record, uri)
    wrong = [
        way
        for way, guard in _ways(record).items()
        if not _leads_there(_method(resources.get(way[0], {}), way[1]), planned, guard, ids)
    ]
    return [
        *(f"path {path}" if method == METHOD else f"{method} {path}" for path, method in wrong),
        *(f"left-over {method} {path}" for path, method in _left_over(resources, record, uri)),
    ]


def without_key(resources: Resources, record: RestApi) -> list[str]:
    """Name the ways that ask for an API key now, and will ask for none."""
    return _opened(resources, record, lambda one: bool(one.get("apiKeyRequired")), lambda one: one.api_key)


def unprotected(resources: Resources, record: RestApi) -> list[str]:
    """Name the ways that ask who calls now, and will not."""
    return _opened(
        resources, record, lambda one: _asks(one) != _OPEN, lambda guard: guard.authorization != _OPEN
    )


def _opened(
    resources: Resources,
    record: RestApi,
    asked: Callable[[Mapping[str, Any]], bool],
    asks: Callable[[Guard], bool],
) -> list[str]:
    planned = _ways(record)
    return [
        f"{method} {path}"
        for path, resource in sorted(resources.items())
        for method, found in sorted((resource.get("resourceMethods") or {}).items())
        if asked(found) and not asks(planned.get((path, method), Guard()))
    ]


def foreign_authorizers(resources: Resources, record: RestApi, uri: str | None) -> set[str | None]:
    """Give the ids of the authorizers that methods of others name."""
    ours = {*_ways(record), *_left_over(resources, record, uri)}
    return {
        found.get("authorizerId")
        for path, resource in resources.items()
        for method, found in (resource.get("resourceMethods") or {}).items()
        if (path, method) not in ours
    }


def put_methods(client: Any, api: str, resources: Resources, record: RestApi, uri: str, ids: Ids) -> None:
    """Make what differs as planned; what is left over goes first, for it may stand where another comes."""
    there = _without_left_over(client, api, resources, record, uri)
    planned = integration(record, uri)
    for (path, method), guard in _ways(record).items():
        if path not in there:
            there[path] = _new_resource(client, api, there, path)
        resource = there[path]
        found = _method(resource, method)
        if not _leads_there(found, planned, guard, ids):
            where = {"restApiId": api, "resourceId": resource["id"], "httpMethod": method}
            if found is None or not _lets_in(found, guard, ids):
                _put_method(client, where, found, guard, ids)
            _put_integration(client, where, planned)


def _ways(record: RestApi) -> dict[Way, Guard]:
    """Give the planned methods, those of a parent first, and what each asks for."""
    return {
        (path, method): guard
        for path, guarded in record.resources.items()
        for method, guard in ((METHOD, Guard()), *guarded.items())
    }


def _new_resource(client: Any, api: str, there: Resources, path: str) -> Mapping[str, Any]:
    parent, _, part = path.rpartition("/")
    made: Mapping[str, Any] = client.create_resource(
        restApiId=api, parentId=there[parent or "/"]["id"], pathPart=part
    )
    return made


def _put_method(
    client: Any, where: Mapping[str, str], found: Mapping[str, Any] | None, guard: Guard, ids: Ids
) -> None:
    if found is not None:
        client.delete_method(**where)
    asked: dict[str, Any] = {"authorizationType": guard.authorization, "apiKeyRequired": guard.api_key}
    if guard.authorizer is not None:
        asked["authorizerId"] = ids[guard.authorizer]
    if guard.scopes:
        asked["authorizationScopes"] = list(guard.scopes)
    client.put_method(**where, **asked)


def _put_integration(client: Any, where: Mapping[str, str], planned: Mapping[str, Any]) -> None:
    named = {("integrationHttpMethod" if name == "httpMethod" else name): planned[name] for name in planned}
    client.put_integration(**where, **named)


def _leads_there(found: Mapping[str, Any] | None, planned: Mapping[str, Any], guard: Guard, ids: Ids) -> bool:
    if found is None or not _lets_in(found, guard, ids):
        return False
    there = found.get("methodIntegration") or {}
    return all(there.get(name) == value for name, value in {**planned, **_UNSAID}.items())


def _method(resource: Mapping[str, Any], method: str) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = (resource.get("resourceMethods") or {}).get(method)
    return found


def _lets_in(method: Mapping[str, Any], guard: Guard, ids: Ids) -> bool:
    if (_asks(method), method.get("apiKeyRequired")) != (guard.authorization, guard.api_key):
        return False
    if guard.authorizer is None:
        return True
    scopes = set(method.get("authorizationScopes") or ())
    return method.get("authorizerId") == ids.get(guard.authorizer) and scopes == set(guard.scopes)


def _asks(method: Mapping[str, Any]) -> str:
    return str(method.get("authorizationType") or _OPEN)


def _left_over(resources: Resources, record: RestApi, uri: str | None) -> list[Way]:
    """List our methods that are planned no longer: those that lead to the function."""
    planned = _ways(record)
    return [
        (path, method)
        for path, resource in sorted(resources.items())
        for method, found in (resource.get("resourceMethods") or {}).items()
        if (path, method) not in planned
        and uri is not None
        and (found.get("methodIntegration") or {}).get("uri") == uri
    ]


def _without_left_over(
    client: Any, api: str, resources: Resources, record: RestApi, uri: str
) -> dict[str, Mapping[str, Any]]:
    """Remove what is left over, whole resources where nothing else is in them; give what is there then."""
    ways = _left_over(resources, record, uri)
    there = dict(resources)
    for path in _whole(resources, record, set(ways)):
        with suppress(client.exceptions.NotFoundException):
            client.delete_resource(restApiId=api, resourceId=resources[path]["id"])
        there = {one: resource for one, resource in there.items() if not _is_in(one, path)}
    for path, method in ways:
        if path in there:
            with suppress(client.exceptions.NotFoundException):
                client.delete_method(restApiId=api, resourceId=there[path]["id"], httpMethod=method)
    return there


def _whole(resources: Resources, record: RestApi, ways: set[Way]) -> Iterator[str]:
    """Name the outermost resources in which all is left over; they go in one call, with what is in them."""
    gone: list[str] = []
    for path in sorted(resources):
        inside = [one for one in resources if _is_in(one, path)]
        has = {(one, way) for one in inside for way in resources[one].get("resourceMethods") or {}}
        is_ours = has <= ways and (bool(has) or _is_in_the_way(path, record))
        if is_ours and path not in record.resources and not any(_is_in(path, one) for one in gone):
            gone.append(path)
            yield path


def _is_in_the_way(path: str, record: RestApi) -> bool:
    """Tell whether it is a variable where another is planned: API Gateway has one to a place."""
    parent, _, part = path.rpartition("/")
    return part[:1] == "{" and any(one.startswith(f"{parent}/{{") for one in record.resources)


def _is_in(path: str, outer: str) -> bool:
    return path == outer or path.startswith(f"{outer.rstrip('/')}/")
