"""`@app.schedule`: the declaration, the event, whose a schedule is; Powertools reads what we build."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import EventBridgeEvent as PowertoolsEvent

from microlambda import App, At, Blueprint, EventBridgeEvent, RegistrationError, ScheduleEvent, UnknownEvent
from microlambda.emulator.events.schedule import build

DUE = datetime.datetime(2026, 11, 24, 18, 0, tzinfo=datetime.UTC)


def declare(app: App, *names: str) -> list[tuple[str, str]]:
    """Handlers of these names; what they have seen: each with the schedule's name."""
    seen: list[tuple[str, str]] = []
    for name in names:
        app.schedule("rate(1 day)", name=name)(lambda event, name=name: seen.append((name, event.name)))
    return seen


def test_the_handler_gets_the_moment_and_the_input(app: App) -> None:
    @app.schedule("0 18 * * 1-5", input={"full": True})
    def nightly(event: ScheduleEvent) -> Any:
        return [event.name, event.time.isoformat(), event.input]

    event = build("shop-dev-nightly", time=DUE, handler="nightly", input={"full": True})

    expected = ["shop-dev-nightly", "2026-11-24T18:00:00+00:00", {"full": True}]
    assert app(event, None) == app.handler("nightly")(event, None) == expected


@pytest.mark.parametrize("scheduler", [False, True], ids=["rule", "Scheduler"])
@pytest.mark.parametrize("handler", [None, "nightly"], ids=["bare", "ours"])
def test_powertools_reads_the_event_and_reads_the_same_as_we(scheduler: bool, handler: str | None) -> None:
    raw = build("nightly", time=DUE, scheduler=scheduler, handler=handler)

    ours, theirs = ScheduleEvent(raw), PowertoolsEvent(raw)
    assert ours.id == ours.event_id == theirs.get_id
    assert ours.source == theirs.source == ("aws.scheduler" if scheduler else "aws.events")
    assert ours.detail_type == theirs.detail_type == "Scheduled Event"
    assert (ours.account, ours.region, ours.version) == (theirs.account, theirs.region, theirs.version)
    assert ours.resources == theirs.resources == [ours.schedule_arn]
    assert (ours.time, theirs.time) == (DUE, "2026-11-24T18:00:00Z")
    assert ours.name == "nightly"
    assert ours.detail == ({} if handler is None else {"handler": "nightly", "input": None})
    assert ours.input is None


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param({"detail": "no JSON"}, id="text"),
        pytest.param({"detail": "[1]"}, id="a list in text"),
        pytest.param({"detail": None}, id="null"),
        pytest.param({}, id="nothing"),
    ],
)
def test_a_detail_of_another_deployer_may_be_anything(app: App, raw: dict[str, Any]) -> None:
    @app.schedule("rate(1 day)")
    def handle(event: ScheduleEvent) -> Any:
        return [event.detail, event.input, event.name, event.schedule_arn, event.resources]

    event = {
        "source": "aws.scheduler",
        "detail-type": "Scheduled Event",
        "time": "2026-11-24T18:00:00Z",
        **raw,
    }

    assert app(event, None) == app.handler("handle")(event, None) == [{}, None, "", None, []]


def test_an_input_in_text_is_read(app: App) -> None:
    raw = build("nightly", scheduler=True) | {"detail": '{"input": [1]}'}

    assert ScheduleEvent(raw).input == [1]


