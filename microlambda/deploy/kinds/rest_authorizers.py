"""Authorizers in the words of REST APIs: TOKEN and REQUEST, which are functions, and COGNITO_USER_POOLS.

An API serves them, too, as they were when it was deployed, and those that have gone since.
https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-deploy-api.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-deployments.html
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from microlambda.deploy.kinds.authorizers import Asked, Authorizers, Found

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FUNCTIONS = ("TOKEN", "REQUEST")
_TTL = 300  # s, where nobody has said it


def read_authorizers(client: Any, api: str) -> dict[str, Found]:
    """List the API's authorizers by their names."""
    pages = client.get_paginator("get_authorizers").paginate(restApiId=api)
    return {one["name"]: Found(id=one["id"], asked=_asked(one)) for page in pages for one in page["items"]}


def _asked(answer: Mapping[str, Any]) -> Asked:
    """Read what is ours to say of its type, and the one thing that we leave out and that lets fewer in."""
    sources = (answer.get("identitySource") or "").split(",")
    found = Asked(
        type=answer["type"],
        identity_sources=tuple(one.strip() for one in sources if one.strip()),
        expression=answer.get("identityValidationExpression") or None,
    )
    if found.type not in _FUNCTIONS:
        return replace(found, providers=frozenset(answer.get("providerARNs") or ()))
    return replace(
        found,
        uri=answer.get("authorizerUri"),
        role=answer.get("authorizerCredentials"),
        ttl=answer.get("authorizerResultTtlInSeconds", _TTL),
    )


class RestAuthorizers(Authorizers):
    """The authorizers of a REST API, as the next deployment will serve them."""

    def create(self, name: str, planned: Asked) -> str:
        """Make one, and give its id."""
        providers = {"providerARNs": sorted(planned.providers)} if planned.providers else {}
        answer = self._client.create_authorizer(
            restApiId=self._api, name=name, type=planned.type, **_values(planned), **providers
        )
        return str(answer["id"])

    def update(self, found: Found, planned: Asked) -> None:
        """Write what differs."""
        before = _values(found.asked)
        written = [(one, value) for one, value in _values(planned).items() if before.get(one) != value]
        patches = [{"op": "replace", "path": f"/{one}", "value": str(value)} for one, value in written]
        self._patch(found, [*patches, *_providers(found.asked, planned)])

    def rename(self, found: Found, name: str) -> None:
        """Give one another name; methods name its id."""
        self._patch(found, [{"op": "replace", "path": "/name", "value": name}])

    def _patch(self, found: Found, patches: list[dict[str, str]]) -> None:
        self._client.update_authorizer(restApiId=self._api, authorizerId=found.id, patchOperations=patches)

    def delete(self, found: Found) -> None:
        """Remove one."""
        self._client.delete_authorizer(restApiId=self._api, authorizerId=found.id)


def _values(asked: Asked) -> dict[str, Any]:
    """Give what is one value, as CreateAuthorizer and the paths of patches call it."""
    values = {
        "authorizerUri": asked.uri,
        "authorizerCredentials": asked.role,
        "authorizerResultTtlInSeconds": asked.ttl,
        "identitySource": ",".join(asked.identity_sources) or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _providers(now: Asked, planned: Asked) -> Iterator[dict[str, str]]:
    """Give the operations on the user pools, of which there is always one: new ones come first."""
    for arn in sorted(planned.providers - now.providers):
        yield {"op": "add", "path": "/providerARNs", "value": arn}
    for arn in sorted(now.providers - planned.providers):
        yield {"op": "remove", "path": "/providerARNs", "value": arn}
