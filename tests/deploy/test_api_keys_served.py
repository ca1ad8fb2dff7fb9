"""API keys, deployed into the embedded cloud and asked for there, by the archive's own runtime."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any

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
app.cors = CORS(allow_origin="https://shop.example", allow_credentials=True, expose_headers=["X-Total"])

@app.get("/users/{id}", api_key_required=True)
def show(id):
    return {"id": id}
"""


def refused(url: str) -> tuple[int, bytes, dict[str, str]]:
    """What a page is answered that sends no API key."""
    request = urllib.request.Request(f"{url}/users/7", headers={"Origin": "https://shop.example"})
    with pytest.raises(urllib.error.HTTPError) as failed:
        urllib.request.urlopen(request, timeout=30)
    with failed.value as answer:
        return answer.code, answer.read(), cors_of(answer.headers.items())


def cors_of(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in fields if name.lower().startswith("access-control-")}


def test_what_the_gateway_answers_in_the_apps_place_has_its_cors_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "CODE", SEEN_BY_PAGES)
    (tmp_path / "app.py").write_text(SEEN_BY_PAGES)
    with EmbeddedCloud(region=REGION) as cloud:
        outcome = deployer(cloud, tmp_path, '["a"]').deploy()
        assert outcome.entrance is not None
        deployed = refused(cloud.serve_api(outcome.entrance[1]["id"]).rstrip("/"))
    with LocalServer(tmp_path, port=0) as server:
        local = refused(server.url)
    module: dict[str, Any] = {}
    exec(SEEN_BY_PAGES, module)
    client = module["app"].test_client(ingress="rest-api")
    answer = client.get("/users/7", headers={"Origin": "https://shop.example"})

    assert deployed == local == (answer.status_code, answer.data, cors_of(answer.headers.items()))
    assert deployed == (
        403,
        b'{"message":"Forbidden"}',
        {
            "access-control-allow-origin": "https://shop.example",
            "access-control-allow-credentials": "true",
            "access-control-expose-headers": "X-Total",
        },
    )


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