# The declaration -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(
            {"tz": "Europe/Berln"}, ["tz='Europe/Berln'", "Did you mean 'Europe/Berlin'"], id="a misspelling"
        ),
        pytest.param(
            {"tz": "europe/berlin"}, ["tz='europe/berlin'", "no such time zone"], id="small letters"
        ),
        pytest.param({"tz": "posix/UTC"}, ["no such time zone"], id="a copy for other clocks"),
        pytest.param({"tz": "Europe"}, ["no such time zone"], id="a folder of zones"),
        pytest.param({"tz": "Mars/Olympus_Mons"}, ["no such time zone"], id="elsewhere"),
        pytest.param({"tz": "../../etc/passwd"}, ["a time zone's name of IANA's"], id="a path"),
        pytest.param({"tz": ""}, ["a time zone's name"], id="an empty zone"),
        pytest.param({"tz": datetime.UTC}, ["a time zone's name"], id="a tzinfo"),
        pytest.param({"tz": "A" * 51}, ["a time zone's name"], id="a long zone"),
        pytest.param({"enabled": "no"}, ["enabled='no'", "True or False"], id="no bool"),
        pytest.param({"input": {1, 2}}, ["input={1, 2}", "no JSON", "set"], id="a set"),
        pytest.param({"input": float("inf")}, ["input=inf", "no JSON"], id="infinity"),
        pytest.param({"input": "x" * 7_700}, ["7,702 characters", "7,680"], id="a large input"),
        pytest.param({"input": "x" * 250_000, "tz": "UTC"}, ["250,000"], id="too large for Scheduler"),
        pytest.param({"description": "x" * 513}, ["513 characters", "512"], id="a long description"),
        pytest.param({"description": None}, ["description=None", "a str"], id="no description"),
        pytest.param({"retries": 3}, ["retries=3", "0 to 2"], id="retries"),
        pytest.param({"maximum_age": 59}, ["maximum_age=59", "60 to 21,600"], id="a short age"),
        pytest.param({"dead_letter_queue": "failed"}, ["dead_letter_queue='failed'", "ARN"], id="no ARN"),
        pytest.param({"on_failure": "arn:aws:iam::1:role/x"}, ["on_failure=", "iam"], id="no destination"),
    ],
)
def test_a_wrong_word_is_an_error_in_the_decorators_own_words(
    app: App, options: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(RegistrationError) as caught:
        app.schedule("rate(1 day)", **options)

    assert "schedule(" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"])
def test_a_time_zone_is_one_of_ianas(app: App, zone: str) -> None:
    app.schedule("0 18 * * *", tz=zone, name="handle")(lambda event: None)

    trigger: Any = app.handlers["handle"].trigger
    assert (trigger.tz, trigger.needs_scheduler) == (zone, True)


def test_where_there_is_no_database_of_time_zones_only_the_form_is_checked(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    import zoneinfo

    from microlambda.runtime.triggers import timezones

    monkeypatch.setattr(timezones, "_FOLDERS", ("/nowhere",))
    monkeypatch.setattr(zoneinfo, "available_timezones", lambda: {"UTC"})
    app.schedule("0 18 * * *", tz="Europe/Berlin")(lambda event: None)

    with pytest.raises(RegistrationError, match="a time zone's name"):
        app.schedule("0 18 * * *", tz="Europe Berlin")


@pytest.mark.parametrize(
    ("expression", "options", "needs"),
    [
        pytest.param("rate(1 day)", {}, False, id="a rate"),
        pytest.param("0 18 * * *", {}, False, id="a crontab"),
        pytest.param("0 18 * * *", {"tz": "UTC"}, True, id="a time zone"),
        pytest.param(At("2026-12-01T09:00:00"), {}, True, id="a moment"),
        pytest.param(["rate(1 day)", "at(2026-12-01T09:00:00)"], {}, True, id="a moment among others"),
    ],
)
def test_time_zones_and_moments_need_scheduler(
    app: App, expression: Any, options: dict[str, Any], needs: bool
) -> None:
    app.schedule(expression, name="handle", **options)(lambda event: None)

    trigger: Any = app.handlers["handle"].trigger
    assert trigger.needs_scheduler is needs


def test_a_moment_with_an_offset_has_no_time_zone_beside_it(app: App) -> None:
    with pytest.raises(RegistrationError, match=r"schedule\(tz='UTC'\).*offset itself"):
        app.schedule(At("2026-12-01T09:00:00+01:00"), tz="UTC")

    app.schedule(At("2026-12-01T09:00:00"), tz="Europe/Berlin")(lambda event: None)


def test_the_declared_input_is_kept_as_json(app: App) -> None:
    given: dict[str, Any] = {"days": (1, 2), "name": "Zoë"}
    app.schedule("rate(1 day)", name="handle", input=given)(lambda event: None)
    given["days"] = None

    trigger: Any = app.handlers["handle"].trigger
    assert trigger.input == {"days": [1, 2], "name": "Zoë"}


# Whose a schedule is ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "event", "chosen"),
    [
        pytest.param(["a", "b"], build("anything", handler="b"), "b", id="the handler in the event"),
        pytest.param(
            ["a", "b"], build("shop-dev-a", handler="b", scheduler=True), "b", id="it comes before the name"
        ),
        pytest.param(["nightly"], build("Stack-Rule-4F2A"), "nightly", id="the only one"),
        pytest.param(["nightly", "weekly"], build("shop-dev-weekly"), "weekly", id="our rule"),
        pytest.param(["nightly", "weekly"], build("shop-dev-weekly-2"), "weekly", id="our second rule"),
        pytest.param(
            ["nightly", "weekly"], build("shop-dev-weekly", scheduler=True), "weekly", id="our schedule"
        ),
        pytest.param(["sync", "users"], build("users-dev-sync"), "sync", id="the app has another's name"),
        pytest.param(["sync", "sync_users"], build("shop-dev-sync_users"), "sync_users", id="the longest"),
        pytest.param(["sync", "resync"], build("shop-dev-sync"), "sync", id="not within a word of our rule"),
        pytest.param(
            ["nightly_report", "report"],
            build("ShopNightlyReport4F2A"),
            "nightly_report",
            id="in CDK's spelling",
        ),
        pytest.param(["a.b", "b"], build("shop-dev-a-b"), "a.b", id="a dot"),
    ],
)
def test_a_schedule_is_its_handlers(app: App, names: list[str], event: dict[str, Any], chosen: str) -> None:
    seen = declare(app, *names)

    app(event, None)
    app.handler(chosen)(event, None)

    name = event["resources"][0].rpartition("/")[2]
    assert seen == [(chosen, name), (chosen, name)]


def test_a_blueprints_handler_is_found_by_its_full_name(app: App) -> None:
    jobs = Blueprint("jobs")
    seen: list[str] = []
    jobs.schedule("rate(1 day)", name="nightly")(lambda event: seen.append("jobs.nightly"))
    app.schedule("rate(1 day)", name="nightly")(lambda event: seen.append("nightly"))
    app.register_blueprint(jobs)

    app(build("shop-dev-jobs-nightly", handler="jobs.nightly"), None)
    app(build("shop-dev-nightly", handler="nightly"), None)
    app(build("shop-dev-jobs-nightly"), None)

    assert seen == ["jobs.nightly", "nightly", "jobs.nightly"]


def test_one_decorator_may_declare_two_handlers(app: App) -> None:
    seen: list[str] = []
    nightly = app.schedule("rate(1 day)")

    @nightly
    def one(event: ScheduleEvent) -> None:
        seen.append("one")

    @nightly
    def two(event: ScheduleEvent) -> None:
        seen.append("two")

    app(build("x", handler="one"), None)
    app(build("x", handler="two"), None)

    assert seen == ["one", "two"]


def test_a_schedule_that_could_be_anyones_is_an_error(app: App) -> None:
    declare(app, "nightly", "weekly")

    with pytest.raises(UnknownEvent, match="'nightly' and 'weekly'"):
        app(build("Stack-Rule-4F2A"), None)


def test_a_schedule_of_a_handler_that_is_gone_is_an_error_that_names_what_is_declared(app: App) -> None:
    declare(app, "nightly")

    for run in (app, app.handler("nightly")):
        with pytest.raises(UnknownEvent, match=r"'nightly', @app.schedule\('rate\(1 day\)'\)"):
            run(build("shop-dev-weekly", handler="weekly"), None)


@pytest.mark.parametrize("resources", [[7], 7], ids=repr)
def test_an_event_without_a_name_where_one_is_due_is_for_no_handler(app: App, resources: Any) -> None:
    declare(app, "nightly")

    with pytest.raises(UnknownEvent):
        app(build("nightly") | {"resources": resources}, None)


@pytest.mark.parametrize(
    ("names", "chosen"), [([], "everything"), (["nightly"], "nightly")], ids=["alone", "beside"]
)
def test_a_handler_of_events_gets_a_schedule_that_no_other_is_for(
    app: App, names: list[str], chosen: str
) -> None:
    @app.on_event({"detail-type": ["Scheduled Event"]})
    def everything(event: EventBridgeEvent) -> None:
        seen.append(("everything", event.resources[0].rpartition("/")[2]))

    seen = declare(app, *names)

    app(build("shop-dev-everything"), None)
    app.handler("everything")(build("x"), None)

    assert seen == [(chosen, "shop-dev-everything"), ("everything", "x")]


def test_an_error_of_the_handler_fails_the_invocation(app: App) -> None:
    @app.schedule("rate(1 day)")
    def nightly(event: ScheduleEvent) -> None:
        raise LookupError("nothing was done")

    with pytest.raises(LookupError, match="nothing was done"):
        app(build("nightly"), None)


# Other faces -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheduler", "kind"),
    [(False, "com.amazonaws.events.schedule"), (True, "com.amazonaws.scheduler.schedule")],
    ids=["rule", "Scheduler"],
)
def test_a_schedule_as_a_cloudevent(scheduler: bool, kind: str) -> None:
    event = ScheduleEvent(
        build("nightly", time=DUE, handler="nightly", input={"full": True}, scheduler=scheduler)
    )

    assert event.to_cloudevent() == {
        "specversion": "1.0",
        "id": event.id,
        "source": event.schedule_arn,
        "type": kind,
        "subject": "nightly",
        "time": "2026-11-24T18:00:00Z",
        "datacontenttype": "application/json",
        "data": {"full": True},
    }


def test_a_schedule_without_an_id_has_one_of_its_moment_as_a_cloudevent() -> None:
    raw = build("nightly", time=DUE)
    del raw["id"]

    assert ScheduleEvent(raw).to_cloudevent()["id"] == "nightly/2026-11-24T18:00:00Z"


def test_what_it_is_called_in_a_log_holds_nothing_of_its_input() -> None:
    event = ScheduleEvent(build("nightly", time=DUE, handler="nightly", input="s3cret"))

    assert str(event) == "<ScheduleEvent 'nightly' due 2026-11-24T18:00:00Z>"
