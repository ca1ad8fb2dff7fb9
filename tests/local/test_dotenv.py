"""`.env` and references to AWS: the environment of functions on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from microlambda.local.invocation import invoke_here
from microlambda.local.server import LocalServer
from microlambda.project.dotenv import read_dotenv
from microlambda.project.errors import SettingsError
from microlambda.project.settings import load_settings
from tests.local.events import WAIT, Events

Get = Callable[[str], tuple[int, str]]

APP = """\
import os

from microlambda import App

app = App("shop")
AT_IMPORT = os.environ.get("TOKEN")


@app.get("/")
def index():
    return {name: os.environ.get(name) for name in ("LEVEL", "TABLE", "TOKEN", "OWN", "AWS_PROFILE")}


@app.get("/import")
def at_import():
    return str(AT_IMPORT)


@app.lambda_function()
def nightly(event, context):
    return os.environ["TOKEN"]
"""

SETTINGS = """\
[environment]
LEVEL = "info"
TABLE = "${env:WANTED_TABLE}"
TOKEN = "${secret:sms/token}"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "microlambda.toml").write_text(SETTINGS)
    monkeypatch.setenv("WANTED_TABLE", "orders")
    return tmp_path


def test_env_goes_over_the_stage_and_what_differs_is_named_without_values(project: Path, get: Get) -> None:
    (project / ".env").write_text('LEVEL=debug\nTABLE="orders"\nTOKEN=s3cr3t\nexport OWN=mine # of me\n')
    events = Events()

    with LocalServer(project, port=0, console=events) as server:
        seen = json.loads(get(f"{server.url}/")[1])
        at_import = get(f"{server.url}/import")[1]

    assert seen == {
        "LEVEL": "debug",
        "TABLE": "orders",
        "TOKEN": "s3cr3t",
        "OWN": "mine",
        "AWS_PROFILE": None,
    }
    assert at_import == "s3cr3t"
    assert events.err.getvalue() == "Warning: .env says otherwise than the stage 'local' of LEVEL.\n"


def test_env_that_was_saved_is_taken_over(project: Path, get: Get) -> None:
    (project / ".env").write_text("TOKEN=one\n")
    events = Events()

    with LocalServer(project, port=0, reload=True, console=events) as server:
        (project / ".env").write_text("TOKEN=two\nLEVEL=debug\n")
        events.reloads.get(timeout=WAIT)

        assert get(f"{server.url}/import")[1] == "two"
    assert "of LEVEL.\n" in events.err.getvalue()


def test_env_leads_nobody_to_a_real_account(project: Path, get: Get) -> None:
    (project / ".env").write_text("TOKEN=t\nAWS_PROFILE=work\nAWS_ENDPOINT_URL_S3=https://s3.example\n")

    with LocalServer(project, port=0) as server:
        assert json.loads(get(f"{server.url}/")[1])["AWS_PROFILE"] is None


def test_invoke_reads_env_too(project: Path) -> None:
    (project / ".env").write_text("TOKEN=s3cr3t\n")

    done = invoke_here(
        load_settings(project, "local"),
        "nightly",
        b"{}",
        output=lambda _line: None,
        cut_off=lambda _tasks: None,
    )

    assert done.payload == b'"s3cr3t"'


def test_what_is_neither_in_env_nor_here_is_named_with_the_line_to_write(project: Path) -> None:
    server = LocalServer(project, port=0)

    with pytest.raises(
        SettingsError, match=r"TOKEN asks for \$\{secret:sms/token\}: there is no such secret"
    ) as no:
        server.start()

    assert str(no.value).endswith("Write the variable's value into .env, for this machine alone.")


@pytest.mark.parametrize(
    ("reference", "call"),
    [
        ("${secret:sms/token}", "'secretsmanager').create_secret(Name='sms/token', SecretString='kept')"),
        ("${ssm:/sms/token}", "'ssm').put_parameter(Name='/sms/token', Value='kept', Type='SecureString')"),
    ],
    ids=["secret", "ssm"],
)
def test_references_are_resolved_from_the_aws_inside(
    project: Path, get: Get, reference: str, call: str
) -> None:
    (project / ".env").write_text("TOKEN=first\n")
    (project / "microlambda.toml").write_text(SETTINGS.replace("${secret:sms/token}", reference))
    text = f"\n\n@app.post('/put')\ndef put():\n    import boto3\n\n    boto3.client({call}\n"
    text += "    return ''\n"
    (project / "app.py").write_text(APP + text)
    events = Events()

    with LocalServer(project, port=0, reload=True, console=events) as server:
        import urllib.request

        request = urllib.request.Request(f"{server.url}/put", method="POST")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(request, timeout=30).close()
        (project / ".env").unlink()
        events.reloads.get(timeout=WAIT)

        assert get(f"{server.url}/import")[1] == "kept"


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"A1=\xff\n", "it is not UTF-8 text"), (b"A1=a\x00b\n", "A1 holds a NUL character")],
    ids=["bytes", "nul"],
)
def test_an_env_that_cannot_be_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / ".env").write_bytes(content)

    with pytest.raises(SettingsError, match=words):
        read_dotenv(tmp_path)


def test_there_need_be_no_env(tmp_path: Path) -> None:
    assert read_dotenv(tmp_path) == {}
