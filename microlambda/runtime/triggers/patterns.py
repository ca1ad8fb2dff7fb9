"""EventBridge's patterns, which filters of queues and streams share: checked when declared, matched later.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
What the documents leave open is as in https://github.com/aws/event-ruler, the library that AWS matches with:
fields are leaves, a list has those of its elements, and an empty list or object has none.
"""

from __future__ import annotations

import json

from ..errors import RegistrationError
from .base import refuse
from .operators import OPERATORS, equals, fault_of, holds, is_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    Path = tuple[str, ...]

_MOST_CHARACTERS = 4096
_MOST_COMBINATIONS = 1000
_OR = "$or"


class _Fault(Exception):
    """What is wrong with a pattern, and the part of it that is wrong."""

    def __init__(self, path: Path, value: object, why: str) -> None:
        super().__init__(why)
        self.part = value
        for key in reversed(path):
            self.part = {key: self.part}


def check_pattern(decorator: str, keyword: str, pattern: object) -> None:
    """Raise RegistrationError for a pattern that AWS refuses; the message shows the part that is wrong."""
    try:
        combinations = _combinations(pattern, ())
    except _Fault as fault:
        raise refuse(decorator, keyword, fault.part, str(fault)) from None
    size = len(json.dumps(pattern, separators=(",", ":"), ensure_ascii=False))
    for count, most, what in (
        (combinations, _MOST_COMBINATIONS, "its $or make {:,} combinations"),
        (size, _MOST_CHARACTERS, "as JSON it has {:,} characters"),
    ):
        if count > most:
            raise RegistrationError(f"{decorator}({keyword}=...): {what.format(count)}; AWS takes {most:,}.")


def _combinations(pattern: object, path: Path, *, is_in_or: bool = False) -> int:
    """How many patterns without `$or` it stands for, every part of it being checked."""
    if not isinstance(pattern, dict):
        raise _Fault(path, pattern, "a pattern is a dict of fields: {'source': ['shop']}.")
    if not pattern:
        raise _Fault(path, pattern, "an empty dict is no pattern: name a field, as in {'source': ['shop']}.")
    count = 1
    for key, wanted in pattern.items():
        if not isinstance(key, str):
            raise _Fault(path, {key: wanted}, f"the field {key!r} is no str.")
        if is_in_or and key in OPERATORS:
            raise _Fault(path, {key: wanted}, f"{key!r} cannot be the name of a field within $or.")
        count *= _of_field(key, wanted, (*path, key), is_in_or=is_in_or)
    return count


def _of_field(key: str, wanted: object, path: Path, *, is_in_or: bool) -> int:
    if key == _OR:
        return _of_or(wanted, path)
    if isinstance(wanted, dict):
        return _combinations(wanted, path, is_in_or=is_in_or)
    if not isinstance(wanted, (list, tuple)):
        raise _Fault(path, wanted, f"the values of {key!r} stand in a list: [{wanted!r}].")
    if not wanted:
        raise _Fault(path, wanted, f"the list of {key!r} is empty, so that nothing could match.")
    for one in wanted:
        _check_value(one, path)
    return 1


def _of_or(wanted: object, path: Path) -> int:
    if not isinstance(wanted, (list, tuple)) or len(wanted) < 2:
        raise _Fault(path, wanted, "$or takes a list of two patterns or more.")
    return sum([_combinations(one, path, is_in_or=True) for one in wanted])


def _check_value(one: object, path: Path) -> None:
    if one is None or isinstance(one, (str, bool)) or is_number(one):
        return
    if not isinstance(one, dict):
        raise _Fault(path, [one], f"{one!r} is no str, number, True, False, None or operator.")
    if len(one) != 1:
        raise _Fault(path, [one], f"each operator stands in a dict of its own; this one has {len(one)} keys.")
    [(operator, operand)] = one.items()
    why = fault_of(operator, operand)
    if why:
        raise _Fault(path, [one], why)


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Does an event match a pattern that `check_pattern` took?"""
    for key, wanted in pattern.items():
        if key == _OR:
            found = any(matches(one, event) for one in wanted)
        elif isinstance(wanted, dict):
            found = any(matches(wanted, inner) for inner in _objects(event.get(key)))
        else:
            found = _has_one_of(wanted, _leaves(event[key]) if key in event else [])
        if not found:
            return False
    return True


def _objects(value: Any) -> list[dict[str, Any]]:
    """The objects to look for fields in: those of a list, too; where there is none, one without fields."""
    if isinstance(value, list):
        return [inner for one in value for inner in _objects(one) if inner] or [{}]
    return [value] if isinstance(value, dict) else [{}]


def _leaves(value: Any) -> list[Any]:
    """The values of a field: those of a list one by one, and none of an object."""
    if isinstance(value, list):
        return [leaf for one in value for leaf in _leaves(one)]
    return [] if isinstance(value, dict) else [value]


def _has_one_of(wanted: Any, values: list[Any]) -> bool:
    for one in wanted:
        if not isinstance(one, dict):
            found = any(equals(one, value) for value in values)
        elif "exists" in one:
            found = one["exists"] == bool(values)
        else:
            [(operator, operand)] = one.items()
            found = any(holds(operator, operand, value) for value in values)
        if found:
            return True
    return False


def canonical(pattern: Any) -> Any:
    """The same for two patterns that differ in nothing but the order of their alternatives."""
    if isinstance(pattern, dict):
        return frozenset((key, canonical(value)) for key, value in pattern.items())
    if isinstance(pattern, (list, tuple)):
        return frozenset(json.dumps(one, sort_keys=True) for one in pattern)
    return pattern
