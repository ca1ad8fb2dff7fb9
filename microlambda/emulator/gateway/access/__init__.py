"""Who may call: API Gateway's decisions about callers, one file a way to prove who one is.

Nothing of this is loaded for an API that lets everybody in, and of the rest what its guards ask for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from microlambda.emulator.gateway.access.cache import AuthorizerCache
from microlambda.emulator.gateway.access.principals import nobody
from microlambda.emulator.gateway.decisions import Refused
from microlambda.emulator.gateway.failure import Failure
from microlambda.emulator.gateway.guards import COGNITO, IAM, JWT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microlambda.emulator.gateway.access.functions import Ask
    from microlambda.emulator.gateway.access.jwks import FindKeys
    from microlambda.emulator.gateway.access.principals import FindPrincipal
    from microlambda.emulator.gateway.decisions import Identity, Question
    from microlambda.emulator.gateway.guards import Authorizer, Guard


@dataclass(frozen=True, kw_only=True)
class Access:
    """Decides about the callers of one API.

    `ask` calls a function that decides, by the name that its authorizer has for it. `find_keys` gives the
    JWKS of an issuer, `find_principal` tells whose an access key is. The `cache` has what functions said.
    """

    authorizers: Mapping[str, Authorizer]
    ask: Ask
    find_keys: FindKeys
    find_principal: FindPrincipal = nobody
    cache: AuthorizerCache = field(default_factory=AuthorizerCache)

    def decide(self, guard: Guard, question: Question) -> Identity | Refused:
        """Let the caller in, or say why not."""
        if guard.authorization == IAM:
            from microlambda.emulator.gateway.access import signatures

            return signatures.decide(question, self.find_principal)
        authorizer = self.authorizers.get(guard.authorizer or "")
        if authorizer is None:
            reason = f"the API has no authorizer {guard.authorizer!r}"
            return Refused(failure=Failure.AUTHORIZER_FAILED, reason=reason)
        if authorizer.type in (JWT, COGNITO):
            from microlambda.emulator.gateway.access import tokens

            return tokens.decide(authorizer, guard, question, self.find_keys)
        if authorizer.type in ("REQUEST", "TOKEN"):
            from microlambda.emulator.gateway.access import functions

            return functions.decide(authorizer, question, self.ask, self.cache)
        reason = f"{authorizer.name} is of the type {authorizer.type}, which is not emulated"
        return Refused(failure=Failure.AUTHORIZER_FAILED, reason=reason)
