from __future__ import annotations

import base64
import hashlib
import io
import os
import tarfile
import threading
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from microlambda.bundle import fingerprint
from microlambda.bundle.archive import names
from microlambda.bundle.bundle import build
from microlambda.bundle.cache import LAYOUT
from microlambda.bundle.libraries import library_entries
from microlambda.bundle.parts import Bundle
from microlambda.bundle.target import Target
from microlambda.project.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from microlambda.project.settings import Settings

APP = """\
from microlambda import App

app = App("shop")


@app.get("/")
def index():
    return {"hello": "world"}
"""


PURE = "py3-none-any"

#: A PEP 517 backend that needs nothing: it writes the wheel by hand, with the tag that TAG names.
_BACKEND = """
import os
import pathlib
import subprocess
import zipfile

NAME, VERSION, TAG, COMPILES, STEP = {name!r}, {version!r}, {tag!r}, {compiles!r}, {step!r}
REQUIRES = {requires!r}

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    if COMPILES:
        subprocess.run([os.environ.get("CC", "cc"), "--version"], check=True)
    exec(STEP)
    file = f"{{NAME}}-{{VERSION}}-{{TAG}}.whl"
    info = f"{{NAME}}-{{VERSION}}.dist-info"
    with zipfile.ZipFile(pathlib.Path(wheel_directory, file), "w") as wheel:
        wheel.writestr(f"{{NAME}}/__init__.py", "built_from = 'source'\\n")
        metadata = ["Metadata-Version: 2.1", f"Name: {{NAME}}", f"Version: {{VERSION}}"]
        metadata += [f"Provides-Extra: {{one.split(chr(39))[1]}}" for one in REQUIRES if "extra ==" in one]
        metadata += [*(f"Requires-Dist: {{one}}" for one in REQUIRES), ""]
        wheel.writestr(f"{{info}}/METADATA", "\\n".join(metadata))
        tags = ["Wheel-Version: 1.0", "Generator: t", "Root-Is-Purelib: true", f"Tag: {{TAG}}", ""]
        wheel.writestr(f"{{info}}/WHEEL", "\\n".join(tags))
        wheel.writestr(f"{{info}}/RECORD", "".join(f"{{name}},,\\n" for name in wheel.namelist()))
    return file
"""


@dataclass(frozen=True)
class Wheelhouse:
    """A folder of distributions that stands for the package index."""

    folder: Path
    made: list[Path] = field(default_factory=list)

    def wheel(
        self,
        name: str,
        version: str = "1.0",
        *,
        tag: str = PURE,
        requires: Sequence[str] = (),
        extras: Mapping[str, Sequence[str]] | None = None,
        files: Mapping[str, str | bytes] | None = None,
        scripts: Mapping[str, str] | None = None,
    ) -> Path:
        """Write a wheel; without `files` it holds a package of its name that knows its version."""
        module = name.replace("-", "_")
        info = f"{module}-{version}.dist-info"
        metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
        metadata += [f"Requires-Dist: {one}" for one in requires]
        for extra, needed in (extras or {}).items():
            metadata.append(f"Provides-Extra: {extra}")
            metadata += [f"Requires-Dist: {one} ; extra == '{extra}'" for one in needed]
        content: dict[str, bytes] = {
            file: data.encode() if isinstance(data, str) else data
            for file, data in (files or {f"{module}/__init__.py": f"version = {version!r}\n"}).items()
        }
        content[f"{info}/METADATA"] = "\n".join([*metadata, ""]).encode()
        content[f"{info}/WHEEL"] = (
            f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n".encode()
        )
        if scripts:
            lines = [f"{script} = {target}" for script, target in scripts.items()]
            content[f"{info}/entry_points.txt"] = "\n".join(["[console_scripts]", *lines, ""]).encode()
        content[f"{info}/RECORD"] = _record(content, f"{info}/RECORD")
        path = self.folder / f"{module}-{version}-{tag}.whl"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file, data in content.items():
                archive.writestr(file, data)
        self.made.append(path)
        return path

    def source(
        self, name: str, version: str = "1.0", *, tag: str = PURE, compiles: bool = False, step: str = ""
    ) -> Path:
        """Write a source that builds a wheel with this tag, with a C compiler if it `compiles`.

        `step` is Python that its build runs first.
        """
        path = self.folder / f"{name}-{version}.tar.gz"
        top = f"{name}-{version}"
        files = {
            "PKG-INFO": f"Metadata-Version: 2.2\nName: {name}\nVersion: {version}\n",
            **source_files(name, version, tag=tag, compiles=compiles, step=step),
        }
        with tarfile.open(path, "w:gz") as archive:
            for file, text in files.items():
                data = text.encode()
                member = tarfile.TarInfo(f"{top}/{file}")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        return path


