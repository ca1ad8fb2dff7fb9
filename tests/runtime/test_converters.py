"""Custom converters: what an app adds to the built-in ones."""

from __future__ import annotations

from typing import Any

import pytest

from microlambda import Converter
from microlambda.runtime.errors import NotFound, RegistrationError
from microlambda.runtime.routing.rule import Rule
from microlambda.runtime.routing.table import RouteTable


class Expression(Converter):
    """`<re("[a-z]+"):x>`, the converter that many an app has."""

    def __init__(self, regex: str) -> None:
        self.regex = regex


class Year(Converter):
    regex = "[12][0-9]{3}"

    def to_python(self, value: str) -> Any:
        if value < "1900":
            raise ValueError("too long ago")
        return int(value), "AD"

    def to_url(self, value: Any) -> str:
        return str(value[0])


class Tail(Converter):
    regex = "[a-z]+(/[a-z]+)*"


def view(**captures: Any) -> Any:
    return captures


def table_of(*rules: str) -> RouteTable:
    table = RouteTable()
    table.converters.update(re=Expression, year=Year, tail=Tail)
    for rule in rules:
        table.add(Rule(rule, view, endpoint=rule, converters=table.converters))
    return table


def captures(rule: str, path: str) -> dict[str, Any] | None:
    try:
        return table_of(rule).match(path, "GET")[1]
    except NotFound:
        return None


def test_a_custom_converter_goes_both_ways() -> None:
    table = table_of("/in/<year:when>")

    assert table.match("/in/1984", "GET")[1] == {"when": (1984, "AD")}
    assert table.url_for("/in/<year:when>", {"when": (1984, "AD")}) == "/in/1984"


def test_a_value_error_is_no_match() -> None:
    assert captures("/in/<year:when>", "/in/1812") is None


def test_an_expression_with_a_slash_takes_several_segments() -> None:
    assert captures("/<tail:x>/end", "/a/b/c/end") == {"x": "a/b/c"}


@pytest.mark.parametrize(
    ("regex", "yes", "no"),
    [
        ("a|b", ["a", "b"], ["ab", "c"]),
        ("a|ab", ["ab"], ["abb"]),
        ("(a)(b)?", ["a", "ab"], ["b"]),
        ("[(]x[)]", ["(x)"], ["x"]),
        (r"\(x\)", ["(x)"], ["x"]),
        (r"[]()\]]+", ["](", ")]"], ["x"]),
        (r"(a|b)\1", ["aa", "bb"], ["ab"]),
        (r"(a|b)\g", [], []),
        ("(?P<q>['~])x(?P=q)", ["'x'", "~x~"], ["'x~", "x"]),
        ("(<)?x(?(1)>|!)", ["<x>", "x!"], ["<x", "x>"]),
        ("(?P<o><)?x(?(o)>)", ["<x>", "x"], ["<x"]),
        ("(?:a|b)(?=c)c", ["ac"], ["a"]),
        ("(?#a comment (with a bracket)x(y)", ["xy"], ["x"]),
        (r"(x)\060\1", ["x0x"], ["x0"]),
        (r"(x)\11", [], []),
    ],
)
def test_an_expression_of_any_kind_alone_and_twice_in_a_segment(
    regex: str, yes: list[str], no: list[str]
) -> None:
    if not yes:  # what `re` refuses is refused at registration
        with pytest.raises(RegistrationError, match="does not work"):
            table_of(f'/<re("{regex}"):x>')
        return
    alone, twice = f'/<re("{regex}"):x>', f'/v-<re("{regex}"):x>_<re("{regex}"):y>.'
    for text in yes:
        assert captures(alone, f"/{text}") == {"x": text}
        for other in yes:
            assert captures(twice, f"/v-{text}_{other}.") == {"x": text, "y": other}
    for text in no:
        assert captures(alone, f"/{text}") is None
        assert captures(twice, f"/v-{yes[0]}_{text}.") is None
        assert captures(twice, f"/v-{text}_{yes[0]}.") is None


def test_flags_work_where_the_capture_is_the_whole_segment() -> None:
    assert captures('/<re("(?i)abc"):x>', "/ABC") == {"x": "ABC"}
    with pytest.raises(RegistrationError, match="which does not work: global flags not at the start"):
        table_of('/v<re("(?i)abc"):x>')


def test_arguments_may_hold_any_character_between_quotes() -> None:
    assert captures("/<re('[>)}/:]{2}'):x>/<int:n>", "/>)/3") == {"x": ">)", "n": 3}


def test_an_own_converter_replaces_the_built_in_one() -> None:
    class Shout(Converter):
        def to_python(self, value: str) -> Any:
            return value.upper()

    own = {"default": Shout, "int": Shout}
    table = RouteTable()
    table.add(Rule("/<a>/{b}/<int:c>", view, converters=own))

    assert table.match("/x/y/z", "GET")[1] == {"a": "X", "b": "Y", "c": "Z"}


def test_the_weight_orders_converters() -> None:
    class First(Converter):
        weight = 1

    table = RouteTable()
    for rule in ("/<int:n>", "/<first:x>"):
        table.add(Rule(rule, view, converters={"first": First}))

    assert table.match("/7", "GET")[1] == {"x": "7"}


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ("/<re:x>", "re takes regex"),
        ("/<year(5):x>", "year takes no arguments"),
        ("/<re('(a'):x>", "does not work: missing ), unterminated subpattern"),
        ("/<re(1):x>", "does not work"),
        (
            "/<none:x>",
            "the converter 'none' of '/<none:x>' is <class 'str'>, which is no subclass of Converter",
        ),
    ],
)
def test_a_converter_that_cannot_work_is_refused(rule: str, complaint: str) -> None:
    own: Any = {"re": Expression, "year": Year, "none": str}

    with pytest.raises(RegistrationError) as caught:
        Rule(rule, view, converters=own)

    assert complaint in str(caught.value)
