"""The test client, driven as a user's tests drive it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from microlambda import App, Conflict, Response, current_app, request
from microlambda.emulator.gateway import UnknownIngress

if TYPE_CHECKING:
    from microlambda.testing.client import TestClient

INGRESSES = ("http-api", "rest-api", "function-url")


@pytest.fixture
def app() -> App:
    """An app that answers what it was asked."""
    app = App("shop")

    @app.route("/echo", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def echo() -> dict[str, Any]:
        return {
            "method": request.method,
            "args": {name: request.args.getlist(name) for name in request.args},
            "text": request.get_data(as_text=True),
            "type": request.headers.get("content-type"),
            "cookies": dict(request.cookies.items()),
        }

    @app.get("/files/<path:name>")
    def file(name: str) -> dict[str, str]:
        return {"name": name}

    return app


@pytest.fixture
def client(app: App) -> TestClient:
    return app.test_client()


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_each_method_has_its_name(client: TestClient, method: str) -> None:
    response = getattr(client, method)("/echo")

    assert response.status_code == 200
    assert response.json["method"] == method.upper()


def test_open_takes_any_method(client: TestClient) -> None:
    assert client.open("/echo", method="PATCH").json["method"] == "PATCH"


def test_head_has_no_body_and_options_lists_the_methods(client: TestClient) -> None:
    assert client.head("/files/x").data == b""
    assert client.options("/files/x").headers["allow"] == "GET, HEAD, OPTIONS"


BODIES = [
    pytest.param({"json": {"a": 1}}, '{"a": 1}', "application/json", id="json"),
    pytest.param({"data": {"a": "1 2"}}, "a=1+2", "application/x-www-form-urlencoded", id="form"),
    pytest.param({"data": b"\xc3\xa9", "content_type": "text/plain"}, "é", "text/plain", id="bytes"),
    pytest.param({"data": "é", "headers": {"Content-Type": "text/x-own"}}, "é", "text/x-own", id="str"),
]


@pytest.mark.parametrize(("sent", "text", "mimetype"), BODIES)
@pytest.mark.parametrize("ingress", INGRESSES)
def test_bodies(app: App, ingress: str, sent: dict[str, Any], text: str, mimetype: str) -> None:
    answer = app.test_client(ingress=ingress).post("/echo", **sent).json

    assert (answer["text"], answer["type"]) == (text, mimetype)


@pytest.mark.parametrize("ingress", INGRESSES)
def test_queries_from_the_path_and_from_the_argument(app: App, ingress: str) -> None:
    client = app.test_client(ingress=ingress)

    in_path = client.get("/echo?a=1&a=%C3%A9&b=")
    in_argument = client.get("/echo", query_string={"a": ["1", "é"], "b": ""})

    assert in_path.json["args"] == in_argument.json["args"] == {"a": ["1", "é"], "b": [""]}


PATHS = [
    pytest.param("/files/a%2Fb", {"rest-api": "/files/a%2Fb", "http-api": "/files/a/b"}, "a/b", id="%2F"),
    pytest.param("/files/%2541", {"rest-api": "/files/%2541", "http-api": "/files/%41"}, "%41", id="%25"),
    pytest.param("/files/caf é", {"rest-api": "/files/caf%20%C3%A9"}, "caf é", id="not-ascii"),
]


@pytest.mark.parametrize(("path", "raw", "name"), PATHS)
def test_the_path_arrives_as_it_was_written(app: App, path: str, raw: dict[str, str], name: str) -> None:
    for ingress, expected in raw.items():
        response = app.test_client(ingress=ingress).get(path)

        assert response.event["path" if ingress == "rest-api" else "rawPath"] == expected
        assert response.json == {"name": name}


def test_two_slashes_in_front_are_no_host(client: TestClient) -> None:
    response = client.get("//echo?a=1", ingress="function-url")

    assert response.event["rawPath"] == "//echo"
    assert response.event["rawQueryString"] == "a=1"


def test_headers_keep_their_case_and_repeats(client: TestClient) -> None:
    response = client.get("/echo", headers=[("X-ab", "1"), ("x-AB", "2")], ingress="rest-api")

    headers = response.event["multiValueHeaders"]
    assert {name: values for name, values in headers.items() if name.lower() == "x-ab"} == {
        "X-ab": ["1"],
        "x-AB": ["2"],
    }


def test_repeated_headers_of_an_answer_stay_apart(app: App, client: TestClient) -> None:
    @app.get("/two")
    def two() -> Response:
        response = Response()
        response.headers.add("Set-Cookie", "a=1")
        response.headers.add("Set-Cookie", "b=2")
        return response

    assert client.get("/two").headers.getlist("Set-Cookie") == ["a=1", "b=2"]


@pytest.mark.parametrize("ingress", INGRESSES)
def test_cookies_are_kept(app: App, ingress: str) -> None:
    @app.post("/login")
    def login() -> Response:
        return Response(headers={"Set-Cookie": "user=ann; Path=/"})

    client = app.test_client(ingress=ingress)

    client.post("/login")

    assert client.get("/echo").json["cookies"] == {"user": "ann"}


def test_cookies_are_set_read_and_deleted(client: TestClient) -> None:
    client.set_cookie("a", "1")
    client.set_cookie("b", "2")
    client.delete_cookie("a")

    kept = client.get_cookie("b")

    assert client.get("/echo").json["cookies"] == {"b": "2"}
    assert kept is not None
    assert kept.value == "2"


def test_a_cookie_header_of_the_request_stands_for_itself(client: TestClient) -> None:
    client.set_cookie("a", "1")

    assert client.get("/echo", headers={"Cookie": "z=9"}).json["cookies"] == {"z": "9"}
    assert client.get("/echo").json["cookies"] == {"a": "1"}


def test_a_client_without_cookies(app: App) -> None:
    @app.get("/login")
    def login() -> Response:
        return Response(headers={"Set-Cookie": "user=ann"})

    client = app.test_client(use_cookies=False)
    client.get("/login")

    assert client.get("/echo").json["cookies"] == {}


@pytest.mark.parametrize("status", [302, 308])
def test_redirects_are_followed_through_the_same_ingress(app: App, client: TestClient, status: int) -> None:
    @app.post("/old")
    def old() -> Response:
        return Response(status_code=status, headers={"Location": "/echo?a=1", "Set-Cookie": "seen=1"})

    response = client.post(
        "/old", json={"a": 1}, headers={"X-Own": "1"}, ingress="rest-api", follow_redirects=True
    )

    assert [one.status_code for one in response.history] == [status]
    assert response.event["httpMethod"] == ("GET" if status == 302 else "POST")
    assert response.event["headers"]["X-Own"] == "1"
    assert response.json["text"] == ("" if status == 302 else '{"a": 1}')
    assert response.json["args"] == {"a": ["1"]}
    assert response.json["cookies"] == {"seen": "1"}


@pytest.mark.parametrize("ingress", INGRESSES)
def test_the_ingress_of_the_client_or_of_one_request(app: App, client: TestClient, ingress: str) -> None:
    by_client = app.test_client(ingress=ingress).get("/echo")
    by_request = client.get("/echo", ingress=ingress)

    assert by_client.event.keys() == by_request.event.keys()
    assert by_client.status_code == by_request.status_code == 200


def test_an_unknown_ingress_is_refused_at_once(app: App) -> None:
    with pytest.raises(UnknownIngress, match="Did you mean 'http-api'"):
        app.test_client(ingress="http_api")


def test_the_event_and_the_result_are_there_to_look_at(client: TestClient) -> None:
    response = client.get("/files/x")

    assert response.event["rawPath"] == "/files/x"
    assert response.lambda_result["statusCode"] == 200


def test_an_answer_of_the_gateway_itself_has_no_event(client: TestClient) -> None:
    response = client.get("/files/%zz")

    assert response.status_code == 400
    assert response.event is None


def test_a_view_cannot_change_what_the_test_sees_of_the_event(app: App, client: TestClient) -> None:
    @app.get("/vandal")
    def vandal() -> str:
        request.event["headers"].clear()
        return ""

    response = client.get("/vandal")

    assert response.event["headers"]


def test_each_call_has_a_context_like_lambdas(app: App, client: TestClient) -> None:
    seen = []

    @app.get("/context")
    def context() -> str:
        seen.append(request.lambda_context)
        return ""

    client.get("/context")
    client.get("/context")

    first, second = seen
    assert first.aws_request_id != second.aws_request_id
    assert first.function_name == "shop-local-http"
    assert first.invoked_function_arn.endswith(":function:shop-local-http")
    assert first.function_version == "$LATEST"
    assert first.memory_limit_in_mb == "256"
    assert 29_000 < first.get_remaining_time_in_millis() <= 30_000


def test_an_unhandled_error_reaches_the_test(app: App, client: TestClient) -> None:
    @app.get("/broken")
    def broken() -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        client.get("/broken")


def test_an_http_error_is_an_answer(app: App, client: TestClient) -> None:
    @app.get("/taken")
    def taken() -> None:
        raise Conflict("that name is taken")

    response = client.get("/taken")

    assert response.status_code == 409
    assert response.json["detail"] == "that name is taken"


def test_without_raise_errors_it_is_the_500_of_the_callers(app: App) -> None:
    @app.get("/broken")
    def broken() -> None:
        raise LookupError("mine")

    response = app.test_client(raise_errors=False).get("/broken")

    assert response.status_code == 500
    assert response.json["title"] == "Internal Server Error"


class Crashing(App):
    """An app whose own machinery fails, so that no answer comes at all."""

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        raise RuntimeError("no answer")


@pytest.mark.parametrize(("ingress", "status"), [("http-api", 500), ("rest-api", 502), ("function-url", 502)])
def test_a_failed_invocation_is_what_the_gateway_makes_of_it(ingress: str, status: int) -> None:
    client = Crashing("x").test_client(ingress=ingress, raise_errors=False)

    assert client.get("/").status_code == status


def test_the_current_app_is_the_one_under_test(app: App, client: TestClient) -> None:
    @app.get("/name")
    def name() -> str:
        return current_app.name or ""

    assert client.get("/name").text == "shop"
