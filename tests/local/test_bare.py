"""`microlambda local` with a web application in the place of an App."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from microlambda.local.server import LocalServer
from tests.local.events import Events

Get = Callable[[str], tuple[int, str]]

FLASK = """\
from flask import Flask, request

app = Flask(__name__)


@app.get("/")
def index():
    return {"hello": "world"}


@app.get("/where/<path:rest>")
def where(rest):
    return {"root": request.script_root, "path": request.path, "query": request.query_string.decode()}
"""


@pytest.mark.parametrize("ingress", ["http-api", "rest-api", "function-url"])
def test_a_flask_is_served_as_it_is_behind_every_gateway(tmp_path: Path, get: Get, ingress: str) -> None:
    (tmp_path / "hello.py").write_text(FLASK)

    with LocalServer(tmp_path, "hello:app", port=0, ingress=ingress) as server:
        status, text = get(f"{server.url}/where/a%20b?x=1&x=2")
        assert get(f"{server.url}/nowhere")[0] == 404

    assert (status, json.loads(text)["path"], json.loads(text)["query"]) == (200, "/where/a b", "x=1&x=2")


def test_a_change_of_a_flask_serves(tmp_path: Path, get: Get) -> None:
    (tmp_path / "hello.py").write_text(FLASK)
    events = Events()

    with LocalServer(tmp_path, port=0, reload=True, console=events) as server:
        assert get(f"{server.url}/") == (200, '{"hello":"world"}\n')
        (tmp_path / "hello.py").write_text(FLASK.replace("world", "again"))
        events.reloads.get(timeout=30)

        assert get(f"{server.url}/") == (200, '{"hello":"again"}\n')


def test_a_django_as_startproject_makes_it_is_served(tmp_path: Path, get: Get) -> None:
    command = [sys.executable, "-P", "-m", "django", "startproject", "mysite", str(tmp_path)]
    subprocess.run(command, check=True, cwd=tmp_path)

    with LocalServer(tmp_path, "mysite.wsgi:application", port=0) as server:
        status, page = get(f"{server.url}/")

    assert (status, "The install worked successfully!" in page) == (200, True)


def test_a_factory_is_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text("from flask import Flask\ndef create_app():\n    return Flask('x')\n")

    done = subprocess.run(
        [sys.executable, "-P", "-m", "microlambda", "local", "hello:create_app", "--port", "0"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode != 0
    assert "Write app = create_app(...) into a module, wsgi.py say, and name that: wsgi:app." in done.stderr
