"""Mistakes that were found in the HTTP side once, each by its own test."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from microlambda import App, Request, Response, redirect, request
from microlambda.runtime.errors import EncodingError
from microlambda.runtime.http.dates import parse_date
from microlambda.runtime.http.multidict import MultiDict

HUGE_YEAR = "Sun, 06 Nov 99999999999999999999 08:49:37 GMT"


def test_a_date_beyond_all_calendars_is_no_date(app: App) -> None:
    @app.get("/")
    def show() -> str:
        response = Response("x")
        response.last_modified = 0
        return f"{request.if_modified_since} {response.make_conditional(request).status_code}"

    answer = app.test_client().get("/", headers={"If-Modified-Since": HUGE_YEAR})

    assert (answer.status_code, answer.text) == (200, "None 200")
    assert parse_date(HUGE_YEAR) is None


@pytest.mark.parametrize("field", ["age", "retry_after"])
def test_seconds_beyond_all_calendars_are_no_time(field: str) -> None:
    response = Response("x", headers={"Age": "9" * 20, "Retry-After": "9" * 15})

    assert getattr(response, field) is None


FRESH = """
from microlambda.runtime.http.response import Response
class Own(Response): pass
own = Own("x")
own.call_on_close = 5
assert own.call_on_close == 5, own.call_on_close
del own.call_on_close
assert callable(own.call_on_close)
try:
    Response("x").set_cookie = 5
except AttributeError as exc:
    print(exc)
"""


def test_a_late_method_is_set_like_any_other() -> None:
    said = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True)

    assert said.stdout == "'Response' object attribute 'set_cookie' is read-only\n"


def test_a_misspelled_cache_directive_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="max_aeg"):
        Response("x").cache_control.max_aeg = 60  # type: ignore[attr-defined]


def test_a_multidict_does_not_lay_its_lists_open() -> None:
    pairs: Any = MultiDict([("a", "1"), ("a", "2")])

    with pytest.raises(TypeError, match=r"take \.to_dict\(\)"):
        pairs | {"b": "3"}
    with pytest.raises(TypeError, match=r"take \.to_dict\(\)"):
        {"b": "3"} | pairs
    assert pairs.to_dict() | {"b": "3"} == {"a": "1", "b": "3"}


def test_path_parameters_of_a_hand_written_event_may_be_numbers(
    app: App, load_event: Callable[[str], dict[str, Any]]
) -> None:
    @app.get("/users/<int:number>")
    def show(number: int) -> dict[str, int]:
        return {"number": number}

    event = load_event("rest-api") | {
        "httpMethod": "GET", "resource": "/users/{id}", "path": "/users/7", "pathParameters": {"id": 7}
    }  # fmt: skip

    assert json.loads(app(event, None)["body"]) == {"number": 7}


@pytest.mark.parametrize("encoded", [b"%" * 300_000, b"%41" * 100_000], ids=["bare", "encoded"])
def test_decoding_takes_memory_in_proportion_to_the_body(encoded: bytes) -> None:
    from microlambda.runtime.percent import unquote_bytes

    tracemalloc.start()
    try:
        decoded = unquote_bytes(encoded)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert decoded == (b"A" * 100_000 if b"4" in encoded else encoded)
    assert peak < 50 * len(encoded)


def test_a_location_may_be_a_member_of_a_str_enum_and_is_never_bytes() -> None:
    class Page(str, Enum):  # noqa: UP042  # as in code for Python before 3.11
        HOME = "/home"

    assert redirect(Page.HOME).headers["Location"] == "/home"
    with pytest.raises(EncodingError, match="give str, not bytes"):
        redirect(b"/home")  # type: ignore[arg-type]


def test_a_constant_in_a_tuple_stays_as_it_is(app: App) -> None:
    constant = Response("x")

    @app.get("/")
    def show() -> Any:
        return constant, 202, {"X-Count": "1"}

    assert app.test_client().get("/").headers["X-Count"] == "1"
    assert (constant.status_code, "X-Count" in constant.headers) == (200, False)


def test_header_sets_keep_the_first_spelling() -> None:
    response = Response("x", headers={"Vary": "Accept, ACCEPT, cookie"})

    assert list(response.vary) == ["Accept", "cookie"]
    response.vary.add("COOKIE")
    assert response.headers["Vary"] == "Accept, cookie"


@pytest.mark.parametrize("kind", [Request, Response], ids=["request", "response"])
def test_the_reference_lists_every_public_name(kind: type) -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / f"{kind.__name__.lower()}.md"
    text = page.read_text()

    assert {name for name in dir(kind) if name[0] != "_" and not re.search(rf"`{name}\b", text)} == set()
