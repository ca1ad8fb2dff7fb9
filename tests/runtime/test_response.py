"""What views return and what becomes of it: kinds, iterables, JSON, cookies, conditions, redirects."""

from __future__ import annotations

import dataclasses
import enum
import json
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from types import MappingProxyType
from typing import Any, ClassVar
from uuid import UUID

import flask
import pytest
import werkzeug

from microlambda import App, Response, make_response
from microlambda.runtime.errors import EncodingError
from microlambda.runtime.http import response as response_module
from microlambda.runtime.http.header_methods import HeaderMethods
from microlambda.runtime.http.headers import Headers
from microlambda.runtime.http.json import JSON
from microlambda.runtime.http.jsonify import jsonify
from microlambda.runtime.http.location import safe_location
from microlambda.runtime.http.redirect import redirect
from microlambda.runtime.http.response_fields import ResponseFields
from microlambda.runtime.late import LateMember

Answer = Callable[..., Any]


@pytest.fixture
def answer(app: App) -> Answer:
    """The answer to GET / of a view that returns `value`, or what calling it gives."""

    def ask(value: Any, headers: dict[str, str] | None = None, method: str = "GET") -> Any:
        @app.get("/")
        def view() -> Any:
            return value(app.current_request) if callable(value) else value

        return app.test_client().open("/", method=method, headers=headers or {})

    return ask


# Kinds -----------------------------------------------------------------------------------------------


class Word(str, enum.Enum):  # noqa: UP042  # its str() is its name, unlike a StrEnum's
    HELLO = "hello"


