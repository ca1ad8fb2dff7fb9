"""Following imports: what the app's module leads to, and under which circumstances; nothing is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from microlambda.bundle.code.follow import Imports, follow
from microlambda.bundle.target import Target

LAMBDA = Target.for_lambda("3.13", "arm64")


def lay(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return root


def followed(root: Path, module: str = "app", target: Target = LAMBDA) -> Imports:
    return follow(root, root, module, target)


def reached(imports: Imports) -> list[str]:
    return sorted(one.module for one in imports.modules)


PACKAGE = dict.fromkeys(("lib/__init__.py", "lib/one.py", "lib/sub/__init__.py", "lib/sub/two.py"), "")


@pytest.mark.parametrize(
    ("app", "modules"),
    [
        ("import lib", ["lib"]),
        ("import lib.sub.two as x", ["lib", "lib.sub", "lib.sub.two"]),
        ("from lib import one", ["lib", "lib.one"]),
        ("from lib import attribute", ["lib"]),
        ("from lib.sub import *", ["lib", "lib.sub"]),
        ("def f():\n    import lib.one", ["lib", "lib.one"]),
        ("async def f():\n    with x:\n        import lib", ["lib"]),
        ("class A:\n    import lib", ["lib"]),
        ("match x:\n    case 1:\n        import lib", ["lib"]),
        ("import importlib\nimportlib.import_module('lib.one')", ["lib", "lib.one"]),
        ("from importlib import import_module\nx = [import_module('lib')]", ["lib"]),
        ("from importlib import import_module\nx = import_module('.one', 'lib')", ["lib", "lib.one"]),
        ("from importlib import import_module\nx = import_module('..one', 'lib.sub')", ["lib", "lib.one"]),
        ("from importlib import import_module\nf = lambda: import_module('lib')", ["lib"]),
        ("@__import__('lib').x\ndef f(): ...", ["lib"]),
        ("import_module(name)", []),
        ("# import lib\n'import lib'", []),
        ("import \\\n  lib", ["lib"]),
        ("import missing.lib", []),
    ],
)  # fmt: skip
def test_every_way_to_import_is_followed(tmp_path: Path, app: str, modules: list[str]) -> None:
    lay(tmp_path, {**PACKAGE, "app.py": app})

    assert reached(followed(tmp_path)) == ["app", *modules]


@pytest.mark.parametrize(
    ("name", "text", "modules"),
    [
        ("lib/__init__.py", "from . import one", ["lib", "lib.one"]),
        ("lib/__init__.py", "from .sub.two import x", ["lib", "lib.sub", "lib.sub.two"]),
        ("lib/__init__.py", "x = import_module('.one', __package__)", ["lib", "lib.one"]),
        ("lib/__init__.py", "x = import_module('.sub.two', package=__name__)",
         ["lib", "lib.sub", "lib.sub.two"]),
        ("lib/__init__.py", "from .. import one", ["lib"]),
    ],
)  # fmt: skip
def test_relative_imports_are_those_of_the_package(
    tmp_path: Path, name: str, text: str, modules: list[str]
) -> None:
    lay(tmp_path, {**PACKAGE, "app.py": "import lib", name: text})

    assert reached(followed(tmp_path)) == ["app", *modules]


def test_imports_are_followed_from_module_to_module_and_around_circles(tmp_path: Path) -> None:
    lay(
        tmp_path, {"app.py": "import a", "a.py": "import b", "b.py": "import a, c", "c.py": "import requests"}
    )

    found = followed(tmp_path)

    assert reached(found) == ["a", "app", "b", "c"]
    assert [(one.module, one.place) for one in found.others] == [("requests", "c.py:1")]


def test_the_app_itself_may_lie_in_a_package(tmp_path: Path) -> None:
    lay(tmp_path, {"shop/__init__.py": "", "shop/web.py": "from .mail import send", "shop/mail.py": ""})

    assert reached(followed(tmp_path, "shop.web")) == ["shop", "shop.mail", "shop.web"]


@pytest.mark.parametrize(
    "test",
    [
        *("TYPE_CHECKING", "typing.TYPE_CHECKING", "__name__ == '__main__'", "not __debug__", "False", "0"),
        *("sys.platform == 'win32'", "sys.platform != 'linux'", "sys.platform.startswith('win')"),
        *("sys.platform in ('darwin', 'win32')", "os.name == 'nt'", "platform.system() == 'Windows'"),
        *("sys.version_info < (3, 13)", "sys.version_info >= (3, 14)", "sys.version_info[0] == 2"),
        *("sys.version_info[:2] <= (3, 12)", "sys.version_info.minor < 13", "sys.version_info == (3, 13)"),
        *("TYPE_CHECKING and x", "TYPE_CHECKING or os.name == 'nt'", "not (os.name == 'posix' or x)"),
    ],
)
def test_what_the_target_never_runs_is_ignored(tmp_path: Path, test: str) -> None:
    lay(tmp_path, {"app.py": f"if {test}:\n    import never\nelse:\n    import always\n"})

    (other,) = followed(tmp_path).others

    assert (other.module, other.when) == ("always", "import")


@pytest.mark.parametrize(
    "test",
    ["DEBUG", "sys.version_info >= (3, 13, 2)", "os.environ['X'] == 'y'", "x or TYPE_CHECKING", "1 < x < 3"],
)
def test_what_cannot_be_judged_may_go_either_way(tmp_path: Path, test: str) -> None:
    lay(tmp_path, {"app.py": f"if {test}:\n    import one\nelse:\n    import other\n"})

    assert [(one.module, one.when) for one in followed(tmp_path).others] == [
        ("one", "condition"),
        ("other", "condition"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import x", "import"),
        ("class A:\n    import x", "import"),
        ("with open(f):\n    import x", "import"),
        ("def f():\n    import x", "function"),
        ("def f():\n    if y:\n        import x", "function"),
        ("for y in z:\n    import x", "condition"),
        ("while y:\n    import x", "condition"),
        ("try:\n    pass\nexcept KeyError:\n    import x", "condition"),
        ("try:\n    pass\nfinally:\n    import x", "import"),
        ("try:\n    import x\nexcept KeyError:\n    pass", "import"),
        ("try:\n    import x\nexcept ImportError as e:\n    raise RuntimeError('no x') from e", "import"),
        ("try:\n    import x\nexcept ImportError:\n    pass", "optional"),
        ("try:\n    import x\nexcept (KeyError, ModuleNotFoundError):\n    x = None", "optional"),
        ("try:\n    import x\nexcept Exception:\n    x = None", "optional"),
        ("try:\n    import x\nexcept:\n    x = None", "optional"),
        ("try:\n    import x\nexcept* ImportError:\n    x = None", "optional"),
        ("try:\n    if a:\n        import x\nexcept ImportError:\n    x = None", "optional"),
        ("import contextlib\nwith contextlib.suppress(ImportError):\n    import x", "optional"),
        ("import contextlib\nwith contextlib.suppress(KeyError):\n    import x", "import"),
    ],
)
def test_each_import_knows_when_it_runs_and_whether_it_may_fail(
    tmp_path: Path, text: str, expected: str
) -> None:
    lay(tmp_path, {"app.py": text})

    (one,) = [one for one in followed(tmp_path).others if one.module == "x"]

    assert ("optional" if one.is_optional else one.when) == expected


def test_a_module_of_the_project_hands_on_the_circumstances_it_is_imported_under(tmp_path: Path) -> None:
    lay(tmp_path, {
        "app.py": "import both\ndef f():\n    import late\ntry:\n    import fast\nexcept Exception:\n    1",
        "late.py": "import one, both",
        "fast.py": "import two",
        "both.py": "import three",
    })  # fmt: skip

    others = {one.module: one for one in followed(tmp_path).others}

    assert others["one"].when == "function"
    assert others["two"].is_optional
    assert others["three"].is_certain


def test_what_is_imported_instead_knows_what_it_stands_for(tmp_path: Path) -> None:
    lay(tmp_path, {"app.py": "try:\n    import a\nexcept ImportError:\n    from b import c\n"})

    others = {one.module: one for one in followed(tmp_path).others}

    assert others["b"].instead_of == (("a",),)
    assert not others["b"].is_optional


def test_a_file_that_cannot_be_parsed_is_named(tmp_path: Path) -> None:
    lay(tmp_path, {"app.py": "import lib", "lib.py": "def f(:"})

    assert followed(tmp_path).notes == (
        "lib.py cannot be read by the Python that runs here: its imports are unknown.",
    )


def test_regular_packages_come_before_modules_and_folders_without_an_init_last(tmp_path: Path) -> None:
    lay(
        tmp_path,
        {
            "app.py": "import a, b, c.d",
            "a/__init__.py": "",
            "a.py": "",
            "b/x.py": "",
            "b.py": "",
            "c/d.py": "",
        },
    )

    files = {
        one.module: one.path.relative_to(tmp_path.resolve()).as_posix() for one in followed(tmp_path).modules
    }

    assert files == {"app": "app.py", "a": "a/__init__.py", "b": "b.py", "c.d": "c/d.py"}


def test_a_changed_file_is_read_anew_and_a_damaged_cache_is_no_obstacle(tmp_path: Path, cache: Path) -> None:
    root = lay(tmp_path / "shop", {"app.py": "import a", "a.py": "", "b.py": ""})
    assert reached(followed(root)) == ["a", "app"]

    lay(root, {"app.py": "import b"})
    assert reached(followed(root)) == ["app", "b"]

    (kept,) = cache.rglob("imports/*.json")
    for damage in ("", "[]", kept.read_text().replace("import", "x" * 9).replace("[[", "[7, [")):
        kept.write_text(damage)
        assert reached(followed(root)) == ["app", "b"]


def test_an_unchanged_file_is_not_parsed_again(tmp_path: Path, cache: Path) -> None:
    root = lay(tmp_path / "shop", {"app.py": "import a", "a.py": "", "b.py": ""})
    followed(root)
    (kept,) = cache.rglob("imports/*.json")

    kept.write_text(kept.read_text().replace('"a"', '"b"'))

    assert reached(followed(root)) == ["app", "b"]
