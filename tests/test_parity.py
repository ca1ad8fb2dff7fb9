"""One suite of requests through the test client, `microlambda local` and the deployed bundle.

The answers are equal: status, header fields, bytes. What a gateway numbers by itself is left out.
"""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from microlambda import App
from microlambda.local.server import LocalServer
from microlambda.project.loader import load_app

APP = """
from microlambda import App, Response, request

app = App("parity")
ANY = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@app.route("/", methods=ANY)
@app.route("/echo/<path:rest>", methods=ANY, strict_slashes=False)
def echo(rest=""):
    return {
        "method": request.method,
        "path": request.path,
        "args": request.args.to_dict(flat=False),
        "cookies": request.cookies.to_dict(),
        "data": request.data.hex(),
        "form": request.form.to_dict(),
        "type": request.mimetype,
        "tags": request.headers.getlist("x-tag"),
        "address": request.remote_addr,
    }


@app.get("/users/")
def users():
    return "users"


@app.get("/binary")
def binary():
    headers = {"Set-Cookie": ["a=1", "b=2"], "Vary": ["x", "y"]}
    return Response(bytes(range(256)), mimetype="image/png", headers=headers)


@app.get("/status/<int:code>")
def status(code):
    return "body", code


@app.get("/broken")
def broken():
    raise ValueError("on purpose")
"""


@dataclass(frozen=True)
class Sent:
    """A request, its target as it stands on the request line."""

    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
REQUESTS = [
    Sent("GET", "/"),
    Sent("GET", "/echo/a%20b"),
    Sent("GET", "/echo/caf%C3%A9?x=1&x=2&y=a+b&z=%2B&w=&v"),
    Sent("GET", "/echo/a%2Fb"),
    Sent("GET", "/echo/%2541"),
    Sent("GET", "/echo/%zz"),
    Sent("GET", "/echo/a;b=c"),
    Sent("GET", "/echo/a/../b"),
    Sent("GET", "/echo/x?a=1,2&b=%zz"),
    Sent("GET", "//echo//x"),
    Sent("GET", "/users?q=1"),
    Sent("GET", "/binary"),
    Sent("HEAD", "/binary"),
    Sent("OPTIONS", "/echo/x"),
    Sent("DELETE", "/users/"),
    Sent("GET", "/nowhere"),
    Sent("GET", "/status/204"),
    Sent("GET", "/status/304"),
    Sent("GET", "/status/418"),
    Sent("GET", "/broken"),
    Sent("POST", "/", {"Content-Type": "application/json"}, b'{"a": 1}'),
    Sent("POST", "/", FORM, b"a=1&b=%20"),
    Sent("POST", "/", {"Content-Type": "application/octet-stream"}, bytes(range(256))),
    Sent("POST", "/", {"Content-Type": "text/plain; charset=utf-8"}, "é".encode()),
    Sent("POST", "/", {"Content-Type": "text/plain"}, b"\xff\xfe"),
    Sent("POST", "/", {}, b"raw"),
    Sent("PUT", "/echo/x/", {"Cookie": "a=1; b=2", "X-Tag": "1"}),
]

#: What the gateway or the server numbers or counts by itself.
_OWN = frozenset(
    """
    apigw-requestid connection content-length date server x-amz-apigw-id x-amzn-requestid x-amzn-trace-id
    """.split()
)

Answer = tuple[int, list[tuple[str, str]], bytes]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parity")
    (folder / "parity_app.py").write_text(APP)
    return folder


@pytest.fixture(scope="module")
def app(project: Path) -> App:
    return load_app(project, "parity_app:app").app


@pytest.fixture(scope="module", params=["http-api", "rest-api", "function-url"])
def local(request: pytest.FixtureRequest, project: Path) -> Iterator[tuple[str, int]]:
    """The ingress, and the port that `microlambda local` serves it on."""
    with LocalServer(project, ingress=request.param, port=0) as server:
        yield request.param, server.port


@pytest.fixture(scope="module")
def deployed(project: Path) -> Iterator[int]:
    """The port that the deployed bundle answers on, in AWS's runtime client."""
    process = subprocess.Popen(
        [sys.executable, "-m", "microlambda", "deploy", "--local", "--port", "0"],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if "Ctrl-C" in line:
            break
    found = re.search(r"The app: +http://127\.0\.0\.1:(\d+)/", printed)
    assert found, printed
    yield int(found[1])
    process.send_signal(signal.SIGINT)
    process.stdout.read()
    process.stdout.close()
    assert process.wait() == 0


def over_the_wire(port: int, sent: Sent) -> Answer:
    lines = [f"{sent.method} {sent.target} HTTP/1.1", "Host: parity", f"Content-Length: {len(sent.body)}"]
    lines += [f"{name}: {value}" for name, value in sent.headers.items()]
    head = "\r\n".join([*lines, "Connection: close", "", ""])
    with closing(socket.create_connection(("127.0.0.1", port))) as connection:
        connection.sendall(head.encode() + sent.body)
        with connection.makefile("rb") as stream:
            received = stream.read()
    head, _, body = received.decode("latin-1").partition("\r\n\r\n")
    status, *fields = head.split("\r\n")
    pairs = [(name, value) for name, _, value in (line.partition(": ") for line in fields)]
    return int(status.split()[1]), comparable(pairs), body.encode("latin-1")


def through_the_client(app: App, ingress: str, sent: Sent) -> Answer:
    client = app.test_client(ingress=ingress, raise_errors=False, use_cookies=False)
    headers = {"Host": "parity", **sent.headers}
    response = client.open(sent.target, method=sent.method, headers=headers, data=sent.body)
    return response.status_code, comparable(list(response.headers)), response.data


def comparable(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted((name.lower(), value) for name, value in pairs if name.lower() not in _OWN)


@pytest.mark.parametrize("sent", REQUESTS, ids=lambda sent: f"{sent.method} {sent.target}")
def test_local_answers_as_the_test_client(app: App, local: tuple[str, int], sent: Sent) -> None:
    ingress, port = local

    assert over_the_wire(port, sent) == through_the_client(app, ingress, sent)


@pytest.mark.parametrize("sent", REQUESTS, ids=lambda sent: f"{sent.method} {sent.target}")
def test_the_deployed_bundle_answers_as_the_test_client(app: App, deployed: int, sent: Sent) -> None:
    assert over_the_wire(deployed, sent) == through_the_client(app, "http-api", sent)