class Shout(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "another"


@pytest.mark.parametrize(
    ("value", "status", "content_type", "body"),
    [
        ("text", 200, "text/html; charset=utf-8", b"text"),
        (Word.HELLO, 200, "text/html; charset=utf-8", b"hello"),
        (Shout("as it is"), 200, "text/html; charset=utf-8", b"as it is"),
        (b"\x00\xff", 200, "application/octet-stream", b"\x00\xff"),
        (bytearray(b"\xff"), 200, "application/octet-stream", b"\xff"),
        (memoryview(b"\xff"), 200, "application/octet-stream", b"\xff"),
        ("", 200, "text/html; charset=utf-8", b""),
        (b"", 200, "text/html; charset=utf-8", b""),
        ({}, 200, "application/json", b"{}"),
        ([], 200, "application/json", b"[]"),
        (("text", 201), 201, "text/html; charset=utf-8", b"text"),
        (("text", "404 GONE FISHING"), 404, "text/html; charset=utf-8", b"text"),
        (("text", None), 200, "text/html; charset=utf-8", b"text"),
        (("text", None, None), 200, "text/html; charset=utf-8", b"text"),
        (("text", {"Content-Type": "text/x"}), 200, "text/x", b"text"),
        (("text", (("Content-Type", "text/x"),)), 200, "text/x", b"text"),
        (("text", [("Content-Type", "text/x")]), 200, "text/x", b"text"),
        (("text", 202, Headers({"Content-Type": "text/x"})), 202, "text/x", b"text"),
        (([1], 202, {"content-type": "application/x+json"}), 202, "application/x+json", b"[1]"),
        ((Response("text", status=201, mimetype="text/css"), 202), 202, "text/css; charset=utf-8", b"text"),
        ((Response("text", status=201), {"X": "1"}), 201, "text/html; charset=utf-8", b"text"),
        (((("text", 201), 202), 203), 203, "text/html; charset=utf-8", b"text"),
        (Response("text", content_type="text/x"), 200, "text/x", b"text"),
        (Response("{}", mimetype="application/json"), 200, "application/json", b"{}"),
        (Response(None, status=201), 201, "text/html; charset=utf-8", b""),
        (make_response("text", 201, {"X": "1"}), 201, "text/html; charset=utf-8", b"text"),
    ],
)
def test_every_kind_of_answer(
    answer: Answer, value: Any, status: int, content_type: str | None, body: bytes
) -> None:
    response = answer(lambda _: value)

    assert (response.status_code, response.headers["content-type"], response.data) == (
        status,
        content_type,
        body,
    )


KINDS_OF_FLASK = [
    "text",
    b"bytes",
    {"a": 1},
    [1],
    ("text", 201),
    ("text", "202 FINE"),
    ("text", 203, {"X-A": "1"}),
    ("text", {"X-A": "1"}),
    ("text", [("X-A", "1"), ("X-B", "2")]),
    ("text", (("X-A", "1"),)),
    ({"a": 1}, 201, [("X-A", "1")]),
    (b"bytes", None, {"Content-Type": "image/png"}),
]


@pytest.mark.parametrize("value", KINDS_OF_FLASK, ids=repr)
def test_flask_gives_the_same_answer(answer: Answer, value: Any) -> None:
    peer = flask.Flask("peer")
    peer.add_url_rule("/", view_func=lambda: value)

    ours, theirs = answer(lambda _: value), peer.test_client().get("/")

    assert ours.status_code == theirs.status_code
    assert ours.json == theirs.json if theirs.is_json else ours.data == theirs.data
    assert [ours.headers.get(name) for name in ("x-a", "x-b")] == [
        theirs.headers.get(name) for name in ("x-a", "x-b")
    ]
    if not isinstance(value, bytes):  # Flask says that bytes are text/html
        assert ours.headers["content-type"] == theirs.headers["content-type"]


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (None, "the view answered None"),
        (3, "the view answered int"),
        ({1, 2}, "the view answered set"),
        (MappingProxyType({}), "the view answered mappingproxy"),
        ((), "a tuple of 0"),
        (("x",), "a tuple of 1"),
        (("x", 200, {}, 4), "a tuple of 4"),
        (("x", 2.5), "float where headers are due"),
        (("x", ["A: b"]), "list where headers are due"),
        (("x", 200, 3), "int where headers are due"),
        (("x", {}, 200), "the status of an answer is {}, not an int"),
        (("x", 199), "199 is no status"),
        (("x", 101), "101 is no status"),
        (("x", 600), "600 is no status"),
        (("x", ""), "'' is no status"),
        (("x", True), "True is no status"),
        (werkzeug.Response("x"), "werkzeug.wrappers.response.Response, the response of another framework"),
        (flask.Response("x"), "flask.wrappers.Response, the response of another framework"),
        (Response(3), "not int"),
        (Response({1}), "not set"),
        ("\ud800", "is no UTF-8"),
        ({"a": object()}, "JSON has no type for object"),
    ],
)
def test_what_is_no_answer_is_an_error_that_says_why(answer: Answer, value: Any, complaint: str) -> None:
    with pytest.raises(EncodingError) as caught:
        answer(lambda _: value)

    assert complaint in str(caught.value)


def test_a_status_may_be_set_as_flask_writes_it() -> None:
    response = Response("x", status="201 CREATED")
    assert (response.status, response.status_code) == (201, 201)
    response.status = "404 NOT FOUND\r\nX-Evil: 1"
    assert response.status_code == 404
    with pytest.raises(EncodingError):
        response.status = "OK"


# Iterables ---------------------------------------------------------------------------------------------


def test_a_generator_is_joined_and_its_clean_up_runs(answer: Answer) -> None:
    trace = []

    def chunks() -> Iterator[Any]:
        try:
            yield "caf\u00e9, "
            yield b"\xe2\x98\x83"
            yield bytearray(b"!")
            yield ""
            yield memoryview(b"?")
        finally:
            trace.append("closed")

    response = answer(lambda _: chunks())

    assert response.get_data(as_text=True) == "caf\u00e9, \u2603!?"
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert trace == ["closed"]


