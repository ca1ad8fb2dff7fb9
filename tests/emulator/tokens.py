"""Issuers of tokens: keys made by cryptography, tokens made by PyJWT, and forged ones made by hand."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ISSUER = "https://issuer.example.com/"
AUDIENCE = "https://api.shop.example"
POOL = "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_Abc123XYZ"
POOL_ISSUER = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Abc123XYZ"


@cache
def key(name: str) -> rsa.RSAPrivateKey:
    """The private key of that name, the same one each time."""
    del name
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def jwk(name: str, **members: Any) -> dict[str, Any]:
    """Its public half, as an issuer publishes it; `members` change it."""
    made: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(key(name).public_key(), as_dict=True)
    return {**made, "kid": name, "use": "sig", "alg": "RS256", **members}


def jwks(*names: str) -> dict[str, Any]:
    """The public keys of these names."""
    return {"keys": [jwk(name) for name in names]}


def claims_for(now: float | None = None, **claims: Any) -> dict[str, Any]:
    """Claims that are good now; None leaves one out."""
    moment = int(time.time() if now is None else now)
    usual = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "iat": moment, "exp": moment + 300}
    return {name: value for name, value in {**usual, **claims}.items() if value is not None}


def token(
    *, by: str = "one", kid: str | None = "one", algorithm: str = "RS256", head: Any = None, **claims: Any
) -> str:
    """A token that the key `by` has signed."""
    headers = {**({} if kid is None else {"kid": kid}), **(head or {})}
    return jwt.encode(claims_for(**claims), key(by), algorithm=algorithm, headers=headers)


def pool_token(use: str = "id", **claims: Any) -> str:
    """A token of the user pool: an identity token, or an access token."""
    own = {"iss": POOL_ISSUER, "token_use": use}
    without = {"aud": None, "client_id": "app"} if use == "access" else {}
    return token(**{**own, **without, **claims})


def unsigned(**claims: Any) -> str:
    """A token whose algorithm is `none`."""
    return jwt.encode(claims_for(**claims), "", algorithm="none", headers={"kid": "one"})


def confused(algorithm: str = "HS256", **claims: Any) -> str:
    """A token with a MAC by the public key's text, which who believes the token's algorithm accepts."""
    pem = key("one").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = {"alg": algorithm, "typ": "JWT", "kid": "one"}
    signed = ".".join(encoded(json.dumps(part).encode()) for part in (head, claims_for(**claims)))
    mac = hmac.new(pem, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{encoded(mac)}"


def encoded(data: bytes) -> str:
    """Base64 as tokens have it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def with_payload(good: str, **claims: Any) -> str:
    """A token with other claims, and the signature that it had."""
    head, _, signature = good.split(".")
    return f"{head}.{encoded(json.dumps(claims_for(**claims)).encode())}.{signature}"
