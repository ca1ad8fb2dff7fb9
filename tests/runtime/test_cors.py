"""CORS on every kind of answer; what is allowed is judged by flask-cors, the rest by the Fetch standard."""

from __future__ import annotations

import re
from typing import Any

import flask
import flask_cors
import pytest

from microlambda import CORS, App, Blueprint, Response, abort, g
from microlambda.runtime.errors import RegistrationError

SHOP = "https://shop.example"
EVIL = "https://evil.example"


@pytest.fixture
def app() -> App:
    app = App("shop")
    app.add_url_rule("/", "home", lambda: "home", methods=["GET", "POST"])
    app.add_url_rule("/users/", "users", lambda: "users")
    app.add_url_rule("/boom", "boom", lambda: 1 // 0)
    app.add_url_rule("/gone", "gone", lambda: abort(410))
    app.add_url_rule("/unencodable", "unencodable", lambda: {"x": object()})
    return app


def preflight(app: App, path: str, origin: str = SHOP, method: str = "GET", headers: str = "") -> Any:
    fields = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers:
        fields["Access-Control-Request-Headers"] = headers
    return app.test_client(raise_errors=False).options(path, headers=fields)


def send(app: App, method: str, path: str, origin: str | None = SHOP) -> Any:
    client = app.test_client(raise_errors=False)
    return client.open(path, method=method, headers={"Origin": origin} if origin else {})


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("OPTIONS", "/", 200),
        ("GET", "/nowhere", 404),
        ("DELETE", "/", 405),
        ("GET", "/boom", 500),
        ("GET", "/gone", 410),
        ("GET", "/unencodable", 500),
        ("GET", "/users", 308),
    ],
)
def test_the_headers_are_on_every_answer(app: App, method: str, path: str, status: int) -> None:
    app.cors = CORS([SHOP], credentials=True, expose=["X-Total"])

    response = send(app, method, path)

    assert response.status_code == status
    assert response.headers["Access-Control-Allow-Origin"] == SHOP
    assert response.headers["Access-Control-Allow-Credentials"] == "true"
    assert response.headers["Access-Control-Expose-Headers"] == "X-Total"
    assert response.headers["Vary"] == "Origin"


@pytest.mark.parametrize("path", ["/", "/users", "/users/", "/boom", "/nowhere"])
def test_a_preflight_is_answered_for_every_path(app: App, path: str) -> None:
    app.cors = CORS(max_age=600)

    response = preflight(app, path, headers="X-Token, Content-Type")

    assert (response.status_code, response.data) == (204, b"")
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Access-Control-Allow-Headers"] == "X-Token, Content-Type"
    assert response.headers["Access-Control-Max-Age"] == "600"


def test_a_preflight_allows_the_methods_that_the_path_takes(app: App) -> None:
    app.cors = True  # as in Chalice

    response = preflight(app, "/", method="POST")

    allowed = {one.strip() for one in response.headers["Access-Control-Allow-Methods"].split(",")}
    assert {"GET", "HEAD", "POST"} <= allowed


def test_a_preflight_does_not_meet_the_hooks_that_ask_for_credentials(app: App) -> None:
    app.cors = CORS([SHOP], credentials=True)
    app.before_request(lambda: abort(401))

    assert preflight(app, "/").status_code == 204
    refused = send(app, "GET", "/")
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (401, SHOP)


def test_other_origins_get_no_header_and_caches_are_told(app: App) -> None:
    app.cors = CORS([SHOP])

    for response in (send(app, "GET", "/", EVIL), preflight(app, "/", EVIL), send(app, "GET", "/", None)):
        assert not [name for name, _ in response.headers if name.startswith("Access-Control-")]
        assert "Origin" in response.headers["Vary"]


def test_an_answer_for_everybody_does_not_vary(app: App) -> None:
    app.cors = CORS()

    response = send(app, "GET", "/")

    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Vary" not in response.headers


