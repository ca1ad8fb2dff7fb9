"""`Rate`, `Cron`, `At` and text: what they become, and what is refused; cronsim reads crontabs beside us."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cronsim import CronSim, CronSimError
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from microlambda import App, At, Cron, Rate, RegistrationError

UTC = datetime.UTC


def expressions(given: Any) -> list[str]:
    """What a decorator makes of an expression."""
    app = App("shop")
    app.schedule(given, name="handle")(lambda event: None)
    trigger: Any = app.handlers["handle"].trigger
    return [str(one) for one in trigger.expressions]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        pytest.param(Rate(10, unit=Rate.MINUTES), "rate(10 minutes)", id="minutes"),
        pytest.param(Rate(1, Rate.MINUTES), "rate(1 minute)", id="one minute"),
        pytest.param(Rate(1, unit=Rate.HOURS), "rate(1 hour)", id="one hour"),
        pytest.param(Rate(7, unit="days"), "rate(7 days)", id="days"),
        pytest.param(" rate(10  minutes) ", "rate(10 minutes)", id="blanks"),
        pytest.param(Cron(0, 18, "?", "*", "MON-FRI", "*"), "cron(0 18 ? * MON-FRI *)", id="Chalice's order"),
        pytest.param(
            Cron(minutes="0/15", hours="*", day_of_month="L", month="*", day_of_week="?", year=2027),
            "cron(0/15 * L * ? 2027)",
            id="Chalice's keywords",
        ),
        pytest.param("cron(0 18 ? * mon-fri *)", "cron(0 18 ? * MON-FRI *)", id="small letters"),
        pytest.param("cron(0 9 15W * ? *)", "cron(0 9 15W * ? *)", id="the nearest weekday"),
        pytest.param("cron(0 9 LW * ? *)", "cron(0 9 LW * ? *)", id="the last weekday"),
        pytest.param("cron(0 9 L-3 * ? *)", "cron(0 9 L-3 * ? *)", id="before the last day"),
        pytest.param("cron(0 9 ? * 6L *)", "cron(0 9 ? * 6L *)", id="the last Friday"),
        pytest.param("cron(0 9 ? * L *)", "cron(0 9 ? * L *)", id="the last day of the week"),
        pytest.param("cron(0 9 ? * MON#1 *)", "cron(0 9 ? * MON#1 *)", id="the first Monday"),
        pytest.param(
            "cron(*/5 8-17/2 1,15 1-6/2 ? 2026-2030)", "cron(*/5 8-17/2 1,15 1-6/2 ? 2026-2030)", id="steps"
        ),
        pytest.param("at(2026-12-01T09:00:00)", "at(2026-12-01T09:00:00)", id="a moment"),
        pytest.param(At("2026-12-01 09:00"), "at(2026-12-01T09:00:00)", id="without seconds"),
        pytest.param(At("2026-12-01T09:00:00+02:00"), "at(2026-12-01T07:00:00)", id="with an offset"),
        pytest.param(At("2026-12-01T09:00:00Z"), "at(2026-12-01T09:00:00)", id="in UTC"),
        pytest.param(
            At(datetime.datetime(2026, 12, 1, 9, 0, 0, 7)), "at(2026-12-01T09:00:00)", id="a naive datetime"
        ),
        pytest.param(
            At(datetime.datetime(2026, 12, 1, 9, tzinfo=datetime.timezone(datetime.timedelta(hours=-5)))),
            "at(2026-12-01T14:00:00)",
            id="an aware datetime",
        ),
        pytest.param("0 18 * * 1-5", "cron(0 18 ? * MON-FRI *)", id="crontab: weekdays"),
        pytest.param("*/15 * * * *", "cron(0/15 * * * ? *)", id="crontab: steps"),
        pytest.param("5 4 * * sun", "cron(5 4 ? * SUN *)", id="crontab: a name"),
        pytest.param("0 0 * * 7", "cron(0 0 ? * SUN *)", id="crontab: 7 is Sunday"),
        pytest.param("0 0 * * 5-7", "cron(0 0 ? * SUN,FRI,SAT *)", id="crontab: to Sunday"),
        pytest.param("0 0 1 jan,JUL *", "cron(0 0 1 1,7 ? *)", id="crontab: months"),
        pytest.param("0 0 */2 * *", "cron(0 0 1/2 * ? *)", id="crontab: every other day"),
        pytest.param("@hourly", "cron(0 * * * ? *)", id="@hourly"),
        pytest.param("@daily", "cron(0 0 * * ? *)", id="@daily"),
        pytest.param("@weekly", "cron(0 0 ? * SUN *)", id="@weekly"),
        pytest.param("@monthly", "cron(0 0 1 * ? *)", id="@monthly"),
        pytest.param("@yearly", "cron(0 0 1 1 ? *)", id="@yearly"),
    ],
)
def test_an_expression_is_as_aws_writes_it(given: Any, text: str) -> None:
    assert expressions(given) == [text]


def test_a_crontabs_two_kinds_of_days_are_two_expressions() -> None:
    assert expressions("0 0 13 * 5") == ["cron(0 0 13 * ? *)", "cron(0 0 ? * FRI *)"]


def test_several_expressions_keep_their_order() -> None:
    several = ["rate(1 hour)", Cron(0, 18, "?", "*", "SAT", "*"), "0 9 * * 1"]

    assert expressions(several) == ["rate(1 hour)", "cron(0 18 ? * SAT *)", "cron(0 9 ? * MON *)"]


def test_expressions_of_one_text_are_equal() -> None:
    assert Rate(1, Rate.HOURS) == Rate(1, "hour")
    assert len({Rate(1, Rate.HOURS), Rate(1, Rate.HOURS), Rate(2, Rate.HOURS)}) == 2
    assert Rate(60, Rate.MINUTES) != Rate(1, Rate.HOURS)
    assert Rate(1, Rate.HOURS) != "rate(1 hour)"
    assert repr(Rate(1, Rate.HOURS)) == "<Rate rate(1 hour)>"
    assert Rate(1, Rate.HOURS).to_string() == "rate(1 hour)"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param(
            "rate(1 minutes)",
            "the unit of rate(1 minutes) is 'minutes', which AWS refuses. Write rate(1 minute)",
            id="plural",
        ),
        pytest.param("rate(10 minute)", "Write rate(10 minutes)", id="singular"),
        pytest.param(
            "rate(0 minutes)",
            "the value of rate(0 minutes) is '0'; it takes a whole number from 1",
            id="never",
        ),
        pytest.param("rate(1.5 hours)", "is '1.5'", id="a fraction"),
        pytest.param("rate(-1 hours)", "is '-1'", id="a negative"),
        pytest.param("rate(30 seconds)", "is 'seconds'; it takes minutes, hours or days", id="seconds"),
        pytest.param("rate(5)", "the unit of rate(5) is ''", id="no unit"),
        pytest.param(
            "cron(0 25 * * ? *)",
            "the field 'hours' of cron(0 25 * * ? *) is 25; it takes 0 to 23",
            id="an hour",
        ),
        pytest.param(
            "cron(0 9,25 * * ? *)", "the field 'hours' of cron(0 9,25 * * ? *) has 25", id="one hour of two"
        ),
        pytest.param(
            "cron(60 * * * ? *)",
            "the field 'minutes' of cron(60 * * * ? *) is 60; it takes 0 to 59",
            id="a minute",
        ),
        pytest.param(
            "cron(0 0 0 * ? *)", "'day_of_month' of cron(0 0 0 * ? *) is 0; it takes 1 to 31", id="a day"
        ),
        pytest.param(
            "cron(0 0 1 13 ? *)",
            "'month' of cron(0 0 1 13 ? *) is 13; it takes 1 to 12, or JAN to DEC",
            id="a month",
        ),
        pytest.param(
            "cron(0 0 1 JANUARY ? *)", "'month' of cron(0 0 1 JANUARY ? *) is JANUARY", id="a month's name"
        ),
        pytest.param(
            "cron(0 0 ? * 0 *)",
            "'day_of_week' of cron(0 0 ? * 0 *) is 0; it takes 1 to 7, or SUN to SAT",
            id="a weekday",
        ),
        pytest.param(
            "cron(0 0 * * ? 1969)",
            "'year' of cron(0 0 * * ? 1969) is 1969; it takes 1970 to 2199",
            id="a year",
        ),
        pytest.param("cron(0 0 * * * *)", "neither is '?'", id="no question mark"),
        pytest.param("cron(0 0 ? * ? *)", "both are '?'", id="two question marks"),
        pytest.param(
            "cron(0 ? * * ? *)",
            "the field 'hours' of cron(0 ? * * ? *) is ?; '?' stands in the two day",
            id="a question mark elsewhere",
        ),
        pytest.param(
            "cron(0 18 * * 1-5)",
            "has 5 fields; AWS takes six: minutes, hours, day_of_month, month, day_of_week, year. "
            "A crontab's five stand without cron(): '0 18 * * 1-5'",
            id="five fields in cron()",
        ),
        pytest.param("cron(0 18)", "has 2 fields", id="two fields"),
        pytest.param(
            "cron(0/0 * * * ? *)", "is 0/0; a step behind '/' is a whole number from 1", id="no step"
        ),
        pytest.param("cron(0/x * * * ? *)", "is 0/X", id="a bad step"),
        pytest.param(
            "cron(0 22-2 * * ? *)", "is 22-2; a range runs upwards: 22-23,0-2 goes round", id="backwards"
        ),
        pytest.param("cron(1,,2 * * * ? *)", "has an empty part", id="a comma too many"),
        pytest.param(
            "cron(0 0 ? * 2/2 *)", "is 2/2; AWS has no steps there: list the days", id="steps of weekdays"
        ),
        pytest.param("cron(0 0 ? * MON#6 *)", "is MON#6; behind '#' stands 1 to 5", id="a sixth Monday"),
        pytest.param("cron(0 0 ? * MON#12 *)", "is MON#12", id="a twelfth Monday"),
        pytest.param("cron(0 0 ? * 9#1 *)", "'day_of_week' of cron(0 0 ? * 9#1 *) has 9", id="a ninth day"),
        pytest.param("cron(0 0 ? * 3#1,6#3 *)", "'day_of_week'", id="two numbered days"),
        pytest.param(
            "cron(0 0 32W * ? *)", "'day_of_month' of cron(0 0 32W * ? *) has 32", id="no such weekday"
        ),
        pytest.param("cron(0 0 W * ? *)", "'day_of_month' of cron(0 0 W * ? *) is W", id="W alone"),
        pytest.param("cron(0 L * * ? *)", "'hours' of cron(0 L * * ? *) is L", id="L elsewhere"),
        pytest.param("cron(0 \uff14 * * ? *)", "'hours'", id="other digits"),
        pytest.param(
            "0 25 * * *", "the field 'hours' of '0 25 * * *' is 25; it takes 0 to 23", id="crontab: an hour"
        ),
        pytest.param(
            "0 0 * * 8",
            "the field 'day_of_week' of '0 0 * * 8' is 8; it takes 0 to 7, or SUN to SAT",
            id="crontab: a weekday",
        ),
        pytest.param("0 0 L * *", "'day_of_month' of '0 0 L * *' is L; it takes 1 to 31", id="crontab: no L"),
        pytest.param(
            "0 18 ? * MON-FRI *",
            "has 6 fields; a crontab has five. AWS's six stand in cron(): 'cron(0 18 ? * MON-FRI *)'",
            id="six bare fields",
        ),
        pytest.param("0 18 *", "has 3 fields; a crontab has five", id="three fields"),
        pytest.param("", "has 0 fields", id="empty"),
        pytest.param(
            "0 18 */2 * 1", "names days in both day fields, in one of them by '*/'", id="crontab: unclear"
        ),
        pytest.param("@reboot", "'@reboot' is none of @yearly", id="@reboot"),
        pytest.param("every(5 minutes)", "'every(5 minutes)' is none of AWS's forms", id="another word"),
        pytest.param("rate(5 minutes", "is none of AWS's forms", id="a bracket is missing"),
        pytest.param("at(tomorrow)", "At('tomorrow'): write a datetime or ISO text", id="no moment"),
        pytest.param(f"cron({','.join(['10'] * 90)} * * * ? *)", "up to 256 characters", id="too long"),
        pytest.param(
            7, "write a str such as 'rate(10 minutes)', a Rate, Cron or At, or a list of them", id="a number"
        ),
        pytest.param(None, "expression=None", id="None"),
        pytest.param([], "name a time", id="an empty list"),
        pytest.param(["rate(1 hour)", Rate(1, "hours")], "rate(1 hour) stands there twice", id="twice"),
        pytest.param(["rate(1 hour)", "rate(1 hours)"], "Write rate(1 hour)", id="one of a list"),
    ],
)
def test_a_wrong_expression_says_which_field_and_why(app: App, given: Any, words: str) -> None:
    with pytest.raises(RegistrationError) as caught:
        app.schedule(given)

    assert str(caught.value).startswith("schedule(expression=")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param(lambda: Rate(10, unit="WEEKS"), "Rate(unit='WEEKS'): write Rate.MINUTES", id="weeks"),
        pytest.param(lambda: Rate(0, Rate.DAYS), "Rate(value=0)", id="never"),
        pytest.param(lambda: Rate(True, Rate.DAYS), "Rate(value=True)", id="a bool"),
        pytest.param(lambda: Rate("10", Rate.DAYS), "Rate(value='10')", id="text"),  # type: ignore[arg-type]
        pytest.param(
            lambda: Cron(0, 24, "*", "*", "?", "*"), "'hours' of cron(0 24 * * ? *) is 24", id="an hour"
        ),
        pytest.param(lambda: Cron(0, 0, "*", "*", "*", "*"), "neither is '?'", id="no question mark"),
        pytest.param(lambda: At(1764579600), "At(1764579600): write a datetime", id="seconds"),  # type: ignore[arg-type]
    ],
)
def test_wrong_words_of_a_class_are_an_error(make: Callable[[], object], words: str) -> None:
    with pytest.raises(RegistrationError) as caught:
        make()

    assert words in str(caught.value)


# Crontabs against cronsim ----------------------------------------------------------------------------

YEARS = 3660  # ten, in days
NAMES = dict(zip(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"], range(1, 8), strict=True))


def numbers(field: str, least: int, most: int) -> set[int]:
    """What a field of AWS's names; `?` and `*` name all."""
    found: set[int] = set()
    for item in field.replace("?", "*").split(","):
        span, _, step = item.partition("/")
        first, _, last = span.partition("-")
        start = least if first == "*" else NAMES.get(first) or int(first)
        end = most if first == "*" or (step and not last) else NAMES.get(last or first) or int(last or first)
        found.update(range(start, end + 1, int(step or 1)))
    return found


