"""An app served over WSGI, through each gateway and on a socket; schemathesis and hypothesis ask it anything.

The OpenAPI document is written by hand. What schemathesis makes of it, right and wrong, is answered as it
says: its statuses, content types, schemas and headers, and 405 with `Allow` for the methods that it lacks.
"""

from __future__ import annotations

import re
import socket
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import negative_data_rejection

from microlambda import (
    CORS,
    App,
    BadRequest,
    ContentTooLarge,
    NotFound,
    Request,
    Response,
    Unauthorized,
    UnprocessableEntity,
    UnsupportedMediaType,
    make_response,
    redirect,
    request,
    url_for,
)
from microlambda.emulator.gateway import INGRESSES
from microlambda.emulator.server import Server
from microlambda.testing.exchange import Exchange

app = App("shop")
JSON = "application/json"
PROBLEM = "application/problem+json"


def number(text: str, low: int, high: int) -> int:
    """What a view makes of a parameter that must be an integer."""
    if not text.removeprefix("-").isdecimal() or not text.isascii() or not low <= int(text[:9]) <= high:
        raise BadRequest(f"{text!r} is no number from {low} to {high}.")
    return int(text)


@app.get("/openapi.json")
def document() -> Any:
    return DOCUMENT


@app.get("/items")
def items() -> Any:
    limit = number(request.args.get("limit", "10"), 1, 100)
    return [{"id": n + 1, "tags": request.args.getlist("tag")} for n in range(limit)]


@app.post("/items", content_types=[JSON])
def create_item() -> Any:
    item = request.json
    if not isinstance(item, dict) or not isinstance(item.get("name"), str) or not item["name"]:
        raise UnprocessableEntity("an item is an object with a name.")
    if not isinstance(item.get("price", 0), (int, float)) or isinstance(item.get("price"), bool):
        raise UnprocessableEntity("a price is a number.")
    return {"id": 7, "name": item["name"], "tags": []}, 201, {"Location": "/items/7"}


def in_stock(id: int) -> int:
    if not 1 <= id <= 9:
        raise NotFound(f"there is no item {id}.")
    return id


@app.get("/items/<int:id>")
def item(id: int) -> Any:
    return {"id": in_stock(id), "tags": []}


@app.put("/items/<int:id>", content_types=["application/octet-stream"])
def replace_item(id: int) -> Any:
    in_stock(id)
    return request.data, {"Content-Type": "application/octet-stream"}


@app.delete("/items/<int:id>")
def delete_item(id: int) -> Any:
    in_stock(id)
    return "", 204


@app.get("/orders/<uuid:id>")
async def order(id: Any) -> Any:
    return {"id": id}


@app.get("/pages/<name>")
def page(name: str) -> Any:
    if name == "missing":
        raise NotFound("there is no such page.")
    return (piece for piece in ("<p>", name, "</p>"))


@app.post("/form", content_types=["application/x-www-form-urlencoded"])
def form() -> Any:
    return {"name": request.form["name"], "age": number(request.form["age"], 0, 150)}


@app.post("/upload", content_types=["multipart/form-data"])
def upload() -> Any:
    file = request.files.get("file")
    size = len(file.read()) if file is not None else len(request.form["file"].encode())
    return {"note": request.form["note"], "size": size}, 201


@app.get("/me")
def me() -> Any:
    if request.headers.get("X-Token", "") != "letmein":
        raise Unauthorized("X-Token is missing.", headers={"WWW-Authenticate": "Token"})
    response = Response({"basket": request.cookies.get("basket")})
    response.set_cookie("seen", "1", path="/me", httponly=True)
    return response


@app.get("/broken")
def broken() -> Any:
    raise RuntimeError("on purpose")


