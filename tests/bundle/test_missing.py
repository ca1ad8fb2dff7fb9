"""What the app imports and the archives lack; a clean process is the judge of what would import."""

from __future__ import annotations

import importlib
import re
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from microlambda.bundle.code.contents import is_extension
from microlambda.bundle.code.follow import follow
from microlambda.bundle.code.lacking import check_complete
from microlambda.bundle.code.sources import find_sources
from microlambda.bundle.code.stdlib import stdlib_modules, why_absent
from microlambda.bundle.code.trial import try_import
from microlambda.bundle.errors import BundleError, ModulesMissing
from microlambda.bundle.target import Target
from microlambda.project.settings import load_settings

LAMBDA = Target.for_lambda("3.13", "arm64")
HOST = Target.for_host()


def lay(root: Path, files: Iterable[tuple[str, str]]) -> Path:
    for name, content in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return root


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    return tmp_path / "shop"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Packages that are installed here, and that nothing requires."""
    site = tmp_path / "site"
    lay(site, [
        ("here/__init__.py", ""), ("here/part.py", ""), ("here/deep/__init__.py", ""), ("spare.py", ""),
        ("loose.py", ""), ("space/mail/__init__.py", ""), ("space/sms/__init__.py", ""),
        *_distribution("Here-Lib", "here/__init__.py", "here/part.py", "here/deep/__init__.py"),
        *_distribution("spare", "spare.py"),
        *_distribution("space-mail", "space/mail/__init__.py"),
        *_distribution("space-sms", "space/sms/__init__.py"),
    ])  # fmt: skip
    monkeypatch.syspath_prepend(str(site))
    importlib.invalidate_caches()
    return site


def _distribution(name: str, *files: str) -> list[tuple[str, str]]:
    info = f"{name.replace('-', '_')}-1.0.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    record = "".join(f"{file},,\n" for file in (*files, f"{info}/METADATA", f"{info}/RECORD"))
    return [(f"{info}/METADATA", metadata), (f"{info}/RECORD", record)]


def checked(
    root: Path,
    *available: str,
    target: Target = LAMBDA,
    requirements: str = "requirements.txt",
    import_root: Path | None = None,
    elsewhere: tuple[str, ...] = (),
    has_foreign_layers: bool = False,
) -> tuple[str, ...]:
    """Check the app of a folder against what ships of it and what else is said to be there."""
    import_root = import_root or root
    imports = follow(root, import_root, "app", target)
    sources = find_sources(load_settings(root, "dev"), import_root, imports=imports)
    return check_complete(
        imports,
        [*(file.name for file in sources.files), *available],
        target,
        requirements=requirements,
        elsewhere=elsewhere,
        has_foreign_layers=has_foreign_layers,
    )


def refusal(root: Path, *available: str, target: Target = LAMBDA, import_root: Path | None = None) -> str:
    with pytest.raises(ModulesMissing) as caught:
        checked(root, *available, target=target, import_root=import_root)
    return str(caught.value)


@pytest.mark.parametrize(
    ("app", "message"),
    [
        (
            "\n\nimport here",
            "app.py:3 imports here, which is installed here but is in none of the project's requirements "
            "(requirements.txt). Add it there: Here-Lib.",
        ),
        (
            "def f():\n    from here.part import x",
            "app.py:2 imports here.part in a function, which is installed here but is in none of the "
            "project's requirements (requirements.txt). Add it there: Here-Lib. If this machine alone needs "
            "it, import it in a try with except ImportError.",
        ),
        ("if x:\n    import spare", "app.py:2 imports spare on a condition, which is installed here but"),
        ("from space import sms", "project's requirements (requirements.txt). Add it there: space-sms."),
        ("import loose", "app.py:1 imports loose, which is on this machine's Python path ("),
        (
            "import nowhere.at.all",
            "app.py:1 imports nowhere.at.all, and there is no such module: neither in the project nor in the "
            "project's requirements (requirements.txt).",
        ),
        ("import winreg", "app.py:1 imports winreg, which Python has on other systems only, not on Linux."),
        (
            "import microlambda.testing",
            "app.py:1 imports microlambda.testing, which stays on the developer's machine",
        ),
        (
            "import telnetlib",
            "app.py:1 imports telnetlib, which Python 3.13 removed from the standard library. Add what has "
            "it now to the requirements: standard-telnetlib.",
        ),
        ("import annotationlib", "annotationlib, which the standard library has from Python 3.14 on."),
        ("import lib.missing", "app.py:1 imports lib.missing, and lib of the project has no missing."),
        ("from lib import x", "lib/x.py:1 imports spare, which is installed here"),
    ],
)  # fmt: skip
def test_what_would_fail_on_lambda_is_refused_with_the_remedy(
    shop: Path, machine: Path, app: str, message: str
) -> None:
    lay(shop, [("app.py", app), ("lib/__init__.py", ""), ("lib/x.py", "import spare")])

    assert message in refusal(shop, "microlambda/__init__.py", "microlambda/runtime/app.pyc")


def test_several_are_told_at_once_and_each_module_once(shop: Path, machine: Path) -> None:
    lay(
        shop,
        [
            ("app.py", "def f():\n    import spare\nimport here, lib\nimport here.part"),
            ("lib.py", "import spare"),
        ],
    )

    first, *lines = refusal(shop).splitlines()

    assert first == "2 imports of the app would fail on Lambda:"
    assert [line.partition(",")[0] for line in lines] == [
        "- lib.py:1 imports spare",
        "- app.py:3 imports here",
    ]


@pytest.mark.parametrize(
    "app",
    [
        "try:\n    import here\nexcept ImportError:\n    here = None",
        "try:\n    import spare\nexcept ImportError:\n    import nowhere",
        "try:\n    import json\nexcept ImportError:\n    import here",
        "if TYPE_CHECKING:\n    import here",
        "if __name__ == '__main__':\n    import here",
        "if sys.version_info < (3, 13):\n    import here",
        "import os, sys, json, email.mime.text, __future__, __main__, tomllib",
        "import boto3, botocore.exceptions, snapshot_restore_py, awslambdaric",
        "import microlambda, microlambda.runtime.app",
        "import dep, dep.made.up, dep2.part, dep3, dep4.native, names.pace",
        "from dep2 import part, attribute",
        "from names import pace",
    ],
)  # fmt: skip
def test_what_is_there_or_may_fail_is_accepted_without_a_word(shop: Path, machine: Path, app: str) -> None:
    lay(shop, [("app.py", app)])
    available = (
        *("dep.py", "dep2/__init__.py", "dep2/part.pyc", "dep3.abi3.so", "dep4/__init__.py", "spare.py"),
        *(
            "dep4/native.cpython-313-aarch64-linux-gnu.so",
            "names/pace/__init__.py",
            "microlambda/__init__.py",
        ),
        *("microlambda/runtime/__init__.py", "microlambda/runtime/app.pyc"),
    )

    assert checked(shop, *available) == ()


@pytest.mark.parametrize(
    ("app", "note"),
    [
        (
            "def f():\n    import nowhere",
            "app.py:2 imports nowhere in a function, and there is no such module",
        ),
        ("if x:\n    import nowhere", "app.py:2 imports nowhere on a condition, and there is no such module"),
        (
            "import urllib3",
            "app.py:1 imports urllib3, which no requirement brings. Lambda's runtime has a copy",
        ),
        ("import lib.generated", "app.py:1 imports lib.generated, and lib of the project has no generated."),
    ],
)
def test_what_may_fail_is_noted(shop: Path, app: str, note: str) -> None:
    lay(shop, [("app.py", app), ("lib/__init__.py", "import sys\nsys.modules['lib.generated'] = sys")])

    (said,) = checked(shop)

    assert said.startswith(note)


def test_layers_of_others_may_have_anything(shop: Path, machine: Path) -> None:
    lay(shop, [("app.py", "import here, nowhere")])

    notes = checked(shop, has_foreign_layers=True)

    assert [note.partition(",")[0] for note in notes] == ["app.py:1 imports here", "app.py:1 imports nowhere"]
    assert all(note.endswith("A layer that the settings name may have it.") for note in notes)


def test_what_another_function_has_may_be_imported_where_that_one_runs(shop: Path, machine: Path) -> None:
    lay(shop, [("app.py", "def nightly(event):\n    import here.part")])
    assert checked(shop, elsewhere=("here/__init__.py", "here/part.py")) == ()

    lay(shop, [("app.py", "import here.part")])
    with pytest.raises(ModulesMissing, match="is in none of the project's requirements"):
        checked(shop, elsewhere=("here/__init__.py", "here/part.py"))


@pytest.mark.parametrize(
    ("app", "available", "missing"),
    [
        ("import here.part", ("here/__init__.py",), "here.part"),
        ("from here.deep import x", ("here/__init__.py", "here/part.py"), "here.deep"),
        ("from here import part", ("here/__init__.py",), "here.part"),
        ("import other.tests", ("other/__init__.py",), "other.tests"),
    ],
)
def test_a_part_that_a_dependency_lost_is_named_with_the_setting_that_keeps_it(
    shop: Path, machine: Path, app: str, available: tuple[str, ...], missing: str
) -> None:
    lay(shop, [("app.py", app)])

    message = refusal(shop, *available)

    assert message.startswith(f"app.py:1 imports {missing}, which is not in the bundle, though ")
    assert f"keep = ['{missing.replace('.', '/')}*']" in message


def test_a_part_that_a_package_makes_by_itself_is_noted_only(shop: Path, machine: Path) -> None:
    lay(shop, [("app.py", "import here.made")])

    assert len(checked(shop, "here/__init__.py", "here/part.py")) == 1


def test_a_namespace_has_what_its_distributions_bring(shop: Path, machine: Path) -> None:
    lay(shop, [("app.py", "import space.mail, space.sms")])

    assert "Add it there: space-mail." in refusal(shop, "space/sms/__init__.py")


@pytest.mark.parametrize("name", ["tools.py", "tools/__init__.py"])
def test_a_module_beside_src_is_named_with_where_to_move_it(shop: Path, name: str) -> None:
    lay(shop, [("src/app.py", "import tools"), (name, "")])

    assert refusal(shop, import_root=shop / "src") == (
        f"src/app.py:1 imports tools, which is {name.removesuffix('/__init__.py')} of the project's folder, "
        "and only what is in src/ ships. Move it into src/."
    )


def test_without_requirements_the_file_to_write_is_named(shop: Path, machine: Path) -> None:
    lay(shop, [("app.py", "import spare")])

    with pytest.raises(
        ModulesMissing, match=r"none of the project's requirements\. Add it to a requirements\.txt: spare"
    ):
        checked(shop, requirements="")


def test_nothing_is_imported_to_find_out(shop: Path, machine: Path) -> None:
    (machine / "here" / "__init__.py").write_text("raise SystemExit('imported')")
    lay(shop, [("app.py", "import here.deep")])

    assert "Here-Lib" in refusal(shop)
    assert "here" not in sys.modules


@pytest.mark.parametrize(
    ("ending", "target", "expected"),
    [
        ("so", LAMBDA, True),
        ("abi3.so", LAMBDA, True),
        ("cpython-313-aarch64-linux-gnu.so", LAMBDA, True),
        ("cpython-313-x86_64-linux-gnu.so", LAMBDA, False),
        ("cpython-312-aarch64-linux-gnu.so", LAMBDA, False),
        ("cp313-win_amd64.pyd", LAMBDA, False),
        ("cp313-win_amd64.pyd", HOST, True),
        ("cpython-311-darwin.so", HOST, True),
        ("txt", LAMBDA, False),
    ],
)
def test_a_native_module_is_one_for_its_python_and_processor_only(
    ending: str, target: Target, expected: bool
) -> None:
    assert is_extension(ending, target) is expected


def typeshed() -> dict[str, tuple[str, str]]:
    """Read when modules came and went, as mypy knows it."""
    import mypy

    lines = (Path(mypy.__file__).parent / "typeshed/stdlib/VERSIONS").read_text().splitlines()
    rows = (re.match(r"([a-z]\w*): ([\d.]+)-([\d.]*)", line) for line in lines)
    return {row[1]: (row[2], row[3]) for row in rows if row}


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_the_standard_library_is_the_one_of_the_target(python: str) -> None:
    def number(version: str) -> tuple[int, ...]:
        return tuple(map(int, version.split(".")))

    public = {name for name in stdlib_modules(python) if not name.startswith("_")}
    expected = {
        name
        for name, (first, last) in typeshed().items()
        if number(first) <= number(python) and (not last or number(python) <= number(last))
    }
    # typeshed has no stubs of the first, and the others are not in the standard library, or not for users.
    unstubbed = {"idlelib", "turtledemo", "typing_extensions", "xxlimited"}
    assert public - unstubbed == {name for name in expected if why_absent(name, python) is None} - unstubbed


#: Projects by what is in them, each to be imported in a clean process; files of a layer are under python/.
TRY = "try:\n    import {}\nexcept ImportError:\n    {}"
JUDGED = {
    "plain": {"app.py": "import json, lib.one", "lib/one.py": "from . import two", "lib/two.py": ""},
    "a dependency": {"app.py": "import dep.part", "python/dep/__init__.py": "", "python/dep/part.py": ""},
    "none": {"app.py": "import here"},
    "nowhere": {"app.py": "import nowhere"},
    "far below": {"app.py": "from a.b import c", "a/b/__init__.py": "", "a/b/c.py": "import spare"},
    "optional": {"app.py": TRY.format("here", "pass")},
    "optional below": {"app.py": TRY.format("fast", "pass"), "fast.py": "import here"},
    "raised again": {"app.py": TRY.format("here", "raise ImportError('x')")},
    "instead": {"app.py": TRY.format("here", "import json")},
    "no instead": {"app.py": TRY.format("here", "import spare")},
    "instead unneeded": {"app.py": TRY.format("json", "import spare")},
    "type checking": {"app.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import here"},
    "another system": {"app.py": "import sys\nif sys.platform == 'win32':\n    import winreg"},
    "suppressed": {"app.py": "from contextlib import suppress\nwith suppress(ImportError):\n    import here"},
    "tests": {"app.py": "import tests.helpers", "tests/helpers.py": "", "tests/test_app.py": "import here"},
    "conftest": {"app.py": "import conftest", "conftest.py": "import setup", "setup.py": "x = 1"},
    "excluded": {"app.py": "import drafts", "drafts.py": "", ".lambdaignore": "drafts.py"},
    "excluded, optional": {
        "app.py": TRY.format("drafts", "pass"), "drafts.py": "", ".lambdaignore": "drafts.py",
    },
    "a namespace": {"app.py": "import ns.a, ns.b", "ns/a.py": "", "python/ns/b.py": ""},
    "half a namespace": {"app.py": "import ns.a, ns.b", "ns/a.py": ""},
    "a lost part": {"app.py": "import here.part", "python/here/__init__.py": ""},
    "of the runtime": {"app.py": "import boto3, botocore.config, urllib3"},
    "by name": {"app.py": "import importlib\nimportlib.import_module('here')"},
    "made by itself": {
        "app.py": "import six.moves", "python/six.py": "import sys\nsys.modules['six.moves'] = sys",
    },
    "data beside code": {
        "app.py": "import pathlib, lib\n(pathlib.Path(lib.__file__).parent / 'a.txt').read_text()",
        "lib/__init__.py": "", "lib/a.txt": "x",
    },
}  # fmt: skip


@pytest.mark.parametrize("files", JUDGED.values(), ids=JUDGED.keys())
def test_what_is_accepted_imports_in_a_clean_process_and_what_is_refused_does_not(
    shop: Path, machine: Path, tmp_path: Path, files: dict[str, str]
) -> None:
    lay(shop, [(name, text) for name, text in files.items() if not name.startswith("python/")])
    layer = {name: text for name, text in files.items() if name.startswith("python/")}

    try:
        checked(shop, *(name.removeprefix("python/") for name in layer), target=HOST)
    except BundleError:
        accepted = False
    else:
        accepted = True

    archives = [_zip(tmp_path / "code.zip", _shipped(shop)), _zip(tmp_path / "layer.zip", layer)]
    trial = try_import(archives, "app", HOST)
    assert trial.is_imported is accepted, trial.problem


def _shipped(shop: Path) -> dict[str, str]:
    """Read what ships: without the imports, where these are refused."""
    settings, imports = load_settings(shop, "dev"), follow(shop, shop, "app", HOST)
    try:
        found = find_sources(settings, shop, imports=imports)
    except ModulesMissing:
        found = find_sources(settings, shop, imports=replace(imports, modules=()))
    return {file.name: file.path.read_text() for file in found.files}


def _zip(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path
