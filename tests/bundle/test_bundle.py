from __future__ import annotations

import importlib.util
import json
import marshal
import os
import stat
import subprocess
import sys
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from microlambda.bundle import interpreter, limits, making
from microlambda.bundle.archive import names
from microlambda.bundle.cache import LAYOUT, cache_folder
from microlambda.bundle.errors import BundleError, BundleTooLarge, SourcesUnusable
from microlambda.bundle.interpreter import find_interpreter
from microlambda.bundle.slim import slimming
from microlambda.bundle.target import Target
from tests.bundle.conftest import APP

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bundle.conftest import Project, Wheelhouse

HOST = Target.for_host()
EVENTS = Path(__file__).parent.parent / "runtime" / "events"


@pytest.fixture
def unpacked(tmp_path: Path) -> Callable[[Path], Path]:
    """Unpack an archive as Lambda does: into an empty folder that nothing can be written to."""

    def unpack(archive: Path) -> Path:
        folder = tmp_path / "task"
        with zipfile.ZipFile(archive) as source:
            source.extractall(folder)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        return folder

    return unpack


def test_the_archive_answers_an_event_alone(
    project: Project, index: Wheelhouse, unpacked: Callable[[Path], Path]
) -> None:
    index.wheel("pure")
    project.write("requirements.txt", "pure\nmicrolambda[local]\n")
    project.write(
        "app.py",
        "import importlib.metadata\nimport pure\nfrom microlambda import App\nfrom smslib import name\n"
        "app = App(name)\n"
        "@app.get('/')\ndef index():\n"
        "    return {'pure': pure.version, 'metadata': importlib.metadata.version('pure')}\n",
    )
    project.write("smslib/__init__.py", "name = 'shop'\n")
    folder = unpacked(project.bundle(target=HOST).code.archive)

    answer, loaded = _invoke_alone(folder, json.loads((EVENTS / "http-api.json").read_text()) | _root_path())

    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {"pure": "1.0", "metadata": "1.0"}
    outside = [path for path in loaded if not path.startswith((str(folder), _standard_library()))]
    assert outside == []


def _root_path() -> dict[str, Any]:
    recorded = json.loads((EVENTS / "http-api.json").read_text())
    http = recorded["requestContext"]["http"] | {"method": "GET", "path": "/"}
    return {"rawPath": "/", "requestContext": recorded["requestContext"] | {"http": http}}


def _standard_library() -> str:
    return str(Path(os.__file__).parent)


