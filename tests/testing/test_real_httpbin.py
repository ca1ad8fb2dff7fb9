"""httpbin tells what it was asked: the same behind a gateway as behind a plain server."""

from __future__ import annotations

import gzip
import json
import logging
import zlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import brotli  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microlambda.emulator.gateway import INGRESSES
from tests.testing.both_ways import BothWays
from tests.testing.generated import TOKENS, Asked, paths, requests_under
from tests.testing.plain_servers import Answered, served_by_werkzeug

#: What clients send by themselves, each its own.
CLIENT = {"Host": "shop.example", "User-Agent": "a browser", "Accept-Encoding": "identity"}

DECODED = {"gzip": gzip.decompress, "deflate": zlib.decompress, "br": brotli.decompress, "identity": bytes}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def httpbin() -> Iterator[BothWays]:
    logging.getLogger("httpbin.core").setLevel(logging.ERROR)  # it warns that it has no Swagger
    from httpbin import app

    with served_by_werkzeug(app) as port:
        yield BothWays(app, port)


def asked(method: str, path: str, *pairs: tuple[str, str], **headers: str) -> Asked:
    return Asked(
        method=method,
        path=path,
        query=list(pairs),
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def basic(user: str, password: str) -> str:
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


NUMBERS = st.integers(0, 300).map(str)
#: httpbin knows some of these, and has a body for them; 100 to 199 no server sends on.
STATUSES = st.one_of(st.sampled_from("202 204 301 302 304 305 401 402 406 407 418".split()),
                     st.integers(200, 599).map(str))  # fmt: skip
SEEDS = st.integers(0, 99).map(str)

#: What has one answer, or none.
PAGES = """
    / /html /robots.txt /deny /ip /headers /user-agent /get /post /gzip /deflate /brotli /xml /json
    /forms/post /encoding/utf8 /image/png /image/jpeg /image/svg /image/webp /cookies /bearer /delay/0
    /static/favicon.ico /none /status/abc /%00 /anything /anything/ /anything//""".split()

#: The views whose answer depends on how they are asked, and on nothing else.
VIEWS = st.one_of(
    st.builds(lambda pairs: asked("GET", "/cookies/set", *pairs), st.lists(st.tuples(TOKENS, TOKENS))),
    st.builds(lambda name: asked("GET", "/cookies/delete", (name, ""), Cookie=f"{name}=1; b=2"), TOKENS),
    st.builds(
        lambda method, to, code: asked(method, "/redirect-to", ("url", to), ("status_code", code)),
        st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]),
        st.one_of(paths("https://shop.example"), paths(""), st.just("/ü?q=ä b")),
        st.sampled_from(["302", "307", "200", "999"]),
    ),
    st.builds(
        lambda kind, count: asked("GET", f"/{kind}/{count}"),
        st.sampled_from(["redirect", "relative-redirect", "absolute-redirect", "stream", "links"]),
        st.integers(1, 4),
    ),
    st.builds(
        lambda method, code: asked(method, f"/status/{code}"),
        st.sampled_from(["GET", "POST", "DELETE", "HEAD"]),
        STATUSES,
    ),
    st.builds(
        lambda fields: asked("POST", "/response-headers", *fields.items()),
        st.dictionaries(TOKENS.map(lambda name: f"X-{name.title()}"), st.text("az ,;=\"'", max_size=6)),
    ),
    st.builds(
        lambda kind, count, seed: asked("GET", f"/{kind}/{count}", ("seed", seed), ("chunk_size", "7")),
        st.sampled_from(["bytes", "stream-bytes"]),
        NUMBERS,
        SEEDS,
    ),
    st.builds(
        lambda first, last: asked("GET", "/range/200", Range=f"bytes={first}-{last}"),
        st.just("") | NUMBERS,
        st.just("") | NUMBERS,
    ),
    st.builds(
        lambda etag, sent, name: asked("GET", f"/etag/{etag}", **{name: f'"{sent}"'}),
        TOKENS,
        TOKENS | st.just("a"),
        st.sampled_from(["If_None_Match", "If_Match"]),
    ),
    st.builds(
        lambda user, password, given, hidden: asked(
            "GET",
            f"/{hidden}basic-auth/{quote(user, safe='')}/{quote(password, safe='')}",
            Authorization=basic(user, given or password),
        ),
        st.text("aü", min_size=1, max_size=4),
        TOKENS,
        st.none() | TOKENS,
        st.sampled_from(["", "hidden-"]),
    ),
    st.builds(lambda token: asked("GET", "/bearer", Authorization=f"Bearer {token}"), TOKENS),
    st.builds(
        lambda text: asked("GET", f"/base64/{urlsafe_b64encode(text.encode()).decode()}"),
        st.text("aü😀", min_size=1, max_size=9),
    ),
    st.builds(
        lambda accept: asked("GET", "/image", **({"Accept": accept} if accept else {})),
        st.sampled_from(["", "image/webp", "image/*", "image/svg+xml", "text/html"]),
    ),
    st.builds(
        lambda count, code: asked("GET", "/drip", ("numbytes", count), ("duration", "0"), ("code", code)),
        NUMBERS,
        st.sampled_from(["200", "404"]),
    ),
)


