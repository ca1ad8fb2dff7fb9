"""The test client: Werkzeug's, over the gateway that `microlambda local` serves, in this process.

    client = app.test_client()
    response = client.post("/service/sms/send", json={"msg": "hi"})
    assert response.status_code == 201

A request becomes the event of the chosen ingress, the app answers it as on Lambda, and the gateway turns the
result back into HTTP.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from werkzeug.test import Client, EnvironBuilder, TestResponse
from werkzeug.wrappers import Request

from microlambda.emulator.gateway import Gateway
from microlambda.testing.event_methods import EventMethods
from microlambda.testing.exchange import Exchange
from microlambda.testing.gatekeeper import Gatekeeper
from microlambda.testing.known_user import claims_of
from microlambda.testing.signing import TEST_PRINCIPAL, Signer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Self

    from _typeshed.wsgi import WSGIEnvironment

    from microlambda import App
    from microlambda.runtime.sessions import Session
    from microlambda.testing.gatekeeper import Keys

# What may stand in a request target as it is: RFC 3986's characters, and '%' for what is encoded already.
_SAFE = "%!$&'()*+,/:;=@~?[]"

# Keys of the WSGI environ.
_EXCHANGE = "microlambda.exchange"
_HEADERS = "microlambda.headers"  # the gateway's: all pairs as they were given
_OWN_COOKIE = "microlambda.own_cookie"  # the request brought a Cookie header, so the kept cookies stay out


class Response(TestResponse):
    """Werkzeug's response (`status_code`, `json`, `text`, `data`, `headers`, `history`), and the event."""

    @property
    def json(self) -> Any:
        """The body, parsed, where it is JSON; else None."""
        return self.get_json()

    @property
    def event(self) -> Any:
        """The event that the app was given, a dict; None where the gateway answered by itself."""
        return self.request.environ[_EXCHANGE].event

    @property
    def lambda_result(self) -> Any:
        """What the app answered to the event, before the gateway made HTTP of it."""
        return self.request.environ[_EXCHANGE].result

    @property
    def explanation(self) -> str | None:
        """Why the gateway answered by itself, or asks no authorizer at all, in words; else None."""
        explanation: str | None = self.request.environ[_EXCHANGE].explanation
        return explanation


