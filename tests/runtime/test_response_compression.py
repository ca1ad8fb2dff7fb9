"""Compressed answers: for whom, which, and what the headers say about it."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import brotli  # type: ignore[import-untyped]
import pytest
import werkzeug.http
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from microlambda import App, Response
from microlambda.runtime.http import compression
from microlambda.runtime.http.compression import acceptable, compressed, is_compressible
from microlambda.runtime.http.headers import Headers

TEXT = "caf\u00e9 " * 1000
KNOWN = ("br", "zstd", "gzip")
DECODE: dict[str | None, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompress(data),
    None: bytes,
}


@pytest.fixture
def libraries(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Take libraries away, as if they were not installed."""

    def hide(*names: str) -> None:
        monkeypatch.setattr(compression, "_FOUND", {})
        for name in names:
            monkeypatch.setitem(sys.modules, name, None)

    hide()
    return hide


def ask(app: App, accept_encoding: str | None, answer: Any = TEXT, method: str = "GET") -> Any:
    app.add_url_rule("/", view_func=lambda: answer)
    headers = {} if accept_encoding is None else {"Accept-Encoding": accept_encoding}
    return app.test_client().open("/", method=method, headers=headers)


@pytest.mark.parametrize(
    ("accept_encoding", "coding"),
    [
        (None, None),
        ("", None),
        ("gzip", "gzip"),
        ("GZIP;Q=0.5", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("deflate", None),
        ("zstd", "zstd"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("br;q=0, zstd;q=0, *", "gzip"),
        ("*", "br"),
        ("*;q=0", None),
        ("gzip;q=0", None),
        ("gzip;q=0.000, *;q=0.1", "br"),
        ("identity", None),
        ("identity;q=0, gzip;q=0.1", "gzip"),
        ("identity;q=1, gzip;q=0.5", None),
        ("identity;q=0", None),
        ("gzip;q=nonsense", None),
        ("gzip;q=2", None),
        (",;,gzip;a=b", "gzip"),
    ],
)
def test_the_coding_that_the_caller_likes_best(
    app: App, libraries: Callable[..., None], accept_encoding: str | None, coding: str | None
) -> None:
    response = ask(app, accept_encoding)

    assert response.headers.get("content-encoding") == coding
    assert DECODE[coding](response.data).decode() == TEXT
    assert (len(response.data) < 500) == (coding is not None)
    assert int(response.headers["content-length"]) == len(response.data)


def test_without_the_libraries_there_is_gzip(app: App, libraries: Callable[..., None]) -> None:
    libraries("brotli", "zstandard", "compression")

    assert ask(app, "br, zstd, gzip;q=0.1").headers["content-encoding"] == "gzip"


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["br", "zstd", "gzip", "deflate", "*"]),
            st.sampled_from(["", ";q=0", ";q=0.3", "; q=0.7", ";q=1"]),
        ),
        unique_by=lambda one: one[0],
    )
)
def test_werkzeug_finds_the_same_codings_acceptable(items: list[tuple[str, str]]) -> None:
    header = ", ".join(coding + weight for coding, weight in items)
    judge = werkzeug.http.parse_accept_header(header)

    ours = acceptable(header, KNOWN)

    assert set(ours) == {coding for coding in KNOWN if judge.quality(coding) > 0}
    assert [judge.quality(coding) for coding in ours] == sorted(map(judge.quality, ours), reverse=True)


def test_the_same_answer_has_the_same_bytes() -> None:
    bodies = {compressed(Response(content_type="text/plain"), TEXT, "gzip", 0) for _ in range(2)}

    (body,) = bodies
    assert isinstance(body, bytes)
    assert body[4:8] == bytes(4)  # no time in it
    assert zlib.decompress(body, 31).decode() == TEXT


@pytest.mark.parametrize(
    ("content_type", "is_packed"),
    [
        ("text/html; charset=utf-8", True),
        ("TEXT/PLAIN", True),
        ("application/json", True),
        ("application/problem+json", True),
        ("application/javascript", True),
        ("application/xml", True),
        ("image/svg+xml", True),
        ("application/wasm", True),
        ("font/ttf", True),
        ("font/woff2", False),
        ("image/png", False),
        ("application/zip", False),
        ("application/octet-stream", False),
        ("", False),
    ],
)
def test_types_that_shrink(app: App, content_type: str, is_packed: bool) -> None:
    response = Response(TEXT, content_type=content_type)

    assert is_compressible(response) is is_packed
    compressed(response, TEXT, "gzip", 100)
    assert ("content-encoding" in response.headers) is is_packed
    assert ("vary" in response.headers) is is_packed