@pytest.mark.parametrize(
    "value",
    [
        iter(["a", "b"]),
        (one for one in "ab"),
        map(str, ["a", "b"]),
        Response(("a", b"b")),
        (iter(["a", "b"]), 200, {"X": "1"}),
    ],
    ids=["iterator", "generator", "map", "tuple-as-body", "with-headers"],
)
def test_iterables_are_answers(answer: Answer, value: Any) -> None:
    assert answer(lambda _: value).data == b"ab"


@pytest.mark.parametrize("error", [ValueError("half-way"), None], ids=["raises", "wrong-chunk"])
def test_an_error_half_way_closes_the_generator_and_propagates(
    answer: Answer, error: Exception | None
) -> None:
    trace = []

    def chunks() -> Iterator[Any]:
        try:
            yield "a"
            if error is not None:
                raise error
            yield 3
        finally:
            trace.append("closed")

    with pytest.raises(ValueError if error else EncodingError, match="half-way" if error else "gave int"):
        answer(lambda _: chunks())

    assert trace == ["closed"]


class Source:
    """An iterable that counts how often it is closed."""

    def __init__(self) -> None:
        self.closed = 0

    def __iter__(self) -> Iterator[str]:
        return iter(["a", "b"])

    def close(self) -> None:
        self.closed += 1


def test_closing_happens_once_whatever_is_called() -> None:
    for use in (
        lambda r: r.finished_body(json.dumps),
        lambda r: list(r.iter_body()),
        lambda r: next(r.iter_body()),
        lambda r: r.get_data(),
        lambda r: r.set_data("c"),
        lambda r: None,
    ):
        source, calls = Source(), Source()
        response = Response(source)
        response.call_on_close(calls.close)
        assert response.is_streamed

        use(response)
        response.close()
        response.close()

        assert (source.closed, calls.closed) == (1, 1)


def test_everything_is_closed_even_if_something_fails_at_it() -> None:
    trace = []
    source = Source()
    response = Response(source)

    @response.call_on_close
    def fails() -> None:
        trace.append("first")
        raise ValueError("at closing")

    response.call_on_close(lambda: trace.append("second"))

    with pytest.raises(ValueError, match="at closing"):
        response.close()

    assert (source.closed, trace) == (1, ["first", "second"])


def test_a_started_body_is_not_read() -> None:
    response = Response(iter(["a"]), status=201)

    assert response.started_body() == ""
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert list(response.iter_body()) == [b"a"]
    assert list(Response({"a": 1}).iter_body()) == [b'{"a":1}']


def test_reading_the_data_of_an_iterable_joins_it_and_keeps_its_type() -> None:
    response = Response(iter(["a", "b"]))

    assert response.get_data(as_text=True) == "ab"
    assert response.finished_body(json.dumps) == b"ab"
    assert response.headers["content-type"] == "text/html; charset=utf-8"


def test_new_data_keeps_the_content_type_and_corrects_the_length() -> None:
    response = Response({"a": 1})
    response.content_length = 7
    assert response.json == {"a": 1}

    response.data = "[\u00e9]"

    assert (response.content_type, response.content_length) == ("application/json", 4)
    assert response.finished_body(json.dumps) == "[\u00e9]"
    with pytest.raises(ValueError):  # noqa: PT011  # json's own
        _ = response.json
    assert response.get_json(silent=True) is None


# JSON --------------------------------------------------------------------------------------------------


class Size(enum.IntEnum):
    BIG = 3


class Name(enum.StrEnum):
    ANN = "ann"


class Colour(enum.Enum):
    RED = frozenset({255})


@dataclasses.dataclass
class Item:
    name: str
    parts: list[Any]
    start: dataclasses.InitVar[int] = 0
    shared: ClassVar[int] = 1


@dataclasses.dataclass(slots=True)
class Node:
    value: Any


class Html:
    def __repr__(self) -> str:
        return "Html()"  # the same name for the test in every process

    def __html__(self) -> str:
        return "<b>"


