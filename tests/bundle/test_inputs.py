"""Which input is read, and what requirement files and pyproject.toml mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from microlambda.bundle.errors import RequirementsUnreadable
from microlambda.bundle.inputs.masking import mask
from microlambda.bundle.inputs.requirements import read_requirements
from microlambda.bundle.target import Target
from microlambda.project.settings import load_settings

if TYPE_CHECKING:
    from microlambda.bundle.inputs.requirements import Requirements
    from tests.bundle.conftest import Project, Wheelhouse

ARM = Target.for_lambda("3.13", "arm64")

UV = 'version = 1\n[[package]]\nname = "shop"\nversion = "1"\nsource = { virtual = "." }\n'
PYLOCK = 'lock-version = "1.0"\ncreated-by = "tests"\npackages = []\n'
POETRY = '[metadata]\nlock-version = "2.1"\n'
PIPFILE = '{"_meta": {"pipfile-spec": 6}, "default": {}, "develop": {}}'
INPUTS = {
    "uv.lock": UV,
    "pylock.toml": PYLOCK,
    "poetry.lock": POETRY,
    "Pipfile.lock": PIPFILE,
    "requirements.txt": "pure\n",
    "pyproject.toml": "[project]\nname = 'shop'\nversion = '1'\n",
}


def read(project: Project, **chosen: Any) -> Requirements:
    return read_requirements(load_settings(project.root, "dev"), chosen.pop("target", ARM), **chosen)


@pytest.mark.parametrize("first", INPUTS)
def test_the_first_input_found_is_read_and_the_others_are_named(project: Project, first: str) -> None:
    there = list(INPUTS)[list(INPUTS).index(first) :]
    for name in there:
        project.write(name, INPUTS[name])

    label = read(project).label

    others = [name for name in there[1:] if name != "pyproject.toml"]
    if first == "pyproject.toml":
        assert label == "pyproject.toml [project] dependencies"
    else:
        assert label == (f"{first}, not {' or '.join(others)}" if others else first)


def test_without_any_input_there_are_no_dependencies(project: Project) -> None:
    found = read(project)

    assert (found.lines, found.direct) == ((), ())
    assert found.label.endswith("no dependencies")


@pytest.mark.parametrize("name", ["poetry.lock", "requirements.txt", "pyproject.toml"])
def test_the_settings_choose_another_input_by_its_name(project: Project, name: str) -> None:
    for one, content in INPUTS.items():
        project.write(one, content)
    project.write("microlambda.toml", f"requirements = ['{name}']\n")

    assert read(project).label.startswith(name)


def test_a_named_lock_stands_by_itself(project: Project) -> None:
    project.write("uv.lock", UV)
    project.write("more.txt", "pure\n")
    project.write("microlambda.toml", "requirements = ['uv.lock', 'more.txt']\n")

    with pytest.raises(RequirementsUnreadable, match=r"uv\.lock beside others, and it stands by itself"):
        read(project)


@pytest.mark.parametrize("kind", ["groups", "extras"])
def test_groups_of_requirement_files_are_refused_with_what_to_do(project: Project, kind: str) -> None:
    project.write("requirements.txt", "pure\n")
    project.write("pyproject.toml", "[dependency-groups]\nreports = []\n")

    with pytest.raises(
        RequirementsUnreadable, match=rf"{kind} reports, and requirements\.txt is read.*Name files"
    ):
        read(project, **{kind: ("reports",)})


def test_groups_without_any_input_are_refused(project: Project) -> None:
    with pytest.raises(
        RequirementsUnreadable, match="ask for 'reports', groups and extras of an input, and there is none"
    ):
        read(project, groups=("reports",))


LIB = "[project]\nname = 'lib'\nversion = '1'\n"
SOURCES = {
    "folder": ("./libs/lib", "lib", "", "./libs/lib"),
    "folder without a dot": ("libs/lib[x]", "lib", "x", "./libs/lib"),
    "editable": ("-e ./libs/lib", "lib", "", "./libs/lib"),
    "named folder": ("lib[x] @ file:///{root}/libs/lib", "lib", "x", "./libs/lib"),
    "source archive": ("./libs/old-1.0.tar.gz", "old", "", "./libs/old-1.0.tar.gz"),
    "git": ("git+https://a.invalid/lib@v1", None, "", "git+https://a.invalid/lib@v1"),
    "git with an egg": (
        "-e git+https://a.invalid/lib@v1#egg=lib[x]&subdirectory=py",
        *("lib", "x", "git+https://a.invalid/lib@v1#subdirectory=py"),
    ),
    "named git": ("lib @ git+ssh://git@a.invalid/lib@v1", "lib", "", "git+ssh://git@a.invalid/lib@v1"),
    "URL": ("https://a.invalid/lib-1.0.tar.gz", "lib", "", "https://a.invalid/lib-1.0.tar.gz"),
    "named URL": ("lib @ https://a.invalid/main.zip", "lib", "", "https://a.invalid/main.zip"),
}


@pytest.mark.parametrize(("line", "name", "extras", "portable"), SOURCES.values(), ids=SOURCES)
def test_sources_in_a_requirements_file_are_asked_for(
    project: Project, line: str, name: str | None, extras: str, portable: str
) -> None:
    project.write("libs/lib/pyproject.toml", LIB)
    project.write("libs/old-1.0.tar.gz")
    project.write("requirements.txt", f"pure\n{line.format(root=project.root.as_posix()[1:])}\n")

    found = read(project)

    (source,) = found.sources
    assert (source.name, "".join(source.extras), source.portable) == (name, extras, portable)
    assert source.where == "requirements.txt:2"
    assert source.location.startswith(("file:///", "git+", "https://"))
    assert (source.folder is not None) == (portable == "./libs/lib")
    assert found.lines == ("pure",)
    assert str(project.root) not in "".join(found.portable)


def test_a_source_counts_only_where_its_marker_holds(project: Project) -> None:
    project.write("libs/lib/pyproject.toml", LIB)
    project.write(
        "requirements.txt",
        "./libs/lib ; python_version < '3.12'\nother @ git+https://a.invalid/o ; sys_platform == 'win32'\n",
    )

    assert read(project).sources == ()
    assert [one.name for one in read(project, target=Target.for_lambda("3.11", "x86_64")).sources] == ["lib"]


def test_the_hashes_of_a_source_archive_stay_with_it(project: Project) -> None:
    project.write("requirements.txt", "https://a.invalid/lib-1.0.tar.gz --hash=sha256:00\n")

    assert read(project).sources[0].hashes == ("sha256:00",)


def test_a_repository_without_a_revision_is_noted(project: Project) -> None:
    project.write("requirements.txt", "lib @ git+https://a.invalid/lib\nfixed @ git+https://a.invalid/f@v1\n")

    assert read(project).notes == (
        "lib comes from whatever its repository has: fix it with @REVISION in requirements.txt:1.",
    )


PROJECT = """\
[project]
name = 'shop'
version = '1'
dependencies = ['pure>=1', 'microlambda']
[project.optional-dependencies]
pdf = ['paper']
"""


@pytest.mark.parametrize(
    ("line", "lines"),
    [("-e .", ("pure>=1",)), (".[pdf]", ("pure>=1", "paper")), ("shop @ file:///{root}", ("pure>=1",))],
    ids=["editable", "with an extra", "by URL"],
)
def test_the_project_itself_stands_for_its_dependencies(
    project: Project, line: str, lines: tuple[str, ...]
) -> None:
    project.write("pyproject.toml", PROJECT)
    project.write("requirements.txt", line.format(root=project.root.as_posix()[1:]) + "\n")

    found = read(project)

    assert (found.lines, found.sources) == (lines, ())


def test_what_a_file_pins_beside_the_project_stays_pinned(project: Project) -> None:
    project.write("pyproject.toml", PROJECT)
    project.write("requirements.txt", "-e .\npure==1.0 --hash=sha256:00\n")

    assert read(project).lines == ("pure==1.0 --hash=sha256:00",)


COMPILED = {
    "lines below": """\
