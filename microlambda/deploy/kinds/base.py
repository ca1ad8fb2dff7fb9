"""What each kind of resource can do on AWS: be observed, compared, created, updated and removed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from microlambda.deploy.changes import CREATE, Change
from microlambda.deploy.transient import patiently
from microlambda.plan.records import Record

if TYPE_CHECKING:
    from microlambda.deploy.observed import Observed, Seen
    from microlambda.deploy.place import Place
    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Plan, Scope
    from microlambda.plan.records import Ref

R = TypeVar("R", bound=Record)

Attributes = Mapping[str, str]

#: Gives an archive's bytes, by its key.
Archive = Callable[[str], bytes]


@dataclass(frozen=True, kw_only=True)
class Known:
    """What comparing one record may look at: the plan, what was seen, and what is to change before it."""

    plan: Plan
    observed: Observed
    place: Place
    changing: Mapping[tuple[str, str], Change]

    def change(self, ref: Ref) -> Change | None:
        """Give what is going to be done to the resource that `ref` is to."""
        return self.changing.get((ref.kind, ref.key))

    def seen(self, ref: Ref) -> Seen | None:
        """Give what AWS has of the resource that `ref` is to."""
        return self.observed.find(ref.kind, self.plan.find(ref).address)

    def value(self, ref: Ref) -> str | None:
        """Give a reference's value; None where only the creation will tell it."""
        change, seen = self.change(ref), self.seen(ref)
        if seen is None or (change is not None and change.action == CREATE):
            return None
        return seen.attributes.get(ref.attribute)

    def resolve(self, value: Any) -> Any:
        """Replace references in `value`; None stands where only the creation will tell."""
        return self.place.resolve(value, self.value)


@dataclass(kw_only=True)
class Job:
    """What applying changes works with, and what they have told so far."""

    aws: Aws
    plan: Plan
    place: Place
    archive: Archive
    attributes: dict[tuple[str, str], Attributes] = field(default_factory=dict)

    def value(self, ref: Ref) -> str:
        """Give a reference's value."""
        return self.attributes[ref.kind, ref.key][ref.attribute]

    def resolve(self, value: Any) -> Any:
        """Replace all references in `value`."""
        return self.place.resolve(value, self.value)

    def call(self, method: Callable[..., Any], **arguments: Any) -> Any:
        """Call AWS, and again for as long as it answers that it has not heard yet of something new."""
        return patiently(self.aws.sleep, method, **arguments)


class KindDeployer(ABC, Generic[R]):
    """One kind of resource on AWS."""

    kind: ClassVar[str]
    immutable: ClassVar[bool] = False  # a difference asks for a new one
    kept: ClassVar[bool] = False  # not removed with its stage, unless asked to
    removed_with: ClassVar[str | None] = None  # goes with the removal of that kind, by itself

    @abstractmethod
    def observe(self, aws: Aws, scope: Scope, planned: Sequence[R], functions: Sequence[str]) -> list[Seen]:
        """List what is there and ours, and what is there under a planned address.

        `functions` are the names of our functions, for kinds that live inside them.
        """

    @abstractmethod
    def compare(self, record: R, seen: Seen, known: Known) -> list[str]:
        """Say in which ways what is there differs from the plan: no reason, no change."""

    def unadoptable(self, record: R, seen: Seen) -> str:
        """Say why what is another's cannot be taken over, and what to do; nothing where it can."""
        del record, seen
        return ""

    def prepare(self, change: Change, archive: Archive) -> None:
        """Do the part of a change that needs no AWS and may fail, before anything is changed."""

    @abstractmethod
    def create(self, job: Job, record: R) -> Attributes:
        """Make it, and tell its attributes."""

    @abstractmethod
    def update(self, job: Job, record: R, seen: Seen, reasons: Sequence[str]) -> Attributes:
        """Make what is there as planned, and tell its attributes."""

    def finish(self, job: Job, record: R, seen: Seen) -> None:
        """Take away, once all changes are made, what an updated resource had for what has gone."""

    @abstractmethod
    def remove(self, job: Job, seen: Seen) -> None:
        """Remove what is there; that it is gone already is no failure."""


def difference(what: str, now: object, planned: object, unit: str = "") -> list[str]:
    """Write one reason, `memory 128 -> 512 MB`, or none where both are the same."""
    return [] if now == planned else [f"{what} {_shown(now)} -> {_shown(planned)}{unit}"]


def missing_tags(planned: Mapping[str, str], seen: Mapping[str, str] | None) -> dict[str, str]:
    """Give the tags to set. Others stay: companies tag resources by themselves, and would do so again."""
    return {name: value for name, value in planned.items() if (seen or {}).get(name) != value}


def tag_reasons(planned: Mapping[str, str], seen: Mapping[str, str] | None) -> list[str]:
    """Name the tags that differ."""
    names = sorted(missing_tags(planned, seen))
    return [f"tags {', '.join(names)}"] if names else []


def _shown(value: object) -> str:
    return "none" if value is None else str(value)
