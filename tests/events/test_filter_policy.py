"""SNS's filter policies: what SNS refuses, and what it lets pass, as moto has it too."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.sns.utils import FilterPolicyMatcher

from microlambda import App, RegistrationError
from microlambda.emulator.events.sns import build


def trigger_of(policy: Any, scope: str = "MessageAttributes") -> Any:
    app = App("shop")
    app.on_sns_message("news", filter_policy=policy, filter_scope=scope, name="handle")(lambda event: None)
    return app.handlers["handle"].trigger


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        pytest.param({str(n): ["x"] for n in range(6)}, ["at most 5 keys"], id="six keys"),
        pytest.param(
            {"a": ["x"] * 13, "b": ["x"] * 12}, ["156 combinations", "takes 150"], id="combinations"
        ),
        pytest.param({"a": {"b": ["x"]}}, ["do not nest", "MessageBody"], id="nested"),
        pytest.param({"a": []}, ["list of 'a' is empty"], id="an empty list"),
        pytest.param({"a": [["x"]]}, ["['x'] is no str"], id="a list in a list"),
        pytest.param({"a": [float("nan")]}, ["nan is no str"], id="NaN"),
        pytest.param({"a": [2e9]}, ["-1e9 to 1e9"], id="a large number"),
        pytest.param({"a": [{"numeric": ["<", 2e9]}]}, ["-1e9 to 1e9"], id="a large bound"),
        pytest.param({"a": [{"anything-but": [-2e9]}]}, ["-1e9 to 1e9"], id="a large exception"),
        pytest.param({1: ["x"]}, ["1 is no str"], id="a name that is a number"),
        pytest.param({"a": [{"prefx": "x"}]}, ["Did you mean 'prefix'"], id="a near miss"),
        pytest.param({"a": [{"prefix": 7}]}, ["it takes a str"], id="an operand"),
        pytest.param({"a": [{"prefix": "x", "suffix": "y"}]}, ["has 2 keys"], id="two operators"),
        pytest.param({"a": [{"numeric": ["<", 5, ">", 1]}]}, ["numeric"], id="a range upside down"),
        pytest.param({"a": [{"exists": "no"}]}, ["True or False"], id="exists"),
        pytest.param(
            {"a": [{"prefix": {"equals-ignore-case": "x"}}]}, ["prefix takes a str"], id="EventBridge's"
        ),
        pytest.param(
            {"a": [{"anything-but": {"equals-ignore-case": "x"}}]},
            ["prefix, suffix, wildcard"],
            id="EventBridge's too",
        ),
        pytest.param(
            {"a": [{"anything-but": {"prefix": ["x"]}}]}, ["with a str"], id="several of EventBridge's"
        ),
        pytest.param({"$or": [{"a": ["x"]}]}, ["two policies or more"], id="one alternative"),
        pytest.param({"$or": [{"a": ["x"]}, {}]}, ["two policies or more"], id="an empty alternative"),
        pytest.param({"a": ["é" * 200_000]}, ["256 KB"], id="a large policy"),
    ],
)
def test_what_sns_refuses_is_an_error(policy: Any, words: list[str]) -> None:
    with pytest.raises(RegistrationError) as caught:
        trigger_of(policy)

    assert "on_sns_message(filter_policy=" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


# The examples of https://docs.aws.amazon.com/sns/latest/dg/and-or-logic.html and of the constraints.
NESTED = {"a": {"b": {"c": ["1", "2", "3", "4"]}}, "d": {"e": ["1", "2", "3"]}}
WITH_OR = {
    "source": ["aws.cloudwatch"],
    "$or": [
        {"metricName": ["CPUUtilization", "ReadLatency"]},
        {"metricType": ["MetricType"], "$or": [{"metricId": [1234, 4321]}, {"spaceId": [1, 2, 3]}]},
    ],
}
NESTED_OR = {
    "$or": [{"metricName": ["a", "b"]}, {"namespace": ["c", "d"]}],
    "detail": {"scope": ["Service"], "$or": [{"source": ["e"]}, {"type": ["f"]}]},
}


@pytest.mark.parametrize(
    ("policy", "count"),
    [
        pytest.param(NESTED, 72, id="nested"),
        pytest.param(WITH_OR, 7, id="alternatives"),
        pytest.param(NESTED_OR, 32, id="nested alternatives"),
    ],
)
def test_combinations_are_counted_as_sns_does(policy: dict[str, Any], count: int) -> None:
    factor = 150 // count + 1

    assert trigger_of(policy, "MessageBody").filter_policy == policy
    with pytest.raises(RegistrationError, match=f"{count * factor} combinations"):
        trigger_of({**policy, "more": ["x"] * factor}, "MessageBody")


@pytest.mark.parametrize(
    ("policy", "attributes", "passes"),
    [
        pytest.param({"a": [{"anything-but": ["x", "y"]}]}, {"a": ["x", "z"]}, True, id="one is another"),
        pytest.param({"a": [{"anything-but": ["x", "y"]}]}, {"a": ["x", "y"]}, False, id="none is another"),
        pytest.param(
            {"a": [{"anything-but": {"wildcard": "*ball"}}]}, {"a": "rugby"}, True, id="no wildcard"
        ),
        pytest.param({"a": [{"anything-but": {"suffix": "ball"}}]}, {"a": "football"}, False, id="a suffix"),
        pytest.param({"a": [{"wildcard": "*ball"}]}, {"a": "football"}, True, id="a wildcard"),
        pytest.param({"a": [{"equals-ignore-case": "Tennis"}]}, {"a": "TENNIS"}, True, id="in any case"),
        pytest.param({"ip": [{"cidr": "10.0.0.0/24"}]}, {"ip": "10.0.0.255"}, True, id="in the block"),
        pytest.param({"ip": [{"cidr": "10.0.0.0/24"}]}, {"ip": "10.1.1.0"}, False, id="not in the block"),
        pytest.param({"a": ["x", {"exists": False}]}, {}, True, id="or absent"),
        pytest.param({"a": ["3"]}, {"a": 3}, False, id="a number is no text"),
        pytest.param({"a": [3]}, {"a": 3.0}, True, id="numbers are equal by value"),
        pytest.param({"a": [True]}, {"a": [True]}, True, id="a bool in a list"),
        pytest.param({"a": [None]}, {"a": [None]}, True, id="null in a list"),
        pytest.param({"a": [{"exists": False}]}, {"a": b"x"}, True, id="bytes are ignored"),
        pytest.param({"$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"b": "y"}, True, id="the other alternative"),
        pytest.param({"$or": [{"a": ["x"]}, {"b": ["y"]}], "c": ["z"]}, {"b": "y"}, False, id="both needed"),
    ],
)
def test_what_passes_by_its_attributes(
    policy: dict[str, Any], attributes: dict[str, Any], passes: bool
) -> None:
    assert trigger_of(policy).fits(build("news", attributes=attributes)) == passes


def test_an_attribute_that_is_not_what_its_type_says_is_as_none() -> None:
    event = build("news", attributes={"a": "x, y"})
    event["Records"][0]["Sns"]["MessageAttributes"]["a"]["Type"] = "String.Array"

    assert trigger_of({"a": [{"exists": False}]}).fits(event)


@pytest.mark.parametrize(
    ("body", "passes"),
    [
        pytest.param({"order": {"lines": [{"sku": "a", "count": 9}]}}, True, id="in a list"),
        pytest.param(
            {"order": {"lines": [{"sku": "a", "count": 1}, {"sku": "b"}]}}, False, id="none of them"
        ),
        pytest.param({"order": {}}, False, id="nothing there"),
        pytest.param({"order": 7}, False, id="another kind"),
        pytest.param([], False, id="no object"),
        pytest.param("hello", False, id="no JSON"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_what_passes_by_its_body(body: Any, passes: bool) -> None:
    policy = {"order": {"lines": {"sku": ["a"], "count": [{"numeric": [">", 5]}]}}}

    assert trigger_of(policy, "MessageBody").fits(build("news", body)) == passes


# What moto and we both know: it takes no part of a text for one of a list's, and no list for anything-but.
WORDS = st.sampled_from(["rugby", "Rugby", "football", "foot", "ball", "base-ball"])
NUMBERS = st.integers(-5, 5) | st.sampled_from([0.5, -1.25, 3.0])
COMPARISONS = st.tuples(st.sampled_from([">", ">=", "<", "<=", "="]), NUMBERS).map(list)
RANGES = st.tuples(
    st.sampled_from([">", ">="]), st.integers(-5, 0), st.sampled_from(["<", "<="]), st.integers(1, 5)
)
OF_TEXT = st.one_of(
    WORDS,
    WORDS.map(lambda word: {"prefix": word}),
    WORDS.map(lambda word: {"suffix": word}),
    WORDS.map(lambda word: {"equals-ignore-case": word.lower()}),
    WORDS.map(lambda word: {"anything-but": word}),
    st.lists(WORDS, min_size=1).map(lambda words: {"anything-but": words}),
    WORDS.map(lambda word: {"anything-but": {"prefix": word}}),
)
OF_NUMBERS = NUMBERS | (COMPARISONS | RANGES.map(list)).map(lambda operand: {"numeric": operand})
PRESENCE = st.booleans().map(lambda exists: [{"exists": exists}])
POLICIES = st.fixed_dictionaries(
    {},
    optional={
        "text": st.lists(OF_TEXT, min_size=1, max_size=3) | PRESENCE,
        "number": st.lists(OF_NUMBERS, min_size=1, max_size=3) | PRESENCE,
        "list": st.lists(WORDS, min_size=1, max_size=3) | PRESENCE,
    },
).filter(bool)
VALUES = st.fixed_dictionaries(
    {}, optional={"text": WORDS, "number": NUMBERS, "list": st.lists(WORDS, min_size=1)}
)


@given(POLICIES, VALUES)
@settings(max_examples=300, deadline=None)
def test_moto_lets_the_same_pass_by_attributes(policy: dict[str, Any], values: dict[str, Any]) -> None:
    event = build("news", attributes=values)

    ours = trigger_of(policy).fits(event)

    attributes = event["Records"][0]["Sns"]["MessageAttributes"]
    assert ours == FilterPolicyMatcher(policy, "MessageAttributes").matches(attributes, "")


@given(POLICIES, VALUES)
@settings(max_examples=300, deadline=None)
def test_moto_lets_the_same_pass_by_the_body(policy: dict[str, Any], values: dict[str, Any]) -> None:
    ours = trigger_of(policy, "MessageBody").fits(build("news", values))

    assert ours == FilterPolicyMatcher(policy, "MessageBody").matches(None, json.dumps(values))
