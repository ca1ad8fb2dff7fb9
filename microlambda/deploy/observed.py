"""What AWS has now, as far as it may belong to the stage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One thing that is there. `tags` is None where it lives inside another and is its owner's."""

    kind: str
    address: str
    name: str
    tags: Mapping[str, str] | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)  # what a `Ref` to it gives
    left_alone: str = ""  # why it is not touched, where the user should know
    state: Mapping[str, Any] = field(
        default_factory=dict, repr=False
    )  # as the kind reads it; may hold secrets


@dataclass(frozen=True, kw_only=True)
class Observed:
    """All that was seen. Where several have one address, the first is the one to keep."""

    seen: tuple[Seen, ...] = ()

    def find(self, kind: str, address: str) -> Seen | None:
        """Find what is at the address, or None."""
        return next((one for one in self.of_kind(kind) if one.address == address), None)

    @property
    def left_alone(self) -> tuple[Seen, ...]:
        """List what is not touched and should be spoken of."""
        return tuple(one for one in self.seen if one.left_alone)

    def of_kind(self, kind: str) -> tuple[Seen, ...]:
        """List what was seen of one kind and may be worked on."""
        return tuple(one for one in self.seen if one.kind == kind and not one.left_alone)
