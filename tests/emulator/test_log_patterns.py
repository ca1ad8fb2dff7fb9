"""CloudWatch Logs' filter patterns, by the examples of its documentation."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microlambda.emulator.log_patterns import BadPattern, compiled

LINES = [
    "[ERROR 400] BAD REQUEST",
    "[ERROR 401] UNAUTHORIZED REQUEST",
    "[ERROR 419] MISSING ARGUMENTS",
    "[ERROR 420] INVALID ARGUMENTS",
    "[SUCCESS 200] AUTHORIZED REQUEST",
]

#: Patterns, and which of the lines they find.
TERMS = [
    ("", [0, 1, 2, 3, 4]),
    ("ERROR", [0, 1, 2, 3]),
    ("error", []),
    ("ERROR ARGUMENTS", [2, 3]),
    ("ARGUMENTS ERROR", [2, 3]),
    ("?ERROR ?SUCCESS", [0, 1, 2, 3, 4]),
    ("?ARGUMENTS ?SUCCESS", [2, 3, 4]),
    ("ERROR -ARGUMENTS", [0, 1]),
    ("-ARGUMENTS", [0, 1, 4]),
    ("ERROR ?ARGUMENTS", [0, 1, 2, 3]),  # what is optional counts for nothing beside what is not
    ('"BAD REQUEST"', [0]),
    ('"[ERROR 4"', [0, 1, 2, 3]),
    ('-"BAD REQUEST" REQUEST', [1, 4]),
    ('"REQUEST BAD"', []),
    ("%AUTHORIZED%", [1, 4]),
    ("%[0-9]{2}9%", [2]),
    (r"%^\[ERROR 4[12]0\]%", [3]),
]


@pytest.mark.parametrize(("pattern", "found"), TERMS, ids=[pattern or "empty" for pattern, _ in TERMS])
def test_terms_find_the_lines_that_hold_them(pattern: str, found: list[int]) -> None:
    matches = compiled(pattern)

    assert [number for number, line in enumerate(LINES) if matches(line)] == found


TRAIL = json.dumps(
    {
        "eventType": "UpdateTrail",
        "sourceIPAddress": "111.111.111.111",
        "arrayKey": ["value", "another value"],
        "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
        "SomeObject": None,
        "isValid": True,
        "isDone": False,
        "latency": 1500,
        "share": 0.25,
        "status": "404",
        "user": {"id": 1, "first-name": "Ann", "e.mail": "ann@example.com"},
    }
)

JSON = [
    ('{ $.eventType = "UpdateTrail" }', True),
    ("{ $.eventType = UpdateTrail }", True),
    ("{ $.eventType = Update* }", True),
    ('{ $.eventType = "*Trail" }', True),
    ('{ $.eventType != "UpdateTrail" }', False),
    ('{ $.eventType != "Other" }', True),
    ('{ $.absent != "Other" }', False),
    ("{ $.eventType = %^Update[A-Z]% }", True),
    ("{ $.sourceIPAddress = 111.111.* }", True),
    ("{ $.sourceIPAddress != 123.123.* }", True),
    ('{ $.arrayKey[0] = "value" }', True),
    ('{ $.arrayKey[1] = "value" }', False),
    ('{ $.arrayKey[7] = "value" }', False),
    ('{ $.arrayKey[*] = "another*" }', True),
    ("{ $.objectList[1].id = 2 }", True),
    ("{ $.objectList[*].id = 3 }", False),
    ("{ $.SomeObject IS NULL }", True),
    ("{ $.isValid IS NULL }", False),
    ("{ $.SomeOther NOT EXISTS }", True),
    ("{ $.SomeObject NOT EXISTS }", False),
    ("{ $.isValid IS TRUE }", True),
    ("{ $.isDone is false }", True),
    ("{ $.isDone IS TRUE }", False),
    ("{ $.latency > 1000 }", True),
    ("{ $.latency >= 1500 && $.latency <= 1.5e3 }", True),
    ("{ $.latency < 1500 }", False),
    ("{ $.latency = 1500 }", True),
    ("{ $.share = .25 }", True),
    ("{ $.share > -1 }", True),
    ("{ $.status = 404 }", True),
    ("{ $.status = 4* }", True),
    ("{ $.user.id = 1 }", True),
    ("{ $.user.first-name = Ann }", True),
    ("{ $.user['e.mail'] = \"ann@*\" }", True),
    ('{ $.user.["e.mail"] = "ann@*" }', True),
    ("{ $.user = 1 }", False),
    ("{ ($.user.id = 1) && ($.latency > 2000 || $.isValid IS TRUE) }", True),
    ("{ ($.user.id = 2) || ($.latency > 2000) }", False),
    ("{ $.user.id = 2 || $.latency > 2000 && $.isValid IS TRUE || $.user.id = 1 }", True),
    ("{$.user.id=1&&$.latency>1000}", True),
]


@pytest.mark.parametrize(("pattern", "found"), JSON, ids=[pattern for pattern, _ in JSON])
def test_conditions_of_json(pattern: str, found: bool) -> None:
    assert compiled(pattern)(TRAIL) is found


def test_conditions_of_json_find_no_other_lines() -> None:
    matches = compiled("{ $.a = 1 }")

    assert [matches(line) for line in ("a = 1", "", "1", '"a"', "[1]", '{"a": 1}')] == [False] * 5 + [True]


ACCESS = '127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'

FIELDS = [
    ("[ip, user, username, timestamp, request, status_code, bytes]", True),
    ("[ip, user, username, timestamp, request, status_code = 404, bytes]", True),
    ("[ip, user, username, timestamp, request, status_code = 4*, bytes > 1000]", True),
    ("[ip, user, username, timestamp, request, status_code = 4*, bytes > 2000]", False),
    ("[ip, user, username, timestamp, request = *.html*, status_code, bytes]", True),
    (r"[ip = %127\.0\.0\.[1-9]%, ...]", True),
    ("[..., status_code = 404, bytes]", True),
    ("[..., bytes]", True),
    ("[ip, ..., bytes > 1000 && bytes < 2000]", True),
    ("[..., status_code = 404 || status_code = 500, bytes]", True),
    ("[..., status_code = 500 || status_code = 502, bytes]", False),
    ("[ip, user != Prod, ...]", False),
    ("[ip, user, username]", False),
    ("[ip, user, username, timestamp, request, status_code, bytes, more]", False),
    ('[ip, user = "Prod", ...]', True),
    ("[ip, user > 3, ...]", False),
]


@pytest.mark.parametrize(("pattern", "found"), FIELDS, ids=[pattern for pattern, _ in FIELDS])
def test_conditions_of_fields_apart_by_blanks(pattern: str, found: bool) -> None:
    assert compiled(pattern)(ACCESS) is found


REFUSED = [
    "{ $.a = }",
    "{ $.a }",
    "{ a = 1 }",
    "{ $.a = 1 && }",
    "{ ($.a = 1 }",
    "{ $.a = 1 ) }",
    "{ $.a = 1",
    "{ $.a > text }",
    "{ $.a IS MAYBE }",
    "{ $.a NOT }",
    "{ $.a = %[% }",
    "{ $.a = 1 } or more",
    "[a, b",
    "[a, , b]",
    "[a, ..., b, ...]",
    "[a =]",
    "[a b]",
    "[a > text]",
    "%[%",
]


@pytest.mark.parametrize("pattern", REFUSED)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(BadPattern):
        compiled(pattern)


@given(st.text())
def test_any_text_is_a_pattern_or_is_refused(text: str) -> None:
    with contextlib.suppress(BadPattern):
        assert compiled(text)("a line") in (True, False)


@given(st.text(alphabet=st.characters(exclude_characters='"\\', exclude_categories=["Cs"])), st.text())
def test_a_phrase_in_quotation_marks_finds_what_holds_it(phrase: str, around: str) -> None:
    if phrase.strip():
        assert compiled(f'"{phrase}"')(f"{around}{phrase}{around}")
