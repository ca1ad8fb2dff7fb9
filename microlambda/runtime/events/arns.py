"""Names out of Amazon Resource Names.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def is_arn(text: str) -> bool:
    """Has it the form `arn:partition:service:region:account:resource`?"""
    return text.startswith("arn:") and text.count(":") >= 5


def last_part(arn: str) -> str:
    """The name at the end of an ARN: of a queue, a topic, a bucket, a rule; text that is no ARN stays."""
    return arn.rpartition(":")[2].rpartition("/")[2]


def resource_part(arn: str, kind: str) -> str:
    """The name behind `kind/` in an ARN: of `table` in `...:table/orders/stream/2026-01-01` it is orders."""
    _, slash, rest = arn.partition(f"{kind}/")
    return rest.partition("/")[0] if slash else last_part(arn)


def is_same(declared: str, arn: str, name: str) -> bool:
    """Is what a handler declared, a name or an ARN, what the event comes from?"""
    return arn == declared if is_arn(declared) else name == declared


def may_be_same(one: str, other: str, name: Callable[[str], str] = last_part) -> bool:
    """Can two declared names or ARNs stand for one resource? Two different ARNs cannot.

    `name` gives the resource's name out of either, where it is more than the last part of an ARN.
    """
    if is_arn(one) and is_arn(other):
        return one == other
    return name(one) == name(other)
