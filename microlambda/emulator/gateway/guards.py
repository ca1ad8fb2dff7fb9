"""What an API asks of the callers of its methods and routes, in the words of the API that asks.

It comes as plain data: from the plan, over a pipe as JSON, or as an API tells it.
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-control-access-to-api.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

#: What `authorization` says of a method that anybody may call, and of one that asks for a signature.
NONE, IAM = "NONE", "AWS_IAM"

#: It asks an authorizer of that type: a function, or what checks a token.
CUSTOM, JWT, COGNITO = "CUSTOM", "JWT", "COGNITO_USER_POOLS"


@dataclass(frozen=True, kw_only=True)
class Guard:
    """What a method asks of its callers; `scopes` are those of which a token needs one."""

    api_key: bool = False
    authorization: str = NONE
    authorizer: str | None = None
    scopes: tuple[str, ...] = ()

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read it as JSON has it."""
        return cls(
            api_key=bool(document.get("api_key")),
            authorization=document.get("authorization") or NONE,
            authorizer=document.get("authorizer"),
            scopes=tuple(document.get("scopes") or ()),
        )


@dataclass(frozen=True, kw_only=True)
class Authorizer:
    """Who decides about callers. `type` is "REQUEST", "TOKEN", "JWT" or "COGNITO_USER_POOLS".

    Identity sources are such as `$request.header.Authorization` and `method.request.querystring.token`.
    `function` is what a REQUEST or TOKEN asks, by the name that it is called by here; None where it is
    somebody else's, at `uri`. With `is_simple` the function says yes or no, to an HTTP API.
    """

    name: str
    type: str
    identity_sources: tuple[str, ...] = ()
    function: str | None = None
    uri: str | None = None
    ttl: int = 0  # s
    is_simple: bool = False
    issuer: str | None = None
    audience: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()  # the ARNs of user pools

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read it as JSON has it; members that it has besides are somebody else's."""
        return cls(
            name=document["name"],
            type=document["type"],
            identity_sources=tuple(document.get("identity_sources") or ()),
            function=document.get("function"),
            uri=document.get("uri"),
            ttl=document.get("ttl") or 0,
            is_simple=bool(document.get("is_simple")),
            issuer=document.get("issuer"),
            audience=tuple(document.get("audience") or ()),
            providers=tuple(document.get("providers") or ()),
        )


#: Of a method that asks for nothing.
OPEN = Guard()
