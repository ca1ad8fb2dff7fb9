"""Protected views in `microlambda local`: authorizers run, tokens and signatures are checked."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from microlambda.local.server import LocalServer
from tests.local.events import WAIT, Events

ISSUER = "https://issuer.example.com/"
POOL = "eu-west-1_Abc123XYZ"
POOL_ISSUER = f"https://cognito-idp.eu-west-1.amazonaws.com/{POOL}"

APP = f"""
from microlambda import (
    App, AuthResponse, AuthRoute, CognitoUserPoolAuthorizer, IAMAuthorizer, JWTAuthorizer, request
)

app = App("shop")


@app.authorizer()
def staff(event):
    if event.token == "broken":
        raise ValueError("on purpose")
    print("asked about", event.path)
    return AuthResponse([AuthRoute("/orders/<id>", ["GET"])] if event.token == "right" else [], "ann")


@app.get("/orders/<int:id>", authorizer=staff)
def order(id):
    return {{"order": id, "by": request.authorizer.principal}}


@app.get("/elsewhere", authorizer=staff)
def elsewhere():
    return "never"


@app.get("/tokens", authorizer=JWTAuthorizer("{ISSUER}", "shop", scopes=["read"]))
def tokens():
    return {{"by": request.authorizer.principal}}


@app.get(
    "/pool",
    authorizer=CognitoUserPoolAuthorizer("arn:aws:cognito-idp:eu-west-1:123456789012:userpool/{POOL}"),
)
def pool():
    return {{"by": request.authorizer.principal}}


@app.get("/signed", authorizer=IAMAuthorizer())
def signed():
    return {{"by": request.authorizer.principal}}


@app.get("/")
def index():
    return "open"


@app.on_ws_connect(authorizer=staff)
def join(event):
    return None


@app.on_ws_message()
def said(event):
    app.websocket.send(event.connection_id, {{"by": event.authorizer["principalId"]}})
"""

#: Where nothing else asks, the same app with another authorizer of its own.
OTHER = """
from microlambda import App

app = App("shop")


@app.authorizer()
def staff(event):
    return event.token == "other"


@app.get("/orders/<int:id>", authorizer=staff)
def order(id):
    return {"order": id}
