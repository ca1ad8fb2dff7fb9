"""Views that ask for an API key are reached through their own route, with a key that the gateway checked."""

from __future__ import annotations

import copy
import subprocess
import sys
from typing import Any

import pytest

from microlambda import CORS, App, Blueprint
from microlambda.runtime.errors import RegistrationError
from microlambda.testing.client import TestClient

OTHERS = ("http-api", "http-api-1.0", "function-url", "alb", "alb-multi-value", "vpc-lattice")
SECRET = "for callers with a key"

#: What one might write to get past a check: each is, or leads to, a path of a protected view.
SPELLINGS = (
    *("/users/5", "/users/5/", "//users/5", "/users//5", "/users/5//", "/%75sers/5", "/users/%35"),
    *("/USERS/5", "/Users/5", "/users%2F5", "/users%2f5", "/local/users/5", "/./users/5", "/users/./5"),
    *("/users/5?x-api-key=k", "/users/5;x", "/slashed", "/slashed/", "//slashed/", "/slashed%2F"),
    *("/files/a", "/files/a/b", "/files//a", "/files/a%2Fb", "/%66iles/a", "/files/..%2Fopen"),
    *("/literal", "/literal/", "/literal%2F", "/liter%61l", "//literal"),
)


@pytest.fixture
def reached() -> list[str]:
    """The views and functions that ran."""
    return []


@pytest.fixture
def app(reached: list[str]) -> App:
    app = App("shop")

    def view(**arguments: Any) -> str:
        reached.append(f"view {arguments}")
        return SECRET

    for rule in ("/users/<id>", "/slashed/", "/files/<path:rest>", "/literal"):
        methods = ["GET", "POST"]
        app.add_url_rule(rule, rule, view, methods=methods, api_key_required=True)
    app.get("/open")(lambda: "open")
    return app


def event_of(app: App, path: str = "/users/5", method: str = "GET") -> dict[str, Any]:
    """The event of a request with a key, as a REST API sends it."""
    client = app.test_client(ingress="rest-api")
    event = client.open(path, method=method, headers={"x-api-key": "k"}).event
    assert isinstance(event, dict)
    return event


def with_key(app: App, path: str, method: str = "GET") -> int:
    client = app.test_client(ingress="rest-api")
    return client.open(path, method=method, headers={"x-api-key": "k"}).status_code


