"""No spelling of a path gets around what protects it, on any ingress, whatever a caller brings."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from typing import Any
from unittest import mock

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from microlambda import (
    App,
    AuthRequest,
    AuthResponse,
    CognitoUserPoolAuthorizer,
    CustomAuthorizer,
    IAMAuthorizer,
    JWTAuthorizer,
    abort,
)
from microlambda.emulator.gateway import INGRESSES
from microlambda.testing.client import TestClient
from microlambda.testing.exchange import Exchange
from microlambda.testing.signing import TEST_PRINCIPAL
from tests.emulator.tokens import AUDIENCE, ISSUER, POOL, confused, jwks, pool_token, token, unsigned
from tests.testing.spellings import Asked, spellings, targets

pytestmark = pytest.mark.slow  # every spelling, method and credential, on every ingress

#: What callers get who are not let in; what is asked by another name may also not be there.
REFUSED = {301, 308, 400, 401, 403, 404, 405}

#: The protected paths: a fixed one, one with a variable, one with the rest, one with a slash at its end, and
#: one beside a variable that is open.
PATHS = ("/admin", "/users/7", "/files/a/b", "/area/", "/people/root")

HTTP_APIS = ("http-api", "http-api-1.0")
KEY, KEYS = "k" * 20, jwks("one")
PAST = int(time.time()) - 3_600

Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A way to protect views: who is asked, where that can be done, and what callers bring."""

    ingresses: tuple[str, ...]
    authorizers: Callable[[App], tuple[Any, Any]] = lambda _app: (None, None)
    credentials: Callable[[], Mapping[str, str]] = dict
    header: str = "Authorization"
    api_key: bool = False
    is_everywhere: bool = False

    def sent(self) -> dict[str, Fields]:
        """The fields of those who are not let in, by what is wrong with them."""
        wrong = {
            name: ((self.header, value),) for name, value in self.credentials().items() if name != "right"
        }
        return {"empty": ((self.header, ""),), **wrong}


@dataclass(frozen=True, kw_only=True)
class Guarded:
    """An app with protected views and open ones, and those of each that ran."""

    app: App
    ran: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)

    def view(self, name: str, *, is_open: bool = False) -> Callable[..., Any]:
        def view(**_: Any) -> str:
            (self.opened if is_open else self.ran).append(name)
            return name

        view.__name__ = name
        return view


def guarded(kind: Kind, *, has_catch_all: bool = False, seconds: Sequence[str] = ()) -> Guarded:
    """An app whose PATHS are protected, beside open routes and those that another authorizer protects."""
    made = Guarded(app=App("shop"))
    app = made.app
    one, two = kind.authorizers(app)
    asked: dict[str, Any] = {"authorizer": one, "api_key_required": kind.api_key, "methods": ["GET", "POST"]}
    for name, rule in {
        "admin": "/admin",
        "user": "/users/<id>",
        "file": "/files/<path:rest>",
        "area": "/area/",
        "root": "/people/root",
    }.items():
        app.route(rule, **asked)(made.view(name))
    app.route("/other", **{**asked, "authorizer": two})(made.view("other"))
    for number, rule in enumerate(seconds):
        app.route(rule, authorizer=two, methods=["GET", "POST"])(made.view(f"second{number}", is_open=True))
    if not kind.is_everywhere:
        app.get("/open")(made.view("open", is_open=True))
        if not seconds:
            app.get("/people/<name>")(made.view("person", is_open=True))
    if has_catch_all:
        app.route("/<path:anything>", methods=["GET", "POST"])(made.view("anything", is_open=True))
    return made


def functions(app: App, **options: Any) -> tuple[Any, Any]:
    """Two functions; the first lets `right` in everywhere and `other` at /other, the second `second`."""

    @app.authorizer(**options)
    def check(event: AuthRequest) -> AuthResponse:
        routes = {"Bearer right": ["*"], "Bearer other": ["/other"], "Bearer expired": []}
        if event.token not in routes or (options.get("simple") and event.token == "Bearer other"):
            abort(401)
        return AuthResponse(routes[event.token], "ann")

    @app.authorizer(**options)
    def second(event: AuthRequest) -> bool:
        return event.token == "Bearer second"

    return check, second


def bearers(**tokens: str) -> dict[str, str]:
    return {name: f"Bearer {value}" for name, value in tokens.items()}


def texts() -> dict[str, str]:
    return bearers(right="right", expired="expired", other="other", second="second")


def tokens() -> dict[str, str]:
    return bearers(
        right=token(),
        expired=token(exp=PAST),
        other=token(aud="second"),
        unsigned=unsigned(),
        confused=confused(),
    )


