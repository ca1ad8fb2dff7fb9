from __future__ import annotations

import shutil
import zipfile
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

import pytest

from microlambda.bundle.archive import names
from microlambda.bundle.cache import cache_folder
from microlambda.bundle.errors import (
    DependencyConflict,
    IndexUnreachable,
    NoFittingWheel,
    PackageNotFound,
    RequirementsUnreadable,
    ResolverMissing,
    WheelUnreachable,
)
from microlambda.bundle.inputs.requirements import read_requirements
from microlambda.bundle.resolving import pip_answers
from microlambda.bundle.target import Target
from microlambda.project.settings import load_settings
from tests.bundle.conftest import served

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bundle.conftest import Project, Wheelhouse

ARM = "cp313-cp313-manylinux_2_28_aarch64"
INTEL = "cp313-cp313-manylinux_2_28_x86_64"


def versions(project: Project, **options: str) -> dict[str, str]:
    return {package.name: package.version for package in project.bundle(**options).packages}  # type: ignore[arg-type]  # only resolver= is given


def test_requirements_and_what_they_need_are_in_the_bundle(
    project: Project, index: Wheelhouse, resolver: str
) -> None:
    index.wheel("sms-client", requires=["transport>=2"])
    index.wheel("transport", "2.1")
    project.write("requirements.txt", "sms-client  # sends\n")

    bundle = project.bundle(resolver=resolver)

    assert project.contents(bundle) == ["app.py", "sms_client/__init__.py", "transport/__init__.py"]
    assert [package.name for package in bundle.packages] == ["sms-client", "transport"]
    assert "Requirements: requirements.txt" in project.said


@pytest.mark.parametrize(
    ("architecture", "tag"), [("arm64", ARM), ("x86_64", INTEL)], ids=["arm64", "x86_64"]
)
def test_wheels_are_chosen_for_the_target(
    project: Project, index: Wheelhouse, resolver: str, architecture: str, tag: str
) -> None:
    for one in (ARM, INTEL, "cp311-cp311-manylinux_2_17_x86_64", "cp313-cp313-macosx_11_0_arm64"):
        index.wheel("native", tag=one, files={"native/tag.txt": one, "native/__init__.py": ""})
    project.write("requirements.txt", "native")

    bundle = project.bundle(target=Target.for_lambda("3.13", architecture), resolver=resolver)

    with zipfile.ZipFile(bundle.code.archive) as archive:
        assert archive.read("native/tag.txt").decode() == tag


def test_a_wheel_for_a_newer_glibc_gives_way_to_an_older_version_that_fits(
    project: Project, index: Wheelhouse, resolver: str
) -> None:
    index.wheel("native", "1.0", tag=ARM)
    index.wheel("native", "2.0", tag="cp313-cp313-manylinux_2_39_aarch64")
    project.write("requirements.txt", "native")

    assert versions(project, resolver=resolver) == {"native": "1.0"}


@pytest.mark.parametrize(
    ("python", "fits"), [("3.11", False), ("3.12", True)], ids=["glibc 2.26", "glibc 2.34"]
)
def test_the_runtime_of_python_3_11_has_an_older_glibc(
    project: Project, index: Wheelhouse, resolver: str, python: str, fits: bool
) -> None:
    index.wheel("native", tag="cp311-abi3-manylinux_2_34_x86_64")
    project.write("requirements.txt", "native")
    target = Target.for_lambda(python, "x86_64")

    if fits:
        assert project.bundle(target=target, resolver=resolver).packages[0].name == "native"
    else:
        with pytest.raises(NoFittingWheel, match=r"^native has no wheel for python3\.11 on x86_64"):
            project.bundle(target=target, resolver=resolver)


def test_a_dependency_without_a_fitting_wheel_is_named_and_nothing_is_left(
    project: Project, index: Wheelhouse, resolver: str, cache: Path
) -> None:
    index.wheel("pure")
    index.wheel("native", tag="cp313-cp313-win_amd64")
    project.write("requirements.txt", "pure\nnative==1.0\n")

    with pytest.raises(NoFittingWheel) as caught:
        project.bundle(resolver=resolver)

    assert str(caught.value).startswith("native==1.0 has no wheel for python3.13 on arm64 (glibc up to 2.34)")
    for remedy in ("Pin a version", "layer", "container image"):
        assert remedy in str(caught.value)
    assert not project.out.exists()
    assert list((cache_folder() / "dependencies").iterdir()) == []


