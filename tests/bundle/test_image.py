"""Build contexts of images: what Docker would make of them, told without Docker."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from docker.utils.build import exclude_paths  # type: ignore[import-untyped]
from dockerfile_parse import DockerfileParser  # type: ignore[import-untyped]

from microlambda.bundle.errors import BundleError, BundleTooLarge, NoFittingWheel, RequirementsUnreadable
from microlambda.bundle.image.app_path import app_path
from microlambda.bundle.image.context import Image, write_image
from microlambda.bundle.inputs.requirements import Requirements, SourceRequirement
from microlambda.bundle.target import Target
from microlambda.emulator.cloud.managed_runtime import make_managed_runtime
from microlambda.project.errors import AppNotFound
from microlambda.project.layout import locate
from tests.bundle.answering import ENTRY, content, get, invoke

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.bundle.conftest import Project, Wheelhouse

ARM = Target.for_lambda("3.13", "arm64")
HOST = Target.for_lambda(f"{sys.version_info[0]}.{sys.version_info[1]}", "x86_64")

#: What AWS's base images have in their environment.
BASE = {"LAMBDA_TASK_ROOT": "/var/task", "LAMBDA_RUNTIME_DIR": "/var/runtime"}


@dataclass(frozen=True)
class Archives:
    """Makes archives by hand."""

    folder: Path

    def write(self, name: str, files: Mapping[str, str], *, executable: tuple[str, ...] = ()) -> Path:
        path = self.folder / name
        with zipfile.ZipFile(path, "w") as archive:
            for file, text in files.items():
                info = zipfile.ZipInfo(file)
                info.external_attr = (0o100755 if file in executable else 0o100644) << 16
                archive.writestr(info, text)
        return path

    def code(self) -> Path:
        return self.write(
            "code.zip", {"app.py": "app = 1\n", "shop/tool": "#!/bin/sh\n"}, executable=("shop/tool",)
        )

    def layer(self) -> Path:
        return self.write("layer.zip", {"python/pure/__init__.py": "version = '1'\n"})


@dataclass
class Built:
    """What Docker makes of the last stage: files under a folder, an environment and a command."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)

    @property
    def task_root(self) -> Path:
        return self.root / "var" / "task"


def build(context: Path, root: Path) -> Built:
    """Carry out the COPYs, ENVs and the CMD of a Dockerfile; of its RUNs, none."""
    built = Built(root)
    for one in DockerfileParser(path=str(context)).structure:
        if one["instruction"] == "FROM":
            built = Built(root)
        elif one["instruction"] == "ENV":
            built.environment |= dict(pair.split("=", 1) for pair in shlex.split(one["value"]))
        elif one["instruction"] == "CMD":
            built.command = json.loads(one["value"])
        elif one["instruction"] == "COPY" and not one["value"].startswith("--from"):
            source, target = re.sub(r"\$\{(\w+)\}", lambda found: BASE[found[1]], one["value"]).split()
            shutil.copytree(context / source, root / target.lstrip("/"), dirs_exist_ok=True)
    return built


@pytest.fixture
def archives(tmp_path: Path) -> Archives:
    folder = tmp_path / "archives"
    folder.mkdir()
    return Archives(folder)


@pytest.fixture
def image(archives: Archives, tmp_path: Path) -> Callable[..., Image]:
    """Write the build context of a small app."""

    def write(**changes: Any) -> Image:
        layers = [] if "requirements" in changes else [archives.layer()]
        given = {"folder": tmp_path / "image", "code": archives.code(), "layers": layers, "target": ARM}
        return write_image(**{**given, "app_path": "app:app", "name": "Shop & Co", **changes})

    return write


def instructions(image: Image, kind: str) -> list[str]:
    structure = DockerfileParser(path=str(image.folder)).structure
    return [one["value"] for one in structure if one["instruction"] == kind]


def requirements(*lines: str, **more: Any) -> Requirements:
    return Requirements(label="requirements.txt", lines=lines, **more)


def test_the_image_answers_as_the_archives_do(project: Project, index: Wheelhouse, tmp_path: Path) -> None:
    index.wheel("pure")
    project.write("requirements.txt", "pure")
    project.write(
        "app.py",
        "import pure\nfrom microlambda import App\nfrom shop import where\nmain = App('shop')\n"
        "@main.get('/')\ndef index():\n    return {'pure': pure.version, 'code': where}\n",
    )
    project.write("shop.py", "where = __file__\n")
    bundle = project.bundle(target=HOST, single=False)
    layers = [layer.archive for layer in bundle.layers]
    runtime = make_managed_runtime(tmp_path / "runtime").folder

    made = write_image(
        tmp_path / "image",
        bundle.code.archive,
        layers,
        target=HOST,
        app_path=app_path(locate(project.root)),
        name="shop",
    )
    built = build(made.folder, tmp_path / "root")
    answer = invoke(
        built.task_root,
        [built.root / "opt"],
        runtime,
        get(),
        tmp_path / "log",
        handler=built.command[0],
        environment=built.environment,
    )

    assert answer.body == {"pure": "1.0", "code": str(built.task_root / "shop.py")}
    assert answer.compiled_under(built.root) == []
    assert answer.loaded_beside(built.root, runtime) == []


