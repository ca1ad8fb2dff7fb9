from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import distributions
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microlambda.bundle.errors import SourcesUnusable
from microlambda.bundle.target import Target
from tests.bundle.installing import Site

if TYPE_CHECKING:
    from pathlib import Path

    from microlambda.bundle.slim.slimming import Slimmed


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site")


def kinds(slimmed: Slimmed) -> set[str]:
    return {one.what for one in slimmed.removed} - {"installer's records"}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("pkg/tests/test_it.py", "tests"),
        ("pkg/sub/tests/test_it.py", "tests"),
        ("pkg/test/test_it.py", "tests"),
        ("pkg/conftest.py", "tests"),
        ("conftest.py", "tests"),
        ("tests/test_it.py", "tests"),
        ("test/helper.py", "tests"),
        ("benchmarks/bench.py", "tests"),
        ("docs/conf.py", "documentation"),
        ("examples/hello.py", "documentation"),
        ("pkg/docs/index.rst", "documentation"),
        ("pkg/sub/doc/guide.html", "documentation"),
        ("pkg/README.md", "documentation"),
        ("pkg/CHANGELOG.rst", "documentation"),
        ("README.md", "documentation"),
        ("share/man/man1/pkg.1", "documentation"),
        ("pkg/core.pyi", "type stubs"),
        ("pkg/py.typed", "type stubs"),
        ("pkg-stubs/__init__.pyi", "type stubs"),
        *(
            (f"pkg/core.{ending}", "headers and sources")
            for ending in ("h", "hpp", "c", "cpp", "pyx", "pxd", "a")
        ),
        ("pkg/__pycache__/core.cpython-313.pyc", "bytecode"),
        ("bin/pkg", "console scripts"),
        ("pkg.pth", ".pth files"),
    ],
)
def test_what_no_function_needs_is_removed_and_told_by_its_kind(site: Site, name: str, kind: str) -> None:
    content = "import pytest\n" if name.endswith(".py") else "what no function reads"
    site.install("pkg", {"pkg/__init__.py": "", "pkg/sub/__init__.py": "", "pkg/core.py": "", name: content})

    slimmed = site.slim()

    assert site.modules() == {"pkg/__init__.py", "pkg/sub/__init__.py", "pkg/core.py"}
    assert kinds(slimmed) == {kind}
    assert [(one.files, one.size) for one in slimmed.removed if one.what == kind] == [(1, len(content))]


@pytest.mark.parametrize(
    "name",
    [
        "pkg/test/client.py",  # as django.test: a product, not tests
        "pkg/testing/__init__.py",
        "pkg/testing.py",
        "pkg/tests.py",  # as jinja2.tests
        "pkg/include/tests/generic.sql",  # as dbt has
        "pkg/plugins/tests/core.py",  # as Ansible's: what its templates call tests
        "pkg/templates/docs/index.html",
        "pkg/prompts/README.md",
        "pkg/prompt.md",
        "pkg/LICENSE.md",
        "pkg/examples/hello.py",
        "pkg/data.txt",
        "pkg/lib.pyc",
    ],
)
def test_what_only_looks_like_it_stays(site: Site, name: str) -> None:
    site.install("pkg", {"pkg/__init__.py": "", name: "x = 1\n"})

    site.slim()

    assert name in site.names()


@pytest.mark.parametrize(
    "statement",
    [
        "import pkg.tests.helper",
        "import os, pkg.tests.helper as helper",
        "from pkg.tests.helper import x",
        "from pkg.tests import helper",
        "from .tests import helper",
        "from.tests.helper import x",
        "from .tests.helper import *",
        "from .tests import (\n    other,  # (of them)\n    helper,\n)",
        "from .tests import other, \\\n    helper",
        "from .tests \\\n    import helper",
        "def run():\n    from .tests import helper",
        "try: from .tests import helper\nexcept ImportError: pass",
        "import sys; import pkg.tests.helper",
        "import importlib\nimportlib.import_module('pkg.tests.helper')",
        "import importlib\nimportlib.import_module('.tests.helper', __name__)",
        'plugins = ["pkg.tests.helper:plugin"]',
        "import importlib.resources\nimportlib.resources.files('pkg.tests')",
        "type X = int; match x:\n    case (: from .tests import helper",
    ],
)
def test_tests_that_others_import_stay_with_what_they_need(site: Site, statement: str) -> None:
    tests = {
        "pkg/tests/__init__.py": "from . import common\n",
        "pkg/tests/common.py": "",
        "pkg/tests/helper.py": "from .deep.base import y\nx = 1\n",
        "pkg/tests/deep/__init__.py": "",
        "pkg/tests/deep/base.py": "y = 1\n",
        "pkg/tests/data.json": "{}",
    }
    site.install(
        "pkg", {"pkg/__init__.py": statement + "\n", **tests, "pkg/tests/test_it.py": "import pytest\n"}
    )

    site.slim()

    assert tests.keys() <= site.names()
    assert ("pkg/tests/test_it.py" in site.names()) is ("files('pkg.tests')" in statement)