def test_vary_keeps_what_the_view_said(app: App) -> None:
    app.cors = CORS([SHOP])
    app.add_url_rule("/varied", "varied", lambda: ("x", {"Vary": "Cookie, origin"}))
    app.add_url_rule("/starred", "starred", lambda: ("x", {"Vary": "*"}))

    assert send(app, "GET", "/varied").headers["Vary"] == "Cookie, origin"
    assert send(app, "GET", "/starred").headers["Vary"] == "*"


def test_a_routes_own_policy_wins_over_the_blueprints_and_the_apps() -> None:
    app = App("shop")
    bp = Blueprint("bp", url_prefix="/bp", cors=CORS(["https://bp.example"]))
    for one in (app, bp):
        one.add_url_rule("/plain", f"plain{id(one)}", lambda: "x")
        one.add_url_rule("/own", f"own{id(one)}", lambda: "x", cors=CORS(["https://own.example"]))
        one.add_url_rule("/none", f"none{id(one)}", lambda: "x", cors=False)
    app.register_blueprint(bp)
    app.cors = CORS(["https://app.example"])
    expected = {
        "/plain": "https://app.example",
        "/own": "https://own.example",
        "/none": None,
        "/bp/plain": "https://bp.example",
        "/bp/own": "https://own.example",
        "/bp/none": None,
    }
    origins = ["https://app.example", "https://bp.example", "https://own.example"]

    for path, allowed in expected.items():
        for origin in origins:
            wanted = origin if origin == allowed else None
            for response in (send(app, "GET", path, origin), preflight(app, path, origin)):
                assert response.headers.get("Access-Control-Allow-Origin") == wanted, (path, origin)


@pytest.mark.parametrize("path", ["/own", "/own/"])
def test_a_405_and_a_redirect_speak_for_the_route_that_they_are_about(path: str) -> None:
    app = App("shop")
    app.add_url_rule("/own/", "own", lambda: "x", cors=CORS([SHOP]))

    assert send(app, "PUT", path).headers["Access-Control-Allow-Origin"] == SHOP
    assert preflight(app, path, method="PUT").headers["Access-Control-Allow-Origin"] == SHOP
    assert "Access-Control-Allow-Origin" not in send(app, "GET", "/other").headers


def test_a_view_for_options_answers_itself() -> None:
    app = App("shop")
    app.cors = CORS()
    app.add_url_rule("/own", "own", lambda: "mine", methods=["OPTIONS"])

    response = preflight(app, "/own")

    assert (response.text, response.headers["Access-Control-Allow-Origin"]) == ("mine", "*")


def test_a_views_own_header_is_left_alone(app: App) -> None:
    app.cors = CORS()
    app.add_url_rule("/own", "own", lambda: ("x", {"Access-Control-Allow-Origin": SHOP}))

    assert send(app, "GET", "/own").headers.getlist("Access-Control-Allow-Origin") == [SHOP]