@pytest.mark.parametrize(
    ("target", "base"),
    [
        (ARM, "--platform=linux/arm64 public.ecr.aws/lambda/python:3.13"),
        (Target.for_lambda("3.11", "x86_64"), "--platform=linux/amd64 public.ecr.aws/lambda/python:3.11"),
    ],
    ids=["arm64", "x86_64"],
)
def test_it_stands_on_the_base_image_of_the_target(
    image: Callable[..., Image], target: Target, base: str
) -> None:
    made = image(target=target)

    assert instructions(made, "FROM") == [base]
    assert instructions(made, "CMD") == [json.dumps([ENTRY])]
    assert instructions(made, "ENV") == ["MICROLAMBDA_APP=app:app"]


def test_dependencies_come_first_and_lie_where_a_layer_lies(
    image: Callable[..., Image], tmp_path: Path
) -> None:
    made = image()

    built = build(made.folder, tmp_path / "root")

    assert instructions(made, "COPY") == ["dependencies/ /opt/", "code/ ${LAMBDA_TASK_ROOT}/"]
    assert (built.root / "opt/python/pure/__init__.py").read_text() == "version = '1'\n"
    assert (built.task_root / "app.py").is_file()


def test_an_app_without_dependencies_copies_its_code_alone(image: Callable[..., Image]) -> None:
    made = image(layers=[])

    assert instructions(made, "COPY") == ["code/ ${LAMBDA_TASK_ROOT}/"]
    assert not (made.folder / "dependencies").exists()


def test_the_upper_of_two_layers_wins(image: Callable[..., Image], archives: Archives) -> None:
    lower = archives.write("lower.zip", {"python/both.py": "lower", "python/one.py": ""})
    upper = archives.write("upper.zip", {"python/both.py": "upper"})

    folder = image(layers=[lower, upper]).folder / "dependencies" / "python"

    assert (folder / "both.py").read_text() == "upper"
    assert (folder / "one.py").is_file()


RULES_THAT_DO_NOT_FIT = (
    "DL3029",  # --platform: what was resolved for one platform runs on no other
    "DL3033",  # versions of a compiler: those of the base image's day
    "DL3041",
    "DL3032",  # clean all: nothing of the first stage but /opt/python is kept
    "DL3040",
)


