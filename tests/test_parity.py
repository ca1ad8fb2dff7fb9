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
from microlambda.emulator.gateway import INGRESSES
from microlambda.local.server import LocalServer
from microlambda.project.loader import load_app

APP = """
from microlambda import CORS, App, Blueprint, HTTPException, Response, abort, g, make_response, redirect
from microlambda import request, url_for

app = App("parity")
app.cors = CORS(origins=["https://shop.example"], expose=["X-Hooks"], credentials=True, max_age=60)
shop = Blueprint("shop")
ANY = ["GET", "POST", "PUT", "PATCH", "DELETE"]
open_requests = 0


class OutOfStock(Exception):
    pass


@app.before_request
def begin():
    global open_requests
    open_requests += 1
    g.steps = ["app"]
    if request.args.get("stop"):
        return {"stopped": True}, 202


@shop.before_request
def enter():
    g.steps.append("shop")


@app.after_request
def leave(response):
    response.headers["X-Hooks"] = ",".join(g.get("steps", ["none"]))
    return response


@app.teardown_request
def end(error):
    global open_requests
    open_requests -= 1 if "steps" in g else 0


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


@shop.get("/<uuid:number>")
def order(number):
    return {"order": number, "root": request.root_path}


@shop.get("/empty")
def empty():
    raise OutOfStock("tea")


@shop.errorhandler(OutOfStock)
def out_of_stock(error):
    return {"missing": str(error)}, 409, {"X-Missing": "tea"}


app.register_blueprint(shop, url_prefix="/shop")


@app.errorhandler(410)
def gone(error):
    return make_response(("it was here", error.code, {"Content-Language": "en"}))


@app.get("/abort/<int:code>")
def aborted(code):
    abort(code, "on purpose", headers={"Retry-After": 9, "WWW-Authenticate": 'Basic realm="shop"'})


@app.get("/open")
def opened():
    return {"requests": open_requests}


@app.get("/links")
def links():
    number = "c9bf9e57-1685-4c89-bafb-ff5af830be8a"
    inside = url_for("echo", rest="a b/é", q=["1", "&"], _anchor="x")
    return [inside, url_for("shop.order", number=number, _external=True), request.url, request.base_url]


@app.get("/away/<int:code>")
def away(code):
    return redirect(request.args["to"], code)


@app.get("/cookies")
def cookies():
    response = make_response("cookies")
    options = {"path": "/shop", "domain": "shop.example", "secure": True, "httponly": True, "samesite": "Lax"}
    response.set_cookie("basket", "tea, milk; é", max_age=60, expires=1_900_000_000, **options)
    response.set_cookie("theme", "dark")
    response.delete_cookie("old")
    return response


@app.get("/long/<int:size>")
def long(size):
    return Response("x" * size, mimetype="text/plain", headers={"Vary": "Accept"})


@app.get("/tagged")
def tagged():
    response = make_response({"tagged": True})
    response.cache_control.max_age = 60
    response.last_modified = 1_700_000_000
    response.set_etag("v1")
    return response.make_conditional(request)


@app.post("/upload", content_types=["multipart/form-data"])
def upload():
    files = {
        name: [file.filename, file.mimetype, file.read().hex()]
        for name, file in request.files.items()
    }
    return {"form": request.form.to_dict(flat=False), "files": files}, 201


@app.post("/json")
def read_json():
    return {"read": request.json}


@app.get("/async")
async def asynchronous():
    return {"async": request.args["n"]}


@app.get("/pieces")
def pieces():
    def made():
        yield "one "
        yield b"two "
        yield request.args.get("n", "three")

    return made(), {"X-Kind": "pieces"}


@app.get("/early")
def early():
    raise OutOfStock("before the first piece")
    yield "nothing"
"""