@pytest.mark.parametrize("path", ["/users/5", "/slashed/", "/files/a", "/files/a/b", "/literal"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_view_is_reached_with_a_key(app: App, reached: list[str], path: str, method: str) -> None:
    assert with_key(app, path, method) == 200
    assert len(reached) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("path", SPELLINGS)
@pytest.mark.parametrize("ingress", [*OTHERS, "rest-api"])
def test_no_spelling_of_its_path_reaches_a_view_without_a_key(
    app: App, reached: list[str], ingress: str, path: str, method: str
) -> None:
    client = app.test_client(ingress=ingress)

    response = client.open(path, method=method, follow_redirects=False)
    while response.status_code == 308:
        response = client.open(response.headers["location"], method=method)

    assert reached == []
    assert response.status_code in (403, 404)


@pytest.mark.parametrize("path", SPELLINGS)
@pytest.mark.parametrize("ingress", OTHERS)
def test_a_gateway_that_checks_no_key_reaches_no_view_with_one(
    app: App, reached: list[str], ingress: str, path: str
) -> None:
    headers = {"x-api-key": "k", "x-amzn-apikey": "k"}

    response = app.test_client(ingress=ingress).get(path, headers=headers)

    assert reached == []
    assert response.status_code in (308, 403, 404)


def test_a_wsgi_server_reaches_no_view(app: App, reached: list[str]) -> None:
    from werkzeug.test import Client

    client = Client(app.wsgi)

    assert client.get("/users/5", headers={"x-api-key": "k"}).status_code == 403
    forged = {"resource": "/users/{id}", "requestContext": {"identity": {"apiKeyId": "k", "apiKey": "k"}}}
    assert client.get("/users/5", environ_overrides=forged).status_code == 403
    assert reached == []


def test_the_refusal_is_an_error_of_the_apps(app: App) -> None:
    response = app.test_client().get("/users/5")

    assert response.status_code == 403
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json == {
        "type": "about:blank",
        "title": "Forbidden",
        "status": 403,
        "detail": "this view asks for an API key.",
    }


@pytest.mark.parametrize(
    "change",
    [
        lambda event: event.update(resource="/{proxy+}"),
        lambda event: event.update(resource="/users/{id}/{proxy+}"),
        lambda event: event.update(resource="/users/{other}"),
        lambda event: event.update(resource="/literal"),
        lambda event: event.pop("resource"),
        lambda event: event["requestContext"].pop("identity"),
        lambda event: event["requestContext"].update(identity=None),
        lambda event: event["requestContext"]["identity"].update(apiKeyId=None),
        lambda event: event["requestContext"]["identity"].update(apiKeyId=""),
        lambda event: event["requestContext"]["identity"].update(apiKey=None),
        lambda event: event["requestContext"]["identity"].pop("apiKey"),
        lambda event: event["requestContext"]["identity"].pop("apiKeyId"),
        lambda event: event.update(version="1.0"),
        lambda event: event["requestContext"].update(elb={}),
    ],
)
def test_an_event_that_lacks_a_part_of_the_proof_reaches_no_view(
    app: App, reached: list[str], change: Any
) -> None:
    event = event_of(app)
    reached.clear()
    changed = copy.deepcopy(event)
    change(changed)

    assert app(event, None)["statusCode"] == 200
    assert app(changed, None)["statusCode"] == 403
    assert len(reached) == 1


def test_what_stands_around_a_view_does_not_see_who_lacks_a_key(app: App, reached: list[str]) -> None:
    @app.middleware("http")
    def cached(request: Any, get_response: Any) -> Any:
        reached.append("middleware")
        return SECRET

    @app.before_request
    def count() -> str:
        reached.append("before_request")
        return SECRET

    response = app.test_client().get("/users/5")

    assert response.status_code == 403
    assert SECRET not in response.text
    assert reached == []


def test_the_refusal_is_handled_like_another_403(app: App) -> None:
    app.cors = CORS("https://shop.example")
    app.errorhandler(403)(lambda error: ({"message": "Forbidden"}, 403))
    app.after_request(lambda response: response)

    response = app.test_client().get("/users/5", headers={"Origin": "https://shop.example"})

    assert (response.status_code, response.json) == (403, {"message": "Forbidden"})
    assert response.headers["access-control-allow-origin"] == "https://shop.example"


@pytest.mark.parametrize("ingress", [*OTHERS, "rest-api"])
def test_options_and_preflights_are_answered_without_a_key(app: App, ingress: str) -> None:
    app.cors = CORS("https://shop.example", headers=["X-Api-Key"])
    client = app.test_client(ingress=ingress)

    plain = client.options("/users/5")
    preflight = client.options(
        "/users/5",
        headers={
            "Origin": "https://shop.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "x-api-key",
        },
    )

    assert (plain.status_code, plain.headers["allow"]) == (200, "GET, HEAD, OPTIONS, POST")
    assert (preflight.status_code, preflight.headers["access-control-allow-headers"]) == (204, "X-Api-Key")


def test_a_blueprint_that_is_registered_twice_asks_twice(reached: list[str]) -> None:
    shop = Blueprint("shop")

    @shop.post("/orders", api_key_required=True)
    def order() -> str:
        reached.append("order")
        return SECRET

    app = App("shop")
    app.register_blueprint(shop, url_prefix="/v1")
    app.register_blueprint(shop, url_prefix="/v2", name="again")

    for path in ("/v1/orders", "/v2/orders"):
        assert app.test_client().post(path).status_code == 403
        assert app.test_client(ingress="rest-api").post(path).status_code == 403
        assert with_key(app, path, "POST") == 200
    assert reached == ["order", "order"]


@pytest.mark.parametrize("decorator", ["get", "post", "put", "patch", "delete"])
def test_every_decorator_takes_the_option(decorator: str) -> None:
    app = App("shop")
    getattr(app, decorator)("/a", api_key_required=True)(lambda: SECRET)

    assert app.test_client().open("/a", method=decorator.upper()).status_code == 403
    assert with_key(app, "/a", decorator.upper()) == 200


@pytest.mark.parametrize("value", [False, None])
def test_a_view_that_asks_for_none_is_open(value: bool | None) -> None:
    app = App("shop")
    app.get("/a", api_key_required=value)(lambda: "open")

    assert app.test_client().get("/a").status_code == 200


@pytest.mark.parametrize("value", ["yes", 1, "False"])
def test_another_value_is_refused(value: object) -> None:
    with pytest.raises(RegistrationError, match="api_key_required=.* for '/a' is neither True nor False"):
        App("shop").get("/a", api_key_required=value)(lambda: "open")


def test_a_rule_that_no_resource_can_be_is_never_reached(reached: list[str]) -> None:
    app = App("shop")

    @app.get("/users/v<id>", api_key_required=True)
    def show(id: str) -> str:
        reached.append("show")
        return SECRET

    plain = App("shop")
    plain.get("/users/<id>", api_key_required=True)(lambda **names: names)

    assert app(event_of(plain, "/users/v5"), None)["statusCode"] == 403
    assert reached == []


def test_nothing_is_loaded_for_an_app_without_such_views() -> None:
    program = (
        "import sys, microlambda\n"
        "app = microlambda.App('shop')\n"
        "app.get('/')(lambda: 'hello')\n"
        "app({'httpMethod': 'GET', 'path': '/', 'requestContext': {}}, None)\n"
        "print([name for name in sys.modules if name.endswith('.protection')])\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert told.strip() == "[]"


def test_the_test_client_takes_the_keys_that_are_given(app: App) -> None:
    client = TestClient(app, ingress="rest-api", api_keys=["right"])

    assert client.get("/users/5", headers={"x-api-key": "right"}).status_code == 200
    refused = client.get("/users/5", headers={"X-Api-Key": "wrong"})
    assert (refused.status_code, refused.json, refused.event) == (403, {"message": "Forbidden"}, None)
    assert client.get("/users/5", headers={"x-api-key": ""}).status_code == 403
    assert client.get("/open").status_code == 200


def test_the_test_client_takes_no_text_for_its_letters(app: App) -> None:
    with pytest.raises(TypeError, match="api_keys takes the values of keys in a list"):
        app.test_client(ingress="rest-api", api_keys="right")


def test_the_event_tells_the_route_and_the_key(app: App) -> None:
    event = event_of(app, "/files/a/b%20c/")

    assert event["resource"] == event["requestContext"]["resourcePath"] == "/files/{rest+}"
    assert event["pathParameters"] == {"rest": "a/b%20c"}
    assert event["requestContext"]["identity"]["apiKey"] == "k"
    assert event["requestContext"]["identity"]["apiKeyId"]


def test_a_request_of_an_open_method_tells_no_key(app: App) -> None:
    response = app.test_client(ingress="rest-api").options("/users/5", headers={"x-api-key": "k"})

    assert "apiKey" not in response.event["requestContext"]["identity"]


def test_a_context_of_a_request_with_a_key_can_be_made(app: App) -> None:
    with app.test_request_context("/users/5", ingress="rest-api", headers={"x-api-key": "k"}) as request:
        assert request.view_args == {"id": "5"}