@pytest.mark.parametrize(
    "statement",
    [
        "from .other import tests_of",
        "import unittest",
        "# from .tests import helper",
        "paths = ['tests', 'docs']",
        "if name.startswith('pkg.tests.'): pass",
        "from other.tests import helper",
        "contests = latest = 'a.tests_of.b'",
    ],
)
def test_what_is_no_import_of_them_keeps_no_tests(site: Site, statement: str) -> None:
    site.install("pkg", {"pkg/__init__.py": statement + "\n", "pkg/tests/helper.py": "import pytest\n"})

    site.slim()

    assert site.modules() == {"pkg/__init__.py"}


def test_tests_that_only_tests_import_go(site: Site) -> None:
    site.install("pkg", {"pkg/__init__.py": "", "pkg/tests/helper.py": "", "pkg/tests/test_it.py": ""})
    site.install(
        "other", {"other/__init__.py": "", "other/tests/test_it.py": "from pkg.tests import helper\n"}
    )

    site.slim()

    assert site.modules() == {"pkg/__init__.py", "other/__init__.py"}


def test_another_package_may_need_the_tests_of_one(site: Site) -> None:
    site.install("pkg", {"pkg/__init__.py": "", "pkg/tests/helper.py": "", "pkg/tests/test_it.py": ""})
    site.install("other", {"other/__init__.py": "from pkg.tests import helper\n"})

    site.slim()

    assert "pkg/tests/helper.py" in site.names()


def test_an_entry_point_keeps_what_it_names(site: Site) -> None:
    site.install("pkg", {"pkg/__init__.py": "", "pkg/tests/plugin.py": "import pytest\n"})
    site.write("pkg-1.0.dist-info/entry_points.txt", "[plugins]\npkg = pkg.tests.plugin:main [extra]\n")

    site.slim()

    assert "pkg/tests/plugin.py" in site.names()


def test_a_distribution_that_is_nothing_but_examples_keeps_them(site: Site) -> None:
    site.install("examples", {"examples/__init__.py": "", "examples/hello.py": ""})

    site.slim()

    assert site.modules() == {"examples/__init__.py", "examples/hello.py"}


def test_documentation_that_is_code_stays(site: Site) -> None:
    files = {"pkg/docs/__init__.py": "", "pkg/docs/writer.py": "", "pkg/docs/translator.py": ""}
    site.install("pkg", {"pkg/__init__.py": "", "pkg/client.py": "from .docs.writer import write\n", **files})

    site.slim()

    assert files.keys() <= site.names()


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("pkg/parse_c_type.h", "read('parse_c_type.h')"),
        ("pkg/README.md", 'open(os.path.join(here, "README.md"))'),
        ("pkg/README", 'open(here + "/README")'),
        ("pkg/docs/index.html", 'os.path.join(here, "docs", page)'),
        ("pkg/docs/guide.md", 'open(here / "guide.md")'),
        ("pkg/models/bsim.lib", 'glob("*.lib")'),
        ("pkg/core.pyi", "path.with_suffix('.pyi')"),
    ],
)
def test_a_file_that_the_packages_modules_mention_stays(site: Site, file: str, source: str) -> None:
    site.install("pkg", {"pkg/__init__.py": source, file: "read at run time"})
    site.install("other", {"other/__init__.py": "", file.replace("pkg/", "other/"): "read by nobody"})

    site.slim()

    assert site.modules() == {"pkg/__init__.py", file, "other/__init__.py"}


def test_stubs_that_are_read_at_run_time_stay(site: Site) -> None:
    lazy = "import lazy_loader\n__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)\n"
    site.install(
        "pkg", {"pkg/__init__.py": lazy, "pkg/__init__.pyi": "from . import data\n", "pkg/data.pyi": ""}
    )

    site.slim()

    assert site.modules() == {"pkg/__init__.py", "pkg/__init__.pyi", "pkg/data.pyi"}


@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        ("pkg", {"pkg/tests/test_it.py", "pkg/core.pyi", "pkg/README.md", "pkg_native/core.h"}),
        ("Pkg", {"pkg/tests/test_it.py", "pkg/core.pyi", "pkg/README.md", "pkg_native/core.h"}),
        ("pkg/tests/", {"pkg/tests/test_it.py"}),
        ("*.pyi", {"pkg/core.pyi"}),
        ("/pkg_native", {"pkg_native/core.h"}),
        ("bin/pkg", {"bin/pkg"}),
    ],
)
def test_what_the_settings_keep_stays(site: Site, keep: str, kept: set[str]) -> None:
    files = {"pkg/tests/test_it.py", "pkg/core.pyi", "pkg/README.md", "pkg_native/core.h"}
    site.install("pkg", {"pkg/__init__.py": "", **dict.fromkeys(files, "")})
    site.write("bin/pkg")

    slimmed = site.slim(keep=(keep,))

    assert site.modules() == {"pkg/__init__.py", *kept}
    assert slimmed.notes == ()


