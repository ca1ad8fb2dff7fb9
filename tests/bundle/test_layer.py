"""Dependencies in a layer of their own: what is in which archive, who shares it, and what changes it."""

from __future__ import annotations

import marshal
import zipfile
from types import CodeType
from typing import TYPE_CHECKING

import pytest

from microlambda.bundle import limits
from microlambda.bundle.archive import names
from microlambda.bundle.errors import BundleTooLarge, ModulesMissing, NativeMismatch
from microlambda.bundle.fingerprint import pieces
from microlambda.bundle.selection import selections
from microlambda.bundle.target import Target
from microlambda.project.settings import load_settings
from tests.bundle.conftest import APP, source_files

if TYPE_CHECKING:
    from microlambda.project.pieces import Pieces
    from tests.bundle.conftest import Project, Wheelhouse

HOST = Target.for_host()

GROUPS = """\
[project]
name = "shop"
version = "1"
dependencies = ["pure"]

[project.optional-dependencies]
pdf = ["paper"]

[dependency-groups]
reports = ["tables"]
charts = ["tables"]
"""


def pieces_of(project: Project) -> Pieces:
    return pieces(load_settings(project.root, "dev"), "app", project.root, HOST)


@pytest.fixture
def grouped(project: Project, index: Wheelhouse) -> Project:
    """A project whose groups bring a package each."""
    for name in ("pure", "tables", "paper"):
        index.wheel(name)
    project.write("pyproject.toml", GROUPS)
    return project


def test_dependencies_lie_in_the_layer_and_not_beside_the_code(project: Project, index: Wheelhouse) -> None:
    index.wheel("pure")
    project.write("requirements.txt", "pure")

    bundle = project.bundle(single=False)

    (layer,) = bundle.layers
    assert layer.key == "dependencies"
    assert layer.archive.name == "shop-dependencies.zip"
    assert "python/pure/__init__.py" in names(layer.archive)
    assert all(name.startswith("python/") for name in names(layer.archive))
    assert project.contents(bundle) == ["app.py"]
    assert [package.name for package in layer.packages] == ["pure"]


def test_bytecode_in_the_layer_names_the_place_where_lambda_has_the_file(
    project: Project, index: Wheelhouse
) -> None:
    index.wheel("pure")
    project.write("requirements.txt", "pure")

    (layer,) = project.bundle(target=HOST, single=False).layers

    with zipfile.ZipFile(layer.archive) as archive:
        compiled = archive.read(f"python/pure/__pycache__/__init__.{HOST.cache_tag}.pyc")
    code: CodeType = marshal.loads(compiled[16:])
    assert code.co_filename == "/opt/python/pure/__init__.py"
    assert compiled[4:8] == b"\x01\0\0\0"  # an unchecked hash, PEP 552


def test_a_change_of_code_leaves_the_layer_as_it_is(project: Project, index: Wheelhouse) -> None:
    index.wheel("pure")
    project.write("requirements.txt", "pure")
    before, planned = project.bundle(single=False), pieces_of(project).common
    first = before.layers[0].archive.read_bytes()

    project.write("other.py", "changed = True\n")
    after = project.bundle(single=False)

    assert after.layers[0].archive.read_bytes() == first
    assert pieces_of(project).common.layers == planned.layers
    assert pieces_of(project).common.code != planned.code
    assert after.code.size < 400_000


def test_a_change_of_requirements_is_another_layer(project: Project, index: Wheelhouse) -> None:
    project.write("requirements.txt", "pure==1.0")
    before = pieces_of(project).common

    project.write("requirements.txt", "pure==1.1")

    assert pieces_of(project).common.layers != before.layers


@pytest.mark.parametrize(
    "line",
    ['keep = ["pure"]', "strip = true", 'sdk = ["s3"]', 'architecture = "arm64"'],
    ids=["keep", "strip", "sdk", "target"],
)
def test_what_decides_the_content_of_a_layer_decides_its_hash(line: str, project: Project) -> None:
    project.write("requirements.txt", "pure")
    target = Target.for_lambda("3.13", "x86_64")
    before = pieces(load_settings(project.root, "dev"), "app", project.root, target).common.layers

    project.write("microlambda.toml", line)

    settings = load_settings(project.root, "dev")
    after = pieces(
        settings, "app", project.root, Target.for_lambda("3.13", settings.architecture)
    ).common.layers
    assert after != before


def test_without_dependencies_there_is_no_layer(project: Project) -> None:
    bundle = project.bundle(single=False)

    assert bundle.layers == ()
    assert [path.name for path in project.out.iterdir()] == ["shop.zip"]
    assert pieces_of(project).common.layers == ()


def test_what_lambda_has_needs_no_layer(project: Project) -> None:
    project.write("requirements.txt", "boto3\nmicrolambda\n")

    bundle = project.bundle(single=False)

    assert bundle.layers == ()
    assert [note for note in bundle.notes if note.startswith("boto3 is left to")]


