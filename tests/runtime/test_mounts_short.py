"""The short way to a mounted application's answer gives what the way of every request gives."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from contextvars import ContextVar, copy_context
from typing import Any
from urllib.parse import quote

import pytest
from django.core.cache import CacheHandler
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from microlambda import App, after_this_request, current_app, request
from microlambda.runtime.context import CURRENT
from microlambda.runtime.dispatch import answer
from microlambda.runtime.ingress import infer

Environ = dict[str, Any]
Start = Callable[..., Any]

INGRESSES = ("http-api", "rest-api", "function-url", "alb", "vpc-lattice")
NAMES = (
    "Content-Type",
    "content-type",
    "Content-Length",
    "Set-Cookie",
    "Vary",
    "X-Own",
    "Content-Encoding",
    "ETag",
)
VALUES = ("text/plain", "image/png", "a, b", "caf\xc3\xa9", "", "11", "gzip")


def event_of(ingress: str, path: str, method: str = "GET", **options: Any) -> Any:
    """Give the event that the gateway would make of a request."""
    caught: list[Any] = []
    catcher = App("catcher")

    def keep(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("204 No Content", [])
        caught.append(environ)
        return []

    catcher.mount("/", keep)
    catcher.test_client(ingress=ingress).open(path, method=method, **options)
    return caught[0]["microlambda.event"]


def both(app: App, event: Any) -> tuple[Any, Any]:
    """Answer an event in the short way, and as any other."""
    ingress = infer(event)
    assert ingress is not None
    assert app.way is not None
    return app(copy.deepcopy(event), None), answer(app, ingress, copy.deepcopy(event), None)


def answering(
    status: str, fields: list[tuple[str, str]], pieces: list[bytes]
) -> Callable[[Environ, Start], Iterable[bytes]]:
    """Make an application that answers so."""

    def application(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response(status, list(fields))
        return [str(sorted(key for key in environ if key.isupper())).encode(), *pieces]

    return application


@pytest.mark.parametrize("ingress", INGRESSES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_answers_are_the_same(ingress: str, data: st.DataObject) -> None:
    status = data.draw(
        st.sampled_from(("200 OK", "201 Created", "200 Fine", "204 No Content", "304 Not Modified", "404 X"))
    )
    fields = data.draw(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=5))
    pieces = data.draw(
        st.lists(st.sampled_from((b"", b"text", b"\xff\x00", "\xe9".encode(), b"x" * 3000)), max_size=3)
    )
    method = data.draw(st.sampled_from(("GET", "HEAD", "POST")))
    app = App("shop")
    app.mount("/", answering(status, fields, pieces))
    event = event_of(
        ingress, "/a/b?c=d", method, headers={"Accept-Encoding": data.draw(st.sampled_from(("gzip", "")))}
    )

    short, whole = both(app, event)

    assert short == whole


@pytest.mark.parametrize("ingress", INGRESSES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_an_application_is_told_is_the_same(ingress: str, data: st.DataObject) -> None:
    letters = st.text("ab/%2é ", max_size=8)
    headers = data.draw(
        st.lists(
            st.tuples(
                st.sampled_from(("X-One", "x-one", "Cookie", "X_Two", "Content-Type", "Accept")),
                st.sampled_from(("a", "b=c", "")),
            ),
            max_size=5,
        )
    )
    event = event_of(
        ingress,
        f"/{quote(data.draw(letters))}",
        data.draw(st.sampled_from(("GET", "POST"))),
        headers=headers,
        data=data.draw(st.sampled_from((b"", b"text", b"\xff"))),
        query_string=data.draw(st.sampled_from(("", "a=b&a=c", "%C3%A9=+"))),
    )
    seen: list[Environ] = []

    def application(environ: Environ, start_response: Start) -> Iterable[bytes]:
        body = environ.pop("wsgi.input").read()
        seen.append({**environ, "body": body})
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"seen"]

    app = App("shop")
    app.get("/own/<name>")(lambda name: name)
    app.mount("/", application)

    short, whole = both(app, event)

    assert short == whole
    assert len(seen) == 2
    assert seen[0] == seen[1]


@pytest.mark.parametrize("ingress", INGRESSES)
@pytest.mark.parametrize(
    "path", ["/own", "/own/", "//own", "/own/7", "/own/x", "/", "/other", "/admin", "/admin/7"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_whose_a_path_is_does_not_depend_on_the_way(ingress: str, path: str, method: str) -> None:
    app = App("shop")
    app.get("/own")(lambda: "own")
    app.get("/own/<int:number>")(str)
    app.mount("/", answering("200 OK", [("Content-Type", "text/plain")], [b"root"]))
    app.mount("/admin", answering("200 OK", [("Content-Type", "text/plain")], [b"admin"]))

    short, whole = both(app, event_of(ingress, path, method))

    assert short == whole


def test_inside_are_the_app_and_the_request_and_what_is_asked_for_afterwards_is_done() -> None:
    flask = Flask("shop")

    @flask.get("/hello")
    def hello() -> str:
        @after_this_request
        def mark(response: Any) -> Any:
            response.headers.set("X-Marked", "yes")
            return response

        return f"{current_app.name} {request.path} {request.headers['x-from']} {request.url_rule}"

    app = App("shop")
    app.mount("/", flask)

    short, whole = both(app, event_of("rest-api", "/hello", headers={"X-From": "here"}))

    assert short == whole
    assert short["headers"]["X-Marked"] == "yes"
    assert short["body"].startswith("shop /hello here ")


def test_what_an_application_raises_is_answered_alike(caplog: pytest.LogCaptureFixture) -> None:
    def application(environ: Environ, start_response: Start) -> Iterable[bytes]:
        raise ZeroDivisionError(environ["PATH_INFO"])

    app = App("shop")
    app.mount("/", application)

    short, whole = both(app, event_of("http-api", "/x"))

    assert short == whole
    assert short["statusCode"] == 500
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]


def test_a_limit_of_bodies_holds() -> None:
    app = App("shop")
    app.config["MAX_CONTENT_LENGTH"] = 3
    app.mount("/", answering("200 OK", [("Content-Type", "text/plain")], []))

    short, whole = both(app, event_of("http-api", "/x", "POST", data=b"four"))

    assert short == whole
    assert short["statusCode"] == 413


@pytest.mark.parametrize(
    "event",
    [
        {"path": 7},
        {"path": "x"},
        {"path": None, "requestContext": {"stage": "v1", "path": "/v1"}},
        {"httpMethod": None},
        {"requestContext": {}},
        {"headers": None, "multiValueHeaders": None},
        {"headers": {"Host": ["a"]}, "multiValueHeaders": {}},
        {"multiValueHeaders": {"Host": "ab"}},
        {"multiValueHeaders": {"Host": [5]}},
    ],
)
def test_an_event_that_cannot_be_read_is_told_of_alike(event: Any) -> None:
    app = App("shop")
    app.mount("/", answering("200 OK", [("Content-Type", "text/plain")], []))
    whole = {**event_of("rest-api", "/x"), **event}
    ingress = infer(whole)
    assert ingress is not None

    def told(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except Exception as exc:  # its kind is what is compared
            return type(exc), str(exc)

    assert told(lambda: app(whole, None)) == told(lambda: answer(app, ingress, whole, None))


@pytest.mark.parametrize("ingress", ["rest-api", "http-api", "function-url"])
@pytest.mark.parametrize("above", [1_024, 0, None])
@pytest.mark.parametrize("size", [10, 2_000, 7_000_000])
def test_the_size_of_a_body_is_looked_at_alike(ingress: str, above: int | None, size: int) -> None:
    app = App("shop")
    app.compress_above = above
    app.mount("/", answering("200 OK", [("Content-Type", "text/plain")], [b"x" * size]))

    short, whole = both(app, event_of(ingress, "/x"))

    assert short == whole
    assert short["statusCode"] == (500 if size == 7_000_000 else 200)


@pytest.mark.parametrize("size", [300, 500, 7_000_000])
def test_the_size_of_a_head_is_looked_at_alike(size: int) -> None:
    app = App("shop")
    app.mount("/", answering("200 OK", [("Content-Type", "text/plain"), ("ETag", "x" * size)], [b"x"]))

    short, whole = both(app, event_of("rest-api", "/x"))

    assert short == whole
    assert short["statusCode"] == (500 if size == 7_000_000 else 200)


# Context variables ----------------------------------------------------------------------------------

SEEN: ContextVar[int] = ContextVar("seen", default=0)


def counting(environ: Environ, start_response: Start) -> Iterable[bytes]:
    SEEN.set(SEEN.get() + 1)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(SEEN.get()).encode()]


def counts(app: App, path: str) -> list[str]:
    client = app.test_client()
    return [client.get(path).text for _ in range(3)]


def test_an_applications_context_is_that_of_the_thread_as_behind_a_server() -> None:
    app = App("shop")
    app.mount("/", counting)

    assert copy_context().run(counts, app, "/") == ["1", "2", "3"]


@pytest.mark.parametrize("of_all", ["a hook", "a route"])
def test_what_the_app_itself_sets_is_of_one_request(of_all: str) -> None:
    app = App("shop")

    def one_more() -> None:
        SEEN.set(SEEN.get() + 1)

    def view() -> str:
        one_more()
        return str(SEEN.get())

    if of_all == "a hook":
        app.before_request(one_more)
        app.mount("/", counting)
        expected = ["2", "2", "2"]
    else:
        app.get("/")(view)
        app.mount("/pages", counting)
        expected = ["1", "1", "1"]

    assert copy_context().run(counts, app, "/") == expected


@pytest.mark.parametrize("path", ["/", "/fails", "/route"])
def test_no_request_is_left_behind(path: str) -> None:
    app = App("shop")
    pages = Flask("pages")
    pages.add_url_rule("/", "index", lambda: str(current_app.name))
    pages.add_url_rule("/fails", "fails", lambda: str(1 / 0))
    app.get("/route")(lambda: "x")
    app.mount("/", pages)

    app(event_of("rest-api", path), None)

    assert CURRENT.get(None) is None


def test_djangos_caches_stay_from_request_to_request() -> None:
    """They hold connections, and are in a variable of the context."""
    caches = CacheHandler({"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}})
    made: list[int] = []

    def application(environ: Environ, start_response: Start) -> Iterable[bytes]:
        made.append(id(caches["default"]))
        start_response("204 No Content", [])
        return []

    app = App("shop")
    app.mount("/", application)

    def ask() -> None:
        for _ in range(3):
            app.test_client().get("/")

    copy_context().run(ask)
    assert len(made) == 3
    assert len(set(made)) == 1
