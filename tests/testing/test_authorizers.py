"""Authorizers in the test client: who is let in, what the view is told, and how a test gets around them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from microlambda import (
    App,
    AuthRequest,
    AuthResponse,
    AuthRoute,
    CognitoUserPoolAuthorizer,
    CustomAuthorizer,
    IAMAuthorizer,
    JWTAuthorizer,
    abort,
    g,
    request,
    session,
)
from microlambda.emulator.gateway.access import clock
from microlambda.testing.client import TestClient
from microlambda.testing.signing import TEST_PRINCIPAL
from microlambda.testing.websocket_session import WebSocketRefused
from tests.emulator.tokens import AUDIENCE, ISSUER, POOL, POOL_ISSUER, jwks, pool_token, token

#: The ingresses that ask functions.
ASKING = ("http-api", "http-api-1.0", "rest-api")
HTTP_APIS = ("http-api", "http-api-1.0")
NOT_ASKING = ("function-url", "alb", "alb-multi-value", "vpc-lattice")

RIGHT = {"Authorization": "Bearer right"}
KEYS = jwks("one")
JWT = JWTAuthorizer(ISSUER, AUDIENCE)
POOLS = CognitoUserPoolAuthorizer([POOL])
ARN = "arn:aws:lambda:us-east-1:123456789012:function:check"


def told() -> dict[str, Any]:
    """What the view is told of its caller."""
    found = request.authorizer
    assert found is not None
    return {
        "principal": found.principal,
        "claims": found.claims,
        "scopes": found.scopes,
        "context": found.context,
    }


def bearer(sent: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {sent}"}


def protected_by(authorizer: Any, *, scopes: list[str] | None = None) -> App:
    """An app whose /admin is protected, beside an open route."""
    app = App("shop")
    app.get("/admin", authorizer=authorizer if scopes is None else authorizer.with_scopes(scopes))(told)
    app.get("/open")(lambda: {"open": request.authorizer is None})
    return app


class Checked:
    """An app whose authorizer is a function of its own, and the questions that this was asked."""

    def __init__(self, answer: Any = None, **options: Any) -> None:
        self.asked: list[AuthRequest] = []
        self.answer = answer
        self.app = App("shop")
        authorizer = self.app.authorizer(**options)(self.check)
        self.app.get("/admin", authorizer=authorizer)(told)
        self.app.get("/users/<id>", authorizer=authorizer)(self.user)
        self.app.get("/open")(lambda: {"open": request.authorizer is None})

    @staticmethod
    def user(id: str) -> dict[str, str]:
        return {"id": id}

    def check(self, event: AuthRequest) -> Any:
        self.asked.append(event)
        if callable(self.answer):
            return self.answer(event)
        if self.answer is not None:
            return self.answer
        return event.token == "Bearer right" and AuthResponse("*", "ann", {"tenant": "t1", "count": 7})


# Functions of the app --------------------------------------------------------------------------------


RIGHT_AND_WRONG = [("Authorization", "Bearer right"), ("Authorization", "Bearer wrong")]
#: Credentials twice: API Gateway decides by one of them, and the view may see the other.
SENT_TWICE = {
    "right-and-wrong": RIGHT_AND_WRONG,
    "wrong-and-right": RIGHT_AND_WRONG[::-1],
    "right-twice": RIGHT_AND_WRONG[:1] * 2,
    "in-another-case": [RIGHT_AND_WRONG[0], ("AUTHORIZATION", "Bearer right")],
}


@pytest.mark.parametrize("fields", SENT_TWICE.values(), ids=SENT_TWICE)
@pytest.mark.parametrize("options", [{}, {"type": "token"}, {"ttl": 0}], ids=["request", "token", "not-kept"])
@pytest.mark.parametrize("ingress", ASKING)
def test_credentials_that_are_sent_twice_reach_no_view(
    ingress: str, options: dict[str, Any], fields: list[tuple[str, str]]
) -> None:
    client = Checked(**options).app.test_client(ingress=ingress)

    assert client.get("/admin", headers=fields).status_code in (401, 403)
    assert client.get("/admin", headers=RIGHT).status_code == 200
    assert client.get("/open", headers=fields).status_code == 200


@pytest.mark.parametrize("authorizer", [JWT, POOLS], ids=["jwt", "pool"])
def test_tokens_that_are_sent_twice_reach_no_view(authorizer: Any) -> None:
    client = protected_by(authorizer).test_client(ingress=authorizer.ingresses[0], jwks=KEYS)
    sent = ("Authorization", token() if authorizer is JWT else pool_token())

    assert client.get("/admin", headers=[sent]).status_code == 200
    assert client.get("/admin", headers=[sent, sent]).status_code == 401


def test_cookies_may_come_in_several_fields() -> None:
    """HTTP/2 splits them: RFC 9113, 8.2.3."""
    checked = Checked(True, identity_sources=["header.Cookie"])
    client = checked.app.test_client(ingress="rest-api")

    assert client.get("/admin", headers=[("Cookie", "a=1"), ("Cookie", "b=2")]).status_code == 200


@pytest.mark.parametrize("ingress", HTTP_APIS)
@pytest.mark.parametrize(
    ("answer", "options"),
    [
        pytest.param({"isAuthorized": True}, {"simple": True}, id="simple"),
        pytest.param({"isAuthorized": True, "context": None}, {"simple": True}, id="simple-with-null"),
        pytest.param(
            {"policyDocument": {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}},
            {},
            id="policy",
        ),
    ],
)
def test_what_aws_documents_lets_in_without_a_context_too(
    ingress: str, answer: dict[str, Any], options: dict[str, Any]
) -> None:
    client = Checked(answer, **options).app.test_client(ingress=ingress)

    assert client.get("/admin", headers=RIGHT).json == {
        "principal": "user",
        "claims": {},
        "scopes": [],
        "context": {},
    }


@pytest.mark.parametrize("ingress", ASKING)
def test_a_context_may_have_the_names_that_api_gateway_uses(ingress: str) -> None:
    """Chalice's users put claims as text into it; a REST API takes nothing else."""
    said = {"claims": '{"sub": "bob"}', "scopes": "read write", "jwt": "j", "iam": "i", "lambda": "l"}
    client = Checked(AuthResponse("*", "ann", said)).app.test_client(ingress=ingress)

    assert client.get("/admin", headers=RIGHT).json == {
        "principal": "ann",
        "claims": {},
        "scopes": [],
        "context": said,
    }


