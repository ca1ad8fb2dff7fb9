"""Dependencies in a layer of their own: what is in which archive, who shares it, and what changes it."""

from __future__ import annotations

import marshal
import zipfile
from types import CodeType
from typing import TYPE_CHECKING

import pytest

from microlambda.bundle import limits
from microlambda.bundle.archive import names
from microlambda.bundle.errors import BundleTooLarge
from microlambda.bundle.fingerprint import pieces
from microlambda.bundle.selection import selections
from microlambda.bundle.target import Target
from microlambda.project.settings import load_settings

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

    with pytest.raises(
        BundleTooLarge,
        match=r"^the bundle 'shop' for nightly \(group reports\) unpacks to .*Largest: tables 3 MB",
    ):
        grouped.bundle(single=False)

    assert list(grouped.out.iterdir()) == []
