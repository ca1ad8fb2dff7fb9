"""Forms: what clients send, the limits, and what is told to callers whose form cannot be read."""

from __future__ import annotations

import base64
import os
import sys
import types
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from microlambda import App, request
from microlambda.runtime.errors import BadRequest, ConfigurationError, ContentTooLarge
from microlambda.runtime.http.file_storage import FileStorage
from microlambda.runtime.http.request import Request
from tests.runtime.test_request import make

MULTIPART = 'multipart/form-data; boundary="x-y"'
URLENCODED = "application/x-www-form-urlencoded"


def part(disposition: str, content: bytes = b"", *headers: str) -> bytes:
    lines = [f"Content-Disposition: form-data; {disposition}", *headers, "", ""]
    return "\r\n".join(lines).encode() + content


def joined(*parts: bytes, end: bytes = b"\r\n--x-y--\r\n") -> bytes:
    return b"".join(b"\r\n--x-y\r\n" + one for one in parts)[2:] + end


def posted(body: bytes, content_type: str = MULTIPART, **options: Any) -> Request:
    return make(base64.b64encode(body).decode(), content_type, isBase64Encoded=True, **options)


@pytest.fixture
def opened() -> Iterator[list[Request]]:
    requests: list[Request] = []
    yield requests
    for one in requests:
        one.close()


@pytest.mark.parametrize("ingress", ["rest-api", "http-api", "function-url"])
def test_a_form_with_a_file(app: App, ingress: str) -> None:
    @app.post("/")
    def upload() -> dict[str, Any]:
        photo = request.files["photo"]
        return {
            "form": request.form.to_dict(flat=False),
            "photo": [photo.filename, photo.content_type, photo.read().hex()],
            "files": len(request.files),
        }

    data = {"tag": ["a", "b"], "photo": (BytesIO(b"\x89PNG\r\n"), "sea.png", "image/png")}
    response = app.test_client(ingress=ingress).post("/", data=data)

    assert response.json == {
        "form": {"tag": ["a", "b"]},
        "photo": ["sea.png", "image/png", "89504e470d0a"],
        "files": 1,
    }


# What clients send ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("disposition", "name", "filename"),
    [
        ('name="f"; filename="a.txt"', "f", "a.txt"),
        ("name=f; filename=a.txt", "f", "a.txt"),
        ('name="f"; filename="a%22b%0D%0A.txt"', "f", 'a"b\r\n.txt'),  # browsers: WHATWG's form-data encoding
        ('name="f"; filename="a\\"b.txt"', "f", 'a"b.txt'),  # older clients
        ('name="f"; filename="C:\\Users\\ann\\a.txt"', "f", "a.txt"),  # Internet Explorer
        ("name=\"f\"; filename*=utf-8''caf%C3%A9.txt", "f", "café.txt"),  # requests before urllib3 1.25
        ('name="é"; filename="é.txt"', "é", "é.txt"),
        ('name="f"; filename=""', "f", ""),  # no file was chosen
    ],
)
def test_names_as_clients_write_them(
    opened: list[Request], disposition: str, name: str, filename: str
) -> None:
    seen = posted(joined(part(disposition, b"hi")))
    opened.append(seen)

    assert [(key, file.name, file.filename, bool(file)) for key, file in seen.files.items()] == [
        (name, name, filename, bool(filename))
    ]


@pytest.mark.parametrize(
    "body",
    [
        joined(part('name="a"', b"1"), part('name="b"', b"")),
        b"a preamble\r\n" + joined(part('name="a"', b"1"), part('name="b"', b"")),
        joined(part('name="a"', b"1"), part('name="b"', b""), end=b"\r\n--x-y--"),
        joined(part('name="a"', b"1"), part('name="b"', b""), end=b"\r\n--x-y--\r\nan epilogue"),
        joined(
            part('name="a"', b"1"), part('name="b"')[:-2]
        ),  # RFC 2046: no content, and no empty line for it
    ],
    ids=["usual", "preamble", "no end of line", "epilogue", "no empty line"],
)
def test_bodies_that_are_well_formed(body: bytes) -> None:
    assert posted(body).form.to_dict() == {"a": "1", "b": ""}