def test_an_entry_of_keep_that_matches_nothing_is_told(site: Site) -> None:
    site.install("pkg", {"pkg/__init__.py": ""})

    slimmed = site.slim(keep=("pkg", "pandas/tests/"))

    assert [note.partition(":")[0] for note in slimmed.notes] == [
        "keep = ['pandas/tests/'] matches nothing in the dependencies"
    ]


def test_an_entry_of_keep_that_cannot_be_read_is_refused(site: Site) -> None:
    site.install("pkg", {"pkg/__init__.py": ""})

    with pytest.raises(SourcesUnusable, match=r"keep .*'\[z-a\]'"):
        site.slim(keep=("[z-a]",))


def test_records_with_paths_of_this_machine_go_whatever_is_kept(site: Site) -> None:
    site.install("pkg", {"pkg/__init__.py": "", "pkg-1.0.dist-info/direct_url.json": "{}"})

    site.slim(keep=("*",))

    assert "pkg-1.0.dist-info/direct_url.json" not in site.names()
    assert "pkg-1.0.dist-info/RECORD" in site.names()


LONG = "\n\n# The readme\n\nName: not-this\n"
OLD = (
    "Metadata-Version: 1.2\nName: pkg\nVersion: 1.0\nDescription: The readme\n"
    "        \n        Name: not-this\nRequires-Dist: other (>=1)\nKeywords: a,\n b\n"
)


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (
            f"Metadata-Version: 2.1\nName: pkg\nVersion: 1.0\nRequires-Dist: other>=1{LONG}",
            "Metadata-Version: 2.1\nName: pkg\nVersion: 1.0\nRequires-Dist: other>=1\n",
        ),
        (
            OLD,
            "Metadata-Version: 1.2\nName: pkg\nVersion: 1.0\nRequires-Dist: other (>=1)\nKeywords: a,\n b\n",
        ),
        (OLD.replace("\n", "\r\n"), None),
    ],
    ids=["body", "header", "header with carriage returns"],
)
def test_metadata_loses_its_long_description_alone(site: Site, metadata: str, expected: str | None) -> None:
    site.install("pkg", {"pkg/__init__.py": ""})
    info = "pkg-1.0.dist-info"
    site.write(f"{info}/METADATA", metadata)
    site.write(f"{info}/entry_points.txt", "[plugins]\none = pkg:main\n")
    site.write(f"{info}/licenses/LICENSE", "MIT")
    before = site.size

    slimmed = site.slim()

    (found,) = distributions(path=[str(site.folder)])
    assert (found.name, found.version) == ("pkg", "1.0")
    assert [one.replace(" (", "").rstrip(")") for one in found.requires or ()] == ["other>=1"]
    assert [(one.group, one.value) for one in found.entry_points] == [("plugins", "pkg:main")]
    assert {f"{info}/licenses/LICENSE", f"{info}/entry_points.txt"} <= site.names()
    written = (site.folder / info / "METADATA").read_bytes().decode()
    assert "readme" not in written
    assert sum(one.size for one in slimmed.removed) == before - site.size
    assert written == expected or expected is None


def test_a_resolvers_cache_that_files_are_linked_to_stays_whole(site: Site, tmp_path: Path) -> None:
    site.install("pkg", {"pkg/__init__.py": ""})
    metadata = site.write(
        "pkg-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: pkg\nVersion: 1.0{LONG}"
    )
    cached = tmp_path / "cached"
    os.link(metadata, cached)

    site.slim()

    assert "readme" not in metadata.read_text()
    assert cached.read_text().endswith(LONG)


def test_pth_files_are_told_of(site: Site) -> None:
    site.install("pkg", {"pkg/__init__.py": "", "pkg.pth": "import pkg"})

    assert site.slim().notes == ("pkg.pth is left out: Lambda does not read .pth files beside the code.",)


def test_distributions_that_nothing_needs_go_and_leave_what_others_share(site: Site) -> None:
    site.install("app-core", {"ns/__init__.py": "", "ns/core.py": ""})
    site.install("leftover", {"ns/__init__.py": "", "ns/left.py": "xx"}, wanted=False)

    slimmed = site.slim()

    assert site.modules() == {"ns/__init__.py", "ns/core.py"}
    assert [package.name for package in slimmed.packages] == ["app-core"]
    assert [one.files for one in slimmed.removed if one.what == "packages that nothing needs"] == [3]


