"""Protected views answer alike in the test client, in `microlambda local`, and deployed, whoever asks.

The deployed bundle runs in AWS's runtime client, behind the API that the deployer made.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import jwt
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

from microlambda import App
from microlambda.local.server import LocalServer
from microlambda.project.loader import load_app
from tests.test_parity import Answer, Sent, comparable, over_the_wire
from tests.test_parity_deployed import below_the_stage, started

pytestmark = [
    pytest.mark.slow,  # an AWS is started for each ingress, and deployed to
    pytest.mark.skipif(sys.platform == "win32", reason="SIGINT to a process of its own is POSIX"),
]

ISSUER = "https://issuer.example.com/"
POOL = "eu-west-1_Abc123XYZ"
POOL_ISSUER = f"https://cognito-idp.eu-west-1.amazonaws.com/{POOL}"

NOW = int(time.time())

OPEN = """
from microlambda import (
    App, AuthResponse, AuthRoute, CognitoUserPoolAuthorizer, IAMAuthorizer, JWTAuthorizer, abort, request
)

app = App("guarded")


def told():
    found = request.authorizer
    return {"by": found.principal, "claims": found.claims, "said": found.context}


@app.route("/open", methods=["GET", "POST"])
def open_to_all():
    return {"authorizer": request.authorizer is not None}
"""

DECIDED = """

@app.authorizer(ttl=0)
def staff(event):
    if event.token == "broken":
        raise ValueError("on purpose")
    if event.token == "unknown":
        abort(401)
    routes = {"all": ["*"], "right": [AuthRoute("/staff/<id>", ["GET", "HEAD"])]}.get(event.token, [])
    return AuthResponse(routes, "ann", {"tenant": "t1", "level": 7, "admin": True})


@app.route("/staff/<int:id>", methods=["GET", "POST"], authorizer=staff)
def staff_only(id):
    return told()


@app.get("/staff/me", authorizer=None)
def me():
    return "me"


@app.get("/files/<path:rest>", authorizer=staff)
def files(rest):
    return {"rest": rest}


@app.get("/signed/<name>", authorizer=IAMAuthorizer())
def signed(name):
    return {"by": request.authorizer.principal}
"""

TOKENS = f"""
checked = JWTAuthorizer("{ISSUER}", ["shop", "store"])


@app.get("/tokens", authorizer=checked)
def tokens():
    return told()


@app.get("/scoped", authorizer=checked.with_scopes(["write", "admin"]))
def scoped():
    return told()
"""

POOLS = f"""
pool = CognitoUserPoolAuthorizer("arn:aws:cognito-idp:eu-west-1:123456789012:userpool/{POOL}")


@app.get("/tokens", authorizer=pool)
def tokens():
    return {{"by": request.authorizer.principal}}


@app.get("/scoped", authorizer=pool.with_scopes(["write"]))
def scoped():
    return {{"by": request.authorizer.principal}}


@app.get("/keyed", api_key_required=True, authorizer=staff)
def keyed():
    return told()
"""

SIGNED = """

app.default_authorizer = IAMAuthorizer()


@app.get("/signed/<name>")
def signed(name):
    return {"by": request.authorizer.principal}
"""

APPS = {
    "http-api": OPEN + DECIDED + TOKENS,
    "rest-api": OPEN + DECIDED + POOLS,
    "function-url": OPEN + SIGNED,
}
SETTINGS = {"rest-api": 'api_keys = ["partner"]\n'}

PATHS = [
    *("/open", "/staff/7", "/staff/7/", "//staff/7", "/staff//7", "/STAFF/7", "/%73taff/7", "/staff%2F7"),
    *("/staff/x", "/staff/me", "/files/a/b", "/files/a%2Fb", "/files/", "/nowhere", "/signed/a"),
    *("/signed/a/", "/tokens", "/tokens/", "/scoped", "/scoped?a=1", "/keyed"),
]


@dataclass(frozen=True, kw_only=True)
class Project:
    """The app for one ingress, in the two forms that are compared with each other's backends."""

    ingress: str
    folder: Path
    app: App
    key: RSAPrivateKey
    forger: RSAPrivateKey


@pytest.fixture(scope="module", params=APPS)
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Project:
    ingress, key = str(request.param), generate_private_key(65537, 2048)
    folder = tmp_path_factory.mktemp(f"guarded-{ingress}")
    public = json.loads(RSAAlgorithm.to_jwk(key.public_key()))
    (folder / "keys.json").write_text(json.dumps({"keys": [{**public, "kid": "one", "alg": "RS256"}]}))
    (folder / "guarded_app.py").write_text(APPS[ingress])
    (folder / "microlambda.toml").write_text(
        f'name = "guarded"\ningress = "{ingress}"\njwks = "keys.json"\nexclude = ["keys.json"]\n'
        + SETTINGS.get(ingress, "")
    )
    return Project(
        ingress=ingress,
        folder=folder,
        app=load_app(folder, "guarded_app:app").app,
        key=key,
        forger=generate_private_key(65537, 2048),
    )


@pytest.fixture(scope="module")
def local(project: Project) -> Iterator[int]:
    with LocalServer(project.folder, "guarded_app:app", port=0) as server:
        yield server.port


@pytest.fixture(scope="module")
def deployed(project: Project) -> Iterator[int]:
    with started(project.folder) as printed:
        address = printed.partition("The app:")[2].split()[0]
        yield int(address.split(":")[2].partition("/")[0])