@pytest.mark.parametrize(
    "content",
    [b"", b"\r\n", b"\r\n\r\n", b"a --x-y", b"x\r\n--x-", b"\r\n--x-y "[:-2], bytes(range(256)) * 1000],
    ids=["empty", "line", "lines", "boundary", "part of one", "nearly", "binary"],
)
def test_a_file_comes_out_as_it_went_in(opened: list[Request], content: bytes) -> None:
    seen = posted(joined(part('name="f"; filename="f"', content), part('name="g"; filename="g"')[:-2]))
    opened.append(seen)

    assert [file.read() for file in seen.files.values()] == [content, b""]


@settings(max_examples=100, deadline=None)
@given(
    parts=st.lists(st.binary(max_size=20) | st.sampled_from([b"\r\n--x-y"[:-1], b"-", b"\r"]), max_size=4),
    bodyless=st.booleans(),
)
@example(parts=[b"\r\n\r\n", b""], bodyless=True)
def test_parts_of_any_content(parts: list[bytes], bodyless: bool) -> None:
    expected = [content for content in parts if b"\r\n--x-y" not in content]
    bodies = [part('name="f"; filename="f"', content) for content in expected]
    if bodyless:  # a part without content may end with its headers
        bodies = [body if content else body[:-2] for body, content in zip(bodies, expected, strict=True)]

    seen = posted(joined(*bodies) if bodies else b"--x-y--\r\n")

    assert [file.read() for file in seen.files.getlist("f")] == expected
    seen.close()


def test_a_name_may_be_empty() -> None:
    seen = posted(joined(part('name=""', b"1"), part('name=""; filename="C:\\a.txt"', b"2")))

    assert seen.form.to_dict() == {"": "1"}
    assert [(key, file.filename) for key, file in seen.files.items()] == [("", "a.txt")]
    seen.close()


def test_an_empty_body_is_an_empty_form() -> None:
    for content_type in (MULTIPART, URLENCODED, "multipart/form-data", "text/plain", None):
        seen = make(None, content_type)
        assert (seen.form, seen.files) == ({}, {})


def test_the_body_is_still_there_after_the_form() -> None:
    # Werkzeug's data is empty once the form was read.
    seen = posted(b"a=1&b=2", URLENCODED)

    assert (seen.form["a"], seen.data, seen.form["b"]) == ("1", b"a=1&b=2", "2")


def test_values_are_the_query_and_then_the_form() -> None:
    posting = posted(b"a=3&b=4", URLENCODED, rawQueryString="a=1&a=2")
    getting = posted(b"a=3", URLENCODED, rawQueryString="a=1", method="GET")

    assert posting.values.to_dict(flat=False) == {"a": ["1", "2", "3"], "b": ["4"]}
    assert getting.values.to_dict(flat=False) == {"a": ["1"]}


# Charsets -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"city=caf%C3%A9", URLENCODED),
        (b"city=caf%E9", f"{URLENCODED}; charset=ISO-8859-1"),
        (b"city=caf\xe9", f"{URLENCODED}; charset=windows-1252"),
        (joined(part('name="city"', b"caf\xc3\xa9")), MULTIPART),
        (joined(part('name="city"', b"caf\xe9")), f"{MULTIPART}; charset=latin-1"),
        (joined(part('name="city"', b"caf\xe9", "Content-Type: text/plain; charset=latin-1")), MULTIPART),
    ],
)
def test_a_form_is_read_in_its_charset(body: bytes, content_type: str) -> None:
    assert posted(body, content_type).form["city"] == "café"


@pytest.mark.parametrize(
    ("body", "content_type", "detail"),
    [
        (b"a=1&city=caf%E9", URLENCODED,
         "the form field 'city' at byte 4 is not in utf-8: unexpected end of data at byte 3 of it."),
        (b"%FF=1", URLENCODED,
         "the name of the form field at byte 0 is not in utf-8: invalid start byte at byte 0 of it."),
        (b"a=1", f"{URLENCODED}; charset=klingon", "the body is said to be in the charset 'klingon'"),
        (b"a=1", f"{URLENCODED}; charset=utf-16", "a form cannot be encoded in utf_16"),
        (joined(part('name="a"', b"1"), part('name="city"', b"caf\xe9")), MULTIPART,
         "the form field 'city' is not in utf_8: unexpected end of data at byte 3 of it."),
        (joined(part('name="a"', b"1", "Content-Type: text/plain; charset=zip")), MULTIPART,
         "the form field 'a' is said to be in the charset 'zip'"),
    ],
)  # fmt: skip
def test_bytes_that_are_no_text_are_400_that_says_where(body: bytes, content_type: str, detail: str) -> None:
    # Werkzeug has U+FFFD in their place, leaves them percent-encoded, or answers an empty form.
    with pytest.raises(BadRequest) as caught:
        posted(body, content_type).form  # noqa: B018  # reading it is the point

    assert str(caught.value.detail).startswith(detail)


