"""Making the changes, one after the other, each said as it happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from microlambda.deploy.changes import CREATE, REMOVE, Change
from microlambda.deploy.errors import DeployFailed
from microlambda.deploy.explain import AWS_ERRORS, explain, redact
from microlambda.deploy.kinds import DEPLOYERS
from microlambda.plan.records import Function
from microlambda.project.limits import OUR_ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from microlambda.deploy.kinds.base import Attributes, Job
    from microlambda.deploy.observed import Observed
    from microlambda.plan.plan import Plan

# Shorter ones, such as "info" and "eu", stand in every other sentence.
_WORTH_HIDING = 8


def known_attributes(plan: Plan, observed: Observed) -> dict[tuple[str, str], Attributes]:
    """Give the attributes of everything planned that is there already."""
    found = {(one.kind, one.key): observed.find(one.kind, one.address) for one in plan.records}
    return {place: seen.attributes for place, seen in found.items() if seen is not None}


def apply(changes: Sequence[Change], job: Job) -> None:
    """Make all changes; where one fails, say which, why, and how many are in place."""
    for number, change in enumerate(changes):
        job.say(change.line)
        progress = f"{number} of {len(changes)} changes were applied."
        try:
            _apply_one(change, job)
        except AWS_ERRORS as exc:
            raise explain(exc, change.doing, progress=progress, secrets=secrets(job.plan)) from exc
        except KeyboardInterrupt:
            job.say(f"Interrupted. {progress} Run the same command again.")
            raise
        except DeployFailed as exc:
            raise type(exc)(f"{redact(str(exc), secrets(job.plan))}\n{progress}") from exc


def secrets(plan: Plan) -> Iterable[str]:
    """Give the values that no output may show: the shell's, and of the settings' own those worth hiding."""
    return [
        value
        for record in plan.records
        if isinstance(record, Function)
        for name, value in record.environment.items()
        if name in record.from_shell or (len(value) >= _WORTH_HIDING and name not in OUR_ENVIRONMENT)
    ]


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
