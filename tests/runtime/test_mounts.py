"""WSGI applications under a path of the app: whose a request is, and PEP 3333's rules for both sides."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any
from wsgiref.validate import validator

import pytest
from flask import Flask, appcontext_pushed, current_app, has_app_context
from werkzeug.test import Client

from microlambda import App, Blueprint, IAMAuthorizer, RegistrationError, Response, request

Environ = dict[str, Any]
Start = Callable[..., Any]

INGRESSES = ("http-api", "rest-api", "function-url", "alb", "vpc-lattice")


def saying(text: str) -> Callable[[Environ, Start], Iterable[bytes]]:
    """Make an application that answers with a text, and the two halves of the path."""

    def application(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [f"{text} {environ['SCRIPT_NAME']!r} {environ['PATH_INFO']!r}".encode()]

    return application


def environ_at(app: App, path: str = "/", **options: Any) -> Environ:
    """Give the environ that an application at the root gets."""
    seen: list[Environ] = []
    app.mount("/", keeping(seen))
    app.test_client(**options.pop("client", {})).open(path, **options)
    return seen[0]


def keeping(seen: list[Environ]) -> Callable[[Environ, Start], Iterable[bytes]]:
    """Make an application that keeps its environs."""

    def keep(environ: Environ, start_response: Start) -> Iterable[bytes]:
        seen.append(environ)
        start_response("204 No Content", [])
        return []

    return keep


# Whose a request is ---------------------------------------------------------------------------------


@pytest.fixture
def app() -> App:
    app = App("shop")
    app.get("/own")(lambda: "own")
    app.get("/admin/<name>")(lambda name: f"own {name}")
    app.mount("/", saying("root"))
    app.mount("/admin", saying("admin"))
    app.mount("/admin/reports/", saying("reports"))
    return app


@pytest.mark.parametrize(
    ("method", "path", "answer"),
    [
        ("GET", "/own", "own"),
        ("GET", "/admin/ann", "own ann"),
        ("POST", "/own", "root '' '/own'"),
        ("GET", "/", "root '' '/'"),
        ("GET", "/own/more", "root '' '/own/more'"),
        ("GET", "/administration", "root '' '/administration'"),
        ("GET", "/admin", "admin '/admin' ''"),
        ("GET", "/admin/", "admin '/admin' '/'"),
        ("GET", "/admin/a/b", "admin '/admin' '/a/b'"),
        ("GET", "/admin/a//b/", "admin '/admin' '/a//b/'"),
        ("POST", "/admin/reports", "reports '/admin/reports' ''"),
        ("GET", "/admin/reports/x", "reports '/admin/reports' '/x'"),
    ],
)
@pytest.mark.parametrize("ingress", INGRESSES)
def test_routes_come_first_and_then_the_longest_path(
    app: App, ingress: str, method: str, path: str, answer: str
) -> None:
    assert app.test_client(ingress=ingress).open(path, method=method).text == answer


def test_options_of_a_route_is_answered_from_the_table(app: App) -> None:
    client = app.test_client()

    assert client.options("/own").headers["allow"] == "GET, HEAD, OPTIONS"
    assert client.options("/elsewhere").text == "root '' '/elsewhere'"


def test_an_app_of_nothing_but_a_mount_has_the_function_of_its_routes() -> None:
    app = App("shop")
    app.mount("/", saying("root"))

    assert app.functions == ("http",)
    assert [rule.rule for rule in app.route_table] == ["/<path:path>"]


def test_without_a_mount_at_the_root_an_unknown_path_is_not_found() -> None:
    app = App("shop")
    app.mount("/admin", saying("admin"))

    assert app.test_client().get("/other").status_code == 404


def test_hooks_and_middleware_are_around_an_application_too() -> None:
    app = App("shop")
    app.mount("/", saying("root"))
    said: list[str] = []
    app.before_request(lambda: said.append(f"before {request.endpoint}"))

    @app.middleware("http")
    def around(event: Any, get_response: Any) -> Any:
        response = get_response(event)
        response.headers["X-Seen"] = "yes"
        return response

    answer = app.test_client().get("/")

    assert answer.headers["x-seen"] == "yes"
    assert said == ["before application"]


# Events beside it -----------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["application", "wsgi_app"])
def test_handlers_of_events_run_inside_the_context_of_a_flask(part: str) -> None:
    app, pages = App("shop"), Flask("pages")
    left: list[str] = []
    pages.teardown_appcontext(lambda _error: left.append("left"))

    @app.on_sqs_message(queue="orders")
    def take(event: Any) -> None:
        left.append(current_app.name)

    app.mount("/", pages if part == "application" else pages.wsgi_app)
    app.test_client().sqs("orders", ["one"])

    assert left == ["pages", "left"]
    assert not has_app_context()


def test_the_contexts_of_several_are_entered_in_order_and_left_in_the_other() -> None:
    app = App("shop")
    noted: list[str] = []

    @app.schedule("rate(1 day)")
    def tidy(event: Any) -> str:
        noted.append("run")
        return current_app.name

    for name in ("first", "second"):
        pages = Flask(name)
        appcontext_pushed.connect(lambda sender: noted.append(f"into {sender.name}"), pages, weak=False)
        pages.teardown_appcontext(lambda _error, name=name: noted.append(f"out of {name}"))
        app.mount(f"/{name}", pages)

    assert app.test_client().schedule("tidy").result == "second"
    assert noted == ["into first", "into second", "run", "out of second", "out of first"]


def test_an_error_of_a_handler_leaves_the_context_too() -> None:
    app, pages = App("shop"), Flask("pages")
    left: list[BaseException | None] = []
    pages.teardown_appcontext(left.append)

    @app.schedule("rate(1 day)")
    def fail(event: Any) -> None:
        raise ValueError("as it should")

    app.mount("/", pages)
    with pytest.raises(ValueError, match="as it should"):
        app.test_client().schedule("fail")

    assert [type(one) for one in left] == [ValueError]


# What is refused ------------------------------------------------------------------------------------


class TwiceCalled:
    def __call__(self, scope: Any) -> Any: ...


@pytest.mark.parametrize(
    ("path", "application", "problem"),
    [
        ("admin", saying(""), "starts with '/', not at 'admin'"),
        (None, saying(""), "starts with '/', not at None"),
        ("/<name>", saying(""), "'/<name>' is none"),
        ("/a//b", saying(""), "with single slashes"),
        ("/x", "flask", "'flask', which cannot be called"),
        ("/x", Flask, "is the class Flask"),
        ("/x", App("other"), "Make it a Blueprint"),
        ("/x", TwiceCalled(), "as ASGI 2 had it"),
    ],
)
def test_what_is_no_application_at_a_path_is_refused(path: Any, application: Any, problem: str) -> None:
    with pytest.raises(RegistrationError, match=problem):
        App("shop").mount(path, application)


def test_two_applications_at_one_path_are_refused(app: App) -> None:
    with pytest.raises(RegistrationError, match="two applications are mounted at '/admin/'"):
        app.mount("/admin/", saying("other"))


def test_a_mount_after_the_first_request_is_refused(app: App) -> None:
    app.test_client().get("/own")

    with pytest.raises(RegistrationError, match="after the first request"):
        app.mount("/late", saying("late"))


def test_no_default_authorizer_seems_to_protect_an_application() -> None:
    first, second = App("first"), App("second")
    first.mount("/admin", saying("admin"))
    second.default_authorizer = IAMAuthorizer()

    with pytest.raises(RegistrationError, match="cannot protect what is mounted at '/admin'"):
        first.default_authorizer = IAMAuthorizer()
    with pytest.raises(RegistrationError, match="cannot protect what is mounted at '/'"):
        second.mount("/", saying("root"))
    assert len(second.route_table) == 0


def test_a_protected_route_is_refused_beside_a_mount_and_not_handed_to_it() -> None:
    app = App("shop")
    app.get("/members", authorizer=IAMAuthorizer())(lambda: "members")
    app.register_blueprint(Blueprint("empty"))
    app.mount("/", saying("root"))

    assert app.test_client().get("/members").status_code == 403


# The environ ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ingress", INGRESSES)
def test_the_environ_is_whole(ingress: str) -> None:
    environ = environ_at(
        App("shop"),
        "/caf%C3%A9/a%2Fb?q=%C3%A9&q=2",
        client={"ingress": ingress},
        method="POST",
        data=b"a=1",
        headers={"Content-Type": "text/x", "X-Two": "b", "Cookie": "a=1; b=2", "X_Two": "spoofed"},
    )

    assert environ["REQUEST_METHOD"] == "POST"
    assert environ["PATH_INFO"] == "/cafÃ©/a/b"
    assert (environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"]) == ("text/x", "3")
    assert environ["wsgi.input"].read() == b"a=1"
    assert (environ["HTTP_COOKIE"], environ["HTTP_X_TWO"]) == ("a=1; b=2", "b")
    assert "q=%C3%A9" in environ["QUERY_STRING"] or ingress == "alb"
    assert environ["wsgi.errors"] is sys.stderr
    assert "HTTP_CONTENT_TYPE" not in environ
    assert environ["microlambda.event"] is environ["lambda.event"]
    assert environ["lambda.context"].aws_request_id


#: These decode the path before the function sees it: %2F is a slash then, and all else is encoded anew.
DECODING = ("http-api", "http-api-1.0")


@pytest.mark.parametrize("ingress", INGRESSES)
def test_the_target_is_there_as_it_was_sent(ingress: str) -> None:
    """moto tells the key '?' from a query by it."""
    environ = environ_at(App("shop"), "/a%2Fb/%3F//%25;c?q=%C3%A9", client={"ingress": ingress})

    raw = "/a/b/%3F//%25;c" if ingress in DECODING else "/a%2Fb/%3F//%25;c"
    assert environ["RAW_URI"] == environ["REQUEST_URI"] == f"{raw}?{environ['QUERY_STRING']}"
    assert environ_at(App("shop"), "/a/b", client={"ingress": ingress})["RAW_URI"] == "/a/b"


@pytest.mark.parametrize("ingress", INGRESSES)
@pytest.mark.parametrize(
    "sent", ["/a%20b", "/100%25", "/%2541", "/%3F", "/%C3%BC", "/a%22b", "/a;b=1,@", "//a"]
)
def test_a_target_that_the_gateway_decodes_is_encoded_anew(ingress: str, sent: str) -> None:
    assert environ_at(App("shop"), sent, client={"ingress": ingress})["RAW_URI"] == sent


@pytest.mark.parametrize("ingress", sorted({*INGRESSES} - {*DECODING}))
@pytest.mark.parametrize("sent", ["/a|b", "/{a}", "/a^b`", '/"'])
def test_a_target_that_nobody_should_send_is_there_as_it_was_sent(ingress: str, sent: str) -> None:
    event = environ_at(App("shop"), "/here", client={"ingress": ingress})["microlambda.event"]
    text = json.dumps(event).replace("/here", json.dumps(sent)[1:-1])
    app, seen = App("shop"), list[Environ]()
    app.mount("/", keeping(seen))

    app(json.loads(text), None)

    assert (seen[0]["RAW_URI"], seen[0]["PATH_INFO"]) == (sent, sent)


@pytest.mark.parametrize(
    ("base", "host", "port", "named"),
    [
        ("https://shop.example", "shop.example", "443", "shop.example"),
        ("http://shop.example:8000", "shop.example", "8000", "shop.example:8000"),
        ("https://[::1]:8443", "[::1]", "8443", "[::1]:8443"),
    ],
)
def test_the_host_and_its_port(base: str, host: str, port: str, named: str) -> None:
    environ = environ_at(App("shop"), base_url=base)

    assert (environ["SERVER_NAME"], environ["SERVER_PORT"], environ["HTTP_HOST"]) == (host, port, named)
    assert environ["wsgi.url_scheme"] == base.partition(":")[0]


def test_the_stage_belongs_to_the_script_name() -> None:
    app = App("shop")
    app.mount("/admin", saying("admin"))

    event = {
        "httpMethod": "GET",
        "resource": "/{proxy+}",
        "path": "/admin/x",
        "pathParameters": {"proxy": "admin/x"},
        "requestContext": {"stage": "dev", "path": "/dev/admin/x", "domainName": "id.execute-api.aws"},
    }

    assert app(event, None)["body"] == "admin '/dev/admin' '/x'"


# The answer -----------------------------------------------------------------------------------------


class Body:
    """An iterable that notes when it was closed; it may raise where a piece is an error."""

    def __init__(self, *pieces: Any) -> None:
        self.pieces = pieces
        self.closed = 0

    def __iter__(self) -> Any:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def close(self) -> None:
        self.closed += 1


def answering(body: Any, status: str = "200 OK", fields: Any = (("Content-Type", "text/plain"),)) -> App:
    app = App("shop")

    def application(environ: Environ, start_response: Start) -> Any:
        start_response(status, list(fields))
        return body

    app.mount("/", application)
    return app


@pytest.mark.parametrize("ingress", INGRESSES)
def test_pieces_are_joined_and_the_iterable_is_closed_once(ingress: str) -> None:
    body = Body(b"", b"one ", b"two")

    assert answering(body).test_client(ingress=ingress).get("/").text == "one two"
    assert body.closed == 1


def test_an_error_in_the_middle_of_a_body_closes_it_and_is_a_500() -> None:
    body = Body(b"one", ValueError("broken"))
    client = answering(body).test_client(raise_errors=False)

    assert client.get("/").status_code == 500
    assert body.closed == 1


def test_a_streamed_answer_is_closed_once_where_the_caller_takes_pieces() -> None:
    body = Body(b"one ", b"two")
    app = answering(body)

    with Client(app.wsgi).get("/") as answer:
        pieces = list(answer.response)

    assert pieces == [b"one ", b"two"]
    assert body.closed == 1


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_streamed_answer_that_nobody_gets_is_closed_once(method: str) -> None:
    body = Body(b"one ", b"two")
    app = answering(body)
    if method == "GET":
        app.after_request(lambda _response: Response("other"))

    with Client(app.wsgi).open("/", method=method) as answer:
        assert answer.data == (b"other" if method == "GET" else b"")

    assert body.closed == 1


def test_an_answer_of_a_known_length_is_not_streamed() -> None:
    fields = [("Content-Type", "text/plain"), ("Content-Length", "7")]

    with Client(answering(Body(b"one ", b"two"), fields=fields).wsgi).get("/") as answer:
        assert list(answer.response) == [b"one two"]


def test_what_is_written_comes_before_what_is_given() -> None:
    app = App("shop")

    def application(environ: Environ, start_response: Start) -> Iterable[bytes]:
        write = start_response("200 OK", [("Content-Type", "text/plain")])
        write(b"one ")
        write(b"two ")
        yield b"three "
        write(b"four")

    app.mount("/", application)

    assert app.test_client().get("/").text == "one two three four"


def test_the_head_may_come_with_the_first_piece_and_an_error_takes_its_place() -> None:
    app = App("shop")

    def application(environ: Environ, start_response: Start) -> Iterable[bytes]:
        yield b""
        start_response("200 OK", [])
        try:
            raise ValueError("broken")
        except ValueError:
            start_response("503 Busy", [("Content-Type", "text/plain")], sys.exc_info())
        yield b"busy"

    app.mount("/", application)
    answer = app.test_client().get("/")

    assert (answer.status_code, answer.text) == (503, "busy")


@pytest.mark.parametrize(
    ("twice", "error"), [(False, "called no start_response"), (True, "start_response was called twice")]
)
def test_an_application_without_a_head_or_with_two_is_an_error(twice: bool, error: str) -> None:
    app = App("shop")

    def application(environ: Environ, start_response: Start) -> Iterable[bytes]:
        if twice:
            start_response("200 OK", [])
            start_response("200 OK", [])
        return [b"x"]

    app.mount("/", application)

    with pytest.raises(Exception, match=error):
        app.test_client().get("/")


@pytest.mark.parametrize("is_written", [False, True])
def test_an_error_after_the_head_has_left_is_raised_again(is_written: bool) -> None:
    app = App("shop")

    def application(environ: Environ, start_response: Start) -> Iterable[bytes]:
        write = start_response("200 OK", [("Content-Type", "text/plain")])
        if is_written:
            write(b"one")
        else:
            yield b"one"
        try:
            raise ValueError("too late")
        except ValueError:
            start_response("500 Broken", [], sys.exc_info())

    app.mount("/", application)

    with pytest.raises(ValueError, match="too late"):
        app.test_client().get("/")


@pytest.mark.parametrize(
    ("status", "fields"),
    [("two hundred", ()), ("700 No", ()), ("200 OK", (("X-A", "a\r\nX-B: b"),)), ("200 OK", (("X A", "a"),))],
)
def test_no_head_of_an_application_smuggles_anything(status: str, fields: Any) -> None:
    client = answering([b"x"], status, fields).test_client(raise_errors=False)

    answer = client.get("/")

    assert answer.status_code == 500
    assert "x-b" not in answer.headers


@pytest.mark.parametrize("ingress", INGRESSES)
def test_a_file_is_wrapped_binary_and_closed(ingress: str) -> None:
    file = BytesIO(bytes(range(256)) * 100)
    app = App("shop")

    def application(environ: Environ, start_response: Start) -> Any:
        start_response("200 OK", [("Content-Type", "image/png")])
        return environ["wsgi.file_wrapper"](file, 1000)

    app.mount("/", application)

    assert app.test_client(ingress=ingress).get("/").data == bytes(range(256)) * 100
    assert file.closed


@pytest.mark.parametrize("ingress", INGRESSES)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_the_validator_of_the_standard_library_finds_nothing(ingress: str, method: str) -> None:
    app = App("shop")

    def application(environ: Environ, start_response: Start) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(10)
        environ["wsgi.errors"].write("")
        start_response(
            "200 OK", [("Content-Type", "text/plain"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
        )
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [b"got ", body]

    app.mount("/in", validator(application))
    client = app.test_client(ingress=ingress)

    for path in ("/in", "/in/x%C3%A9", "/in/?a=1"):
        answer = client.open(path, method=method, data=b"body" if method == "POST" else None)
        assert answer.status_code == 200
        assert answer.text == {"GET": "got ", "HEAD": "", "POST": "got body"}[method]
        assert answer.headers.getlist("set-cookie") == ["a=1", "b=2"]
