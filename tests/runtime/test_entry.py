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
    )
    return tmp_path


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
        ({"MICROLAMBDA_APP": "shop:App"}, "shop has no App called 'App'"),
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


def test_a_module_that_is_missing_is_told_with_the_place_that_imports_it(folder: Path) -> None:
    (folder / "helper.py").write_text("import os\nimport nowhere_to_be_found\n")
    (folder / "shop.py").write_text("import helper\n")

    done = enter(folder, {"MICROLAMBDA_APP": "shop:app"}, CHECK)

    assert (
        f"ImportError: No module named 'nowhere_to_be_found' ({folder / 'helper.py'}, line 2)" in done.stderr
    )
