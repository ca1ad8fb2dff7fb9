"""API keys, deployed into the embedded cloud and asked for there, by the archive's own runtime."""

from __future__ import annotations

import http.client
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import microlambda
from microlambda import App
from microlambda.deploy.deployer import Deployer
from microlambda.deploy.session import Aws
from microlambda.emulator.cloud import EmbeddedCloud
from microlambda.local.server import LocalServer
from microlambda.plan.compile import compile_plan
from microlambda.project.pieces import FunctionPieces, Piece, Pieces
from microlambda.project.settings import load_settings
from tests.deploy.conftest import REGION, zipped

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
PACKAGE = Path(microlambda.__file__).parent
SETTINGS = f'id = "k3v9x2"\nregion = "{REGION}"\npython = "{PYTHON}"\ningress = "rest-api"\n'

CODE = """
from microlambda import App

app = App("shop")

@app.get("/users/{id}", api_key_required=True)
def show(id):
    return {"id": id}

@app.put("/users/{id}")
def change(id):
    return {"changed": id}

@app.get("/users/me")
def me():
    return {"open": "me"}

@app.get("/users/{id}/orders")
def orders(id):
    return {"orders": id}

@app.get("/files/{rest+}", api_key_required=True)
def file(rest):
    return {"file": rest}
"""


def archive(_key: str) -> bytes:
    runtime = [PACKAGE / "__init__.py", *(PACKAGE / "runtime").rglob("*.py")]
    ours = {path.relative_to(PACKAGE.parent).as_posix(): path.read_text() for path in runtime}
    return zipped({"app.py": CODE, **ours})


def deployer(cloud: EmbeddedCloud, root: Path, keys: str) -> Deployer:
    (root / "microlambda.toml").write_text(f"{SETTINGS}api_keys = {keys}\n")
    module: dict[str, Any] = {}
    exec(CODE, module)
    app: App = module["app"]
    pieces = Pieces(common=FunctionPieces(code=Piece(key="code", inputs="one")))
    plan = compile_plan(app, load_settings(root, "dev"), app_path="app:app", pieces=pieces, environ={})
    return Deployer(Aws(cloud.client, region=REGION), plan, archive=archive)