def tokens_with_scopes() -> dict[str, str]:
    return bearers(
        right=token(scope="admin"),
        expired=token(scope="admin", exp=PAST),
        other=token(scope="other"),
        without=token(),
    )


def pool_tokens() -> dict[str, str]:
    return bearers(
        right=pool_token(),
        expired=pool_token(exp=PAST),
        other=pool_token("access", scope="other"),
        issuers=token(),
    )


def pool_tokens_with_scopes() -> dict[str, str]:
    return bearers(
        right=pool_token("access", scope="admin"),
        expired=pool_token("access", scope="admin", exp=PAST),
        other=pool_token("access", scope="other"),
        identity=pool_token(),
    )


def jwt_authorizers(*scopes: str) -> tuple[Any, Any]:
    if scopes:
        both = JWTAuthorizer(ISSUER, AUDIENCE)
        return both.with_scopes(["admin"]), both.with_scopes(["other"])
    return JWTAuthorizer(ISSUER, AUDIENCE), JWTAuthorizer(ISSUER, "second", name="second")


def pool_authorizers(*scopes: str) -> tuple[Any, Any]:
    pools = CognitoUserPoolAuthorizer([POOL])
    return (pools.with_scopes(["admin"]) if scopes else pools), pools.with_scopes(["other"])


IAM = IAMAuthorizer()
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:check"

KINDS: dict[str, Kind] = {
    "function": Kind(ingresses=(*HTTP_APIS, "rest-api"), authorizers=functions, credentials=texts),
    "function-ttl-0": Kind(
        ingresses=(*HTTP_APIS, "rest-api"), authorizers=lambda app: functions(app, ttl=0), credentials=texts
    ),
    "token": Kind(
        ingresses=("rest-api",), authorizers=lambda app: functions(app, type="token"), credentials=texts
    ),
    "simple": Kind(
        ingresses=HTTP_APIS, authorizers=lambda app: functions(app, simple=True), credentials=texts
    ),
    "somebody-elses": Kind(
        ingresses=(*HTTP_APIS, "rest-api"),
        authorizers=lambda _app: (
            CustomAuthorizer(FUNCTION),
            CustomAuthorizer(f"{FUNCTION}2", name="second"),
        ),
        credentials=lambda: {name: sent for name, sent in texts().items() if name != "right"},
    ),
    "jwt": Kind(ingresses=HTTP_APIS, authorizers=lambda _app: jwt_authorizers(), credentials=tokens),
    "jwt-scopes": Kind(
        ingresses=HTTP_APIS, authorizers=lambda _app: jwt_authorizers("admin"), credentials=tokens_with_scopes
    ),
    "cognito": Kind(
        ingresses=("rest-api",), authorizers=lambda _app: pool_authorizers(), credentials=pool_tokens
    ),
    "cognito-scopes": Kind(
        ingresses=("rest-api",),
        authorizers=lambda _app: pool_authorizers("admin"),
        credentials=pool_tokens_with_scopes,
    ),
    "iam": Kind(ingresses=(*HTTP_APIS, "rest-api"), authorizers=lambda _app: (IAM, IAM)),
    "iam-everywhere": Kind(
        ingresses=(*HTTP_APIS, "rest-api", "function-url"),
        authorizers=lambda _app: (IAM, IAM),
        is_everywhere=True,
    ),
    "api-key": Kind(
        ingresses=("rest-api",),
        credentials=lambda: {"right": KEY, "expired": "x" * 20, "other": f"{KEY} "},
        header="X-Api-Key",
        api_key=True,
    ),
    "function-and-api-key": Kind(
        ingresses=("rest-api",), authorizers=functions, credentials=texts, api_key=True
    ),
}


def wrong_signatures(ingress: str) -> dict[str, Fields]:
    """Signatures of an hour ago, for another path, and for another service."""
    service = "lambda" if ingress == "function-url" else "execute-api"
    past = datetime.fromtimestamp(PAST, UTC)
    with mock.patch("botocore.auth.get_current_datetime", return_value=past.replace(tzinfo=None)):
        expired = signature("/admin", service)
    return {
        "expired": expired,
        "other": signature("/other", service),
        "elsewhere": signature("/admin", "s3"),
        "unknown": signature("/admin", service, access_key="AKIAOTHER"),
    }


def signature(path: str, service: str, access_key: str = TEST_PRINCIPAL.access_key) -> Fields:
    made = AWSRequest(method="GET", url=f"https://localhost{path}", headers={"Host": "localhost"})
    SigV4Auth(Credentials(access_key, TEST_PRINCIPAL.secret), service, "us-east-1").add_auth(made)
    return tuple((name, str(value)) for name, value in made.headers.items() if name != "Host")


