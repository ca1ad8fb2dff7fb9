"""The pytest plugin, in runs of pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

APP = """\
import os
from microlambda import App

app = App("shop")
TABLE = os.environ.get("TABLE")
"""
SETTINGS = """\
[environment]
TABLE = "orders"
TOKEN = "${env:SHOP_TOKEN}"

[stages.local.environment]
TABLE = "orders-local"
"""
TEST = """\
import os
import app

def test_environment():
    assert app.TABLE == "orders-local"
    assert os.environ["TOKEN"] == "s3cret"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, "app.py", APP)
    write(tmp_path, "microlambda.toml", SETTINGS)
    write(tmp_path, "tests/test_it.py", TEST)
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def run_pytest(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # Without the other plugins that are installed here a run takes a third of the time.
    command = [sys.executable, "-P", "-m", "pytest", "-p", "microlambda.testing.plugin", *arguments]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return subprocess.run(
        command,
        cwd=folder,
        env={**inherited, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_environment_of_the_stage_local_is_there_before_the_app_is_imported(project: Path) -> None:
    # What is set already yields, as it would to the function's configuration on Lambda.
    done = run_pytest(project, SHOP_TOKEN="s3cret", TABLE="from-the-shell")

    assert done.returncode == 0, done.stdout
    assert f"microlambda: {project}, stage local" in done.stdout
    assert "s3cret" not in done.stdout


def test_a_src_layout_and_tests_named_from_elsewhere(project: Path) -> None:
    write(project, "src/app.py", APP)
    (project / "app.py").unlink()

    done = run_pytest(
        project.parent, f"{project.name}/tests/test_it.py::test_environment", SHOP_TOKEN="s3cret"
    )

    assert done.returncode == 0, done.stdout


def test_a_missing_variable_is_one_message(project: Path) -> None:
    done = run_pytest(project)

    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "SettingsError: environment variable TOKEN of stage 'local' needs SHOP_TOKEN" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_plugin_can_be_switched_off(project: Path) -> None:
    done = run_pytest(project, "-p", "no:microlambda.testing.plugin")

    assert "No module named 'app'" in done.stdout


UNRELATED = """\
import sys

def test_it():
    loaded = {name.partition(".")[0] for name in sys.modules}
    assert not loaded & {"werkzeug", "boto3", "click", "rich", "watchfiles", "tomlkit"}
    assert not any(name.startswith("microlambda.project") for name in sys.modules)
    assert %r not in sys.path
"""


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({}, id="empty"),
        pytest.param({"app.py": "from flask import Flask\n", "pyproject.toml": "[project]\n"}, id="flask"),
        pytest.param({"pyproject.toml": "no toml at all ["}, id="broken-pyproject"),
    ],
)
def test_elsewhere_nothing_happens_and_nothing_is_imported(tmp_path: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        write(tmp_path, name, text)
    write(tmp_path, "tests/test_it.py", UNRELATED % str(tmp_path))

    # -c: pytest itself would refuse the broken file.
    done = run_pytest(tmp_path, "-c", "/dev/null", "--rootdir", str(tmp_path))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "microlambda:" not in done.stdout


def test_of_several_projects_none_is_set_up_and_that_is_said(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(tmp_path, f"{name}/microlambda.toml", "[environment]\nTABLE = 'x'\n")
        write(
            tmp_path,
            f"{name}/test_{name}.py",
            "import os\n\ndef test_it():\n    assert 'TABLE' not in os.environ\n",
        )

    done = run_pytest(tmp_path, "one", "two")

    assert done.returncode == 0, done.stdout
    assert "microlambda: several projects" in done.stdout


FIXTURES_APP = """\
from microlambda import App, SQSRecord

app = App("shop")

@app.get("/hello")
def hello():
    return {"hello": "world"}

@app.on_sqs_message(queue="orders")
def handle(record: SQSRecord):
    if record.body == "bad":
        raise ValueError(record.body)
"""
FIXTURES_TEST = """\
from app import app

def test_the_app_is_the_projects(microlambda_app):
    assert microlambda_app is app

def test_requests(microlambda_client):
    assert microlambda_client.get("/hello").json == {"hello": "world"}

def test_events(microlambda_client):
    result = microlambda_client.sqs("orders", ["good", "bad"])
    assert [record["body"] for record in result.failed_records] == ["bad"]

def test_by_hand(microlambda_app, microlambda_context):
    event = {"version": "2.0", "rawPath": "/hello", "requestContext": {"http": {"method": "GET"}}}
    assert microlambda_app(event, microlambda_context)["statusCode"] == 200
    assert microlambda_context.function_name == "shop-local-http"
    assert microlambda_context.get_remaining_time_in_millis() > 0
"""


def test_the_fixtures_are_those_of_the_projects_app(tmp_path: Path) -> None:
    write(tmp_path, "app.py", FIXTURES_APP)
    write(tmp_path, "tests/test_it.py", FIXTURES_TEST)

    done = run_pytest(tmp_path)

    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout


@pytest.mark.parametrize(
    ("files", "says"),
    [
        pytest.param({}, "the App of the project that is tested, and there is none", id="no project"),
        pytest.param({"app.py": "import microlambda\n1/0\n"}, "AppImportFailed: app.py", id="a broken app"),
        pytest.param({"app.py": "import microlambda\n"}, "AppNotFound", id="no App"),
    ],
)
def test_a_fixture_without_an_app_says_why(tmp_path: Path, files: dict[str, str], says: str) -> None:
    write(tmp_path, "tests/test_it.py", "def test_it(microlambda_client): ...\n")
    for name, text in files.items():
        write(tmp_path, name, text)

    done = run_pytest(tmp_path, "--rootdir", str(tmp_path))

    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert says in done.stdout


def test_a_project_without_an_app_has_the_fixtures_for_its_application(tmp_path: Path) -> None:
    hello = "from flask import Flask\napp = Flask(__name__)\napp.get('/')(lambda: 'hello')\n"
    write(tmp_path, "hello.py", hello)
    write(tmp_path, "microlambda.toml", 'name = "shop"\napp = "hello:app"\n')
    test = "def test_it(microlambda_client):\n    assert microlambda_client.get('/').text == 'hello'\n"
    write(tmp_path, "tests/test_it.py", test)

    done = run_pytest(tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
