"""Tokens that the gateway checks by itself: an HTTP API those of any issuer, a REST API those of user pools.

PyJWT does the cryptography; what is loaded with it is only loaded for APIs that have such an authorizer.
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-integrate-with-cognito.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt

from microlambda.emulator.gateway.access.jwks import KeysUnavailable
from microlambda.emulator.gateway.access.scopes import scoped
from microlambda.emulator.gateway.access.sources import values_of
from microlambda.emulator.gateway.access.user_pools import pool_issuer
from microlambda.emulator.gateway.decisions import Refused, TokenIdentity
from microlambda.emulator.gateway.failure import Failure
from microlambda.emulator.gateway.guards import COGNITO

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from microlambda.emulator.gateway.access.jwks import FindKeys
    from microlambda.emulator.gateway.decisions import Question
    from microlambda.emulator.gateway.guards import Authorizer, Guard

#: "Currently, only RSA-based algorithms are supported" on HTTP APIs; user pools sign with the first.
ALGORITHMS = ("RS256", "RS384", "RS512")

#: PyJWT's errors in words that say nothing of what the caller sent.
_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (jwt.ExpiredSignatureError, "it has expired"),
    (jwt.ImmatureSignatureError, "it is not valid yet, by its nbf or iat"),
    (jwt.InvalidAlgorithmError, "its algorithm is not one that is taken"),
    (jwt.InvalidSignatureError, "the key that it names has not signed it"),
    (jwt.MissingRequiredClaimError, "it lacks exp or iss, which it needs"),
    (jwt.InvalidIssuerError, "another issuer has made it"),
    (jwt.InvalidKeyError, "the key that it names cannot be used"),
    (jwt.DecodeError, "it is no JWT"),
)


#: What PyJWT raises, for tokens and keys of any kind.
_ERRORS = (jwt.PyJWTError, ValueError, TypeError, KeyError, OverflowError, RecursionError)

#: What goes with the 401 for a caller without a token.
_NO_TOKEN = (("www-authenticate", "Bearer"),)


class BadToken(Exception):
    """The token is not let in: the message says why, `told` what AWS tells the caller of that."""

    def __init__(self, why: str, told: str | None = None) -> None:
        super().__init__(why)
        self.told = told


def decide(
    authorizer: Authorizer, guard: Guard, question: Question, find_keys: FindKeys
) -> TokenIdentity | Refused:
    """Check the request's token."""
    is_of_pool = authorizer.type == COGNITO
    try:
        token = _token(authorizer, question)
        if token is None:
            why = "finds no token: the request has none in its identity source"
            return _refused(authorizer, why, () if is_of_pool else _NO_TOKEN)
        claims = (
            pool_claims(token, authorizer.providers, find_keys, is_access=bool(guard.scopes))
            if is_of_pool
            else issuer_claims(token, authorizer.issuer or "", authorizer.audience, find_keys)
        )
    except KeysUnavailable as exc:
        return _refused(authorizer, f"cannot check the token: {exc}", _challenge(guard, is_of_pool))
    except BadToken as exc:
        challenge = _challenge(guard, is_of_pool, exc.told)
        return _refused(authorizer, f"does not take the token: {exc}", challenge)
    return scoped(authorizer, guard, claims)


def issuer_claims(token: str, issuer: str, audience: Iterable[str], find_keys: FindKeys) -> Mapping[str, Any]:
    """The claims of a token that this issuer has made for one of that audience; else `BadToken`."""
    claims = verified(token, issuer, find_keys, ALGORITHMS)
    meant = claims["aud"] if "aud" in claims else claims.get("client_id")
    named = {one for one in (meant if isinstance(meant, list) else [meant]) if isinstance(one, str)}
    if named.isdisjoint(audience):
        # The one description that the documents have: http-api-troubleshooting-jwt.html.
        told = "the token does not have a valid audience"
        raise BadToken("neither its aud nor, without one, its client_id is of the audience", told)
    return claims