def client_of(app: App, ingress: str) -> TestClient:
    return app.test_client(ingress=ingress, jwks=KEYS, api_keys=[KEY])


def send(client: TestClient, asked: Asked) -> int:
    """The status that a request as it stands on the wire is answered with."""
    has_host = any(name.lower() == "host" for name, _ in asked.fields)
    environ = {
        "REQUEST_METHOD": asked.method,
        "REQUEST_URI": asked.target,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "203.0.113.7",
        "wsgi.url_scheme": "https",
        "wsgi.input": BytesIO(asked.body),
        "CONTENT_LENGTH": str(len(asked.body)),
        "microlambda.headers": [*(() if has_host else (("Host", "localhost"),)), *asked.fields],
    }
    exchange = Exchange(
        client.app,
        client.ingress,
        raise_errors=True,
        api_keys=client.api_keys,
        gatekeeper=client.gatekeeper,
        signer=client.signer,
    )
    statuses: list[str] = []
    b"".join(exchange.answer(environ, lambda status, _fields: statuses.append(status)))
    return int(statuses[0].partition(" ")[0])


def let_through(made: Guarded, client: TestClient, fields: Fields, asked: Iterable[Asked]) -> list[Any]:
    """The requests that ran a protected view, or that neither were refused nor ran an open one."""
    found = []
    for one in asked:
        made.opened.clear()
        status = send(client, replace(one, fields=(*one.fields, *fields)))
        is_told_its_methods = one.method == "OPTIONS" and status in (200, 204)
        if made.ran or not (status in REFUSED or is_told_its_methods or (status == 200 and made.opened)):
            found.append((one, status, made.ran.copy()))
            made.ran.clear()
    return found


@pytest.mark.parametrize("ingress", INGRESSES)
@pytest.mark.parametrize("kind", KINDS)
def test_no_spelling_runs_a_protected_view(kind: str, ingress: str) -> None:
    made = guarded(KINDS[kind])
    client = client_of(made.app, ingress)

    assert let_through(made, client, (), spellings("/admin")) == []
    for path in PATHS if ingress in KINDS[kind].ingresses else ():
        assert let_through(made, client, (), map(asked_for, targets(path))) == []


@pytest.mark.parametrize("ingress", INGRESSES)
@pytest.mark.parametrize("kind", KINDS)
def test_nor_with_credentials_that_are_not_its(kind: str, ingress: str) -> None:
    made = guarded(KINDS[kind])
    client = client_of(made.app, ingress)
    sent = KINDS[kind].sent() | (wrong_signatures(ingress) if kind.startswith("iam") else {})

    for name, fields in sent.items():
        plain = [Asked(target=path, method=method) for path in PATHS for method in ("GET", "HEAD", "POST")]
        assert let_through(made, client, fields, plain) == []
        if name in ("expired", "other"):
            assert let_through(made, client, fields, map(asked_for, targets("/admin"))) == []


def asked_for(target: str) -> Asked:
    return Asked(target=target)


#: Kinds with open views, and an ingress for each way to ask and to find a route.
WITH_OPEN = (
    ("function", "http-api"),
    ("function", "http-api-1.0"),
    ("function", "rest-api"),
    ("function", "function-url"),
    ("jwt", "http-api"),
    ("jwt", "rest-api"),
    ("cognito", "rest-api"),
    ("cognito", "http-api"),
    ("iam", "http-api"),
    ("iam", "rest-api"),
    ("iam", "function-url"),
    ("iam", "alb"),
    ("api-key", "rest-api"),
    ("api-key", "http-api"),
)


@pytest.mark.parametrize(("kind", "ingress"), WITH_OPEN)
def test_nor_where_an_open_view_takes_all_the_rest(kind: str, ingress: str) -> None:
    made = guarded(KINDS[kind], has_catch_all=True)
    client = client_of(made.app, ingress)

    for path in PATHS:
        assert let_through(made, client, (), map(asked_for, targets(path))) == []
    assert (send(client, Asked(target="/anything/else")), made.opened) == (200, ["anything"])


#: Kinds with two authorizers, and what callers bring whom the second lets in.
SECOND = {
    "function": "second",
    "function-ttl-0": "second",
    "token": "second",
    "simple": "second",
    "jwt": "other",
    "jwt-scopes": "other",
    "cognito": "other",
    "cognito-scopes": "other",
}


