"""Which folder an App's modules are imported from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from microlambda.project.errors import AppNotFound
from microlambda.project.layout import import_root, locate

if TYPE_CHECKING:
    from pathlib import Path

APP = "from microlambda import App\napp = App('shop')\n"


@pytest.mark.parametrize(
    ("file", "app", "expected"),
    [
        pytest.param("app.py", None, ".", id="app.py"),
        pytest.param("src/app.py", None, "src", id="src"),
        pytest.param("src/shop/web.py", "shop.web:app", "src", id="package-in-src"),
        pytest.param("shop/web.py", "shop/web.py", ".", id="path"),
        pytest.param("notes.txt", None, ".", id="no-app"),
        pytest.param("notes.txt", "missing:app", ".", id="no-module"),
    ],
)
def test_the_import_root_is_the_project_or_its_src(
    tmp_path: Path, file: str, app: str | None, expected: str
) -> None:
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(APP)

    assert import_root(tmp_path, app) == tmp_path / expected


@pytest.mark.parametrize("wanted", [":app", "..app:app", "/app:app", "1app:app", "."])
def test_what_is_no_module_is_refused_with_the_form_to_write(tmp_path: Path, wanted: str) -> None:
    with pytest.raises(AppNotFound, match="Write module:attribute"):
        locate(tmp_path, wanted)


def test_a_path_as_a_shell_completes_it_is_a_module(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)

    assert locate(tmp_path, "./app.py:app").module == "app"


@pytest.mark.parametrize(
    ("wanted", "mended"),
    [
        ("my-app", "my_app"),
        ("my-app.py:app", "my_app"),
        ("shop/my-app.py", "shop.my_app"),
        ("a b:app", "a_b"),
    ],
)
def test_a_name_that_python_does_not_import_is_told_with_one_that_it_does(
    tmp_path: Path, wanted: str, mended: str
) -> None:
    with pytest.raises(
        AppNotFound,
        match=rf"letters, digits and _ alone. Give the file or folder another name, and write {mended}\.",
    ):
        locate(tmp_path, wanted)


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [("shop.mian", "shop.main"), ("shpo", "shop"), ("shop.web.apis", "shop.web.api"), ("ap", "app")],
)
@pytest.mark.parametrize("folder", [".", "src"])
def test_the_nearest_module_is_named(tmp_path: Path, folder: str, wanted: str, meant: str) -> None:
    for file in ("app.py", "shop/__init__.py", "shop/main.py", "shop/web/__init__.py", "shop/web/api.py"):
        path = tmp_path / folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(APP)

    with pytest.raises(AppNotFound, match=rf"Did you mean '{meant}'\?"):
        locate(tmp_path, wanted)