def source_files(
    name: str,
    version: str = "1.0",
    *,
    tag: str = PURE,
    compiles: bool = False,
    step: str = "",
    requires: Sequence[str] = (),
) -> dict[str, str]:
    """Give the files of a project that builds a wheel with this tag, as `Wheelhouse.source` has it."""
    project = (
        f"[project]\nname = {name!r}\nversion = {version!r}\n"
        + (f"dependencies = {list(requires)!r}\n" if requires else "")
        + "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
    )
    backend = _BACKEND.format(
        name=name, version=version, tag=tag, compiles=compiles, step=step, requires=list(requires)
    )
    return {"pyproject.toml": project, "backend.py": backend}


def _record(content: Mapping[str, bytes], own: str) -> bytes:
    lines = [
        f"{file},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}"
        for file, data in content.items()
    ]
    return "\n".join([*lines, f"{own},,", ""]).encode()


@dataclass
class Project:
    """A project under test and what is needed to bundle it."""

    root: Path
    out: Path
    said: list[str] = field(default_factory=list)

    def write(self, name: str, content: str = "") -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return path

    def contents(self, bundle: Bundle) -> list[str]:
        """List what a bundle holds of the project and its dependencies, without bytecode and metadata."""
        left_out = ("__pycache__/", ".dist-info/")
        ours = ("microlambda/", *(entry.name for entry in library_entries()))
        return [
            name
            for name in names(bundle.code.archive)
            if not any(part in name for part in left_out) and not name.startswith(ours)
        ]

    def bundle(
        self,
        *,
        target: Target | None = None,
        module: str = "app",
        import_root: Path | None = None,
        out: Path | None = None,
        resolver: str | None = None,
        refresh: bool = False,
        single: bool = True,
    ) -> Bundle:
        """Bundle it, into a single archive unless a layer is what the test is about."""
        settings = load_settings(self.root, "dev")
        return build(
            replace(settings, single_archive=settings.single_archive or single),
            module,
            import_root or self.root,
            target=target or Target.for_lambda("3.13", "arm64"),
            out=out or self.out,
            say=self.said.append,
            resolver=resolver,
            refresh=refresh,
        )


def inputs_hash(settings: Settings, import_root: Path, target: Target) -> str:
    """Hash what decides the bundle of the module `app`, which is not built."""
    return fingerprint.total(fingerprint.pieces(settings, "app", import_root, target))


@contextmanager
def served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve on this machine; gives the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bytecode of modules that tests compile again and again: the runtime's, for several targets."""
    return tmp_path_factory.mktemp("bytecode")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiled: Path) -> Path:
    """A cache of the test's own, but for the bytecode of what was compiled before."""
    folder = tmp_path / "cache"
    (folder / LAYOUT).mkdir(parents=True)
    (folder / LAYOUT / "bytecode").symlink_to(compiled)
    monkeypatch.setenv("MICROLAMBDA_CACHE_DIR", str(folder))
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(root=tmp_path / "shop", out=tmp_path / "out")
    made.root.mkdir()
    made.write("app.py", APP)
    return made


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wheelhouse:
    """The one index that both resolvers know: a folder on this machine."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    folder = tmp_path / "wheelhouse"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    configuration = tmp_path / "uv-index.toml"
    configuration.write_text(f"no-index = true\nfind-links = ['{folder.as_posix()}']\n", encoding="utf-8")
    monkeypatch.setenv("UV_CONFIG_FILE", str(configuration))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    return Wheelhouse(folder)


@pytest.fixture(params=["uv", "pip"])
def resolver(request: pytest.FixtureRequest) -> str:
    return str(request.param)
