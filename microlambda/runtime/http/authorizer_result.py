"""`request.authorizer`: what the gateway's authorizer has said of the caller."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class AuthorizerResult:
    """Who calls, by the event: `principal`, `claims` of a token, `scopes`, `context` of a function's answer.

    Of a caller by IAM, `principal` is the ARN and `context` what AWS knows. `raw` is what the event has.
    Values are as API Gateway writes them: those of claims are str, and so are those of a REST API's context.
    """

    __slots__ = ("claims", "context", "principal", "raw", "scopes")

    def __init__(self, raw: dict[str, Any]) -> None:
        self.raw = raw
        token = raw.get("jwt") or raw
        self.claims: dict[str, Any] = token.get("claims") or {}
        self.scopes: list[str] = list(token.get("scopes") or str(self.claims.get("scope") or "").split())
        known = raw.get("iam")
        if known is not None:
            self.context: dict[str, Any] = known
            self.principal: str | None = known.get("userArn")
            return
        said = raw.get("lambda", {} if "jwt" in raw else raw) or {}
        self.context = {name: value for name, value in said.items() if name not in _OWN}
        self.principal = said.get("principalId") or self.claims.get("sub")

    def __repr__(self) -> str:
        return f"<AuthorizerResult {self.principal!r}>"


#: What API Gateway adds to a function's own context.
_OWN = ("principalId", "integrationLatency", "claims", "scopes")


def authorizer_result(event: dict[str, Any]) -> AuthorizerResult | None:
    """What the event has of an authorizer's; None where none was asked."""
    context = event.get("requestContext") or {}
    found = context.get("authorizer")
    if isinstance(found, dict):
        return AuthorizerResult(found)
    identity = context.get("identity") or {}
    return AuthorizerResult({"iam": identity}) if identity.get("userArn") else None
