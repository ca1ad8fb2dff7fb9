"""Tokens at the gateway: PyJWT makes them, cryptography the keys; Powertools reads what is told of them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent, APIGatewayProxyEventV2
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from microlambda.emulator.gateway import Api
from microlambda.emulator.gateway.access import Access
from microlambda.emulator.gateway.access.jwks import given_keys, no_keys
from microlambda.emulator.gateway.guards import Authorizer, Guard
from microlambda.emulator.gateway.resources import Resources
from microlambda.emulator.gateway.routes import Routes

from .gateways import Front
from .tokens import (
    AUDIENCE,
    ISSUER,
    POOL,
    POOL_ISSUER,
    confused,
    encoded,
    jwk,
    jwks,
    key,
    pool_token,
    token,
    unsigned,
    with_payload,
)

KEYS = jwks("one", "two")
JWT = Authorizer(
    name="signed-in",
    type="JWT",
    identity_sources=("$request.header.Authorization",),
    issuer=ISSUER,
    audience=("other", AUDIENCE),
)
OTHER_POOL = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Other"
COGNITO = Authorizer(
    name="pools",
    type="COGNITO_USER_POOLS",
    identity_sources=("method.request.header.Authorization",),
    providers=(OTHER_POOL, POOL),
)


def nobody(name: str, event: bytes) -> Any:
    raise AssertionError(f"{name} was asked")


def front(
    ingress: str = "http-api", *, scopes: tuple[str, ...] = (), keys: Any = KEYS, changed: Authorizer = JWT
) -> Front:
    """A gateway whose GET /admin asks for a token."""
    of_rest = ingress == "rest-api"
    authorizer = COGNITO if of_rest else changed
    guard = Guard(authorization=authorizer.type, authorizer=authorizer.name, scopes=scopes)
    api = (
        Api(stage="dev", resources=Resources(guards={"/": {}, "/admin": {"GET": guard}}))
        if of_rest
        else Api(routes=Routes(guards={"GET /admin": guard}))
    )
    find = no_keys if keys is None else given_keys(keys)
    access = Access(authorizers={authorizer.name: authorizer}, ask=nobody, find_keys=find)
    return Front(ingress, api=api, decider=access)


def ask(gateway: Front, sent: str, **more: str) -> Any:
    return gateway.send("GET", "/admin", ("Authorization", sent), *more.items())


# Let in ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512"])
def test_each_algorithm_of_rsas_is_let_in(algorithm: str) -> None:
    keys = {"keys": [jwk("one", alg=algorithm)]}

    assert ask(front(keys=keys), f"Bearer {token(algorithm=algorithm)}").status == 200


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(lambda: token(), id="bare"),
        pytest.param(lambda: f"Bearer {token()}", id="bearer"),
        pytest.param(lambda: f"bearer   {token()}  ", id="bearer-in-lower-case-with-spaces"),
        pytest.param(lambda: token(by="two", kid="two"), id="the-second-key"),
        pytest.param(lambda: token(aud=[AUDIENCE, "more"]), id="one-audience-of-several"),
        pytest.param(lambda: token(aud=None, client_id=AUDIENCE), id="client-without-audience"),
        pytest.param(lambda: token(nbf=int(time.time()) - 1), id="valid-since"),
        pytest.param(lambda: token(iat=None), id="no-iat"),
        pytest.param(lambda: token(sub=None), id="no-sub"),
        pytest.param(lambda: token(sub=7, jti=8), id="a-number-for-a-name"),
    ],
)
def test_a_good_token_is_let_in(sent: Callable[[], str]) -> None:
    gateway = front()

    assert ask(gateway, sent()).status == 200
    assert gateway.reasons == []


def test_a_key_without_use_and_algorithm_is_one_for_signatures() -> None:
    bare = {name: value for name, value in jwk("one").items() if name not in ("use", "alg", "key_ops")}

    assert ask(front(keys={"keys": [{"kty": "EC", "kid": "one"}, bare]}), token()).status == 200


def test_a_private_key_in_the_jwks_is_used_as_the_public_one() -> None:
    private = jwt.algorithms.RSAAlgorithm.to_jwk(key("one"), as_dict=True)

    assert ask(front(keys={"keys": [{**private, "kid": "one"}]}), token()).status == 200


def test_the_token_may_come_in_the_query() -> None:
    changed = Authorizer(**{**vars(JWT), "identity_sources": ("$request.querystring.token",)})
    gateway = front(changed=changed)

    assert gateway.send("GET", f"/admin?token={token()}").status == 200
    assert gateway.send("GET", "/admin?token=").status == 401
    assert gateway.send("GET", f"/admin?other={token()}").status == 401


# Refused ---------------------------------------------------------------------------------------------


def es256(claims: dict[str, Any]) -> str:
    private = ec.generate_private_key(ec.SECP256R1())
    return jwt.encode(claims, private, algorithm="ES256", headers={"kid": "one"})


def later() -> int:
    return int(time.time()) + 1_000


#: What makes a good token of the one kind or the other; its claims and headers can be changed.
Make = Callable[..., str]

FORGED: dict[str, Callable[[Make], str]] = {
    "expired": lambda made: made(exp=int(time.time()) - 1),
    "expiring-now": lambda made: made(exp=int(time.time())),
    "not-yet-valid": lambda made: made(nbf=later()),
    "issued-later": lambda made: made(iat=later(), exp=later() + 300),
    "without-exp": lambda made: made(exp=None),
    "exp-as-text": lambda made: made(exp="never"),
    "other-issuer": lambda made: made(iss="https://evil.example.com/"),
    "issuer-with-another-slash": lambda made: made(iss=f"{ISSUER}/"),
    "without-issuer": lambda made: made(iss=None),
    "other-key-with-the-same-kid": lambda made: made(by="evil"),
    "the-other-key-of-the-issuer": lambda made: made(by="one", kid="two"),
    "unknown-kid": lambda made: made(kid="three"),
    "no-kid": lambda made: made(kid=None),
    "kid-of-another-type": lambda made: with_head(made(), kid=["one"]),
    "unsigned": lambda made: unsigned(**said_in(made())),
    "unsigned-in-other-letters": lambda made: with_head(made(), alg="nOnE", signature=""),
    "mac-with-the-public-key": lambda made: confused(**said_in(made())),
    "mac-that-says-rs256": lambda made: confused("RS256", **said_in(made())),
    "pss": lambda made: made(algorithm="PS256"),
    "elliptic": lambda made: es256(said_in(made())),
    "algorithm-missing": lambda made: with_head(made(), alg=None),
    "key-in-the-token": lambda made: made(by="evil", head={"jwk": jwk("evil")}),
    "key-by-a-url": lambda made: made(by="evil", head={"jku": "https://evil.example.com/jwks.json"}),
    "critical-header": lambda made: made(head={"crit": ["b64"], "b64": False}),
    "other-payload": lambda made: with_payload(made(), **{**said_in(made()), "sub": "root"}),
    "signature-cut": lambda made: made()[:-4],
    "signature-of-another": lambda made: ".".join([*made().split(".")[:2], made(sub="b").split(".")[2]]),
    "signature-empty": lambda made: made().rpartition(".")[0] + ".",
    "payload-not-json": lambda made: ".".join([made().split(".")[0], encoded(b"x"), made().split(".")[2]]),
    "payload-a-list": lambda made: ".".join([made().split(".")[0], encoded(b"[]"), made().split(".")[2]]),
    "basic": lambda made: f"Basic {made()}",
    "bearer-twice": lambda made: f"Bearer Bearer {made()}",
    "two-tokens": lambda made: f"{made()}, {made()}",
    "text": lambda made: "not-a-token",
    "dots": lambda made: "..",
    "encrypted": lambda made: "a.b.c.d.e",
    "not-ascii": lambda made: "Bearer \xe9.\xe9.\xe9",
}
FOR_ANOTHER: dict[str, Callable[[Make], str]] = {
    "other-audience": lambda made: made(aud="other-api"),
    "no-audience": lambda made: made(aud=None),
    "other-client": lambda made: made(aud=None, client_id="other-api"),
    "other-audience-right-client": lambda made: made(aud="other-api", client_id=AUDIENCE),
    "audience-empty": lambda made: made(aud=[]),
    "audience-in-capitals": lambda made: made(aud=AUDIENCE.upper()),
}


def said_in(sent: str) -> dict[str, Any]:
    """The claims of a token."""
    claims: dict[str, Any] = jwt.decode(sent, options={"verify_signature": False})
    return claims


def with_head(sent: str, *, signature: str | None = None, **changes: Any) -> str:
    """A token whose header was changed after it was signed."""
    _, payload, signed = sent.split(".")
    head = {"alg": "RS256", "typ": "JWT", "kid": "one", **changes}
    head = {name: value for name, value in head.items() if value is not None}
    return f"{encoded(json.dumps(head).encode())}.{payload}.{signed if signature is None else signature}"


def test_what_the_forged_tokens_are_made_of_is_let_in() -> None:
    assert ask(front(), token(**said_in(token()))).status == 200
    assert ask(front("rest-api"), pool_token(**said_in(pool_token()))).status == 200


ALL_FORGED = {**FORGED, **FOR_ANOTHER}


@pytest.mark.parametrize("make", ALL_FORGED.values(), ids=ALL_FORGED)
def test_another_token_is_refused_and_the_function_does_not_run(make: Callable[[Make], str]) -> None:
    gateway, sent = front(), make(token)

    answer = ask(gateway, sent)

    assert (answer.status, answer.body, gateway.events) == (401, b'{"message":"Unauthorized"}', [])
    challenge = answer.header("www-authenticate") or ""
    assert challenge.startswith('Bearer scope="" error="invalid_token"')
    (why,) = gateway.reasons
    assert "signed-in does not take the token: " in why
    for part in sent.replace("Bearer", "").split("."):
        assert len(part) < 8 or part not in why + challenge


@pytest.mark.parametrize("make", FORGED.values(), ids=FORGED)
def test_a_rest_api_refuses_such_a_token_of_a_pool(make: Callable[[Make], str]) -> None:
    gateway = front("rest-api")

    answer = ask(gateway, make(pool_token))

    assert (answer.status, answer.body, gateway.events) == (401, b'{"message":"Unauthorized"}', [])
    assert answer.header("x-amzn-errortype") == "UnauthorizedException"


def test_each_character_of_the_signature_counts() -> None:
    gateway, good = front(), token()
    head, payload, signature = good.split(".")
    for place in range(0, len(signature) - 1, 7):  # of the last character some bits are no part of it
        other = "A" if signature[place] != "A" else "B"
        changed = f"{head}.{payload}.{signature[:place]}{other}{signature[place + 1 :]}"
        assert ask(gateway, changed).status == 401, place
    assert gateway.events == []
    assert ask(gateway, good).status == 200


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=60))
def test_whatever_stands_in_the_header_is_refused(sent: str) -> None:
    gateway = front()

    assert ask(gateway, sent).status == ask(front("rest-api"), sent).status == 401
    assert gateway.events == []


@pytest.mark.parametrize(
    ("sent", "challenge"),
    [
        pytest.param(None, "Bearer", id="no-token"),
        pytest.param("", "Bearer", id="empty"),
        pytest.param(
            "not-a-token",
            'Bearer scope="" error="invalid_token" '
            'error_description="token contains an invalid number of segments"',
            id="no-jwt",
        ),
    ],
)
def test_the_challenge_is_the_one_that_was_recorded(sent: str | None, challenge: str) -> None:
    fields = () if sent is None else (("Authorization", sent),)

    answer = front().send("GET", "/admin", *fields)

    assert (answer.status, answer.header("www-authenticate")) == (401, challenge)


def test_a_wrong_audience_is_told_as_in_the_documents() -> None:
    answer = ask(front(), token(aud="other-api"))

    assert answer.header("www-authenticate") == (
        'Bearer scope="" error="invalid_token" error_description="the token does not have a valid audience"'
    )


def test_two_headers_with_tokens_are_one_too_many() -> None:
    gateway = front()

    answer = gateway.send("GET", "/admin", ("Authorization", token()), ("authorization", token()))

    assert (answer.status, gateway.events) == (401, [])


@pytest.mark.parametrize(
    "unfit",
    [
        pytest.param({"keys": []}, id="none"),
        pytest.param({"keys": None}, id="null"),
        pytest.param({"keys": ["one"]}, id="text"),
        pytest.param({"keys": [jwk("one", use="enc")]}, id="for-encryption"),
        pytest.param({"keys": [jwk("one", alg="RS512")]}, id="for-another-algorithm"),
        pytest.param({"keys": [jwk("one", kty="oct")]}, id="symmetric"),
        pytest.param({"keys": [jwk("one", n="!")]}, id="broken"),
        pytest.param({"keys": [{"kty": "RSA", "kid": "one"}]}, id="empty"),
    ],
)
def test_a_key_that_is_not_for_it_checks_no_token(unfit: Any) -> None:
    gateway = front(keys=unfit)

    assert (ask(gateway, token()).status, gateway.events) == (401, [])


def test_without_keys_nobody_is_let_in_and_the_developer_is_told() -> None:
    gateway = front(keys=None)

    assert ask(gateway, token()).status == 401
    assert gateway.reasons == [
        "the caller has no credentials that the authorizer takes: signed-in cannot check the token: "
        f"no keys of {ISSUER} are known here"
    ]


# Scopes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [{"scope": "read write"}, {"scope": "write"}, {"scp": ["read", "write"]}, {"scp": "write"}],
)
def test_one_of_the_scopes_is_enough(said: dict[str, Any]) -> None:
    gateway = front(scopes=("admin", "write"))

    assert ask(gateway, token(**said)).status == 200
    scopes = gateway.events[0]["requestContext"]["authorizer"]["jwt"]["scopes"]
    assert scopes[-1] == "write"


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"scope": "read"},
        {"scope": "writes"},
        {"scope": "WRITE"},
        {"scope": ""},
        {"scope": None, "scp": []},
        {"scp": {"write": 1}},
        {"scopes": "write"},
    ],
)
def test_a_token_without_the_scope_is_forbidden(said: dict[str, Any]) -> None:
    gateway = front(scopes=("write",))

    answer = ask(gateway, token(**said))

    assert (answer.status, answer.body, gateway.events) == (403, b'{"message":"Forbidden"}', [])
    assert answer.header("www-authenticate") == 'Bearer scope="write" error="insufficient_scope"'


# User pools ------------------------------------------------------------------------------------------


def test_an_identity_token_of_a_pool_is_let_in_without_scopes() -> None:
    gateway = front("rest-api")

    assert ask(gateway, pool_token()).status == 200
    assert ask(gateway, f"Bearer {pool_token()}").status == 200


def test_the_keys_are_those_of_the_pool_that_made_the_token() -> None:
    other = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Other"
    gateway = front("rest-api", keys={POOL_ISSUER: jwks("one"), other: jwks("two")})

    assert ask(gateway, pool_token()).status == 200
    assert ask(gateway, pool_token(iss=other, by="two", kid="two")).status == 200
    assert ask(gateway, pool_token(iss=other)).status == 401
    assert ask(gateway, pool_token(by="two", kid="two")).status == 401


@pytest.mark.parametrize(
    ("scopes", "use", "said", "status"),
    [
        ((), "id", {}, 200),
        ((), "access", {"scope": "orders/read"}, 401),
        ((), "refresh", {}, 401),
        (("orders/read",), "access", {"scope": "orders/read"}, 200),
        (("orders/read",), "access", {"scope": "orders/write"}, 403),
        (("orders/read",), "access", {}, 403),
        (("orders/read",), "id", {"scope": "orders/read"}, 401),
    ],
)
def test_which_token_of_a_pool_is_asked_for_depends_on_the_scopes(
    scopes: tuple[str, ...], use: str, said: dict[str, Any], status: int
) -> None:
    assert ask(front("rest-api", scopes=scopes), pool_token(use, **said)).status == status


@pytest.mark.parametrize("algorithm", ["RS384", "RS512"])
def test_pools_sign_with_one_algorithm(algorithm: str) -> None:
    keys = {"keys": [jwk("one", alg=algorithm)]}

    assert ask(front("rest-api", keys=keys), pool_token(algorithm=algorithm)).status == 401


def test_a_token_without_token_use_is_of_no_kind() -> None:
    assert ask(front("rest-api"), pool_token(token_use=None)).status == 401


# What the event tells --------------------------------------------------------------------------------

SAID: dict[str, Any] = {
    "sub": "ann",
    "admin": True,
    "level": 3,
    "groups": ["a", "b"],
    "none": [],
    "more": {"b": 1, "a": "x"},
}


def test_powertools_reads_the_claims_of_a_http_api() -> None:
    gateway = front(scopes=("read",))
    ask(gateway, token(**SAID, scope="read write"))

    authorizer = APIGatewayProxyEventV2(gateway.events[0]).request_context.authorizer

    assert authorizer is not None
    assert authorizer.jwt_scopes == ["read", "write"]
    claims = authorizer.jwt_claim
    told = {name: claims[name] for name in SAID}
    assert told == {
        **{"sub": "ann", "admin": "true", "level": "3", "groups": "[a b]", "none": "[]"},
        "more": "map[a:x b:1]",
    }
    assert claims["exp"].isdigit()
    assert all(isinstance(value, str) for value in claims.values())


def test_without_scopes_of_the_route_the_event_has_none() -> None:
    """Recorded in DefinitelyTyped/DefinitelyTyped#75458."""
    gateway = front()
    ask(gateway, token(scope="read"))

    jwt_member = gateway.events[0]["requestContext"]["authorizer"]["jwt"]
    assert (jwt_member["scopes"], jwt_member["claims"]["scope"]) == (None, "read")


def test_payload_1_has_the_claims_flat() -> None:
    gateway = front("http-api-1.0")
    ask(gateway, token())

    told = gateway.events[0]["requestContext"]["authorizer"]
    assert (told["claims"]["sub"], told["scopes"]) == ("ann", None)


def test_powertools_reads_the_claims_of_a_rest_api() -> None:
    """Recorded in repost.aws/questions/QUFJRBaEJRSmmqarNrvCWoQA: dates are spelled out, lists have commas."""
    gateway = front("rest-api")
    moment = 1_680_633_579
    dated: Any = {"exp": moment + 5_000_000_000, "iat": moment, "auth_time": moment}
    more: Any = {"cognito:groups": ["a", "b"], "email_verified": True}
    ask(gateway, pool_token(**dated, **more))

    claims = APIGatewayProxyEvent(gateway.events[0]).request_context.authorizer.claims

    assert claims is not None
    assert claims["iat"] == "Tue Apr 04 18:39:39 UTC 2023"
    assert (claims["auth_time"], claims["email_verified"]) == ("1680633579", "true")
    assert (claims["cognito:groups"], claims["sub"]) == ("a,b", "ann")
