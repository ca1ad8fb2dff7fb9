"""The clock of the embedded cloud: when rules and schedules are due, and what they call functions with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cronsim import CronSim, CronSimError
from hypothesis import assume, given
from hypothesis import strategies as st

from microlambda.emulator.cloud.triggers.expressions import latest_due
from microlambda.runtime.triggers.crontab import crons

from .accounts import REGION
from .traces import Shop, open_shop

pytest.importorskip("moto.server")

MONDAY = datetime(2026, 6, 1, 8, 59, 30, tzinfo=UTC)


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = MONDAY

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def shop(clock: Clock) -> Iterator[Shop]:
    with open_shop(clock=clock) as shop:
        yield shop


@pytest.fixture(autouse=True)
def at_first(clock: Clock) -> None:
    clock.now = MONDAY


def ruled(shop: Shop, name: str, expression: str, **target: Any) -> str:
    events = shop.cloud.client("events")
    arn: str = events.put_rule(Name=f"rule-{name}", ScheduleExpression=expression)["RuleArn"]
    events.put_targets(Rule=f"rule-{name}", Targets=[{"Id": "live", "Arn": shop.arn(name), **target}])
    shop.allow(name, "events", arn)
    return arn


def scheduled(shop: Shop, name: str, expression: str, tz: str = "UTC", **options: Any) -> str:
    target = {"Arn": shop.arn(name), "RoleArn": shop.role, **options.pop("Target", {})}
    answer = shop.cloud.client("scheduler").create_schedule(
        Name=f"schedule-{name}",
        ScheduleExpression=expression,
        ScheduleExpressionTimezone=tz,
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
        **options,
    )
    return str(answer["ScheduleArn"])


def test_a_rule_calls_its_function_when_its_time_has_come(shop: Shop, clock: Clock) -> None:
    name = shop.tracing()
    rule = ruled(shop, name, "cron(0 9 ? * MON *)")

    clock.now = MONDAY + timedelta(seconds=10)
    assert rule not in shop.cloud.fire_due()
    clock.now = MONDAY + timedelta(seconds=35)
    shop.cloud.fire_due()

    event = shop.traces.next(name)
    assert (event["source"], event["detail-type"]) == ("aws.events", "Scheduled Event")
    assert (event["time"], event["resources"]) == ("2026-06-01T09:00:00Z", [rule])
    assert (event["account"], event["region"], event["detail"]) == (shop.cloud.account, REGION, {})
    shop.cloud.fire_due()
    assert shop.traces.left(name) == []


def test_a_rules_target_gets_its_template(shop: Shop, clock: Clock) -> None:
    name = shop.tracing()
    paths = {"time": "$.time", "resources": "$.resources"}
    template = '{"time":<time>,"resources":<resources>,"detail":{"handler":"x","input":[1]}}'
    ruled(
        shop,
        name,
        "rate(5 minutes)",
        InputTransformer={"InputPathsMap": paths, "InputTemplate": template},
    )

    clock.now = MONDAY + timedelta(minutes=5)
    shop.cloud.fire_due()

    event = shop.traces.next(name)
    assert event["time"] == "2026-06-01T09:04:30Z"
    assert event["detail"] == {"handler": "x", "input": [1]}


def test_a_schedule_keeps_its_time_zone_and_fills_in_its_input(shop: Shop, clock: Clock) -> None:
    name = shop.tracing()
    text = (
        '{"time":"<aws.scheduler.scheduled-time>","arn":"<aws.scheduler.schedule-arn>",'
        '"id":"<aws.scheduler.execution-id>"}'
    )
    arn = scheduled(shop, name, "cron(0 11 * * ? *)", "Europe/Berlin", Target={"Input": text})

    clock.now = MONDAY + timedelta(minutes=2)
    shop.cloud.fire_due()

    event = shop.traces.next(name)
    assert (event["time"], event["arn"]) == ("2026-06-01T09:00:00Z", arn)
    assert len(event["id"]) == 36


def test_a_schedule_without_an_input_sends_schedulers_own_event(shop: Shop, clock: Clock) -> None:
    name = shop.tracing()
    arn = scheduled(shop, name, "at(2026-06-01T09:00:00)", ActionAfterCompletion="DELETE")

    clock.now = MONDAY + timedelta(hours=3)
    shop.cloud.fire_due()

    event = shop.traces.next(name)
    assert (event["source"], event["resources"], event["detail"]) == ("aws.scheduler", [arn], "{}")
    assert event["time"] == "2026-06-01T09:00:00Z"
    scheduler = shop.cloud.client("scheduler")
    with pytest.raises(scheduler.exceptions.ResourceNotFoundException):
        scheduler.get_schedule(Name=f"schedule-{name}")


def test_a_rate_of_scheduler_begins_at_once(shop: Shop) -> None:
    name = shop.tracing()
    scheduled(shop, name, "rate(1 hour)")

    shop.cloud.fire_due()

    assert shop.traces.next(name)["source"] == "aws.scheduler"
    assert shop.cloud.fire_due() == []


def test_what_is_switched_off_or_deleted_is_not_due(shop: Shop, clock: Clock) -> None:
    first, second, events = shop.tracing(), shop.tracing(), shop.cloud.client("events")
    off, gone = ruled(shop, first, "rate(1 minute)"), ruled(shop, second, "rate(1 minute)")
    events.disable_rule(Name=f"rule-{first}")
    events.remove_targets(Rule=f"rule-{second}", Ids=["live"])
    events.delete_rule(Name=f"rule-{second}")

    clock.now = MONDAY + timedelta(minutes=3)
    fired = shop.cloud.fire_due()

    assert not {off, gone} & set(fired)
    assert shop.traces.left(first) == shop.traces.left(second) == []


def test_everything_can_be_fired_on_demand(shop: Shop) -> None:
    first, second = shop.tracing(), shop.tracing()
    rule = ruled(shop, first, "rate(30 days)")
    schedule = scheduled(shop, second, "at(2036-01-01T00:00:00)", State="DISABLED")

    shop.cloud.fire(rule)
    shop.cloud.fire(schedule)

    assert shop.traces.next(first)["resources"] == [rule]
    assert shop.traces.next(second)["resources"] == [schedule]
    with pytest.raises(KeyError, match="no schedule arn:nothing"):
        shop.cloud.fire("arn:nothing")


def test_a_schedule_of_a_function_that_is_gone_sends_to_its_dead_letter_queue(shop: Shop) -> None:
    name, (url, queue) = shop.tracing(), shop.queue("dead")
    target = {"DeadLetterConfig": {"Arn": queue}, "Input": '{"n": 1}'}
    arn = scheduled(shop, name, "rate(30 days)", Target=target, State="DISABLED")
    shop.lambdas.delete_function(FunctionName=name)

    shop.cloud.fire(arn)

    assert json.loads(shop.received(url)["Body"]) == {"n": 1}
    assert any(shop.arn(name) in line for line in shop.said)


# Expressions -----------------------------------------------------------------------------------------


def due(expression: str, after: str, until: str, tz: str = "UTC") -> str | None:
    moments = [datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (after, until)]
    found = latest_due(expression, tz, after=moments[0], until=moments[1], begin=moments[0])
    return None if found is None else found.strftime("%Y-%m-%dT%H:%M")


@pytest.mark.parametrize(
    ("expression", "month", "expected"),
    [
        pytest.param("cron(0 9 L * ? *)", "2026-02", "2026-02-28T09:00", id="the last day"),
        pytest.param("cron(0 9 L-3 * ? *)", "2026-02", "2026-02-25T09:00", id="before the last day"),
        pytest.param("cron(0 9 LW * ? *)", "2026-05", "2026-05-29T09:00", id="the last weekday"),
        pytest.param("cron(0 9 1W * ? *)", "2026-08", "2026-08-03T09:00", id="the weekday near a Saturday"),
        pytest.param("cron(0 9 15W * ? *)", "2026-11", "2026-11-16T09:00", id="the weekday near a Sunday"),
        pytest.param("cron(0 9 31W * ? *)", "2026-05", "2026-05-29T09:00", id="the weekday near the end"),
        pytest.param("cron(0 9 31 * ? *)", "2026-06", None, id="no such day"),
        pytest.param("cron(0 9 ? * 6L *)", "2026-05", "2026-05-29T09:00", id="the last Friday"),
        pytest.param("cron(0 9 ? * L *)", "2026-05", "2026-05-30T09:00", id="the last Saturday there is"),
        pytest.param("cron(0 9 ? * MON#1 *)", "2026-06", "2026-06-01T09:00", id="the first Monday"),
        pytest.param("cron(0 9 ? * 2#5 *)", "2026-06", "2026-06-29T09:00", id="the fifth Monday"),
        pytest.param("cron(0 9 ? * 2#5 *)", "2026-07", None, id="no fifth Monday"),
        pytest.param("cron(15/20 8-17/4 ? JUN,JUL SUN *)", "2026-06", "2026-06-28T16:55", id="steps"),
        pytest.param("cron(0 9 1 * ? 2027)", "2026-06", None, id="another year"),
        pytest.param("rate(7 days)", "2026-06", "2026-06-29T00:00", id="a rate"),
        pytest.param("at(2026-06-17T03:00:00)", "2026-06", "2026-06-17T03:00", id="a moment"),
    ],
)
def test_an_expression_is_due_last_in_a_month(expression: str, month: str, expected: str | None) -> None:
    first = datetime.fromisoformat(f"{month}-01")
    end = (first + timedelta(days=31)).replace(day=1) - timedelta(minutes=1)

    assert due(expression, f"{month}-01T00:00", end.isoformat()) == expected


@pytest.mark.parametrize(
    ("expression", "after", "until", "expected"),
    [
        pytest.param("cron(30 2 * * ? *)", "2026-03-28T02", "2026-03-29T22", None, id="an hour skipped"),
        pytest.param(
            "cron(30 2 * * ? *)",
            "2026-10-24T22:00",
            "2026-10-25T22:00",
            "2026-10-25T00:30",
            id="an hour twice",
        ),
        pytest.param(
            "cron(0 9 * * ? *)", "2026-03-29T00:00", "2026-03-29T22:00", "2026-03-29T07:00", id="in summer"
        ),
        pytest.param(
            "at(2026-12-01T09:00:00)", "2026-12-01T00:00", "2026-12-02T00:00", "2026-12-01T08:00", id="once"
        ),
    ],
)
def test_time_zones_change_their_clocks(
    expression: str, after: str, until: str, expected: str | None
) -> None:
    assert due(expression, after, until, "Europe/Berlin") == expected


@given(
    minute=st.sampled_from(["0", "*/7", "5-50/9", "59"]),
    hour=st.sampled_from(["*", "0", "23", "3-20/4"]),
    day=st.sampled_from(["*", "1", "31", "*/5", "28-30"]),
    month=st.sampled_from(["*", "2", "1-12/3", "JUN"]),
    start=st.datetimes(datetime(2026, 1, 1), datetime(2029, 1, 1)),
)
def test_cron_is_due_when_another_implementation_says(
    minute: str, hour: str, day: str, month: str, start: datetime
) -> None:
    line = f"{minute} {hour} {day} {month} *"
    (expression,) = crons(line)
    start = start.replace(second=0, microsecond=0, tzinfo=UTC)

    try:
        following = next(CronSim(line, start))
    except CronSimError:  # there is no such day
        assume(False)

    def is_due(until: datetime) -> datetime | None:
        return latest_due(str(expression), "UTC", after=start, until=until, begin=start)

    assert is_due(following) == following
    assert is_due(following - timedelta(minutes=1)) is None