def test_options_without_an_origin_is_no_preflight(app: App) -> None:
    app.cors = CORS()

    response = app.test_client().options("/")

    assert (response.status_code, response.headers["Allow"]) == (200, "GET, HEAD, OPTIONS, POST")


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: CORS(credentials=True), "every site could read"),
        (lambda: CORS(["*", SHOP], credentials=True), "every site could read"),
        (lambda: CORS([]), "lets nobody in"),
        (lambda: CORS("shop.example"), "'https://shop.example'"),
        (lambda: CORS([f"{SHOP}/"]), f"'{SHOP}'"),
        (lambda: CORS(["https://*"]), "no origin"),
        (lambda: CORS(["https://*.example"]), "whole top-level domains"),
        (lambda: CORS(["https://shop.*"]), "A star stands for subdomains"),
        (lambda: CORS(["https://shop.example*"]), "A star stands for subdomains"),
        (lambda: CORS(["https://*shop.example"]), "A star stands for subdomains"),
        (lambda: CORS(["*://shop.example"]), "A star stands for subdomains"),
        (lambda: CORS(["http://localhost:*"]), "A star stands for subdomains"),
        (lambda: CORS(["https://*.*.shop.example"]), "A star stands for subdomains"),
        (lambda: CORS(["https://user@shop.example"]), "no origin"),
        (lambda: CORS(["https://shop.example?x"]), "no origin"),
        (lambda: CORS(["https://shop.example "]), "no origin"),
        (lambda: CORS(re.compile(rb".*")), "pattern of str"),  # type: ignore[arg-type]
        (lambda: CORS(None), "got None"),  # type: ignore[arg-type]
        (lambda: CORS([SHOP], headers=["*"], credentials=True), 'CORS(headers=["*"])'),
        (lambda: CORS([SHOP], expose=["*"], credentials=True), 'CORS(expose=["*"])'),
        (lambda: CORS([f"{SHOP}/path"]), "scheme, host and port alone"),
        (lambda: CORS([7]), "got 7"),  # type: ignore[list-item]
        (lambda: CORS(methods="GET"), "methods=['GET']"),
        (lambda: CORS(max_age=-1), "max_age=-1"),
        (lambda: CORS(max_age="1h"), "max_age='1h'"),  # type: ignore[arg-type]
        (lambda: CORS([SHOP], credentials="yes"), "neither True nor False"),  # type: ignore[arg-type]
        (lambda: App("x").route("/", cors="*")(lambda: ""), "cors='*'"),
        (lambda: setattr(App("x"), "cors", "*"), "cors='*'"),
    ],
)
def test_what_cannot_work_is_refused_where_it_is_written(build: Any, says: str) -> None:
    with pytest.raises(RegistrationError, match=re.escape(says)):
        build()


def test_a_header_name_with_a_line_break_is_refused() -> None:
    with pytest.raises(RegistrationError, match="no name for a header"):
        CORS(expose=["X\r\nSet-Cookie: a=b"])