Point = namedtuple("Point", "x y")
MOMENT = datetime(2024, 2, 29, 12, 30, 15, 250, tzinfo=UTC)
ID = UUID("12345678-1234-5678-1234-567812345678")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (MOMENT, '"2024-02-29T12:30:15.000250+00:00"'),
        (date(2024, 2, 29), '"2024-02-29"'),
        (time(1, 2), '"01:02:00"'),
        (Decimal("1.50"), "1.5"),
        (Decimal("12345678901234567890"), "12345678901234567890"),
        (ID, f'"{ID}"'),
        ({1}, "[1]"),
        (frozenset({"a"}), '["a"]'),
        (
            Item("a", [Node({2}), Node(Colour.RED)]),
            '{"name":"a","parts":[{"value":[2]},{"value":[255]}]}',
        ),
        (Size.BIG, "3"),
        (Name.ANN, '"ann"'),
        ({Size.BIG: Size.BIG, Name.ANN: Name.ANN}, '{"3":3,"ann":"ann"}'),
        ({1: 1, 2.5: 2, False: 3, None: 4}, '{"1":1,"2.5":2,"false":3,"null":4}'),
        (Point(1, 2), "[1,2]"),
        (MappingProxyType({"a": 1}), '{"a":1}'),
        (Html(), '"<b>"'),
        ("\u00e9\u2603", '"\u00e9\u2603"'),
        ("\ud800\\\ud800", '"\\ud800\\\\\\ud800"'),
    ],
)
def test_json_of_types_that_json_lacks(answer: Answer, value: Any, text: str) -> None:
    response = answer(lambda _: [value])

    assert response.get_data(as_text=True) == f"[{text}]"


@pytest.mark.parametrize(
    "value",
    [
        ID,
        Item("a", [Node(1)]),
        Size.BIG,
        Name.ANN,
        Html(),
        Point(1, 2),
        {1: 2, 1.5: 3},
        {Size.BIG: 1},
        [None, True],
    ],
    ids=repr,
)
def test_flask_reads_the_shared_types_alike(answer: Answer, value: Any) -> None:
    peer = flask.Flask("peer")
    peer.json.sort_keys = False  # type: ignore[attr-defined]

    with peer.app_context():
        assert answer(lambda _: [value]).json == [peer.json.loads(peer.json.dumps(value))]


def circular() -> list[Any]:
    loop: list[Any] = []
    loop.append({"again": loop})
    return loop


def circular_dataclass() -> Node:
    node = Node(None)
    node.value = [node]
    return node


def deep() -> list[Any]:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (object(), "JSON has no type for object"),
        (b"x", "JSON has no type for bytes"),
        (Node, "JSON has no type for type"),
        ((one for one in "a"), "JSON has no type for generator"),
        ({ID: 1}, "keys must be str, int, float, bool or None, not UUID"),
        ({MOMENT: 1}, "not datetime"),
        ({Colour.RED: 1}, "not Colour"),
        (circular(), "Circular reference"),
        (circular_dataclass(), "Circular reference"),
        (deep(), "nested too deeply"),
        (float("nan"), "not JSON compliant"),
        (Decimal("NaN"), "JSON has no NaN"),
        (Decimal("1e5000"), "more than 4000 digits"),
    ],
    ids=[
        "object",
        "bytes",
        "class",
        "generator",
        "uuid",
        "datetime",
        "enum",
        "loop",
        "node",
        "deep",
        "nan",
        "NaN",
        "1e5000",
    ],
)
def test_what_json_cannot_hold_is_an_error_that_names_it(answer: Answer, value: Any, complaint: str) -> None:
    with pytest.raises(EncodingError, match=complaint):
        answer(lambda _: {"a": value})


