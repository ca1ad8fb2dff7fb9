"""Poetry: its locks of both generations, its tables and its notation, judged by poetry-core."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from poetry.core.constraints.version import Version, parse_constraint

from microlambda.bundle.errors import LockOutdated, RequirementsUnreadable
from microlambda.bundle.inputs.poetry_notation import admits
from microlambda.bundle.target import Target
from tests.bundle.test_inputs import read

if TYPE_CHECKING:
    from tests.bundle.conftest import Project

ARM = Target.for_lambda("3.13", "arm64")
INTEL = Target.for_lambda("3.11", "x86_64")

part = st.integers(0, 3)
releases = st.lists(part, min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))
versions = st.tuples(releases, st.sampled_from(["", "", "", "a1", "rc2", ".post1"])).map("".join)
clauses = st.one_of(
    st.tuples(st.sampled_from(["^", "~", "^ ", "~ "]), versions).map("".join),
    st.tuples(st.sampled_from([">=", "<", "<=", ">", "!=", "==", ">= ", "=", ""]), releases).map("".join),
    releases.map(lambda one: f"{'.'.join(one.split('.')[:3])}.*"),
    st.just("*"),
)
constraints = st.lists(st.lists(clauses, min_size=1, max_size=2), min_size=1, max_size=2).map(
    lambda groups: " || ".join(",".join(group) for group in groups)
)


@given(constraints, releases)
def test_constraints_admit_what_poetry_admits(constraint: str, version: str) -> None:
    expected = parse_constraint(constraint).allows(Version.parse(version))

    assert admits(constraint, version, where="test") == expected


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        ("'^1.2'", "lib<2,>=1.2"),
        ("'~1.2.3'", "lib<1.3,>=1.2.3"),
        ("'1.2'", "lib==1.2"),
        ("'*'", "lib"),
        ("'>=1 <2'", "lib<2,>=1"),
        ("{version = '^1', extras = ['x', 'Y_z']}", "lib[x,y-z]<2,>=1"),
        (
            "{version = '*', python = '^3.12'}",
            'lib; python_version >= "3.12" and python_full_version < "4"',
        ),
        ("{version = '*', markers = \"sys_platform == 'linux'\"}", 'lib; sys_platform == "linux"'),
        (
            "{url = 'https://a.invalid/lib-1-py3-none-any.whl'}",
            "lib @ https://a.invalid/lib-1-py3-none-any.whl",
        ),
    ],
)
def test_dependencies_of_poetry_without_a_lock(project: Project, constraint: str, expected: str) -> None:
    project.write("pyproject.toml", f"[tool.poetry.dependencies]\npython = '^3.11'\nlib = {constraint}\n")

    found = read(project)

    assert [Requirement(line) for line in found.lines] == [Requirement(expected)]
    assert found.label == "pyproject.toml [tool.poetry] dependencies"


@pytest.mark.parametrize(
    ("table", "portable"),
    [
        (
            "{git = 'https://a.invalid/lib.git', rev = 'v1', subdirectory = 'py'}",
            "git+https://a.invalid/lib.git@v1#subdirectory=py",
        ),
        ("{git = 'git@a.invalid:me/lib.git', tag = 'v1'}", "git+ssh://git@a.invalid/me/lib.git@v1"),
        ("{path = 'libs/lib', develop = true}", "./libs/lib"),
        ("{url = 'https://a.invalid/lib-1.tar.gz'}", "https://a.invalid/lib-1.tar.gz"),
    ],
    ids=["git", "git over ssh", "path", "URL"],
)
def test_sources_of_poetry_without_a_lock(project: Project, table: str, portable: str) -> None:
    project.write("libs/lib/pyproject.toml", "[tool.poetry]\nname = 'lib'\n")
    project.write("pyproject.toml", f"[tool.poetry.dependencies]\nlib = {table}\n")

    (made,) = read(project).sources

    assert (made.name, made.portable) == ("lib", portable)


PYPROJECT = """\
[tool.poetry]
name = "shop"
[tool.poetry.dependencies]
python = "^3.11"
client = {version = "^2.0", extras = ["socks"]}
microlambda = {version = "*", extras = ["local"]}
paper = {version = "^1", optional = true}
forked = [
    {version = "^1", markers = "platform_machine == 'x86_64'"},
    {version = "^2", markers = "platform_machine != 'x86_64'"},
]
[tool.poetry.extras]
pdf = ["paper"]
[tool.poetry.group.dev.dependencies]
checker = "*"
[tool.poetry.group.reports.dependencies]
charts = ">=1"
"""


def locked(name: str, version: str, rest: str = "", *, groups: str = "") -> str:
    """Write a package as Poetry 1.3 and later do; `groups` as 2.0 does."""
    return (
        f'[[package]]\nname = "{name}"\nversion = "{version}"\ndescription = ""\noptional = false\n'
        f'python-versions = ">=3.8"\n{groups}'
        f'files = [{{file = "{name}-{version}-py3-none-any.whl", hash = "sha256:{version}"}}, '
        f'{{file = "{name}-{version}.tar.gz", hash = "sha256:{version}s"}}]\n{rest}\n'
    )


CLIENT = """
[package.dependencies]
win = {version = "*", markers = "sys_platform == 'win32'"}
deep = [
    {version = ">=1.0,<2", markers = "python_version < '3.12'"},
    {version = ">=2", markers = "python_version >= '3.12'"},
]
PySocks = {version = ">=1.5.6,<1.5.7 || >1.5.7", optional = true, markers = "extra == 'socks'"}
chardet = {version = "*", optional = true}