@dataclass(frozen=True)
class Sent:
    """A request, its target as it stands on the request line."""

    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def __str__(self) -> str:
        return " ".join((self.method, self.target, *self.headers))


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=b"}
FILES = (
    b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\n\xc3\xa9\r\n'
    b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\n2\r\n'
    b'--b\r\nContent-Disposition: form-data; name="scan"; filename="a b.png"\r\n'
    b"Content-Type: image/png\r\n\r\n" + bytes(range(256)) + b"\r\n--b--\r\n"
)
ORDER = "/shop/c9bf9e57-1685-4c89-bafb-ff5af830be8a"
ORIGIN = {"Origin": "https://shop.example"}
PREFLIGHT = {**ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-a,x-b"}
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
    # hooks, blueprints and errors
    Sent("GET", ORDER),
    Sent("GET", "/shop/12"),
    Sent("GET", "/shop/empty"),
    Sent("HEAD", "/shop/empty"),
    Sent("GET", "/users/?stop=1"),
    Sent("GET", "/abort/401"),
    Sent("GET", "/abort/410"),
    Sent("HEAD", "/abort/429"),
    Sent("GET", "/abort/503"),
    # CORS
    Sent("OPTIONS", "/", PREFLIGHT),
    Sent("OPTIONS", "/", {**PREFLIGHT, "Origin": "https://other.example"}),
    Sent("GET", "/users/", ORIGIN),
    Sent("GET", "/nowhere", ORIGIN),
    Sent("POST", "/users/", ORIGIN),
    Sent("GET", "/broken", ORIGIN),
    # links and redirects
    Sent("GET", "/links?a=%20+%26"),
    Sent("GET", "/away/302?to=/echo/%C3%A9"),
    Sent("GET", "/away/307?to=https://other.example/a?b=c"),
    Sent("GET", "/away/303?to=//other.example/"),
    # answers
    Sent("GET", "/cookies"),
    Sent("HEAD", "/cookies"),
    Sent("GET", "/long/1024", {"Accept-Encoding": "gzip"}),
    Sent("GET", "/long/1025"),
    Sent("GET", "/long/1025", {"Accept-Encoding": "gzip"}),
    Sent("HEAD", "/long/1025", {"Accept-Encoding": "gzip"}),
    Sent("GET", "/tagged"),
    Sent("HEAD", "/tagged"),
    Sent("GET", "/tagged", {"If-None-Match": '"v0", W/"v1"'}),
    Sent("GET", "/tagged", {"If-None-Match": '"v0"'}),
    Sent("GET", "/tagged", {"If-Modified-Since": "Tue, 14 Nov 2023 22:13:20 GMT"}),
    Sent("GET", "/async?n=1"),
    Sent("HEAD", "/async?n=1"),
    Sent("GET", "/pieces"),
    Sent("GET", "/pieces?n=%C3%A9", {"Accept-Encoding": "gzip"}),
    Sent("HEAD", "/pieces"),
    Sent("GET", "/early"),
    # bodies
    Sent("POST", "/upload", MULTIPART, FILES),
    Sent("POST", "/upload", MULTIPART, FILES[:-9]),
    Sent("POST", "/upload", FORM, b"a=1"),
    Sent("POST", "/json", {"Content-Type": "application/json"}, '{"é": [1.5, null]}'.encode()),
    Sent("POST", "/json", {"Content-Type": "application/json"}, b'{"a": '),
    Sent("POST", "/json", {"Content-Type": "text/plain"}, b"{}"),
    # every request before this one is over, the streamed ones too
    Sent("GET", "/open"),
]

#: What keeps the table from comparing one failure with another: the answers of an HTTP API that are not 200.
STATUSES = {
    201: ["/upload"],
    202: ["/users/?stop=1"],
    204: ["/status/204", "/", "/"],
    302: ["/away/302?to=/echo/%C3%A9"],
    303: ["/away/303?to=//other.example/"],
    304: ["/status/304", "/tagged", "/tagged"],
    307: ["/away/307?to=https://other.example/a?b=c"],
    308: ["//echo//x", "/users?q=1"],
    400: ["/echo/%zz", "/upload", "/json"],
    401: ["/abort/401"],
    404: ["/nowhere", "/shop/12", "/nowhere"],
    405: ["/users/", "/users/"],
    409: ["/shop/empty", "/shop/empty"],
    410: ["/abort/410"],
    415: ["/upload", "/json"],
    418: ["/status/418"],
    429: ["/abort/429"],
    500: ["/broken", "/broken", "/early"],
    503: ["/abort/503"],
}

#: What the gateway or the server numbers or counts by itself.
_OWN = frozenset(
    """
    apigw-requestid connection content-length date server transfer-encoding x-amz-apigw-id x-amzn-requestid
    x-amzn-trace-id
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


@pytest.fixture(scope="module", params=INGRESSES)
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
    if ("Transfer-Encoding", "chunked") in pairs and sent.method != "HEAD":
        body = joined(body)
    return int(status.split()[1]), comparable(pairs), body.encode("latin-1")


def joined(chunks: str) -> str:
    """What a chunked body is when its pieces are put together; it must be a whole one."""
    size, _, rest = chunks.partition("\r\n")
    length = int(size, 16)
    assert rest[length : length + 2] == "\r\n"
    return rest[:length] + joined(rest[length + 2 :]) if length else ""


def through_the_client(app: App, ingress: str, sent: Sent) -> Answer:
    client = app.test_client(ingress=ingress, raise_errors=False, use_cookies=False)
    headers = {"Host": "parity", **sent.headers}
    response = client.open(sent.target, method=sent.method, headers=headers, data=sent.body)
    return response.status_code, comparable(list(response.headers)), response.data


def comparable(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted((name.lower(), value) for name, value in pairs if name.lower() not in _OWN)


@pytest.mark.parametrize("sent", REQUESTS, ids=str)
def test_local_answers_as_the_test_client(app: App, local: tuple[str, int], sent: Sent) -> None:
    ingress, port = local

    assert over_the_wire(port, sent) == through_the_client(app, ingress, sent)


@pytest.mark.parametrize("sent", REQUESTS, ids=str)
def test_the_deployed_bundle_answers_as_the_test_client(app: App, deployed: int, sent: Sent) -> None:
    assert over_the_wire(deployed, sent) == through_the_client(app, "http-api", sent)


def test_the_requests_reach_what_they_are_for(app: App) -> None:
    reached: dict[int, list[str]] = {}
    for sent in REQUESTS:
        status, _, _ = through_the_client(app, "http-api", sent)
        reached.setdefault(status, []).append(sent.target)
    del reached[200]

    assert reached == STATUSES
