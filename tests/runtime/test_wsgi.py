"""`app.wsgi`: the app under WSGI servers; the judge of the protocol is `wsgiref.validate`."""

from __future__ import annotations

import http.client
import io
import socketserver
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.validate import validator

import pytest
from werkzeug.test import Client, EnvironBuilder, TestResponse

from microlambda import App, Response, abort, redirect, request
from microlambda.emulator.server import Server

# What gateways add by themselves.
GATEWAYS_OWN = frozenset(("apigw-requestid", "date"))


@pytest.fixture
def app() -> App:
    app = App("shop")

    @app.get("/")
    def index() -> str:
        return "café"

    @app.get("/json")
    def json() -> tuple[dict[str, Any], int]:
        return {"name": "café"}, 201

    @app.get("/bytes")
    def raw() -> bytes:
        return bytes(range(256))

    @app.get("/empty")
    def empty() -> tuple[str, int]:
        return "", 204

    @app.get("/unchanged")
    def unchanged() -> Response:
        return Response("not to be sent", status_code=304, headers={"ETag": '"1"'})

    @app.get("/moved")
    def moved() -> Response:
        return redirect("/json")

    @app.get("/cookies")
    def cookies() -> Response:
        response = Response("")
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        return response

    @app.get("/header")
    def header() -> Response:
        return Response("", headers={"X-Name": "café", "Content-Length": "77", "Connection": "close"})

    @app.get("/broken")
    def broken() -> None:
        raise KeyError("secret")

    @app.get("/refused")
    def refused() -> None:
        abort(403, "Not you.")

    @app.route("/echo/<path:rest>", methods=["GET", "POST"])
    def echo(rest: str) -> dict[str, Any]:
        return {
            "method": request.method,
            "path": request.path,
            "rest": rest,
            "args": list(request.args.items(multi=True)),
            "cookies": dict(request.cookies.items()),
            "x": request.headers.get_all("X-Tag"),
            "type": request.mimetype,
            "form": list(request.form.items(multi=True)),
            "files": {name: file.read().decode() for name, file in request.files.items()},
        }

    @app.post("/body")
    def body() -> Any:
        return request.json

    @app.get("/pieces")
    def pieces() -> Iterator[str]:
        yield "é"
        yield "b"

    @app.get("/slash/")
    def slash() -> str:
        return "slash"

    return app


class Judged(Client):
    """Werkzeug's client, which closes what it reads, before the validator."""

    def __init__(self, app: App) -> None:
        super().__init__(validator(app.wsgi), TestResponse, use_cookies=False)

    def open(self, *args: Any, **options: Any) -> TestResponse:
        return super().open(*args, **{**options, "buffered": True})


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"path": "/"}, id="text"),
        pytest.param({"path": "/", "method": "HEAD"}, id="HEAD"),
        pytest.param({"path": "/", "method": "OPTIONS"}, id="OPTIONS"),
        pytest.param({"path": "/", "method": "POST"}, id="405"),
        pytest.param({"path": "/json"}, id="JSON"),
        pytest.param({"path": "/bytes"}, id="bytes"),
        pytest.param({"path": "/empty"}, id="204"),
        pytest.param({"path": "/unchanged"}, id="304"),
        pytest.param({"path": "/moved"}, id="redirect"),
        pytest.param({"path": "/slash", "query_string": "a=1&b=%20"}, id="redirect to the slash"),
        pytest.param({"path": "/cookies"}, id="two Set-Cookie"),
        pytest.param({"path": "/header"}, id="headers"),
        pytest.param({"path": "/broken"}, id="an error"),
        pytest.param({"path": "/refused"}, id="abort"),
        pytest.param({"path": "/missing"}, id="404"),
        pytest.param({"path": "/pieces"}, id="a generator"),
        pytest.param({"path": "/pieces", "method": "HEAD"}, id="HEAD of a generator"),
        pytest.param({"path": "/echo/caf%C3%A9"}, id="UTF-8 in the path"),
        pytest.param({"path": "/echo/a%20b%2Fc%2541"}, id="encoded characters in the path"),
        pytest.param({"path": "/echo/x", "query_string": "a=1&a=2&b=&c&d=%C3%A9+%2B"}, id="query"),
        pytest.param({"path": "/echo/x", "headers": {"Cookie": "a=1; b=2", "X-Tag": "t"}}, id="cookies"),
        pytest.param({"path": "/echo/x", "method": "POST", "data": {"a": ["1", "2"], "b": "é"}}, id="a form"),
        pytest.param(
            {"path": "/echo/x", "method": "POST", "data": {"a": "1", "f": (io.BytesIO(b"file"), "f.txt")}},
            id="a file",
        ),
        pytest.param({"path": "/body", "method": "POST", "json": {"a": "é"}}, id="JSON in"),
        pytest.param(
            {"path": "/body", "method": "POST", "data": "{", "content_type": "application/json"},
            id="malformed JSON",
        ),
        pytest.param({"path": "/body", "method": "POST", "data": "x"}, id="415"),
    ],
)
def test_answers_as_behind_a_gateway(app: App, options: dict[str, Any]) -> None:
    behind = app.test_client(raise_errors=False).open(**copied(options))
    under = Judged(app).open(EnvironBuilder(**copied(options)))

    assert under.status_code == behind.status_code
    assert under.data == behind.data
    assert fields(under, options) == fields(behind, options)


