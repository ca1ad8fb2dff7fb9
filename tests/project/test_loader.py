"""From what the user typed to the App, and what is answered where there is none."""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING

import pytest

from microlambda.project.errors import AppImportFailed, AppNotFound
from microlambda.project.loader import load_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APP = "from microlambda import App\napp = App('shop')\n"


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