def as_told(answer: Answered) -> Any:
    """The answer with what it says of the way that the request came taken away.

    That is the address of the caller, the scheme, the fields that gateways add, the length of a body that is
    none (gateways drop "0"), and the connection. A REST API renames WWW-Authenticate.
    """
    status, headers, body = answer
    encoding = dict(headers).get("content-encoding", "identity")
    if body:
        body = DECODED[encoding](body).replace(b"https:", b"http:")
    kept = [
        (name, value.replace("https:", "http:").replace("; Secure", ""))
        for name, value in headers
        if body or name != "content-type"  # of a body that is none
    ]
    return status, kept, [without_the_way(piece) for piece in pieces_of(body)]


def pieces_of(body: bytes) -> list[Any]:
    """The JSON of a body, or of each of its lines, where it is such."""
    for pieces in ([body], body.splitlines()):
        try:
            return [json.loads(piece) for piece in pieces]
        except ValueError:
            continue
    return [body]


def without_the_way(told: Any) -> Any:
    if not isinstance(told, dict):
        return told
    told = {name: value for name, value in told.items() if name != "origin"}
    if isinstance(told.get("headers"), dict):
        told["headers"] = {
            name: value
            for name, value in told["headers"].items()
            if not name.startswith(("X-Amz", "X-Forwarded")) and (name, value) != ("Content-Length", "0")
        }
    return told


def agree(httpbin: BothWays, ingress: str, request: Asked) -> Answered:
    target, headers = request.canonical_target(ingress), {**CLIENT, **request.fields}
    return httpbin.agree(ingress, request.method, target, headers, request.content, compared=as_told)


@pytest.mark.parametrize("ingress", INGRESSES)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "DELETE"])
def test_each_page(httpbin: BothWays, ingress: str, method: str) -> None:
    for page in PAGES:
        agree(httpbin, ingress, asked(method, page))


@pytest.mark.parametrize("ingress", INGRESSES)
def test_what_has_not_changed_since(httpbin: BothWays, ingress: str) -> None:
    known = asked("GET", "/cache", If_Modified_Since="Sat, 01 Jan 2000 00:00:00 GMT")
    assert agree(httpbin, ingress, known)[0] == 304


@pytest.mark.parametrize("ingress", INGRESSES)
@settings(max_examples=100)
@given(request=requests_under("/anything"))
def test_what_it_was_asked(httpbin: BothWays, ingress: str, request: Asked) -> None:
    agree(httpbin, ingress, request)


@pytest.mark.parametrize("ingress", INGRESSES)
@settings(max_examples=150)
@given(request=VIEWS)
def test_what_it_answers(httpbin: BothWays, ingress: str, request: Asked) -> None:
    agree(httpbin, ingress, request)