def copied(options: dict[str, Any]) -> dict[str, Any]:
    """The options again, with files that are not read yet and the same boundary for each."""
    data = options.get("data")
    if not isinstance(data, dict):
        return options
    fresh = {
        key: (io.BytesIO(value[0].getvalue()), value[1]) if isinstance(value, tuple) else value
        for key, value in data.items()
    }
    return {**options, "data": fresh}


def fields(response: TestResponse, options: dict[str, Any]) -> list[tuple[str, str]]:
    ignored = set(GATEWAYS_OWN)
    if options.get("method") == "HEAD" or options["path"] == "/pieces":
        ignored.add("content-length")  # no length is known there, or none of a body that was not sent
    pairs = [(name.lower(), value) for name, value in response.headers if name.lower() not in ignored]
    return sorted(pairs)


def test_the_event_is_the_environ(app: App) -> None:
    seen: list[tuple[Any, ...]] = []

    @app.get("/seen")
    def seen_view() -> str:
        seen.append((request.event, request.lambda_context, request.request_id, request.remote_addr))
        return ""

    environ = {**EnvironBuilder("/seen").get_environ(), "REMOTE_ADDR": "203.0.113.7"}
    call(app, environ)

    event, context, request_id, address = seen[0]
    assert event is environ
    assert (context, request_id, address) == (None, None, "203.0.113.7")


@pytest.mark.parametrize(
    ("base_url", "headers", "url"),
    [
        pytest.param("http://shop.example/", {}, "http://shop.example/where?a=1", id="root"),
        pytest.param("https://shop.example/", {}, "https://shop.example/where?a=1", id="https"),
        pytest.param("http://shop.example:8000/", {}, "http://shop.example:8000/where?a=1", id="port"),
        pytest.param("http://shop.example/v1", {}, "http://shop.example/v1/where?a=1", id="mounted"),
        pytest.param("http://shop.example/é", {}, "http://shop.example/é/where?a=1", id="mounted at UTF-8"),
    ],
)
def test_the_url_is_the_one_that_was_asked_for(
    app: App, base_url: str, headers: dict[str, str], url: str
) -> None:
    @app.get("/where")
    def where() -> dict[str, str]:
        return {"url": request.url, "root": request.root_path, "path": request.path}

    told = Judged(app).get("/where?a=1", base_url=base_url, headers=headers).get_json()

    assert told["url"] == url
    assert told["path"] == "/where"


def test_bytes_in_the_path_that_are_no_utf_8_are_told_as_such(app: App) -> None:
    assert Judged(app).get("/echo/%FF").get_json()["rest"] == "\ufffd"


def test_a_redirect_keeps_where_the_application_is_mounted(app: App) -> None:
    answer = Judged(app).get("/slash", base_url="http://shop.example/v1")

    assert (answer.status_code, answer.headers["Location"]) == (308, "/v1/slash/")


def test_without_a_host_header_the_servers_name_counts(app: App) -> None:
    @app.get("/host")
    def host() -> str:
        return request.host

    environ = EnvironBuilder("/host", base_url="http://inner:8080/").get_environ()
    del environ["HTTP_HOST"]

    assert call(app, environ)[2] == b"inner:8080"


def call(app: App, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
    """Call it bare, as a server does."""
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]]) -> None:
        started.extend((status, headers))

    result = app.wsgi(environ, start_response)
    try:
        body = b"".join(result)
    finally:
        getattr(result, "close", lambda: None)()
    return started[0], started[1], body


