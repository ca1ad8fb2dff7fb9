"""Generated rules, paths and values, judged by `werkzeug.routing.Map` with its defaults.

Outside the comparison: `{}` rules, rules that are equal (refused here), explicit HEAD and OPTIONS.
"""

from __future__ import annotations

import datetime
import decimal
import re
import uuid
from typing import Any
from urllib.parse import unquote, urlsplit

from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import MethodNotAllowed as TheirMethodNotAllowed
from werkzeug.routing import AnyConverter, BaseConverter, Map, UUIDConverter, ValidationError
from werkzeug.routing import BuildError as TheirBuildError
from werkzeug.routing import RequestRedirect as TheirRedirect
from werkzeug.routing import Rule as TheirRule

from microlambda import Converter
from microlambda.runtime.errors import (
    BuildError,
    MethodNotAllowed,
    NotFound,
    RegistrationError,
    RequestRedirect,
    RouteConflict,
)
from microlambda.runtime.routing.rule import Rule
from microlambda.runtime.routing.table import RouteTable

UUID = "8f507cfc-4f6e-4c3b-9c6f-0d6a4c3b2a1f"


def custom(base: Any, refusal: type[ValueError], own: str) -> dict[str, Any]:
    """The same converters for either side: groups of all sorts, alternatives, slashes, two-way values.

    `own` begins a group: Werkzeug takes no named one that stands in a segment twice.
    """

    class Either(base):  # type: ignore[misc]
        regex = f"a|b(?:a|b)|({own}[(][)])|\\(x"

    class Years(base):  # type: ignore[misc]
        regex = "([12](\\d))(-)?"
        weight = 40

        def to_python(self, value: str) -> Any:
            if value.endswith("0"):
                raise refusal(value)
            return value.rstrip("-"), len(value)

        def to_url(self, value: Any) -> str:
            if not value or not isinstance(value, tuple | str):
                raise refusal(value)
            return str(value[0])

    class Deep(base):  # type: ignore[misc]
        regex = "(a|b)/(\\d+)"
        weight = 150

    class Loose(base):  # type: ignore[misc]
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments[: len(arguments) - 1])
            self.regex = arguments[-1]

    return {"either": Either, "years": Years, "deep": Deep, "loose": Loose}


OURS = custom(Converter, ValueError, "?P<own>")


class EncodedAny(AnyConverter):
    """Werkzeug writes the words of `any` as they are; a URL needs them percent-encoded."""

    def to_url(self, value: Any) -> str:
        return BaseConverter.to_url(self, super().to_url(value))


class EncodedUUID(UUIDConverter):
    """Werkzeug writes whatever it is given for a UUID as it is."""

    def to_url(self, value: Any) -> str:
        return BaseConverter.to_url(self, value)


THEIRS = {**custom(BaseConverter, ValidationError, ""), "any": EncodedAny, "uuid": EncodedUUID}

#: What a rule may write before a capture's name, and texts that it takes or just does not take.
KINDS: dict[str, list[str]] = {
    "": ["a", "1", "é", "a b"],
    "string": ["a", ""],
    "default": ["a-b"],
    "path": ["a/b", "a", "a//b", "/a", "1/"],
    "uuid": [UUID, UUID.upper(), UUID[:-1]],
    'any(a, b, "a b")': ["a", "a b", "c"],
    'any("a.b", x)': ["a.b", "axb"],
    "string(length=2)": ["ab", "1"],
    "string(minlength=2, maxlength=3)": ["ab", "abcd"],
    "string(minlength=0)": ["", "1"],
    "string(maxlength=1)": ["1", "12"],
    "int": ["1", "2", "12", "007", "-3", "٣"],
    "int(min=2)": ["1", "2"],
    "int(max=9)": ["1", "12"],
    "int(signed=True)": ["-3", "1"],
    "int(fixed_digits=2)": ["12", "01", "1"],
    "int(2, min=3, max=40)": ["12", "02", "3"],
    "float": ["1.5", "1"],
    "float(signed=True)": ["-1.5", "1.5"],
    "float(min=0.5, max=2)": ["1.5", "0.4", "2.1"],
    "either": ["a", "bb", "()", "(x", "ab"],
    "years": ["19", "19-", "20"],
    "deep": ["a/1", "a/", "b/12"],
    'loose("[a-c)>]{1,2}(1|2)?")': ["c1", ")2", "d"],
}
SEGMENTS = ["a", "b", "aa", "a.b", "1", "12", "1.5", "-3", "é", "a b"]
NAMES = ["x", "y", "z"]
TEXTS = [*SEGMENTS, "a-1", "a-b", "1.2", "12.34", "x", "()", "c1", UUID]
CAPTURE = re.compile("<(?:([^:<]*):)?([xyz])>")