def pool_claims(
    token: str, pools: Iterable[str], find_keys: FindKeys, *, is_access: bool
) -> Mapping[str, Any]:
    """The claims of an identity token, or an access token, of one of these user pools; else `BadToken`."""
    issuers = [issuer for arn in pools if (issuer := pool_issuer(arn)) is not None]
    issuer = _unverified_issuer(token)
    if issuer not in issuers:
        raise BadToken(f"it is of none of the user pools {', '.join(issuers)}")
    claims = verified(token, issuer, find_keys, ALGORITHMS[:1])
    needed = "access" if is_access else "id"
    if claims.get("token_use") != needed:
        why = "scopes are asked for" if is_access else "no scopes are asked for"
        raise BadToken(f"its token_use is not {needed!r}, which it has to be where {why}")
    return claims


def verified(token: str, issuer: str, find_keys: FindKeys, algorithms: Sequence[str]) -> dict[str, Any]:
    """The claims of a token that a key of the issuer's has signed, and that is valid now; else `BadToken`."""
    try:
        key = _key(jwt.get_unverified_header(token), issuer, find_keys, algorithms)
        claims: dict[str, Any] = jwt.decode(
            token,
            key=key,
            algorithms=list(algorithms),
            issuer=issuer,
            options={
                "require": ["exp", "iss"],
                "verify_aud": False,  # AWS looks at client_id, too
                "verify_sub": False,
                "verify_jti": False,
                "enforce_minimum_key_length": True,
            },
        )
    except _ERRORS as exc:
        raise _bad(token, exc) from exc
    return claims


def _bad(token: str, error: Exception) -> BadToken:
    """Say what is wrong; AWS tells callers of a token that is none, recorded by several deployments."""
    why = next((words for kind, words in _WORDS if isinstance(error, kind)), "it is no JWT")
    is_jwt = token.count(".") == 2
    return BadToken(why, None if is_jwt else "token contains an invalid number of segments")


def _key(header: Mapping[str, Any], issuer: str, find_keys: FindKeys, algorithms: Sequence[str]) -> jwt.PyJWK:
    """The public key that the token names; its algorithm has to be one that is taken, whatever it says."""
    algorithm, kid = str(header.get("alg")), header.get("kid")
    if algorithm not in algorithms:
        raise jwt.InvalidAlgorithmError
    if not isinstance(kid, str):
        raise BadToken("it names no key: it has no kid")
    for key in find_keys(issuer, kid).get("keys") or ():
        if isinstance(key, dict) and key.get("kid") == kid and _is_for(key, algorithm):
            public = {"kty": "RSA", "n": key["n"], "e": key["e"]}
            return jwt.PyJWK(public, algorithm=algorithm)
    raise BadToken("its kid is that of no RSA key of the issuer's")


def _is_for(key: Mapping[str, Any], algorithm: str) -> bool:
    return (
        key.get("kty") == "RSA" and key.get("use", "sig") == "sig" and key.get("alg", algorithm) == algorithm
    )


def _token(authorizer: Authorizer, question: Question) -> str | None:
    """The one token of the request, with "Bearer " in front or without.

    REST APIs take both, too: recorded in aws-powertools/powertools-lambda-typescript#2624.
    """
    source = authorizer.identity_sources[0] if authorizer.identity_sources else ""
    values = values_of(source, question)
    if not values:
        return None
    if len(values) > 1:
        raise BadToken(f"the request has several {source}")
    scheme, space, rest = values[0].strip().partition(" ")
    return rest.strip() if space and scheme.lower() == "bearer" else values[0].strip()


def _unverified_issuer(token: str) -> Any:
    """Who the token says has made it: what chooses the keys that then have to bear it out."""
    try:
        return jwt.decode(token, options={"verify_signature": False}).get("iss")
    except _ERRORS as exc:
        raise _bad(token, exc) from exc


def _challenge(guard: Guard, is_of_pool: bool, told: str | None = None) -> tuple[tuple[str, str], ...]:
    """The field that goes with a 401 of a HTTP API: http-api-troubleshooting-jwt.html."""
    if is_of_pool:
        return ()
    description = "" if told is None else f' error_description="{told}"'
    scopes = " ".join(guard.scopes)
    return (("www-authenticate", f'Bearer scope="{scopes}" error="invalid_token"{description}'),)


def _refused(authorizer: Authorizer, why: str, fields: tuple[tuple[str, str], ...]) -> Refused:
    return Refused(failure=Failure.UNAUTHORIZED, reason=f"{authorizer.name} {why}", fields=fields)
