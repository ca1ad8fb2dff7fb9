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
        # Payload 2.0 has one member, of the authorizer's kind; null, where its function gave no context.
        kind = next(iter(raw)) if len(raw) == 1 else ""
        is_new = kind in ("iam", "jwt", "lambda")
        told: dict[str, Any] = (raw[kind] or {}) if is_new else raw
        claims = None if kind == "lambda" else told.get("claims")
        self.claims: dict[str, Any] = claims if type(claims) is dict else {}
        self.scopes: list[str] = []
        if self.claims:
            self.scopes = list(told.get("scopes") or str(self.claims.get("scope") or "").split())
        own = {"principalId", "integrationLatency"}  # what API Gateway adds to a function's context
        if not is_new:  # and the two of a token, which are null without one
            own.update(name for name in ("claims", "scopes") if self.claims or told.get(name) is None)
        self.context: dict[str, Any] = {}
        if kind != "jwt":
            self.context = {name: value for name, value in told.items() if name not in own}
        who = told.get("userArn" if kind == "iam" else "principalId")
        self.principal: str | None = who or self.claims.get("sub")

    def __repr__(self) -> str:
        return f"<AuthorizerResult {self.principal!r}>"


def authorizer_result(event: dict[str, Any]) -> AuthorizerResult | None:
    """What the event has of an authorizer's; None where none was asked."""
    context = event.get("requestContext") or {}
    found = context.get("authorizer")
    if isinstance(found, dict):
        return AuthorizerResult(found)
    identity = context.get("identity") or {}
    return AuthorizerResult({"iam": identity}) if identity.get("userArn") else None