def test_what_another_dependency_needs_without_a_wheel_is_named(
    project: Project, index: Wheelhouse, resolver: str
) -> None:
    index.wheel("client", requires=["native>=1"])
    index.wheel("native", tag="cp313-cp313-win_amd64")
    project.write("requirements.txt", "client")

    with pytest.raises(NoFittingWheel, match="^native"):
        project.bundle(resolver=resolver)


def test_a_pure_package_that_publishes_only_its_source_is_built(
    project: Project, index: Wheelhouse, resolver: str
) -> None:
    index.source("oldstyle", "1.2")
    index.wheel("pure", requires=["oldstyle<2"])
    project.write("requirements.txt", "pure")

    assert versions(project, resolver=resolver) == {"oldstyle": "1.2", "pure": "1.0"}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        pytest.param(
            {"tag": "cp311-cp311-linux_x86_64"}, "only for the machine", id="a wheel of this machine"
        ),
        pytest.param({"compiles": True}, "needs a compiler", id="a compiler"),
    ],
)
def test_a_source_that_builds_for_this_machine_alone_is_refused(
    project: Project, index: Wheelhouse, resolver: str, source: dict[str, object], reason: str
) -> None:
    index.source("speedups", **source)  # type: ignore[arg-type]  # the table above holds keywords of it
    project.write("requirements.txt", "speedups")

    with pytest.raises(NoFittingWheel, match=rf"^speedups has no wheel .*{reason}"):
        project.bundle(resolver=resolver)


def test_the_log_of_a_failed_build_follows_what_is_wrong_and_what_to_do(
    project: Project, index: Wheelhouse, resolver: str
) -> None:
    index.source("oldstyle", step="raise SystemExit('no header at https://me:s3cret@example.invalid/')")
    project.write("requirements.txt", "oldstyle")

    with pytest.raises(NoFittingWheel) as caught:
        project.bundle(resolver=resolver)

    first, second, *log = str(caught.value).splitlines()
    assert first.startswith("oldstyle has no wheel for python3.13 on arm64 (glibc up to 2.34): ")
    assert "Its source does not build. Pin a version that has one, " in first
    assert first.endswith("or ship a container image.")
    assert second == "The build said:"
    assert all(line.startswith("    ") for line in log)
    assert "no header at" in "".join(log)
    assert "s3cret" not in str(caught.value)


def test_an_unknown_package_is_named(project: Project, index: Wheelhouse, resolver: str) -> None:
    project.write("requirements.txt", "reqeusts")

    with pytest.raises(PackageNotFound, match=r"the package index has no reqeusts\. Check its spelling"):
        project.bundle(resolver=resolver)


def test_an_unknown_version_is_named(project: Project, index: Wheelhouse, resolver: str) -> None:
    index.wheel("pure", "1.0")
    project.write("requirements.txt", "pure==9.9")

    with pytest.raises(PackageNotFound, match=r"the package index has no pure==9\.9\."):
        project.bundle(resolver=resolver)


@pytest.mark.parametrize(
    "requirements", ["pure<2\npure>=2\n", "pure<2\nclient\n"], ids=["written", "by way of another"]
)
def test_a_conflict_is_told_as_one(
    project: Project, index: Wheelhouse, resolver: str, requirements: str
) -> None:
    index.wheel("pure", "1.0")
    index.wheel("pure", "2.0")
    index.wheel("client", requires=["pure>=2"])
    project.write("requirements.txt", requirements)

    with pytest.raises(DependencyConflict, match="exclude each other: .*pure"):
        project.bundle(resolver=resolver)


