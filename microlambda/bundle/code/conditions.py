"""Which side of an `if` the target takes, where that can be told without running anything.

Judged are comparisons with what the target fixes: the Python version, the system, and names that are false by
convention on Lambda (`TYPE_CHECKING`, `__name__ == "__main__"`). Anything else may go either way.
"""

from __future__ import annotations

import ast
import operator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from microlambda.bundle.target import Target

Facts = dict[str, Any]

_COMPARED: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.eq,
    ast.IsNot: operator.ne,
    ast.In: lambda value, among: value in among,
    ast.NotIn: lambda value, among: value not in among,
}


class _Unknown(Exception):
    """An expression that only running it would tell."""


def facts_of(target: Target) -> tuple[Facts, ...]:
    """Write what is known of the target, by expressions; once for each end of what is not (the patch)."""
    markers = target.markers
    major, minor = map(int, target.python.split("."))
    known = {
        "sys.platform": markers["sys_platform"],
        "os.name": markers["os_name"],
        "platform.system()": markers["platform_system"],
        "sys.version_info.major": major,
        "sys.version_info.minor": minor,
        "TYPE_CHECKING": False,
        "typing.TYPE_CHECKING": False,
        "__debug__": True,
        "__name__": "",
    }
    return tuple({**known, "sys.version_info": (major, minor, patch, "final", 0)} for patch in (0, 99))


def judge(test: ast.expr, facts: tuple[Facts, ...]) -> bool | None:
    """Tell whether a test holds on the target; None where that depends on more than the target."""
    found = {_truth(test, one) for one in facts}
    return found.pop() if len(found) == 1 else None


def _truth(node: ast.expr, facts: Facts) -> bool | None:
    try:
        if isinstance(node, ast.BoolOp):
            return _joined(node, facts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            truth = _truth(node.operand, facts)
            return None if truth is None else not truth
        return bool(_value(node, facts))
    except (_Unknown, TypeError, IndexError):
        return None


def _joined(node: ast.BoolOp, facts: Facts) -> bool | None:
    """Judge `and` and `or`: one side may decide where the other is not known."""
    decides = isinstance(node.op, ast.Or)
    truths = {_truth(value, facts) for value in node.values}
    if decides in truths:
        return decides
    return None if None in truths else not decides


def _value(node: ast.expr, facts: Facts) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items):
            return tuple(_value(item, facts) for item in items)
        case ast.Subscript(value=value, slice=index):
            return _value(value, facts)[_index(index, facts)]
        case ast.Compare(left=left, ops=[operation], comparators=[right]):
            return _COMPARED[type(operation)](_value(left, facts), _value(right, facts))
        case ast.Call(func=ast.Attribute(value=value, attr="startswith"), args=[start]):
            return str(_value(value, facts)).startswith(_value(start, facts))
        case ast.Name() | ast.Attribute() | ast.Call(args=[], keywords=[]):
            name = ast.unparse(node)
            if name in facts:
                return facts[name]
    raise _Unknown


def _index(node: ast.expr, facts: Facts) -> Any:
    if isinstance(node, ast.Slice):
        return slice(*(one and _value(one, facts) for one in (node.lower, node.upper, node.step)))
    return _value(node, facts)