def test_a_source_requirement_whose_name_is_unknown_is_what_nobody_else_asks_for(site: Site) -> None:
    from microlambda.bundle.inputs.requirements import Requirements, SourceRequirement
    from microlambda.bundle.slim.options import SlimOptions
    from microlambda.bundle.slim.slimming import slim

    site.install("built", {"built/__init__.py": ""}, requires=["needed"])
    site.install("needed", {"needed/__init__.py": ""})
    source = SourceRequirement(location="git+https://example.invalid/built", where="requirements.txt:1")

    requirements = Requirements(label="requirements.txt", sources=(source,))
    slimmed = slim(site.folder, requirements, Target.for_lambda("3.13", "arm64"), SlimOptions())

    assert [package.name for package in slimmed.packages] == ["built", "needed"]


_NAMES = st.sampled_from(
    ["core.py", "test_it.py", "__init__.py", "a.pyi", "b.h", "README.md", "data.csv", "conftest.py", "x.pth"]
)
_FOLDERS = st.lists(
    st.sampled_from(["pkg", "tests", "test", "docs", "sub", "bin", "__pycache__"]), max_size=3
)
_SOURCES = st.sampled_from(
    ["", "import pytest\n", "from .tests import test_it\n", "x = 'README.md'\n", "y" * 99]
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    trees=st.dictionaries(
        st.sampled_from(["pkg", "other", "boto3"]),
        st.dictionaries(st.tuples(_FOLDERS.map("/".join), _NAMES).map("/".join), _SOURCES, max_size=12),
        min_size=1,
    ),
    wanted=st.sets(st.sampled_from(["pkg", "other", "boto3"])),
)
def test_what_is_told_to_be_removed_is_what_is_gone(
    tmp_path_factory: pytest.TempPathFactory, trees: dict[str, dict[str, str]], wanted: set[str]
) -> None:
    site = Site(tmp_path_factory.mktemp("site"))
    for name, files in trees.items():
        rooted = {file.lstrip("/"): content for file, content in files.items()}
        site.install(name, {f"{name}/__init__.py": "", **rooted}, wanted=name in wanted)
    before, count = site.size, len(site.names())
    site.wanted = site.wanted or ["nothing-of-it"]

    slimmed = site.slim()

    whole = [one for one in slimmed.removed if one.what != "long descriptions"]
    assert sum(one.size for one in slimmed.removed) == before - site.size
    assert sum(one.files for one in whole) == count - len(site.names())
    assert all(one.size >= 0 for one in slimmed.removed)
    for package in slimmed.packages:
        assert 0 <= package.size <= site.size
    if len(slimmed.packages) == len(trees) == 1:
        assert slimmed.packages[0].size == site.size


@pytest.mark.index
@pytest.mark.slow  # installs half a dozen packages and imports them
@pytest.mark.parametrize(
    ("asked", "modules"),
    [
        (
            ["flask", "pydantic", "cryptography", "sqlalchemy"],
            [
                *(
                    "flask.testing",
                    "flask.json.tag",
                    "werkzeug.test",
                    "werkzeug.debug",
                    "jinja2.ext",
                    "pydantic",
                ),
                *("pydantic.v1", "click.testing", "sqlalchemy.orm", "sqlalchemy.testing"),
                *("cryptography.x509", "cryptography.hazmat.primitives.asymmetric.rsa", "cffi.recompiler"),
                "sqlalchemy.dialects.postgresql",
            ],
        ),
        (
            ["numpy", "pandas", "lazy-loader"],
            [
                *("numpy.testing", "numpy.f2py", "numpy.linalg", "numpy.random", "numpy.ma", "numpy.fft"),
                *(
                    "pandas.testing",
                    "pandas.io.formats.format",
                    "pandas.io.json",
                    "pandas.plotting",
                    "lazy_loader",
                ),
            ],
        ),
    ],
    ids=["web", "numbers"],
)
def test_real_packages_work_without_it(site: Site, asked: list[str], modules: list[str]) -> None:
    from uv import find_uv_bin

    command = [find_uv_bin(), "pip", "install", "--quiet", "--python", sys.executable, "--target"]
    subprocess.run([*command, str(site.folder), *asked], check=True)
    before = site.size

    slimmed = site.slim(*asked, target=Target.for_host())

    assert sum(one.size for one in slimmed.removed) == before - site.size
    code = f"import sys; sys.path.insert(0, {str(site.folder)!r}); import {', '.join(modules)}"
    subprocess.run([sys.executable, "-S", "-I", "-B", "-c", code], check=True)
    assert not [name for name in site.names() if name.endswith((".pyi", "/conftest.py", "/RECORD"))]
