"""moto's authorizers of REST APIs, made to behave as API Gateway's, and what a deployment keeps of them.

moto takes two of one name, lets one go that a method names, and fails where one has gone; it knows no
operation on user pools, and takes whatever type and id a method is given.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: The types of authorizers that a method of each type takes.
_TYPES = {"CUSTOM": ("TOKEN", "REQUEST"), "COGNITO_USER_POOLS": ("COGNITO_USER_POOLS",)}


def authorizers(backend: Any) -> dict[str, Any]:
    """Give the methods of moto's API Gateway that are to take the place of its own."""
    create, update, delete = backend.create_authorizer, backend.update_authorizer, backend.delete_authorizer

    def created(self: Any, restapi_id: str, name: str, authorizer_type: str, **named: Any) -> Any:
        _check_name(self.get_authorizers(restapi_id), name)
        return create(self, restapi_id, name, authorizer_type, **named)

    def updated(self: Any, restapi_id: str, authorizer_id: str, patch_operations: Any) -> Any:
        found = self.get_authorizer(restapi_id, authorizer_id)
        others = [one for one in self.get_authorizers(restapi_id) if one.id != authorizer_id]
        for one in patch_operations:
            if one["path"] == "/name":
                _check_name(others, one["value"])
            if one["path"] == "/providerARNs":
                _patch_pools(found, one)
        left = [one for one in patch_operations if one["path"] != "/providerARNs"]
        return update(self, restapi_id, authorizer_id, left)

    def deleted(self: Any, restapi_id: str, authorizer_id: str) -> None:
        gone = self.get_authorizer(restapi_id, authorizer_id)  # or it is a 404
        _check_unused(self.get_resources(restapi_id), gone)
        delete(self, restapi_id, authorizer_id)

    return {"create_authorizer": created, "update_authorizer": updated, "delete_authorizer": deleted}


def _check_name(others: Iterable[Any], name: str) -> None:
    from moto.apigateway.exceptions import BadRequestException

    if any(one.name == name for one in others):
        raise BadRequestException(
            f"Authorizer name must be unique. Authorizer {name} already exists in this RestApi."
        )


def _check_unused(resources: Iterable[Any], authorizer: Any) -> None:
    from moto.apigateway.exceptions import ConflictException

    for resource in resources:
        for name, method in resource.resource_methods.items():
            if method.authorizer_id == authorizer.id:
                raise ConflictException(
                    f"Cannot delete authorizer '{authorizer.name}', is referenced in method: "
                    f"{name}/{resource.get_path()}"
                )


def _patch_pools(found: Any, operation: Mapping[str, str]) -> None:
    from moto.apigateway.exceptions import BadRequestException

    kept = [one for one in found.provider_arns or () if one != operation["value"]]
    found.provider_arns = [*kept, operation["value"]] if operation["op"] == "add" else kept
    if not found.provider_arns:
        raise BadRequestException("ProviderARNs cannot be empty for COGNITO_USER_POOLS authorizer")


def check_asked(backend: Any, api: str, kind: str | None, authorizer: str | None) -> None:
    """Refuse a method of that type without its authorizer."""
    from moto.apigateway.exceptions import BadRequestException

    types = {one.id: one.type for one in backend.get_authorizers(api)}
    if kind in _TYPES and types.get(authorizer) not in _TYPES[kind]:
        raise BadRequestException(
            "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS "
            "requires a valid authorizer."
        )


def asking(api: Any) -> dict[tuple[str, str], dict[str, Any]]:
    """Give what each method asks of its callers, as it is now, by path and method: what is deployed of it.

    Of an authorizer it is all that CreateAuthorizer was told, under "authorizer".
    """
    return {
        (resource.get_path(), name): {
            "authorization": method.authorization_type,
            "api_key": bool(method.api_key_required),
            "scopes": tuple(method.authorization_scopes or ()),
            "authorizer": _described(api, method.authorizer_id),
        }
        for resource in api.resources.values()
        for name, method in resource.resource_methods.items()
    }


def _described(api: Any, authorizer: str | None) -> dict[str, Any] | None:
    found = api.authorizers.get(authorizer)
    if found is None:
        return None
    described: dict[str, Any] = copy.deepcopy(found.to_json())
    return described
