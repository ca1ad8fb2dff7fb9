"""Which account and region a plan is deployed to, and how its references become values there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from microlambda.plan.records import Arn, Placed, Ref


@dataclass(frozen=True, kw_only=True)
class Place:
    """An account and a region."""

    partition: str
    account: str
    region: str

    def arn(self, arn: Arn) -> str:
        """Write out an ARN of this place."""
        if arn.is_placeless:
            return f"arn:{self.partition}:{arn.service}:::{arn.resource}"
        return f"arn:{self.partition}:{arn.service}:{self.region}:{self.account}:{arn.resource}"

    def text(self, placed: Placed) -> str:
        """Fill in what a text leaves to the place."""
        text = placed.text
        for name in ("partition", "account", "region"):
            text = text.replace(f"${{{name}}}", str(getattr(self, name)))
        return text

    def resolve(self, value: Any, lookup: Callable[[Ref], str | None]) -> Any:
        """Replace every ARN, every text of a place and every reference inside `value`."""
        if isinstance(value, Arn):
            return self.arn(value)
        if isinstance(value, Placed):
            return self.text(value)
        if isinstance(value, Ref):
            return lookup(value)
        if isinstance(value, Mapping):
            return {name: self.resolve(one, lookup) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.resolve(one, lookup) for one in value]
        return value