GOOD_PART = part('name="a"', b"1")
GOOD = joined(GOOD_PART)


# Forms that are none --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "content_type", "detail"),
    [
        (GOOD, "multipart/form-data", "the form's Content-Type has no boundary"),
        (GOOD, "multipart/form-data; boundary=\u00e9", "the form's Content-Type has no boundary"),
        (b"no parts", MULTIPART, "Unexpected end of multipart stream (parser closed), at its beginning."),
        (GOOD[:-9], MULTIPART, "Unexpected end of multipart stream (parser closed), at part 1 ('a')."),
        (joined(GOOD_PART, b"oops\r\n\r\n2"), MULTIPART, "Malformed segment header, at part 1 ('a')."),
        (joined(b"X: 1\r\n\r\n2"), MULTIPART, "Missing Content-Disposition segment header, at its"),
        (joined(part("", b"1")), MULTIPART, "part 1 of the form has no name."),
        (GOOD.replace(b"\r\n", b"\n"), MULTIPART, "Invalid line break after first boundary"),
        (joined(part('name="a"', b"1", "Content-Length: 7")), MULTIPART, "Segment size does not match"),
    ],
    ids=[
        "no boundary", "odd boundary", "no parts", "cut off", "header", "disposition", "no name", "newlines",
        "length",
    ],
)  # fmt: skip
def test_a_form_that_cannot_be_read_is_400_that_says_where(
    body: bytes, content_type: str, detail: str
) -> None:
    # Werkzeug answers an empty form to nearly all of these.
    for read in ("form", "files", "values"):
        with pytest.raises(BadRequest) as caught:
            getattr(posted(body, content_type), read)
        assert detail in str(caught.value.detail)


def test_a_bad_form_is_a_problem_document(app: App) -> None:
    app.post("/")(lambda: request.form.to_dict())

    response = app.test_client().post("/", data=b"--x-y\r\n", content_type=MULTIPART)

    assert (response.status_code, response.content_type) == (400, "application/problem+json")
    assert "the form is no multipart/form-data" in response.json["detail"]


# Limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "detail"),
    [
        ({"MAX_FORM_PARTS": 2}, "the form has more than 2 parts (MAX_FORM_PARTS)."),
        ({"MAX_FORM_MEMORY_SIZE": 9}, "the form field 'text' has more than 9 bytes (MAX_FORM_MEMORY_SIZE)."),
        ({"MAX_CONTENT_LENGTH": 99}, "over 99 (MAX_CONTENT_LENGTH)."),
    ],
)
def test_a_form_over_a_limit_is_413_naming_it(config: dict[str, int], detail: str) -> None:
    body = joined(
        part('name="a"'), part('name="text"', b"0123456789"), part('name="f"; filename="f"', b"x" * 50)
    )

    with pytest.raises(ContentTooLarge) as caught:
        posted(body, config=config).files  # noqa: B018

    assert detail in str(caught.value.detail)


def test_limits_that_are_just_met_are_fine(opened: list[Request]) -> None:
    body = joined(
        part('name="a"'), part('name="text"', b"0123456789"), part('name="f"; filename="f"', b"x" * 50)
    )
    seen = posted(
        body, config={"MAX_FORM_PARTS": 3, "MAX_FORM_MEMORY_SIZE": 10, "MAX_CONTENT_LENGTH": len(body)}
    )
    opened.append(seen)

    assert (seen.form["text"], len(seen.files["f"].read())) == ("0123456789", 50)