def due(expression: str, start: datetime.datetime) -> Iterator[datetime.datetime]:
    """The moments after `start`, ten years long, at which AWS runs a `cron(...)`."""
    fields = expression.removeprefix("cron(").removesuffix(")").split()
    minutes, hours = numbers(fields[0], 0, 59), numbers(fields[1], 0, 23)
    days, months, weekdays = numbers(fields[2], 1, 31), numbers(fields[3], 1, 12), numbers(fields[4], 1, 7)
    for later in range(YEARS):
        day = start.date() + datetime.timedelta(days=later)
        if day.day not in days or day.month not in months or day.isoweekday() % 7 + 1 not in weekdays:
            continue
        for hour, minute in itertools.product(sorted(hours), sorted(minutes)):
            moment = datetime.datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)
            if moment > start:
                yield moment


def crontab_due(line: str, start: datetime.datetime) -> list[datetime.datetime]:
    """The first six moments of the same ten years, as cronsim has them."""
    end = start.date() + datetime.timedelta(days=YEARS)
    try:
        moments = itertools.takewhile(lambda moment: moment.date() < end, CronSim(line, start))
        return list(itertools.islice(moments, 6))
    except CronSimError:  # a 30th of February
        return []


@st.composite
def items(draw: st.DrawFn, least: int, most: int) -> str:
    first = draw(st.integers(least, most - 1))
    last = draw(st.integers(first + 1, most))  # cronsim takes '3-3/2' for '3/2'
    step = draw(st.integers(1, 9))
    return draw(
        st.sampled_from(
            [f"{first}", f"{last}", f"{first}-{last}", f"{first}-{last}/{step}", f"{first}/{step}"]
        )
    )


def fields(least: int, most: int) -> st.SearchStrategy[str]:
    lists = st.lists(items(least, most), min_size=1, max_size=3).map(",".join)
    return st.one_of(st.just("*"), st.integers(1, 9).map("*/{}".format), lists, lists)


@settings(deadline=None)
@given(
    line=st.tuples(fields(0, 59), fields(0, 23), fields(1, 31), fields(1, 12), fields(0, 7)).map(" ".join),
    start=st.datetimes(datetime.datetime(2024, 1, 1), datetime.datetime(2030, 1, 1)),
)
def test_a_crontab_is_due_when_cronsim_says(line: str, start: datetime.datetime) -> None:
    start = start.replace(second=0, microsecond=0, tzinfo=UTC)
    try:
        ours = expressions(line)
    except RegistrationError as exc:
        assume("by '*/', which crons read differently" not in str(exc))
        raise

    found = sorted({moment for one in ours for moment in itertools.islice(due(one, start), 6)})

    assert found[:6] == crontab_due(line, start)
