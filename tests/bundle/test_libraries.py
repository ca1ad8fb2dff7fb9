"""The libraries that travel with the runtime, in the archive."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import flask
import pytest
from flask.sessions import SecureCookieSessionInterface

from microlambda.bundle import fingerprint, libraries
from microlambda.bundle.archive import Entry, names
from microlambda.bundle.errors import BundleError
from microlambda.bundle.target import Target
from microlambda.project.settings import load_settings
from tests.bundle.conftest import inputs_hash

if TYPE_CHECKING:
    from tests.bundle.conftest import Project, Wheelhouse

HOST = Target.for_host()
EVENTS = Path(__file__).parent.parent / "runtime" / "events"

UPLOAD = """\
from microlambda import App, request

app = App("shop")


@app.post("/")
def upload():
    import multipart

    photo = request.files["photo"]
    size = len(photo.read())
    return {"title": request.form["title"], "name": photo.filename, "size": size, "by": multipart.__file__}
"""

BODY = (
    b'--xyz\r\nContent-Disposition: form-data; name="title"\r\n\r\nThe sea\r\n'
    b'--xyz\r\nContent-Disposition: form-data; name="photo"; filename="sea.png"\r\n'
    b"Content-Type: image/png\r\n\r\n\x89PNG\r\n\r\n--xyz--\r\n"
)

ALONE = """
import json, sys
sys.path.insert(0, {archive!r})
import os
os.environ["MICROLAMBDA_APP"] = "app:app"
from microlambda.runtime.entry import handler
before = "multipart" in sys.modules
print(json.dumps([before, handler(json.load(sys.stdin), None)]))
"""


def upload_event() -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / "http-api.json").read_text())
    event["requestContext"]["http"] |= {"method": "POST", "path": "/"}
    event |= {"rawPath": "/", "body": base64.b64encode(BODY).decode(), "isBase64Encoded": True}
    event["headers"]["content-type"] = "multipart/form-data; boundary=xyz"
    return event


def answer_of(archive: Path) -> dict[str, Any]:
    """What a process that has the archive and the standard library alone answers to an upload."""
    said = subprocess.run(
        [sys.executable, "-I", "-S", "-c", ALONE.format(archive=str(archive))],
        input=json.dumps(upload_event()),
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    was_loaded, answer = json.loads(said.stdout)
    assert not was_loaded, "the library is loaded before a form is read"
    result: dict[str, Any] = answer
    return result


def test_the_archive_reads_an_uploaded_file_with_nothing_else_installed(project: Project) -> None:
    project.write("app.py", UPLOAD)
    archive = project.bundle(target=HOST).code.archive

    answer = answer_of(archive)

    assert answer["statusCode"] == 200, answer["body"]
    assert json.loads(answer["body"]) == {
        "title": "The sea",
        "name": "sea.png",
        "size": 6,
        "by": f"{archive}/multipart.pyc",
    }


SESSION = """\
from microlambda import App, session

app = App("shop")
app.secret_key = "a key"


@app.post("/")
def index():
    session["seen"] = 1
    return "ok"