def token(key: RSAPrivateKey, **claims: Any) -> str:
    given = {"iss": ISSUER, "aud": "shop", "sub": "ann", "scope": "read", "exp": NOW + 3600, **claims}
    return jwt.encode(given, key, algorithm="RS256", headers={"kid": "one"})


def signature(project: Project, target: str, secret: str) -> dict[str, str]:
    path, _, query = target.partition("?")
    url = f"http://parity{path}?{query}" if query else f"http://parity{path}"
    made = AWSRequest("GET", url, headers={"Host": "parity"})
    service = "lambda" if project.ingress == "function-url" else "execute-api"
    SigV4Auth(Credentials("test", secret), service, "us-east-1").add_auth(made)
    return {name: value for name, value in made.headers.items() if name != "Host"}


def credentials(project: Project, target: str) -> dict[str, dict[str, str]]:
    """What callers may bring, by what it is; the target is what they sign."""
    key = project.key
    tokens = {
        "expired": token(key, exp=1),
        "not-yet": token(key, nbf=NOW + 1800),
        "elsewhere": token(key, aud="other"),
        "forged": token(project.forger),
        "good": token(key),
        "scoped": token(key, scope="write read"),
        "pool": token(key, iss=POOL_ISSUER, token_use="id"),
        "pool-scoped": token(key, iss=POOL_ISSUER, token_use="access", scope="write"),
    }
    words = ("right", "all", "wrong", "broken", "unknown", "")
    return {
        "nobody": {},
        **{f"word {word}": {"Authorization": word} for word in words},
        **{f"token {name}": {"Authorization": f"Bearer {text}"} for name, text in tokens.items()},
        "signed": signature(project, target, "test"),
        "signed wrongly": signature(project, target, "other"),
        "signed for another": signature(project, "/elsewhere", "test"),
    }


def through_the_client(project: Project, sent: Sent) -> Answer:
    client = project.app.test_client(
        ingress=project.ingress,
        raise_errors=False,
        use_cookies=False,
        jwks=project.folder / "keys.json",
        api_keys=["partner"],
    )
    headers = {"Host": "parity", **sent.headers}
    response = client.open(sent.target, method=sent.method, headers=headers, data=sent.body)
    return response.status_code, comparable(list(response.headers)), response.data


def requests_of(project: Project, stage: str = "") -> Iterator[tuple[str, Sent]]:
    for path in PATHS:
        for name, headers in credentials(project, f"{stage}{path}").items():
            yield f"GET {path} by {name}", Sent("GET", path, headers)
        for method in ("HEAD", "POST", "OPTIONS", "DELETE"):
            yield f"{method} {path} by nobody", Sent(method, path)
            yield f"{method} {path} by all", Sent(method, path, {"Authorization": "all"})


def differing(project: Project, ask: Callable[[Sent], Answer], stage: str = "") -> dict[str, Any]:
    """The requests that are answered otherwise, and how; those that are signed are signed for each place."""
    found: dict[str, Any] = {}
    pairs = zip(requests_of(project), requests_of(project, stage), strict=True)
    for (name, here), (_, there) in pairs:
        ours, theirs = through_the_client(project, here), ask(there)
        if ours != theirs:
            found[name] = (ours, theirs)
    return found


def test_local_answers_as_the_test_client(project: Project, local: int) -> None:
    assert differing(project, lambda sent: over_the_wire(local, sent)) == {}


def test_the_deployed_app_answers_as_the_test_client(project: Project, deployed: int) -> None:
    is_rest = project.ingress == "rest-api"

    def ask(sent: Sent) -> Answer:
        return below_the_stage(deployed, sent) if is_rest else over_the_wire(deployed, sent)

    assert differing(project, ask, "/local" if is_rest else "") == {}


def test_the_requests_reach_what_they_are_for(project: Project) -> None:
    statuses: dict[int, set[str]] = {}
    for name, sent in requests_of(project):
        statuses.setdefault(through_the_client(project, sent)[0], set()).add(name)

    assert {200, 403, 404} <= statuses.keys()
    if project.ingress != "function-url":
        assert {401, 500} <= statuses.keys()
        assert {"GET /staff/7 by word right", "GET /staff/7 by word all"} <= statuses[200]
        assert {"GET /staff/7 by word wrong", "GET /signed/a by signed wrongly"} <= statuses[403]
    assert "GET /signed/a by signed" in statuses[200]
    nobody = {name for name in statuses[200] if name.endswith("by nobody") and name.startswith("GET")}
    assert nobody <= {"GET /open by nobody", "GET /staff/me by nobody"}


def test_a_key_is_asked_for_beside_an_authorizer(project: Project, local: int) -> None:
    if project.ingress != "rest-api":
        assert "keyed" not in [rule.endpoint for rule in project.app.route_table]
        return
    both = Sent("GET", "/keyed", {"Authorization": "all", "x-api-key": "partner"})

    def through_local(sent: Sent) -> Answer:
        return over_the_wire(local, sent)

    for ask in (partial(through_the_client, project), through_local):
        assert ask(both)[0] == 200
        assert ask(replace(both, headers={"Authorization": "all"}))[0] == 403
        assert ask(replace(both, headers={"x-api-key": "partner"}))[0] == 401
