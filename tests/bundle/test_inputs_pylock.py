"""pylock.toml, judged by packaging's own selection and written by uv."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest
from packaging.pylock import Pylock
from packaging.tags import compatible_tags

from microlambda.bundle.errors import LockOutdated, RequirementsUnreadable
from microlambda.bundle.target import Target
from tests.bundle.test_inputs import read

if TYPE_CHECKING:
    from tests.bundle.conftest import Project, Wheelhouse

TARGETS = [Target.for_lambda("3.11", "x86_64"), Target.for_lambda("3.13", "arm64")]

HEAD = 'lock-version = "1.0"\ncreated-by = "tests"\n'


def package(
    name: str, version: str = "1.0", *, extra: str = "", index: str = "https://pypi.org/simple"
) -> str:
    """Write the entry of a package with one wheel and one source, whose hashes tell the files apart."""
    return (
        f'[[packages]]\nname = "{name}"\nversion = "{version}"\nindex = "{index}"\n{extra}\n'
        f'sdist = {{ name = "{name}-{version}.tar.gz", url = "https://a.invalid/s", '
        f'hashes = {{ sha256 = "50" }} }}\n'
        f'wheels = [{{ name = "{name}-{version}-py3-none-any.whl", url = "https://a.invalid/w", '
        f'hashes = {{ sha256 = "3e", md5 = "00" }} }}]\n'
    )


LOCK = (
    f'{HEAD}extras = ["pdf"]\ndependency-groups = ["main", "dev", "reports"]\n'
    'default-groups = ["main", "dev"]\n'
    + package("base", extra="marker = \"'main' in dependency_groups\"")
    + package("checker", extra="marker = \"'dev' in dependency_groups\"")
    + package("charts", extra="marker = \"'reports' in dependency_groups and python_version >= '3.12'\"")
    + package("paper", extra="marker = \"'pdf' in extras\"")
    + package("forked", "1.0", extra="marker = \"platform_machine == 'x86_64'\"")
    + package("forked", "2.0", extra="marker = \"platform_machine != 'x86_64'\"")
)


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize(
    ("groups", "extras"),
    [((), ()), (("reports",), ()), (("dev",), ("pdf",))],
    ids=["none", "a group", "more"],
)
def test_the_packages_that_the_standard_selects_are_read(
    project: Project, target: Target, groups: tuple[str, ...], extras: tuple[str, ...]
) -> None:
    project.write("pylock.toml", LOCK)
    selection = Pylock.from_dict(tomllib.loads(LOCK)).select(
        environment=target.markers,  # type: ignore[arg-type]  # a mapping of all names of the environment
        tags=list(compatible_tags((3, int(target.python.partition(".")[2])), platforms=["linux"])),
        extras=extras,
        dependency_groups=("main", *groups),  # dev is no group of a function, unless it is named
    )

    found = read(project, target=target, groups=groups, extras=extras)

    expected = {f"{one.name}=={one.version}" for one, _file in selection}
    assert {line.partition(" ")[0] for line in found.lines} == expected
    assert all(line.endswith(" --hash=sha256:3e --hash=sha256:50") for line in found.lines)


def test_what_the_project_asks_for_stands_beside_the_lock(project: Project) -> None:
    project.write("pylock.toml", HEAD + package("base") + package("click") + package("microlambda"))
    project.write("pyproject.toml", "[project]\ndependencies = ['microlambda[local]', 'base>=1']\n")

    found = read(project)

    assert [str(one) for one in found.roots or ()] == ["base>=1"]
    assert [one.name for one in found.direct] == ["base", "click"]
    assert found.notes == ()


def test_a_lock_that_nobody_explains_ships_all_and_says_so(project: Project) -> None:
    project.write("pylock.toml", HEAD + package("click") + package("microlambda"))

    found = read(project)

    assert ([one.name for one in found.direct], found.roots) == (["click"], None)
    assert "what only microlambda's tools need ships too" in found.notes[0]


def test_a_lock_without_a_direct_dependency_is_too_old(project: Project) -> None:
    project.write("pylock.toml", HEAD + package("base"))
    project.write("pyproject.toml", "[project]\ndependencies = ['base', 'charts']\n")

    with pytest.raises(LockOutdated, match=r"pylock\.toml does not hold charts"):
        read(project)


DIRECT = {
    "git": (
        'vcs = { type = "git", url = "https://a.invalid/lib", commit-id = "0123", subdirectory = "py" }',
        "git+https://a.invalid/lib@0123#subdirectory=py",
    ),
    "folder": ('directory = { path = "libs/lib", editable = true }', "./libs/lib"),
    "archive": (
        'archive = { url = "https://a.invalid/l.zip", hashes = { sha256 = "00" } }',
        "https://a.invalid/l.zip",
    ),
}


@pytest.mark.parametrize(("source", "portable"), DIRECT.values(), ids=DIRECT)
def test_sources_of_a_lock(project: Project, source: str, portable: str) -> None:
    project.write("libs/lib/pyproject.toml", "[project]\nname = 'lib'\n")
    project.write("pylock.toml", f'{HEAD}[[packages]]\nname = "lib"\n{source}\n')

    (made,) = read(project).sources

    assert (made.name, made.portable) == ("lib", portable)
    assert made.hashes == (("sha256:00",) if "archive" in source else ())


def test_the_project_itself_in_a_lock_is_no_dependency(project: Project) -> None:
    project.write(
        "pylock.toml", f'{HEAD}[[packages]]\nname = "shop"\ndirectory = {{ path = ".", editable = true }}\n'
    )

    assert read(project).sources == ()


@pytest.mark.parametrize(
    ("lock", "message"),
    [
        (HEAD.replace("1.0", "2.0") + "packages = []", r"of version 2\.0, .* reads version 1\. Update"),
        (HEAD, "not as PEP 751 has it: .*packages"),
        (f"{HEAD}[[packages]]\nname = 'Not Normal'", r"PEP 751 has it: .*packages\[0\]"),
        (f"{HEAD}requires-python = '>=3.14'\npackages = []", r"is for Python >=3\.14"),
        (f"{HEAD}environments = [\"sys_platform == 'win32'\"]\npackages = []", "for other environments than"),
        (HEAD + package("base", extra="requires-python = '<3.12'"), r"base needs Python <3\.12"),
        (HEAD + package("base", "1.0") + package("base", "2.0"), r"has base twice .*: 1\.0 and 2\.0"),
    ],
    ids=["version", "no packages", "name", "python", "environment", "python of a package", "twice"],
)
def test_a_lock_that_does_not_fit_is_refused(project: Project, lock: str, message: str) -> None:
    project.write("pylock.toml", lock)

    with pytest.raises(RequirementsUnreadable, match=message):
        read(project)


def test_what_uv_writes_is_read(project: Project, index: Wheelhouse) -> None:
    import shutil
    import subprocess
    import sys
    from pathlib import Path

    index.wheel("base", requires=["deep"])
    index.wheel("deep")
    project.write("pyproject.toml", "[project]\nname = 'shop'\nversion = '1'\ndependencies = ['base']\n")
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    command = [
        uv,
        "export",
        "--format=pylock.toml",
        "--output-file=pylock.toml",
        f"--python={sys.executable}",
    ]
    subprocess.run(command, cwd=project.root, check=True, capture_output=True)
    (project.root / "uv.lock").unlink()

    found = read(project)

    assert [one.name for one in found.direct] == ["base", "deep"]
    assert found.lines[0] == f"--find-links {index.folder.as_uri()}"
    assert all("--hash=sha256:" in line for line in found.lines[1:])
