"""Making the changes: several at a time where they are independent of each other."""

from __future__ import annotations

import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Lock
from typing import TYPE_CHECKING

from microlambda.deploy.changes import CREATE, REMOVE, UPDATE, Change
from microlambda.deploy.errors import DeployFailed
from microlambda.deploy.explain import AWS_ERRORS, explain, redact
from microlambda.deploy.kinds import DEPLOYERS
from microlambda.deploy.order import waits
from microlambda.plan.records import Function
from microlambda.project.limits import OUR_ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from microlambda.deploy.kinds.base import Attributes, Job
    from microlambda.deploy.lock import Lock as StageLock
    from microlambda.deploy.observed import Observed
    from microlambda.deploy.progress import Progress
    from microlambda.plan.plan import Plan

# Shorter ones, such as "info" and "eu", stand in every other sentence.
_WORTH_HIDING = 8


def known_attributes(plan: Plan, observed: Observed) -> dict[tuple[str, str], Attributes]:
    """Give the attributes of everything planned that is there already."""
    found = {(one.kind, one.key): observed.find(one.kind, one.address) for one in plan.records}
    return {place: seen.attributes for place, seen in found.items() if seen is not None}


def apply(changes: Sequence[Change], job: Job, progress: Progress, *, lock: StageLock, workers: int) -> None:
    """Make all changes, up to `workers` at a time, for as long as the `lock` is held.

    Where one fails, nothing more is begun, and what has begun comes to its end; the error says which failed,
    why, and how many are in place.
    """
    making = _Making(changes, job, progress, lock=lock, workers=workers)
    with progress.making(changes):
        making.run()


def secrets(plan: Plan) -> Iterable[str]:
    """Give the values that no output may show: the shell's, and of the settings' own those worth hiding."""
    return [
        value
        for record in plan.records
        if isinstance(record, Function)
        for name, value in record.environment.items()
        if name in record.from_shell or (len(value) >= _WORTH_HIDING and name not in OUR_ENVIRONMENT)
    ]


class _Making:
    """The changes of one deploy, on their way: waiting, begun, made."""

    def __init__(
        self, changes: Sequence[Change], job: Job, progress: Progress, *, lock: StageLock, workers: int
    ) -> None:
        self._changes = changes
        self._job = job
        self._progress = progress
        self._lock = lock
        self._workers = workers
        self._waits = waits(changes)
        self._begun: dict[int, Future[None]] = {}
        self._made: set[int] = set()
        self._telling = Lock()

    def run(self) -> None:
        """Make them all; the lock may be released once nothing of them goes on any more."""
        self._lock.keep()  # Ctrl-C may come anywhere, and again and again
        pool = ThreadPoolExecutor(self._workers)
        try:
            self._run(pool)
        finally:
            pool.shutdown()
            self._lock.give_up()

    def _run(self, pool: ThreadPoolExecutor) -> None:
        try:
            self._make_all(pool)
        except KeyboardInterrupt:
            self._job.aws.interrupt()
            self._finish()
            self._tell("Failed: ", self._failures())
            self._progress.say(f"Interrupted. {self._told()} Run the same command again.")
            raise

    def _make_all(self, pool: ThreadPoolExecutor) -> None:
        try:
            while len(self._made) < len(self._changes):
                self._begin(pool)
                self._await_one()
        except Exception as exc:
            self._finish()
            raise self._explained(exc) from exc
        self._take_away()

    def _take_away(self) -> None:
        """Take from what was updated that which only what has gone by now needed."""
        for number, change in enumerate(self._changes):
            if change.action == UPDATE and change.record is not None and change.seen is not None:
                try:
                    DEPLOYERS[change.kind].finish(self._job, change.record, change.seen)
                except Exception as exc:
                    raise self._in_words(number, exc, self._told()) from exc

    def _begin(self, pool: ThreadPoolExecutor) -> None:
        """Begin what waits for nothing, as far as there are hands; the first of the list first."""
        for number, before in enumerate(self._waits):
            if len(self._begun) - len(self._made) >= self._workers:
                return
            if number not in self._begun and before <= self._made:
                self._lock.check()
                self._begun[number] = pool.submit(self._make, self._changes[number])

    def _await_one(self) -> None:
        """Wait until something ends, and raise what it raised."""
        running = {future: number for number, future in self._begun.items() if number not in self._made}
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in sorted(done, key=running.__getitem__):
            future.result()
            self._made.add(running[future])

    def _make(self, change: Change) -> None:
        with self._telling:
            self._progress.began(change)
        started = time.monotonic()
        _apply_one(change, self._job)
        with self._telling:
            self._progress.ended(change, time.monotonic() - started)

    def _finish(self) -> None:
        """Let what has begun come to its end: only then may the lock be given up."""
        wait(self._begun.values())
        ended = ((number, one) for number, one in self._begun.items() if one.exception() is None)
        self._made |= {number for number, _ in ended}

    def _told(self) -> str:
        return f"{len(self._made)} of {len(self._changes)} changes were applied."

    def _explained(self, exc: Exception) -> Exception:
        """Give what went wrong first, as the list has it, in our words where it is AWS's; say the rest."""
        failures = self._failures()
        self._tell("Failed, too: ", failures[1:])
        return self._in_words(*failures[0], self._told()) if failures else exc

    def _failures(self) -> list[tuple[int, Exception]]:
        """Give what failed, as the list of changes has it; what Ctrl-C has ended did not fail."""
        ended = [(number, self._begun[number].exception()) for number in sorted(self._begun)]
        return [(number, one) for number, one in ended if isinstance(one, Exception)]

    def _tell(self, title: str, failures: Sequence[tuple[int, Exception]]) -> None:
        for number, failure in failures:
            self._progress.say(f"{title}{self._in_words(number, failure)}")

    def _in_words(self, number: int, failure: Exception, progress: str = "") -> Exception:
        hidden = secrets(self._job.plan)
        if isinstance(failure, AWS_ERRORS):
            return explain(failure, self._changes[number].doing, progress=progress, secrets=hidden)
        if isinstance(failure, DeployFailed):
            return type(failure)("\n".join(filter(None, [redact(str(failure), hidden), progress])))
        return failure


def _apply_one(change: Change, job: Job) -> None:
    deployer = DEPLOYERS[change.kind]
    if change.action == REMOVE:
        if change.seen is not None:
            deployer.remove(job, change.seen)
        return
    if change.record is None:
        return
    if change.action == CREATE or change.seen is None:
        attributes = deployer.create(job, change.record)
    else:
        attributes = deployer.update(job, change.record, change.seen, change.reasons)
    job.attributes[change.kind, change.key] = attributes
