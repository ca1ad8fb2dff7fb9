"""Real applications, judged by AWS's own runtime client: what ships is all that it has."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.utils import canonicalize_name

from microlambda.bundle.interpreter import find_interpreter
from microlambda.bundle.target import Target
from microlambda.emulator.cloud.archives import Archives
from microlambda.emulator.cloud.managed_runtime import make_managed_runtime
from microlambda.project.layout import locate
from microlambda.project.settings import load_settings
from tests.bundle.answering import Answer, content, get, invoke
from tests.bundle.real_apps import FLASK, REAL_APPS, RealApp

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bundle.conftest import Project

# Seconds: real distributions are unpacked, compiled and compressed.
pytestmark = [
    pytest.mark.index,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the wheels of Lambda run on Linux alone"),
]

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
FORMS = {"one archive": "single_archive = true\n", "code and layer": ""}


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """The archives that Lambda would get."""

    code: Path
    layers: tuple[Path, ...]
    packages: frozenset[str]

    @property
    def names(self) -> list[str]:
        return [name for path in (self.code, *self.layers) for name in zipfile.ZipFile(path).namelist()]


def ship(project: Project, app: RealApp, form: str, python: str) -> Shipped:
    """Bundle an app for Lambda. The one place that knows how a bundle is asked for, and what it holds."""
    for name, text in app.sources.items():
        project.write(name, text)
    if "app.py" not in app.files:
        (project.root / "app.py").unlink()
    project.write("requirements.txt", f"{app.requirements}\nmicrolambda[local]\n")
    project.write("microlambda.toml", f'python = "{python}"\n{app.settings}{FORMS[form]}')
    place = locate(project.root, load_settings(project.root, "dev").app)
    bundle = project.bundle(
        module=place.module,
        import_root=place.import_root,
        target=Target.for_lambda(python, "x86_64"),
        resolver="uv",
        single=False,
    )
    return Shipped(
        code=bundle.code.archive,
        layers=tuple(layer.archive for layer in bundle.layers),
        packages=frozenset(canonicalize_name(package.name) for package in bundle.packages),
    )


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(autouse=True)
def cache(kept: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One cache for all: the second form of an app takes what the first has resolved."""
    monkeypatch.setenv("MICROLAMBDA_CACHE_DIR", str(kept / "cache"))
    return kept / "cache"


@pytest.fixture(scope="module")
def runtime(kept: Path) -> Path:
    """What Lambda's Python has beside the standard library: AWS's client and boto3."""
    made = make_managed_runtime(kept / "runtime")
    assert made.is_aws_client
    return made.folder


@pytest.fixture
def answer(project: Project, tmp_path: Path) -> Callable[..., tuple[Answer, Shipped]]:
    """Ship an app, unpack it as Lambda does, and ask it for /."""

    def ask(
        app: RealApp, form: str, runtime: Path, *, python: str = HERE, interpreter: str = sys.executable
    ) -> tuple[Answer, Shipped]:
        shipped = ship(project, app, form, python)
        archives = Archives(tmp_path / "lambda")
        root = archives.unpacked(shipped.code.read_bytes())
        layers = [archives.unpacked(layer.read_bytes()) for layer in shipped.layers]
        before = content(tmp_path / "lambda")
        place = "shop.web:app" if "shop.web" in app.settings else "app:app"
        got = invoke(
            root,
            layers,
            runtime,
            get(),
            tmp_path / "log",
            python=interpreter,
            environment={"MICROLAMBDA_APP": place, "MICROLAMBDA_HANDLER": "http"},
        )
        assert content(tmp_path / "lambda") == before, "the code's folder is read-only on Lambda"
        return got, shipped

    return ask


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("app", REAL_APPS, ids=lambda app: app.name)
def test_it_answers_with_nothing_else_on_the_path(
    answer: Callable[..., tuple[Answer, Shipped]], runtime: Path, tmp_path: Path, app: RealApp, form: str
) -> None:
    got, shipped = answer(app, form, runtime)

    assert got.body == app.answer
    assert got.compiled_under(tmp_path) == []
    assert got.loaded_beside(tmp_path / "lambda", runtime) == []
    assert shipped.packages >= set(app.expected)
    assert bool(shipped.layers) == (form == "code and layer" and bool(app.requirements))


def test_nothing_of_ours_ships_but_the_runtime(project: Project) -> None:
    shipped = ship(project, FLASK, "code and layer", HERE)

    ours = {name.split("/")[1] for name in shipped.names if "microlambda" in name.split("/")[0]}
    assert {name.partition(".")[0] for name in ours} == {"__init__", "__pycache__", "runtime"}
    assert shipped.packages.isdisjoint({"boto3", "botocore", "microlambda", "rich", "watchfiles"})


def test_it_answers_under_another_python(
    answer: Callable[..., tuple[Answer, Shipped]], tmp_path: Path, kept: Path
) -> None:
    target = Target.for_lambda("3.13", "x86_64")
    interpreter = find_interpreter(target)
    if interpreter is None:
        pytest.skip("there is no python3.13 on this machine")
    runtime = kept / "runtime-3.13"
    wanted = ("--python", interpreter, "--only-binary", ":all:", "--target", str(runtime))
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "pip", "install", "--quiet", *wanted, "awslambdaric"], check=True)

    got, _ = answer(FLASK, "code and layer", runtime, python="3.13", interpreter=interpreter)

    assert got.body == FLASK.answer
    assert got.compiled_under(tmp_path) == []
