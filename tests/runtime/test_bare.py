"""A bare WSGI or ASGI application in the place of an App, and what is no application."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import flask
import pytest
from fastapi import FastAPI
from flask import Flask
from quart import Quart
from werkzeug.middleware.proxy_fix import ProxyFix

from microlambda.runtime.bare import fault_of, name_of, wrapped
from microlambda.runtime.errors import ConfigurationError

Start = Callable[..., Any]


def application(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["PATH_INFO"].encode()]


class Site:
    def __call__(self, env: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        return application(env, start_response)

    def serve(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        return application(environ, start_response)


def passed_on(*arguments: Any) -> Any:
    return application(*arguments)


def create_app(config: Any = None) -> Flask:
    return Flask("made")


def create_site(config: Any, debug: bool) -> Flask:
    return Flask("made")


def make_site(*arguments: Any) -> Flask:
    return Flask("made")


def handler(event: Any, context: Any) -> Any: ...


async def handle(_event: Any, _context: Any) -> Any: ...


def two(a: Any, b: Any) -> Any: ...


def three(a: Any, b: Any, c: Any) -> Any: ...


async def speaks_asgi(scope: Any, receive: Any, send: Any) -> None: ...


async def with_other_names(a: Any, b: Any, c: Any) -> None: ...


class Validator:
    def __call__(self, value: Any) -> bool:
        return True


@pytest.mark.parametrize(
    "application",
    [
        pytest.param(application, id="function"),
        pytest.param(Site(), id="instance"),
        pytest.param(Site().serve, id="method"),
        pytest.param(ProxyFix(application), id="middleware"),
        pytest.param(functools.partial(application), id="partial"),
        pytest.param(passed_on, id="any-arguments"),
    ],
)
def test_an_application_answers_every_path_in_the_place_of_an_app(application: Any) -> None:
    app = wrapped(application, "mysite.wsgi", "application")

    assert app.name == "mysite"
    assert app.functions == ("http",)
    client = app.test_client()
    assert [client.get(path).text for path in ("/", "/a/b")] == ["/", "/a/b"]


def test_a_flask_serves_and_has_its_context_in_the_check() -> None:
    site = Flask("site")
    site.get("/name")(lambda: flask.current_app.name)

    app = wrapped(site, "site", "app")

    assert app.test_client().get("/name").text == "site"
    assert app.test_client().get("/nowhere").status_code == 404
    assert app({"microlambda": {"check": 1}}, None) == {"microlambda": {"check": 1}}


@pytest.mark.parametrize("made", [FastAPI, Quart], ids=lambda one: one.__name__)
def test_what_speaks_asgi_answers_in_the_place_of_an_app(made: Callable[..., Any]) -> None:
    site = made() if made is FastAPI else made("site")

    async def view() -> str:
        return "site"

    site.get("/name")(view)

    app = wrapped(site, "site", "site")

    assert app.test_client().get("/name").text.strip('"') == "site"
    assert app.test_client().get("/nowhere").status_code == 404
    assert len(app.startups) == 1


@pytest.mark.parametrize("application", [speaks_asgi, with_other_names], ids=lambda one: one.__name__)
def test_what_speaks_asgi_is_an_application(application: Any) -> None:
    assert fault_of(application, "app") is None


def test_a_function_of_two_arguments_is_one_whatever_they_are_called() -> None:
    assert fault_of(two, "two") is None


@pytest.mark.parametrize("given", [1, 2])
def test_a_partial_is_told_by_what_it_still_takes(given: int) -> None:
    fault = fault_of(functools.partial(three, *range(given)), "app")

    assert (fault is None) == (given == 1)


def test_a_proxy_is_not_asked_what_it_stands_for() -> None:
    assert fault_of(flask.current_app, "current_app") is None


FAULTS = [
    pytest.param(Flask, "Flask", "is the class Flask. Make an instance of it, app = Flask(...)", id="class"),
    pytest.param(1, "x", "is a int, not an App.", id="number"),
    pytest.param(
        handler, "handler", "is a Lambda handler, handler(event, context), and no web", id="handler"
    ),
    pytest.param(handle, "handle", "is a Lambda handler, handle(_event, _context)", id="async-handler"),
    pytest.param(create_app, "create_app", "Write app = create_app(...) into a module", id="factory"),
    pytest.param(create_site, "create_site", "Write app = create_site(...) into", id="factory-of-two"),
    pytest.param(make_site, "make_site", "is a function, make_site(...), that may make", id="factory-of-any"),
    pytest.param(lambda: None, "index", "is a function, index(), that may make", id="no-arguments"),
    pytest.param(three, "three", "is called with (a, b, c), and is no web application", id="three"),
    pytest.param(Validator(), "check", "is called with (value), and is no web", id="callable-instance"),
]


@pytest.mark.parametrize(("application", "name", "told"), FAULTS)
def test_what_can_be_no_application_is_told_with_the_remedy(application: Any, name: str, told: str) -> None:
    assert told in (fault_of(application, name) or "")
    with pytest.raises(ConfigurationError) as refused:
        wrapped(application, "shop", name)
    assert str(refused.value).startswith(f"shop:{name} is ")


def test_an_attribute_that_is_not_there_is_told() -> None:
    with pytest.raises(ConfigurationError, match="shop has no App called 'site', and no application"):
        wrapped(None, "shop", "site")


@pytest.mark.parametrize(
    ("module", "name"), [("mysite.wsgi", "mysite"), ("hello", "hello"), ("wsgi", None), ("asgi", None)]
)
def test_the_name_is_the_packages(module: str, name: str | None) -> None:
    assert name_of(module) == name