[package.extras]
socks = ["PySocks (>=1.5.6,!=1.5.7)"]
slow = ["chardet"]
"""


def _lock(version: str, groups: str = "") -> str:
    ours = (
        '[package.dependencies]\nclick = "*"\nmoto = {version = "*", optional = true}\n'
        '[package.extras]\nlocal = ["moto"]\n'
    )
    return "\n".join(
        (
            locked("client", "2.1", CLIENT, groups=groups),
            locked("pysocks", "1.7", groups=groups),
            locked("chardet", "5.0"),
            locked("win", "1.0"),
            locked("deep", "1.5", groups=groups),
            locked("deep", "2.5", groups=groups),
            locked("forked", "1.1", groups=groups),
            locked("forked", "2.2", groups=groups),
            locked("microlambda", "0.1", ours, groups=groups),
            locked("click", "8.0", groups=groups),
            locked("moto", "5.0", groups=groups),
            locked("paper", "1.0", '[package.dependencies]\nclick = ">=8"\n'),
            locked("checker", "1.0"),
            locked("charts", "1.0"),
            f'[extras]\npdf = ["paper"]\n[metadata]\nlock-version = "{version}"\npython-versions = "^3.11"\n',
        )
    )


def _old(lock: str) -> str:
    """Move the files to where Poetry 1.1 and 1.2 had them."""
    kept = [line for line in lock.splitlines() if not line.startswith("files = ")]
    moved: dict[str, list[str]] = {}
    for line in lock.splitlines():
        if line.startswith("files = "):
            entries = line.removeprefix("files = [").removesuffix("]")
            moved.setdefault(entries.split('"')[1].split("-")[0], []).append(entries)
    lists = [f"{name} = [{', '.join(entries)}]" for name, entries in moved.items()]
    return "\n".join([*kept, "[metadata.files]", *lists, ""])


LOCKS = {
    "1.1": _old(_lock("1.1")),
    "2.0": _lock("2.0"),
    "2.1": _lock("2.1", groups='groups = ["main"]\nmarkers = {main = "python_version >= \'3.8\'"}\n'),
}


@pytest.mark.parametrize("lock", LOCKS.values(), ids=LOCKS)
@pytest.mark.parametrize(
    ("target", "chosen", "expected"),
    [
        (ARM, {}, {"client==2.1", "pysocks==1.7", "deep==2.5", "forked==2.2"}),
        (INTEL, {}, {"client==2.1", "pysocks==1.7", "deep==1.5", "forked==1.1"}),
        (
            ARM,
            {"groups": ("reports",), "extras": ("pdf",)},
            {
                "client==2.1",
                "pysocks==1.7",
                "deep==2.5",
                "forked==2.2",
                "charts==1.0",
                "paper==1.0",
                "click==8.0",
            },
        ),
        (
            ARM,
            {"groups": ("dev",)},
            {"client==2.1", "pysocks==1.7", "deep==2.5", "forked==2.2", "checker==1.0"},
        ),
    ],
    ids=["Arm", "Intel", "group and extra", "dev by name"],
)
def test_a_lock_is_walked_for_the_target(
    project: Project, lock: str, target: Target, chosen: dict[str, tuple[str, ...]], expected: set[str]
) -> None:
    project.write("pyproject.toml", PYPROJECT)
    project.write("poetry.lock", lock)

    found = read(project, target=target, **chosen)

    assert {line.partition(" ")[0] for line in found.lines} == expected
    assert found.is_locked
    for line in found.lines:
        version = line.partition(" ")[0].partition("==")[2]
        assert line.endswith(f"{version} --hash=sha256:{version} --hash=sha256:{version}s")


def test_the_roots_of_a_lock_are_what_the_project_asks_for(project: Project) -> None:
    project.write("pyproject.toml", PYPROJECT)
    project.write("poetry.lock", LOCKS["2.0"])

    assert {str(one) for one in read(project).roots or ()} == {"client[socks]", "forked"}


def test_poetry_2_reads_the_standard_tables(project: Project) -> None:
    project.write(
        "pyproject.toml",
        "[project]\nname = 'shop'\nversion = '1'\ndependencies = ['lib (>=1,<2)', 'deep']\n"
        "[project.optional-dependencies]\npdf = ['paper']\n"
        "[dependency-groups]\nreports = ['charts']\n"
        "[tool.poetry.dependencies]\nlib = {path = 'libs/lib'}\n",
    )
    project.write("libs/lib/pyproject.toml")
    source = '[package.source]\ntype = "directory"\nurl = "libs/lib"\n'
    project.write(
        "poetry.lock",
        locked("lib", "1.0", source)
        + locked("deep", "1.0")
        + locked("paper", "1.0")
        + locked("charts", "1.0")
        + '[metadata]\nlock-version = "2.1"\n',
    )

    found = read(project, groups=("reports",), extras=("pdf",))

    assert [line.partition(" ")[0] for line in found.lines] == ["charts==1.0", "deep==1.0", "paper==1.0"]
    assert [source.portable for source in found.sources] == ["./libs/lib"]


@pytest.mark.parametrize(
    ("source", "portable"),
    [
        (
            'type = "git"\nurl = "https://a.invalid/lib.git"\n'
            'reference = "main"\nresolved_reference = "0123"\n',
            "git+https://a.invalid/lib.git@0123",
        ),
        ('type = "url"\nurl = "https://a.invalid/lib-1.0.tar.gz"\n', "https://a.invalid/lib-1.0.tar.gz"),
        ('type = "file"\nurl = "libs/lib-1.0.tar.gz"\n', "./libs/lib-1.0.tar.gz"),
    ],
    ids=["git", "url", "file"],
)
def test_sources_of_a_lock(project: Project, source: str, portable: str) -> None:
    project.write("libs/lib-1.0.tar.gz")
    project.write("pyproject.toml", "[tool.poetry.dependencies]\nlib = '*'\n")
    lock = locked("lib", "1.0", f"[package.source]\n{source}")
    project.write("poetry.lock", f'{lock}[metadata]\nlock-version = "2.0"\n')

    (made,) = read(project).sources

    assert (made.name, made.portable) == ("lib", portable)


def test_a_private_index_of_a_lock_is_named_to_the_resolver(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CONFIG_FILE", "UV_INDEX_URL", "UV_INDEX"):
        monkeypatch.delenv(name, raising=False)
    for name in ("UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_CONFIG_FILE", "UV_NO_INDEX", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    project.write("pyproject.toml", "[tool.poetry.dependencies]\nlib = {version = '*', source = 'mine'}\n")
    source = '[package.source]\ntype = "legacy"\nurl = "https://mine.invalid/simple"\nreference = "mine"\n'
    project.write("poetry.lock", locked("lib", "1.0", source) + '[metadata]\nlock-version = "2.0"\n')

    assert read(project).lines[0] == "--extra-index-url https://mine.invalid/simple"


@pytest.mark.parametrize(
    ("pyproject", "lock", "error", "message"),
    [
        ("lib = '^1'\nnew = '*'", locked("lib", "1.0"), LockOutdated, "does not hold new.*Run `poetry lock`"),
        ("lib = '^2'", locked("lib", "1.0"), LockOutdated, r"holds lib 1\.0, .* asks for lib \^2"),
        ("lib = '*'", "", LockOutdated, "does not hold lib"),
        (
            "lib = '*'",
            locked("lib", "1.0", '[package.dependencies]\ngone = "*"\n'),
            RequirementsUnreadable,
            "lacks gone, which lib needs",
        ),
        (
            "lib = 'latest'",
            locked("lib", "1.0"),
            RequirementsUnreadable,
            "'latest' is not a range of versions",
        ),
    ],
    ids=["new", "other version", "empty", "damaged", "nonsense"],
)
def test_a_lock_that_does_not_fit_is_refused(
    project: Project, pyproject: str, lock: str, error: type[Exception], message: str
) -> None:
    project.write("pyproject.toml", f"[tool.poetry.dependencies]\n{pyproject}\n")
    project.write("poetry.lock", f'{lock}\n[metadata]\nlock-version = "2.1"\n')

    with pytest.raises(error, match=message):
        read(project)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ('lock-version = "3.0"', r"lock-version 3\.0, .* reads 1 and 2\. Update"),
        (
            'lock-version = "2.0"\npython-versions = "^3.14"',
            r"for Python \^3\.14, and the target is python3\.13",
        ),
    ],
    ids=["version", "python"],
)
def test_a_lock_for_something_else_is_refused(project: Project, metadata: str, message: str) -> None:
    project.write("pyproject.toml", "[tool.poetry.dependencies]\n")
    project.write("poetry.lock", f"[metadata]\n{metadata}\n")

    with pytest.raises(RequirementsUnreadable, match=message):
        read(project)


def test_an_unknown_group_is_told_with_the_nearest(project: Project) -> None:
    project.write("pyproject.toml", PYPROJECT)
    project.write("poetry.lock", LOCKS["2.0"])

    with pytest.raises(
        RequirementsUnreadable, match=r"no group 'report'\. Did you mean 'reports'\? It has: dev"
    ):
        read(project, groups=("report",))
