"""The comparisons of EventBridge's patterns, beside equality: what they take, and whether they hold.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

OPERATORS = (
    "prefix", "suffix", "equals-ignore-case", "anything-but", "numeric", "exists", "cidr", "wildcard",
)  # fmt: skip
_WITHIN_ANYTHING_BUT = ("prefix", "suffix", "equals-ignore-case", "wildcard")
_BOUND = 5e9
_COMPARISONS = ("=", "<", "<=", ">", ">=")


def is_number(value: Any) -> bool:
    """Is it a number as JSON has them? True and NaN are none."""
    return type(value) in (int, float) and value - value == 0


def equals(one: Any, other: Any) -> bool:
    """Equality as in JSON: True is not 1, and 1 is 1.0."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


# What AWS refuses ------------------------------------------------------------------------------------


def fault_of(operator: object, operand: Any) -> str | None:
    """Why AWS refuses an operator with its operand; None where it does not."""
    check = _CHECKS.get(operator)  # type: ignore[call-overload]  # any key may stand there
    if check is None:
        from ..routing.problems import nearest

        return f"{operator!r} is no operator of patterns. {nearest(str(operator), OPERATORS)}"
    fault: str | None = check(operand)
    return fault


def _exists_fault(operand: Any) -> str | None:
    return None if type(operand) is bool else "exists takes True or False."


def _text_fault(operand: Any) -> str | None:
    return None if isinstance(operand, str) else "equals-ignore-case takes a str."


def _end_fault(operand: Any) -> str | None:
    """Of a prefix or a suffix."""
    if isinstance(operand, dict) and list(operand) == ["equals-ignore-case"]:
        operand = operand["equals-ignore-case"]
    return None if isinstance(operand, str) else "it takes a str, or {'equals-ignore-case': a str}."


def _numeric_fault(operand: Any) -> str | None:
    if not isinstance(operand, (list, tuple)) or len(operand) not in (2, 4):
        return "numeric takes one or two comparisons in a list: ['>', 0, '<=', 5]."
    first, *second = operand[::2]
    if first not in _COMPARISONS or (second and not (first in (">", ">=") and second[0] in ("<", "<="))):
        return "numeric compares by '=', '<', '<=', '>' or '>='; of a range the lower bound stands first."
    numbers = operand[1::2]
    for number in numbers:
        if not is_number(number) or not -_BOUND <= number <= _BOUND:
            return f"numeric compares with numbers from -5e9 to 5e9, not with {number!r}."
    if second and numbers[0] >= numbers[1]:
        return f"no range begins at {numbers[0]} and ends at {numbers[1]}."
    return None


def _anything_but_fault(operand: Any) -> str | None:
    if isinstance(operand, dict):
        operator = next(iter(operand), None)
        if len(operand) != 1 or operator not in _WITHIN_ANYTHING_BUT:
            return f"within anything-but stands one of {', '.join(_WITHIN_ANYTHING_BUT)}."
        return _negated_fault(str(operator), operand[operator])
    values = _listed(operand)
    if not values or not (all(isinstance(one, str) for one in values) or all(map(is_number, values))):
        return "anything-but takes a str or a number, or a list of texts or of numbers."
    return None


def _negated_fault(operator: str, operand: Any) -> str | None:
    values = _listed(operand)
    if not values or not all(isinstance(one, str) for one in values):
        return f"{operator} within anything-but takes a str or a list of them."
    if operator in ("prefix", "suffix") and "" in values:
        return f"every text has the empty {operator}, so that nothing could match."
    if operator == "wildcard":
        return next(filter(None, map(_wildcard_fault, values)), None)
    return None


def _wildcard_fault(operand: Any) -> str | None:
    if not isinstance(operand, str):
        return "wildcard takes a str, in which '*' stands for any characters."
    rest = re.sub(r"\\[\\*]", "-", operand)
    if "\\" in rest:
        return "in a wildcard a backslash stands only before '*' or another backslash."
    return "two '*' side by side mean what one does, and AWS refuses them." if "**" in rest else None


def _cidr_fault(operand: Any) -> str | None:
    from ipaddress import ip_network

    try:
        network = ip_network(operand, strict=False) if isinstance(operand, str) else None
    except ValueError:
        network = None
    if network is None or not operand.partition("/")[2].isdigit():
        return "cidr takes a block of IPv4 or IPv6 addresses: '10.0.0.0/24'."
    if network.prefixlen == network.max_prefixlen:
        return f"a block has more than one address. Write {str(network.network_address)!r} as the value."
    return None


_CHECKS = {
    "prefix": _end_fault,
    "suffix": _end_fault,
    "equals-ignore-case": _text_fault,
    "anything-but": _anything_but_fault,
    "numeric": _numeric_fault,
    "exists": _exists_fault,
    "cidr": _cidr_fault,
    "wildcard": _wildcard_fault,
}


def _listed(operand: Any) -> Any:
    return operand if isinstance(operand, (list, tuple)) else [operand]


# What holds ------------------------------------------------------------------------------------------


def holds(operator: str, operand: Any, value: Any) -> bool:
    """Does one value of a field satisfy an operator, one whose operand has no fault? Not for `exists`."""
    if operator == "anything-but":
        return not _is_excluded(operand, value)
    if operator == "numeric":
        return _is_within(operand, value)
    if not isinstance(value, str):
        return False
    if isinstance(operand, dict):
        operand, value = operand["equals-ignore-case"].lower(), value.lower()
    return bool(_OF_TEXT[operator](operand, value))


def _is_excluded(operand: Any, value: Any) -> bool:
    if isinstance(operand, dict):
        [(operator, inner)] = operand.items()
        return any(holds(operator, one, value) for one in _listed(inner))
    return any(equals(one, value) for one in _listed(operand))


def _is_within(operand: Any, value: Any) -> bool:
    if not is_number(value) or not -_BOUND <= value <= _BOUND:
        return False
    return all(
        ("=" in comparison and value == bound)
        or ("<" in comparison and value < bound)
        or (">" in comparison and value > bound)
        for comparison, bound in zip(operand[::2], operand[1::2], strict=True)
    )


def _is_in_block(block: str, text: str) -> bool:
    from ipaddress import ip_address, ip_network

    try:
        return ip_address(text) in ip_network(block, strict=False)
    except ValueError:
        return False


def _is_like(wildcard: str, text: str) -> bool:
    parts = re.findall(r"\\[\\*]|\*|[^\\*]+", wildcard)
    pattern = "".join([".*" if one == "*" else re.escape(one.removeprefix("\\")) for one in parts])
    return re.fullmatch(pattern, text, re.DOTALL) is not None


_OF_TEXT = {
    "prefix": lambda operand, value: value.startswith(operand),
    "suffix": lambda operand, value: value.endswith(operand),
    "equals-ignore-case": lambda operand, value: value.lower() == operand.lower(),
    "cidr": _is_in_block,
    "wildcard": _is_like,
}
