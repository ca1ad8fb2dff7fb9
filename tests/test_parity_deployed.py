"""The requests of `test_parity` through the deployed bundle behind a REST API and a function URL.

Behind an HTTP API they are there, and so is `microlambda local` behind every ingress. The bundle runs in
AWS's runtime client, and a REST API answers below its stage: that alone is taken off what is compared.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from microlambda import App
from microlambda.project.loader import load_app
from tests.test_parity import APP, REQUESTS, Answer, Sent, over_the_wire, through_the_client

pytestmark = [
    pytest.mark.slow,  # an AWS is started for each ingress, and deployed to
    pytest.mark.skipif(sys.platform == "win32", reason="SIGINT to a process of its own is POSIX"),
]

INGRESSES = ["rest-api", "function-url"]
_STAGE = "/local"
_SERVED = re.compile(r"The app: +http://127\.0\.0\.1:(\d+)(/\w+)?/$", re.MULTILINE)


@pytest.fixture(scope="module", params=INGRESSES)
def ingress(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, ingress: str) -> Path:
    folder = tmp_path_factory.mktemp(f"deployed-{ingress}")
    (folder / "parity_app.py").write_text(APP)
    (folder / "microlambda.toml").write_text(f'name = "parity"\ningress = "{ingress}"\n')
    return folder


@pytest.fixture(scope="module")
def app(project: Path) -> App:
    return load_app(project, "parity_app:app").app


@pytest.fixture(scope="module")
def deployed(project: Path, ingress: str) -> Iterator[int]:
    """The port that the deployed bundle answers on."""
    with started(project) as printed:
        found = _SERVED.search(printed)
        assert found, printed
        assert found[2] == (_STAGE if ingress == "rest-api" else None)
        yield int(found[1])


@contextmanager
def started(project: Path) -> Iterator[str]:
    """Run `deploy --local` until the end of the block; give what it prints until all is served."""
    command = [sys.executable, "-m", "microlambda", "deploy", "--local", "--port", "0"]
    process = subprocess.Popen(
        command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        yield "".join(lines)
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def below_the_stage(port: int, sent: Sent) -> Answer:
    """The answer of a REST API at its own address, with the stage taken off its links."""
    status, fields, body = over_the_wire(port, replace(sent, target=f"{_STAGE}{sent.target}"))
    fields = [(name, _without_stage(value)) for name, value in fields]
    return status, fields, _without_stage(body.decode("latin-1")).encode("latin-1")


def _without_stage(text: str) -> str:
    return re.sub(rf'{_STAGE}(?=[/"?]|$)', "", text)


@pytest.mark.parametrize("sent", REQUESTS, ids=str)
def test_the_deployed_bundle_answers_as_the_test_client(
    app: App, ingress: str, deployed: int, sent: Sent
) -> None:
    ask = below_the_stage if ingress == "rest-api" else over_the_wire

    assert ask(deployed, sent) == through_the_client(app, ingress, sent)