def test_a_function_with_a_group_of_its_own_has_a_layer_of_its_own(grouped: Project) -> None:
    grouped.write("microlambda.toml", '[functions.nightly]\ngroups = ["reports"]\n')

    bundle = grouped.bundle(single=False)

    assert {part.key: [one.name for one in part.packages] for part in bundle.layers} == {
        "dependencies": ["pure"],
        "dependencies-reports": ["pure", "tables"],
    }
    assert bundle.part("dependencies-reports").functions == ("nightly",)
    planned = pieces_of(grouped)
    assert [one.key for one in planned.of("nightly").layers] == ["dependencies-reports"]
    assert [one.key for one in planned.of("http").layers] == ["dependencies"]
    assert planned.of("nightly").code == planned.of("http").code


def test_functions_of_equal_groups_share_what_is_built(grouped: Project) -> None:
    grouped.write(
        "microlambda.toml",
        '[functions.nightly]\ngroups = ["reports"]\n[functions.weekly]\ngroups = ["reports"]\n'
        '[functions.daily]\nmemory = 512\n[functions.invoice]\nextras = ["pdf"]\n',
    )

    chosen = selections(load_settings(grouped.root, "dev"))

    assert [(one.suffix, one.functions) for one in chosen] == [
        ("", ()),
        ("-reports", ("nightly", "weekly")),
        ("-__pdf", ("invoice",)),
    ]


def test_with_one_archive_for_all_each_selection_has_its_own(grouped: Project) -> None:
    grouped.write("microlambda.toml", 'single_archive = true\n[functions.nightly]\ngroups = ["reports"]\n')

    bundle = grouped.bundle()

    assert {part.archive.name: [one.name for one in part.packages] for part in bundle.parts} == {
        "shop.zip": ["pure"],
        "shop-reports.zip": ["pure", "tables"],
    }
    planned = pieces_of(grouped)
    assert planned.of("nightly").code.key == "code-reports"
    assert planned.of("nightly").layers == ()