#: What the second one protects: around the protected paths, and where their spellings lead.
AROUND = (
    "/people/<name>",
    "/users/<id>/<path:rest>",
    "/admin/<path:rest>",
    "/area/<path:rest>",
    "/dev/<path:rest>",
    "/x/<path:rest>",
)


@pytest.mark.parametrize(
    ("kind", "ingress"), [(kind, one) for kind in SECOND for one in KINDS[kind].ingresses]
)
def test_nor_with_what_another_authorizer_lets_in_everywhere_else(kind: str, ingress: str) -> None:
    around = [*AROUND, *(["/<path:rest>"] if ingress in HTTP_APIS else [])]  # there a REST API has its own
    made = guarded(KINDS[kind], seconds=around)
    client = client_of(made.app, ingress)
    fields = (("Authorization", KINDS[kind].credentials()[SECOND[kind]]),)

    for path in PATHS:
        assert let_through(made, client, fields, map(asked_for, [path, *targets(path)])) == []
    made.opened.clear()
    for target in ("/people/ann", "/users/7/x", "/admin/x/y", "/area/x", "/dev/a", "/x/a"):
        assert send(client, Asked(target=target, fields=fields)) == 200
    assert len(made.opened) == len(AROUND)


@pytest.mark.parametrize(("kind", "ingress"), [("function", "http-api"), ("iam", "rest-api")])
def test_nor_below_the_base_path_of_a_custom_domain(
    kind: str, ingress: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The app takes the base path off; who asks the API by its own host may write it in front himself."""
    monkeypatch.setenv("MICROLAMBDA_BASE_PATH", "/v1")
    made = guarded(KINDS[kind], has_catch_all=True)
    client = client_of(made.app, ingress)

    for front in ("/v1", "/v1/", "//v1", "/%761", "/v1/v1"):
        asked = (Asked(target=f"{front}{target}") for target in targets("/admin"))
        assert let_through(made, client, (), asked) == []


_PIECES = st.sampled_from(
    ["/", "//", "%2F", "%2f", "/./", "/../", "/x/../", "%", "%25", ";", "?", "#", "%00", "+", "\\", "."]
)


@st.composite
def respelled(draw: st.DrawFn, path: str) -> str:
    """The path, of whose characters some are escapes, in another case or have something beside them."""
    made = ""
    for one in path:
        made += draw(st.sampled_from([one, one, one, f"%{ord(one):02x}", one.upper()]))
        made += draw(st.one_of(st.just(""), st.just(""), st.just(""), _PIECES))
    return draw(st.sampled_from(["", "", "", "/", "/dev", "https://a.example"])) + made


@pytest.mark.parametrize(("kind", "ingress"), WITH_OPEN[:4] + WITH_OPEN[-6:])
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_nor_any_spelling_that_is_made_up(kind: str, ingress: str, data: st.DataObject) -> None:
    made, client = made_up(kind, ingress)
    path = data.draw(st.sampled_from(PATHS))
    asked = Asked(
        target=data.draw(respelled(path)), method=data.draw(st.sampled_from(["GET", "HEAD", "POST"]))
    )

    assert let_through(made, client, (), [asked]) == []


@cache
def made_up(kind: str, ingress: str) -> tuple[Guarded, TestClient]:
    made = guarded(KINDS[kind], has_catch_all=True)
    return made, client_of(made.app, ingress)


# Let in ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "ingress"), [(name, ingress) for name, kind in KINDS.items() for ingress in kind.ingresses]
)
def test_the_plain_spelling_runs_the_view_for_those_who_are_let_in(kind: str, ingress: str) -> None:
    made = guarded(KINDS[kind])
    client = client_of(made.app, ingress)
    if kind.startswith("iam"):
        client = client.signed()
    elif kind == "somebody-elses":
        client = client.as_user("ann")
    right = KINDS[kind].credentials().get("right")
    fields: Fields = () if right is None else ((KINDS[kind].header, right),)
    if KINDS[kind].api_key:
        fields += (("X-Api-Key", KEY),)

    for path in PATHS:
        for method in ("GET", "POST", "HEAD"):
            assert send(client, Asked(target=path, method=method, fields=fields)) == 200
    assert made.ran == [name for name in ("admin", "user", "file", "area", "root") for _ in range(3)]


@pytest.mark.parametrize("ingress", INGRESSES)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if not KINDS[kind].is_everywhere])
def test_the_open_views_of_the_app_are_open(kind: str, ingress: str) -> None:
    made = guarded(KINDS[kind])
    client = client_of(made.app, ingress)

    assert [send(client, Asked(target=target)) for target in ("/open", "/people/ann")] == [200, 200]
    assert made.opened == ["open", "person"]
