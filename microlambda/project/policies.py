"""What `policies` may hold: ARNs of managed policies, and statements of what a function may do.

Everything that IAM would refuse by its form is refused here. That an action or a policy exists only AWS can
tell.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import TYPE_CHECKING, Any

from microlambda.project.errors import nearest
from microlambda.project.limits import MANAGED_POLICIES

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What an ARN in the settings may leave to the place of the deploy.
PLACES = ("account", "region", "partition")

#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
_OPERATORS = (
    *("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
    *("StringLike", "StringNotLike", "NumericEquals", "NumericNotEquals", "NumericLessThan"),
    *("NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals", "DateEquals"),
    *("DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals"),
    *("Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "ArnEquals", "ArnLike", "ArnNotEquals"),
    *("ArnNotLike", "Null"),
)
_KEYS = ("effect", "actions", "resources", "conditions")

_PLACE = re.compile(r"\$\{(?P<name>[^}]*)\}")
_MANAGED = re.compile(
    r"arn:(?:aws[\w-]*|\$\{partition\}):iam::(?:aws|\d{12}|\$\{account\}):"
    r"policy/(?:[\w+=,.@/-]|\$\{(?:region|account)\})+",
    re.ASCII,
)
_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9*?]+")
# An account and a region may be left out, as in a bucket's, or stand for any.
_RESOURCE = re.compile(r"\*|arn:[^:\s]+:[a-z0-9-]+:[^:\s]*:[^:\s]*:\S.*")


def policies_problem(value: object) -> str | None:
    """Say what is wrong with the value of `policies`, or None."""
    if not isinstance(value, list):
        return "must be a list of ARNs of managed policies and of tables with actions and resources"
    for item in value:
        if problem := _managed_problem(item) if isinstance(item, str) else _statement_problem(item):
            return problem
    managed = {item for item in value if isinstance(item, str)}
    if len(managed) > MANAGED_POLICIES:
        return (
            f"names {len(managed)} managed policies; IAM attaches {MANAGED_POLICIES} to a role. Put some of "
            "what they allow into tables with actions and resources"
        )
    return None


def place_problem(text: str) -> str | None:
    """Say which `${...}` of a text cannot be filled in; variables of IAM, `${aws:username}`, stay."""
    places = list(_PLACE.finditer(text))
    if text.count("${") != len(places):
        return f"holds {text!r}, which opens ${{...}} and does not close it"
    for match in places:
        name = match["name"]
        if name.startswith(("env:", "ssm:", "secret:")):
            return f"holds {match[0]}, which is for the environment alone"
        if ":" not in name and name not in (*PLACES, "*", "?", "$"):
            hint = nearest(name, PLACES) or f" There are {', '.join(f'${{{one}}}' for one in PLACES)}."
            return f"holds {match[0]}, which nothing fills in.{hint}"
    return None


def _managed_problem(arn: str) -> str | None:
    if problem := place_problem(arn):
        return problem
    if _MANAGED.fullmatch(arn):
        return None
    return (
        f"holds {arn!r}, which is no ARN of a managed policy, such as "
        "'arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess'"
    )


def _statement_problem(item: object) -> str | None:
    if not isinstance(item, dict):
        return f"holds {item!r}; it takes ARNs and tables with actions and resources"
    for name in item:
        if name not in _KEYS:
            hint = nearest(name, _KEYS) or f" Known are {', '.join(_KEYS)}."
            return f"holds a table with the unknown key {name!r}.{hint}"
    if item.get("effect", "Allow") != "Allow":
        return (
            f"holds effect = {item['effect']!r}; it can only be 'Allow', since a function may do "
            "nothing else anyway. To deny, attach a managed policy of your own by its ARN"
        )
    return (
        _actions_problem(item.get("actions"))
        or _resources_problem(item.get("resources"), item.get("actions"))
        or _conditions_problem(item.get("conditions", {}))
    )


def _actions_problem(actions: Any) -> str | None:
    if not _is_texts(actions):
        return "holds a table without a list of actions, such as actions = ['s3:GetObject']"
    for action in actions:
        if action in ("*", "*:*"):
            return f"holds the action {action!r}: all there is. Name the actions that the function calls"
        if not _ACTION.fullmatch(action):
            return f"holds the action {action!r}, which is none: 'service:Action', such as 's3:GetObject'"
    return None


def _resources_problem(resources: Any, actions: Any) -> str | None:
    if not _is_texts(resources):
        return (
            f"holds a table for {actions} without a list of resources: ARNs, such as "
            "resources = ['arn:aws:s3:::outbox/*'], or ['*'] for actions that know no narrower one"
        )
    for resource in resources:
        if problem := place_problem(resource):
            return problem
        if not _RESOURCE.fullmatch(resource):
            return (
                f"holds the resource {resource!r}, which is no ARN, such as 'arn:aws:s3:::outbox/*' or "
                "'arn:${partition}:sqs:${region}:${account}:orders'"
            )
    return None


def _conditions_problem(conditions: object) -> str | None:
    if not isinstance(conditions, dict):
        return "holds conditions that are no table, such as { StringEquals = { 'aws:SourceVpc' = 'vpc-1' } }"
    for operator, tests in conditions.items():
        plain = operator.rpartition(":")[2]
        if plain != "NullIfExists":  # there is none
            plain = plain.removesuffix("IfExists")
        quantifier = operator.rpartition(":")[0]
        if plain not in _OPERATORS or quantifier not in ("", "ForAllValues", "ForAnyValue"):
            hint = nearest(plain, _OPERATORS)
            return f"holds the condition {operator!r}, which IAM does not have.{hint}"
        if not isinstance(tests, dict) or not tests:
            return f"holds the condition {operator} without a table of keys and values"
    return next((problem for text in _texts(conditions) if (problem := place_problem(text))), None) or (
        None
        if all(_is_value(value) for tests in conditions.values() for value in tests.values())
        else "holds conditions whose values are no texts, numbers, true or false, or lists of these"
    )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _is_value(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and not any(isinstance(one, list) for one in value) and all(map(_is_value, value))
    return isinstance(value, str | int) or (isinstance(value, float) and isfinite(value))


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)
