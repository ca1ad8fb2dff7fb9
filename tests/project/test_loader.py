"""From what the user typed to the App, and what is answered where there is none."""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from microlambda.project.errors import AppImportFailed, AppNotFound
from microlambda.project.loader import load_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APP = "from microlambda import App\napp = App('shop')\n"

FLASK = "from flask import Flask, current_app, request\napp = Flask(__name__)\n"
WSGI = """\
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"""
HELPERS = "def helper(a, b): ...\nclass Check:\n    def __call__(self, value): ...\ncheck = Check()\n"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    path, modules = list(sys.path), set(sys.modules)
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if not name.startswith("microlambda"):
            del sys.modules[name]


def write(project: Path, name: str, text: str) -> Path:
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


FOUND = [
    pytest.param({"app.py": APP}, None, "app:app", "", id="app.py"),
    pytest.param({"app.py": APP}, "app", "app:app", "", id="module"),
    pytest.param({"app.py": APP}, "app.py", "app:app", "", id="file"),
    pytest.param({"app.py": APP}, "app:app", "app:app", "", id="module-and-attribute"),
    pytest.param({"api.py": APP.replace("app =", "api =")}, "api", "api:api", "", id="the-only-one"),
    pytest.param({"api.py": APP + "other = App('x')"}, "api", "api:app", "", id="app-among-several"),
    pytest.param({"src/app.py": APP}, None, "app:app", "src", id="src"),
    pytest.param({"src/shop/__init__.py": APP}, None, "shop:app", "src", id="src-package"),
    pytest.param(
        {"src/shop/__init__.py": "", "src/shop/web.py": APP}, None, "shop.web:app", "src", id="inside"
    ),
    pytest.param({"shop/__init__.py": "", "shop/web.py": APP}, "shop.web", "shop.web:app", "", id="dotted"),
    pytest.param({"shop/__init__.py": "", "shop/web.py": APP}, "shop/web.py", "shop.web:app", "", id="path"),
    pytest.param({"service.py": APP, "lib.py": "x = 1"}, None, "service:app", "", id="one-module"),
    pytest.param(
        {"app.py": APP, "api.py": APP, "microlambda.toml": 'app = "api:app"'},
        None,
        "api:app",
        "",
        id="settings",
    ),
]


@pytest.mark.parametrize(("files", "target", "expected", "folder"), FOUND)
def test_the_app_is_found(
    project: Path, files: dict[str, str], target: str | None, expected: str, folder: str
) -> None:
    for name, text in files.items():
        write(project, name, text)

    loaded = load_app(project, target)

    assert loaded.path == expected
    assert loaded.import_root == project / folder
    assert loaded.app.name == "shop"


BARE = [
    pytest.param({"hello.py": FLASK}, "hello:app", "hello:app", "hello", id="flask"),
    pytest.param({"hello.py": FLASK}, "hello", "hello:app", "hello", id="the-only-one"),
    pytest.param({"hello.py": FLASK}, None, "hello:app", "hello", id="no-target"),
    pytest.param({"app.py": FLASK}, None, "app:app", "app", id="no-target-app.py"),
    pytest.param({"hello.py": HELPERS + FLASK}, "hello", "hello:app", "hello", id="beside-helpers"),
    pytest.param(
        {"hello.py": FLASK.replace("app =", "site =")}, "hello", "hello:site", "hello", id="other-name"
    ),
    pytest.param(
        {"hello.py": FLASK + "api = Flask('api')\n"}, "hello", "hello:app", "hello", id="app-among-several"
    ),
    pytest.param(
        {"hello.py": WSGI + FLASK.replace("app =", "site =")},
        "hello",
        "hello:application",
        "hello",
        id="application-among-several",
    ),
    pytest.param(
        {"mysite/__init__.py": "", "mysite/wsgi.py": WSGI},
        "mysite.wsgi:application",
        "mysite.wsgi:application",
        "mysite",
        id="in-a-package",
    ),
    pytest.param({"wsgi.py": WSGI}, "wsgi", "wsgi:application", None, id="no-name-to-give"),
    pytest.param(
        {"mysite/wsgi.py": WSGI, "microlambda.toml": 'app = "mysite.wsgi:application"'},
        None,
        "mysite.wsgi:application",
        "mysite",
        id="settings",
    ),
    pytest.param(
        {"app/__init__.py": "", "app/main.py": FLASK}, None, "app.main:app", "app", id="below-an-empty-app"
    ),
    pytest.param({"src/shop/web.py": FLASK}, "shop.web", "shop.web:app", "shop", id="src"),
]


