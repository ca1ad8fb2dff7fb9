"""The entry point on Lambda: it finds the app, and what goes wrong is the function's own error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


def enter(folder: Path, environment: dict[str, str], event: object) -> subprocess.CompletedProcess[str]:
    """Imports the entry point in a fresh process and hands it one event."""
    code = (
        "import json, sys; from microlambda.runtime.entry import handler;"
        "print(json.dumps(handler(json.loads(sys.argv[1]), None)))"
    )
    return subprocess.run(
        [sys.executable, "-c", code, json.dumps(event)],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(
        "from microlambda import App\napp = App('shop')\napp.get('/')(lambda: 'hi')\n"
        "def handler(event, context): ...\n"
        "def create_app(): ...\n"
    )
    return tmp_path


EVENTS = Path(__file__).parent / "events"
CHECK = {"microlambda": {"check": 1}}


@pytest.mark.parametrize("handler", [{}, {"MICROLAMBDA_HANDLER": "http"}])
def test_it_binds_the_app_that_the_environment_names(folder: Path, handler: dict[str, str]) -> None:
    done = enter(folder, {"MICROLAMBDA_APP": "shop:app", **handler}, CHECK)

    assert (done.stderr, json.loads(done.stdout)) == ("", CHECK)


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({}, "MICROLAMBDA_APP is ''; it names the app as 'module:attribute'."),
        ({"MICROLAMBDA_APP": "shop"}, "it names the app as 'module:attribute'"),
        ({"MICROLAMBDA_APP": "shop:application"}, "shop has no App called 'application'"),
        ({"MICROLAMBDA_APP": "shop:App"}, "shop:App is the class App. Make an instance of it"),
        ({"MICROLAMBDA_APP": "shop:handler"}, "shop:handler is a Lambda handler, handler(event, context)"),
        ({"MICROLAMBDA_APP": "shop:create_app"}, "Write app = create_app(...) into a module"),
        (
            {"MICROLAMBDA_APP": "shop:app", "MICROLAMBDA_HANDLER": "nightly"},
            "no handler 'nightly'. It has: http",
        ),
        ({"MICROLAMBDA_APP": "store:app"}, "ImportError: No module named 'store'"),
    ],
)
def test_a_wrong_environment_is_said(folder: Path, environment: dict[str, str], complaint: str) -> None:
    done = enter(folder, environment, CHECK)

    assert done.returncode != 0
    assert complaint in done.stderr


BARE = """\
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}".encode()]
"""


@pytest.mark.parametrize("ingress", ["http-api", "rest-api", "function-url"])
def test_a_bare_application_stands_in_the_place_of_an_app(folder: Path, ingress: str) -> None:
    (folder / "bare.py").write_text(BARE)
    event = json.loads((EVENTS / f"{ingress}.json").read_text())

    done = enter(folder, {"MICROLAMBDA_APP": "bare:application", "MICROLAMBDA_HANDLER": "http"}, event)

    answer = json.loads(done.stdout)
    method = event.get("httpMethod") or event["requestContext"]["http"]["method"]
    assert (answer["statusCode"], answer["body"].split()[0], done.stderr) == (200, method, "")


def test_a_bare_application_answers_the_check(folder: Path) -> None:
    (folder / "bare.py").write_text(BARE)

    done = enter(folder, {"MICROLAMBDA_APP": "bare:application", "MICROLAMBDA_HANDLER": "http"}, CHECK)

    assert (done.stderr, json.loads(done.stdout)) == ("", CHECK)


def test_an_app_loads_nothing_of_what_wraps_applications(folder: Path) -> None:
    (folder / "shop.py").write_text(
        "import sys\nfrom microlambda import App\napp = App('shop')\n"
        "app.get('/modules')(lambda: [name for name in sys.modules if name.startswith('microlambda')])\n"
    )
    event = json.loads((EVENTS / "http-api.json").read_text())
    http = event["requestContext"]["http"] | {"method": "GET", "path": "/modules"}
    event = event | {"rawPath": "/modules", "requestContext": event["requestContext"] | {"http": http}}

    loaded = json.loads(json.loads(enter(folder, {"MICROLAMBDA_APP": "shop:app"}, event).stdout)["body"])

    assert "microlambda.runtime.app" in loaded
    assert not {"microlambda.runtime.bare", "microlambda.runtime.mounts"} & set(loaded)


def test_a_module_that_is_missing_is_told_with_the_place_that_imports_it(folder: Path) -> None:
    (folder / "helper.py").write_text("import os\nimport nowhere_to_be_found\n")
    (folder / "shop.py").write_text("import helper\n")

    done = enter(folder, {"MICROLAMBDA_APP": "shop:app"}, CHECK)

    assert (
        f"ImportError: No module named 'nowhere_to_be_found' ({folder / 'helper.py'}, line 2)" in done.stderr
    )
