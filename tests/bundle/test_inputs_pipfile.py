"""Pipfile.lock, with its Pipfile beside it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from microlambda.bundle.errors import LockOutdated, RequirementsUnreadable
from tests.bundle.test_inputs import read

if TYPE_CHECKING:
    from tests.bundle.conftest import Project

PYPI = {"name": "pypi", "url": "https://pypi.org/simple", "verify_ssl": True}
MINE = {"name": "mine", "url": "https://me:$TOKEN@mine.invalid/simple", "verify_ssl": True}

PIPFILE = """\
[[source]]
name = "pypi"
url = "https://pypi.org/simple"
verify_ssl = true

[packages]
client = {version = ">=2", extras = ["socks"]}
microlambda = {version = "*", extras = ["local"]}
win = {version = "*", sys_platform = "== 'win32'"}
shop = {path = ".", editable = true}

[dev-packages]
checker = "*"

[reports]
charts = "==1.0"
"""


def pin(version: str, **more: Any) -> dict[str, Any]:
    return {"hashes": [f"sha256:{version}", f"sha256:{version}s"], "version": f"=={version}", **more}


def lock(default: dict[str, Any], *, sources: tuple[Any, ...] = (PYPI,), **categories: Any) -> str:
    meta = {
        "hash": {"sha256": "00"},
        "pipfile-spec": 6,
        "requires": {"python_version": "3.13"},
        "sources": sources,
    }
    return json.dumps({"_meta": meta, "default": default, "develop": {}, **categories}, indent=4)


LOCK = lock(
    {
        "client": pin("2.1", extras=["socks"], markers="python_version >= '3.8'", index="pypi"),
        "pysocks": pin("1.7"),
        "microlambda": pin("0.1", extras=["local"]),
        "moto": pin("5.0"),
        "win": pin("1.0", markers="sys_platform == 'win32'"),
        "shop": {"editable": True, "path": "."},
    },
    develop={"checker": pin("1.0")},
    reports={"charts": pin("1.0")},
)


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ((), {"client==2.1", "pysocks==1.7", "moto==5.0"}),
        (("reports",), {"client==2.1", "pysocks==1.7", "moto==5.0", "charts==1.0"}),
        (("dev-packages",), {"client==2.1", "pysocks==1.7", "moto==5.0", "checker==1.0"}),
        (("dev",), {"client==2.1", "pysocks==1.7", "moto==5.0", "checker==1.0"}),
    ],
    ids=["none", "a category", "as in the Pipfile", "dev"],
)
def test_the_chosen_categories_are_read(
    project: Project, groups: tuple[str, ...], expected: set[str]
) -> None:
    project.write("Pipfile", PIPFILE)
    project.write("Pipfile.lock", LOCK)

    found = read(project, groups=groups)

    assert {line.partition(" ")[0] for line in found.lines} == expected
    assert "client==2.1 --hash=sha256:2.1 --hash=sha256:2.1s" in found.lines
    assert found.sources == ()
    assert found.is_locked


def test_the_pipfile_says_what_the_project_asks_for(project: Project) -> None:
    project.write("Pipfile", PIPFILE)
    project.write("Pipfile.lock", LOCK)

    roots = read(project, groups=("reports",)).roots or ()

    assert [str(one) for one in roots] == ["client[socks]>=2", "charts==1.0"]


@pytest.mark.parametrize(
    ("pipfile", "message"),
    [
        ("[packages]\nclient = '*'\nnew = '*'\n", "does not hold new, .* Run `pipenv lock`"),
        ("[packages]\nclient = '>=3'\n", r"holds client 2\.1, .* asks for client>=3"),
    ],
    ids=["new", "other version"],
)
def test_a_lock_that_is_older_than_the_pipfile_is_refused(
    project: Project, pipfile: str, message: str
) -> None:
    project.write("Pipfile", pipfile)
    project.write("Pipfile.lock", LOCK)

    with pytest.raises(LockOutdated, match=message):
        read(project)


SOURCES = {
    "git": ({"git": "https://a.invalid/lib.git", "ref": "0123"}, "git+https://a.invalid/lib.git@0123"),
    "path": ({"path": "./libs/lib", "editable": True}, "./libs/lib"),
    "file": ({"file": "https://a.invalid/lib-1.0.tar.gz", "hashes": []}, "https://a.invalid/lib-1.0.tar.gz"),
}


@pytest.mark.parametrize(("entry", "portable"), SOURCES.values(), ids=SOURCES)
def test_sources_of_a_lock(project: Project, entry: dict[str, Any], portable: str) -> None:
    project.write("libs/lib/pyproject.toml")
    project.write("Pipfile.lock", lock({"lib": entry}))

    (made,) = read(project).sources

    assert (made.name, made.portable) == ("lib", portable)


@pytest.fixture
def _no_indexes(monkeypatch: pytest.MonkeyPatch) -> None:
    for tool in ("PIP", "UV"):
        for name in ("INDEX_URL", "EXTRA_INDEX_URL", "CONFIG_FILE", "NO_INDEX", "INDEX", "DEFAULT_INDEX"):
            monkeypatch.delenv(f"{tool}_{name}", raising=False)


@pytest.mark.usefixtures("_no_indexes")
def test_variables_of_a_source_are_left_to_the_resolver(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "s3cret")
    project.write(
        "Pipfile.lock", lock({"lib": pin("1.0", index="mine"), "pure": pin("1.0")}, sources=(PYPI, MINE))
    )

    found = read(project)

    assert [line for line in found.lines if line.startswith("--")] == [
        "--extra-index-url https://me:${TOKEN}@mine.invalid/simple"
    ]
    assert not any("mine.invalid" in line for line in found.portable)


@pytest.mark.usefixtures("_no_indexes")
def test_a_package_without_an_index_comes_from_the_first_source(project: Project) -> None:
    project.write("Pipfile.lock", lock({"lib": pin("1.0")}, sources=(MINE, PYPI)))

    assert read(project).lines[0].startswith("--extra-index-url ")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"_meta": {"pipfile-spec": 7}}', "of pipfile-spec 7, .* reads 6"),
        ('{"_meta": ', r"Pipfile\.lock is not JSON: .*line 1"),
        ("[]", "is not a JSON object"),
        (lock({"lib": {"version": ">=1"}}), r"default\.lib\.version is '>=1', which is no pin"),
        (lock({"lib": {}}), r"Pipfile\.lock: default\.lib\.version is missing"),
        (lock({"lib": pin("1.0", index="gone")}), "is 'gone', and no source has that name"),
    ],
    ids=["version", "JSON", "list", "no pin", "no version", "unknown source"],
)
def test_a_lock_that_cannot_be_read_is_told_with_the_place(
    project: Project, content: str, message: str
) -> None:
    project.write("Pipfile.lock", content)

    with pytest.raises(RequirementsUnreadable, match=message):
        read(project)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"groups": ("report",)}, "has no group 'report'. Did you mean 'reports'"),
        ({"extras": ("pdf",)}, "extras pdf, and Pipfile.lock is read, which has none"),
    ],
    ids=["group", "extra"],
)
def test_what_a_pipfile_does_not_have_is_refused(
    project: Project, chosen: dict[str, tuple[str, ...]], message: str
) -> None:
    project.write("Pipfile.lock", LOCK)

    with pytest.raises(RequirementsUnreadable, match=message):
        read(project, **chosen)