def _invoke_alone(folder: Path, event: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    code = (
        "import json, sys; sys.path.insert(0, ''); from microlambda.runtime import entry;"
        "answer = entry.handler(json.load(sys.stdin), None);"
        "files = [m.__file__ for m in list(sys.modules.values()) if getattr(m, '__file__', None)];"
        "print(json.dumps([answer, files]))"
    )
    said = subprocess.run(
        [sys.executable, "-S", "-E", "-c", code],
        cwd=folder,
        env={"MICROLAMBDA_APP": "app:app", "MICROLAMBDA_HANDLER": "http"},
        input=json.dumps(event),
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    answer, files = json.loads(said.stdout)
    return answer, [str(Path(folder, file)) for file in files]


class RuntimeApi(ThreadingHTTPServer):
    """A Lambda Runtime API for one event."""

    def __init__(self, event: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _RuntimeApiHandler)
        self.event: bytes | None = event
        self.posted: dict[str, bytes] = {}
        self.answered = threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep quiet: the client is killed while it waits for its next event."""


class _RuntimeApiHandler(BaseHTTPRequestHandler):
    server: RuntimeApi
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        event, self.server.event = self.server.event, None
        if event is None:  # the client waits for the next event until it is ended
            self.close_connection = True
            return
        self.send_response(200)
        # All of these are there on Lambda; without Content-Type the client crashes.
        self.send_header("Lambda-Runtime-Aws-Request-Id", "1")
        self.send_header("Lambda-Runtime-Deadline-Ms", "9999999999999")
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:1:function:f")
        self.send_header("Lambda-Runtime-Trace-Id", "Root=1-0-0;Parent=0;Sampled=0")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(event)))
        self.end_headers()
        self.wfile.write(event)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted[self.path.rpartition("/")[2]] = body
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.answered.set()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def runtime_client(tmp_path: Path) -> Path:
    """A folder with AWS's runtime client and what it needs, and nothing else of this environment."""
    pytest.importorskip("awslambdaric", reason="AWS publishes its runtime client for Linux alone")
    folder = tmp_path / "runtime-client"
    folder.mkdir()
    for name in ("awslambdaric", "runtime_client", "simplejson", "snapshot_restore_py"):
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            source = Path(spec.origin)
            found = source.parent if source.name == "__init__.py" else source
            (folder / found.name).symlink_to(found)
    return folder


@pytest.fixture
def invoke(runtime_client: Path) -> Callable[[Path, dict[str, Any]], dict[str, bytes]]:
    """Run an unpacked archive under AWS's own client for one event; gives what it posted."""

    def run(folder: Path, event: dict[str, Any]) -> dict[str, bytes]:
        api = RuntimeApi(json.dumps(event).encode())
        thread = threading.Thread(target=api.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        code = (
            f"import sys; sys.path[:0] = ['', {str(runtime_client)!r}]; sys.argv = ['r', {ENTRY!r}];"
            "import runpy; runpy.run_module('awslambdaric', run_name='__main__')"
        )
        process = subprocess.Popen(
            [
                sys.executable,
                "-S",
                "-E",
                "-c",
                code,
            ],
            cwd=folder,
            env={
                "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_port}",
                "LAMBDA_TASK_ROOT": str(folder),
                "MICROLAMBDA_APP": "app:app",
                "MICROLAMBDA_HANDLER": "http",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert api.answered.wait(30)
        finally:
            process.kill()
            process.wait()
            api.shutdown()
            thread.join()
            api.server_close()
        return api.posted

    return run


ENTRY = "microlambda.runtime.entry.handler"


def test_the_archive_answers_under_the_runtime_client_of_aws(
    project: Project,
    unpacked: Callable[[Path], Path],
    invoke: Callable[[Path, dict[str, Any]], dict[str, bytes]],
) -> None:
    folder = unpacked(project.bundle(target=HOST).code.archive)

    posted = invoke(folder, json.loads((EVENTS / "http-api.json").read_text()) | _root_path())

    assert json.loads(json.loads(posted["response"])["body"]) == {"hello": "world"}


def test_what_the_requirements_lack_is_missing_under_the_runtime_client_too(
    project: Project,
    unpacked: Callable[[Path], Path],
    invoke: Callable[[Path, dict[str, Any]], dict[str, bytes]],
) -> None:
    hidden = "import importlib\nimportlib.import_module('cli' + 'ck')\n"  # from whoever follows imports
    project.write("app.py", f"{hidden}from microlambda import App\napp = App('shop')\n")
    folder = unpacked(project.bundle(target=HOST).code.archive)

    posted = invoke(folder, {"microlambda": {"check": 1}})

    assert b"No module named 'click'" in posted["error"]


def test_the_same_inputs_give_the_same_bytes(project: Project, index: Wheelhouse, tmp_path: Path) -> None:
    index.wheel("pure", files={"pure/__init__.py": "names = {'a', 'b'}\nis_in = 'x' in {'x', 'y', 'z'}\n"})
    project.write("requirements.txt", "pure")
    first = project.bundle().code.archive.read_bytes()

    os.environ["MICROLAMBDA_CACHE_DIR"] = str(tmp_path / "another-cache")  # the fixture `cache` puts it back
    for path in project.root.rglob("*"):
        os.utime(path, (1, 1_700_000_000))
    second = project.bundle(out=tmp_path / "elsewhere").code.archive.read_bytes()

    assert first == second


def test_entries_are_sorted_dated_alike_and_readable_by_all(project: Project, index: Wheelhouse) -> None:
    index.wheel("pure")
    project.write("requirements.txt", "pure")
    project.write("zlib2.py").chmod(0o600)
    project.write("smslib/__init__.py")
    project.write("smslib/tool").chmod(0o700)

    archive = project.bundle().code.archive

    with zipfile.ZipFile(archive) as opened:
        entries = opened.infolist()
        assert opened.testzip() is None
    assert [entry.filename for entry in entries] == sorted({entry.filename for entry in entries})
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    modes = {entry.filename: stat.S_IMODE(entry.external_attr >> 16) for entry in entries}
    assert modes.pop("smslib/tool") == 0o755
    assert set(modes.values()) == {0o644}


def test_only_the_runtime_of_ours_ships(project: Project) -> None:
    ours = {name for name in names(project.bundle().code.archive) if name.startswith("microlambda/")}

    modules = {name for name in ours if "__pycache__" not in name}
    assert "microlambda/__init__.py" in modules
    assert all(name.startswith("microlambda/runtime/") for name in modules - {"microlambda/__init__.py"})


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_bytecode_is_that_of_the_target_with_the_path_on_lambda(
    project: Project, index: Wheelhouse, python: str
) -> None:
    target = Target.for_lambda(python, "x86_64")
    if find_interpreter(target) is None:
        pytest.skip(f"no python{python} on this machine")
    index.wheel("pure")
    project.write("requirements.txt", "pure")

    archive = project.bundle(target=target).code.archive

    tag = f"cpython-{python.replace('.', '')}"
    with zipfile.ZipFile(archive) as opened:
        place = {}  # of the bytecode, by the names of modules
        for name in opened.namelist():
            folder, _, file = name.rpartition("/")
            if name.endswith(".py"):
                place[name] = f"{folder}{'/' * bool(folder)}__pycache__/{file[:-3]}.{tag}.pyc"
            elif name.endswith(".pyc") and "__pycache__" not in name:
                place[name.removesuffix("c")] = name
        assert {"app.py", "pure/__init__.py", "microlambda/runtime/app.py", "multipart.py"} < place.keys()
        for name, bytecode_place in place.items():
            compiled = opened.read(bytecode_place)
            assert compiled[4:8] == b"\x01\0\0\0", "an unchecked hash, PEP 552"
            assert f"/var/task/{name}".encode() in compiled
            assert b"/tmp" not in compiled.partition(b"/var/task")[0]


def test_bytecode_needs_no_source_to_be_read(project: Project) -> None:
    with zipfile.ZipFile(project.bundle(target=HOST).code.archive) as opened:
        compiled = opened.read(f"__pycache__/app.{HOST.cache_tag}.pyc")

    assert compiled[:4] == importlib.util.MAGIC_NUMBER
    assert marshal.loads(compiled[16:]).co_filename == "/var/task/app.py"


def test_bytecode_of_the_runtime_has_no_docstrings_and_that_of_the_app_keeps_its_own(
    project: Project,
) -> None:
    project.write("app.py", '"""The shop."""\nfrom microlambda import App\napp = App("shop")\n')

    with zipfile.ZipFile(project.bundle(target=HOST).code.archive) as opened:
        ours = marshal.loads(opened.read("microlambda/runtime/app.pyc")[16:])
        users = marshal.loads(opened.read(f"__pycache__/app.{HOST.cache_tag}.pyc")[16:])

    assert not any("App: it owns" in str(constant) for constant in ours.co_consts)
    assert "The shop." in users.co_consts


def test_the_runtime_is_at_most_200_kb_of_the_bundle(project: Project) -> None:
    with zipfile.ZipFile(project.bundle(target=HOST).code.archive) as opened:
        ours = [
            entry
            for entry in opened.infolist()
            if not entry.filename.startswith(("app.", "__pycache__/app."))
        ]

    assert "multipart.pyc" in {entry.filename for entry in ours}
    assert 20_000 < sum(entry.compress_size for entry in ours) <= 200_000


def test_without_an_interpreter_of_the_target_bytecode_is_left_out_and_that_is_said(
    project: Project, index: Wheelhouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    index.wheel("pure")
    project.write("requirements.txt", "pure")
    monkeypatch.setenv("MICROLAMBDA_CACHE_DIR", str(tmp_path / "empty"))
    monkeypatch.setattr(interpreter, "_candidates", lambda version: iter(()))
    find_interpreter.cache_clear()
    try:
        bundle = project.bundle(target=Target.for_lambda("3.12", "x86_64"))
    finally:
        find_interpreter.cache_clear()

    present = names(bundle.code.archive)
    assert not any(name.endswith(".pyc") for name in present)
    assert {"app.py", "pure/__init__.py", "microlambda/runtime/app.py", "multipart.py"} < set(present)
    assert [note for note in bundle.notes if "no python3.12" in note and "cold start" in note]


def test_a_launcher_with_nothing_behind_it_is_no_interpreter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    launcher = tmp_path / "python3.10"
    launcher.write_text("#!/bin/sh\nexit 127\n")
    launcher.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setattr(interpreter, "uv_program", lambda: None)

    assert find_interpreter(Target.for_lambda("3.10", "x86_64")) is None


def test_a_module_that_does_not_compile_is_named(project: Project) -> None:
    project.write("broken.py", "def (:\n")

    notes = project.bundle().notes

    assert [note for note in notes if note.startswith("broken.py is no Python 3.13: ") and "line 1" in note]


def test_an_app_whose_own_module_does_not_compile_is_what_is_told_whatever_cannot_be_resolved(
    project: Project, index: Wheelhouse
) -> None:
    project.write("requirements.txt", "unknown-package")
    project.write("src/shop/__init__.py")
    project.write("src/shop/web.py", "from microlambda import App\napp = App('shop'\n")

    with pytest.raises(SourcesUnusable, match=r"^src/shop/web\.py:2 is no Python .*never closed"):
        project.bundle(target=HOST, module="shop.web", import_root=project.root / "src")

    assert not project.out.exists()


def test_an_app_in_the_syntax_of_a_newer_python_is_refused_for_an_older_one(project: Project) -> None:
    target = Target.for_lambda("3.11", "x86_64")
    if find_interpreter(target) is None:
        pytest.skip("no python3.11 on this machine")
    project.write("app.py", "from microlambda import App\n\ntype Name = str\napp = App('shop')\n")

    with pytest.raises(
        SourcesUnusable, match=r"^app\.py:3 is no Python 3\.11: invalid syntax\. .*change python"
    ):
        project.bundle(target=target)


def test_too_large_a_bundle_leaves_the_archive_of_the_last_good_run(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = project.bundle().code.archive.read_bytes()
    project.write("app.py", f"{APP}# longer")
    monkeypatch.setattr(limits, "UNPACKED_LIMIT", 1000)

    with pytest.raises(BundleTooLarge):
        project.bundle()

    assert (project.out / "shop.zip").read_bytes() == before


def test_too_large_a_bundle_names_the_largest_packages_and_is_not_left(
    project: Project, index: Wheelhouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "UNPACKED_LIMIT", 2 * 1024 * 1024)
    index.wheel("large", files={"large/__init__.py": "", "large/data.bin": bytes(3 * 1024 * 1024)})
    index.wheel("small")
    project.write("requirements.txt", "large\nsmall")

    with pytest.raises(
        BundleTooLarge, match=r"unpacks to 3\.\d MB; .*Largest, without bytecode: large 3 MB, small 0 MB\."
    ):
        project.bundle()

    assert list(project.out.iterdir()) == []


def test_a_project_of_huge_files_is_refused_by_their_sizes(project: Project) -> None:
    with (project.root / "huge.bin").open("wb") as file:
        file.truncate(20 * 2**30)  # of which no disk and no memory has to have room
    project.write("microlambda.toml", 'include = ["huge.bin"]\n')

    with pytest.raises(
        BundleTooLarge, match=r"the project's own files .* Largest: huge\.bin 20480 MB, app\.py 0 MB"
    ):
        project.bundle()

    assert not project.out.exists()


def test_what_is_too_large_for_a_direct_upload_is_said(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "UPLOAD_LIMIT", 1000)

    bundle = project.bundle()

    assert [note for note in bundle.notes if note.startswith("shop.zip has ") and "direct upload" in note]


def test_a_failed_run_keeps_the_archive_of_the_last_good_one(project: Project, index: Wheelhouse) -> None:
    before = project.bundle()
    content = before.code.archive.read_bytes()
    project.write("requirements.txt", "unknown-package")

    with pytest.raises(BundleError):
        project.bundle()

    assert [path.name for path in project.out.iterdir()] == [before.code.archive.name]
    assert before.code.archive.read_bytes() == content


def test_a_place_that_cannot_be_written_to_is_named(project: Project) -> None:
    project.out.touch()

    with pytest.raises(BundleError, match=r"could not be made: File exists \(.*/out\)\. .*--out"):
        project.bundle()


def test_an_unchanged_resolution_is_not_made_again(
    project: Project, index: Wheelhouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = index.wheel("pure")
    project.write("requirements.txt", "pure")
    first = project.bundle()
    wheel.unlink()
    monkeypatch.setattr(making, "resolved", _not_called)

    second = project.bundle()

    assert second.packages == first.packages
    assert "Dependencies: unchanged, from the cache" in project.said


def _not_called(*args: object) -> None:
    raise AssertionError("nothing was to be resolved")


def test_refresh_resolves_anew_and_a_failure_keeps_what_was_cached(
    project: Project, index: Wheelhouse
) -> None:
    old = index.wheel("pure", "1.0")
    project.write("requirements.txt", "pure")
    project.bundle()
    index.wheel("pure", "2.0")

    assert project.bundle().packages[0].version == "1.0"
    assert project.bundle(refresh=True).packages[0].version == "2.0"

    old.unlink()
    (index.folder / "pure-2.0-py3-none-any.whl").unlink()
    with pytest.raises(BundleError):
        project.bundle(refresh=True)
    assert project.bundle().packages[0].version == "2.0"


@pytest.mark.parametrize("damage", ["archive", "manifest"])
def test_a_damaged_entry_of_the_cache_is_made_anew(
    project: Project, index: Wheelhouse, cache: Path, damage: str
) -> None:
    index.wheel("pure")
    project.write("requirements.txt", "pure")
    whole = project.bundle().code.archive.read_bytes()
    file = next((cache / LAYOUT / "dependencies").glob("*.zip" if damage == "archive" else "*.json"))
    file.write_bytes(file.read_bytes()[:20])

    assert project.bundle().code.archive.read_bytes() == whole


def test_a_killed_run_leaves_nothing_that_is_trusted(
    project: Project, index: Wheelhouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.wheel("pure")
    project.write("requirements.txt", "pure")
    with monkeypatch.context() as patched:
        patched.setattr(slimming, "slim", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            project.bundle()

    assert "pure/__init__.py" in project.contents(project.bundle())


def _interrupt(*args: object) -> None:
    raise KeyboardInterrupt


def test_runs_at_once_agree(project: Project, index: Wheelhouse, tmp_path: Path, cache: Path) -> None:
    index.wheel("pure")
    project.write("requirements.txt", "pure")

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda number: project.bundle(out=tmp_path / f"out{number}"), range(4)))

    assert len({bundle.code.archive.read_bytes() for bundle in made}) == 1
    assert [path.name for path in cache.rglob(".filling-*")] == []


@pytest.mark.parametrize(
    ("environ", "system", "expected"),
    [
        ({"MICROLAMBDA_CACHE_DIR": "/chosen", "XDG_CACHE_HOME": "/xdg"}, "linux", "/chosen/v2"),
        ({"XDG_CACHE_HOME": "/xdg"}, "linux", "/xdg/microlambda/v2"),
        ({"XDG_CACHE_HOME": "relative"}, "linux", "~/.cache/microlambda/v2"),
        ({}, "linux", "~/.cache/microlambda/v2"),
        ({}, "darwin", "~/Library/Caches/microlambda/v2"),
    ],
)
def test_the_cache_is_where_the_platform_has_it(environ: dict[str, str], system: str, expected: str) -> None:
    assert cache_folder(environ, system) == Path(expected).expanduser()