@pytest.mark.parametrize(
    "response",
    [
        Response(TEXT, headers={"Content-Encoding": "gzip"}),
        Response(TEXT, headers={"Cache-Control": "public, No-Transform"}),
        Response(TEXT, status=206),
        Response(TEXT, headers={"Content-Type": "image/png"}),
    ],
    ids=["encoded", "no-transform", "partial", "image"],
)
def test_an_answer_that_must_stay_as_it_is(app: App, response: Response) -> None:
    before = response.headers.to_wsgi_list()

    answered = ask(app, "gzip", response)

    assert answered.data.decode() == TEXT
    assert "vary" not in answered.headers
    assert [item for item in before if item[0] != "Content-Type"] == [
        item for item in response.headers if item[0] != "Content-Type"
    ]


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_is_not_compressed(status: int) -> None:
    assert not is_compressible(Response(TEXT, status=status, mimetype="text/plain"))


def test_what_does_not_shrink_is_sent_as_it_is() -> None:
    noise = bytes((number * number * 7 + number // 3) % 251 for number in range(60))
    response = Response(noise, content_type="text/plain", headers={"ETag": '"a"'})

    assert compressed(response, noise, "gzip", 10) is noise
    assert response.headers["vary"] == "Accept-Encoding"
    assert response.headers["etag"] == '"a"'
    assert "content-encoding" not in response.headers


def test_a_short_answer_is_left_alone(app: App) -> None:
    response = ask(app, "gzip", "short")

    assert response.data == b"short"
    assert "vary" not in response.headers


@pytest.mark.parametrize(
    ("vary", "sent"),
    [
        (None, "Accept-Encoding"),
        ("Cookie", "Cookie, Accept-Encoding"),
        ("accept-encoding, Cookie", "accept-encoding, Cookie"),
        ("*", "*"),
        (["Cookie", "Origin"], "Cookie, Origin, Accept-Encoding"),
    ],
)
@pytest.mark.parametrize("accept_encoding", ["gzip", "identity"])
def test_vary_names_accept_encoding_once(vary: Any, sent: str, accept_encoding: str) -> None:
    response = Response(content_type="text/plain", headers={} if vary is None else {"Vary": vary})

    compressed(response, TEXT, accept_encoding, 100)

    assert ", ".join(response.headers.getlist("vary")) == sent


def test_headers_that_described_the_plain_bytes_are_corrected() -> None:
    response = Response(
        content_type="text/plain",
        headers=Headers({"ETag": '"a"', "Content-Length": 9, "Accept-Ranges": "bytes", "Content-MD5": "x"}),
    )

    body = compressed(response, TEXT, "gzip", 100)

    assert dict(response.headers.items()) == {
        "Content-Type": "text/plain",
        "ETag": 'W/"a"',
        "Content-Length": str(len(body)),
        "Vary": "Accept-Encoding",
        "Content-Encoding": "gzip",
    }
    assert response.get_etag() == ("a", True)


def test_a_weak_tag_stays_weak_once() -> None:
    response = Response(content_type="text/plain", headers={"ETag": 'W/"a"'})

    compressed(response, TEXT, "gzip", 100)

    assert response.headers["etag"] == 'W/"a"'


def test_a_compressed_answer_matches_the_tag_of_the_plain_one(app: App) -> None:
    @app.get("/tagged")
    def tagged() -> Response:
        response = Response(TEXT)
        response.add_etag()
        return response.make_conditional(app.current_request)

    client = app.test_client()
    first = client.get("/tagged", headers={"Accept-Encoding": "gzip"})
    again = client.get("/tagged", headers={"Accept-Encoding": "gzip", "If-None-Match": first.headers["etag"]})

    assert (first.status_code, first.headers["content-encoding"], again.status_code) == (200, "gzip", 304)


def test_joined_iterables_are_compressed(app: App) -> None:
    def chunks() -> Iterator[str]:
        yield from ["a"] * 5000

    response = ask(app, "gzip", chunks())

    assert gzip.decompress(response.data) == b"a" * 5000
    assert response.headers["content-type"] == "text/html; charset=utf-8"
