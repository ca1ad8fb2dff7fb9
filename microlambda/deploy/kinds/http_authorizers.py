"""Authorizers in the words of HTTP APIs: JWT, and REQUEST, which is a function.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from microlambda.deploy.kinds.authorizers import Asked, Authorizers, Found

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: What a function of an HTTP API's is asked in.
PAYLOAD = "2.0"


def found_authorizers(answers: Iterable[Mapping[str, Any]]) -> dict[str, Found]:
    """Read what GetAuthorizers tells, by name."""
    return {one["Name"]: Found(id=one["AuthorizerId"], asked=_asked(one)) for one in answers}


def _asked(answer: Mapping[str, Any]) -> Asked:
    """Read what is ours to say of its type."""
    kind, sources = answer["AuthorizerType"], tuple(answer.get("IdentitySource") or ())
    if kind == "JWT":
        token = answer.get("JwtConfiguration") or {}
        audience = frozenset(token.get("Audience") or ())
        return Asked(type=kind, identity_sources=sources, issuer=token.get("Issuer"), audience=audience)
    return Asked(
        type=kind,
        identity_sources=sources,
        uri=answer.get("AuthorizerUri"),
        role=answer.get("AuthorizerCredentialsArn"),
        ttl=answer.get("AuthorizerResultTtlInSeconds") or 0,
        payload=answer.get("AuthorizerPayloadFormatVersion"),
        is_simple=bool(answer.get("EnableSimpleResponses")),
    )


class HttpAuthorizers(Authorizers):
    """The authorizers of an HTTP API; what is changed of them is live at once."""

    def create(self, name: str, planned: Asked) -> str:
        """Make one, and give its id."""
        answer = self._client.create_authorizer(ApiId=self._api, Name=name, **_request(planned))
        return str(answer["AuthorizerId"])

    def update(self, found: Found, planned: Asked) -> None:
        """Write all of it."""
        self._client.update_authorizer(ApiId=self._api, AuthorizerId=found.id, **_request(planned))

    def rename(self, found: Found, name: str) -> None:
        """Give one another name; routes name its id."""
        self._client.update_authorizer(ApiId=self._api, AuthorizerId=found.id, Name=name)

    def delete(self, found: Found) -> None:
        """Remove one."""
        self._client.delete_authorizer(ApiId=self._api, AuthorizerId=found.id)


def _request(planned: Asked) -> dict[str, Any]:
    asked = {"AuthorizerType": planned.type, "IdentitySource": list(planned.identity_sources)}
    if planned.type == "JWT":
        token = {"Issuer": planned.issuer, "Audience": sorted(planned.audience)}
        return {**asked, "JwtConfiguration": token}
    return {
        **asked,
        "AuthorizerUri": planned.uri,
        "AuthorizerPayloadFormatVersion": planned.payload,
        "AuthorizerResultTtlInSeconds": planned.ttl,
        "EnableSimpleResponses": planned.is_simple,
        **({"AuthorizerCredentialsArn": planned.role} if planned.role else {}),
    }