@pytest.mark.parametrize(("files", "target", "expected", "name"), BARE)
def test_a_bare_application_becomes_an_app(
    project: Path, files: dict[str, str], target: str | None, expected: str, name: str | None
) -> None:
    for file, text in files.items():
        write(project, file, text)

    loaded = load_app(project, target)

    assert (loaded.path, loaded.app.name) == (expected, name)
    (rule,) = loaded.app.route_table
    mount: Any = rule.view
    assert mount.application is vars(sys.modules[loaded.module])[loaded.attribute]


def test_an_app_goes_before_bare_applications(project: Path) -> None:
    write(project, "web.py", FLASK + "from microlambda import App\nshop = App('shop')\n")

    assert load_app(project, "web").path == "web:shop"


def test_what_cannot_be_mounted_is_told_where_it_stands(project: Path) -> None:
    write(
        project, "web.py", "class Site:\n    route_table = ()\n    def __call__(self, *a): ...\nx = Site()\n"
    )

    with pytest.raises(AppNotFound, match="web:x cannot be served: the application at '/' is an App"):
        load_app(project, "web:x")


NOT_FOUND = [
    pytest.param({}, None, "has no App: no app.py", id="nothing"),
    pytest.param(
        {"api.py": APP}, "app", "has no app.py, and no src/app.py. Did you mean 'api'?", id="module"
    ),
    pytest.param({"app.py": "x = 1"}, None, "'app' has no App. Add: from microlambda import App", id="none"),
    pytest.param(
        {"api.py": APP},
        "api:application",
        "'api' has no attribute 'application'. It has one App: 'app'. Try: microlambda deploy api:app",
        id="attribute",
    ),
    pytest.param({"api.py": APP + "x = 1"}, "api:x", "api:x is a int, not an App. It has one", id="no-app"),
    pytest.param(
        {"api.py": "x = 1"}, "api:y", "has no attribute 'y'. It has no App at all.", id="no-app-at-all"
    ),
    pytest.param(
        {"api.py": "from microlambda import App\none = App('x')\ntwo = App('y')"},
        "api",
        "'api' has several Apps: 'one', 'two'. Choose one: microlambda deploy api:one",
        id="several",
    ),
    pytest.param(
        {"hello.py": FLASK + "def create_app(): ...\n"},
        "hello:create_app",
        "hello:create_app is a function, create_app(), that may make the application and is none. Write "
        "app = create_app(...) into a module, wsgi.py say, and name that: wsgi:app. It has 'app'. Try: "
        "microlambda deploy hello:app",
        id="factory",
    ),
    pytest.param(
        {"hello.py": "from flask import Flask\ndef create_app():\n    return Flask('x')\n"},
        "hello",
        "'hello' has no application, but create_app, a function that makes one. Write app = create_app()",
        id="factory-alone",
    ),
    pytest.param(
        {"hello.py": FLASK},
        "hello:create_app()",
        "'create_app()' is a call, and what is named is an attribute of 'hello'. Write app = create_app()",
        id="call-of-a-factory",
    ),
    pytest.param({"hello.py": FLASK}, "hello:a.b", "'a.b' is no name of an attribute", id="no-attribute"),
    pytest.param(
        {"hello.py": "def handler(event, context): ...\n"},
        "hello:handler",
        "hello:handler is a Lambda handler, handler(event, context), and no web application. Declare it",
        id="handler",
    ),
    pytest.param({"hello.py": FLASK}, "hello:Flask", "hello:Flask is the class Flask. Make", id="class"),
    pytest.param(
        {"hello.py": FLASK},
        "hello:site",
        "'hello' has no attribute 'site'. It has 'app'. Try: microlambda deploy hello:app",
        id="other-attribute",
    ),
    pytest.param(
        {"hello.py": FLASK.replace("app =", "one =") + "two = Flask('two')\n"},
        "hello",
        "'hello' has several applications: 'one', 'two'. Choose one: microlambda deploy hello:one",
        id="several-applications",
    ),
    pytest.param(
        {"a.py": FLASK, "b.py": FLASK},
        None,
        "has no App, but several web applications: a:app, b:app. Name one as the command's last word: a:app",
        id="several-modules-with-applications",
    ),
    pytest.param({"a.py": APP, "b.py": APP}, None, "several modules with an App: a, b", id="several-modules"),
    pytest.param({"queue.py": APP}, "queue", "has the name of one of Python's own. Rename it", id="stdlib"),
]


