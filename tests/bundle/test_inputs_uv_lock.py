"""uv.lock read by us and exported by uv: the same packages, for every target, group and extra."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.markers import Marker
from packaging.pylock import Pylock
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from microlambda.bundle.errors import LockOutdated, RequirementsUnreadable
from microlambda.bundle.inputs.requirements import read_requirements
from microlambda.bundle.target import Target
from microlambda.project.settings import load_settings

if TYPE_CHECKING:
    from microlambda.bundle.inputs.requirements import Requirements
    from tests.bundle.conftest import Project, Wheelhouse

INTEL_311, ARM_313 = Target.for_lambda("3.11", "x86_64"), Target.for_lambda("3.13", "arm64")


@dataclass
class Uv:
    """uv, locking and exporting a project with the folder of wheels as its index."""

    project: Project

    def run(self, *arguments: str) -> str:
        program = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
        command = [program, *arguments, "--python", sys.executable, "--no-progress"]
        said = subprocess.run(command, cwd=self.project.root, capture_output=True, text=True, check=False)
        assert said.returncode == 0, said.stderr
        return said.stdout

    def lock(self) -> None:
        self.run("lock")

    def export(self, target: Target, groups: tuple[str, ...], extras: tuple[str, ...]) -> set[str]:
        """Give names with versions, folders alone, as `uv export` has them for a target."""
        chosen = [f"--group={one}" for one in groups] + [f"--extra={one}" for one in extras]
        said = self.run(
            *("export", "--frozen", "--no-default-groups", "--no-hashes", "--no-header", "--no-annotate"),
            *("--no-emit-project", *chosen),
        )
        return {found for line in said.splitlines() if line.strip() and (found := _judged(line, target))}


def _judged(line: str, target: Target) -> str | None:
    text, _, marker = line.partition(" ; ")
    if marker and not Marker(marker).evaluate(target.markers):
        return None
    return text.removeprefix("-e ")


def read(
    project: Project, target: Target = ARM_313, groups: tuple[str, ...] = (), extras: tuple[str, ...] = ()
) -> Requirements:
    return read_requirements(load_settings(project.root, "dev"), target, groups=groups, extras=extras)


def shown(read: Requirements) -> set[str]:
    """Give what was read as `Uv.export` does."""
    pins = {line.partition(" --hash")[0] for line in read.lines if not line.startswith("--")}
    return pins | {source.portable for source in read.sources}


@pytest.fixture
def uv(project: Project, index: Wheelhouse) -> Uv:
    index.wheel(
        "client",
        requires=[
            *("transport[fast]>=1", "old ; python_version < '3.12'", "win ; sys_platform == 'win32'"),
            "intel ; platform_machine == 'x86_64' and extra == 'all'",
        ],
        extras={"cache": ["store"], "all": ["client[cache]"]},
    )
    index.wheel("transport", extras={"fast": ["speed"]})
    for name in ("speed", "store", "old", "win", "intel", "deep", "checker"):
        index.wheel(name)
    for version in ("1.0", "2.0"):
        index.wheel("forked", version, requires=["deep"] if version == "2.0" else [])
    return Uv(project)


PROJECTS = {
    "extras of dependencies": "dependencies = ['client[all]']",
    "markers": (
        "dependencies = [\"client ; python_version >= '3.12'\", \"win ; sys_platform == 'win32'\", 'old']"
    ),
    "forks": (
        "dependencies = [\"forked==1.0 ; platform_machine == 'x86_64'\", "
        "\"forked==2.0 ; platform_machine != 'x86_64'\"]"
    ),
    "groups and extras": (
        "dependencies = ['deep']\n"
        "[project.optional-dependencies]\npdf = ['store', 'shop[png]']\nPng_Images = ['speed']\n"
        "png = ['win']\n"
        "[dependency-groups]\ndev = ['checker']\nmore = ['intel']\n"
        "reports = ['old', {include-group = 'more'}]"
    ),
    "conflicts": (
        "dependencies = ['transport']\n"
        "[project.optional-dependencies]\npdf = ['forked==1.0']\nnew = ['forked==2.0']\n"
        "[dependency-groups]\nreports = ['forked']\n"
        "[tool.uv]\nconflicts = [[{extra = 'pdf'}, {extra = 'new'}]]"
    ),
    "workspace and path": (
        "dependencies = ['member[x]', 'lib', 'bare']\n"
        "[tool.uv.sources]\nmember = {workspace = true}\nlib = {path = '../lib', editable = true}\n"
        "bare = {workspace = true}\n"
        "[tool.uv.workspace]\nmembers = ['member', 'bare']"
    ),
}


@pytest.mark.parametrize("target", [INTEL_311, ARM_313], ids=["3.11 Intel", "3.13 Arm"])
@pytest.mark.parametrize("dependencies", PROJECTS.values(), ids=PROJECTS)
def test_what_uv_exports_is_what_is_read(uv: Uv, dependencies: str, target: Target) -> None:
    project = uv.project
    project.write("pyproject.toml", _pyproject(dependencies))
    _member(project, "member", "dependencies = ['deep']\n[project.optional-dependencies]\nx = ['store']")
    _member(project, "bare", "dependencies = ['checker']\n[tool.uv]\npackage = false")
    _member(project, "../lib", "dependencies = ['transport']")
    uv.lock()
    groups = ("reports",) if "reports" in dependencies else ()
    extras = ("pdf",) if "pdf" in dependencies else ()

    for some_groups, some_extras in ((groups, extras), ((), ())):
        found = read(project, target, some_groups, some_extras)

        assert shown(found) == _plain(uv.export(target, some_groups, some_extras))
        assert found.is_locked


def _plain(exported: set[str]) -> set[str]:
    """Drop the folders that are no packages, which `uv export` names only as a comment."""
    return {one if one.startswith(".") or "==" in one else f"./{one}" for one in exported}


def _pyproject(rest: str, name: str = "shop") -> str:
    return f"[project]\nname = '{name}'\nversion = '1'\nrequires-python = '>=3.11'\n{rest}\n"


def _member(project: Project, folder: str, rest: str) -> None:
    project.write(f"{folder}/pyproject.toml", _pyproject(rest, name=Path(folder).name))


@pytest.mark.parametrize(
    ("extras", "groups", "told"),
    [
        (("pdf", "New_One"), (), "the extra 'new-one' and the extra 'pdf'"),
        (("pdf",), ("reports",), "the extra 'pdf' and the group 'reports'"),
    ],
)
def test_what_the_project_says_that_conflicts_is_not_installed_together(
    project: Project, uv: Uv, extras: tuple[str, ...], groups: tuple[str, ...], told: str
) -> None:
    project.write(
        "pyproject.toml",
        "[project]\nname = 'shop'\nversion = '1'\nrequires-python = '>=3.11'\n"
        "dependencies = ['transport']\n"
        "[project.optional-dependencies]\npdf = ['forked==1.0']\nnew_one = ['forked==2.0']\n"
        "[dependency-groups]\nreports = ['forked==2.0']\n"
        "[tool.uv]\nconflicts = [[{extra = 'pdf'}, {extra = 'new-one'}],"
        "[{extra = 'pdf'}, {group = 'reports'}]]",
    )
    uv.lock()

    read(project, extras=extras[:1])
    with pytest.raises(RequirementsUnreadable) as caught:
        read(project, extras=extras, groups=groups)

    message = str(caught.value)
    first, _, second = told.partition(" and ")
    assert message.startswith((told, f"{second} and {first}"))
    assert "uv.lock says that they conflict" in message


def test_pins_have_the_hashes_of_their_files(uv: Uv) -> None:
    uv.project.write("pyproject.toml", _pyproject("dependencies = ['client']"))
    uv.lock()
    uv.run("export", "--frozen", "--no-default-groups", "--format=pylock.toml", "--output-file=pylock.toml")
    exported = Pylock.from_dict(tomllib.loads((uv.project.root / "pylock.toml").read_text()))

    lines = read(uv.project).lines

    files = {one.name: {file.hashes["sha256"] for file in one.wheels or ()} for one in exported.packages}
    pins = {Requirement(line.partition(" --")[0]).name: line for line in lines if "==" in line}
    assert pins
    for name, line in pins.items():
        assert set(re.findall(r"--hash=sha256:(\w+)", line)) == files[canonicalize_name(name)]


def test_what_only_microlambda_needs_is_not_walked_to(uv: Uv, index: Wheelhouse) -> None:
    index.wheel("microlambda", "0.1.0", requires=["speed", "deep"], extras={"local": ["checker"]})
    uv.project.write("pyproject.toml", _pyproject("dependencies = ['microlambda[local]', 'deep']"))
    uv.lock()

    found = read(uv.project)

    assert shown(found) == {"deep==1.0"}
    assert [str(one) for one in found.roots or ()] == ["deep"]


def test_the_roots_are_what_the_project_asks_for_and_no_pins(uv: Uv) -> None:
    uv.project.write("pyproject.toml", _pyproject("dependencies = ['client[cache]', 'transport==1.0']"))
    uv.lock()

    assert {str(one) for one in read(uv.project).roots or ()} == {"client[cache]", "transport==1.0"}


def test_a_member_of_a_workspace_uses_the_lock_above_it(uv: Uv) -> None:
    whole = uv.project
    whole.write(
        "pyproject.toml", _pyproject("dependencies = ['checker']\n[tool.uv.workspace]\nmembers = ['apps/*']")
    )
    _member(whole, "apps/api", "dependencies = ['deep', 'lib']\n[tool.uv.sources]\nlib = {workspace = true}")
    _member(whole, "apps/lib", "dependencies = ['speed']")
    uv.lock()

    found = read_requirements(load_settings(whole.root / "apps/api", "dev"), ARM_313)

    assert shown(found) == {"deep==1.0", "speed==1.0", "../lib"}


def test_groups_of_a_pyproject_without_a_project_are_read(uv: Uv) -> None:
    uv.project.write(
        "pyproject.toml", "[dependency-groups]\nreports = ['transport[fast]']\ndev = ['checker']\n"
    )
    uv.lock()

    assert shown(read(uv.project)) == set()
    assert shown(read(uv.project, groups=("reports",))) == {"transport==1.0", "speed==1.0"}


@pytest.mark.parametrize(
    ("after", "groups", "message"),
    [
        ("dependencies = ['deep', 'store']", (), "does not hold store, .* Run `uv lock`"),
        ("dependencies = ['deep>=2']", (), r"holds deep 1\.0, .* asks for deep>=2\. Run `uv lock`"),
        (
            "dependencies = ['deep']\n[dependency-groups]\nreports = ['store']",
            ("reports",),
            "does not hold store",
        ),
    ],
    ids=["new", "other version", "new group"],
)
def test_a_lock_that_is_older_than_the_project_is_refused(
    uv: Uv, after: str, groups: tuple[str, ...], message: str
) -> None:
    uv.project.write("pyproject.toml", _pyproject("dependencies = ['deep']"))
    uv.lock()
    uv.project.write("pyproject.toml", _pyproject(after))

    with pytest.raises(LockOutdated, match=message):
        read(uv.project, groups=groups)


def test_what_does_not_count_on_the_target_may_be_missing(uv: Uv) -> None:
    uv.project.write("pyproject.toml", _pyproject("dependencies = ['deep']"))
    uv.lock()
    uv.project.write(
        "pyproject.toml", _pyproject("dependencies = ['deep', \"win ; sys_platform == 'win32'\"]")
    )

    assert shown(read(uv.project)) == {"deep==1.0"}


@pytest.mark.parametrize(
    ("groups", "extras", "message"),
    [
        (("reprots",), (), r"no group 'reprots'\. Did you mean 'reports'\? It has: dev, reports"),
        ((), ("pdff",), r"no extra 'pdff'\. Did you mean 'pdf'\?"),
    ],
    ids=["group", "extra"],
)
def test_an_unknown_name_is_told_with_the_nearest(
    project: Project, groups: tuple[str, ...], extras: tuple[str, ...], message: str
) -> None:
    project.write(
        "uv.lock",
        'version = 1\n[[package]]\nname = "shop"\nversion = "1"\nsource = { virtual = "." }\n'
        '[package.metadata]\nprovides-extras = ["pdf"]\n'
        "[package.metadata.requires-dev]\ndev = []\nreports = []\n",
    )

    with pytest.raises(RequirementsUnreadable, match=message):
        read(project, groups=groups, extras=extras)


SHOP = '[[package]]\nname = "shop"\nversion = "1"\nsource = { virtual = "." }\n'


@pytest.mark.parametrize(
    ("lock", "message"),
    [
        ("version = 2\n", r"uv\.lock is of version 2, .* reads version 1\. Update"),
        ("version = 1\n[[package]\n", r"uv\.lock is not TOML: .*line 2"),
        ("version = 1\n[[package]]\nversion = '1'\n", r"uv\.lock: package\[0\]\.name is missing"),
        (f"version = 1\n{SHOP}dependencies = 'x'\n", r"package\[0\]\.dependencies is not a list of tables"),
        (f"version = 1\n{SHOP}dependencies = [{{ name = 'deep' }}]\n", "lacks deep, which the project needs"),
        (f"version = 1\n{SHOP}dependencies = [{{ name = 'x', marker = 'no' }}]\n", "'no' is not a marker"),
        (
            "version = 1\nrequires-python = '>=3.14'\n",
            r"is for Python >=3\.14, and the target is python3\.13",
        ),
    ],
    ids=["version", "TOML", "no name", "shape", "missing package", "marker", "python"],
)
def test_a_lock_that_cannot_be_read_is_told_with_the_place(project: Project, lock: str, message: str) -> None:
    project.write("uv.lock", lock)

    with pytest.raises(RequirementsUnreadable, match=message):
        read(project)


def test_of_several_versions_the_one_for_the_target_is_meant(project: Project) -> None:
    forks = "".join(
        f'[[package]]\nname = "forked"\nversion = "{version}"\n'
        'source = { registry = "https://pypi.org/simple" }\n'
        f"resolution-markers = [\"sys_platform == 'win32'\", \"platform_machine == '{machine}'\"]\n"
        for version, machine in (("1.0", "x86_64"), ("2.0", "aarch64"))
    )
    project.write("uv.lock", f"version = 1\n{SHOP}dependencies = [{{ name = 'forked' }}]\n{forks}")

    assert [read(project, target).lines for target in (INTEL_311, ARM_313)] == [
        ("forked==1.0",),
        ("forked==2.0",),
    ]


SOURCES = {
    "git": (
        'git = "https://example.invalid/lib?rev=main&subdirectory=py#0123abcd"',
        "git+https://example.invalid/lib@0123abcd#subdirectory=py",
    ),
    "ssh": ('git = "ssh://git@example.invalid/lib#0123abcd"', "git+ssh://git@example.invalid/lib@0123abcd"),
    "url": (
        'url = "https://example.invalid/lib-1.0.tar.gz", subdirectory = "py"',
        "https://example.invalid/lib-1.0.tar.gz#subdirectory=py",
    ),
}


@pytest.mark.parametrize(("source", "location"), SOURCES.values(), ids=SOURCES)
def test_sources_of_a_lock_are_built_at_what_it_fixes(project: Project, source: str, location: str) -> None:
    project.write(
        "uv.lock",
        f"version = 1\n{SHOP}dependencies = [{{ name = 'lib' }}]\n"
        f'[[package]]\nname = "lib"\nversion = "1.0"\nsource = {{ {source} }}\n',
    )

    (made,) = read(project).sources

    assert (made.name, made.location, made.folder) == ("lib", location, None)


def _from_index(project: Project, url: str, hashed: bool = True) -> None:
    digest = ", hash = 'sha256:00'" if hashed else ""
    wheel = f"wheels = [{{ url = '{url}/deep.whl'{digest} }}]"
    project.write(
        "uv.lock",
        f"version = 1\n{SHOP}dependencies = [{{ name = 'deep' }}]\n"
        f'[[package]]\nname = "deep"\nversion = "1.0"\nsource = {{ registry = "{url}" }}\n{wheel}\n',
    )


@pytest.fixture
def _no_indexes(index: Wheelhouse, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_CONFIG_FILE", "PIP_NO_INDEX", "UV_CONFIG_FILE"):
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("_no_indexes")
def test_another_index_of_the_lock_is_named_to_the_resolver_unless_the_environment_names_one(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    _from_index(project, "https://packages.example.invalid/simple")
    found = read(project)
    monkeypatch.setenv("UV_INDEX", "https://mine.example.invalid/simple")

    assert found.lines == (
        "--extra-index-url https://packages.example.invalid/simple",
        "deep==1.0 --hash=sha256:00",
    )
    assert found.portable == ("deep==1.0 --hash=sha256:00",)
    assert read(project).lines == ("deep==1.0 --hash=sha256:00",)


@pytest.mark.usefixtures("_no_indexes")
def test_the_public_index_is_not_named(project: Project) -> None:
    _from_index(project, "https://pypi.org/simple")

    assert read(project).lines == ("deep==1.0 --hash=sha256:00",)


@pytest.mark.usefixtures("_no_indexes")
def test_without_hashes_no_other_index_is_added_and_its_password_stays_unsaid(project: Project) -> None:
    _from_index(project, "https://me:s3cret@packages.example.invalid/simple", hashed=False)

    with pytest.raises(
        RequirementsUnreadable, match=r"from https://\*\*\*\*@packages.* has no hashes"
    ) as caught:
        read(project)

    assert "s3cret" not in str(caught.value)


def test_the_same_lock_elsewhere_gives_the_same_portable_lines(uv: Uv, tmp_path: Path) -> None:
    first = uv.project.root
    uv.project.write(
        "pyproject.toml",
        _pyproject("dependencies = ['lib', 'deep']\n[tool.uv.sources]\nlib = {path = 'libs/lib'}"),
    )
    _member(uv.project, "libs/lib", "dependencies = ['speed']")
    uv.lock()
    second = tmp_path / "elsewhere" / "shop"
    shutil.copytree(first, second)

    found = read(uv.project).portable

    lock = (second / "uv.lock").read_text().replace("../wheelhouse", "../../wheelhouse")
    (second / "uv.lock").write_text(lock)
    assert found == read_requirements(load_settings(second, "dev"), ARM_313).portable
    assert "lib @ ./libs/lib" in found
    assert str(tmp_path) not in "".join(found)