def ask(url: str, path: str, key: str | None = None, method: str = "GET") -> tuple[int, Any]:
    headers = {} if key is None else {"x-api-key": key}
    request = urllib.request.Request(f"{url}{path}", headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.loads(response.read() or "null")
    except urllib.error.HTTPError as exc:
        return exc.code, json.loads(exc.read() or "null")


SEEN_BY_PAGES = """
from microlambda import App, CORS

app = App("shop")
app.cors = CORS(origins="https://shop.example", credentials=True, expose=["X-Total"])

@app.get("/users/{id}", api_key_required=True)
def show(id):
    return {"id": id}

@app.get("/open")
def opened():
    return "open"
"""

Answer = tuple[int, bytes, list[tuple[str, str]]]

#: What a gateway or a server numbers or counts by itself.
NUMBERED = frozenset(
    "connection content-length date server x-amz-apigw-id x-amzn-requestid x-amzn-trace-id".split()
)
ORIGIN = {"Origin": "https://shop.example"}
#: What a gateway answers itself: the key that a view asks for is missing, or wrong; fields are too long.
REFUSED: list[tuple[str, dict[str, str], int]] = [
    ("/users/7", {}, 403),
    ("/users/7", {"x-api-key": "wrong"}, 403),
    ("/open", {"X-Long": "x" * 10_300}, 431),
]


def over_http(url: str, path: str, headers: dict[str, str]) -> Answer:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    with closing(connection):
        connection.request("GET", f"{urlsplit(url).path}{path}", headers=headers)
        response = connection.getresponse()
        return response.status, response.read(), comparable(response.getheaders())


def comparable(fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted((name.lower(), value) for name, value in fields if name.lower() not in NUMBERED)


def test_what_the_gateway_answers_in_the_apps_place_is_the_same_everywhere_and_has_its_cors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "CODE", SEEN_BY_PAGES)
    (tmp_path / "app.py").write_text(SEEN_BY_PAGES)
    asked = [(path, ORIGIN | headers) for path, headers, _status in REFUSED]
    with EmbeddedCloud(region=REGION) as cloud:
        outcome = deployer(cloud, tmp_path, '["a"]').deploy()
        assert outcome.entrance is not None
        url = cloud.serve_api(outcome.entrance[1]["id"]).rstrip("/")
        deployed = [over_http(url, *one) for one in asked]
    with LocalServer(tmp_path, port=0) as server:
        local = [over_http(server.url.rstrip("/"), *one) for one in asked]
    module: dict[str, Any] = {}
    exec(SEEN_BY_PAGES, module)
    client = module["app"].test_client(ingress="rest-api", api_keys=["a"])
    answers = [client.get(path, headers=headers) for path, headers in asked]

    assert deployed == [(one.status_code, one.data, comparable(one.headers.items())) for one in answers]
    assert deployed == local
    assert [status for status, _, _ in deployed] == [status for _, _, status in REFUSED]
    assert deployed[0][1] == b'{"message":"Forbidden"}'
    for _, _, fields in deployed:
        assert [one for one in fields if one[0].startswith("access-control-")] == [
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-origin", "https://shop.example"),
            ("access-control-expose-headers", "X-Total"),
        ]


def value_of(cloud: EmbeddedCloud, name: str) -> str:
    keys = cloud.client("apigateway").get_api_keys(includeValues=True)["items"]
    found: str = next(key["value"] for key in keys if key["name"] == f"shop-dev-{name}")
    return found


def test_a_deployed_view_is_for_callers_with_a_key_of_the_settings(tmp_path: Path) -> None:
    pytest.importorskip("moto.server")
    with EmbeddedCloud(region=REGION) as cloud:
        outcome = deployer(cloud, tmp_path, '["a", "b"]').deploy()
        assert outcome.entrance is not None
        url = cloud.serve_api(outcome.entrance[1]["id"]).rstrip("/")
        a, b = value_of(cloud, "a"), value_of(cloud, "b")

        for key in (a, b):
            assert ask(url, "/users/7", key) == (200, {"id": "7"})
            assert ask(url, "/files/x/y", key) == (200, {"file": "x/y"})
        assert ask(url, "/users/7", a, "HEAD") == (200, None)
        for path in ("/users/7", "/users/7/", "//users/7", "/files/x", "/files/x/y/"):
            for method in ("GET", "HEAD"):
                assert ask(url, path, method=method)[0] == 403
            assert ask(url, path, "wrong") == (403, {"message": "Forbidden"})
        for path in ("/%75sers/7", "/users%2F7", "/%66iles/x"):  # by the app: the catch-all was its way
            assert ask(url, path, a)[1]["detail"] == "this view asks for an API key."
        assert ask(url, "/users/7", method="PUT") == (200, {"changed": "7"})
        assert ask(url, "/users/7", method="OPTIONS")[0] == 200
        assert ask(url, "/users/me") == (200, {"open": "me"})
        assert ask(url, "/users/7/orders") == (200, {"orders": "7"})
        assert ask(url, "/nothing")[0] == 404

        deployer(cloud, tmp_path, '["b"]\ntags = { team = "red" }').deploy()
        assert (ask(url, "/users/7", a)[0], ask(url, "/users/7", b)[0]) == (403, 200)
        assert deployer(cloud, tmp_path, '["b"]\ntags = { team = "red" }').changes() == ()

        deployer(cloud, tmp_path, '["b"]').delete()
        assert cloud.client("apigateway").get_api_keys()["items"] == []
        assert cloud.client("apigateway").get_usage_plans()["items"] == []
