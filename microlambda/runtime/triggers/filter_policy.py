"""SNS's filter policies: EventBridge's patterns with limits and operators of SNS's own.

https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
https://docs.aws.amazon.com/sns/latest/dg/string-value-matching.html
"""

from __future__ import annotations

import json

from .base import refuse
from .operators import fault_of, is_number
from .patterns import matches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from ..errors import RegistrationError

_MOST_KEYS = 5
_MOST_COMBINATIONS = 150
_MOST_BYTES = 256 * 1024
_BOUND = 1e9
_WITHIN_ANYTHING_BUT = ("prefix", "suffix", "wildcard")
_OR = "$or"


def check_policy(decorator: str, policy: object, *, may_nest: bool) -> None:
    """Raise RegistrationError for a policy that SNS refuses; one of messages' bodies `may_nest`."""
    if not isinstance(policy, dict) or not policy:
        why = "write a dict of names and lists of values, {'kind': ['new']}, or leave it out."
        raise refuse(decorator, "filter_policy", policy, why)
    if len(policy) > _MOST_KEYS:
        raise refuse(decorator, "filter_policy", policy, f"SNS takes at most {_MOST_KEYS} keys.")
    combinations = _Check(decorator, may_nest=may_nest).combinations(policy)
    if combinations > _MOST_COMBINATIONS:
        why = (
            f"its values make {combinations:,} combinations (counts multiplied, and the depth of each), "
            f"and SNS takes {_MOST_COMBINATIONS}."
        )
        raise refuse(decorator, "filter_policy", policy, why)
    if len(json.dumps(policy, ensure_ascii=False).encode("utf-8", "replace")) > _MOST_BYTES:
        raise refuse(decorator, "filter_policy", "...", "as JSON it has more than 256 KB.")


class _Check:
    """A policy's parts, checked one by one, and its combinations counted."""

    def __init__(self, decorator: str, *, may_nest: bool) -> None:
        self.decorator = decorator
        self.may_nest = may_nest

    def refuse(self, part: object, why: str) -> RegistrationError:
        return refuse(self.decorator, "filter_policy", part, why)

    def combinations(self, policy: dict[Any, Any], depth: int = 1) -> int:
        """The number of values multiplied, those of a nested key by their depth; those of `$or` are added."""
        count = 1
        for key, wanted in policy.items():
            if not isinstance(key, str):
                raise self.refuse({key: wanted}, f"the name {key!r} is no str.")
            if key == _OR:
                count *= self._alternatives(wanted, depth)
            elif isinstance(wanted, dict):
                count *= self._nested(key, wanted, depth)
            else:
                self._check_values(key, wanted)
                count *= len(wanted) * depth
        return count

    def _alternatives(self, wanted: Any, depth: int) -> int:
        if not isinstance(wanted, (list, tuple)) or len(wanted) < 2 or not all(map(_is_policy, wanted)):
            raise self.refuse({_OR: wanted}, "$or takes a list of two policies or more.")
        return sum([self.combinations(one, depth) for one in wanted])

    def _nested(self, key: str, wanted: dict[Any, Any], depth: int) -> int:
        if not self.may_nest:
            why = "attributes do not nest. Write filter_scope='MessageBody' to filter by the message itself."
            raise self.refuse({key: wanted}, why)
        if not wanted:
            raise self.refuse({key: wanted}, "an empty dict matches nothing: name a key in it.")
        return self.combinations(wanted, depth + 1)

    def _check_values(self, key: str, wanted: object) -> None:
        if not isinstance(wanted, (list, tuple)):
            raise self.refuse({key: wanted}, f"the values of {key!r} stand in a list: [{wanted!r}].")
        if not wanted:
            raise self.refuse({key: wanted}, f"the list of {key!r} is empty, so that nothing could match.")
        for one in wanted:
            why = _fault_of_value(one)
            if why:
                raise self.refuse({key: [one]}, why)


def _is_policy(part: object) -> bool:
    return isinstance(part, dict) and bool(part)


def _fault_of_value(one: object) -> str | None:
    if one is None or isinstance(one, (str, bool)):
        return None
    if isinstance(one, dict):
        return _fault_of_operator(one)
    return _fault_of_number(one)


def _fault_of_number(one: object) -> str | None:
    if not is_number(one):
        return f"{one!r} is no str, number, True, False, None or operator."
    if not -_BOUND <= one <= _BOUND:  # type: ignore[operator]  # a number
        return f"SNS compares with numbers from -1e9 to 1e9, not with {one!r}."
    return None


def _fault_of_operator(one: dict[Any, Any]) -> str | None:
    if len(one) != 1:
        return f"each operator stands in a dict of its own; this one has {len(one)} keys."
    [(operator, operand)] = one.items()
    why = fault_of(operator, operand)
    if why:
        return why
    numbers = [number for number in _listed(operand) if is_number(number)]
    return next(filter(None, map(_fault_of_number, numbers)), None) or _fault_in_sns(operator, operand)


def _fault_in_sns(operator: str, operand: Any) -> str | None:
    """What EventBridge takes, and SNS does not."""
    if not isinstance(operand, dict):
        return None
    if operator != "anything-but":
        return f"{operator} takes a str in SNS."
    [(inner, text)] = operand.items()
    if inner not in _WITHIN_ANYTHING_BUT or not isinstance(text, str):
        return f"within anything-but SNS takes one of {', '.join(_WITHIN_ANYTHING_BUT)}, with a str."
    return None


def _listed(operand: Any) -> Any:
    return operand if isinstance(operand, (list, tuple)) else [operand]


# What passes -----------------------------------------------------------------------------------------


def passes(policy: Mapping[str, Any], sns: Mapping[str, Any], *, by_body: bool) -> bool:
    """Does SNS let a notification pass, by its attributes or by the JSON object in its message?"""
    if not by_body:
        return matches(policy, dict(_attributes(sns.get("MessageAttributes") or {})))
    try:
        body = json.loads(sns["Message"])
    except ValueError:
        return False
    return isinstance(body, dict) and matches(policy, body)


def _attributes(attributes: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    """The values that SNS looks at: of these types alone, and of a list each."""
    for name, attribute in attributes.items():
        kind, text = attribute.get("Type"), attribute.get("Value")
        if kind == "String":
            yield name, text
        elif kind in ("Number", "String.Array"):
            try:
                yield name, json.loads(text or "")
            except ValueError:
                continue
