"""The scopes of a token, of which a guard asks for one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from microlambda.emulator.gateway.decisions import Refused, TokenIdentity
from microlambda.emulator.gateway.failure import Failure
from microlambda.emulator.gateway.guards import COGNITO

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microlambda.emulator.gateway.guards import Authorizer, Guard


def scoped(authorizer: Authorizer, guard: Guard, claims: Mapping[str, Any]) -> TokenIdentity | Refused:
    """Let a caller in whose token has one of the scopes that the guard asks for."""
    if not guard.scopes:
        return TokenIdentity(claims=claims)
    has = scopes_of(claims)
    if set(has).isdisjoint(guard.scopes):
        # RFC 6750, 3.1; that HTTP APIs say so is assumed.
        told = f'Bearer scope="{" ".join(guard.scopes)}" error="insufficient_scope"'
        return Refused(
            failure=Failure.NO_SCOPE,
            reason=f"{authorizer.name} asks for one of {', '.join(guard.scopes)}",
            fields=() if authorizer.type == COGNITO else (("www-authenticate", told),),
        )
    return TokenIdentity(claims=claims, scopes=has)


def scopes_of(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """The scopes in a token: `scope` or `scp`, as text with spaces or as a list."""
    found: list[str] = []
    for name in ("scope", "scp"):
        value = claims.get(name)
        found += value.split() if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(dict.fromkeys(map(str, found)))
