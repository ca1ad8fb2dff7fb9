"""The Deployer: observe, compare, apply, under the stage's lock; and the way back, `delete`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from microlambda.deploy.apply import apply, known_attributes
from microlambda.deploy.changes import REMOVE, Change
from microlambda.deploy.compare import compare
from microlambda.deploy.errors import DeployFailed
from microlambda.deploy.explain import explained
from microlambda.deploy.kinds import DEPLOYERS
from microlambda.deploy.kinds.base import Job
from microlambda.deploy.kinds.function import check_role
from microlambda.deploy.lock import Lock
from microlambda.deploy.observe import observe
from microlambda.deploy.place import Place
from microlambda.deploy.progress import Lines, Progress
from microlambda.plan.ingresses import ANSWERING
from microlambda.plan.kinds import KINDS
from microlambda.plan.plan import Plan
from microlambda.plan.records import Function

if TYPE_CHECKING:
    from microlambda.deploy.kinds.base import Archive, Attributes
    from microlambda.deploy.observed import Observed
    from microlambda.deploy.session import Aws

# Seconds between the looks whether all is gone; some 10 in all.
_LOOKS_AFTER_REMOVAL = (0.5, 1, 2, 3, 4)

#: How many changes are made at a time.
WORKERS = 8

Confirm = Callable[[Sequence[Change]], None]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a deploy did, and what is there now: attributes by kind and key."""

    changes: tuple[Change, ...]
    attributes: Mapping[tuple[str, str], Attributes] = field(repr=False)

    @property
    def entrance(self) -> tuple[str, Attributes] | None:
        """Give the kind and the attributes of what gives the app its URL, if anything does."""
        found = ((kind, self.attributes[kind, key]) for kind, key in self.attributes if kind in ANSWERING)
        return next(found, None)

    @property
    def url(self) -> str | None:
        """Give where the app answers, if it answers HTTP."""
        return None if self.entrance is None else f"{self.entrance[1]['url']}/"


def _ignore(line: str) -> None:
    del line


def _agree(changes: Sequence[Change]) -> None:
    del changes


def _confirm_more(confirm: Confirm, confirmed: Sequence[Change], changes: Sequence[Change]) -> None:
    """Ask again where more is to be removed than what was confirmed before the lock was taken."""
    if _removals(changes) - _removals(confirmed):
        confirm(changes)


def _removals(changes: Sequence[Change]) -> set[tuple[str, str, str | None]]:
    return {
        (change.kind, change.seen.address, change.seen.attributes.get("arn"))
        for change in changes
        if change.action == REMOVE and change.seen is not None
    }


class Deployer:
    """Brings one stage on AWS to what a plan says.

    `archive` gives a zip's bytes by its key, and is called at most once for each, before anything is changed,
    and only for what has to be uploaded. `progress` is told of each step; up to `workers` changes
    are made at a time. `adopt` takes over what has a planned name and is another's.
    """

    def __init__(
        self,
        aws: Aws,
        plan: Plan,
        *,
        archive: Archive,
        progress: Progress | None = None,
        workers: int = WORKERS,
        adopt: bool = False,
    ) -> None:
        self._aws = aws
        self.plan = plan
        self._archive = cache(archive)
        self._progress = progress or Lines(_ignore)
        self._workers = workers
        self._adopt = adopt
        self._told = set[str]()

    def changes(self) -> tuple[Change, ...]:
        """Say what a deploy would do now. Takes no lock and changes nothing."""
        return self._compare(self.plan, self._observe(self.plan))

    def deploy(self, confirm: Confirm = _agree) -> Outcome:
        """Make the stage what is planned; without changes no call is made that could change anything.

        `confirm` sees the changes before the first of them, and raises to stop them.
        """
        observed = self._observe(self.plan)
        changes = self._compare(self.plan, observed)
        if not changes:
            return Outcome(changes=(), attributes=known_attributes(self.plan, observed))
        confirm(changes)
        self._prepare(changes)
        lock = self._lock()
        with lock.held():
            observed = self._observe(self.plan)
            confirmed, changes = changes, self._compare(self.plan, observed)
            _confirm_more(confirm, confirmed, changes)
            self._prepare(changes)  # what was not to be uploaded before the lock was taken
            job = self._job(observed)
            self._apply(changes, job, lock)
        return Outcome(changes=changes, attributes=job.attributes)

    def delete(self, *, logs: bool = False, confirm: Confirm = _agree) -> tuple[Change, ...]:
        """Remove everything of the stage, logs only if asked to, and look whether it is gone."""
        empty = Plan(scope=self.plan.scope)
        changes = self._compare(empty, self._observe(empty), remove_kept=logs)
        if not changes:
            return ()
        confirm(changes)
        lock = self._lock()
        with lock.held():
            observed = self._observe(empty)
            confirmed, changes = changes, self._compare(empty, observed, remove_kept=logs)
            _confirm_more(confirm, confirmed, changes)
            self._apply(changes, self._job(observed), lock)
            left = self._left(empty, logs=logs)
        if left:
            raise DeployFailed(
                f"still there after the removal: {', '.join(one.name for one in left)}. Run the same command "
                "again."
            )
        return changes

    def _prepare(self, changes: Sequence[Change]) -> None:
        for change in changes:
            DEPLOYERS[change.kind].prepare(change, self._archive)

    def _apply(self, changes: Sequence[Change], job: Job, lock: Lock) -> None:
        apply(changes, job, self._progress, lock=lock, workers=self._workers)

    def _left(self, empty: Plan, *, logs: bool) -> tuple[Change, ...]:
        """Look what is left, and again for a while: AWS's lists name for some seconds what has gone."""
        for pause in _LOOKS_AFTER_REMOVAL:
            left = self._compare(empty, self._observe(empty), remove_kept=logs)
            if not left:
                return ()
            self._aws.sleep(pause)
        return self._compare(empty, self._observe(empty), remove_kept=logs)

    def _observe(self, plan: Plan) -> Observed:
        with explained("looking at what is deployed"):
            observed = observe(self._aws, plan, adopt=self._adopt)
        for one in observed.left_alone:
            line = f"{KINDS[one.kind].title} {one.name} is left alone: {one.left_alone}."
            if line not in self._told:
                self._told.add(line)
                self._progress.say(line)
        return observed

    def _compare(self, plan: Plan, observed: Observed, *, remove_kept: bool = False) -> tuple[Change, ...]:
        place = self._place()
        if not self._aws.identity.is_embedded:  # where any role will do
            for record in plan.of_kind(Function.kind):
                if isinstance(record, Function):
                    check_role(record, place)
        return compare(plan, observed, place, remove_kept=remove_kept, adopt=self._adopt)

    def _place(self) -> Place:
        identity = self._aws.identity
        return Place(partition=identity.partition, account=identity.account, region=self._aws.region)

    def _lock(self) -> Lock:
        return Lock(self._aws, self.plan.scope, say=self._progress.say)

    def _job(self, observed: Observed) -> Job:
        return Job(
            aws=self._aws,
            plan=self.plan,
            place=self._place(),
            archive=self._archive,
            attributes=known_attributes(self.plan, observed),
        )
