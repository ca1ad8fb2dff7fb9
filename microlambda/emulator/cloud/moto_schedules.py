"""moto's EventBridge Scheduler, which fires nothing: its schedules, for our clock."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from microlambda.emulator.cloud.moto_adapter import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A schedule as it is at a moment."""

    arn: str
    region: str
    group: str
    name: str
    expression: str
    tz: str
    is_on: bool
    start: datetime | None
    end: datetime | None
    is_deleted_after: bool
    target: Mapping[str, Any] = field(default_factory=dict)


@contextmanager
def telling_of_schedules(changed: Callable[[], None]) -> Iterator[None]:
    """Call back when a schedule was made or changed, before the caller has the answer."""
    from moto.scheduler.models import EventBridgeSchedulerBackend as Backend

    create, update = Backend.create_schedule, Backend.update_schedule

    def created(*args: Any, **named: Any) -> Any:
        schedule = create(*args, **named)
        changed()
        return schedule

    def updated(*args: Any, **named: Any) -> Any:
        schedule = update(*args, **named)
        changed()
        return schedule

    with patch.object(Backend, "create_schedule", created), patch.object(Backend, "update_schedule", updated):
        yield


def schedules() -> list[Schedule]:
    """List all schedules, of all regions."""
    from moto.scheduler.models import scheduler_backends

    return [
        _read(region, stored)
        for region, backend in list(scheduler_backends[ACCOUNT].items())
        for group in list(backend.schedule_groups.values())
        for stored in list(group.schedules.values())
    ]


def delete(schedule: Schedule) -> None:
    """Delete a schedule, if it is still there."""
    from moto.scheduler.models import scheduler_backends

    group = scheduler_backends[ACCOUNT][schedule.region].schedule_groups.get(schedule.group)
    if group is not None:
        group.schedules.pop(schedule.name, None)


def _read(region: str, stored: Any) -> Schedule:
    return Schedule(
        arn=stored.arn,
        region=region,
        group=stored.group_name,
        name=stored.name,
        expression=stored.schedule_expression,
        tz=stored.schedule_expression_timezone,
        is_on=stored.state == "ENABLED",
        start=_moment(stored.start_date),
        end=_moment(stored.end_date),
        is_deleted_after=stored.action_after_completion == "DELETE",
        target=stored.target,
    )


def _moment(date: Any) -> datetime | None:
    return None if date is None else datetime.fromtimestamp(float(date), UTC)
