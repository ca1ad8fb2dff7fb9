"""A user whom every authorizer lets in, without tokens: `client.as_user(claims)`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from microlambda.emulator.gateway.access.scopes import scoped
from microlambda.emulator.gateway.access.user_pools import pool_issuer
from microlambda.emulator.gateway.decisions import FunctionIdentity, IamIdentity, Refused
from microlambda.emulator.gateway.guards import COGNITO, IAM, JWT
from microlambda.testing.signing import TEST_PRINCIPAL

if TYPE_CHECKING:
    from microlambda.emulator.gateway.decisions import Identity, Question
    from microlambda.emulator.gateway.guards import Authorizer, Guard


def claims_of(user: str | Mapping[str, Any]) -> dict[str, Any]:
    """What is said of a user: claims, or who it is alone."""
    if isinstance(user, str):
        return {"sub": user}
    if not isinstance(user, Mapping):
        raise TypeError(f"as_user({user!r}): give the claims in a dict, or a str that says who the user is.")
    return {"sub": "user", **user}


class KnownUser:
    """Lets one user in at every authorizer, with what each would say of him; his scopes still count."""

    def __init__(self, claims: Mapping[str, Any], authorizers: Mapping[str, Authorizer]) -> None:
        self._claims = claims
        self._authorizers = authorizers

    def decide(self, guard: Guard, question: Question) -> Identity | Refused:
        """Let the user in; without one of the scopes that are asked for, he is refused."""
        if guard.authorization == IAM:
            return self._by_iam(question)
        authorizer = self._authorizers[guard.authorizer or ""]
        if authorizer.type == JWT:
            meant = {} if "client_id" in self._claims else {"aud": next(iter(authorizer.audience), None)}
            return scoped(authorizer, guard, {"iss": authorizer.issuer, **meant, **self._claims})
        if authorizer.type == COGNITO:
            issuer = pool_issuer(next(iter(authorizer.providers), ""))
            use = "access" if guard.scopes else "id"
            return scoped(authorizer, guard, {"iss": issuer, "token_use": use, **self._claims})
        return self._by_function(question)

    def _by_function(self, question: Question) -> FunctionIdentity:
        principal = str(self._claims["sub"])
        context = {
            name: value
            for name, value in self._claims.items()
            if name != "sub" and isinstance(value, str | int | float | bool)
        }
        if question.ingress.startswith("http-api"):  # where the context alone says who the caller is
            context = {**context, "principalId": principal}
        return FunctionIdentity(principal=principal, context=context)

    def _by_iam(self, question: Question) -> IamIdentity:
        account = question.api.account_id
        return IamIdentity(
            access_key=TEST_PRINCIPAL.access_key,
            account_id=account,
            user_id=TEST_PRINCIPAL.user_id,
            arn=str(self._claims.get("arn") or f"arn:aws:iam::{account}:user/{self._claims['sub']}"),
        )


class Anybody:
    """Lets everybody in, as nobody in particular."""

    def decide(self, guard: Guard, question: Question) -> Identity | Refused:  # noqa: ARG002 - all the same
        """Let the caller in."""
        return FunctionIdentity(principal=None)