POLICIES: dict[str, dict[str, Any]] = {
    "any": {"origins": "*"},
    "list": {"origins": [SHOP, "https://other.example:8443"]},
    "pattern": {"origins": re.compile(r"https://[a-z]+\.shop\.example")},
    "mixed": {"origins": [SHOP, re.compile(r"http://localhost:\d+")]},
    "credentials": {"origins": [SHOP], "credentials": True},
    "expose": {"origins": [SHOP], "expose": ["X-A", "X-B"]},
    "max_age": {"origins": "*", "max_age": 60},
}
THEIRS = {"origins": "origins", "credentials": "supports_credentials", "expose": "expose_headers"}
ORIGINS = [
    SHOP,
    EVIL,
    "https://a.shop.example",
    "https://a.shop.example.evil.example",
    "https://ashop.example",
    "http://shop.example",
    "https://shop.example:444",
    "https://other.example:8443",
    "http://localhost:3000",
    "null",
]


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("is_preflight", [False, True], ids=["answer", "preflight"])
def test_the_same_is_allowed_as_by_flask_cors(policy: str, origin: str, is_preflight: bool) -> None:
    keywords = POLICIES[policy]
    ours, theirs = App("shop"), flask.Flask("shop")
    ours.add_url_rule("/", "home", lambda: "home")
    theirs.add_url_rule("/", "home", lambda: "home")
    ours.cors = CORS(**keywords)
    named = {THEIRS.get(name, name): value for name, value in keywords.items()}
    # Its patterns are searched from the start of an origin, and need their own end.
    if policy == "pattern":
        named["origins"] = re.compile(keywords["origins"].pattern + "$")
    if policy == "mixed":
        named["origins"] = [SHOP, re.compile(r"http://localhost:\d+$")]
    flask_cors.CORS(theirs, send_wildcard="*" in str(keywords["origins"]) and policy != "pattern", **named)
    headers = {"Origin": origin}
    if is_preflight:
        headers |= {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "X-Token"}
    method = "OPTIONS" if is_preflight else "GET"

    def seen(client: Any) -> dict[str, str]:
        response = client.open("/", method=method, headers=headers)
        return {
            name.lower(): value
            for name, value in response.headers.items()
            if name.lower().startswith("access-control-") and name.lower() != "access-control-allow-methods"
        }

    expected = seen(theirs.test_client())
    if is_preflight:  # it adds to preflights what belongs to answers
        expected.pop("access-control-expose-headers", None)

    assert seen(ours.test_client()) == expected


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://a.shop.example", True),
        ("https://a.b.shop.example", True),
        ("https://shop.example", False),
        ("https://evil.example/.shop.example", False),
        ("https://evil.example#.shop.example", False),
        ("https://a@b.shop.example", False),
        ("http://a.shop.example", False),
        ("https://a.shop.example:8443", False),
        ("https://ashop.example", False),
        ("https://.shop.example", False),
        ("null", False),
    ],
)
def test_a_star_in_an_origin_stands_for_labels_of_the_host(origin: str, allowed: bool) -> None:
    assert CORS(["https://*.shop.example"]).allows(origin) is allowed


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
@pytest.mark.parametrize("sign", ["\r", "\n", "\0", "é", "\udc80"])
def test_what_no_header_can_hold_is_never_sent_back(
    app: App, load_event: Any, lambda_context: Any, method: str, sign: str
) -> None:
    # The 500 that a line break makes would be refused for the same reason, and so be no answer at all.
    app.cors = CORS(re.compile(".*", re.DOTALL))
    event = load_event("http-api")
    event["requestContext"]["http"]["method"] = method
    event["rawPath"] = "/"
    event["headers"] |= {"origin": f"{SHOP}{sign}", "access-control-request-method": "GET"}

    result = app(event, lambda_context)

    assert result["statusCode"] in (200, 204)
    assert "access-control-allow-origin" not in result["headers"]

    event["headers"] |= {"origin": SHOP, "access-control-request-headers": f"X-Token{sign}"}

    assert app(event, lambda_context)["headers"]["access-control-allow-origin"] == SHOP


@pytest.mark.parametrize(
    "written", ["https://shop.example:443", "HTTPS://Shop.Example", "https://shop.example"]
)
def test_an_origin_is_compared_as_browsers_write_it(written: str) -> None:
    assert CORS([written]).allows(SHOP)
    assert not CORS([written]).allows("https://shop.example:8443")


def test_a_preflight_runs_no_hook_at_all(app: App) -> None:
    """A pair of hooks that share something must not meet half of itself."""
    app.cors = CORS()
    app.before_request(lambda: setattr(g, "start", 1))

    @app.after_request
    def after(response: Response) -> Response:
        response.headers["X-Start"] = g.start
        return response

    assert preflight(app, "/").status_code == 204
    assert send(app, "GET", "/").headers["X-Start"] == "1"


def test_a_preflight_for_an_unknown_path_lets_the_page_read_the_404(app: App) -> None:
    app.cors = CORS()

    assert preflight(app, "/nowhere", method="PUT").headers["Access-Control-Allow-Methods"] == "PUT"


def test_the_headers_are_on_an_answer_over_the_limit() -> None:
    app = App("shop")
    app.cors = CORS([SHOP])
    app.compress_above = None
    app.get("/large")(lambda: "x" * 7_000_000)

    response = send(app, "GET", "/large")

    assert (response.status_code, response.headers["Access-Control-Allow-Origin"]) == (500, SHOP)


def test_a_pattern_for_every_origin_does_not_go_with_credentials() -> None:
    with pytest.raises(RegistrationError, match="every origin matches"):
        CORS(re.compile(".*"), credentials=True)


def test_a_method_that_is_no_token_is_refused() -> None:
    with pytest.raises(RegistrationError, match="G ET"):
        CORS(methods=["G ET"])
