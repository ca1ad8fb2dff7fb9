"""The request of a view beside Werkzeug's, given the same HTTP request, over each ingress.

Where the two differ on purpose, `test_request.py` and `test_forms.py` say so in tests of their own:

- a malformed form is a 400 that says where; Werkzeug answers an empty form
- `charset` is honoured, and bytes that are not in it are a 400; Werkzeug reads UTF-8 with U+FFFD
- `data` is the body of a form too; Werkzeug's is empty then
- `url` shows a `%` of the path encoded, and the host as it was asked for, without IDNA decoding
- bytes of a query that are no UTF-8 are U+FFFD; Werkzeug leaves them encoded
- a cookie with spaces or quotes inside its value is kept; Werkzeug leaves it out
- a set of a header's items has each once; Werkzeug's iterates over repeats
- `repr(authorization)` does not show the secret; `user_agent` is a str and true where the header is there
- `range.range_for_length` never answers a range that begins before the content
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import FileStorage as WerkzeugFile
from werkzeug.datastructures import MultiDict as WerkzeugMultiDict
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request as WerkzeugRequest

from microlambda.runtime.http import header_parsing
from microlambda.runtime.http.header_set import HeaderSet
from microlambda.runtime.http.request import Request
from microlambda.runtime.ingress import infer
from microlambda.testing.client import TestClient

INGRESSES = ["function-url", "http-api", "rest-api"]

Both = Callable[..., tuple[Request, WerkzeugRequest]]

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Recorder:
    """Stands where the app stands, and keeps the request that the ingress made of the event."""

    name = "recorder"
    route_table = ()  # no view asks for an API key
    cors = None
    request: Request

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        ingress = infer(event)
        assert ingress is not None
        self.request = ingress.to_request(event, context)
        return {"statusCode": 200}


def through(ingress: str, path: str = "/", **options: Any) -> tuple[Request, WerkzeugRequest]:
    """One request as a view of ours sees it, and as Werkzeug does."""
    recorder = Recorder()
    client = TestClient(recorder, ingress=ingress)  # type: ignore[arg-type]  # all it needs is to be called
    sent = client.open(path, **options).request
    ours = recorder.request
    environ = {**sent.environ, "wsgi.url_scheme": ours.scheme, "SCRIPT_NAME": ours.root_path}
    environ["wsgi.input"].seek(0)
    if ingress == "rest-api":  # that gateway gives the query decoded: how it is spelled is ours to choose
        environ["QUERY_STRING"] = ours.query_string.decode()
    return ours, WerkzeugRequest(environ)


@pytest.fixture(params=INGRESSES)
def both(request: pytest.FixtureRequest) -> Both:
    return lambda *args, **options: through(request.param, *args, **options)


@pytest.mark.parametrize(
    "path", ["/", "/a/b", "/caf%C3%A9", "/a%20b", "/a%3Fb%23c", '/a"<b>', "/a;b=c,d@e", "//x"]
)
@pytest.mark.parametrize(
    "query", ["", "a=1&b=2", "q=caf%C3%A9&r=%26%3D", "a=1&a=2&c=", "x=%41%7E%7e", "bad=%DF%df", "s=a+b%20c"]
)
def test_urls(both: Both, path: str, query: str) -> None:
    ours, theirs = both(f"{path}?{query}" if query else path)

    for name in ("url", "base_url", "root_url", "url_root", "host_url", "host", "scheme", "is_secure"):
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("full_path", "script_root", "root_path", "path", "query_string", "method"):
        if not path.startswith("//"):  # Werkzeug's path has one slash in front
            assert getattr(ours, name) == getattr(theirs, name), name
    assert list(ours.args.items(multi=True)) == list(theirs.args.items(multi=True)) or "%DF" in query


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("example.com", "example.com"), ("example.com:8080", "example.com:8080"), ("[::1]:80", "[::1]:80"),
        ("example.com:443", "example.com"), ("Example.COM", "Example.COM"), ("a b", ""),
        ("example.com:99999", ""), ("", ""),
    ],
)  # fmt: skip
def test_hosts(host: str, shown: str) -> None:
    from werkzeug.sansio.utils import get_host

    from microlambda.runtime.http.urls import usual_host

    assert usual_host(host, "https") == shown == get_host("https", host)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {
            "Content-Type": 'text/HTML; charset="utf-8"; x=1',
            "Content-Length": "3",
            "Content-Encoding": "gzip",
            "Content-MD5": "Q2hlY2s=",
            "Referer": "https://example.com/",
            "Origin": "https://example.com",
            "User-Agent": "tests/1",
            "Date": "Fri, 20 Nov 2026 10:00:00 GMT",
            "Max-Forwards": "7",
            "Pragma": "no-cache",
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "X-One, x-two",
            "If-Modified-Since": "Fri, 20 Nov 2026 10:00:00 GMT",
            "If-Unmodified-Since": "Friday, 20-Nov-26 10:00:00 GMT",
            "If-Range": 'W/"abc"',
            "Range": "bytes=0-499",
        },
        {
            "Content-Type": "application/vnd.api+json",
            "Content-Length": "x",
            "Date": "yesterday",
            "Max-Forwards": "many",
            "If-Range": "Fri, 20 Nov 2026 10:00:00 GMT",
            "Range": "bytes=-500",
        },
    ],
    ids=["none", "all", "odd"],
)
def test_header_fields(headers: dict[str, str]) -> None:
    ours, theirs = direct(headers)

    for name in (
        "content_type", "content_length", "content_encoding", "content_md5", "mimetype", "mimetype_params",
        "referrer", "origin", "date", "max_forwards", "access_control_request_method", "if_modified_since",
        "if_unmodified_since", "is_json",
    ):  # fmt: skip
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.user_agent.string == theirs.user_agent.string == str(ours.user_agent)
    assert list(ours.pragma) == list(theirs.pragma)
    asked = theirs.access_control_request_headers
    assert list(ours.access_control_request_headers or ()) == list(asked or ())
    assert (ours.access_control_request_headers is None) == (asked is None)
    assert (ours.if_range.etag, ours.if_range.date) == (theirs.if_range.etag, theirs.if_range.date)
    assert str(ours.if_range) == str(theirs.if_range)
    assert (ours.range and ours.range.ranges) == (theirs.range and theirs.range.ranges)


def direct(headers: dict[str, str]) -> tuple[Request, WerkzeugRequest]:
    """A request of these headers and no others, with no gateway between."""
    event = {
        "version": "2.0",
        "rawPath": "/",
        "headers": {name.lower(): value for name, value in headers.items()},
        "requestContext": {"http": {"method": "GET", "path": "/"}, "domainName": "x", "stage": "$default"},
    }
    ingress = infer(event)
    assert ingress is not None
    builder = EnvironBuilder("/", headers=list(headers.items()))
    environ = builder.get_environ()
    environ.update({
        name.upper().replace("-", "_"): value
        for name, value in headers.items() if name in ("Content-Type", "Content-Length")
    })  # fmt: skip
    return ingress.to_request(event, None), WerkzeugRequest(environ)


TOKENS = st.sampled_from(
    [
        "text/html", "text/*", "*/*", "application/json", "en", "en-US", "de_DE", "*", "gzip", "br", "utf-8",
        "latin1", "ISO-8859-1", "text/html;level=1", 'a/b;x="y,z"', "bad", "",
    ]
)  # fmt: skip
QUALITIES = st.sampled_from(["", ";q=0", ";q=0.5", "; q=1", ";q=1.5", ";q=-1", ";q=x", ";Q=0.3", ";q=0.50"])
ACCEPTS = st.lists(st.tuples(TOKENS, QUALITIES).map("".join), max_size=5).map(", ".join)
OFFERS = ["application/json", "text/html", "text/plain", "text/html;level=1"]


@QUICK
@given(header=ACCEPTS)
def test_accept(header: str) -> None:
    ours, theirs = direct(
        dict.fromkeys(("Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language"), header)
    )

    compare_accept(ours.accept_mimetypes, theirs.accept_mimetypes, OFFERS)
    compare_accept(ours.accept_charsets, theirs.accept_charsets, ["utf-8", "UTF8", "iso-8859-1", "x"])
    compare_accept(ours.accept_encodings, theirs.accept_encodings, ["gzip", "br", "identity"])
    compare_accept(ours.accept_languages, theirs.accept_languages, ["en", "en-GB", "de", "de-DE", "fr"])
    for name in ("accept_html", "accept_xhtml", "accept_json"):
        assert getattr(ours.accept_mimetypes, name) == getattr(theirs.accept_mimetypes, name)


def compare_accept(ours: Any, theirs: Any, offers: list[str]) -> None:
    assert list(ours) == list(theirs)
    assert (ours.best, str(ours), ours.provided) == (theirs.best, str(theirs), theirs.provided)
    assert (len(ours), list(ours.values()), bool(ours)) == (len(theirs), list(theirs.values()), bool(theirs))
    for offer in offers:
        assert (ours.quality(offer), ours[offer], offer in ours, ours.find(offer)) == (
            theirs.quality(offer), theirs[offer], offer in theirs, theirs.find(offer))  # fmt: skip
    for count in range(len(offers) + 1):
        assert ours.best_match(offers[:count], "none") == theirs.best_match(offers[:count], "none")
    assert ours.best_match(offers[::-1]) == theirs.best_match(offers[::-1])


@pytest.mark.parametrize("offer", ["text", "*/html"])
def test_an_offer_that_is_no_media_type_is_the_apps_mistake(offer: str) -> None:
    ours, theirs = direct({"Accept": "text/html"})

    for accept in (ours.accept_mimetypes, theirs.accept_mimetypes):
        with pytest.raises(ValueError, match="mime|media"):
            accept.best_match([offer])


HEADER_TEXT = st.text(st.sampled_from("ab=,;\"\\ *'%2F-é"), max_size=24)


@QUICK
@given(text=HEADER_TEXT)
@example('a="b,c", "d\\"e", f')
@example('a, "')
@example('"\\' * 2000)
def test_lists_in_headers(text: str) -> None:
    from werkzeug.http import parse_dict_header, parse_list_header

    assert header_parsing.split_list(text) == parse_list_header(text)
    assert header_parsing.parse_pairs(text) == parse_dict_header(text)


@QUICK
@given(text=HEADER_TEXT)
@example("a; b*=UTF-8''%c3%a9; c*0=x; c*1=y")
@example('form-data; name="a%22b"; filename="c\\"d"')
@example('a; b="x')
@example('b="' + "\\" * 200)  # a pattern that tries every way to read these never ends
@example('b="' + '\\"' * 2000)
def test_parameters_in_headers(text: str) -> None:
    from werkzeug.http import parse_options_header

    for value in (text, f"text/html; {text}", f'text/html; a*0=x; {text}; a*1="y"; z=1'):
        assert header_parsing.parse_options(value) == parse_options_header(value)


@QUICK
@given(names=st.lists(st.sampled_from(["X-One", "x-one", "b", "B", "c d"]), max_size=5))
def test_sets_in_headers(names: list[str]) -> None:
    from werkzeug.http import dump_header, parse_set_header

    header = dump_header(names)
    ours, theirs = HeaderSet.from_header(header), parse_set_header(header)

    assert (ours.as_set(), len(ours), "X-ONE" in ours) == (theirs.as_set(), len(theirs), "X-ONE" in theirs)
    assert list(ours) == list(dict.fromkeys(theirs)) or len(theirs) < len(names)  # repeats come once


DIRECTIVES = st.sampled_from(
    ["no-cache", "no-store", "max-age=0", "max-age=x", "max-age", "max-stale", "max-stale=5", "min-fresh=60",
     "only-if-cached", "no-transform", 'stale-if-error="9"', "private=\"a, b\""]
)  # fmt: skip


@QUICK
@given(directives=st.lists(DIRECTIVES, max_size=4))
def test_cache_control(directives: list[str]) -> None:
    ours, theirs = direct({"Cache-Control": ", ".join(directives)})

    for name in (
        "no_cache", "no_store", "no_transform", "only_if_cached", "max_age", "min_fresh", "max_stale",
        "stale_if_error",
    ):  # fmt: skip
        assert getattr(ours.cache_control, name) == getattr(theirs.cache_control, name), name
    assert ("max-age" in ours.cache_control) == ("max-age" in theirs.cache_control)
    assert ours.cache_control.get("private") == theirs.cache_control.get("private")
    assert str(ours.cache_control) == str(theirs.cache_control)


@QUICK
@given(
    header=st.one_of(
        st.text(st.sampled_from("bytes=0123-, x"), max_size=14),
        st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=3).map(
            lambda pairs: "bytes=" + ",".join(f"{one}-{two}" for one, two in pairs)
        ),
        st.lists(st.sampled_from(["-5", "3-", "0-0", "7-9", "-0", "2-1"]), max_size=3).map(
            lambda items: "Bytes = " + " , ".join(items)
        ),
    ),
    length=st.one_of(st.none(), st.integers(0, 40)),
)
def test_ranges(header: str, length: int | None) -> None:
    ours, theirs = direct({"Range": header})

    assert (ours.range is None) == (theirs.range is None)
    if ours.range is None or theirs.range is None:
        return
    assert (ours.range.units, ours.range.ranges) == (theirs.range.units, theirs.range.ranges)
    assert str(ours.range) == str(theirs.range)
    if length is None or ours.range.ranges[0][0] + length >= 0:
        assert ours.range.range_for_length(length) == theirs.range.range_for_length(length)
        assert ours.range.to_content_range_header(length) == theirs.range.to_content_range_header(length)


@pytest.mark.parametrize(
    "value",
    [
        "Basic QUM6c2VjcmV0",
        "basic  QUM6c2VjcmV0 ",
        "Basic QUM=",
        "Basic !",
        "Basic /w==",
        "Bearer abc.def",
        "Bearer abc==",
        "Token",
        'Digest username="ann", realm="a, b", nonce=xyz, uri="/", qop=auth, stale',
        "AWS4-HMAC-SHA256 Credential=A/b, SignedHeaders=host;x, Signature=9",
        "",
    ],
)
def test_authorization(value: str) -> None:
    ours, theirs = direct({"Authorization": value})

    assert (ours.authorization is None) == (theirs.authorization is None)
    if ours.authorization is not None and theirs.authorization is not None:
        for name in ("type", "token", "parameters", "username", "password", "realm", "nonce", "nothing"):
            assert getattr(ours.authorization, name) == getattr(theirs.authorization, name), name
        assert ours.authorization.get("qop", "none") == theirs.authorization.get("qop", "none")
        assert ours.authorization["stale"] == theirs.authorization["stale"]
        assert ("stale" in ours.authorization) == ("stale" in theirs.authorization)


COOKIES = st.sampled_from(
    ["a=1", 'b="x;y"', 'c="\\054\\303\\251\\""', "d", "e=", " f = g ", "=h", "", "i=j=k", 'l=""', 'm="\\\\"']
)


@QUICK
@given(header=st.lists(COOKIES).map("; ".join))
def test_cookies(header: str) -> None:
    from werkzeug.sansio.http import parse_cookie

    from microlambda.runtime.http.cookies import parse_cookies

    assert list(parse_cookies([header]).lists()) == list(parse_cookie(header).lists())


@QUICK
@given(value=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12))
def test_a_cookie_that_werkzeug_writes_is_read_back(value: str) -> None:
    from werkzeug.http import dump_cookie

    from microlambda.runtime.http.cookies import parse_cookies

    assert parse_cookies([f"z=9; {dump_cookie('a', value).partition('; ')[0]}"])["a"] == value


@pytest.mark.parametrize(("header", "value"), [("a=x y", "x y"), ('a={"b":1}', '{"b":1}'), ('a="x', '"x')])
def test_a_cookie_with_spaces_or_quotes_inside_is_kept_as_browsers_send_it(header: str, value: str) -> None:
    # Werkzeug leaves such a cookie out.
    from microlambda.runtime.http.cookies import parse_cookies

    assert parse_cookies([header])["a"] == value


VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
NAMES = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "Zs"), exclude_characters='"\\%'),
    min_size=1,
    max_size=6,
)


@pytest.mark.parametrize("ingress", INGRESSES)
@QUICK
@given(pairs=st.lists(st.tuples(VALUES, VALUES), max_size=6))
def test_urlencoded_forms(ingress: str, pairs: list[tuple[str, str]]) -> None:
    data: WerkzeugMultiDict[str, str] = WerkzeugMultiDict(pairs)

    ours, theirs = through(
        ingress,
        "/?q=1&a=2",
        method="POST",
        data=data or b"",
        content_type="application/x-www-form-urlencoded",
    )

    assert list(ours.form.lists()) == list(theirs.form.lists())
    assert ours.values.to_dict(flat=False) == {
        name: theirs.values.getlist(name)
        for name in theirs.values.keys()  # noqa: SIM118
    }
    assert ours.files == {}


@pytest.mark.parametrize("ingress", INGRESSES)
@QUICK
@given(
    fields=st.lists(st.tuples(NAMES, VALUES), max_size=4),
    files=st.lists(
        st.tuples(
            NAMES,
            NAMES | st.just(""),
            st.binary(max_size=40),
            st.sampled_from(["text/plain; charset=x", "image/png"]),
        ),
        min_size=1,
        max_size=4,
    ),
)  # fmt: skip
def test_multipart_forms(
    ingress: str, fields: list[tuple[str, str]], files: list[tuple[str, str, bytes, str]]
) -> None:
    data: WerkzeugMultiDict[str, Any] = WerkzeugMultiDict(fields)
    for name, filename, content, content_type in files:
        data.add(name, WerkzeugFile(BytesIO(content), filename, name, content_type))

    ours, theirs = through(ingress, method="POST", data=data, content_type="multipart/form-data")

    assert list(ours.form.lists()) == list(theirs.form.lists())
    assert [name for name, _ in ours.files.lists()] == [name for name, _ in theirs.files.lists()]
    for name, mine in ours.files.lists():
        for own, other in zip(mine, theirs.files.getlist(name), strict=True):
            for attribute in (
                "filename",
                "name",
                "content_type",
                "mimetype",
                "mimetype_params",
                "content_length",
            ):
                assert getattr(own, attribute) == getattr(other, attribute), attribute
            assert (bool(own), own.read(), own.read()) == (bool(other), other.read(), other.read())
            assert {key.lower(): value for key, value in own.headers} == {
                key.lower(): value for key, value in other.headers
            }
    ours.close()
    theirs.close()