click==8.1.7 {hash}
    # via
    #   flask
    #   microlambda
flask==3.0.0 {hash}
    # via -r requirements.in
microlambda[local]==0.1.0 {hash}
    # via -r requirements.in
moto[server]==5.0 {hash}
    # via microlambda
responses==0.25 {hash}
    # via
    #   -c limits.txt
    #   moto
""",
    "behind": """\
click==8.1.7  # via flask, microlambda
flask==3.0.0  # via -r requirements.in
microlambda[local]==0.1.0  # via -r requirements.in
moto[server]==5.0  # via microlambda
responses==0.25  # via moto[server]
""",
    "of a project": """\
click==8.1.7
    # via
    #   flask
    #   microlambda
flask==3.0.0
    # via shop (pyproject.toml)
moto==5.0
    # via microlambda
responses==0.25
    # via moto
""",
}


@pytest.mark.parametrize("compiled", COMPILED.values(), ids=COMPILED)
def test_comments_tell_what_only_microlambda_needs(project: Project, compiled: str) -> None:
    project.write("requirements.txt", compiled.replace("{hash}", "\\\n    --hash=sha256:00"))

    found = read(project)

    assert [one.name for one in found.direct] == ["click", "flask"]
    assert [one.name for one in found.roots or ()] == ["flask"]


def test_a_dependency_that_the_project_names_too_stays(project: Project) -> None:
    project.write(
        "requirements.txt",
        "click==8.1.7\n    # via\n    #   -r requirements.in\n    #   microlambda\n"
        "microlambda==0.1.0\n    # via -r requirements.in\n",
    )

    assert [one.name for one in read(project).direct] == ["click"]


def test_pins_without_comments_all_stay(project: Project) -> None:
    project.write("requirements.txt", "click==8.1.7\nmicrolambda==0.1.0\n    # via -r requirements.in\n")

    found = read(project)

    assert ([one.name for one in found.direct], found.roots) == (["click"], None)


GROUPS = """\
[project]
name = 'shop'
version = '1'
dependencies = ['pure']
[project.optional-dependencies]
pdf = ['paper>=2', 'shop[Png]']
png = ['pixels']
[dependency-groups]
dev = ['checker']
Reports = ['charts', {include-group = 'more'}]
more = ['tables']
"""


@pytest.mark.parametrize(
    ("groups", "extras", "lines"),
    [
        ((), (), ["pure"]),
        (("reports",), (), ["pure", "charts", "tables"]),
        ((), ("PDF",), ["pure", "paper>=2", "pixels"]),
        (("more", "dev"), ("png",), ["pure", "pixels", "tables", "checker"]),
    ],
    ids=["none", "a group that includes", "an extra that names another", "all"],
)
def test_groups_and_extras_of_a_pyproject(
    project: Project, groups: tuple[str, ...], extras: tuple[str, ...], lines: list[str]
) -> None:
    project.write("pyproject.toml", GROUPS)

    assert list(read(project, groups=groups, extras=extras).lines) == lines


@pytest.mark.parametrize(
    ("pyproject", "message"),
    [
        (
            "[dependency-groups]\na = [{include-group = 'b'}]\nb = [{include-group = 'a'}]",
            "'a' includes itself",
        ),
        ("[dependency-groups]\na = [{include-group = 'c'}]", "no requirement and no group"),
        ("[dependency-groups]\na = 'pure'", r"dependency-groups\.a is not a list of requirements"),
        ("[dependency-groups]\nb = []", "has no group 'a'.* It has: b"),
        (
            "[dependency-groups]\na = []\n[project]\ndependencies = 'pure'",
            "project.dependencies is not a list of texts",
        ),
    ],
    ids=["circle", "unknown include", "shape", "unknown", "dependencies"],
)
def test_what_is_wrong_in_a_pyproject_is_told_with_the_place(
    project: Project, pyproject: str, message: str
) -> None:
    project.write("pyproject.toml", pyproject)

    with pytest.raises(RequirementsUnreadable, match=message):
        read(project, groups=("a",))


UV_SOURCES = {
    "git": (
        "{git = 'https://a.invalid/lib', tag = 'v1', subdirectory = 'py'}",
        "git+https://a.invalid/lib@v1#subdirectory=py",
    ),
    "path": ("{path = 'libs/lib', editable = true}", "./libs/lib"),
    "workspace": ("{workspace = true}", "./libs/lib"),
    "url": ("{url = 'https://a.invalid/lib-1.tar.gz'}", "https://a.invalid/lib-1.tar.gz"),
    "by marker": (
        "[{path = 'no', marker = \"os_name == 'nt'\"}, {path = 'libs/lib', marker = \"os_name == 'posix'\"}]",
        "./libs/lib",
    ),
}


@pytest.mark.parametrize(("source", "portable"), UV_SOURCES.values(), ids=UV_SOURCES)
def test_sources_of_uv_in_a_pyproject(project: Project, source: str, portable: str) -> None:
    project.write("libs/lib/pyproject.toml", LIB)
    project.write(
        "pyproject.toml",
        "[project]\nname = 'shop'\nversion = '1'\ndependencies = ['pure', 'Lib[x]>=1']\n"
        f"[tool.uv.sources]\nlib = {source}\n[tool.uv.workspace]\nmembers = ['libs/*']\n",
    )

    found = read(project)

    (made,) = found.sources
    assert (made.name, made.extras, made.portable) == ("lib", ("x",), portable)
    assert found.lines == ("pure",)


def test_a_wheel_of_uv_stays_a_line(project: Project, index: Wheelhouse) -> None:
    wheel = index.wheel("lib")
    project.write(
        "pyproject.toml",
        f"[project]\ndependencies = ['lib']\n[tool.uv.sources]\nlib = {{path = '{wheel.as_posix()}'}}\n",
    )

    found = read(project)

    assert found.lines == (f"lib @ {wheel.as_uri()}",)
    assert found.local_files == (wheel,)


def test_a_folder_that_is_no_package_gives_its_dependencies(project: Project) -> None:
    project.write("libs/lib/pyproject.toml", f"{LIB}dependencies = ['deep']\n[tool.uv]\npackage = false\n")
    project.write(
        "pyproject.toml", "[project]\ndependencies = ['lib']\n[tool.uv.sources]\nlib = {path = 'libs/lib'}\n"
    )

    found = read(project)

    assert (found.lines, found.sources) == (("deep",), ())


def test_an_index_of_one_dependency_needs_a_lock(project: Project) -> None:
    project.write(
        "pyproject.toml", "[project]\ndependencies = ['lib']\n[tool.uv.sources]\nlib = {index = 'private'}\n"
    )

    with pytest.raises(RequirementsUnreadable, match="from the index 'private'.* Run `uv lock`"):
        read(project)


def test_a_python_that_the_project_is_not_for_is_refused(project: Project) -> None:
    project.write("pyproject.toml", '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.12"\n')

    with pytest.raises(RequirementsUnreadable, match=r"requires-python = '>=3\.12', .* python3\.11\. Change"):
        read(project, target=Target.for_lambda("3.11", "arm64"))


def test_groups_of_poetry_beside_a_standard_project_are_read(project: Project) -> None:
    project.write(
        "pyproject.toml",
        '[project]\nname = "shop"\nversion = "1"\ndependencies = ["requests"]\n'
        '[tool.poetry.group.reports.dependencies]\npandas = "^2"\n',
    )

    found = read(project, groups=("reports",))

    assert sorted(one.name for one in found.direct) == ["pandas", "requests"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:word@host/simple", "https://****@host/simple"),
        ("https://host/a-1.0-py3-none-any.whl?token=word", "https://host/a-1.0-py3-none-any.whl?****"),
        ("see https://host/x?a=word&b=word#egg=x", "see https://host/x?****#egg=x"),
    ],
    ids=["user", "token", "several"],
)
def test_nothing_secret_of_a_url_is_shown(text: str, shown: str) -> None:
    assert mask(text) == shown
