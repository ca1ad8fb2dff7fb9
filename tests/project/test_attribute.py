"""Whether a module has the attribute that is named as its App, told without importing it."""

from __future__ import annotations

from pathlib import Path

import pytest

from microlambda.project.attribute import check_attribute
from microlambda.project.errors import AppNotFound
from microlambda.project.layout import locate

HAS = {
    "assigned": "application = App()",
    "annotated": "application: App = App()",
    "imported": "from shop import application",
    "imported under a name": "from shop import app as application",
    "a module": "import application.web",
    "a function": "def application(environ, start): ...",
    "in a block": "try:\n    application = App()\nexcept ImportError:\n    application = None",
    "with others": "app = application = App()",
    "walrus": "print(application := App())",
    "from everywhere": "from shop import *",
    "made on demand": "def __getattr__(name): ...",
    "put in by name": "globals()['application'] = App()",
    "no Python": "def (",
}


def place(folder: Path, source: str, wanted: str = "web:application") -> None:
    (folder / "web.py").write_text(source)
    check_attribute(locate(folder, wanted))


@pytest.mark.parametrize("source", HAS.values(), ids=HAS)
def test_what_the_source_may_have_is_let_through(source: str, tmp_path: Path) -> None:
    place(tmp_path, source)


@pytest.mark.parametrize(
    "source",
    ["app = App()", "def make():\n    application = App()", "", "class A:\n    application = 1"],
    ids=["another", "in a function", "nothing", "in a class"],
)
def test_what_no_line_makes_is_refused(source: str, tmp_path: Path) -> None:
    with pytest.raises(AppNotFound, match="^'web' has no attribute 'application'"):
        place(tmp_path, source)


def test_the_nearest_name_is_said(tmp_path: Path) -> None:
    with pytest.raises(AppNotFound, match="Did you mean 'application'"):
        place(tmp_path, "application = 1", "web:aplication")


def test_without_an_attribute_there_is_nothing_to_check(tmp_path: Path) -> None:
    place(tmp_path, "", "web")


def test_the_file_of_a_package_is_read(tmp_path: Path) -> None:
    (tmp_path / "src" / "shop").mkdir(parents=True)
    (tmp_path / "src" / "shop" / "__init__.py").write_text("app = 1\n")

    check_attribute(locate(tmp_path, "shop:app"))
    with pytest.raises(AppNotFound):
        check_attribute(locate(tmp_path, "shop:web"))
