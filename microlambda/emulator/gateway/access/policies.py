"""IAM policies as authorizers answer them: do they let the caller have this resource?

An explicit deny wins, and what nothing allows is denied. Conditions are not evaluated here, and so let nobody
in: a statement that has one allows nothing, and denies whatever it names.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any


class MalformedPolicy(ValueError):
    """The document is no policy; the message tells why."""


class Verdict(Enum):
    """What a policy comes to."""

    ALLOWED = "a statement allows it"
    DENIED = "a statement denies it"
    NOT_ALLOWED = "no statement allows it"


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement: the patterns of its actions and resources, or of those that it is not about."""

    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    but_actions: bool = False  # NotAction
    but_resources: bool = False  # NotResource
    has_condition: bool = False

    def is_about(self, action: str, resource: str) -> bool:
        """Tell whether it names the action on the resource; actions are the same in any case."""
        named = any(_matches(pattern.lower(), action.lower()) for pattern in self.actions)
        match = _matches_arn if self.allows != self.but_resources else _matches  # in doubt it lets nobody in
        placed = any(match(pattern, resource) for pattern in self.resources)
        return named != self.but_actions and placed != self.but_resources


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The statements of a document."""

    statements: tuple[Statement, ...]

    @classmethod
    def parse(cls, document: Any) -> Policy:
        """Read a document; `MalformedPolicy` where it is none."""
        if not isinstance(document, dict):
            raise MalformedPolicy(f"policyDocument is {type(document).__name__}, not an object")
        statements = document.get("Statement")
        listed = statements if isinstance(statements, list) else [statements]
        return cls(statements=tuple(map(_statement, listed)))

    @property
    def has_conditions(self) -> bool:
        """Whether something in it is not evaluated."""
        return any(statement.has_condition for statement in self.statements)

    def verdict(self, action: str, resource: str) -> Verdict:
        """Judge one action on one resource."""
        about = [one for one in self.statements if one.is_about(action, resource)]
        if any(not one.allows for one in about):
            return Verdict.DENIED
        if any(one.allows and not one.has_condition for one in about):
            return Verdict.ALLOWED
        return Verdict.NOT_ALLOWED


def _statement(document: Any) -> Statement:
    if not isinstance(document, dict):
        raise MalformedPolicy(f"a statement is {type(document).__name__}, not an object")
    effect = document.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise MalformedPolicy(f"Effect is {effect!r}, neither Allow nor Deny")
    actions, but_actions = _named(document, "Action")
    resources, but_resources = _named(document, "Resource")
    return Statement(
        allows=effect == "Allow",
        actions=actions,
        resources=resources,
        but_actions=but_actions,
        but_resources=but_resources,
        has_condition=bool(document.get("Condition")),
    )


def _named(document: dict[str, Any], member: str) -> tuple[tuple[str, ...], bool]:
    """The patterns of `Action` or `NotAction`, one of which is there, and whether it is the second."""
    present = [one for one in (member, f"Not{member}") if one in document]
    if len(present) != 1:
        raise MalformedPolicy(f"a statement has {'both' if present else 'neither'} {member} and Not{member}")
    value = document[present[0]]
    patterns = value if isinstance(value, list) else [value]
    if not patterns or not all(isinstance(one, str) for one in patterns):
        raise MalformedPolicy(f"{present[0]} is no text, nor a list of texts")
    return tuple(patterns), present[0] != member


def _matches(pattern: str, text: str) -> bool:
    """Match `*` as any text, with slashes and colons, and `?` as one character."""
    return re.fullmatch(_expression(_squeezed(pattern)), text, re.DOTALL) is not None


def _matches_arn(pattern: str, text: str) -> bool:
    """Match as IAM does: before the last part of an ARN only a `*` at the end of a part goes beyond colons.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """
    parts = _squeezed(pattern).split(":", _COLONS)
    pieces = [_expression(part) if number == _COLONS else _in_part(part) for number, part in enumerate(parts)]
    return re.fullmatch(":".join(pieces), text, re.DOTALL) is not None


#: `arn:partition:service:region:account:resource`
_COLONS = 5


def _in_part(part: str) -> str:
    inside = _expression(part.removesuffix("*"), "[^:]")
    return f"{inside}.*" if part.endswith("*") else inside


def _expression(pattern: str, character: str = ".") -> str:
    return "".join(
        f"{character}*" if one == "*" else character if one == "?" else re.escape(one) for one in pattern
    )


def _squeezed(pattern: str) -> str:
    """The pattern without a `*` behind another: many of them would take the matcher long."""
    return re.sub(r"\*+", "*", pattern)