def test_the_apps_own_encoder_is_asked_first(app: App, answer: Answer) -> None:
    def default(value: Any) -> Any:
        if isinstance(value, (set, complex)):
            return "mine"
        raise TypeError

    app.json_default = default

    assert answer([{1}, 1j, Decimal("0.5")]).json == ["mine", "mine", 0.5]


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((), {}),
        ((1,), {}),
        ((None,), {}),
        (("a",), {}),
        (([1],), {}),
        (({"a": 1},), {}),
        ((1, 2), {}),
        ((), {"a": 1}),
    ],
)
def test_jsonify_takes_what_flasks_takes(answer: Answer, args: Any, kwargs: Any) -> None:
    peer = flask.Flask("peer")
    peer.add_url_rule("/", view_func=lambda: flask.jsonify(*args, **kwargs))

    ours, theirs = answer(lambda _: jsonify(*args, **kwargs)), peer.test_client().get("/")

    assert ours.json == theirs.json
    assert ours.headers["content-type"] == theirs.headers["content-type"]


def test_jsonify_takes_arguments_or_keywords() -> None:
    with pytest.raises(TypeError, match="not both"):
        jsonify(1, a=2)


def test_jsonify_of_a_type_that_json_lacks() -> None:
    assert jsonify(ID).get_data(as_text=True) == f'"{ID}"'
    with pytest.raises(EncodingError, match="object"):
        jsonify(object())


def test_json_current_is_asked_for_the_apps_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JSON, "current", staticmethod(lambda: JSON(lambda value: "mine")))

    assert Response([{1}]).get_data() == b'["mine"]'


# Headers -----------------------------------------------------------------------------------------------

BAD = ["a\r\nX: 1", "a\nb", "a\rb", "a\0b", "\ud800"]


@pytest.mark.parametrize("bad", BAD, ids=repr)
@pytest.mark.parametrize(
    "way",
    [
        lambda r, bad: Response("", headers={"X": bad}),
        lambda r, bad: Response("", headers={"X": ["a", bad]}),
        lambda r, bad: Response("", headers=[("X", bad)]),
        lambda r, bad: Response("", headers={f"X{bad}": "a"}),
        lambda r, bad: Response("", content_type=bad),
        lambda r, bad: Response("", mimetype=f"text/{bad}"),
        lambda r, bad: make_response("", {"X": bad}),
        lambda r, bad: make_response("", [("X", bad)]),
        lambda r, bad: r.headers.add("X", bad),
        lambda r, bad: r.headers.add("X", "a", name=bad),
        lambda r, bad: r.headers.add(bad, "a"),
        lambda r, bad: r.headers.set("X", bad),
        lambda r, bad: r.headers.set("X", ["a", bad]),
        lambda r, bad: r.headers.__setitem__("X", bad),
        lambda r, bad: r.headers.__setitem__(bad, "a"),
        lambda r, bad: r.headers.setdefault("X", bad),
        lambda r, bad: r.headers.setlist("X", ["a", bad]),
        lambda r, bad: r.headers.setlistdefault("X", ["a", bad]),
        lambda r, bad: r.headers.extend({"X": bad}),
        lambda r, bad: r.headers.extend([("X", bad)]),
        lambda r, bad: r.headers.extend(X=bad),
        lambda r, bad: r.headers.update({"X": ["a", bad]}),
        lambda r, bad: r.headers.update(X=bad),
        lambda r, bad: r.headers | {"X": bad},
        lambda r, bad: r.headers.__ior__({"X": bad}),
        lambda r, bad: setattr(r, "content_type", bad),
        lambda r, bad: setattr(r, "mimetype", bad),
        lambda r, bad: setattr(r, "content_encoding", bad),
        lambda r, bad: setattr(r, "expires", bad),
        lambda r, bad: setattr(r, "retry_after", bad),
        lambda r, bad: setattr(r, "vary", bad),
        lambda r, bad: r.vary.add(bad),
        lambda r, bad: setattr(r.cache_control, "private", bad),
        lambda r, bad: r.cache_control.__setitem__(bad, None),
        lambda r, bad: r.mimetype_params.__setitem__("a", bad),
        lambda r, bad: r.set_etag(bad),
        lambda r, bad: r.set_cookie(f"a{bad}", "b"),
        lambda r, bad: r.set_cookie("a", "b", domain=bad),
        lambda r, bad: r.set_cookie("a", "b", expires=bad),
        lambda r, bad: r.set_cookie("a", "b", samesite=bad),
    ],
)
def test_cr_lf_and_nul_are_refused_in_every_way_in(way: Callable[[Response, str], Any], bad: str) -> None:
    response = Response("x")

    with pytest.raises(EncodingError):
        way(response, bad)

    assert response.headers.to_wsgi_list() == []


