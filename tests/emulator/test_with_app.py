"""A real microlambda app behind server, gateway and sandbox: on each ingress, over HTTP, the same answers."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import microlambda
from microlambda.emulator.gateway import Gateway
from microlambda.emulator.sandbox import SandboxPool
from microlambda.emulator.server import Server

from .conftest import MakeSpec

APP = """
from microlambda import App, Response, request

app = App("demo")

@app.get("/")
def index():
    return {"hello": "world"}

@app.post("/echo/<name>")
def echo(name):
    return {"name": name, "json": request.json, "q": request.args.get("q")}, 201

@app.get("/bytes")
def raw():
    return Response(bytes(range(256)), headers={"Content-Type": "application/octet-stream"})

@app.get("/fail")
def fail():
    raise ValueError("of mine")
"""

Fetch = Callable[..., tuple[int, dict[str, str], bytes]]


@pytest.fixture(params=["http-api", "rest-api", "function-url"])
def fetch(request: pytest.FixtureRequest, function: MakeSpec) -> Iterator[Fetch]:
    spec = function(APP, handler="app.app")
    packages = str(Path(microlambda.__file__).parents[1])
    spec = replace(spec, environment={**spec.environment, "PYTHONPATH": packages})
    with (
        SandboxPool(spec, output=lambda *_: None) as pool,
        Server(Gateway(request.param, pool.invoke)) as server,
    ):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)

        def send(method: str, path: str, body: Any = None) -> tuple[int, dict[str, str], bytes]:
            headers = {"Content-Type": "application/json"} if body is not None else {}
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            response = connection.getresponse()
            fields = {name.lower(): value for name, value in response.getheaders()}
            return response.status, fields, response.read()

        yield send
        connection.close()


def test_json_goes_out(fetch: Fetch) -> None:
    status, headers, body = fetch("GET", "/")

    assert (status, json.loads(body)) == (200, {"hello": "world"})
    assert headers["content-type"].startswith("application/json")


def test_path_query_and_body_come_in(fetch: Fetch) -> None:
    status, _, body = fetch("POST", "/echo/caf%C3%A9?q=a%26b", {"msg": "ü"})

    assert status == 201
    assert json.loads(body) == {"name": "café", "json": {"msg": "ü"}, "q": "a&b"}


def test_bytes_go_out(fetch: Fetch) -> None:
    assert fetch("GET", "/bytes")[2] == bytes(range(256))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("DELETE", "/", 405), ("HEAD", "/", 200), ("GET", "/fail", 500)],
    ids=["404", "405", "head", "500"],
)
def test_the_apps_own_statuses_go_out(fetch: Fetch, method: str, path: str, status: int) -> None:
    assert fetch(method, path)[0] == status