class TestClient(EventMethods, Client):
    """Speaks HTTP to an app, and sends it events, without a server.

    `ingress` is "http-api", "http-api-1.0" (payload format 1.0), "rest-api", "function-url", "alb",
    "alb-multi-value" or "vpc-lattice", and each request may name another one. With `raise_errors`, an error
    that the app does not handle reaches the test; without, it is the 500 that callers get. Cookies are kept
    from one request to the next unless `use_cookies` is False. Before a view that asks for an API key, the
    ingress "rest-api" takes those of `api_keys`, and any where none are given.

    Authorizers decide as on AWS: the app's functions run in this process, and tokens are checked by `jwks`, a
    JWKS, a mapping of issuers to theirs or the path of a file with either. What the functions answer is kept
    as long as they say. `as_user` and `signed` make clients that are let in.
    """

    __test__ = False  # pytest: not a test class

    def __init__(
        self,
        app: App,
        *,
        ingress: str = "http-api",
        raise_errors: bool = True,
        use_cookies: bool = True,
        api_keys: Iterable[str] | None = None,
        jwks: Keys | None = None,
    ) -> None:
        if isinstance(api_keys, str):
            raise TypeError("api_keys takes the values of keys in a list, of one if need be.")
        super().__init__(_through_gateway, Response, use_cookies=use_cookies)
        self.app = app
        self.ingress = ingress
        self.api_keys = None if api_keys is None else tuple(api_keys)
        self.raise_errors = raise_errors
        self.gatekeeper = Gatekeeper(app, keys=jwks, raise_errors=raise_errors)
        self.signer: Signer | None = None
        self.connections = {}
        self._jwks = jwks
        self._user: Mapping[str, Any] | None = None
        self._redirecting: Request | None = None
        Gateway(ingress, _never)  # an unknown name is an error here, not at the first request

    def __enter__(self) -> Self:
        """Allow `with app.test_client() as client:`, at whose end mounted ASGI applications shut down."""
        return self

    def __exit__(self, *_: object) -> None:
        for _prefix, rule in self.app.route_table.mounts:
            view: Any = rule.view
            if view.interface == "asgi":
                view.lifespan.stop()

    def as_user(self, user: str | Mapping[str, Any] = "user") -> TestClient:
        """A new client of the same app that every authorizer lets in, without tokens, as this user.

        `user` are claims, or the `sub` among them. Where a token is asked for, the view gets these, with an
        issuer and an audience, if they have one of the scopes that it takes. Of what a function says, `sub`
        is the principal and the rest, as far as it is flat, the context. To AWS the claim `arn` counts.
        """
        return self._like(user=claims_of(user), signer=self.signer)

    def signed(
        self, access_key: str = TEST_PRINCIPAL.access_key, secret: str = TEST_PRINCIPAL.secret
    ) -> TestClient:
        """A new client of the same app whose requests AWS's signer has signed: for an IAMAuthorizer.

        The key is that of the user `arn:aws:iam::123456789012:user/test`, the one that is known here.
        """
        return self._like(user=self._user, signer=Signer(access_key=access_key, secret=secret))

    def _like(self, *, user: Mapping[str, Any] | None, signer: Signer | None) -> TestClient:
        """A client with the same options, and cookies of its own."""
        made = TestClient(
            self.app,
            ingress=self.ingress,
            raise_errors=self.raise_errors,
            use_cookies=self._cookies is not None,
            api_keys=self.api_keys,
            jwks=self._jwks,
        )
        made._user, made.signer = user, signer
        made.gatekeeper = Gatekeeper(self.app, keys=self._jwks, raise_errors=self.raise_errors, user=user)
        return made

    def open(
        self,
        path: str | EnvironBuilder | WSGIEnvironment | Request = "/",
        *args: Any,
        ingress: str | None = None,
        follow_redirects: bool = False,
        buffered: bool = False,
        **options: Any,
    ) -> Response:
        """Send one request, and answer the response.

        `path` is taken as it is: what is percent-encoded stays so. Options are those of Werkzeug's
        `EnvironBuilder`: `method`, `json`, `data` (a dict is a form, str and bytes are the body), `headers`
        (a list keeps repeats, order and case), `query_string`, `auth`, `content_type`.
        """
        environ = _environ(path, args, options)
        if self._redirecting is not None:
            ingress = _carry_over(self._redirecting.environ, environ)
        environ[_EXCHANGE] = Exchange(
            self.app,
            ingress or self.ingress,
            raise_errors=self.raise_errors,
            api_keys=self.api_keys,
            gatekeeper=self.gatekeeper,
            signer=self.signer,
        )
        response = super().open(Request(environ), follow_redirects=follow_redirects, buffered=buffered)
        assert isinstance(response, Response)  # noqa: S101 - tells mypy what __init__ asked for
        return response

    @contextmanager
    def session_transaction(self) -> Iterator[Session]:
        """The `session` as the next request finds it, to look into and to change, as in Flask:

        with client.session_transaction() as session:
            session["user"] = "ann"
        """
        from microlambda.runtime.sessions import cookie_name, opened

        name, domain = cookie_name(self.app), self.app.config.get("SESSION_COOKIE_DOMAIN") or "localhost"
        path = self.app.config.get("SESSION_COOKIE_PATH") or "/"
        kept = self.get_cookie(name, domain=domain, path=path)
        session = opened(self.app, None if kept is None else kept.value)
        yield session
        if session:
            self.set_cookie(name, session.signed(self.app), domain=domain, path=path)
        elif session.modified:
            self.delete_cookie(name, domain=domain, path=path)

    def get(self, *args: Any, **kw: Any) -> Response:
        """`open` for GET."""
        return self.open(*args, **{**kw, "method": "GET"})

    def post(self, *args: Any, **kw: Any) -> Response:
        """`open` for POST."""
        return self.open(*args, **{**kw, "method": "POST"})

    def put(self, *args: Any, **kw: Any) -> Response:
        """`open` for PUT."""
        return self.open(*args, **{**kw, "method": "PUT"})

    def patch(self, *args: Any, **kw: Any) -> Response:
        """`open` for PATCH."""
        return self.open(*args, **{**kw, "method": "PATCH"})

    def delete(self, *args: Any, **kw: Any) -> Response:
        """`open` for DELETE."""
        return self.open(*args, **{**kw, "method": "DELETE"})

    def head(self, *args: Any, **kw: Any) -> Response:
        """`open` for HEAD."""
        return self.open(*args, **{**kw, "method": "HEAD"})

    def options(self, *args: Any, **kw: Any) -> Response:
        """`open` for OPTIONS."""
        return self.open(*args, **{**kw, "method": "OPTIONS"})

    def resolve_redirect(self, response: TestResponse, buffered: bool = False) -> TestResponse:
        """Follow one redirect: the same ingress, the same headers; 307 and 308 send the body again."""
        self._redirecting = response.request
        response.request.environ["wsgi.input"].seek(0)
        try:
            return super().resolve_redirect(response, buffered=buffered)
        finally:
            self._redirecting = None

    def _add_cookies_to_wsgi(self, environ: WSGIEnvironment) -> None:
        if not environ[_OWN_COOKIE]:
            super()._add_cookies_to_wsgi(environ)