@pytest.mark.parametrize("bad", BAD[:4], ids=repr)
def test_a_location_with_a_line_break_is_refused(bad: str) -> None:
    for way in (redirect, safe_location, lambda value: setattr(Response(), "location", value)):
        with pytest.raises(EncodingError, match="Location"):
            way(bad)


def test_a_header_takes_numbers_and_enums_and_no_bytes() -> None:
    headers = Headers({"A": 1, "B": Word.HELLO, "C": 1.5, "D": {"one"}})

    assert headers.to_wsgi_list() == [("A", "1"), ("B", "hello"), ("C", "1.5"), ("D", "one")]
    assert type(headers["b"]) is str
    with pytest.raises(EncodingError, match="give str, not bytes"):
        headers.set("A", b"x")


def test_a_refused_field_leaves_the_headers_as_they_were() -> None:
    headers = Headers({"A": "1"})

    fields = [("A", "2"), ("B", "a\nb")]

    with pytest.raises(EncodingError):
        headers.update(fields)
    with pytest.raises(EncodingError):
        headers.extend(fields)
    with pytest.raises(EncodingError):
        headers.set("A", ["2", "a\nb"])

    assert headers.to_wsgi_list() == [("A", "1")]


def test_several_cookies_in_a_tuples_headers_are_kept(answer: Answer) -> None:
    response = answer(("x", [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]))

    assert response.headers.getlist("set-cookie") == ["a=1", "b=2"]


# Cookies -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["", "a b", "a=b", "a;b", 'a"b', "a,b", "\u00e9", "a\\b", "\t"])
def test_a_cookie_has_a_name_that_every_client_reads(key: str) -> None:
    with pytest.raises(EncodingError, match="no name for a cookie"):
        Response().set_cookie(key, "x")


@pytest.mark.parametrize(
    "attributes",
    [
        {"domain": "a;b"},
        {"domain": "a b"},
        {"domain": "\u00e9" * 99},
        {"expires": "now; Path=/x"},
        {"samesite": "Sometimes"},
        {"value": b"bytes"},
        {"value": None},
        {"value": "\ud800"},
    ],
    ids=str,
)
def test_a_cookies_attribute_cannot_add_another(attributes: dict[str, Any]) -> None:
    response = Response()

    with pytest.raises(EncodingError):
        response.set_cookie("a", **attributes)

    assert "set-cookie" not in response.headers


def test_a_number_is_a_cookies_value() -> None:
    response = Response()
    response.set_cookie("a", 3)  # type: ignore[arg-type]

    assert response.headers["set-cookie"] == "a=3; Path=/"


