"""`microlambda new` in a project that is there: what it finds, writes and says, and when it refuses."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from microlambda.cli.main import main
from microlambda.project.limits import default_python

FLASK = """\
from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return {"hello": "world"}
"""
FACTORY = "from flask import Flask\n\ndef create_app():\n    return Flask(__name__)\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "shop"
    path.mkdir()
    monkeypatch.chdir(path)
    return path


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def new(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["new", *arguments])


def settings(folder: Path) -> dict[str, object]:
    return tomllib.loads((folder / "microlambda.toml").read_text())


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def microlambda(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own: Django is set up once in each."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "microlambda", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def django(folder: Path) -> Path:
    """A project as Django itself makes it."""
    command = [sys.executable, "-P", "-m", "django", "startproject", "mysite", str(folder)]
    subprocess.run(command, check=True, cwd=folder)
    return folder


# What is written and said -------------------------------------------------


@pytest.mark.parametrize("name", [[], ["."]], ids=["no-name", "dot"])
def test_a_flask_is_found_and_the_settings_name_it(folder: Path, name: list[str]) -> None:
    write(folder, {"hello.py": FLASK, "requirements.txt": "flask\n"})
    before = content(folder)

    result = new(*name)

    assert result.output.splitlines() == [
        "Found Flask in hello.py:3: hello:app.",
        'Wrote microlambda.toml: id, name = "hello", app = "hello:app".',
        "Next:",
        "  microlambda local",
        "  microlambda deploy --local",
        "  microlambda deploy",
    ]
    written = settings(folder)
    assert written.pop("id")
    assert written == {
        "name": "hello",
        "app": "hello:app",
        "python": default_python(),
    }
    after = content(folder)
    after.pop("microlambda.toml")
    assert after == before


def test_the_settings_serve(folder: Path) -> None:
    write(folder, {"hello.py": FLASK, "requirements.txt": "flask\n"})
    new()

    listed = microlambda(folder, "routes")

    assert (listed.stderr, listed.stdout.split()[-3:]) == ("", ["/<path:path>", "Flask", "flask.app"])


def test_folders_of_files_beside_the_application_ship(folder: Path) -> None:
    write(
        folder,
        {
            "site_pages.py": FLASK,
            "requirements.txt": "flask\n",
            "templates/page.html": "<p>",
            "static/style.css": "p {}",
            "staticfiles/tool.py": "x = 1\n",
        },
    )

    done = new()

    assert done.exit_code == 0, done.output
    assert settings(folder)["include"] == ["templates/", "static/"]
    assert 'app = "site_pages:app", include = ["templates/", "static/"].' in done.output


def test_a_django_as_startproject_makes_it_is_found(django: Path) -> None:
    write(django, {"requirements.txt": "django\n"})

    result = new()

    assert result.output.splitlines()[:3] == [
        "Found Django in mysite/wsgi.py:16: mysite.wsgi:application.",
        'Wrote microlambda.toml: id, name = "mysite", app = "mysite.wsgi:application".',
        "Add the host of the API to ALLOWED_HOSTS in mysite/settings.py, of your region: "
        '".execute-api.eu-west-1.amazonaws.com"',
    ]
    assert "environment" not in settings(django)
    listed = microlambda(django, "routes")
    assert (listed.stderr, listed.stdout.split()[-2:]) == (
        "",
        ["WSGIHandler", "django.core.handlers.wsgi"],
    )


def test_a_wsgi_module_that_sets_no_django_settings_gets_them_from_the_environment(django: Path) -> None:
    wsgi = django / "mysite" / "wsgi.py"
    wsgi.write_text(wsgi.read_text().replace("os.environ.setdefault", "print"))
    wsgi.write_text(wsgi.read_text().replace("print('DJANGO_SETTINGS_MODULE', 'mysite.settings')", ""))

    result = new()

    assert "It sets DJANGO_SETTINGS_MODULE, which wsgi.py does not." in result.output
    assert settings(django)["environment"] == {"DJANGO_SETTINGS_MODULE": "mysite.settings"}
    assert microlambda(django, "routes").returncode == 0


@pytest.mark.parametrize("hosts", ["['*']", "['.execute-api.eu-west-1.amazonaws.com']"])
def test_hosts_that_have_the_apis_are_not_spoken_of(django: Path, hosts: str) -> None:
    path = django / "mysite" / "settings.py"
    path.write_text(path.read_text().replace("ALLOWED_HOSTS = []", f"ALLOWED_HOSTS = {hosts}"))

    assert "ALLOWED_HOSTS" not in new().output


def test_an_app_that_has_a_name_keeps_it(folder: Path) -> None:
    write(folder, {"app.py": "from microlambda import App\napp = App('orders')\n"})

    result = new()

    assert result.output.startswith("Found an App in app.py:2: app:app.\nWrote microlambda.toml: id, app =")
    assert "name" not in settings(folder)


NAMES = {
    "package": ({"mysite/web.py": FLASK}, "mysite"),
    "pyproject": ({"app.py": FLASK, "pyproject.toml": "[project]\nname = 'Big Shop'\n"}, "Big-Shop"),
    "folder": ({"app.py": FLASK}, "shop"),
    "folder-of-a-wsgi": ({"config/wsgi.py": FLASK, "pyproject.toml": "[tool.ruff]\n"}, "shop"),
}


@pytest.mark.parametrize(("files", "name"), [pytest.param(*given, id=case) for case, given in NAMES.items()])
def test_the_name_is_one_that_says_something(folder: Path, files: dict[str, str], name: str) -> None:
    write(folder, files)

    assert f'name = "{name}"' in new().output
    assert settings(folder)["name"] == name


def test_where_nothing_says_what_the_project_is_called_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "src", {"app.py": FLASK})
    monkeypatch.chdir(tmp_path / "src")

    result = new()

    assert result.stderr.startswith("InvalidName: neither 'app' nor the folder 'src' says what the project")
    assert list(content(tmp_path)) == ["src/app.py"]


LACKING = {
    "none": ({}, "Write requirements.txt, with a line for each package that ships: flask, and what else"),
    "elsewhere": (
        {"requirements/base.txt": "flask\n"},
        'Write at the top of microlambda.toml what ships: requirements = "requirements/base.txt"',
    ),
    "without-it": ({"requirements.txt": "requests\n"}, "requirements.txt does not name flask: add it."),
    "pyproject-of-tools": ({"pyproject.toml": "[tool.ruff]\n"}, "Write requirements.txt, with a line"),
    "unreadable": ({"requirements.txt": "-r other.txt\n"}, "The requirements are not readable yet: "),
}


@pytest.mark.parametrize(
    ("files", "told"), [pytest.param(*given, id=name) for name, given in LACKING.items()]
)
def test_what_the_requirements_lack_is_said(folder: Path, files: dict[str, str], told: str) -> None:
    write(folder, {"hello.py": FLASK, **files})

    assert told in new().output


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"requirements.txt": "Flask[async]==3.1.1\n"}, id="requirements"),
        pytest.param({"pyproject.toml": "[project]\nname = 'x'\ndependencies = ['flask']\n"}, id="pyproject"),
    ],
)
def test_requirements_that_are_there_are_not_spoken_of(folder: Path, files: dict[str, str]) -> None:
    write(folder, {"hello.py": FLASK, **files})

    assert "requirements" not in new().output


# --from --------------------------------------------------------------------


@pytest.mark.parametrize("target", ["two:admin", "two", "two.py"])
def test_from_names_one_of_several(folder: Path, target: str) -> None:
    write(folder, {"one.py": FLASK, "two.py": FLASK.replace("app", "admin")})

    result = new("--from", target)

    assert "Found Flask in two.py:3: two:admin." in result.output
    assert settings(folder)["app"] == "two:admin"


def test_from_names_what_no_framework_made(folder: Path) -> None:
    write(folder, {"wsgi.py": "def application(environ, start_response): ...\n"})

    result = new("--from", "wsgi:application")

    assert result.output.splitlines()[0] == (
        'Wrote microlambda.toml: id, name = "shop", app = "wsgi:application".'
    )


# What is refused -------------------------------------------------------------

REFUSED = {
    "several": (
        {"one.py": FLASK, "two.py": FLASK},
        [],
        "has several applications: one:app (Flask), two:app (Flask). Choose one: microlambda new --from "
        "one:app",
    ),
    "factory": (
        {"hello.py": FACTORY},
        [],
        "create_app (hello.py:3) makes the application when it is called, and nothing calls it. Write "
        "wsgi.py with two lines, from hello import create_app and app = create_app(), then: microlambda new "
        "--from wsgi:app",
    ),
    "factory-by-name": ({"hello.py": FACTORY}, ["--from", "hello:create_app"], "and nothing calls it. Write"),
    "factory-by-module": ({"hello.py": FACTORY}, ["--from", "hello"], "and nothing calls it. Write"),
    "call": ({"hello.py": FACTORY}, ["--from", "hello:create_app()"], "is a call, and what is named"),
    "nothing": ({"lib.py": "x = 1\n"}, [], "ProjectExists: "),
    "nothing-with-a-dot": ({"lib.py": "x = 1\n"}, ["."], "holds files already: lib.py. No application of"),
    "no-module": ({"hello.py": FLASK}, ["--from", "helo:app"], "Did you mean 'hello'?"),
    "no-attribute": ({"hello.py": FLASK}, ["--from", "hello:site"], "'hello' has no attribute 'site'."),
    "not-shown": ({"hello.py": "x = 1"}, ["--from", "hello"], "'hello' shows no application in its text."),
    "several-in-one": (
        {"hello.py": FLASK.replace("app", "one") + "two = Flask('two')\n"},
        ["--from", "hello"],
        "'hello' has several applications: one, two. Name one: microlambda new --from hello:one",
    ),
    "with-a-name": ({"hello.py": FLASK}, ["other", "--from", "hello:app"], "--from is for an application in"),
    "settings": ({"hello.py": FLASK, "microlambda.toml": "x"}, [], "microlambda.toml is not TOML"),
    "settings-of-its-own": (
        {"hello.py": FLASK, "microlambda.toml": "memory = 512\n"},
        [],
        "SettingsExist: microlambda.toml is there already",
    ),
    "settings-in-pyproject": (
        {"hello.py": FLASK, "pyproject.toml": "[tool.microlambda]\nmemory = 512\n"},
        ["--from", "hello:app"],
        "SettingsExist: pyproject.toml [tool.microlambda] is there already",
    ),
    "django-without-wsgi": (
        {"manage.py": "import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'mysite.settings'\n"},
        [],
        "manage.py runs with mysite.settings, and no module has get_wsgi_application(). Write mysite/wsgi.py",
    ),
}


@pytest.mark.parametrize(
    ("files", "arguments", "told"), [pytest.param(*given, id=name) for name, given in REFUSED.items()]
)
def test_what_is_refused_leaves_the_folder_as_it_was(
    folder: Path, files: dict[str, str], arguments: list[str], told: str
) -> None:
    write(folder, files)
    before = content(folder)

    result = new(*arguments)

    assert result.exit_code != 0
    assert told in result.stderr
    assert content(folder) == before


def test_the_line_that_a_django_without_wsgi_is_told_to_write_is_one(django: Path) -> None:
    for name in ("wsgi.py", "asgi.py"):
        (django / "mysite" / name).unlink()
    told = new().stderr.partition("in one line or in several: ")[2]

    (django / "mysite" / "wsgi.py").write_text(told)

    assert "Found Django in mysite/wsgi.py:1: mysite.wsgi:application." in new().output
    assert microlambda(django, "routes").returncode == 0


def test_an_empty_folder_needs_a_name(folder: Path) -> None:
    (folder / ".git").mkdir()

    result = new()

    assert result.stderr == (
        "InvalidName: this folder is empty, and a new project needs a name: microlambda new shop\n"
    )
    assert content(folder) == {}


def test_a_folder_that_cannot_be_written_to_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, {"hello.py": FLASK})

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("microlambda.project.files.tempfile.mkstemp", lambda **_: refuse())

    assert new().stderr.endswith(f"microlambda.toml cannot be written in {folder}: Permission denied.\n")


def test_settings_that_come_up_meanwhile_are_not_replaced(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, {"hello.py": FLASK})
    made = Path.hardlink_to

    def first_another(path: Path, target: Path) -> None:
        path.write_text("mine")
        made(path, target)

    monkeypatch.setattr(Path, "hardlink_to", first_another)

    assert "SettingsNotWritten: microlambda.toml cannot be written" in new().stderr
    assert content(folder) == {"hello.py": FLASK.encode(), "microlambda.toml": b"mine"}


def test_a_file_system_without_links_takes_the_settings_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, {"hello.py": FLASK})

    def refuse(path: Path, target: Path) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(Path, "hardlink_to", refuse)

    assert new().exit_code == 0
    assert settings(folder)["app"] == "hello:app"
    assert sorted(content(folder)) == ["hello.py", "microlambda.toml"]