def test_the_status_line_and_header_values_are_native_strings(app: App) -> None:
    status, headers, _ = call(app, EnvironBuilder("/header").get_environ())

    assert status == "200 OK"
    assert ("X-Name", "caf\xc3\xa9") in headers
    assert {name for name, _ in headers} == {"X-Name", "Content-Type", "Content-Length"}
    assert dict(headers)["Content-Length"] == "0"


def test_a_status_without_a_name_is_sent(app: App) -> None:
    @app.get("/odd")
    def odd() -> tuple[str, int]:
        return "odd", 499

    assert Judged(app).get("/odd").status == "499 Unknown"


def test_head_tells_the_length_of_the_body_that_get_sends(app: App) -> None:
    answer = Judged(app).head("/")

    assert (answer.headers["Content-Length"], answer.data) == ("5", b"")


class Trickle:
    """A raw input that gives one byte at a time, as sockets may."""

    def __init__(self, data: bytes) -> None:
        self.left = data

    def read(self, size: int = -1) -> bytes:
        byte, self.left = self.left[:1], self.left[1:]
        return byte if size else b""


@pytest.mark.parametrize(
    ("changes", "status", "body"),
    [
        pytest.param({"CONTENT_LENGTH": "3"}, "200 OK", b"[1]", id="by length"),
        pytest.param({"wsgi.input_terminated": True}, "200 OK", b"[1] ", id="to the end"),
        pytest.param({}, "400 Bad Request", None, id="neither: no body"),
        pytest.param({"CONTENT_LENGTH": "9"}, "400 Bad Request", None, id="too short"),
        pytest.param({"CONTENT_LENGTH": "x"}, "400 Bad Request", None, id="no number"),
    ],
)
def test_the_body_is_read_as_far_as_the_server_says(
    app: App, changes: dict[str, Any], status: str, body: bytes | None
) -> None:
    @app.post("/data")
    def data() -> bytes:
        body = request.get_data(cache=False)
        assert request.json == [1]  # the server gives the body once, the request again
        return body

    environ = EnvironBuilder("/data", method="POST", content_type="application/json").get_environ()
    environ.pop("CONTENT_LENGTH", None)
    environ.pop("wsgi.input_terminated", None)
    environ.update({"wsgi.input": Trickle(b"[1] "), **changes})

    answered = call(app, environ)

    assert answered[0] == status
    assert body is None or answered[2] == body


def test_a_stream_goes_on_until_it_is_closed() -> None:
    app = App("shop")
    life: list[str] = []

    @app.teardown_request
    def torn_down(error: BaseException | None) -> None:
        life.append(f"teardown of {request.path}")

    @app.get("/pieces")
    def pieces() -> Iterator[str]:
        try:
            for number in range(3):
                life.append(f"makes {number} for {request.path}")
                yield str(number)
        finally:
            life.append("clean-up")

    environ = EnvironBuilder("/pieces").get_environ()
    result: Any = app.wsgi(environ, lambda _status, _headers: None)
    iterator = iter(result)
    assert next(iterator) == b"0"
    assert "clean-up" not in life
    assert "teardown of /pieces" not in life

    result.close()
    result.close()

    assert life == ["makes 0 for /pieces", "clean-up", "teardown of /pieces"]


def test_a_stream_where_no_body_may_be_is_closed_at_once(app: App) -> None:
    life: list[str] = []

    class Pieces:
        def __iter__(self) -> Iterator[str]:
            yield "a"

        def close(self) -> None:
            life.append("closed")

    @app.get("/nothing")
    def nothing() -> tuple[Pieces, int]:
        return Pieces(), 204

    status, headers, body = call(app, EnvironBuilder("/nothing").get_environ())

    assert (status, headers, body, life) == ("204 No Content", [], b"", ["closed"])


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None: ...