# Redirects ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("location", "sent"),
    [
        ("/a b", "/a%20b"),
        ("next", "next"),
        ("?page=2", "?page=2"),
        ("", ""),
        ("//evil.example/x", "/evil.example/x"),
        ("///evil.example", "/evil.example"),
        ("//\u00e9vil.example", "/%C3%A9vil.example"),
        ("/\\evil.example", "/%5Cevil.example"),
        ("\\\\evil.example", "%5C%5Cevil.example"),
        ("/\t/evil.example", "/%09/evil.example"),
        (" //evil.example", "%20//evil.example"),
        ("https://example.com//x", "https://example.com//x"),
        ("https://b\u00fccher.example/\u00e9", "https://xn--bcher-kva.example/%C3%A9"),
        ("https://example.com/?q=\u00e9#\u00fc", "https://example.com/?q=%C3%A9#%C3%BC"),
        ("mailto:ann@example.com", "mailto:ann@example.com"),
        ("/%41%zz", "/%41%zz"),
    ],
)
def test_a_redirect_stays_on_the_site_unless_a_url_is_given(answer: Answer, location: str, sent: str) -> None:
    response = answer(lambda _: redirect(location, 303))

    assert (response.status_code, response.headers["location"]) == (303, sent)
    assert sent in response.get_data(as_text=True)


@pytest.mark.parametrize("status", [201, 302])
def test_a_location_in_a_plain_header_is_made_safe_too(answer: Answer, status: int) -> None:
    assert answer(("", status, {"Location": "/caf\u00e9?q=a b"})).headers["location"] == "/caf%C3%A9?q=a%20b"


def test_a_location_in_a_plain_header_does_not_leave_the_site(answer: Answer) -> None:
    assert answer(("", 302, {"Location": "//evil.example"})).headers["location"] == "/evil.example"


def test_a_streamed_answer_has_a_safe_location_too() -> None:
    response = Response(iter("a"), status=201, headers={"Location": "//evil.example"})
    response.started_body()

    assert response.headers["location"] == "/evil.example"


def test_the_page_of_a_redirect_escapes_the_url() -> None:
    body = redirect("/?a=1&b='\"<script>").get_data(as_text=True)

    assert "<script>" not in body
    assert "a=1&amp;b=&#39;%22%3Cscript%3E" in body


def test_a_redirect_takes_another_class(answer: Answer) -> None:
    class Mine(Response):
        pass

    assert type(redirect("/", Response=Mine)) is Mine


def test_a_host_that_cannot_be_encoded_is_refused() -> None:
    with pytest.raises(EncodingError, match="no Location"):
        safe_location("https://" + "\u00e9" * 99)


# Conditions --------------------------------------------------------------------------------------------

EARLY, LATE = "Sun, 06 Nov 1994 08:49:37 GMT", "Mon, 07 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize(
    ("headers", "conditions", "status"),
    [
        ({"ETag": '"a"'}, {"If-Match": "*"}, 200),
        ({}, {"If-Match": "*"}, 200),
        ({}, {"If-Match": '"a"'}, 412),
        ({"ETag": 'W/"a"'}, {"If-Match": '"a"'}, 412),
        ({"ETag": '"a"'}, {"If-Match": 'W/"a"'}, 412),
        ({"ETag": '"a"'}, {"If-Match": '"b", "a"', "If-None-Match": '"a"'}, 304),
        ({"ETag": '"a"'}, {"If-Match": '"a"', "If-Unmodified-Since": "x"}, 200),
        ({"Last-Modified": LATE}, {"If-Unmodified-Since": EARLY}, 412),
        ({"Last-Modified": EARLY}, {"If-Unmodified-Since": EARLY}, 200),
        ({"Last-Modified": EARLY}, {"If-None-Match": '"a"', "If-Modified-Since": LATE}, 200),
        ({}, {"If-None-Match": "*"}, 304),
        ({"ETag": 'W/"a"'}, {"If-None-Match": '"a"'}, 304),
        ({"ETag": '"a"', "Last-Modified": EARLY}, {"If-None-Match": '"b"', "If-Modified-Since": LATE}, 200),
        ({}, {"If-Modified-Since": LATE}, 200),
    ],
)
def test_conditions_as_rfc_9110_orders_them(
    answer: Answer, headers: dict[str, str], conditions: dict[str, str], status: int
) -> None:
    # RFC 9110, 13.2.2; Werkzeug knows neither If-Match: * nor If-Unmodified-Since.
    response = answer(lambda request: Response("body", headers=headers).make_conditional(request), conditions)

    assert response.status_code == status
    assert response.data == (b"body" if status == 200 else b"")