@pytest.mark.parametrize(("files", "target", "message"), NOT_FOUND)
def test_where_no_app_is_found_the_error_says_what_there_is(
    project: Path, files: dict[str, str], target: str | None, message: str
) -> None:
    for name, text in files.items():
        write(project, name, text)

    with pytest.raises(AppNotFound) as refused:
        load_app(project, target)

    assert message in str(refused.value)


def test_modules_beside_the_app_can_be_imported_now_and_later(project: Path) -> None:
    write(project, "app.py", "import lib.one\n" + APP + "def late():\n    import two\n    return two.x\n")
    write(project, "lib/__init__.py", "")
    write(project, "lib/one.py", "")
    write(project, "two.py", "x = 2")

    load_app(project)

    assert sys.modules["app"].late() == 2


def test_loading_twice_leaves_one_entry_on_the_path(project: Path) -> None:
    write(project, "app.py", APP)

    first, second = load_app(project), load_app(project)

    assert first.app is second.app
    assert sys.path.count(str(project)) == 1


def test_another_projects_module_of_the_same_name_is_not_taken_for_this_one(project: Path) -> None:
    write(project, "a/app.py", APP)
    write(project, "b/app.py", APP.replace("shop", "other"))

    assert load_app(project / "a").app.name == "shop"
    assert load_app(project / "b").app.name == "other"


FAILING = [
    pytest.param("x = 1\nraise ValueError('no')\n", "app.py:2: ValueError: no", id="raises"),
    pytest.param("x = 1\nx = = 2\n", "app.py:2: SyntaxError: invalid syntax", id="syntax"),
    pytest.param("import nowhere_to_be_found\n", "app.py:1: ModuleNotFoundError", id="missing-module"),
    pytest.param("import nowhere_to_be_found\n", "name it in the project's requirements", id="remedy"),
    pytest.param(
        "import sys\nsys.exit(3)\n", "app.py:2: the module ends the program (SystemExit: 3)", id="exit"
    ),
    pytest.param("import lib\n", "lib.py:1: ZeroDivisionError", id="in-a-sibling"),
    pytest.param("import json\njson.loads('{')\n", "app.py:2: JSONDecodeError", id="in-the-library"),
]


@pytest.mark.parametrize(("text", "message"), FAILING)
def test_a_module_that_fails_to_import_names_file_and_line(project: Path, text: str, message: str) -> None:
    write(project, "app.py", text)
    write(project, "lib.py", "1 / 0\n")

    with pytest.raises(AppImportFailed) as failed:
        load_app(project)

    assert message in str(failed.value)


def test_the_cause_keeps_the_traceback_from_the_users_first_frame_on(project: Path) -> None:
    write(project, "app.py", "def f():\n    raise ValueError('no')\nf()\n")

    with pytest.raises(AppImportFailed) as failed:
        load_app(project)

    cause = failed.value.__cause__
    assert isinstance(cause, ValueError)
    assert [frame.name for frame in traceback.extract_tb(cause.__traceback__)] == ["<module>", "f"]
