"""moto's HTTP APIs, made to behave where they differ from API Gateway's: their routes and authorizers.

moto lists no authorizers, takes two of one name, lets one go that a route names, and a second route of one
key come; it keeps the authorizer of a route that is to have none, and takes whatever type and id it is given.
"""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Iterator

_OPEN = "NONE"

#: The types of authorizers that a route of each type takes.
_TYPES = {"JWT": "JWT", "CUSTOM": "REQUEST"}


@contextmanager
def faithful_http_apis() -> Iterator[None]:
    """Let moto's HTTP APIs behave as AWS's do."""
    from moto.apigatewayv2.models import Api
    from moto.apigatewayv2.responses import ApiGatewayV2Response

    with ExitStack() as patches:
        for name, method in {**_authorizers(Api), **_routes(Api)}.items():
            patches.enter_context(patch.object(Api, name, method))
        patches.enter_context(patch.object(ApiGatewayV2Response, "get_authorizers", _listed, create=True))
        yield


def _listed(response: Any) -> Any:
    api = response.apigatewayv2_backend.get_api(response.path.split("/")[-2])
    return 200, {}, json.dumps({"items": [one.to_json() for one in api.authorizers.values()]})


def _authorizers(api: Any) -> dict[str, Any]:
    from moto.apigatewayv2.exceptions import BadRequestException

    create, update, delete = api.create_authorizer, api.update_authorizer, api.delete_authorizer

    def check_name(self: Any, name: str | None, own: str | None = None) -> None:
        if any(one.name == name and one.id != own for one in self.authorizers.values()):
            raise BadRequestException(
                f"Authorizer name must be unique. Authorizer {name} already exists in this RestApi."
            )

    def created(self: Any, **asked: Any) -> Any:
        check_name(self, asked["name"])
        return create(self, **asked)

    def updated(self: Any, authorizer_id: str, **asked: Any) -> Any:
        self.get_authorizer(authorizer_id)  # or it is a 404
        check_name(self, asked["name"], authorizer_id)
        return update(self, authorizer_id, **asked)

    def deleted(self: Any, authorizer_id: str) -> None:
        gone = self.get_authorizer(authorizer_id)
        for route in self.routes.values():
            if route.authorizer_id == authorizer_id:
                raise _conflict(
                    f"Cannot delete authorizer '{gone.name}', is referenced in route: {route.route_key}"
                )
        delete(self, authorizer_id)

    return {"create_authorizer": created, "update_authorizer": updated, "delete_authorizer": deleted}


def _routes(api: Any) -> dict[str, Any]:
    create, update, delete = api.create_route, api.update_route, api.delete_route

    def created(self: Any, **asked: Any) -> Any:
        if any(one.route_key == asked["route_key"] for one in self.routes.values()):
            raise _conflict(f"Route with key {asked['route_key']} already exists for this API")
        _check_asked(self, asked.get("authorization_type"), asked.get("authorizer_id"))
        return create(self, **asked)

    def updated(self: Any, route_id: str, **asked: Any) -> Any:
        kind, authorizer = asked["authorization_type"], asked["authorizer_id"]
        if kind is not None or authorizer is not None:
            _check_asked(self, kind, authorizer or self.get_route(route_id).authorizer_id)
        route = update(self, route_id, **asked)
        if asked["authorization_scopes"] is not None:
            route.authorization_scopes = asked["authorization_scopes"]
        if kind is not None and kind not in _TYPES:
            route.authorizer_id = None
        return route

    def deleted(self: Any, route_id: str) -> None:
        self.get_route(route_id)  # or it is a 404
        delete(self, route_id)

    return {"create_route": created, "update_route": updated, "delete_route": deleted}


def _check_asked(api: Any, kind: str | None, authorizer: str | None) -> None:
    """Refuse a type without its authorizer, and an authorizer without its type."""
    from moto.apigatewayv2.exceptions import BadRequestException

    if kind is None and authorizer is not None:
        raise BadRequestException("Unable to update route. Authorizer type is invalid or null.")
    found = api.authorizers.get(authorizer)
    if kind in _TYPES and (found is None or found.authorizer_type != _TYPES[kind]):
        raise BadRequestException(
            f"Invalid authorizer ID specified. Setting the authorization type to {kind} requires a valid "
            f"{kind} authorizer."
        )


def _conflict(message: str) -> Any:
    from moto.core.exceptions import JsonRESTError

    error: Any = JsonRESTError("ConflictException", message)
    error.code = 409
    return error


def asked_at_routes(api: Any) -> dict[str, dict[str, Any]]:
    """Give what each route asks of its callers, by its key."""
    return {
        route.route_key: {
            "authorization": route.authorization_type,
            "scopes": tuple(route.authorization_scopes or ()),
            "authorizer": _described(api, route.authorizer_id),
        }
        for route in list(api.routes.values())
    }


def _described(api: Any, authorizer: str | None) -> dict[str, Any] | None:
    found = api.authorizers.get(authorizer)
    if found is None:
        return None
    described: dict[str, Any] = found.to_json()
    return described