def answers(kind: str | None, schema: dict[str, Any] | None, *problems: int, status: int = 200) -> Any:
    """The responses of an operation: the good one, and problem documents."""
    good: dict[str, Any] = {"description": "good"}
    if kind is not None:
        good["content"] = {kind: {"schema": schema or {}}}
    problem = {
        "description": "bad",
        "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    return {str(status): good, **{str(one): problem for one in problems}}


def given_in(where: str, name: str, schema: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    return {"in": where, "name": name, "schema": schema, "required": required}


def takes(kind: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {kind: {"schema": schema}}}


def record(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required}


TEXT: dict[str, Any] = {"type": "string"}
NUMBER: dict[str, Any] = {"type": "integer"}
TAGS: dict[str, Any] = {"type": "array", "items": TEXT}
ITEM = {"$ref": "#/components/schemas/Item"}
ID = given_in("path", "id", {"type": "integer", "minimum": 1, "maximum": 9})
BYTES = "application/octet-stream"
BROKEN = answers(None, None, 500)
del BROKEN["200"]
CREATED = answers(JSON, ITEM, 400, 415, 422, status=201)
CREATED["201"]["headers"] = {
    "Location": {"required": True, "schema": {"type": "string", "pattern": "^/items/7$"}}
}

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "shop", "version": "1"},
    "components": {
        "schemas": {
            "Problem": record(
                ["type", "title", "status"],
                type={"const": "about:blank"},
                title=TEXT,
                status={"type": "integer", "minimum": 400},
                detail=TEXT,
            ),
            "Item": {
                **record(["id", "tags"], id=NUMBER, name=TEXT, tags=TAGS),
                "additionalProperties": False,
            },
        }
    },
    "paths": {
        "/items": {
            "get": {
                "parameters": [
                    given_in("query", "limit", {**NUMBER, "minimum": 1, "maximum": 100}, required=False),
                    given_in("query", "tag", TAGS, required=False),
                ],
                "responses": answers(JSON, {"type": "array", "items": ITEM}, 400),
            },
            "post": {
                "requestBody": takes(
                    JSON, record(["name"], name={**TEXT, "minLength": 1}, price={"type": "number"})
                ),
                "responses": CREATED,
            },
        },
        "/items/{id}": {
            "parameters": [ID],
            "get": {"responses": answers(JSON, ITEM, 404)},
            "put": {
                "requestBody": {**takes(BYTES, {}), "required": False},
                "responses": answers(BYTES, {}, 404, 415),
            },
            "delete": {"responses": answers(None, None, 404, status=204)},
        },
        "/orders/{id}": {
            "get": {
                "parameters": [given_in("path", "id", {**TEXT, "format": "uuid"})],
                "responses": answers(JSON, record(["id"], id={**TEXT, "format": "uuid"}), 404),
            }
        },
        "/pages/{name}": {
            "get": {
                "parameters": [given_in("path", "name", {**TEXT, "minLength": 1})],
                "responses": answers("text/html", TEXT, 404),
            }
        },
        "/form": {
            "post": {
                "requestBody": takes(
                    "application/x-www-form-urlencoded",
                    record(["name", "age"], name=TEXT, age={**NUMBER, "minimum": 0, "maximum": 150}),
                ),
                "responses": answers(JSON, record(["name", "age"], name=TEXT, age=NUMBER), 400, 415),
            }
        },
        "/upload": {
            "post": {
                "requestBody": takes(
                    "multipart/form-data",
                    record(["note", "file"], note=TEXT, file={**TEXT, "contentMediaType": BYTES}),
                ),
                "responses": answers(
                    JSON, record(["note", "size"], note=TEXT, size=NUMBER), 400, 415, status=201
                ),
            }
        },
        "/me": {
            "get": {
                "parameters": [
                    given_in("header", "X-Token", {"const": "letmein"}),
                    given_in("cookie", "basket", TEXT, required=False),
                ],
                "responses": answers(JSON, record(["basket"], basket={"type": ["string", "null"]}), 401),
            }
        },
        "/broken": {"get": {"responses": BROKEN}},
    },
}

