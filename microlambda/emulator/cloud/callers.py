"""Who may call a deployed API: what it asks of its callers, as API Gateway was told, and who decides here.

Functions that decide are called as the API may call them, by their resource policy. Signatures are good with
the keys of functions on this machine, and with those that IAM and STS have given out here; what policies of
theirs allow is not looked at.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from microlambda.emulator.cloud.moto_principals import known_principal
from microlambda.emulator.gateway.access import Access
from microlambda.emulator.gateway.access.cache import AuthorizerCache
from microlambda.emulator.gateway.access.issuer_keys import IssuerKeys
from microlambda.emulator.gateway.access.principals import Principal, local_principal
from microlambda.emulator.gateway.gateway import NotAllowed
from microlambda.emulator.gateway.guards import Authorizer, Guard
from microlambda.emulator.invocation import Invocation
from microlambda.emulator.lambda_errors import UNHANDLED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from microlambda.emulator.cloud.behind import Behind
    from microlambda.emulator.gateway.access.jwks import FindKeys
    from microlambda.emulator.gateway.api import Api

_FUNCTION = re.compile(r"arn:[\w-]+:lambda:[\w-]+:\d{12}:function:[\w-]+(?::[\w$-]+)?")


class Callers:
    """Decides about the callers of all APIs; without `find_keys`, issuers are asked for their keys."""

    def __init__(self, behind: Behind, find_keys: FindKeys | None) -> None:
        self._behind = behind
        self._find_keys = find_keys or IssuerKeys()
        self._cache = AuthorizerCache()

    def access(self, api: Api, authorizers: Iterable[Authorizer]) -> Access:
        """Give who decides for one API with these authorizers."""
        known = {one.name: one for one in authorizers}

        def ask(arn: str, event: bytes) -> Invocation:
            return self._called(api, arn, event)

        return Access(
            authorizers=known,
            ask=ask,
            find_keys=self._find_keys,
            find_principal=find_principal,
            cache=self._cache,
        )

    def _called(self, api: Api, arn: str, event: bytes) -> Invocation:
        source = f"arn:aws:execute-api:{api.region}:{api.account_id}:{api.api_id}/authorizers/any"
        try:
            return self._behind.call(self._behind.find(api.region, arn), arn, source, event)
        except NotAllowed:
            error = {"errorType": "AccessDenied", "errorMessage": "the API may not call it"}
            return Invocation(request_id="", payload=json.dumps(error).encode(), function_error=UNHANDLED)


def find_principal(access_key: str) -> Principal | None:
    """Tell whose a key is: this machine's own, a user's, or that of a role that was assumed."""
    return local_principal(access_key) or known_principal(access_key)


def guard_of(asked: Mapping[str, Any]) -> Guard:
    """Read what a method or a route asks for."""
    return Guard.from_document({**asked, "authorizer": (asked.get("authorizer") or {}).get("name")})


def authorizer_of(described: Mapping[str, Any]) -> Authorizer:
    """Read an authorizer as either kind of API tells of it."""
    uri = described.get("authorizerUri") or ""
    function = _FUNCTION.search(uri)
    sources = described.get("identitySource") or ()
    token = described.get("jwtConfiguration") or {}
    return Authorizer(
        name=described["name"],
        type=described.get("type") or described["authorizerType"],
        identity_sources=tuple(
            one.strip() for one in (sources.split(",") if isinstance(sources, str) else sources)
        ),
        function=function[0] if function else None,
        uri=uri or None,
        ttl=int(described.get("authorizerResultTtlInSeconds") or 0),
        is_simple=bool(described.get("enableSimpleResponses")),
        issuer=token.get("issuer"),
        audience=tuple(token.get("audience") or ()),
        providers=tuple(described.get("providerARNs") or ()),
    )