def _environ(
    path: str | EnvironBuilder | WSGIEnvironment | Request, args: tuple[Any, ...], options: dict[str, Any]
) -> WSGIEnvironment:
    if isinstance(path, Request):
        path = path.environ
    if isinstance(path, dict):
        return {_OWN_COOKIE: "HTTP_COOKIE" in path, **path}
    if isinstance(path, EnvironBuilder):
        builder = path
    else:
        # Two slashes in front are a path here, and another host to EnvironBuilder.
        builder = EnvironBuilder(f"/{path.lstrip('/')}" if path.startswith("//") else path, *args, **options)
        builder.request_uri = path
    try:
        environ = builder.get_environ()
        environ["REQUEST_URI"] = environ["RAW_URI"] = _target(builder)
        environ[_HEADERS] = list(builder.headers)
        environ[_OWN_COOKIE] = "Cookie" in builder.headers
        return environ
    finally:
        builder.close()


def _carry_over(before: WSGIEnvironment, environ: WSGIEnvironment) -> str:
    """Give a redirected request what Werkzeug loses on the way, and answer the ingress."""
    own_cookie = environ[_OWN_COOKIE] = before[_OWN_COOKIE]
    dropped = ("host",) if own_cookie else ("host", "cookie")
    environ[_HEADERS] = [pair for pair in before[_HEADERS] if pair[0].lower() not in dropped]
    if not own_cookie:
        environ.pop("HTTP_COOKIE", None)
    ingress: str = before[_EXCHANGE].ingress
    return ingress


def _target(builder: EnvironBuilder) -> str:
    """Write the request target: the path as the test wrote it, what ASCII lacks encoded."""
    path = builder.request_uri.partition("#")[0].partition("?")[0]
    if not path.startswith("/"):
        path = f"/{builder.path.lstrip('/')}"
    target = quote(f"{builder.script_root}{path}", safe=_SAFE)
    query = quote(builder.query_string, safe=_SAFE)
    return f"{target}?{query}" if query else target


def _through_gateway(environ: WSGIEnvironment, start_response: Any) -> Any:
    """The WSGI application that Werkzeug's client calls: it completes the exact headers, and hands over."""
    headers = [
        (name, value)
        for name, value in environ.get(_HEADERS, ())
        if name.lower() not in ("content-type", "content-length")
    ]
    given = {name.lower() for name, _ in headers}
    added = {
        "Host": environ["HTTP_HOST"],
        "Content-Type": environ.get("CONTENT_TYPE"),
        "Content-Length": environ.get("CONTENT_LENGTH"),
        "Cookie": environ.get("HTTP_COOKIE"),
    }
    headers += [(name, value) for name, value in added.items() if value and name.lower() not in given]
    exchange: Exchange = environ[_EXCHANGE]
    return exchange.answer({**environ, _HEADERS: headers}, start_response)


def _never(_event: bytes) -> Any:
    raise TypeError("this gateway is never called")