"""


def test_the_archive_of_an_app_with_sessions_signs_them_with_nothing_else_installed(project: Project) -> None:
    plain = set(names(project.bundle(target=HOST).code.archive))
    project.write("app.py", SESSION)
    archive = project.bundle(target=HOST).code.archive

    answer = answer_of(archive)

    metadata = f"itsdangerous-{version('itsdangerous')}.dist-info/METADATA"
    assert {"itsdangerous/__init__.pyc", metadata, "microlambda/runtime/sessions.pyc"} <= set(names(archive))
    assert not any("itsdangerous" in name or "session" in name for name in plain)
    (cookie,) = answer["cookies"]
    signed = cookie.partition(";")[0].removeprefix("session=")
    app = flask.Flask("shop")
    app.secret_key = "a key"
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer is not None
    assert serializer.loads(signed) == {"seen": 1}


def test_a_library_ships_with_bytecode_licence_and_version(project: Project) -> None:
    bundle = project.bundle(target=HOST)
    present = names(bundle.code.archive)

    metadata = f"multipart-{version('multipart')}.dist-info"
    assert {"multipart.pyc", f"{metadata}/METADATA"} < set(present)
    assert "multipart.py" not in present
    assert any(name.startswith(metadata) and name.endswith("LICENSE") for name in present)
    assert bundle.packages == ()  # they are ours, not the project's


def test_a_version_that_the_project_pins_wins(project: Project, index: Wheelhouse, resolver: str) -> None:
    index.wheel("multipart", "9.9", files={"multipart.py": "version = 9.9\n"})
    project.write("requirements.txt", "multipart==9.9")

    bundle = project.bundle(target=HOST, resolver=resolver)

    with zipfile.ZipFile(bundle.code.archive) as archive:
        assert archive.read("multipart.py") == b"version = 9.9\n"
        assert f"__pycache__/multipart.{HOST.cache_tag}.pyc" in archive.namelist()
        assert "multipart.pyc" not in archive.namelist()
        folders = {name.partition("/")[0] for name in archive.namelist() if name.startswith("multipart-")}
    assert folders == {"multipart-9.9.dist-info"}
    assert [package.version for package in bundle.packages] == ["9.9"]
    assert len(names(bundle.code.archive)) == len(set(names(bundle.code.archive)))


def test_another_distribution_with_that_name_as_a_package_does_not_push_it_out(
    project: Project, index: Wheelhouse
) -> None:
    index.wheel("python-multipart", files={"multipart/__init__.py": "", "python_multipart/__init__.py": ""})
    project.write("requirements.txt", "python-multipart")

    present = names(project.bundle(target=HOST).code.archive)

    assert {"multipart.pyc", "multipart/__init__.py"} < set(present)


def test_a_module_of_the_project_wins_and_that_is_said(project: Project) -> None:
    project.write("multipart.py", "mine = True\n")

    bundle = project.bundle(target=HOST)

    with zipfile.ZipFile(bundle.code.archive) as archive:
        assert archive.read("multipart.py") == b"mine = True\n"
        assert "multipart.pyc" not in archive.namelist()
        assert not [name for name in archive.namelist() if name.startswith("multipart-")]
    assert [note for note in bundle.notes if note.startswith("multipart of the project hides the library")]


def test_another_version_of_a_library_is_another_input(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings(project.root, "dev")
    before = inputs_hash(settings, project.root, HOST)

    assert inputs_hash(settings, project.root, HOST) == before
    monkeypatch.setattr(
        fingerprint, "library_entries", lambda: (Entry(name="multipart.py", content=b"version = 3\n"),)
    )
    assert inputs_hash(settings, project.root, HOST) != before


def test_a_library_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "LIBRARIES", ("multipart-that-is-not-there",))
    libraries.library_entries.cache_clear()
    try:
        with pytest.raises(BundleError, match="pip install multipart-that-is-not-there"):
            libraries.library_entries()
    finally:
        libraries.library_entries.cache_clear()


@pytest.mark.parametrize(
    ("requirements", "beside"),
    [("pure", True), ("pure\nmultipart", False), ("pure\nmultipart ; sys_platform == 'win32'", True)],
    ids=["of a dependency", "named", "named elsewhere"],
)
def test_beside_a_layer_a_library_is_left_out_only_where_the_requirements_name_it(
    project: Project, index: Wheelhouse, requirements: str, beside: bool
) -> None:
    index.wheel("multipart", "1.2.0", files={"multipart.py": "version = 1.2\n"})
    index.wheel("pure", requires=["multipart"] if requirements == "pure" else [])
    project.write("requirements.txt", requirements)

    bundle = project.bundle(target=HOST, single=False)

    assert ("multipart.pyc" in names(bundle.code.archive)) is beside
    (layer,) = bundle.layers
    assert ("python/multipart.py" in names(layer.archive)) is (
        requirements != "pure\nmultipart ; sys_platform == 'win32'"
    )
