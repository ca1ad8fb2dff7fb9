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
    "global": "def setup():\n    global application\n    application = App()\nsetup()",
    "walrus": "f = lambda x=(application := App()): x",
    "match": "match App():\n    case application: ...",
    "star of match": "match [App()]:\n    case [*application]: ...",
    "from everywhere": "from shop import *",
    "from everywhere, in brackets": "from shop import (*)",
    "made on demand": "def __getattr__(name): ...",
    "put in by name": "globals()['appli' + 'cation'] = App()",
    "put in by locals": "locals()['appli' + 'cation'] = App()",
    "put into the module": "sys.modules[__name__].__dict__['appli' + 'cation'] = App()",
    "set": "setattr(me, 'appli' + 'cation', App())",
    "run": "builtins.exec('appli' + 'cation = App()')",
    "a function of other names": "def application(a, b): ...",
    "a function that is decorated": "@served\ndef application(event, context): ...",
    "a function that is replaced": "def application(): ...\napplication = application()",
    "deep": f"application = {' + '.join(['1'] * 3000)}",
    "no text": None,
}


def place(folder: Path, source: str | None, wanted: str = "web:application") -> None:
    (folder / "web.py").write_bytes(b"\xff" if source is None else source.encode())
    check_attribute(locate(folder, wanted))


@pytest.mark.parametrize("source", HAS.values(), ids=HAS)
def test_what_the_source_may_have_is_let_through(source: str | None, tmp_path: Path) -> None:
    place(tmp_path, source)


@pytest.mark.parametrize(
    "source", ["app = App()", "", "applications = 1"], ids=["another", "nothing", "a longer one"]
)
def test_what_stands_nowhere_is_refused(source: str, tmp_path: Path) -> None:
    with pytest.raises(AppNotFound, match="^'web' has no attribute 'application'"):
        place(tmp_path, source)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("def application(event, context): ...", r"is a Lambda handler, application\(event, context\), and"),
        ("async def application(event, context): ...", "is a Lambda handler"),
        (
            "def application(): ...",
            r"is a function, application\(\), that may make the application and is none",
        ),
    ],
    ids=["handler", "async", "factory"],
)
def test_a_function_that_is_no_application_is_refused(source: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(AppNotFound, match=f"^web:application {told}"):
        place(tmp_path, source)


def test_a_factory_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(
        AppNotFound, match=r"web:create_app is a function, create_app\(\.\.\.\), that may make"
    ):
        place(tmp_path, "def create_app(*config): ...", "web:create_app")


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


def test_a_package_goes_before_a_module_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("app = 1\n")
    (tmp_path / "shop.py").write_text("other = 1\n")

    check_attribute(locate(tmp_path, "shop:app"))