@pytest.mark.skipif(shutil.which("hadolint", path=sys.prefix + "/bin") is None, reason="hadolint is not here")
@pytest.mark.parametrize("python", ["3.11", "3.13"])
@pytest.mark.parametrize("lines", [None, ("--index-url https://u:${TOKEN}@example.com/simple", "numpy")])
def test_hadolint_finds_nothing(
    image: Callable[..., Image], python: str, lines: tuple[str, ...] | None
) -> None:
    needs = {} if lines is None else {"requirements": requirements(*lines, constraints=("numpy<2",))}
    made = image(target=Target.for_lambda(python, "arm64"), **needs)

    ignored = [f"--ignore={rule}" for rule in RULES_THAT_DO_NOT_FIT]
    hadolint = Path(sys.prefix, "bin", "hadolint")
    said = subprocess.run(
        [hadolint, "--no-color", *ignored, made.folder / "Dockerfile"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert said.stdout + said.stderr == ""
    assert said.returncode == 0


def test_nothing_else_in_the_folder_is_sent_to_docker(image: Callable[..., Image]) -> None:
    folder = image().folder
    (folder / ".env").write_text("TOKEN=secret")
    (folder / "code.zip").write_bytes(b"")

    sent = exclude_paths(str(folder), (folder / ".dockerignore").read_text().splitlines(), "Dockerfile")

    files = {name for name in sent if (folder / name).is_file()}
    assert files == {
        ".dockerignore",
        "Dockerfile",
        "code/app.py",
        "code/shop/tool",
        "dependencies/python/pure/__init__.py",
    }


def test_the_same_archives_give_the_same_folder_for_every_user(
    image: Callable[..., Image], tmp_path: Path
) -> None:
    first = image(folder=tmp_path / "first").folder
    before = os.umask(0o077)
    try:
        second = image(folder=tmp_path / "second").folder
    finally:
        os.umask(before)

    def whole(folder: Path) -> dict[str, object]:
        return {name: (*what, (folder / name).stat().st_mtime) for name, what in content(folder).items()}

    contexts = ("code", "dependencies")
    assert [whole(first / one) for one in contexts] == [whole(second / one) for one in contexts]
    assert {path.stat().st_mtime for path in first.rglob("*")} == {315_532_800}


def test_lambdas_own_user_can_read_everything(image: Callable[..., Image]) -> None:
    folder = image().folder

    modes = {path.relative_to(folder).as_posix(): path.stat().st_mode & 0o777 for path in folder.rglob("*")}

    assert modes["code/app.py"] == 0o644
    assert modes["code/shop"] == modes["code/shop/tool"] == 0o755


def test_the_folder_of_an_earlier_run_is_replaced_as_a_whole(image: Callable[..., Image]) -> None:
    image()

    made = image(layers=[], app_path="app:other")

    assert sorted(path.name for path in made.folder.iterdir()) == [".dockerignore", "Dockerfile", "code"]
    assert instructions(made, "ENV") == ["MICROLAMBDA_APP=app:other"]


def test_an_empty_folder_is_taken(image: Callable[..., Image], tmp_path: Path) -> None:
    (tmp_path / "image").mkdir()

    assert (image().folder / "Dockerfile").is_file()


@pytest.mark.parametrize("name", ["Dockerfile", "notes.txt"])
def test_a_folder_of_somebody_elses_is_refused(
    image: Callable[..., Image], tmp_path: Path, name: str
) -> None:
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / name).write_text("FROM scratch\n")

    with pytest.raises(BundleError, match=re.escape(str(tmp_path / "image"))):
        image()

    assert [path.name for path in (tmp_path / "image").iterdir()] == [name]


def test_a_file_in_its_place_is_refused(image: Callable[..., Image], tmp_path: Path) -> None:
    (tmp_path / "image").write_text("mine")

    with pytest.raises(BundleError, match="not replaced"):
        image()


def test_a_run_that_fails_leaves_what_was_there(
    image: Callable[..., Image], archives: Archives, tmp_path: Path
) -> None:
    before = content(image().folder)
    broken = archives.write("broken.zip", {"python/pure.py": "version = '1'\n"})
    data = broken.read_bytes()
    broken.write_bytes(data.replace(b"version", b"veRsion"))  # the checksum is that of what was there
    before_parent = set(tmp_path.iterdir())

    with pytest.raises(zipfile.BadZipFile):
        image(layers=[broken])

    assert content(tmp_path / "image") == before
    assert set(tmp_path.iterdir()) == before_parent


def test_more_than_lambda_takes_is_refused(image: Callable[..., Image], archives: Archives) -> None:
    large = archives.write("large.zip", {"python/large.bin": ""})
    with zipfile.ZipFile(large, "a") as archive:
        archive.filelist[0].file_size = 11 * 1024**3  # what the directory says; nothing is unpacked
        archive.writestr("python/small.py", "")

    with pytest.raises(BundleTooLarge, match="11264 MB; Lambda takes images of up to 10 GB"):
        image(layers=[large])


def test_what_to_run_next_is_what_docker_and_aws_take(image: Callable[..., Image]) -> None:
    text = image(timeout=15, memory=1024).text.replace("\\\n", " ")

    commands = [shlex.split(line) for line in text.splitlines() if line.startswith("  ")]

    assert [command[:3] for command in commands] == [
        ["docker", "buildx", "build"],
        ["aws", "ecr", "create-repository"],
        ["aws", "ecr", "get-login-password"],
        ["docker", "tag", "shop-co"],
        ["docker", "push", "ACCOUNT.dkr.ecr.REGION.amazonaws.com/shop-co"],
        ["aws", "lambda", "create-function"],
        ["aws", "lambda", "update-function-code"],
    ]
    assert "--platform linux/arm64" in text
    assert "--architectures arm64" in text
    assert "--timeout 15 --memory-size 1024" in text


def test_the_options_of_aws_commands_exist(image: Callable[..., Image]) -> None:
    import botocore.session

    session = botocore.session.get_session()
    text = image().text.replace("\\\n", " ")

    for line in text.splitlines():
        if line.startswith("  aws "):
            _, service, command, *arguments = shlex.split(line.partition("|")[0])
            operation = "".join(word.title() for word in command.split("-"))
            if operation == "GetLoginPassword":  # the command line's own
                continue
            members = session.get_service_model(service).operation_model(operation).input_shape.members
            given = {one.removeprefix("--") for one in arguments if one.startswith("--")} - {"region"}
            assert given <= {re.sub(r"(?<=.)([A-Z])", r"-\1", name).lower() for name in members}


def test_what_has_no_wheel_is_built_in_a_stage_of_its_own(
    project: Project, index: Wheelhouse, image: Callable[..., Image]
) -> None:
    index.source("native", compiles=True)
    project.write("requirements.txt", "native==1.0\n")
    with pytest.raises(NoFittingWheel) as refused:
        project.bundle(target=ARM, resolver="uv")

    made = image(requirements=requirements("native==1.0"), because=str(refused.value))

    fact = "native==1.0 has no wheel for python3.13 on arm64 (glibc up to 2.34)"
    assert f"{fact}.\n" in made.text
    assert f"# {fact}.\n" in (made.folder / "Dockerfile").read_text()
    first, last = instructions(made, "FROM")
    assert (first, last) == (
        f"{last} AS dependencies",
        "--platform=linux/arm64 public.ecr.aws/lambda/python:3.13",
    )
    assert instructions(made, "COPY")[1:] == [
        "--from=dependencies /opt/python/ /opt/python/",
        "code/ ${LAMBDA_TASK_ROOT}/",
    ]
    assert (made.folder / "installing" / "requirements.txt").read_text() == "native==1.0\n"


@pytest.mark.parametrize(("python", "installer"), [("3.11", "yum"), ("3.12", "dnf"), ("3.13", "dnf")])
def test_the_compiler_comes_by_the_systems_own_installer(
    image: Callable[..., Image], python: str, installer: str
) -> None:
    made = image(requirements=requirements("native"), target=Target.for_lambda(python, "arm64"))

    assert instructions(made, "ARG") == ['PACKAGES="gcc gcc-c++ make git"']
    assert instructions(made, "RUN")[0] == f"{installer} install -y ${{PACKAGES}}"


def test_without_requirements_nothing_is_installed(image: Callable[..., Image]) -> None:
    made = image(requirements=requirements())

    assert instructions(made, "RUN") == []
    assert len(instructions(made, "FROM")) == 1


def pip_command(image: Image) -> str:
    return next(one for one in instructions(image, "RUN") if "pip install" in one)


@pytest.mark.parametrize(
    ("needs", "options"),
    [
        (requirements("a"), set()),
        (requirements("a", constraints=("a<2",)), {"-c"}),
        (requirements("a==1 --hash=sha256:00"), {"--require-hashes"}),
        (requirements("a==1", is_locked=True), {"--no-deps"}),
        (requirements("a==1 --hash=sha256:00", is_locked=True), {"--no-deps", "--require-hashes"}),
    ],
    ids=["plain", "constrained", "hashed", "locked", "locked and hashed"],
)
def test_pip_is_asked_for_what_the_requirements_say(
    image: Callable[..., Image], needs: Requirements, options: set[str]
) -> None:
    command = shlex.split(pip_command(image(requirements=needs)))

    assert {"-c", "--require-hashes", "--no-deps"} & set(command) == options


def test_pip_installs_from_the_context_alone(
    index: Wheelhouse, image: Callable[..., Image], tmp_path: Path
) -> None:
    """The build's command, run here: the context stands for /build, and no other index is known."""
    named = index.wheel("named", requires=["linked"])
    other = tmp_path / "other wheels"
    other.mkdir()
    shutil.move(index.wheel("linked"), other)
    moved = named.rename(tmp_path / named.name)
    lines = ("--no-index", f"--find-links {other.as_uri()}", f"named @ {moved.as_uri()}")
    made = image(requirements=requirements(*lines, local_files=(moved,)))
    shutil.rmtree(other)
    moved.unlink()

    context = made.folder / "installing"
    listed = context / "requirements.txt"
    assert str(tmp_path) not in listed.read_text()
    listed.write_text(listed.read_text().replace("/build", context.as_posix()))
    command = pip_command(made).replace("/opt/python", str(tmp_path / "installed"))
    command = re.sub(r"--mount=\S+", "", command).replace("python3", sys.executable)
    subprocess.run(shlex.split(command), cwd=context, check=True, capture_output=True)

    assert {"named", "linked"} <= {path.name for path in (tmp_path / "installed").iterdir()}


def test_sources_come_into_the_context_without_what_is_secret(
    image: Callable[..., Image], tmp_path: Path
) -> None:
    folder = tmp_path / "lib"
    for name in ("pyproject.toml", "lib.py", ".env", ".git/config", ".venv/pyvenv.cfg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    local = SourceRequirement(
        location=folder.as_uri(), name="lib", extras=("fast",), where="requirements.txt:1", folder=folder
    )
    remote = SourceRequirement(
        location="git+https://example.com/x.git@1", name="x", where="requirements.txt:2"
    )

    made = image(requirements=requirements("a", sources=(local, remote)))

    context = made.folder / "installing"
    assert (context / "requirements.txt").read_text().splitlines() == [
        "a",
        "lib[fast] @ file:///build/sources/1",
        "x @ git+https://example.com/x.git@1",
    ]
    assert sorted(path.name for path in (context / "sources/1").rglob("*")) == ["lib.py", "pyproject.toml"]


def test_sources_beside_hashes_are_installed_apart(image: Callable[..., Image]) -> None:
    remote = SourceRequirement(
        location="git+https://example.com/x.git@1", name="x", where="requirements.txt:2"
    )

    made = image(requirements=requirements("a==1 --hash=sha256:00", sources=(remote,), is_locked=True))

    assert (made.folder / "installing/sources.txt").read_text() == "x @ git+https://example.com/x.git@1\n"
    first, second = pip_command(made).split("&&")
    assert "--require-hashes" in first
    assert "--require-hashes" not in second
    assert second.endswith("--no-deps -r sources.txt")


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://user:hunter2@example.com/simple",
        "--extra-index-url=https://hunter2@example.com/simple",
        "--index-url https://${USER}:hunter2@example.com/simple",
        "a @ https://user:hunter2@example.com/a-1-py3-none-any.whl",
        "a @ https://example.com/a-1-py3-none-any.whl?token=hunter2",
        "--extra-index-url https://example.com/simple/?hunter2",
    ],
)
def test_written_credentials_are_refused(image: Callable[..., Image], tmp_path: Path, line: str) -> None:
    with pytest.raises(RequirementsUnreadable, match="credentials") as refused:
        image(requirements=requirements(line))

    assert "hunter2" not in str(refused.value)
    assert not (tmp_path / "image").exists()