class ThreadingServer(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


@pytest.fixture(params=["wsgiref", "microlambda"])
def serve(request: pytest.FixtureRequest) -> Iterator[Callable[[Any], int]]:
    """Serve an application from a thread; answers the port."""
    stops: list[Callable[[], object]] = []

    def wsgiref(application: Any) -> int:
        server = make_server("127.0.0.1", 0, application, ThreadingServer, QuietHandler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        stops.extend((server.shutdown, thread.join, server.server_close))
        return int(server.server_port)

    def ours(application: Any) -> int:
        server = Server(application).start()
        stops.append(server.stop)
        return server.port

    yield wsgiref if request.param == "wsgiref" else ours
    for stop in stops:
        stop()


def test_a_piece_is_sent_before_the_next_is_made(serve: Callable[[Any], int]) -> None:
    app = App("shop")
    has_a, cleaned = threading.Event(), threading.Event()

    @app.get("/")
    def pieces() -> Iterator[str]:
        try:
            yield "a"
            assert has_a.wait(30)
            yield "b"
        finally:
            cleaned.set()

    client = http.client.HTTPConnection("127.0.0.1", serve(validator(app.wsgi)), timeout=30)
    client.request("GET", "/")
    response = client.getresponse()
    assert response.read(1) == b"a"
    has_a.set()
    assert response.read() == b"b"
    assert cleaned.wait(30)
    client.close()


def test_serves_on_sockets(app: App, serve: Callable[[Any], int]) -> None:
    client = http.client.HTTPConnection("127.0.0.1", serve(app.wsgi), timeout=30)
    told = []
    for method, path in (("GET", "/"), ("HEAD", "/"), ("GET", "/empty"), ("GET", "/json"), ("GET", "/no")):
        client.request(method, path)
        response = client.getresponse()
        told.append((response.status, response.read()))
    client.close()

    assert told[:4] == [(200, "café".encode()), (200, b""), (204, b""), (201, '{"name":"café"}'.encode())]
    assert told[4][0] == 404


def test_requests_in_several_threads_do_not_see_each_other(serve: Callable[[Any], int]) -> None:
    app = App("shop")
    together = threading.Barrier(3)

    @app.get("/<name>")
    def view(name: str) -> Iterator[str]:
        together.wait(30)
        yield request.path
        together.wait(30)
        yield request.args["q"]

    port = serve(app.wsgi)

    def ask(name: str) -> bytes:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        client.request("GET", f"/{name}?q={name}")
        body = client.getresponse().read()
        client.close()
        return body

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(ask, ("one", "two", "three"))) == [b"/oneone", b"/twotwo", b"/threethree"]


def test_a_body_that_says_it_is_too_large_is_not_read(app: App) -> None:
    class Unread:
        def read(self, size: int = -1) -> bytes:
            raise AssertionError("the body was read")

    app.config["MAX_CONTENT_LENGTH"] = 5
    app.post("/data")(lambda: request.data)
    environ = EnvironBuilder("/data", method="POST").get_environ()
    environ |= {"CONTENT_LENGTH": "50000000", "wsgi.input": Unread()}
    started: list[Any] = []

    app.wsgi(environ, lambda status, headers: started.append(status))

    assert [status[:3] for status in started] == ["413"]


def test_a_stream_of_a_204_ends_its_request(app: App) -> None:
    trace: list[str] = []
    app.teardown_request(lambda error: trace.append("teardown"))
    app.get("/204")(lambda: (iter(["x"]), 204))
    started: list[Any] = []

    body = app.wsgi(EnvironBuilder("/204").get_environ(), lambda status, headers: started.append(status))

    assert (list(body), started, trace) == ([], ["204 No Content"], ["teardown"])


@pytest.mark.parametrize("value", ["a", "caf\xc3\xa9"])
def test_a_mounted_application_has_the_header_fields(value: str) -> None:
    app = App("shop")

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        names = ("HTTP_X_TAG", "HTTP_COOKIE", "HTTP_HOST", "CONTENT_TYPE", "RAW_URI", "wsgi.url_scheme")
        return ["|".join([environ[name] for name in names]).encode("latin-1")]

    app.mount("/in", application)

    answer = Judged(app).open(
        "/in/a%20b",
        base_url="http://shop.example:8000",
        method="POST",
        headers={"X-Tag": value, "Cookie": "a=1", "Content-Type": "text/x"},
    )

    told = answer.get_data().decode("latin-1").split("|")
    assert told == [value, "a=1", "shop.example:8000", "text/x", "/in/a%20b", "http"]


@pytest.mark.parametrize(("sent", "value"), [("a", "a"), ("caf\xc3\xa9", "café"), ("caf\xe9", "café")])
def test_a_header_field_is_the_text_that_its_bytes_are(app: App, sent: str, value: str) -> None:
    answer = Judged(app).get("/echo/x", headers={"X-Tag": sent})

    assert answer.get_json()["x"] == [value]