api = schemathesis.openapi.from_wsgi("/openapi.json", app.wsgi)
QUICK = settings(max_examples=20, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
AS_IT_IS = {"Accept-Encoding": "identity"}  # schemathesis does not decode what comes over WSGI


def not_asked(case: schemathesis.Case[Any]) -> list[Any]:
    """The checks that ask for what the document, or its kind of body, does not promise."""
    if case.path == "/broken":
        return [not_a_server_error]
    return [negative_data_rejection] if case.path == "/upload" else []  # a part of a form has no type


@api.parametrize()
@QUICK
def test_the_app_answers_as_its_document_says(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(headers=AS_IT_IS, excluded_checks=not_asked(case))


@api.parametrize()
@QUICK
def test_the_app_answers_so_behind_every_gateway(case: schemathesis.Case[Any]) -> None:
    ingress = sorted(INGRESSES)[zlib.crc32(repr((case.path_parameters, case.query, case.body)).encode()) % 7]
    exchange = Exchange(app, ingress, raise_errors=False)

    def front(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        target = environ["REQUEST_URI"]  # Werkzeug's client leaves the query out of it
        query = "" if "?" in target else environ["QUERY_STRING"]
        return exchange.answer({**environ, "REQUEST_URI": f"{target}?{query}"}, start_response)

    response = case.call(app=front, headers=AS_IT_IS)

    if exchange.event is None:  # the gateway has refused it: as a method, a path or header that is none
        assert response.status_code == 400
    else:
        case.validate_response(response, excluded_checks=not_asked(case))


# Anything at all, on a socket -----------------------------------------------------------------

wild = App("wild")
wild.cors = CORS(["https://*.shop.example", re.compile(".*local.*", re.DOTALL)], credentials=True)


def all_of_it() -> dict[str, str]:
    """Whatever a request has a name for, read, or the status that the caller gets for it."""
    told = {}
    for name in dir(Request):
        if not name.startswith("_"):
            try:
                told[name] = repr(getattr(request, name))
            except (BadRequest, ContentTooLarge, UnsupportedMediaType) as exc:
                told[name] = str(exc.status_code)
    return told


@wild.route("/", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
@wild.route("/read/<path:rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def read(rest: str = "") -> Any:
    return all_of_it()


@wild.post("/json")
def read_json() -> Any:
    return {"read": request.json}


@wild.get("/<int(signed=True):number>/<float:fraction>/<uuid:id>/")
@wild.get("/users/")
@wild.get("/<any(a, b):kind>")
def typed(**captured: Any) -> Any:
    return make_response(captured).make_conditional(request)


@wild.get("/tagged")
def tagged() -> Any:
    response = make_response(b"0123456789" * 200)
    response.last_modified = 1_700_000_000
    response.set_etag("v1")
    return response.make_conditional(request)


@wild.get("/pieces")
def pieces() -> Any:
    yield request.path
    yield request.args.get("a", "")


@wild.get("/away/<path:rest>")
def away(rest: str) -> Any:
    if not rest.isprintable():
        raise BadRequest("control characters lead nowhere.")
    return redirect(rest)


@wild.get("/link/<path:rest>")
def link(rest: str) -> Any:
    return {"link": url_for("read", rest=rest, q=request.args.getlist("a"), _anchor=rest, _external=True)}


METHODS = "GET GET POST PUT PATCH DELETE HEAD OPTIONS OPTIONS TRACE get M-SEARCH".split()
#: What ends in a slash is gone on with.
PLACES = "/ /read/ /read/ /read/ /json /1/2.5/ /users /a /tagged /pieces /away/ /link/ /x".split()
SCRAPS = """
    a %20 %2F %25 %c3%a9 %00 %0d%0a %ff %zz % / // . .. ; = : @ + é < { \\
    c9bf9e57-1685-4c89-bafb-ff5af830be8a
""".split()
QUERIES = "a a= &a=1 &a=2 &&& a=%zz %ff=1 a=%0d%0a a=+ é=é ? =1 a[]=1 a=1;b=2".split()
FIELDS = """
    Accept Accept-Charset Accept-Encoding Accept-Language Access-Control-Request-Headers Authorization
    Access-Control-Request-Method Cache-Control Content-Encoding Content-Type Cookie Date If-Match
    If-Modified-Since If-None-Match If-Range If-Unmodified-Since Max-Forwards Origin Range Referer User-Agent
    X-Forwarded-For X-Forwarded-Proto X-Any Host Expect
""".split()
VALUES = [
    *b"""
    */* text/html;q=0.5 application/json application/x-www-form-urlencoded multipart/form-data;boundary=b
    a/b;charset=no text/plain;charset=utf-16 gzip,br;q=0 *;q=x de-DE,en POST Basic max-age=x no-cache="a,b
    a=b;c="d;e=f a=%zz W/"v1","v2" * "v1" bytes=0-5 bytes=-99999 bytes=9-1 bytes=0-1,4-5 x=1-2 null
    99999999999999999999 https://a.shop.example https://evil.example http://localhost:1 1.2.3.4,5.6.7.8
    [::1]:80 a:b:c @ = , ; " "\\ ,,,a;;;=b
    """.split(),
    b"Basic YTpi", b"Basic\xa0YTpi", b"Bearer x", b'Digest a="b', b"Tue, 14 Nov 2023 22:13:20 GMT",
    b"Fri, 99 Xyz 99999 99:99:99 +9999", b"\xff\xe9", b"\x01", b"\r", b"a\rb", b"localhost\r",
]  # fmt: skip
BODIES = [
    b"", b"{}", b"[1, 2", b"\xff\xfe", b'{"a": 1e999}', b"[" * 3000, b"a=1&b=%zz&c=%ff", b"x" * 3000,
    b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n',
    b'--b\r\nContent-Disposition: form-data; name="a"; filename="\xe9"\r\nContent-Type: x\r\n\r\n1\r\n--b--',
    b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n', b'"\\ud800"',
]  # fmt: skip


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """A request as bytes; its framing alone is always right, and NUL is for the server to refuse."""
    target = draw(st.sampled_from(PLACES))
    if target.endswith("/"):
        target += "".join(draw(st.lists(st.sampled_from(SCRAPS), max_size=3)))
    query = draw(st.lists(st.sampled_from(QUERIES), max_size=3))
    line = f"{draw(st.sampled_from(METHODS))} {target}{'?' if query else ''}{''.join(query)} HTTP/1.1"
    value = st.sampled_from(VALUES) | st.binary(max_size=6).filter(lambda data: not {0, 10} & set(data))
    fields = draw(
        st.lists(st.tuples(st.sampled_from(FIELDS), st.lists(value, max_size=2).map(b",".join)), max_size=5)
    )
    body = draw(st.sampled_from(BODIES) | st.binary(max_size=20))
    framing = b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    if body and draw(st.booleans()):
        framing = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    lines = [line.encode(), b"Host: shop.example", b"Connection: close"]
    lines += [name.encode() + b": " + text for name, text in fields]
    return b"\r\n".join([*lines, framing])


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    """The app behind each gateway, and as plain WSGI, each on a port."""

    def invoked(ingress: str) -> Any:
        return lambda environ, start: Exchange(wild, ingress, raise_errors=False).answer(environ, start)

    with ExitStack() as stack:
        served = {ingress: invoked(ingress) for ingress in INGRESSES} | {"wsgi": wild.wsgi}
        yield {name: stack.enter_context(Server(front)).port for name, front in served.items()}


def sent(port: int, message: bytes) -> tuple[int, bytes]:
    """The status and the whole answer, which must be well-formed."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as connection:
        connection.sendall(message)
        with connection.makefile("rb") as stream:
            received = stream.read()
    received = received.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    head, end, body = received.partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    assert end
    assert re.fullmatch(rb"HTTP/1\.1 [2-5]\d\d [ -~]+", line)
    for field in fields:
        assert re.fullmatch(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [\t -~\x80-\xff]*", field)
    status = int(line.split()[1])
    lengths = [int(field.split()[1]) for field in fields if field.lower().startswith(b"content-length:")]
    if message.startswith(b"HEAD ") or status in (204, 304):
        assert body == b""
    elif b"Transfer-Encoding: chunked" in fields:
        assert body.endswith(b"0\r\n\r\n")
    else:
        assert lengths == [len(body)]
    return status, received


@settings(max_examples=400, derandomize=True, deadline=None)
@given(message=messages(), name=st.sampled_from(["wsgi", *sorted(INGRESSES)]))
def test_whatever_is_sent_is_answered_and_never_by_a_500(
    ports: dict[str, int], message: bytes, name: str
) -> None:
    status, received = sent(ports[name], message)

    assert status < 500, received
