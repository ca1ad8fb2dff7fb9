"""Projects to serve, and a way to ask them."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

Get = Callable[[str], tuple[int, str]]

APP = """\
import os
import subprocess
import time

from microlambda import App, request

app = App("shop")
print("imported", os.environ.get("GREETING"))


@app.get("/")
def index():
    return {"hello": "world"}


@app.get("/pid")
def pid():
    return str(os.getpid())


@app.get("/about")
def about():
    return {
        "event": request.event,
        "cwd": os.getcwd(),
        "environ": dict(os.environ),
        "function": request.lambda_context.function_name,
    }


@app.get("/talk")
def talk():
    print("printed by talk")
    app.logger.warning("logged by talk")
    return ""


@app.get("/broken")
def broken():
    return {}["key"]


@app.get("/exit")
def exit():
    os._exit(3)


@app.get("/hang")
def hang():
    child = subprocess.Popen(["sleep", "600"])
    print("sleeper started")
    child.wait()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


@pytest.fixture
def get() -> Get:
    """Ask a URL: status and text, whatever the status."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(url: str) -> tuple[int, str]:
        try:
            with opener.open(url, timeout=30) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    return ask
