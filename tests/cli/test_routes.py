"""`microlambda routes`: the table for people, the JSON for machines."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from microlambda.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APP = """\
from microlambda import App

app = App("shop")
other = App("other")


@app.get("/")
def index():
    return "hello"


@app.route("/items/<int:id>", methods=["PUT", "delete"], endpoint="item")
def change(id):
    return ""
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path, modules = list(sys.path), set(sys.modules)
    (tmp_path / "app.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if not name.startswith("microlambda"):
            del sys.modules[name]


def routes(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["routes", *arguments])


@pytest.mark.usefixtures("project")
def test_lists_methods_rule_view_and_place_in_order() -> None:
    assert routes().output.splitlines() == [
        "GET          /                index  app.py:7",
        "DELETE, PUT  /items/<int:id>  item   app.py:12",
    ]


def test_functions_without_a_route_come_last(project: Path) -> None:
    added = "\n\n@app.lambda_function()\ndef nightly(event, context):\n    return 1\n"
    (project / "app.py").write_text(APP + added)

    assert routes().output.splitlines()[-1].split() == ["lambda_function", "nightly", "app.py:17"]


@pytest.mark.usefixtures("project")
def test_json_for_machines() -> None:
    told = json.loads(routes("--json").output)

    assert (told["app"], told["functions"]) == ("shop", [])
    assert told["routes"][1] == {
        "methods": ["DELETE", "PUT"],
        "rule": "/items/<int:id>",
        "view": "item",
        "location": "app.py:12",
        "protected": [],
    }


def test_json_tells_the_functions_too(project: Path) -> None:
    added = '\n\n@app.on_sqs_message("orders")\ndef ordered(event):\n    return None\n'
    (project / "app.py").write_text(APP + added)

    (function,) = json.loads(routes("--json").output)["functions"]

    assert function == {
        "name": "ordered",
        "kind": "on_sqs_message",
        "declared": "@app.on_sqs_message(queue='orders')",
        "location": "app.py:17",
    }


@pytest.mark.usefixtures("project")
def test_an_app_without_routes_is_said() -> None:
    assert routes("app:other").output == "The app 'other' has no routes.\n"


@pytest.mark.usefixtures("project")
def test_a_target_that_is_not_there_suggests_the_same_command() -> None:
    result = routes("app:shop")

    assert result.exit_code == 1
    assert "microlambda routes app:" in result.stderr


def test_the_app_is_imported_with_the_environment_of_the_stage_local(project: Path) -> None:
    (project / "microlambda.toml").write_text("[stages.local.environment]\nGREETING_PATH = '/hi'\n")
    (project / "app.py").write_text(APP.replace('"/"', '__import__("os").environ["GREETING_PATH"]'))

    assert "/hi" in routes().output


def test_an_app_that_does_not_import_shows_place_and_traceback(project: Path) -> None:
    (project / "app.py").write_text("import os\nos.environ['NOT_SET_ANYWHERE']\n")

    result = routes()

    assert result.exit_code == 1
    first, *rest = result.stderr.splitlines()
    assert first == "AppImportFailed: app.py:2: KeyError: 'NOT_SET_ANYWHERE'"
    assert f'  File "{project / "app.py"}", line 2, in <module>' in rest
    assert "microlambda/" not in "".join(rest).replace(str(project), "")


def test_what_protects_a_view_is_listed(project: Path) -> None:
    (project / "app.py").write_text(
        "from microlambda import App, IAMAuthorizer\n\n"
        "app = App('shop')\n"
        "app.authorizer('check')(check := lambda event: True)\n"
        "app.get('/a', authorizer=IAMAuthorizer())(lambda: '')\n"
        "app.get('/b', authorizer=check, api_key_required=True)(lambda: '')\n"
        "app.get('/c')(lambda: '')\n"
    )

    lines = routes().output.splitlines()
    listed = json.loads(routes("--json").output)["routes"]

    assert lines[0].endswith("app.py:5  IAMAuthorizer()")
    assert lines[1].endswith("an API key and @app.authorizer() 'check'")
    assert lines[2].rstrip().endswith("app.py:7")
    assert [one["protected"] for one in listed] == [
        ["IAMAuthorizer()"],
        ["an API key", "@app.authorizer() 'check'"],
        [],
    ]


def test_an_application_without_an_app_is_listed_as_what_it_is(project: Path) -> None:
    (project / "hello.py").write_text("from flask import Flask\napp = Flask(__name__)\n")

    listed = json.loads(routes("hello:app", "--json").output)

    assert listed["app"] == "hello"
    (route,) = listed["routes"]
    assert (route["rule"], route["view"], route["location"]) == ("/<path:path>", "Flask", "flask.app")
    assert set(route["methods"]) >= {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
