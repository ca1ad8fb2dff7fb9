"""A custom domain's base path, before the paths of the app."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from microlambda.local.server import LocalServer
from tests.local.conftest import Get
from tests.local.events import Events

APP = """\
from microlambda import App, redirect, request, url_for

app = App("shop")


@app.get("/")
def index():
    return "index"


@app.get("/users/<name>")
def user(name):
    return {"path": request.path, "root": request.root_path, "name": name, "url": url_for("user", name="b c")}


@app.get("/v1/nested")
def nested():
    return "nested"


@app.get("/there")
def there():
    return redirect(url_for("index"))
"""

REFUSED = (403, '{"message":"Missing Authentication Token"}')


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "microlambda.toml").write_text("base_path = 'v1'\n")
    return tmp_path


@pytest.mark.parametrize("ingress", ["http-api", "http-api-1.0", "rest-api"])
def test_the_app_is_served_below_its_base_path_and_nowhere_else(
    project: Path, get: Get, ingress: str
) -> None:
    events = Events()
    with LocalServer(project, port=0, ingress=ingress, console=events) as server:
        assert get(f"{server.url}/v1/") == (200, "index")
        assert get(f"{server.url}/v1") == (200, "index")
        status, text = get(f"{server.url}/v1/users/a%20b")
        assert status == 200
        assert json.loads(text) == {
            "path": "/users/a b",
            "root": "/v1",
            "name": "a b",
            "url": "/v1/users/b%20c",
        }
        assert get(f"{server.url}/v1/v1/nested") == (200, "nested")
        assert get(f"{server.url}/v1/there") == (200, "index")  # the redirect has the base path
        assert get(f"{server.url}/v1/nothing")[0] == 404
        for path in ("/", "/users/a", "/v1x", "/V1/"):
            assert get(f"{server.url}{path}") == REFUSED

    assert f"Serving on {server.url}/v1 " in events.out.getvalue()


def test_where_there_are_no_custom_domains_that_is_said(project: Path, get: Get) -> None:
    events = Events()
    with LocalServer(project, port=0, ingress="function-url", console=events) as server:
        assert get(f"{server.url}/users/a")[0] == 200

    assert "base_path = 'v1' has no effect here: behind function-url there are no" in events.err.getvalue()