def test_an_index_that_does_not_answer_is_told_without_its_password(
    project: Project, index: Wheelhouse, resolver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("UV_CONFIG_FILE")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    project.write("requirements.txt", "--index-url https://me:s3cret@127.0.0.1:9/simple\npure\n")

    with pytest.raises(
        IndexUnreachable, match=r"could not reach the package index: https://.*127\.0\.0\.1:9"
    ) as caught:
        project.bundle(resolver=resolver)

    assert "s3cret" not in str(caught.value) + "".join(project.said)


@pytest.fixture
def connected(index: Wheelhouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the resolvers connect to what is not a folder, once."""
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("UV_CONFIG_FILE")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("line", ["six @ {}", "{}"], ids=["named", "bare"])
def test_a_wheel_whose_url_does_not_answer_is_told_in_one_line(
    project: Project, resolver: str, line: str
) -> None:
    url = "https://me:s3cret@127.0.0.1:9/six-1.0-py3-none-any.whl"
    project.write("requirements.txt", line.format(url))

    with pytest.raises(WheelUnreachable) as caught:
        project.bundle(resolver=resolver)

    assert str(caught.value) == (
        "the wheel of six could not be had from https://****@127.0.0.1:9/six-1.0-py3-none-any.whl: "
        "Connection refused. Check the address, the connection and the proxy, then run it again."
    )


@pytest.mark.usefixtures("connected")
def test_a_wheel_that_is_not_at_its_url_is_told_with_the_answer(project: Project, resolver: str) -> None:
    with served(BaseHTTPRequestHandler) as url:  # answers 501 to whatever is asked
        project.write("requirements.txt", f"six @ {url}/six-1.0-py3-none-any.whl")

        with pytest.raises(
            WheelUnreachable,
            match=rf"^the wheel of six could not be had from {url}/six-1\.0.*: it answered 501\. Check",
        ):
            project.bundle(resolver=resolver)


@pytest.mark.parametrize(
    ("said", "url"),
    [
        (
            "ERROR: Could not install packages due to an OSError: "
            "HTTPSConnectionPool(host='a.test', port=443): Max retries exceeded with url: "
            "/six-1.0-py3-none-any.whl (Caused by NewConnectionError('<...>: "
            "Failed to establish a new connection: [Errno 111] Connection refused'))",
            "https://a.test:443/six-1.0-py3-none-any.whl",
        ),
        (
            "error: connection-failed\n\nFailed to connect to a.test while fetching https://a.test/six-1.0.whl\n"
            "╰─> [Errno 111] Connection refused",
            "https://a.test/six-1.0.whl",
        ),
        ("ERROR: HTTP error 404 while getting http://a.test/six-1.0.whl", "http://a.test/six-1.0.whl"),
        (
            "WARNING: Retrying (Retry(total=4)) after connection broken by 'ReadTimeoutError("
            "\"HTTPSConnectionPool(host='a.test', port=443): Read timed out.\")': /simple/six/\n"
            "ERROR: No matching distribution found for six",
            None,
        ),
    ],
    ids=["pip before 26", "pip 26", "an answer", "a retry that went well"],
)
def test_the_address_that_pip_could_not_reach_is_read_from_what_it_says(said: str, url: str | None) -> None:
    assert pip_answers.unreached_address(said, "") == url


@pytest.mark.parametrize(
    "line",
    [
        "microlambda",
        "MicroLambda[local]>=0.1 ; python_version > '3'",
        "microlambda @ git+https://example.invalid/microlambda",
        "-e git+https://example.invalid/microlambda#egg=microlambda",
        "./dist/microlambda-0.1.0-py3-none-any.whl",
    ],
)
def test_microlambda_in_the_requirements_stands_for_the_runtime(
    project: Project, index: Wheelhouse, resolver: str, line: str
) -> None:
    index.wheel("pure")
    index.wheel("microlambda", "0.1.0", requires=["click"], extras={"local": ["moto"]})
    project.write("requirements.txt", "-r deps/base.txt\n-c deps/limits.txt\n")
    project.write("deps/base.txt", f"{line}\npure\n")
    project.write("deps/limits.txt", "microlambda<9\n")

    bundle = project.bundle(resolver=resolver)

    assert [package.name for package in bundle.packages] == ["pure"]
    ours = [name for name in names(bundle.code.archive) if name.startswith("microlambda")]
    assert all(name.startswith(("microlambda/runtime/", "microlambda/__")) for name in ours)
    assert "microlambda/runtime/entry.pyc" in ours


def test_a_dependency_that_needs_microlambda_gets_the_runtime_and_not_the_tools(
    project: Project, index: Wheelhouse
) -> None:
    index.wheel("plugin", requires=["microlambda"])
    index.wheel("microlambda", "0.1.0", requires=["click"])
    index.wheel("click")
    project.write("requirements.txt", "plugin")

    assert [package.name for package in project.bundle().packages] == ["plugin"]


def test_without_requirements_a_resolver_is_not_needed(
    project: Project, index: Wheelhouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    project.write("requirements.txt", "microlambda\n")

    assert project.bundle(target=Target.for_host()).packages == ()


@pytest.mark.parametrize(
    ("marker", "ships"),
    [
        ("python_version >= '3.13'", True),
        ("python_version < '3.13'", False),
        ("platform_machine == 'aarch64'", True),
        ("platform_machine == 'x86_64'", False),
        ("sys_platform == 'linux'", True),
        ("sys_platform == 'win32'", False),
    ],
)
def test_markers_are_judged_for_the_target(
    project: Project, index: Wheelhouse, resolver: str, marker: str, ships: bool
) -> None:
    index.wheel("pure", requires=[f"deep ; {marker}"])
    index.wheel("deep")
    index.wheel("direct")
    project.write("requirements.txt", f"pure\ndirect ; {marker}\n")

    assert set(versions(project, resolver=resolver)) == ({"pure", "deep", "direct"} if ships else {"pure"})


def test_hashes_are_checked(project: Project, index: Wheelhouse, resolver: str) -> None:
    import hashlib

    digest = hashlib.sha256(index.wheel("pure").read_bytes()).hexdigest()
    project.write("requirements.txt", f"pure==1.0 \\\n    --hash=sha256:{digest}\n")
    assert versions(project, resolver=resolver) == {"pure": "1.0"}

    project.write("requirements.txt", f"pure==1.0 \\\n    --hash=sha256:{'0' * 64}\n")
    with pytest.raises(Exception, match="(?i)hash"):
        project.bundle(resolver=resolver)


@pytest.mark.parametrize(
    ("line", "lacks"),
    [("deep", "no hash"), ("deep==1.0", "no hash"), ("deep>=1 --hash=sha256:00", "no exact version")],
)
def test_hashes_are_for_all_or_for_none(line: str, lacks: str, project: Project) -> None:
    project.write("requirements.txt", f"microlambda\npure==1.0 --hash=sha256:00\n{line}\n")

    with pytest.raises(
        RequirementsUnreadable, match=rf"^requirements\.txt:3: .* has {lacks}, and other lines have hashes"
    ):
        project.bundle()


@pytest.mark.parametrize(
    "line",
    [
        "deep ; sys_platform == 'win32'",
        "deep===1.0 --hash=sha256:01",
        "deep @ https://a.invalid/deep-1.0-py3-none-any.whl#sha256=01",
        "pure",
        "-c limits.txt",
        "deep==1.0\\t--hash=sha256:01",
    ],
    ids=["elsewhere", "three", "url", "twice", "constraints", "tab"],
)
def test_what_needs_no_hash_of_its_own_is_let_through(line: str, project: Project) -> None:
    project.write("limits.txt", "deep<2\n")
    project.write("requirements.txt", f"pure==1.0 --hash=sha256:00\n{line}\n".replace("\\t", "\t"))

    assert read_requirements(load_settings(project.root, "dev"), Target.for_host()).is_hashed


def test_constraints_hold(project: Project, index: Wheelhouse, resolver: str) -> None:
    index.wheel("pure", "1.0")
    index.wheel("pure", "2.0")
    project.write("requirements.txt", "-c limits.txt\npure\n")
    project.write("limits.txt", "pure<2\n")

    assert versions(project, resolver=resolver) == {"pure": "1.0"}


def test_the_dependencies_of_pyproject_are_read_where_there_are_no_requirements(
    project: Project, index: Wheelhouse
) -> None:
    index.wheel("pure")
    project.write(
        "pyproject.toml", "[project]\nname = 'shop'\nversion = '1'\ndependencies = ['pure', 'microlambda']\n"
    )

    bundle = project.bundle()

    assert project.contents(bundle) == ["app.py", "pure/__init__.py"]
    assert "Requirements: pyproject.toml [project] dependencies" in project.said


@pytest.mark.parametrize(
    ("pyproject", "message"),
    [
        ("[project]\ndynamic = ['dependencies']\n", "dynamic"),
        ("[tool.poetry.dependencies]\nrequests = '^1 || ^3'\n", "poetry lock"),
        (
            "[project]\ndependencies = ['lib']\n[tool.uv.sources]\nlib = {path = '../lib'}\n",
            r"tool\.uv\.sources\.lib names the folder '\.\./lib', which is not there",
        ),
        ("[project]\ndependencies = ['no good']\n", "is not a requirement"),
    ],
    ids=["dynamic", "poetry", "uv sources", "nonsense"],
)
def test_dependencies_that_cannot_be_read_are_refused(project: Project, pyproject: str, message: str) -> None:
    project.write("pyproject.toml", pyproject)

    with pytest.raises(RequirementsUnreadable, match=message):
        project.bundle()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-r missing.txt", r"requirements\.txt:1 includes 'missing\.txt', which is not there"),
        ("-r requirements.txt", "includes itself"),
        ("-e .", "names the project itself, which has no pyproject"),
        ("lib @ hg+https://me:s3cret@example.invalid/lib", r"hg\+https://\*\*\*\*@example"),
        ("./dist/lib-1.0-py3-none-any.whl", "which is not there"),
        ("what ever", r"requirements\.txt:1: 'what ever' is not a requirement"),
    ],
)
def test_a_line_that_cannot_be_bundled_is_refused_by_name(project: Project, line: str, message: str) -> None:
    project.write("requirements.txt", f"{line}\n")

    with pytest.raises(RequirementsUnreadable, match=message):
        project.bundle()


def test_a_wheel_named_by_its_path_is_bundled_and_its_contents_count(
    project: Project, index: Wheelhouse, resolver: str
) -> None:
    wheels = project.root / "wheels"
    wheels.mkdir()
    shutil.move(index.wheel("lib", files={"lib/__init__.py": "first = 1\n"}), wheels)
    project.write("requirements.txt", "./wheels/lib-1.0-py3-none-any.whl\n")
    first = project.bundle(resolver=resolver)

    shutil.copy(index.wheel("lib", files={"lib/__init__.py": "second = 2\n"}), wheels)
    second = project.bundle(resolver=resolver)

    with zipfile.ZipFile(second.code.archive) as archive:
        assert archive.read("lib/__init__.py") == b"second = 2\n"
    assert first.inputs_hash != second.inputs_hash


def test_the_sdk_is_left_to_lambda_with_what_only_it_needs(project: Project, index: Wheelhouse) -> None:
    _sdk(index)
    index.wheel("http-client", requires=["urllib3"])
    project.write("requirements.txt", "boto3\nhttp-client\n")

    bundle = project.bundle()

    assert [package.name for package in bundle.packages] == ["http-client", "urllib3"]
    assert "boto3 is left to the copy that Lambda has. To ship it, pin it: boto3==1.40.0." in bundle.notes


@pytest.mark.parametrize(
    ("requirements", "limits"),
    [("boto3==1.40.0", ""), ("boto3", "botocore==1.40.0"), ("aio-client", "")],
    ids=["pinned", "pinned in the constraints", "a dependency needs a narrow range"],
)
def test_the_sdk_ships_where_its_version_matters(
    project: Project, index: Wheelhouse, requirements: str, limits: str
) -> None:
    _sdk(index)
    index.wheel("aio-client", requires=["boto3>=1.39,<1.41"])
    project.write("requirements.txt", f"{requirements}\n-c limits.txt\n")
    project.write("limits.txt", limits)

    assert {"boto3", "botocore", "jmespath", "urllib3"} <= set(versions(project))


def _sdk(index: Wheelhouse) -> None:
    index.wheel("boto3", "1.40.0", requires=["botocore<1.41,>=1.40.0", "jmespath", "s3transfer"])
    index.wheel("botocore", "1.40.0", requires=["jmespath", "urllib3"])
    index.wheel("s3transfer", requires=["botocore"])
    index.wheel("jmespath")
    index.wheel("urllib3", "2.0")


def test_dependencies_lose_what_no_function_needs_and_keep_their_metadata(
    project: Project, index: Wheelhouse, resolver: str
) -> None:
    index.wheel(
        "pure",
        files={
            "pure/__init__.py": "",
            "pure/__pycache__/old.cpython-313.pyc": b"",
            "pure.pth": "import pure\n",
        },
        scripts={"pure": "pure:main"},
    )
    project.write("requirements.txt", "pure")

    bundle = project.bundle(resolver=resolver)

    assert project.contents(bundle) == ["app.py", "pure/__init__.py"]
    metadata = {name.partition("/")[2] for name in names(bundle.code.archive) if ".dist-info/" in name}
    assert "METADATA" in metadata
    assert metadata.isdisjoint({"RECORD", "INSTALLER", "direct_url.json", "REQUESTED"})
    assert "pure/__pycache__/old.cpython-313.pyc" not in names(bundle.code.archive)
    assert any("pure.pth is left out" in note for note in bundle.notes)


def test_a_package_of_the_project_hides_the_dependency_of_its_name(
    project: Project, index: Wheelhouse
) -> None:
    index.wheel("pure", files={"pure/__init__.py": "", "pure/theirs.py": ""})
    project.write("pure/__init__.py", "ours = True\n")
    project.write("requirements.txt", "pure")

    bundle = project.bundle()

    assert project.contents(bundle) == ["app.py", "pure/__init__.py"]
    with zipfile.ZipFile(bundle.code.archive) as archive:
        assert archive.read("pure/__init__.py") == b"ours = True\n"
    assert any(note.startswith("pure of the project hides") for note in bundle.notes)


def test_the_active_environment_lends_nothing(project: Project, index: Wheelhouse, resolver: str) -> None:
    project.write("requirements.txt", "pytest")  # installed here, and not on the index

    with pytest.raises(PackageNotFound):
        project.bundle(resolver=resolver)


def test_the_host_is_a_target_too(project: Project, index: Wheelhouse, resolver: str) -> None:
    index.wheel("pure")
    project.write("requirements.txt", "pure")

    bundle = project.bundle(target=Target.for_host(), resolver=resolver)

    assert project.contents(bundle) == ["app.py", "pure/__init__.py"]
    assert any(line.startswith("Target: this machine") for line in project.said)


def test_a_resolver_that_is_not_there_is_named(
    project: Project, index: Wheelhouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    project.write("requirements.txt", "pure")

    with pytest.raises(ResolverMissing, match="uv is not installed"):
        project.bundle(target=Target.for_host(), resolver="uv")


def test_options_of_the_requirements_hold_for_what_is_built_too(
    project: Project, index: Wheelhouse, resolver: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    index.source("oldstyle")
    monkeypatch.delenv("PIP_FIND_LINKS")
    (tmp_path / "uv-index.toml").write_text("no-index = true\n")
    project.write("requirements.txt", f"--find-links {index.folder}\noldstyle\n")

    assert versions(project, resolver=resolver) == {"oldstyle": "1.0"}


def test_an_extra_brings_what_it_needs(project: Project, index: Wheelhouse, resolver: str) -> None:
    index.wheel("client", requires=["transport[fast]"], extras={"cache": ["store"], "all": ["client[cache]"]})
    index.wheel("transport", extras={"fast": ["speed"]})
    index.wheel("store")
    index.wheel("speed")
    project.write("requirements.txt", "client[all]")

    assert set(versions(project, resolver=resolver)) == {"client", "transport", "store", "speed"}