def test_only_a_good_answer_is_conditional(answer: Answer) -> None:
    response = answer(
        lambda request: Response("gone", status=404, headers={"ETag": '"a"'}).make_conditional(request),
        {"If-None-Match": '"a"'},
    )

    assert (response.status_code, response.data) == (404, b"gone")


def test_an_answer_that_the_caller_has_closes_its_generator(answer: Answer) -> None:
    source = Source()

    response = answer(
        lambda request: Response(source, headers={"ETag": '"a"'}).make_conditional(request),
        {"If-None-Match": '"a"'},
    )

    assert (response.status_code, source.closed) == (304, 1)


# Late members ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("owner", "source"), [(Response, ResponseFields), (Headers, HeaderMethods)])
def test_every_late_member_stands_in_for_one_that_exists(owner: type, source: type) -> None:
    program = (
        "import sys; from microlambda.runtime.http.response import Response; "
        "from microlambda.runtime.http.headers import Headers; "
        "from microlambda.runtime.late import LateMember; "
        f"print(*[n for n, m in vars({owner.__name__}).items() if isinstance(m, LateMember)]); "
        f"assert {source.__module__!r} not in sys.modules"
    )
    late = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    public = {
        name
        for name in vars(source)
        if callable(getattr(source, name)) or isinstance(vars(source)[name], property)
    }

    assert set(late) == public - {"__annotations__"}


@pytest.mark.parametrize(
    ("touch", "header"),
    [
        ("r.content_type = 'text/x'", "text/x"),
        ("r.cache_control.max_age = 60", "max-age=60"),
        ("r.last_modified = 0", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("r.headers['X'] = 'y'", "y"),
        ("r.headers |= {'X': 'y'}", "y"),
        ("r.set_cookie('a', 'b')", "a=b; Path=/"),
        ("del r.location; r.vary.add('Accept')", "Accept"),
    ],
)
def test_the_first_touch_may_be_a_read_a_call_or_an_assignment(touch: str, header: str) -> None:
    program = f"from microlambda import Response; r = Response(); {touch}; print(*r.headers.values())"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == header


def test_a_subclass_may_call_what_it_overrides() -> None:
    class Mine(Response):
        def set_cookie(self, key: str, value: str = "", **attributes: Any) -> None:  # type: ignore[override]
            super().set_cookie(key, value, httponly=True, **attributes)

        @property  # type: ignore[misc]
        def mimetype(self) -> str | None:
            return f"my {super().mimetype}"

    for name in ("set_cookie", "mimetype"):
        setattr(
            Response,
            name,
            LateMember(Response, "microlambda.runtime.http.response_fields", "ResponseFields", name),
        )
    mine = Mine("x")
    mine.set_cookie("a", "b")

    assert mine.headers["set-cookie"] == "a=b; HttpOnly; Path=/"
    assert mine.mimetype == "my text/html"


def test_a_name_that_no_response_has_is_an_attribute_error() -> None:
    response = Response()

    with pytest.raises(AttributeError):
        _ = response.contents  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        response.contents = 1  # type: ignore[attr-defined]
    assert repr(response) == "<Response 200>"


def test_the_modules_that_an_answer_needs_first_stay_few() -> None:
    program = (
        "import sys; before = set(sys.modules); "
        "from microlambda.runtime.http.response import make_response; "
        "from microlambda.runtime.http.json import JSON; "
        "make_response({'a': 1}).finished_body(JSON().dumps); "
        "loaded = set(sys.modules) - before; "
        "print(*sorted(name for name in loaded if name.startswith('microlambda.runtime.http.')))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    package = response_module.__name__.rpartition(".")[0]
    assert done.stdout.split() == [f"{package}.{name}" for name in ("headers", "json", "response")]