@pytest.mark.parametrize("ingress", ASKING)
def test_the_apps_function_decides(ingress: str) -> None:
    checked = Checked()
    client = checked.app.test_client(ingress=ingress)

    without = client.get("/admin")
    wrong = client.get("/admin", headers={"Authorization": "Bearer wrong"})
    right = client.get("/admin", headers=RIGHT)

    assert (without.status_code, without.json) == (401, {"message": "Unauthorized"})
    assert (wrong.status_code, wrong.event) == (403, None)
    assert right.status_code == 200
    assert right.json["principal"] == "ann"
    count = "7" if ingress == "rest-api" else 7
    assert right.json["context"] == {"tenant": "t1", "count": count}
    assert [one.path for one in checked.asked] == ["/admin", "/admin"]
    assert client.get("/open").json == {"open": True}
    assert len(checked.asked) == 2


def test_a_token_authorizer_gets_the_token_alone() -> None:
    checked = Checked(type="token")

    answer = checked.app.test_client(ingress="rest-api").get("/admin?x=1", headers=RIGHT)

    assert answer.json["principal"] == "ann"
    assert (checked.asked[0].request, checked.asked[0].token) == (None, "Bearer right")


@pytest.mark.parametrize("ingress", HTTP_APIS)
def test_a_simple_answer_is_yes_or_no(ingress: str) -> None:
    client = Checked(simple=True).app.test_client(ingress=ingress)

    assert client.get("/admin", headers=RIGHT).json["context"] == {"tenant": "t1", "count": 7}
    assert client.get("/admin", headers={"Authorization": "x"}).status_code == 403


@pytest.mark.parametrize("ingress", ASKING)
def test_an_answer_for_some_routes_is_for_those(ingress: str) -> None:
    checked = Checked(AuthResponse([AuthRoute("/users/<id>", ["GET"])], "ann"))
    client = checked.app.test_client(ingress=ingress)

    assert client.get("/users/7", headers=RIGHT).json == {"id": "7"}
    assert client.get("/admin", headers=RIGHT).status_code == 403
    assert client.get("/users/8", headers=RIGHT).json == {"id": "8"}
    assert len(checked.asked) == 1