"""


@pytest.fixture(scope="session")
def key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


@pytest.fixture
def project(tmp_path: Path, key: RSAPrivateKey) -> Path:
    public = json.loads(RSAAlgorithm.to_jwk(key.public_key()))
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [{**public, "kid": "one", "alg": "RS256"}]}))
    (tmp_path / "microlambda.toml").write_text('jwks = "keys.json"\n')
    return tmp_path


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def server(project: Path, events: Events) -> Iterator[LocalServer]:
    with LocalServer(project, port=0, reload=True, console=events) as server:
        yield server


def token(key: RSAPrivateKey, **claims: Any) -> str:
    now = int(time.time())
    given = {"iss": ISSUER, "aud": "shop", "sub": "ann", "scope": "read", "exp": now + 600, **claims}
    return jwt.encode(given, key, algorithm="RS256", headers={"kid": "one"})


def ask(server: LocalServer, path: str, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=WAIT)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        text = answer.read().decode()
        is_json = answer.headers.get_content_type() == "application/json"
        return answer.status, json.loads(text) if is_json else text
    finally:
        connection.close()


def with_token(server: LocalServer, path: str, value: str) -> tuple[int, Any]:
    return ask(server, path, {"Authorization": value})


def test_a_function_of_the_app_decides_and_is_asked_once_for_a_caller(
    server: LocalServer, events: Events
) -> None:
    assert with_token(server, "/orders/7", "right") == (200, {"order": 7, "by": "ann"})
    assert with_token(server, "/orders/8", "right") == (200, {"order": 8, "by": "ann"})
    assert with_token(server, "/elsewhere", "right")[0] == 403
    assert with_token(server, "/orders/7", "wrong")[0] == 403
    assert ask(server, "/orders/7") == (401, {"message": "Unauthorized"})

    assert [events.next().name for _ in range(2)] == ["staff", "staff"]
    assert events.events.empty()
    assert "asked about /orders/7" in events.out.getvalue()
    assert "asked about /orders/8" not in events.out.getvalue()


def test_an_authorizer_that_fails_is_500_and_shown(server: LocalServer, events: Events) -> None:
    assert with_token(server, "/orders/7", "broken") == (500, {"message": "Internal Server Error"})

    assert events.next().error == "Unhandled"
    assert "ValueError: on purpose" in events.out.getvalue()


@pytest.mark.parametrize("path", ["/orders/7/", "//orders/7", "/orders//7", "/%6Frders/7", "/orders%2F7"])
def test_another_spelling_reaches_no_view(server: LocalServer, path: str) -> None:
    assert ask(server, path)[0] in (301, 308, 401, 403, 404)


def test_tokens_are_checked_by_the_keys_of_the_settings(server: LocalServer, key: RSAPrivateKey) -> None:
    assert with_token(server, "/tokens", f"Bearer {token(key)}") == (200, {"by": "ann"})

    refused = [
        token(key, exp=1),
        token(key, aud="other"),
        token(key, iss="https://other.example.com/"),
        token(generate_private_key(65537, 2048)),
        "no token",
    ]
    assert [with_token(server, "/tokens", f"Bearer {one}")[0] for one in refused] == [401] * 5
    assert with_token(server, "/tokens", f"Bearer {token(key, scope='write')}")[0] == 403


def test_no_token_is_printed(server: LocalServer, key: RSAPrivateKey, events: Events) -> None:
    sent = [token(key, exp=1), token(key)]

    for one in sent:
        with_token(server, "/tokens", f"Bearer {one}")

    shown = events.out.getvalue() + events.err.getvalue()
    assert "GET /tokens 401" in shown
    assert not any(part in shown for one in sent for part in one.split("."))


def test_a_rest_api_checks_tokens_of_user_pools(project: Path, key: RSAPrivateKey) -> None:
    with LocalServer(project, port=0, ingress="rest-api") as server:
        right = token(key, iss=POOL_ISSUER, token_use="id")

        assert with_token(server, "/pool", right) == (200, {"by": "ann"})
        assert with_token(server, "/pool", token(key))[0] == 401


def test_requests_are_signed_with_the_keys_of_this_machine(server: LocalServer) -> None:
    def status(secret: str, session: str | None = None) -> tuple[int, Any]:
        request = AWSRequest("GET", f"{server.url}/signed")
        SigV4Auth(Credentials("test", secret, session), "execute-api", "us-east-1").add_auth(request)
        return ask(server, "/signed", dict(request.headers))

    assert status("test") == (200, {"by": "arn:aws:iam::123456789012:user/developer"})
    assert status("test", "test")[0] == 200
    assert status("other")[0] == 403
    assert status("test", "other")[0] == 403
    assert ask(server, "/signed")[0] == 403


def test_what_the_ingress_cannot_ask_is_said_at_the_start_and_lets_nobody_in(
    project: Path, events: Events, key: RSAPrivateKey
) -> None:
    with LocalServer(project, port=0, ingress="rest-api", console=events) as server:
        assert with_token(server, "/tokens", f"Bearer {token(key)}")[0] == 401

    note = events.notes.get(timeout=WAIT)
    assert note.startswith("Warning: '/tokens' (tokens, app.py:")
    assert note.endswith("has an authorizer, for which rest-api cannot ask: it lets nobody in.")


def test_new_code_of_an_authorizer_decides_at_once(
    server: LocalServer, events: Events, project: Path
) -> None:
    assert with_token(server, "/orders/7", "right")[0] == 200

    (project / "app.py").write_text(OTHER)
    events.reloads.get(timeout=WAIT)

    assert with_token(server, "/orders/7", "right")[0] == 403
    assert with_token(server, "/orders/7", "other")[0] == 200


@pytest.mark.parametrize(("value", "status"), [(None, 401), ("wrong", 403), ("broken", 500)])
def test_a_websocket_is_refused_to_whom_the_authorizer_refuses_it(
    server: LocalServer, value: str | None, status: int
) -> None:
    headers = {} if value is None else {"Authorization": value}

    with (
        pytest.raises(InvalidStatus) as refused,
        connect(f"ws://127.0.0.1:{server.port}/", additional_headers=headers, proxy=None),
    ):
        pass

    assert refused.value.response.status_code == status


def test_the_developer_is_told_why_a_websocket_was_refused_and_not_the_callers_token(
    server: LocalServer, events: Events
) -> None:
    headers = {"Authorization": "wr0ng"}
    with (
        pytest.raises(InvalidStatus),
        connect(f"ws://127.0.0.1:{server.port}/?key=s3cr3t", additional_headers=headers, proxy=None),
    ):
        pass

    told = events.out.getvalue()
    assert "GET / 403 -\n  the authorizer denies this to the caller: staff has answered a policy" in told
    assert "wr0ng" not in told
    assert "s3cr3t" not in told


@pytest.mark.parametrize("path", ["/", "/local"])
@pytest.mark.parametrize("signer", [SigV4Auth, SigV4QueryAuth])
def test_a_websocket_may_be_signed_for_the_url_that_it_is_opened_at(
    project: Path, path: str, signer: type[SigV4Auth]
) -> None:
    (project / "app.py").write_text(
        APP.replace("on_ws_connect(authorizer=staff)", "on_ws_connect(authorizer=IAMAuthorizer())").replace(
            'event.authorizer["principalId"]', 'event.raw["requestContext"]["identity"]["userArn"]'
        )
    )
    (project / "microlambda.toml").write_text('region = "eu-west-1"\n')

    with LocalServer(project, port=0) as server:

        def opened(secret: str, region: str = "eu-west-1") -> Any:
            request = AWSRequest("GET", f"{server.url}{path}", headers={"Host": f"127.0.0.1:{server.port}"})
            signer(Credentials("test", secret), "execute-api", region).add_auth(request)
            fields = {name: value for name, value in request.headers.items() if name != "Host"}
            return connect(request.url.replace("http", "ws", 1), additional_headers=fields, proxy=None)

        with opened("test") as socket:
            socket.send("hello")
            assert json.loads(socket.recv(timeout=WAIT)) == {"by": "arn:aws:iam::123456789012:user/developer"}
        for secret, region in (("other", "eu-west-1"), ("test", "us-east-1")):
            with pytest.raises(InvalidStatus) as refused:
                opened(secret, region)
            assert refused.value.response.status_code == 403


def test_what_the_authorizer_said_is_in_every_event_of_a_connection(project: Path) -> None:
    source = APP.replace('[AuthRoute("/orders/<id>", ["GET"])]', '["*"]')
    (project / "app.py").write_text(source)
    headers = {"Authorization": "right"}

    with (
        LocalServer(project, port=0) as server,
        connect(f"ws://127.0.0.1:{server.port}/", additional_headers=headers, proxy=None) as socket,
    ):
        socket.send("hello")
        assert json.loads(socket.recv(timeout=WAIT)) == {"by": "ann"}
