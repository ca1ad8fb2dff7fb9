"""EventBridge's patterns: what is refused, what matches; moto's own matcher judges where it can.

The table is from https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
and, where that is silent, from the tests of https://github.com/aws/event-ruler, which AWS matches with.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.events.models import EventPattern

from microlambda import App, RegistrationError, UnknownEvent
from microlambda.runtime.triggers.patterns import check_pattern, matches

NOTHING: dict[str, Any] = {}


@pytest.fixture
def is_taken(app: App) -> Any:
    """Does a handler of that pattern get an event with that detail?"""

    def ask(pattern: Any, detail: Any) -> bool:
        app.on_event({"detail": pattern}, name="handle")(lambda event: True)
        try:
            return bool(app({"source": "shop", "detail-type": "x", "detail": detail}, None))
        except UnknownEvent:
            return False

    return ask


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        pytest.param(
            {"a": ["x", "y"]},
            [{"a": "y"}, {"a": "x", "b": 1}],
            [{"a": "X"}, {"a": ["z"]}, NOTHING],
            id="text",
        ),
        pytest.param({"a": [""]}, [{"a": ""}], [{"a": None}, NOTHING], id="empty text"),
        pytest.param({"a": [1]}, [{"a": 1}, {"a": 1.0}], [{"a": True}, {"a": "1"}, {"a": 2}], id="a number"),
        pytest.param({"a": [0.1]}, [{"a": 0.1}], [{"a": 0}], id="a fraction"),
        pytest.param(
            {"a": [123456789012345]}, [{"a": 123456789012345}], [{"a": 123456789012346}], id="a large number"
        ),
        pytest.param({"a": [True]}, [{"a": True}], [{"a": 1}, {"a": "true"}, {"a": False}], id="true"),
        pytest.param({"a": [False]}, [{"a": False}], [{"a": 0}, {"a": None}, NOTHING], id="false"),
        pytest.param({"a": [None]}, [{"a": None}], [{"a": ""}, {"a": 0}, NOTHING], id="null"),
        pytest.param(
            {"a": ["x"], "b": [1]}, [{"a": "x", "b": 1}], [{"a": "x"}, {"a": "x", "b": 2}], id="and"
        ),
        pytest.param(
            {"a": ["x"]},
            [{"a": ["y", "x"]}, {"a": [["x"]]}],
            [{"a": []}, {"a": {"x": "x"}}],
            id="a list in the event",
        ),
        pytest.param(
            {"a": {"b": {"c": ["x"]}}},
            [{"a": {"b": {"c": "x", "d": 1}}}],
            [{"a": {"b": "x"}}, {"a": None}, {"a": 1}],
            id="nested",
        ),
        pytest.param(
            {"a": {"b": ["x"], "c": ["y"]}},
            [{"a": [{"b": "q"}, {"b": "x", "c": "y"}]}, {"a": [[{"b": "x", "c": "y"}], 7]}],
            [{"a": [{"b": "x"}, {"c": "y"}]}, {"a": []}],
            id="of one object in a list",
        ),
        pytest.param(
            {"a": [{"prefix": "eu-"}]},
            [{"a": "eu-"}, {"a": "eu-west-1"}, {"a": ["us", "eu-x"]}],
            [{"a": "EU-"}, {"a": "an eu-west-1"}, {"a": 7}, NOTHING],
            id="prefix",
        ),
        pytest.param(
            {"a": [{"prefix": ""}]}, [{"a": ""}, {"a": "x"}], [{"a": None}, NOTHING], id="an empty prefix"
        ),
        pytest.param(
            {"a": [{"prefix": {"equals-ignore-case": "EVentb"}}]},
            [{"a": "eventBridge"}],
            [{"a": "event"}, {"a": "an eventb"}],
            id="prefix of any case",
        ),
        pytest.param(
            {"a": [{"suffix": ".png"}]},
            [{"a": "a.png"}],
            [{"a": "a.PNG"}, {"a": "a.png.gz"}, {"a": ["png"]}],
            id="suffix",
        ),
        pytest.param(
            {"a": [{"suffix": {"equals-ignore-case": ".png"}}]},
            [{"a": "a.PnG"}],
            [{"a": "png"}],
            id="suffix of any case",
        ),
        pytest.param(
            {"a": [{"equals-ignore-case": "alice"}]},
            [{"a": "ALICE"}],
            [{"a": "alices"}, {"a": 1}],
            id="of any case",
        ),
        pytest.param(
            {"a": [{"anything-but": "x"}]},
            [{"a": "y"}, {"a": 1}, {"a": None}, {"a": ["x", "y"]}],
            [{"a": "x"}, {"a": ["x"]}, {"a": []}, NOTHING],
            id="anything but text",
        ),
        pytest.param(
            {"a": [{"anything-but": ["x", "y"]}]},
            [{"a": "z"}],
            [{"a": "x"}, {"a": "y"}],
            id="anything but texts",
        ),
        pytest.param(
            {"a": [{"anything-but": [1, 2]}]},
            [{"a": 3}, {"a": "1"}, {"a": True}],
            [{"a": 1}, {"a": 2.0}],
            id="anything but numbers",
        ),
        pytest.param(
            {"a": [{"anything-but": {"prefix": "us-"}}]},
            [{"a": "eu-"}],
            [{"a": "us-east-1"}, NOTHING],
            id="anything but a prefix",
        ),
        pytest.param(
            {"a": [{"anything-but": {"prefix": ["us-", "ap-"]}}]},
            [{"a": "eu-"}],
            [{"a": "us-1"}, {"a": "ap-1"}],
            id="anything but prefixes",
        ),
        pytest.param(
            {"a": [{"anything-but": {"suffix": [".png", ".gif"]}}]},
            [{"a": "a.txt"}],
            [{"a": "a.gif"}],
            id="anything but suffixes",
        ),
        pytest.param(
            {"a": [{"anything-but": {"equals-ignore-case": ["a", "b"]}}]},
            [{"a": "c"}],
            [{"a": "A"}, {"a": "b"}],
            id="anything but, of any case",
        ),
        pytest.param(
            {"a": [{"anything-but": {"wildcard": "*/lib/*"}}]},
            [{"a": "/bin/x"}],
            [{"a": "/usr/lib/x"}],
            id="anything but a wildcard",
        ),
        pytest.param(
            {"a": [{"anything-but": {"wildcard": ["*.a", "b*"]}}]},
            [{"a": "c"}],
            [{"a": "x.a"}, {"a": "bb"}],
            id="anything but wildcards",
        ),
        pytest.param(
            {"a": [{"numeric": ["=", 300]}]},
            [{"a": 300}, {"a": 3.0e2}],
            [{"a": 299}, {"a": "300"}],
            id="equal",
        ),
        pytest.param(
            {"a": [{"numeric": [">", 0, "<=", 5]}]},
            [{"a": 0.1}, {"a": 5}],
            [{"a": 0}, {"a": 5.1}, {"a": True}, {"a": "1"}],
            id="a range",
        ),
        pytest.param(
            {"a": [{"numeric": ["<", -1]}]},
            [{"a": -2}, {"a": [5, -2]}],
            [{"a": -1}, {"a": -6e9}],
            id="less, to AWS's bound",
        ),
        pytest.param(
            {"a": [{"numeric": [">=", 7]}]},
            [{"a": 7}],
            [{"a": 6}, {"a": 5.1e9}],
            id="at least, to AWS's bound",
        ),
        pytest.param(
            {"a": [{"exists": True}]},
            [{"a": None}, {"a": ""}, {"a": [1]}],
            [NOTHING, {"a": {"b": 1}}, {"a": []}],
            id="there",
        ),
        pytest.param(
            {"a": [{"exists": False}]},
            [NOTHING, {"a": {"b": 1}}, {"a": []}, {"a": {}}],
            [{"a": None}, {"a": 0}],
            id="not there",
        ),
        pytest.param(
            {"a": {"b": [{"exists": False}]}},
            [NOTHING, {"a": 1}, {"a": {}}, {"a": []}],
            [{"a": {"b": 1}}, {"a": [{}, {"b": 1}]}],
            id="nested, not there",
        ),
        pytest.param(
            {"a": ["x", {"exists": False}]}, [NOTHING, {"a": "x"}], [{"a": "y"}], id="not there, or a value"
        ),
        pytest.param(
            {"a": [{"cidr": "10.0.0.0/24"}]},
            [{"a": "10.0.0.255"}],
            [{"a": "10.0.1.0"}, {"a": "x"}, {"a": 10}, {"a": "::1"}],
            id="addresses",
        ),
        pytest.param(
            {"a": [{"cidr": "10.0.0.77/24"}]},
            [{"a": "10.0.0.1"}],
            [{"a": "10.0.1.77"}],
            id="an address within its block",
        ),
        pytest.param(
            {"a": [{"cidr": "2001:db8::/32"}]},
            [{"a": "2001:db8::1"}],
            [{"a": "2001:db9::1"}, {"a": "10.0.0.1"}],
            id="IPv6",
        ),
        pytest.param(
            {"a": [{"wildcard": "dir/*.png"}]},
            [{"a": "dir/.png"}, {"a": "dir/a/b.png"}, {"a": "dir/\n.png"}],
            [{"a": "dir/a.pngx"}, {"a": "Dir/a.png"}, {"a": "dir/a_png"}],
            id="wildcard",
        ),
        pytest.param(
            {"a": [{"wildcard": r"a\*\\*z"}]},
            [{"a": "a*\\z"}, {"a": "a*\\bcz"}],
            [{"a": "ab\\z"}, {"a": "a*z"}],
            id="escaped wildcard",
        ),
        pytest.param(
            {"$or": [{"a": [1]}, {"b": [2]}]},
            [{"a": 1}, {"a": 3, "b": 2}],
            [{"a": 2, "b": 1}, NOTHING],
            id="or",
        ),
        pytest.param(
            {"c": ["x"], "$or": [{"a": [1], "b": [2]}, {"d": {"$or": [{"e": [3]}, {"f": [4]}]}}]},
            [{"c": "x", "a": 1, "b": 2}, {"c": "x", "d": {"f": 4}}],
            [{"a": 1, "b": 2}, {"c": "x", "a": 1}, {"c": "x", "d": {"e": 4}}],
            id="or within or",
        ),
        pytest.param({"ä b": ["ß"]}, [{"ä b": "ß"}], [{"ä b": "ss"}], id="unicode"),
    ],
)
def test_a_pattern_matches_as_aws_documents_it(
    is_taken: Any, pattern: dict[str, Any], yes: list[Any], no: list[Any]
) -> None:
    first = is_taken(pattern, yes[0])

    assert first
    check_pattern("on_event", "event_pattern", pattern)
    assert [matches(pattern, event) for event in yes] == [True] * len(yes)
    assert [matches(pattern, event) for event in no] == [False] * len(no)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        pytest.param("source", ["event_pattern='source'", "a pattern is a dict of fields"], id="text"),
        pytest.param(None, ["event_pattern=None"], id="None"),
        pytest.param(NOTHING, ["event_pattern={}", "name a field"], id="empty"),
        pytest.param({"detail": NOTHING}, ["{'detail': {}}"], id="an empty field"),
        pytest.param({"source": "shop"}, ["{'source': 'shop'}", "stand in a list: ['shop']"], id="no list"),
        pytest.param(
            {"a": ["x"], "detail": {"b": 7}},
            ["{'detail': {'b': 7}}", "stand in a list: [7]"],
            id="the part that is wrong",
        ),
        pytest.param({"a": []}, ["the list of 'a' is empty"], id="an empty list"),
        pytest.param({7: ["x"]}, ["the field 7 is no str"], id="a number as field"),
        pytest.param({"a": [["x"]]}, ["['x'] is no str"], id="a list in a list"),
        pytest.param({"a": [float("nan")]}, ["nan is no str"], id="NaN"),
        pytest.param({"a": [b"x"]}, ["b'x' is no str"], id="bytes"),
        pytest.param({"a": [{}]}, ["has 0 keys"], id="no operator"),
        pytest.param(
            {"a": [{"prefix": "a", "suffix": "b"}]},
            ["each operator stands in a dict of its own"],
            id="two operators",
        ),
        pytest.param(
            {"a": [{"prefx": "a"}]}, ["'prefx' is no operator", "Did you mean 'prefix'"], id="a misspelling"
        ),
        pytest.param({"a": [{"regex": "a"}]}, ["'regex' is no operator", "wildcard"], id="no such operator"),
        pytest.param({"a": [{"prefix": ["a"]}]}, ["a str"], id="a list of prefixes"),
        pytest.param(
            {"a": [{"prefix": {"prefix": "a"}}]}, ["{'equals-ignore-case': a str}"], id="a prefix in a prefix"
        ),
        pytest.param({"a": [{"suffix": 7}]}, ["a str"], id="a number as suffix"),
        pytest.param(
            {"a": [{"equals-ignore-case": ["a"]}]}, ["equals-ignore-case takes a str"], id="texts of any case"
        ),
        pytest.param({"a": [{"exists": "true"}]}, ["exists takes True or False"], id="exists text"),
        pytest.param({"a": [{"anything-but": []}]}, ["anything-but takes"], id="anything but nothing"),
        pytest.param(
            {"a": [{"anything-but": ["a", 1]}]}, ["of texts or of numbers"], id="anything but a mixture"
        ),
        pytest.param({"a": [{"anything-but": True}]}, ["anything-but takes"], id="anything but a bool"),
        pytest.param(
            {"a": [{"anything-but": {"numeric": ["=", 1]}}]},
            ["within anything-but stands one of prefix"],
            id="anything but a range",
        ),
        pytest.param(
            {"a": [{"anything-but": NOTHING}]}, ["within anything-but"], id="anything but no operator"
        ),
        pytest.param(
            {"a": [{"anything-but": {"prefix": ""}}]},
            ["every text has the empty prefix"],
            id="anything but all",
        ),
        pytest.param(
            {"a": [{"anything-but": {"suffix": [7]}}]},
            ["suffix within anything-but takes a str"],
            id="anything but a number's suffix",
        ),
        pytest.param(
            {"a": [{"anything-but": {"wildcard": ["a", "b**"]}}]},
            ["two '*' side by side"],
            id="anything but a bad wildcard",
        ),
        pytest.param(
            {"a": [{"numeric": 5}]}, ["numeric takes one or two comparisons"], id="numeric of a number"
        ),
        pytest.param(
            {"a": [{"numeric": [">"]}]}, ["numeric takes one or two comparisons"], id="numeric of an operator"
        ),
        pytest.param({"a": [{"numeric": ["==", 5]}]}, ["numeric compares by '='"], id="no comparison"),
        pytest.param(
            {"a": [{"numeric": ["<", 5, ">", 0]}]}, ["the lower bound stands first"], id="a range backwards"
        ),
        pytest.param(
            {"a": [{"numeric": ["=", 5, "<", 9]}]}, ["the lower bound stands first"], id="equal and less"
        ),
        pytest.param(
            {"a": [{"numeric": [">", 5, "<", 5]}]},
            ["no range begins at 5 and ends at 5"],
            id="an empty range",
        ),
        pytest.param({"a": [{"numeric": [">", "5"]}]}, ["not with '5'"], id="text as bound"),
        pytest.param({"a": [{"numeric": [">", True]}]}, ["not with True"], id="a bool as bound"),
        pytest.param({"a": [{"numeric": [">", 6e9]}]}, ["from -5e9 to 5e9"], id="too large a bound"),
        pytest.param({"a": [{"cidr": "10.0.0.0"}]}, ["a block of IPv4 or IPv6 addresses"], id="no block"),
        pytest.param({"a": [{"cidr": "10.0.0.0/255.255.255.0"}]}, ["a block"], id="a mask"),
        pytest.param(
            {"a": [{"cidr": "10.0.0.1/32"}]}, ["Write '10.0.0.1' as the value"], id="a block of one"
        ),
        pytest.param({"a": [{"cidr": "10.0.0/24"}]}, ["a block"], id="three numbers"),
        pytest.param({"a": [{"cidr": 7}]}, ["a block"], id="a number as block"),
        pytest.param({"a": [{"wildcard": "a**b"}]}, ["two '*' side by side"], id="two stars"),
        pytest.param({"a": [{"wildcard": r"a\b"}]}, ["a backslash stands only before"], id="a bad escape"),
        pytest.param(
            {"a": [{"wildcard": "a\\"}]}, ["a backslash stands only before"], id="a backslash at the end"
        ),
        pytest.param({"a": [{"wildcard": ["a*"]}]}, ["wildcard takes a str"], id="wildcards"),
        pytest.param({"$or": [{"a": [1]}]}, ["$or takes a list of two patterns or more"], id="one of one"),
        pytest.param({"$or": {"a": [1]}}, ["$or takes a list"], id="or of a dict"),
        pytest.param({"$or": [{"a": [1]}, 7]}, ["{'$or': 7}", "a pattern is a dict"], id="or of a number"),
        pytest.param(
            {"$or": [{"a": [1]}, {"prefix": ["x"]}]},
            ["'prefix' cannot be the name of a field"],
            id="an operator as field",
        ),
        pytest.param({"$or": [{"a": [1]}, NOTHING]}, ["an empty dict is no pattern"], id="or nothing"),
        pytest.param({"a": ["x" * 4090]}, ["4,100 characters", "4,096"], id="too long"),
        pytest.param(
            {field: {"$or": [{letter: [1]} for letter in "abcdefghijk"]} for field in "xyz"},
            ["1,331 combinations", "1,000"],
            id="too many combinations",
        ),
    ],
)
def test_a_pattern_that_aws_refuses_is_an_error_that_shows_what_is_wrong(
    app: App, pattern: Any, words: list[str]
) -> None:
    with pytest.raises(RegistrationError) as caught:
        app.on_event(pattern)

    assert str(caught.value).startswith("on_event(event_pattern=")
    for word in words:
        assert word in str(caught.value)


def test_tuples_are_lists(is_taken: Any) -> None:
    assert is_taken({"a": ({"anything-but": ("x", "y")},)}, {"a": "z"})


# Against moto, in what it knows: no lists of objects, no empty ones, True apart from 1 ---------------

TEXTS = st.text("aAb-", max_size=3)
NUMBERS = st.integers(2, 9)
SOME_TEXTS = st.lists(TEXTS, min_size=1, max_size=3)
FULL_TEXTS = st.text("aAb-", min_size=1, max_size=2)
FULL_LISTS = st.lists(FULL_TEXTS, min_size=1, max_size=2)
FIELDS = st.sampled_from("abc")
WILDCARDS = st.lists(st.sampled_from(["a", "A", "b", "\\*"]), max_size=3).map("*".join)


def named(operator: str, operands: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return operands.map(lambda operand: {operator: operand})


RANGES = st.one_of(
    st.tuples(st.sampled_from(["=", "<", "<=", ">", ">="]), NUMBERS).map(list),
    st.tuples(NUMBERS, st.sampled_from([">", ">="]), st.sampled_from(["<", "<="]), st.integers(1, 4)).map(
        lambda it: [it[1], it[0], it[2], it[0] + it[3]]
    ),
)
OF_ANY_CASE = named("equals-ignore-case", TEXTS)
VALUES = st.one_of(
    TEXTS,
    NUMBERS,
    st.none(),
    OF_ANY_CASE,
    named("prefix", TEXTS | OF_ANY_CASE),
    named("suffix", TEXTS | OF_ANY_CASE),
    named("numeric", RANGES),
    named("exists", st.booleans()),
    named("wildcard", WILDCARDS),
    named("cidr", st.sampled_from(["10.0.0.0/24", "10.0.0.0/31", "2001:db8::/64"])),
    named(
        "anything-but",
        st.one_of(
            TEXTS,
            NUMBERS,
            SOME_TEXTS,
            st.lists(NUMBERS, min_size=1, max_size=3),
            named("prefix", FULL_TEXTS | FULL_LISTS),
            named("suffix", FULL_TEXTS | FULL_LISTS),
            named("equals-ignore-case", TEXTS | SOME_TEXTS),
            named("wildcard", WILDCARDS | st.lists(WILDCARDS, min_size=1, max_size=2)),
        ),
    ),
)
LEAVES = st.one_of(
    TEXTS, NUMBERS, st.none(), st.sampled_from(["10.0.0.1", "10.0.0.9", "10.0.1.1", "2001:db8::7"])
)
DETAILS = st.recursive(
    LEAVES | st.lists(LEAVES, min_size=1, max_size=3),
    lambda inner: st.dictionaries(FIELDS, inner, min_size=1, max_size=3),
    max_leaves=6,
)
EVENTS = st.dictionaries(FIELDS, DETAILS, max_size=3)


def objects(fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(FIELDS, fields, min_size=1, max_size=2)


FLAT = objects(st.lists(VALUES, min_size=1, max_size=3))
NESTED = objects(st.lists(VALUES, min_size=1, max_size=3) | FLAT)
PATTERNS = st.one_of(
    NESTED,
    st.builds(
        lambda pattern, ways: {**pattern, "$or": ways}, NESTED, st.lists(NESTED, min_size=2, max_size=3)
    ),
)


@settings(deadline=None, max_examples=150)
@given(pattern=PATTERNS, events=st.lists(EVENTS, min_size=8, max_size=8))
def test_patterns_match_what_moto_matches(pattern: dict[str, Any], events: list[Any]) -> None:
    check_pattern("on_event", "event_pattern", pattern)

    ours = [matches(pattern, event) for event in events]

    theirs = EventPattern.load(json.dumps(pattern))
    assert ours == [theirs.matches_event(event) for event in events]