def test_a_layer_of_the_same_inputs_is_of_the_same_bytes(
    project: Project, index: Wheelhouse, cache: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.wheel("pure", files={f"pure/m{number}.py": f"x = {{{number}, 'a', 'b'}}\n" for number in range(20)})
    project.write("requirements.txt", "pure")
    first = project.bundle(target=HOST, single=False).layers[0].archive.read_bytes()

    monkeypatch.setenv("MICROLAMBDA_CACHE_DIR", str(project.root.parent / "another-cache"))
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    again = project.bundle(target=HOST, single=False, out=project.root.parent / "elsewhere").layers[0]

    assert again.archive.read_bytes() == first


def test_the_limit_counts_code_and_layers_of_a_function_together(
    grouped: Project, index: Wheelhouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.wheel("tables", "2.0", files={"tables/data.bin": bytes(3_000_000), "tables/__init__.py": ""})
    grouped.write("microlambda.toml", '[functions.nightly]\ngroups = ["reports"]\n')
    monkeypatch.setattr(limits, "UNPACKED_LIMIT", 3_100_000)

    told = (
        r"^the bundle 'shop' for nightly \(group reports\) unpacks to .*Largest, without bytecode: tables 3 "
    )
    with pytest.raises(BundleTooLarge, match=told):
        grouped.bundle(single=False)

    assert list(grouped.out.iterdir()) == []


def test_with_the_dependencies_in_it_the_code_is_another_piece(project: Project) -> None:
    project.write("requirements.txt", "pure")
    beside = pieces_of(project).common

    project.write("microlambda.toml", "single_archive = true\n")

    within = pieces_of(project).common
    assert within.layers == ()
    assert within.code.inputs != beside.code.inputs


def test_groups_in_another_order_and_groups_that_add_nothing_share_what_is_built(grouped: Project) -> None:
    grouped.write("pyproject.toml", GROUPS + 'empty = ["pure"]\n')
    grouped.write(
        "microlambda.toml",
        '[functions.nightly]\ngroups = ["reports", "charts"]\n'
        '[functions.weekly]\ngroups = ["charts", "reports"]\n'
        '[functions.hourly]\ngroups = ["empty"]\n',
    )

    bundle = grouped.bundle(single=False)

    assert [(part.key, part.functions) for part in bundle.layers] == [
        ("dependencies", ()),
        ("dependencies-charts_reports", ("nightly", "weekly")),
    ]
    assert pieces_of(grouped).of("hourly") == pieces_of(grouped).of("http")


def test_a_lazy_import_of_what_another_function_has_is_no_error(grouped: Project, index: Wheelhouse) -> None:
    # werkzeug is installed here, so `local` would see it.
    index.wheel("werkzeug")
    grouped.write("pyproject.toml", GROUPS + 'web = ["werkzeug"]\n')
    grouped.write("microlambda.toml", '[functions.nightly]\ngroups = ["web"]\n')
    grouped.write("app.py", APP + "\n\ndef nightly():\n    import werkzeug\n")

    grouped.bundle(single=False)

    grouped.write("microlambda.toml", "")
    with pytest.raises(ModulesMissing, match="imports werkzeug"):
        grouped.bundle(single=False)


def test_a_native_library_of_the_project_for_another_machine_is_refused(project: Project) -> None:
    machine = 183  # AArch64, https://www.sco.com/developers/gabi/latest/ch4.eheader.html
    library = b"\x7fELF\x02\x01\x01" + bytes(9) + (3).to_bytes(2, "little") + machine.to_bytes(2, "little")
    (project.root / "fast.so").write_bytes(library + (1).to_bytes(4, "little") + bytes(40))

    with pytest.raises(NativeMismatch, match=r"fast\.so of the project .*x86_64"):
        project.bundle(target=Target.for_lambda("3.13", "x86_64"))


def test_a_folder_that_is_required_ships_as_it_is_built_and_not_a_second_time(
    project: Project, index: Wheelhouse
) -> None:
    for name, content in source_files("lib", "1.0").items():
        project.write(f"lib/{name}", content)
    project.write("lib/.env", "TOKEN=secret")
    project.write("lib/build/lib/stale.py", "")
    project.write("requirements.txt", "./lib\n")

    bundle = project.bundle(single=False)

    assert project.contents(bundle) == ["app.py"]
    present = {name for name in names(bundle.layers[0].archive) if "dist-info" not in name}
    assert {name for name in present if "__pycache__" not in name} == {"python/lib/__init__.py"}


@pytest.mark.parametrize("changed", ["lib/.env", "lib/build/lib/x.py", "lib/lib.egg-info/PKG-INFO"])
def test_what_no_build_reads_of_a_folder_decides_nothing(changed: str, project: Project) -> None:
    for name, content in source_files("lib", "1.0").items():
        project.write(f"lib/{name}", content)
    project.write("requirements.txt", "./lib\n")
    before = pieces_of(project)

    project.write(changed, "other")

    assert pieces_of(project) == before


def test_another_constraint_for_uv_is_another_resolution(project: Project, index: Wheelhouse) -> None:
    index.wheel("pure", "1.0")
    index.wheel("pure", "2.0")
    project.write("requirements.txt", "pure")
    first, planned = project.bundle(single=False, resolver="uv"), pieces_of(project)

    project.write("pyproject.toml", '[tool.uv]\nconstraint-dependencies = ["pure<2"]\n')

    assert [one.version for one in first.packages] == ["2.0"]
    assert pieces_of(project).common.layers != planned.common.layers
    assert "Dependencies: unchanged, from the cache" not in project.said
    project.bundle(single=False, resolver="uv")
    assert "Dependencies: unchanged, from the cache" not in project.said


def test_a_newer_wheel_in_a_folder_of_links_is_taken(project: Project, index: Wheelhouse) -> None:
    wheels = project.root / "wheels"
    wheels.mkdir()
    index.wheel("pure", "1.0").rename(wheels / "pure-1.0-py3-none-any.whl")
    project.write("requirements.txt", "--find-links ./wheels\npure\n")
    first = project.bundle(single=False)

    index.wheel("pure", "2.0").rename(wheels / "pure-2.0-py3-none-any.whl")
    second = project.bundle(single=False)

    assert [one.packages[0].version for one in (first, second)] == ["1.0", "2.0"]


def test_an_archive_of_an_earlier_run_is_named(project: Project, index: Wheelhouse) -> None:
    index.wheel("pure")
    project.write("requirements.txt", "pure")
    project.bundle(single=False)

    notes = project.bundle(single=True).notes

    assert "shop-dependencies.zip is of an earlier run, and no part of this bundle." in notes


@pytest.mark.parametrize("name", ["tests/test_a.py", "test_b.py", "conftest.py"])
def test_tests_in_a_package_stay_out_unless_the_app_imports_them(name: str, project: Project) -> None:
    project.write("shop/__init__.py")
    project.write(f"shop/{name}")
    module = f"shop.{name.removesuffix('.py').replace('/', '.')}"

    assert project.contents(project.bundle()) == ["app.py", "shop/__init__.py"]

    project.write("app.py", f"import {module}\n{APP}")
    assert project.contents(project.bundle()) == ["app.py", "shop/__init__.py", f"shop/{name}"]


def test_what_an_earlier_run_wrote_is_no_source_whatever_the_settings_include(project: Project) -> None:
    project.write("microlambda.toml", 'include = ["**"]\n')
    before = pieces_of(project)
    project.write("build/shop.zip", "an archive")
    project.write("build/shop-report.html", "a page")

    assert pieces_of(project) == before