def test_the_reading_stops_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    import multipart

    fed: list[int] = []
    parse = multipart.PushMultipartParser.parse

    def counted(self: Any, chunk: bytes) -> Any:
        fed.append(len(chunk))
        return parse(self, chunk)

    monkeypatch.setattr(multipart.PushMultipartParser, "parse", counted)
    seen = posted(joined(part('name="text"', b"x" * 3_000_000)))

    with pytest.raises(ContentTooLarge):
        seen.form  # noqa: B018
    assert max(fed) <= 65_536
    assert sum(fed) <= 600_000


def test_headers_of_a_part_are_limited() -> None:
    many = joined(part('name="a"', b"1", *[f"X-{n}: 1" for n in range(20)]))
    long = joined(part('name="a"', b"1", f"X-Long: {'x' * 5000}"))

    for body in (many, long):
        with pytest.raises(ContentTooLarge, match="the headers of part 1 are too large"):
            posted(body).form  # noqa: B018


def test_the_limits_hold_for_multipart_alone_as_in_werkzeug() -> None:
    seen = posted(b"a=0123456789&b=2", URLENCODED, config={"MAX_FORM_PARTS": 1, "MAX_FORM_MEMORY_SIZE": 5})

    assert seen.form.to_dict() == {"a": "0123456789", "b": "2"}


# Files ----------------------------------------------------------------------------------------


def test_a_large_file_is_a_temporary_one_and_gone_when_the_request_is_closed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    content = os.urandom(600_000)
    seen = posted(joined(part('name="f"; filename="f"', content), part('name="s"; filename="s"', b"small")))
    assert seen._to_close is None

    large, small = seen.files["f"], seen.files["s"]

    assert (large._rolled, small._rolled) == (True, False)
    assert (large.read(), small.read()) == (content, b"small")
    assert seen._to_close == [large, small]
    seen.close()
    assert (large.closed, small.closed, seen._to_close) == (True, True, None)
    seen.close()  # twice is fine


def test_a_form_that_breaks_off_leaves_no_open_file(monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    made: list[Any] = []
    real = tempfile.SpooledTemporaryFile

    def kept(**options: Any) -> Any:
        made.append(real(**options))
        return made[-1]

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", kept)
    files = [part(f'name="{n}"; filename="f"', b"x" * 600_000) for n in range(2)]

    for body in (joined(*files, end=b""), joined(*files, part("", b"no name"))):
        with pytest.raises(BadRequest):
            posted(body).files  # noqa: B018

    assert len(made) == 4
    assert all(file.closed for file in made)


def test_a_file_is_saved_to_a_path_or_a_file(tmp_path: Path) -> None:
    FileStorage(BytesIO(b"one")).save(tmp_path / "a")
    FileStorage(BytesIO(b"two")).save(str(tmp_path / "b"))
    with (tmp_path / "c").open("wb") as target:
        FileStorage(BytesIO(b"three")).save(target)
        assert not target.closed

    assert [(tmp_path / name).read_bytes() for name in "abc"] == [b"one", b"two", b"three"]


def test_a_file_does_what_its_stream_does() -> None:
    file = FileStorage(BytesIO(b"a\nb\n"), "f.txt", "f", "Text/Plain; charset=utf-8", 4)

    assert (list(file), file.tell(), file.seek(0), file.readline()) == ([b"a\n", b"b\n"], 4, 0, b"a\n")
    assert (file.mimetype, file.mimetype_params, file.content_length) == (
        "text/plain",
        {"charset": "utf-8"},
        4,
    )
    with pytest.raises(AttributeError):
        file.nothing  # noqa: B018
    assert (bool(FileStorage()), FileStorage().read()) == (False, b"")


# The library ----------------------------------------------------------------------------------


@pytest.mark.parametrize("found", [None, types.ModuleType("multipart")], ids=["missing", "another one"])
def test_without_the_library_the_error_names_it(
    monkeypatch: pytest.MonkeyPatch, found: types.ModuleType | None
) -> None:
    # python-multipart has a module of this name too.
    monkeypatch.setitem(sys.modules, "multipart", found)

    with pytest.raises(
        ConfigurationError, match="pypi.org/project/multipart.*add multipart to the requirements"
    ):
        posted(joined(part('name="a"', b"1"))).form  # noqa: B018
    assert posted(b"a=1", URLENCODED).form["a"] == "1"