@pytest.mark.parametrize("ingress", ASKING)
def test_answers_are_kept_from_one_request_to_the_next(ingress: str, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = Checked(ttl=60)
    client = checked.app.test_client(ingress=ingress)
    asked = []
    for moment in (0.0, 59.0, 61.0):
        monkeypatch.setattr(clock, "now", lambda moment=moment: 1_000_000.0 + moment)
        assert client.get("/admin", headers=RIGHT).status_code == 200
        asked.append(len(checked.asked))
    checked.app.test_client(ingress=ingress).get("/admin", headers=RIGHT)

    assert (asked, len(checked.asked)) == ([1, 1, 2], 3)


@pytest.mark.parametrize("ingress", ASKING)
@pytest.mark.parametrize("raise_errors", [True, False])
@pytest.mark.parametrize(("status", "expected"), [(401, 401), (403, 403)])
def test_what_an_authorizer_aborts_with_is_answered(
    ingress: str, raise_errors: bool, status: int, expected: int
) -> None:
    checked = Checked(lambda _event: abort(status))
    client = checked.app.test_client(ingress=ingress, raise_errors=raise_errors)

    answer = client.get("/admin", headers=RIGHT)

    assert (answer.status_code, answer.event) == (expected, None)


@pytest.mark.parametrize("ingress", ASKING)
def test_an_error_of_an_authorizer_reaches_the_test(ingress: str) -> None:
    def failing(_event: AuthRequest) -> Any:
        raise KeyError("missing")

    app = Checked(failing).app

    with pytest.raises(KeyError, match="missing"):
        app.test_client(ingress=ingress).get("/admin", headers=RIGHT)
    answer = app.test_client(ingress=ingress, raise_errors=False).get("/admin", headers=RIGHT)
    assert (answer.status_code, answer.event) == (500, None)
    assert "check failed: KeyError" in (answer.explanation or "")


def test_another_error_that_aborts_is_an_error_of_the_authorizer() -> None:
    app = Checked(lambda _event: abort(400)).app

    answer = app.test_client(raise_errors=False).get("/admin", headers=RIGHT)

    assert (answer.status_code, answer.event) == (500, None)


def test_the_authorizer_is_a_function_of_its_own() -> None:
    """On AWS it runs in another process: what it puts into `g` is not there for the view."""
    app = App("shop")

    @app.authorizer()
    def check(event: AuthRequest) -> bool:
        g.user = "ann"
        return True

    app.get("/admin", authorizer=check)(lambda: {"user": getattr(g, "user", None)})

    assert app.test_client().get("/admin", headers=RIGHT).json == {"user": None}


@pytest.mark.parametrize("ingress", NOT_ASKING)
def test_where_nobody_can_be_asked_the_app_lets_nobody_in(ingress: str) -> None:
    for authorizer in (JWT, POOLS, CustomAuthorizer(ARN)):
        client = protected_by(authorizer).test_client(ingress=ingress, jwks=KEYS)
        answer = client.get("/admin", headers=bearer(token()))
        assert (answer.status_code, answer.event is None) == (401, False)
        remapped = "x-amzn-Remapped-" if ingress == "function-url" else ""
        assert answer.headers[f"{remapped}WWW-Authenticate"] == "Bearer"
    checked = Checked()
    client = checked.app.test_client(ingress=ingress)
    assert client.get("/admin", headers=RIGHT).status_code == 401
    assert client.as_user("ann").get("/admin").status_code == 401
    assert checked.asked == []
    assert client.get("/open").json == {"open": True}


@pytest.mark.parametrize("ingress", ASKING)
def test_somebody_elses_function_is_not_here_and_as_user_needs_none(ingress: str) -> None:
    client = protected_by(CustomAuthorizer(ARN)).test_client(ingress=ingress)

    answer = client.get("/admin", headers=RIGHT)

    assert answer.status_code == 401
    assert "which nothing here can ask" in (answer.explanation or "")
    assert client.as_user("ann").get("/admin").json["principal"] == "ann"


# Tokens ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ingress", HTTP_APIS)
def test_a_token_is_checked_by_the_keys_of_the_test(ingress: str) -> None:
    client = protected_by(JWT).test_client(ingress=ingress, jwks=KEYS)

    right = client.get("/admin", headers=bearer(token(sub="ann", scope="read write")))
    wrong = client.get("/admin", headers=bearer(token(by="two")))

    assert right.json["principal"] == right.json["claims"]["sub"] == "ann"
    assert right.json["scopes"] == ["read", "write"]
    assert (wrong.status_code, wrong.json) == (401, {"message": "Unauthorized"})
    assert client.get("/admin").headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("ingress", HTTP_APIS)
def test_a_token_needs_one_of_the_scopes(ingress: str) -> None:
    client = protected_by(JWT, scopes=["write", "admin"]).test_client(ingress=ingress, jwks=KEYS)

    assert client.get("/admin", headers=bearer(token(scope="read admin"))).json["scopes"] == [
        "read",
        "admin",
    ]
    assert client.get("/admin", headers=bearer(token(scope="read"))).status_code == 403
    assert client.get("/admin", headers=bearer(token())).status_code == 403


def test_a_token_of_a_user_pool_is_checked_on_a_rest_api() -> None:
    app = protected_by(POOLS)
    app.get("/scoped", authorizer=POOLS.with_scopes(["api/read"]))(told)
    client = app.test_client(ingress="rest-api", jwks=KEYS)

    assert client.get("/admin", headers=bearer(pool_token())).json["claims"]["sub"] == "ann"
    assert client.get("/admin", headers=bearer(pool_token("access"))).status_code == 401
    scoped = bearer(pool_token("access", scope="api/read"))
    assert client.get("/scoped", headers=scoped).json["scopes"] == ["api/read"]
    assert client.get("/scoped", headers=bearer(pool_token("access", scope="other"))).status_code == 403
    assert client.get("/scoped", headers=bearer(pool_token())).status_code == 401


@pytest.mark.parametrize(("authorizer", "ingress"), [(JWT, "rest-api"), (POOLS, "http-api")])
def test_a_token_is_of_no_use_on_an_ingress_that_cannot_check_it(authorizer: Any, ingress: str) -> None:
    client = protected_by(authorizer).test_client(ingress=ingress, jwks=KEYS)

    for sent in (token(), pool_token()):
        assert client.get("/admin", headers=bearer(sent)).status_code == 401
    assert client.as_user("ann").get("/admin").status_code == 401


@pytest.mark.parametrize("named", ["jwks", "mapping", "path", "text"])
def test_keys_come_as_a_jwks_a_mapping_or_a_file(named: str, tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps(KEYS))
    keys: Any = {"jwks": KEYS, "mapping": {ISSUER: KEYS}, "path": file, "text": str(file)}[named]
    client = protected_by(JWT).test_client(jwks=keys)

    assert client.get("/admin", headers=bearer(token())).status_code == 200
    assert client.get("/admin", headers=bearer(token(by="two", kid="two"))).status_code == 401


@pytest.mark.parametrize("raise_errors", [True, False])
def test_without_keys_nobody_is_let_in_and_the_test_is_told_why(raise_errors: bool) -> None:
    client = protected_by(JWT).test_client(raise_errors=raise_errors)

    answer = client.get("/admin", headers=bearer(token()))

    assert answer.status_code == 401
    told = answer.explanation or ""
    assert "the test client has no keys of https://issuer.example.com/" in told
    assert "app.test_client(jwks=...)" in told
    assert token()[:20] not in told


def test_what_is_answered_by_the_app_needs_no_explanation() -> None:
    assert protected_by(JWT).test_client().get("/open").explanation is None


# A user without tokens -------------------------------------------------------------------------------


@pytest.mark.parametrize("ingress", HTTP_APIS)
def test_a_known_user_has_claims_issuer_and_audience(ingress: str) -> None:
    client = protected_by(JWT).test_client(ingress=ingress)

    found = client.as_user({"sub": "ann", "groups": ["a", "b"], "level": 7}).get("/admin").json

    assert found["principal"] == "ann"
    assert found["claims"] == {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "ann",
        "groups": "[a b]",
        "level": "7",
    }
    assert client.as_user({"iss": "mine", "client_id": "app"}).get("/admin").json["claims"] == {
        "iss": "mine",
        "client_id": "app",
        "sub": "user",
    }


@pytest.mark.parametrize("ingress", [*HTTP_APIS, "rest-api"])
def test_a_known_user_needs_the_scopes(ingress: str) -> None:
    authorizer: Any = POOLS if ingress == "rest-api" else JWT
    client = protected_by(authorizer, scopes=["admin"]).test_client(ingress=ingress)

    assert client.as_user("ann").get("/admin").status_code == 403
    assert client.as_user({"scope": "read"}).get("/admin").status_code == 403
    assert client.as_user({"scope": "read admin"}).get("/admin").status_code == 200
    assert client.get("/admin").status_code == 401


def test_a_known_user_of_a_pool_has_its_claims() -> None:
    client = protected_by(POOLS).test_client(ingress="rest-api")

    claims = client.as_user({"sub": "ann", "email": "a@example.com"}).get("/admin").json["claims"]

    assert claims == {"iss": POOL_ISSUER, "token_use": "id", "sub": "ann", "email": "a@example.com"}


@pytest.mark.parametrize("ingress", ASKING)
def test_a_known_user_is_let_in_before_a_function_that_is_not_asked(ingress: str) -> None:
    checked = Checked()
    client = checked.app.test_client(ingress=ingress)

    known = client.as_user({"sub": "bob", "tenant": "t2", "admin": True, "roles": ["a"]})
    found = known.get("/admin").json

    assert (found["principal"], checked.asked) == ("bob", [])
    assert found["context"] == {"tenant": "t2", "admin": "true" if ingress == "rest-api" else True}
    assert client.as_user("eve").get("/admin").json["principal"] == "eve"
    assert client.as_user().get("/admin").json["principal"] == "user"
    assert client.get("/admin").status_code == 401


@pytest.mark.parametrize("ingress", [*ASKING, "function-url"])
def test_a_known_user_has_an_arn(ingress: str) -> None:
    app = App("shop")
    app.get("/admin", authorizer=IAMAuthorizer())(told)
    client = app.test_client(ingress=ingress)

    assert client.as_user("ann").get("/admin").json["principal"] == "arn:aws:iam::123456789012:user/ann"
    arn = "arn:aws:sts::123456789012:assumed-role/deployer/s1"
    assert client.as_user({"arn": arn}).get("/admin").json["principal"] == arn
    assert client.get("/admin").status_code == 403


@pytest.mark.parametrize("user", [7, None, ["sub"]])
def test_a_user_is_claims_or_a_name(user: Any) -> None:
    with pytest.raises(TypeError, match=r"as_user\(.*give the claims in a dict"):
        protected_by(JWT).test_client().as_user(user)


def test_a_known_user_keeps_the_clients_options_and_not_its_cookies() -> None:
    app = protected_by(JWT)
    app.secret_key = "s"

    @app.get("/count")
    def count() -> dict[str, int]:
        session["count"] = session.get("count", 0) + 1
        return {"count": session["count"]}

    client = app.test_client(ingress="http-api-1.0", raise_errors=False, api_keys=["a"])
    ann = client.as_user("ann")

    assert [one.get("/count").json["count"] for one in (client, client, ann, ann, client)] == [1, 2, 1, 2, 3]
    assert (ann.ingress, ann.raise_errors, ann.api_keys) == ("http-api-1.0", False, ("a",))
    assert app.test_client(use_cookies=False).as_user("ann").get("/count").json == {"count": 1}
    off = app.test_client(use_cookies=False).as_user("ann")
    assert [off.get("/count").json["count"] for _ in range(2)] == [1, 1]


# Requests with a signature ---------------------------------------------------------------------------

SIGNED = (*ASKING, "function-url")


def for_signed() -> App:
    app = App("shop")
    app.default_authorizer = IAMAuthorizer()
    app.route("/admin", methods=["GET", "POST"])(told)
    app.get("/files/<path:name>")(lambda name: {"name": name, "args": dict(request.args.items(multi=True))})
    return app


@pytest.mark.parametrize("ingress", SIGNED)
def test_a_signed_request_is_let_in_as_the_user_of_the_key(ingress: str) -> None:
    client = for_signed().test_client(ingress=ingress)

    assert client.get("/admin").status_code == 403
    signed = client.signed()
    assert signed.get("/admin").json["principal"] == TEST_PRINCIPAL.arn
    assert signed.get("/admin?b=2&a=1&c=").status_code == 200
    assert signed.post("/admin", json={"x": 1}).status_code == 200
    assert signed.post("/admin", data=b"\x00\xff", headers={"X-Amz-Meta": "a  b"}).status_code == 200


@pytest.mark.parametrize("ingress", SIGNED)
def test_another_key_or_secret_is_not_let_in(ingress: str) -> None:
    client = for_signed().test_client(ingress=ingress)

    wrong = client.signed(secret="wrong").get("/admin")
    unknown = client.signed("AKIAOTHER").get("/admin")

    assert [one.status_code for one in (wrong, unknown)] == [403, 403]
    assert [one.event for one in (wrong, unknown)] == [None, None]
    for one in (wrong, unknown):
        assert TEST_PRINCIPAL.secret not in f"{one.text} {one.explanation}"


_SEGMENTS = st.text(st.characters(codec="utf-8", exclude_characters="/?#", categories=("L", "N", "P", "S")))
_QUERIES = st.lists(st.tuples(st.text("aä +&=%/~*", min_size=1, max_size=4), st.text("b +&=%ö", max_size=4)))


@pytest.mark.parametrize("ingress", SIGNED)
@settings(max_examples=40, deadline=None)
@given(name=_SEGMENTS.filter(lambda text: text.strip(".")), query=_QUERIES)
def test_paths_and_queries_of_any_kind_are_signed(
    ingress: str, name: str, query: list[tuple[str, str]]
) -> None:
    client = for_signed().test_client(ingress=ingress).signed()

    answer = client.get(f"/files/{quote(name, safe='')}?{urlencode(query, quote_via=quote)}")

    assert answer.status_code == 200, answer.explanation


def test_a_signature_of_the_tests_own_is_left_as_it_is() -> None:
    client = for_signed().test_client()
    made = AWSRequest(method="GET", url="https://localhost/admin", headers={"Host": "localhost"})
    SigV4Auth(
        Credentials(TEST_PRINCIPAL.access_key, TEST_PRINCIPAL.secret), "execute-api", "us-east-1"
    ).add_auth(made)
    fields = {name: value for name, value in made.headers.items() if name != "Host"}

    assert client.get("/admin", headers=fields).status_code == 200
    assert client.signed(secret="wrong").get("/admin", headers=fields).status_code == 200
    assert client.signed().get("/admin", headers=bearer("x")).status_code == 403


def test_a_query_that_is_signed_is_let_in() -> None:
    made = AWSRequest(method="GET", url="https://localhost/admin?x=1", headers={"Host": "localhost"})
    credentials = Credentials(TEST_PRINCIPAL.access_key, TEST_PRINCIPAL.secret)
    SigV4QueryAuth(credentials, "execute-api", "us-east-1").add_auth(made)
    query = urlsplit(made.url).query
    client = for_signed().test_client()

    assert client.get(f"/admin?{query}").status_code == 200
    assert client.get(f"/admin?{query}&y=2").status_code == 403


def test_a_signed_request_goes_on_a_redirect() -> None:
    app = for_signed()
    app.get("/old")(lambda: ("", 302, {"Location": "/admin"}))

    answer = app.test_client().signed().get("/old", follow_redirects=True)

    assert answer.json["principal"] == TEST_PRINCIPAL.arn


def test_a_signature_does_not_do_where_a_function_is_asked() -> None:
    checked = Checked()

    assert checked.app.test_client().signed().get("/admin").status_code == 403
    assert checked.asked[0].token.startswith("AWS4-HMAC-SHA256 ")


def test_signed_and_as_user_go_together() -> None:
    checked = Checked()
    checked.app.get("/iam", authorizer=IAMAuthorizer())(told)
    both = checked.app.test_client().signed().as_user("ann")
    turned = checked.app.test_client().as_user("ann").signed()

    for client in (both, turned):
        assert client.get("/admin").json["principal"] == "ann"
        assert client.get("/iam").json["principal"] == "arn:aws:iam::123456789012:user/ann"


# What cannot be planned ------------------------------------------------------------------------------


@pytest.mark.parametrize("ingress", [*ASKING, "function-url"])
def test_what_api_gateway_has_no_resource_for_nobody_reaches_and_the_test_is_told(ingress: str) -> None:
    """`/<name>.txt` is no resource of API Gateway's: the request goes to the app as nobody's."""
    app = App("shop")
    authorizer = IAMAuthorizer()
    app.get("/<name>.txt", authorizer=authorizer)(lambda name: {name: told()})
    app.get("/open")(lambda: "open")
    client = app.test_client(ingress=ingress)

    answer = client.signed().get("/a.txt")

    assert answer.status_code == 403
    assert client.as_user("ann").get("/a.txt").status_code == 403
    assert client.get("/open").text == "open"
    if ingress != "function-url":
        assert "no authorizer is asked: " in (answer.explanation or "")
        assert "'/<name>.txt'" in (answer.explanation or "")


def test_a_url_is_protected_as_a_whole_or_not_at_all() -> None:
    app = protected_by(IAMAuthorizer())
    client = app.test_client(ingress="function-url")

    assert client.signed().get("/admin").status_code == 403
    assert client.get("/open").status_code == 200

    whole = App("whole")
    whole.get("/admin", authorizer=IAMAuthorizer())(told)
    client = whole.test_client(ingress="function-url")
    answers = [client.get("/admin"), client.get("/nothing"), client.signed().get("/nothing")]
    assert [(one.status_code, one.event is None) for one in answers] == [
        (403, True),
        (403, True),
        (404, False),
    ]


def test_routes_that_are_added_later_are_asked_for_too() -> None:
    app = protected_by(JWT)
    client = app.test_client()
    assert client.get("/admin").status_code == 401  # no request has come to the app yet

    app.get("/later", authorizer=JWT)(told)

    assert client.get("/later").event is None
    assert client.as_user("ann").get("/later").status_code == 200


def test_an_api_key_is_asked_for_besides() -> None:
    app, key = App("shop"), {"X-Api-Key": "k" * 20}

    @app.authorizer()
    def check(event: AuthRequest) -> AuthResponse:
        return AuthResponse("*", "ann")

    app.get("/both", authorizer=check, api_key_required=True)(told)
    client = app.test_client(ingress="rest-api", api_keys=["k" * 20])

    assert client.get("/both", headers=key).status_code == 401
    assert client.get("/both", headers=RIGHT).status_code == 403
    assert client.as_user("ann").get("/both").status_code == 403
    assert client.get("/both", headers={**RIGHT, **key}).json["principal"] == "ann"


def test_a_request_context_asks_nobody() -> None:
    checked = Checked()

    with checked.app.test_request_context("/admin"):
        assert request.path == "/admin"
    assert checked.asked == []


def test_the_clients_of_one_app_have_each_their_own_user() -> None:
    app = Checked().app
    clients: dict[str, TestClient] = {name: app.test_client().as_user(name) for name in ("ann", "bob")}

    for name, client in [*clients.items(), *clients.items()]:
        assert client.get("/admin").json["principal"] == name


# WebSocket APIs --------------------------------------------------------------------------------------


class Chat:
    """An app with a WebSocket API, whose handshakes an authorizer decides about."""

    def __init__(self, authorizer: Any = None) -> None:
        self.asked: list[AuthRequest] = []
        self.events: list[Any] = []
        self.app = App("chat")
        declared = self.app.authorizer(identity_sources=["query.token"])(self.check)
        self.app.on_ws_connect(name="connect", authorizer=authorizer or declared)(self.seen)
        self.app.on_ws_message(name="message")(self.seen)
        self.app.on_ws_disconnect(name="disconnect")(self.seen)

    def check(self, event: AuthRequest) -> Any:
        self.asked.append(event)
        if event.token == "broken":
            raise ValueError("broken")
        if event.token == "unknown":
            abort(401)
        return event.token == "right" and AuthResponse("*", "ann", {"tenant": "t1", "admin": True})

    def seen(self, event: Any) -> None:
        self.events.append(event.raw)

    def identities(self) -> list[tuple[str, Any]]:
        return [
            (one["requestContext"]["routeKey"], one["requestContext"].get("authorizer"))
            for one in self.events
        ]


def test_the_handshake_is_asked_about_and_all_events_tell_who_is_connected() -> None:
    chat = Chat()

    with chat.app.test_client().websocket(query={"token": "right"}, headers={"X-Kind": "a"}) as socket:
        socket.send("hello")

    (question,) = chat.asked
    raw = question.raw
    context = raw["requestContext"]
    assert (raw["type"], context["eventType"], context["routeKey"]) == ("REQUEST", "CONNECT", "$connect")
    assert context["connectionId"] == socket.connection_id
    assert raw["methodArn"].endswith(f":123456789012:{context['apiId']}/{context['stage']}/$connect")
    assert raw["queryStringParameters"] == {"token": "right"}
    assert raw["headers"]["X-Kind"] == "a"
    assert "authorizer" not in context
    latency = chat.events[0]["requestContext"]["authorizer"]["integrationLatency"]
    known = {"principalId": "ann", "integrationLatency": latency, "tenant": "t1", "admin": "true"}
    assert chat.identities() == [("$connect", known), ("$default", known), ("$disconnect", known)]


@pytest.mark.parametrize(
    ("query", "status"), [({"token": "wrong"}, 403), ({"token": "unknown"}, 401), ({}, 401)]
)
def test_a_client_that_is_not_let_in_is_refused(query: dict[str, str], status: int) -> None:
    chat = Chat()
    client = chat.app.test_client()

    with pytest.raises(WebSocketRefused) as refused:
        client.websocket(query=query)

    assert (refused.value.status_code, chat.events, client.connections) == (status, [], {})
    assert str(refused.value).startswith(f"the handshake was answered with {status}: check ")


def test_an_error_at_the_handshake_reaches_the_test_or_refuses() -> None:
    chat = Chat()

    with pytest.raises(ValueError, match="broken"):
        chat.app.test_client().websocket(query={"token": "broken"})
    with pytest.raises(WebSocketRefused, match="500: check failed: ValueError"):
        chat.app.test_client(raise_errors=False).websocket(query={"token": "broken"})
    assert chat.events == []


def test_a_known_user_connects_without_being_asked() -> None:
    chat = Chat()

    with chat.app.test_client().as_user({"sub": "bob", "tenant": "t2"}).websocket():
        pass

    assert chat.asked == []
    assert chat.identities()[0] == (
        "$connect",
        {"principalId": "bob", "tenant": "t2", "integrationLatency": 0},
    )


@pytest.mark.parametrize("let_in", [TestClient.signed, lambda client: client.as_user("test")])
def test_a_handshake_that_is_signed_tells_the_arn(let_in: Callable[[TestClient], TestClient]) -> None:
    chat = Chat(IAMAuthorizer())
    client = chat.app.test_client()
    with pytest.raises(WebSocketRefused, match="403"):
        client.websocket()
    with pytest.raises(WebSocketRefused, match="403"):
        client.signed(secret="wrong").websocket()

    with let_in(client).websocket(query={"a": "b c+d"}) as socket:
        socket.send("hello")

    assert [one["requestContext"]["identity"]["userArn"] for one in chat.events] == [TEST_PRINCIPAL.arn] * 3
    assert all("authorizer" not in one["requestContext"] for one in chat.events)


def test_a_handshake_without_an_authorizer_is_open() -> None:
    app, seen = App("chat"), []

    @app.on_ws_connect()
    def connect(event: Any) -> None:
        seen.append(event.raw["requestContext"])

    with app.test_client().websocket():
        pass

    assert "authorizer" not in seen[0]


def test_an_answer_at_the_handshake_is_not_kept() -> None:
    chat = Chat()
    client = chat.app.test_client()

    for _ in range(2):
        client.websocket(query={"token": "right"})

    assert len(chat.asked) == 2


# What is loaded --------------------------------------------------------------------------------------

LOADED = """
import sys
from microlambda import App, IAMAuthorizer, JWTAuthorizer

app = App("shop")
app.get("/open")(lambda: "open")

@app.authorizer()
def check(event):
    return event.token == "right"

app.get("/checked", authorizer=check)(lambda: "checked")
app.get("/token", authorizer=JWTAuthorizer("https://a", "b"))(lambda: "token")
app.get("/signed", authorizer=IAMAuthorizer())(lambda: "signed")

client = app.test_client(jwks={"keys": []})
for path in ("/open", "/checked", "/signed", "/token"):
    status = client.get(path, headers={"Authorization": "right"}).status_code
    print(path, status, *[name for name in ("botocore", "jwt", "cryptography") if name in sys.modules])
"""


def test_what_checks_tokens_and_signatures_is_loaded_where_it_is_asked_for() -> None:
    ran = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)

    assert ran.stdout.splitlines() == [
        "/open 200",
        "/checked 200",
        "/signed 403 botocore",
        "/token 401 botocore jwt cryptography",
    ]