@pytest.mark.parametrize(
    ("line", "secrets"),
    [
        ("--index-url https://user:${TOKEN}@example.com/simple", ["TOKEN"]),
        ("--index-url https://${USER_1}:${TOKEN}@example.com/simple", ["USER_1", "TOKEN"]),
        ("a @ git+ssh://git@example.com/a.git", []),
        ("--index-url https://example.com/simple", []),
    ],
)
def test_variables_become_secrets_of_the_build(
    image: Callable[..., Image], line: str, secrets: list[str]
) -> None:
    made = image(requirements=requirements(line))

    assert (made.folder / "installing/requirements.txt").read_text() == f"{line}\n"
    mounted = re.findall(r"id=(\w+),required=true", pip_command(made))
    assert mounted == secrets
    assert re.findall(r"--secret id=(\w+),env=\1", made.text) == secrets


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from microlambda import App\napp = App('shop')\n", "app:app"),
        ("from microlambda import App\nshop = App('shop')\n", "app:shop"),
        ("import microlambda as m\nshop: m.App = m.App('shop')\n", "app:shop"),
        ("from microlambda import App\none = App('1')\napp = App('2')\n", "app:app"),
        ("from shop.web import app\n", "app:app"),
        ("from shop.web import make\napp = make()\n", "app:app"),
        ("from flask import Flask\nsite = Flask('x')\n", "app:site"),
        (
            "from flask import Flask\nsite = Flask('x')\napplication = Flask('y')\n",
            "app:application",
        ),
        ("def application(environ, start_response): ...\n", "app:application"),
        ("from flask import Flask\nfrom microlambda import App\nsite = Flask('x')\nx = App()\n", "app:x"),
    ],
    ids=[
        *("app", "another name", "annotated", "app of two", "imported", "by a factory"),
        *("flask", "application of two", "function", "app beside a flask"),
    ],
)
def test_the_apps_name_is_told_from_the_source(project: Project, source: str, expected: str) -> None:
    project.write("app.py", source)

    assert app_path(locate(project.root)) == expected


def test_the_name_that_is_given_is_taken(project: Project) -> None:
    assert app_path(locate(project.root, "app:other")) == "app:other"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "from microlambda import App\none = App('1')\ntwo = App('2')\n",
            "several Apps: one, two. .* app:one,",
        ),
        ("from shop import make\nmain = make()\n", "no App that its source shows. .* app:NAME,"),
    ],
    ids=["two", "none"],
)
def test_an_app_whose_name_cannot_be_told_is_asked_for(project: Project, source: str, message: str) -> None:
    project.write("app.py", source)

    with pytest.raises(AppNotFound, match=message):
        app_path(locate(project.root))
