from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from microlambda.bundle.archive import names
from microlambda.bundle.cache import cache_folder
from microlambda.bundle.own_code import compile_project
from microlambda.cli.main import main
from tests.bundle.conftest import APP, served, source_files

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bundle.conftest import Project, Wheelhouse

HOST_PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture
def command(project: Project, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.chdir(project.root)
    return CliRunner()


def test_package_says_what_it_uses_and_what_it_made(
    command: CliRunner, project: Project, index: Wheelhouse
) -> None:
    index.wheel("pure")
    project.write("microlambda.toml", 'name = "sms-shooter"\npython = "3.12"\narchitecture = "arm64"\n')
    project.write("requirements.txt", "pure")

    result = command.invoke(main, ["package", "--out", "made", "--resolver", "pip"])

    assert result.exit_code == 0, result.output
    first, second, third, *_, code, layer = result.output.splitlines()
    assert first == "Requirements: requirements.txt"
    assert second == "Target: python3.12 on arm64 (glibc up to 2.34)"
    assert third.startswith("Resolving with pip ")
    assert code.startswith("made/sms-shooter.zip: 0.")
    assert code.endswith("unpacked, the code")
    assert layer.startswith("made/sms-shooter-dependencies.zip: 0.")
    assert layer.endswith("unpacked, the layer of 1 package")
    assert {path.name for path in (project.root / "made").iterdir()} == {
        "sms-shooter.zip",
        "sms-shooter-dependencies.zip",
    }


def test_package_makes_one_archive_where_asked(
    command: CliRunner, project: Project, index: Wheelhouse
) -> None:
    index.wheel("pure")
    project.write("requirements.txt", "pure")

    result = command.invoke(main, ["package", "--out", "made", "--single", "--resolver", "uv"])

    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1].endswith("unpacked, 1 package")
    assert [path.name for path in (project.root / "made").iterdir()] == ["shop.zip"]
    assert "pure/__init__.py" in names(project.root / "made" / "shop.zip")


def test_package_does_not_import_the_app(command: CliRunner, project: Project) -> None:
    project.write(
        "src/api.py", "from microlambda import App\napp = App('api')\nraise SystemExit('imported')\n"
    )

    result = command.invoke(main, ["package", "api:app"])

    assert result.exit_code == 0, result.output
    assert "no packages" in result.output


@pytest.mark.parametrize(
    ("requirements", "arguments", "message"),
    [
        ("native", [], "NoFittingWheel: native has no wheel for python3.13 on x86_64"),
        ("unknown", [], "PackageNotFound: the package index has no unknown."),
        ("", ["web:app"], "AppNotFound: "),
    ],
    ids=["no wheel", "no package", "no module"],
)
def test_package_ends_with_one_message_and_an_exit_code(
    command: CliRunner,
    project: Project,
    index: Wheelhouse,
    requirements: str,
    arguments: list[str],
    message: str,
) -> None:
    index.wheel("native", tag="cp313-cp313-win_amd64")
    project.write("microlambda.toml", 'python = "3.13"\n')
    project.write("requirements.txt", requirements)

    result = command.invoke(main, ["package", *arguments])

    assert result.exit_code == 1
    assert result.stderr.startswith(message)
    assert "Traceback" not in result.output
    assert not (project.root / "build").exists()


def test_package_says_that_the_archive_of_an_earlier_run_is_still_there(
    command: CliRunner, project: Project
) -> None:
    assert command.invoke(main, ["package"]).exit_code == 0
    archive = project.root / "build" / "shop.zip"
    before = archive.read_bytes()
    project.write("app.py", "from microlambda import App\napp = App('shop')\ndef broken(:\n")

    result = command.invoke(main, ["package", "app:app"])

    assert result.exit_code == 1
    error, note = result.stderr.splitlines()
    assert error.startswith("SourcesUnusable: app.py:3 is no Python 3.")
    assert note == "build/shop.zip is the archive of an earlier run; this one made none."
    assert archive.read_bytes() == before