captures = st.sampled_from(sorted(KINDS)).map(lambda kind: f"<{kind}:NAME>" if kind else "<NAME>")
segments: st.SearchStrategy[str] = st.one_of(
    st.sampled_from(SEGMENTS),
    captures,
    captures.map(lambda capture: f"a-{capture}"),
    st.tuples(captures, st.sampled_from([".", "-", "", "a"]), captures).map("".join),
)
methods = st.sets(st.sampled_from(["GET", "POST", "PUT"]), min_size=1)
endpoints = st.sampled_from(["shop", "user", "page"])
plain_values = st.sampled_from(["a", "1", "1", 1, 1, 2, "12", 1.5])


@st.composite
def rules(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    pieces: list[str] = draw(st.lists(segments, max_size=4))
    text = "/" + draw(st.sampled_from(["/", "/", "/", "//"])).join(pieces)
    names = draw(st.permutations(NAMES))
    while text.count("NAME") > len(names):
        text = text[: text.rindex("<")]
    for name in names:
        text = text.replace("NAME", name, 1)
    if text != "/" and draw(st.booleans()):
        text += "/"
    options: dict[str, Any] = {
        "methods": sorted(draw(methods)),
        "strict_slashes": draw(st.booleans()),
        "endpoint": draw(endpoints),
    }
    if draw(st.sampled_from([True, False, False])):
        options["defaults"] = draw(st.dictionaries(st.sampled_from(NAMES), plain_values, max_size=2))
    return text, options


@st.composite
def pages(draw: st.DrawFn, rule: tuple[str, dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    """A rule that says by defaults what another one captures, as `/all/` does for `/all/<int:page>`."""
    text, options = rule
    kind, fixed = draw(st.sampled_from(CAPTURE.findall(text)))
    value = draw(plain_values | st.sampled_from([captured(kind, one) for one in KINDS[kind]]))
    shorter = CAPTURE.sub(lambda found: "all" if found[2] == fixed else found[0], text)
    return shorter, {**options, "defaults": {**options.get("defaults", {}), fixed: value}}


def captured(kind: str, text: str) -> Any:
    number: Any = {"int": int, "float": float}.get(kind.partition("(")[0], str)
    try:
        return number(text)
    except ValueError:
        return text


@st.composite
def rule_sets(draw: st.DrawFn) -> list[tuple[str, dict[str, Any]]]:
    drawn: list[tuple[str, dict[str, Any]]] = draw(st.lists(rules(), min_size=1, max_size=5))
    for rule in list(drawn):
        if CAPTURE.search(rule[0]) and draw(st.booleans()):
            drawn.insert(draw(st.integers(0, len(drawn))), draw(pages(rule)))
    return drawn


@st.composite
def near_paths(draw: st.DrawFn, drawn: list[tuple[str, dict[str, Any]]]) -> str:
    """A path that one of the rules takes, or almost."""
    text, _ = draw(st.sampled_from(drawn))
    path = CAPTURE.sub(lambda found: draw(st.sampled_from(KINDS[found[1] or ""])), text)
    return draw(
        st.sampled_from([path, path, path + "/", path.rstrip("/") or "/", path.replace("/", "//", 2)])
    )


@st.composite
def rules_and_requests(
    draw: st.DrawFn,
) -> tuple[list[tuple[str, dict[str, Any]]], list[tuple[str, str]]]:
    drawn = draw(rule_sets())
    paths = near_paths(drawn) | near_paths(drawn) | free_paths
    return drawn, draw(st.lists(st.tuples(paths, verbs), min_size=4, max_size=8))


free_paths = st.lists(st.sampled_from([*TEXTS, "", ""]), max_size=5).map(
    lambda pieces: "/" + "/".join(pieces)
)
verbs = st.sampled_from(["GET", "HEAD", "POST"])


class PlacedRule(TheirRule):
    """A rule of theirs that knows which of ours it is."""

    def __init__(self, text: str, place: int, **options: Any) -> None:
        super().__init__(text, **options)
        self.place = place


def both(drawn: list[tuple[str, dict[str, Any]]]) -> tuple[RouteTable, Map]:
    """Our table and their map of the same rules."""
    table, url_map = RouteTable(), Map(converters=THEIRS)
    for text, options in drawn:
        refused = False
        try:
            table.add(Rule(text, view, converters=OURS, **options))
        except RouteConflict:
            continue  # Werkzeug keeps the first
        except RegistrationError:
            refused = True
        try:
            url_map.add(PlacedRule(text, len(table) - 1, **options))
        except ValueError:  # a default that the rule's own capture cannot hold
            assert refused
        else:
            assert not refused
    return table, url_map


def ours(table: RouteTable, path: str, method: str) -> tuple[Any, ...]:
    try:
        rule, arguments = table.match(path, method)
    except RequestRedirect as exc:
        return "redirect", exc.path
    except MethodNotAllowed as exc:
        return "405", set(exc.allowed) - {"OPTIONS"}
    except NotFound:
        return ("404",)
    return "match", list(table).index(rule), arguments


def theirs(url_map: Map, path: str, method: str) -> tuple[Any, ...]:
    try:
        rule, arguments = url_map.bind("localhost").match(path, method, return_rule=True)
    except TheirRedirect as exc:
        return "redirect", unquote(urlsplit(exc.new_url).path)
    except TheirMethodNotAllowed as exc:
        return "405", set(exc.valid_methods or ())
    except HTTPException:
        return ("404",)
    except (ValueError, TypeError, OverflowError):
        return ("broken",)  # a redirect to a rule whose converter cannot write the captured value
    assert isinstance(rule, PlacedRule)
    return "match", rule.place, dict(arguments)


@settings(max_examples=300, deadline=None)
@given(rules_and_requests())
def test_the_same_match_captures_404_405_and_redirect(
    drawn: tuple[list[tuple[str, dict[str, Any]]], list[tuple[str, str]]],
) -> None:
    table, url_map = both(drawn[0])

    for path, method in drawn[1]:
        judged = theirs(url_map, path, method)
        found = ours(table, path, method)
        if judged == ("broken",):
            assert found[0] in ("match", "redirect")  # ours goes on to the next rule that could say the same
        else:
            assert found == judged, (path, method)


values = st.one_of(
    plain_values,
    st.text(st.characters(codec="utf-8"), max_size=4),
    st.sampled_from(["a/b", "/a", "a b", "é", "ü?&=#%", "+", "~", "!$'()*,;:@", b"a\xff b", ""]),
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.sampled_from([uuid.UUID(UUID), decimal.Decimal("1.50"), datetime.date(2024, 1, 2), ("19", 2), {}]),
    st.lists(st.sampled_from([1, "a b", None, "é"]), max_size=3),
)


@settings(max_examples=300, deadline=None)
@given(
    rule_sets(),
    st.lists(
        st.tuples(
            st.sampled_from(["shop", "shop", "user", "page", "nowhere"]),
            st.dictionaries(st.sampled_from([*NAMES, *NAMES, "q", "a b", "é&"]), values, max_size=5),
            st.sampled_from([None, None, "GET", "HEAD", "POST", "PUT"]),
        ),
        min_size=3,
        max_size=6,
    ),
)
def test_url_for_builds_the_same(
    drawn: list[tuple[str, dict[str, Any]]], wanted: list[tuple[str, dict[str, Any], str | None]]
) -> None:
    table, url_map = both(drawn)
    adapter = url_map.bind("localhost")

    for endpoint, given_values, method in wanted:
        judged: str | None
        try:
            judged = adapter.build(endpoint, given_values, method)
        except TheirBuildError:
            judged = None
        except (ValueError, TypeError, OverflowError):
            continue  # a value that a converter cannot write ends their search with its error
        try:
            assert table.url_for(endpoint, given_values, method=method) == judged
        except BuildError:
            assert judged is None, (endpoint, given_values, method)


def view(**_: Any) -> None:
    """One view for all rules: redirects for defaults stay within one."""
