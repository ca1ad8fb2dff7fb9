"""Generated rules and paths, judged by `werkzeug.routing.Map`."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import MethodNotAllowed as TheirMethodNotAllowed
from werkzeug.routing import Map
from werkzeug.routing import RequestRedirect as TheirRedirect
from werkzeug.routing import Rule as TheirRule

from microlambda.runtime.errors import MethodNotAllowed, NotFound, RequestRedirect, RouteConflict
from microlambda.runtime.routing.rule import Rule
from microlambda.runtime.routing.table import RouteTable

SEGMENTS = ["a", "b", "aa", "a.b", "1", "12", "1.5", "-3", "é"]
LENGTHS = ["string(length=2):", "string(minlength=2, maxlength=3):"]
NUMBERS = ["int:", "int(min=2):", "int(signed=True):", "int(fixed_digits=2):", "float:"]
CAPTURES = ["", "string:", "path:", "any(a, b, aa):", *LENGTHS, *NUMBERS]

segments: st.SearchStrategy[str] = st.one_of(
    st.sampled_from(SEGMENTS),
    st.sampled_from(CAPTURES).map(lambda kind: f"<{kind}NAME>"),
    st.sampled_from(["", "path:", *LENGTHS, *NUMBERS]).map(lambda kind: f"a-<{kind}NAME>"),
    st.tuples(st.sampled_from(["int:", ""]), st.sampled_from(["int:", ""])).map(
        lambda two: f"<{two[0]}NAME>.<{two[1]}NAME>"
    ),
)
methods = st.sets(st.sampled_from(["GET", "POST", "PUT"]), min_size=1)


@st.composite
def rules(draw: st.DrawFn) -> tuple[str, set[str], bool]:
    pieces: list[str] = draw(st.lists(segments, max_size=4))
    text = "/" + "/".join(pieces)
    for number in range(text.count("NAME")):
        text = text.replace("NAME", f"n{number}", 1)
    has_slash: bool = draw(st.booleans())
    if pieces and has_slash:
        text += "/"
    return text, draw(methods), draw(st.booleans())


paths = st.lists(st.sampled_from([*SEGMENTS, "a-1", "a-b", "1.2", "12.34", "", "", "x"]), max_size=5).map(
    lambda pieces: "/" + "/".join(pieces)
)


def ours(table: RouteTable, path: str, method: str) -> tuple[Any, ...]:
    try:
        rule, arguments = table.match(path, method)
    except RequestRedirect as exc:
        return "redirect", exc.path
    except MethodNotAllowed as exc:
        return "405", set(exc.allowed) - {"OPTIONS"}
    except NotFound:
        return ("404",)
    return "match", rule.rule, arguments


def theirs(url_map: Map, path: str, method: str) -> tuple[Any, ...]:
    from urllib.parse import unquote, urlsplit

    try:
        endpoint, arguments = url_map.bind("localhost").match(path, method)
    except TheirRedirect as exc:
        return "redirect", unquote(urlsplit(exc.new_url).path)
    except TheirMethodNotAllowed as exc:
        return "405", set(exc.valid_methods or ())
    except HTTPException:
        return ("404",)
    return "match", endpoint, dict(arguments)


@settings(max_examples=800, deadline=None)
@given(
    st.lists(rules(), min_size=1, max_size=6),
    st.lists(st.tuples(paths, st.sampled_from(["GET", "HEAD", "POST"])), min_size=4, max_size=8),
)
def test_the_same_match_captures_404_405_and_redirect(
    drawn: list[tuple[str, set[str], bool]], requests: list[tuple[str, str]]
) -> None:
    table, url_map = RouteTable(), Map()
    for text, verbs, strict in drawn:
        try:
            table.add(Rule(text, lambda **_: None, methods=verbs, endpoint=text, strict_slashes=strict))
        except RouteConflict:
            continue  # we refuse duplicates at registration; Werkzeug keeps the first
        url_map.add(TheirRule(text, methods=sorted(verbs), endpoint=text, strict_slashes=strict))

    for path, method in requests:
        assert ours(table, path, method) == theirs(url_map, path, method), (path, method)