class Waiting(BaseHTTPRequestHandler):
    """Never answers; tells that it was asked, and that who asked is gone."""

    asked: threading.Event
    left: threading.Event

    def do_GET(self) -> None:
        self.asked.set()
        self.connection.recv(1)
        self.left.set()
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_package_ended_while_a_source_is_built_leaves_nothing_behind(
    project: Project,
    index: Wheelhouse,
    resolver: str,
    number: signal.Signals,
    tmp_path: Path,
    cache: Path,
) -> None:
    class Handler(Waiting):
        asked = threading.Event()
        left = threading.Event()

    temporary = tmp_path / "temporary"
    temporary.mkdir()
    project.write("requirements.txt", "slow")
    code = (  # a shell may have started the tests with SIGINT ignored
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from microlambda.cli.main import main; main()"
    )
    with served(Handler) as url:
        index.source("slow", step=f"import urllib.request; urllib.request.urlopen({url!r})")
        process = subprocess.Popen(
            [sys.executable, "-c", code, "package", "--resolver", resolver],
            cwd=project.root,
            env={**os.environ, "TMPDIR": str(temporary), "NO_PROXY": "127.0.0.1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert Handler.asked.wait(30)
            process.send_signal(number)
            assert process.wait(30) == 128 + number
            assert Handler.left.wait(30), "the build still runs"
        finally:
            process.kill()
            process.wait()

    assert list(temporary.iterdir()) == []
    assert list((cache_folder() / "dependencies").iterdir()) == []
    assert not (project.root / "build").exists()


def test_an_app_that_does_not_compile_is_told_without_waiting_for_the_resolver(
    command: CliRunner,
    project: Project,
    index: Wheelhouse,
    resolver: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Handler(Waiting):
        asked = threading.Event()
        left = threading.Event()

    project.write("app.py", "def handler(:\n")
    project.write("requirements.txt", "slow")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def compile_later(*given: Any) -> Any:
        assert Handler.asked.wait(30)
        return compile_project(*given)

    monkeypatch.setattr("microlambda.bundle.composing.compile_project", compile_later)
    with served(Handler) as url:
        index.source("slow", step=f"import urllib.request; urllib.request.urlopen({url!r})")

        result = command.invoke(main, ["package", "--resolver", resolver])

        assert Handler.left.wait(30), "the build still runs"
    assert result.exit_code == 1
    assert "SourcesUnusable: app.py:1 is no Python" in result.stderr
    assert list((cache_folder() / "dependencies").iterdir()) == []


def test_package_writes_the_context_of_an_image(
    command: CliRunner, project: Project, index: Wheelhouse
) -> None:
    index.wheel("pure")
    project.write("requirements.txt", "pure")

    result = command.invoke(main, ["package", "--image", "--out", "made"])

    assert result.exit_code == 0, result.output
    assert [path.name for path in (project.root / "made").iterdir()] == ["shop-image"]
    assert (project.root / "made/shop-image/dependencies/python/pure/__init__.py").is_file()
    assert "docker buildx build" in result.output


def test_what_needs_a_compiler_is_installed_by_the_image_itself(
    command: CliRunner, project: Project, index: Wheelhouse
) -> None:
    for name, content in source_files("ext", compiles=True).items():
        project.write(f"ext/{name}", content)
    project.write("requirements.txt", "./ext\n")

    result = command.invoke(main, ["package", "--image", "--out", "made", "--resolver", "uv"])

    assert result.exit_code == 0, result.output
    assert "Its dependencies are built with it: requirements.txt:1: " in result.output
    dockerfile = (project.root / "made/shop-image/Dockerfile").read_text()
    assert "pip install" in dockerfile
    assert list((project.root / "made/shop-image/installing").rglob("backend.py"))


def test_package_reports_what_takes_the_room_and_the_time(
    command: CliRunner, project: Project, index: Wheelhouse
) -> None:
    index.wheel("pure", files={"pure/__init__.py": "", "pure/tests/test_it.py": "x = 1\n"})
    project.write("requirements.txt", "pure")
    project.write("app.py", f"import pure\n{APP}")
    project.write("microlambda.toml", f'python = "{HOST_PYTHON}"\n')

    result = command.invoke(main, ["package", "--report"])

    assert result.exit_code == 0, result.output
    assert "pure 1.0" in result.output
    assert "Import of the app: " in result.output
    page = (project.root / "build/shop-report.html").read_text()
    assert "pure" in page
    assert "tests" in page


def test_a_module_that_the_archives_lack_ends_the_report(command: CliRunner, project: Project) -> None:
    hidden = "import importlib\nimportlib.import_module('no' + 'where')\n"  # from whoever follows imports
    project.write("app.py", f"{hidden}{APP}")
    project.write("microlambda.toml", f'python = "{HOST_PYTHON}"\n')

    result = command.invoke(main, ["package", "--report"])

    assert result.exit_code == 1
    assert "nowhere" in result.output
    assert "earlier run" not in result.output


def test_the_import_from_the_archives_alone_is_checked_where_asked(
    command: CliRunner, project: Project, index: Wheelhouse
) -> None:
    index.wheel("pure", files={"pure/__init__.py": "import undeclared\n"})
    project.write("requirements.txt", "pure")
    project.write("microlambda.toml", f'python = "{HOST_PYTHON}"\n')
    whole = command.invoke(main, ["package", "--check"])
    project.write("app.py", f"import os\nos.environ['SHOP_TOKEN']\n{APP}")
    unset = command.invoke(main, ["package", "--check"])
    project.write("app.py", f"import pure\n{APP}")
    lacking = command.invoke(main, ["package", "--check"])

    assert whole.exit_code == unset.exit_code == 0
    assert "The app imports from its archives alone: " in whole.output
    assert whole.output.count("alone: ") == 1
    assert "Note: the app does not import from its archives alone, without the settings'" in unset.output
    assert "SHOP_TOKEN" in unset.output
    assert lacking.exit_code == 1
    assert "ModulesMissing" in lacking.stderr
    assert "No module named 'undeclared'" in lacking.stderr


def test_the_check_imports_the_app_as_each_function_has_it(
    command: CliRunner, project: Project, index: Wheelhouse
) -> None:
    index.wheel("pure")
    index.wheel("tables", files={"tables/__init__.py": "import undeclared\n"})
    project.write(
        "pyproject.toml", "[project]\nname = 'shop'\nversion = '1'\n[dependency-groups]\nmore = ['tables']\n"
    )
    project.write("microlambda.toml", f'python = "{HOST_PYTHON}"\n[functions.work]\ngroups = ["more"]\n')
    hidden = (
        "try:\n    __import__('tab' + 'les')\n"
        "except ModuleNotFoundError as exc:\n    if exc.name != 'tables': raise\n"
    )
    project.write("app.py", f"{hidden}{APP}")

    result = command.invoke(main, ["package", "--check"])

    assert "The app imports from its archives alone: " in result.output
    assert result.exit_code == 1
    assert "No module named 'undeclared'" in result.stderr


def test_a_check_that_cannot_be_made_is_an_error(
    command: CliRunner, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("microlambda.bundle.code.trial.find_interpreter", lambda _target: None)
    project.write("microlambda.toml", f'python = "{HOST_PYTHON}"\n')

    result = command.invoke(main, ["package", "--check"])

    assert result.exit_code == 1
    assert "BundleError: the import of the app was not tried: there is no python" in result.stderr


@pytest.mark.parametrize("option", ["--single", "--report", "--check"])
def test_an_image_goes_with_no_option_of_archives(option: str, command: CliRunner) -> None:
    result = command.invoke(main, ["package", "--image", option])

    assert result.exit_code == 2
    assert "it makes no archives" in result.output
