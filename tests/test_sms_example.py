"""The SMS example along the whole road: its own tests, its demo, its deployment into the embedded cloud."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[1] / "examples" / "sms_shooter"
STANDIN_PORT = "8001"  # in the example's settings and demo; each test takes another one


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.fixture
def standin_port() -> str:
    return free_port()


@pytest.fixture
def example(tmp_path: Path, standin_port: str) -> Path:
    """A copy of the example, with a port for the stand-in that nobody has."""
    folder = tmp_path / "sms_shooter"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", "build", ".pytest_cache"))
    for name in ("microlambda.toml", "demo.py"):
        path = folder / name
        changed = path.read_text().replace(STANDIN_PORT, standin_port)
        assert changed != path.read_text()
        path.write_text(changed)
    return folder


@contextmanager
def running(folder: Path, *command: str) -> Iterator[list[str]]:
    """A command until the block ends, which then gets Ctrl-C; gives what it has printed when it is ready."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", *command],
        cwd=folder,
        env={**environment, "STANDIN_DATABASE": str(folder / "messages.sqlite3")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        else:
            pytest.fail("".join(lines))
        yield lines
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.stdout.read()
        process.wait()
        process.stdout.close()
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)  # nothing of its group is left


def url_in(lines: list[str], label: str) -> str:
    found = re.search(rf"{label}\s+(http://\S+?)/?\s", "".join(lines))
    assert found is not None, lines
    return found[1]


def fetch(url: str, body: object = None, *, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **(headers or {})})
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def messages(url: str) -> list[dict[str, Any]]:
    """What the stand-in keeps, as Twilio lists it."""
    sid, token = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "the-stand-in-knows-this-one"
    basic = b64encode(f"{sid}:{token}".encode()).decode()
    _, page = fetch(
        f"{url}/2010-04-01/Accounts/{sid}/Messages.json", headers={"Authorization": f"Basic {basic}"}
    )
    found: list[dict[str, Any]] = page["messages"]
    return found


def send_an_sms(app: str, standin: str) -> None:
    """Say hello, send, and find the message in the stand-in."""
    assert fetch(app) == (200, {"hello": "world"})

    status, answer = fetch(f"{app}/service/sms/send", {"msg": "Good morning"})

    (message,) = messages(standin)
    assert (status, answer) == (
        201,
        {"status": "success", "data": message["sid"], "message": "SMS successfully sent"},
    )
    assert message["body"] == "Good morning"
    status, problem = fetch(f"{app}/service/sms/send", {"text": "no msg"})
    assert (status, problem["title"]) == (400, "Bad Request")


def test_its_own_tests_pass(example: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"],
        cwd=example,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert re.search(r"\d\d passed", done.stdout)


def test_the_demo_serves_the_app_and_the_stand_in(example: Path) -> None:
    with running(example, "demo", "--port", "0") as lines:
        send_an_sms(url_in(lines, "The SMS service:"), url_in(lines, "The stand-in for Twilio:"))


@pytest.mark.index
@pytest.mark.slow
def test_deployed_locally_it_sends_an_sms(example: Path, standin_port: str) -> None:
    """The acceptance test: the real bundle, the real deployer, AWS's runtime client, the printed URL."""
    with (
        running(example / "standin", "microlambda", "local", "--port", standin_port),
        running(example, "microlambda", "deploy", "--local", "--port", "0") as lines,
    ):
        send_an_sms(url_in(lines, "The app:"), f"http://127.0.0.1:{standin_port}")

    assert "Bundling for this machine" in "".join(lines)
