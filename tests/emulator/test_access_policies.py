"""Policies as authorizers answer them; moto judges the same ones, of services whose resources it looks at."""

from __future__ import annotations

import fnmatch
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microlambda.emulator.gateway.access.policies import MalformedPolicy, Policy, Verdict

access_control = pytest.importorskip("moto.iam.access_control")

ACTIONS = ("s3:GetObject", "s3:PutObject", "sqs:SendMessage")
RESOURCES = (
    "arn:aws:s3:::shop/orders/7",
    "arn:aws:s3:::shop/orders/7/lines",
    "arn:aws:s3:::shop-old/orders/7",
    "arn:aws:sqs:eu-west-1:123456789012:orders",
)

#: What moto says in words of ours.
VERDICTS = {"PERMITTED": Verdict.ALLOWED, "DENIED": Verdict.DENIED, "NEUTRAL": Verdict.NOT_ALLOWED}


def judged_by_moto(document: dict[str, Any], action: str, resource: str) -> Verdict:
    policy = access_control.IAMPolicy(json.dumps(document))
    return VERDICTS[policy.is_action_permitted(action, resource).name]


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def one_or_more(patterns: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return patterns | st.lists(patterns, min_size=1, max_size=3)


def broken_up(texts: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Patterns that are near to these texts: parts of them with `*` for the rest, or the whole."""

    @st.composite
    def pattern(draw: st.DrawFn) -> str:
        text = draw(st.sampled_from(texts))
        start, end = sorted(draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
        made = f"{text[:start]}*{text[end:]}"
        return draw(st.sampled_from([text, made, f"*{text[start:]}", f"{text[:end]}*", "*", f"{text}*"]))

    return pattern()


def stays_in_its_part(pattern: str) -> bool:
    """Is a wildcard in one of the first five parts of an ARN, other than a `*` at its end?

    moto lets it go beyond the part, and IAM does not.
    """
    return any("*" in part.removesuffix("*") or "?" in part for part in pattern.split(":", 5)[:5])


PLACED = broken_up(RESOURCES).filter(lambda pattern: not stays_in_its_part(pattern))


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    named = draw(st.sampled_from(["Action", "Action", "NotAction"]))
    return {
        "Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"])),
        named: draw(one_or_more(broken_up(ACTIONS))),
        "Resource": draw(one_or_more(PLACED)),
    }


@settings(max_examples=200, deadline=None)
@given(
    st.lists(statements(), min_size=1, max_size=4),
    st.sampled_from(ACTIONS),
    st.sampled_from(RESOURCES),
)
def test_every_verdict_is_motos(made: list[dict[str, Any]], action: str, resource: str) -> None:
    whole = document(*made)

    assert Policy.parse(whole).verdict(action, resource) is judged_by_moto(whole, action, resource)


@settings(max_examples=200, deadline=None)
@given(one_or_more(PLACED), st.sampled_from(["Allow", "Deny"]), st.sampled_from(RESOURCES))
def test_notresource_is_all_that_moto_does_not_find_in_resource(
    patterns: Any, effect: str, resource: str
) -> None:
    """moto knows no NotResource: it is asked about the resource, and the answer is turned round."""
    inside = judged_by_moto(
        document({"Effect": "Allow", "Action": "*", "Resource": patterns}), "s3:GetObject", resource
    )
    expected = Verdict.NOT_ALLOWED
    if inside is Verdict.NOT_ALLOWED:
        expected = Verdict.ALLOWED if effect == "Allow" else Verdict.DENIED

    made = document({"Effect": effect, "Action": "*", "NotResource": patterns})
    assert Policy.parse(made).verdict("s3:GetObject", resource) is expected


@settings(max_examples=200, deadline=None)
@given(st.text("ab*?/:.", max_size=12), st.text("ab/:.\n", max_size=12))
def test_wildcards_are_fnmatchs_without_its_brackets(pattern: str, resource: str) -> None:
    def is_about(effect: str, member: str) -> bool:
        made = Policy.parse(document({"Effect": effect, "Action": "*", member: pattern}))
        named = made.verdict("execute-api:Invoke", resource) is not Verdict.NOT_ALLOWED
        return named == (member == "Resource")

    expected = fnmatch.fnmatchcase(resource, pattern)

    assert is_about("Deny", "Resource") == is_about("Allow", "NotResource") == expected
    found = is_about("Allow", "Resource")
    assert is_about("Deny", "NotResource") == found
    assert found == expected or (expected and stays_in_its_part(pattern))


@pytest.mark.parametrize(
    ("action", "allowed"),
    [
        ("execute-api:Invoke", True),
        ("EXECUTE-API:invoke", True),
        ("execute-api:*", True),
        ("*", True),
        (["s3:*", "execute-api:Inv?ke"], True),
        ("execute-api:InvalidateCache", False),
        ("lambda:InvokeFunction", False),
        ("execute-api", False),
        ("", False),
    ],
)
def test_the_action_is_the_one_of_apis(action: Any, allowed: bool) -> None:
    made = Policy.parse(document({"Effect": "Allow", "Action": action, "Resource": "*"}))

    verdict = made.verdict("execute-api:Invoke", "arn:aws:execute-api:eu-west-1:1:a/dev/GET/x")

    assert verdict is (Verdict.ALLOWED if allowed else Verdict.NOT_ALLOWED)


ARN = "arn:aws:execute-api:eu-west-1:123456789012:abcdef123/dev/GET/users/7"


@pytest.mark.parametrize(
    ("resource", "allowed"),
    [
        (ARN, True),
        ("arn:aws:execute-api:eu-west-1:123456789012:abcdef123/*", True),
        ("arn:aws:execute-api:*:*:*/dev/*/users/*", True),
        ("arn:aws:execute-api:eu-west-1:123456789012:abcdef123/dev/GET/users/?", True),
        ("arn:aws:execute-api:eu-west-1:123456789012:abcdef123/dev/GET/*7", True),
        ("arn:aws:execute-api:eu-west-1:123456789012:abcdef123/dev/POST/users/7", False),
        ("arn:aws:execute-api:eu-west-1:123456789012:abcdef123/prod/GET/users/7", False),
        ("arn:aws:execute-api:eu-west-1:123456789012:abcdef123/dev/GET/users", False),
        ("arn:aws:execute-api:eu-west-1:123456789012:abcdef123/dev/GET/users/7/", False),
        ("arn:aws:execute-api:eu-west-1:123456789012:abcdef123/dev/GET/users/??", False),
        ("arn:aws:execute-api:eu-west-1:123456789012:ABCDEF123/dev/GET/users/7", False),
    ],
)
def test_the_resource_is_stage_method_and_path(resource: str, allowed: bool) -> None:
    made = Policy.parse(document({"Effect": "Allow", "Action": "*", "Resource": resource}))

    assert (made.verdict("execute-api:Invoke", ARN) is Verdict.ALLOWED) == allowed


@pytest.mark.parametrize(
    ("resource", "is_placed"),
    [
        ("*", True),
        ("arn:*", True),
        ("arn:aws:execute-api:*", True),
        ("arn:aws:execute-api:eu-*-1:*:abcdef123/*", True),
        ("arn:aws:execute-api:eu-west-?:*:abcdef123/*", True),
        ("arn:aws:execute-api:*:abcdef123/dev/GET/*", True),
        ("*/dev/GET/users/7", False),
        ("arn:aws:execute-api:*/dev/GET/users/7", False),
        ("arn:aws:execute-api:eu-west-1:*/dev/GET/users/7", False),
        ("arn:aws:execute-api:eu*23/dev/GET/users/7", False),
        ("arn:aws:execute-api:eu-west-1?123456789012:abcdef123/dev/GET/users/7", False),
    ],
)
def test_a_wildcard_inside_a_part_of_an_arn_does_not_leave_it(resource: str, is_placed: bool) -> None:
    """reference_policies_elements_resource.html; where that would let somebody in, it is not relied on."""

    def verdict(effect: str, member: str) -> Verdict:
        made = Policy.parse(document({"Effect": effect, "Action": "*", member: resource}))
        return made.verdict("execute-api:Invoke", ARN)

    assert verdict("Allow", "Resource") is (Verdict.ALLOWED if is_placed else Verdict.NOT_ALLOWED)
    assert verdict("Allow", "NotResource") is Verdict.NOT_ALLOWED
    assert verdict("Deny", "Resource") is Verdict.DENIED
    assert verdict("Deny", "NotResource") is (Verdict.NOT_ALLOWED if is_placed else Verdict.DENIED)


CONDITION = {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}
ALLOW = {"Effect": "Allow", "Action": "*", "Resource": "*"}
DENY = {"Effect": "Deny", "Action": "*", "Resource": "*"}


@pytest.mark.parametrize(
    ("made", "verdict"),
    [
        pytest.param([{**ALLOW, "Condition": CONDITION}], Verdict.NOT_ALLOWED, id="allows-nothing"),
        pytest.param([ALLOW, {**DENY, "Condition": CONDITION}], Verdict.DENIED, id="denies-all-the-same"),
        pytest.param([{**ALLOW, "Condition": {}}], Verdict.ALLOWED, id="without-a-condition-in-it"),
        pytest.param([{**ALLOW, "Condition": CONDITION}, ALLOW], Verdict.ALLOWED, id="beside-another"),
    ],
)
def test_a_condition_lets_nobody_in(made: list[dict[str, Any]], verdict: Verdict) -> None:
    policy = Policy.parse(document(*made))

    assert policy.verdict("execute-api:Invoke", ARN) is verdict
    assert policy.has_conditions == any(one.get("Condition") for one in made)


def test_one_statement_needs_no_list() -> None:
    assert Policy.parse({"Statement": ALLOW}).verdict("a:b", "c") is Verdict.ALLOWED


def test_a_policy_without_statements_allows_nothing() -> None:
    assert Policy.parse({"Statement": []}).verdict("a:b", "c") is Verdict.NOT_ALLOWED


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (None, "policyDocument is NoneType"),
        ("{}", "policyDocument is str"),
        ([], "policyDocument is list"),
        ({}, "a statement is NoneType"),
        ({"Statement": "Allow"}, "a statement is str"),
        ({"Statement": [None]}, "a statement is NoneType"),
        ({"Statement": [{**ALLOW, "Effect": "allow"}]}, "Effect is 'allow', neither Allow nor Deny"),
        ({"Statement": [{"Action": "*", "Resource": "*"}]}, "Effect is None"),
        ({"Statement": [{"Effect": "Allow", "Resource": "*"}]}, "neither Action and NotAction"),
        ({"Statement": [{"Effect": "Allow", "Action": "*"}]}, "neither Resource and NotResource"),
        ({"Statement": [{**ALLOW, "NotResource": "*"}]}, "both Resource and NotResource"),
        ({"Statement": [{**ALLOW, "NotAction": "*"}]}, "both Action and NotAction"),
        ({"Statement": [{**ALLOW, "Action": []}]}, "Action is no text"),
        ({"Statement": [{**ALLOW, "Resource": [1]}]}, "Resource is no text"),
        ({"Statement": [{**ALLOW, "Resource": None}]}, "Resource is no text"),
        ({"Statement": [{**ALLOW, "Resource": {"*": "*"}}]}, "Resource is no text"),
    ],
)
def test_what_is_no_policy_lets_nobody_in(made: Any, why: str) -> None:
    with pytest.raises(MalformedPolicy, match=why):
        Policy.parse(made)


def test_many_wildcards_do_not_keep_the_gateway_long() -> None:
    made = Policy.parse(document({"Effect": "Allow", "Action": "*", "Resource": "*" * 5_000 + "b"}))

    assert made.verdict("a:b", "a" * 5_000) is Verdict.NOT_ALLOWED
