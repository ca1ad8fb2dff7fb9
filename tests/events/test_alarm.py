"""`@app.on_alarm`: the declaration and the event; Powertools reads what we build."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import CloudWatchAlarmEvent as PowertoolsEvent

from microlambda import AlarmEvent, App, RegistrationError, UnknownEvent
from microlambda.emulator.events.alarm import build

CHANGED = datetime.datetime(2026, 11, 24, 10, 0, 0, 123_000, tzinfo=datetime.UTC)
ARN = "arn:aws:cloudwatch:eu-west-1:444455556666:alarm:orders-errors"


@pytest.mark.parametrize(
    ("declared", "sent"),
    [
        pytest.param("orders-errors", "orders-errors", id="by name"),
        pytest.param("orders-errors", ARN, id="by name, of any region"),
        pytest.param(ARN, ARN, id="by ARN"),
        pytest.param(["others", "orders-errors"], "orders-errors", id="one of several"),
        pytest.param("orders: errors / 5 min", "orders: errors / 5 min", id="any characters"),
    ],
)
@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "inferred"])
def test_the_handler_gets_the_change(app: App, declared: Any, sent: str, is_bound: bool) -> None:
    @app.on_alarm(declared)
    def handle(event: AlarmEvent) -> Any:
        return [event.name, event.state, event.previous_state]

    result = (app.handler("handle") if is_bound else app)(build(sent, "OK", previous_state="ALARM"), None)

    assert result == [sent.rpartition(":alarm:")[2], "OK", "ALARM"]


@pytest.mark.parametrize("composite", [False, True], ids=["metric", "composite"])
def test_powertools_reads_the_event_and_reads_the_same_as_we(composite: bool) -> None:
    raw = build(ARN, reason="größer", composite=composite, time=CHANGED)

    ours, theirs = AlarmEvent(raw), PowertoolsEvent(raw)
    data = theirs.alarm_data
    assert ours.name == data.alarm_name == "orders-errors"
    assert ours.arn == theirs.alarm_arn == ARN
    assert (
        (ours.state, ours.previous_state) == (data.state.value, data.previous_state.value) == ("ALARM", "OK")
    )
    assert ours.reason == data.state.reason == "größer"
    assert ours.reason_data == data.state.reason_data_decoded
    assert (
        (ours.region, ours.account)
        == (theirs.region, theirs.source_account_id)
        == ("eu-west-1", "444455556666")
    )
    assert (ours.time, theirs.timestamp) == (CHANGED, "2026-11-24T10:00:00.123+0000")
    assert ours.configuration.get("description") == data.configuration.description
    assert ours.is_composite is composite
    assert (data.configuration.alarm_rule is not None) is composite
    assert len(data.configuration.metrics) == (0 if composite else 1)


def test_what_cloudwatch_leaves_out_is_none_or_empty() -> None:
    raw = {
        "source": "aws.cloudwatch",
        "alarmArn": ARN,
        "alarmData": {"alarmName": "a", "state": {"value": "OK"}},
    }

    event = AlarmEvent(raw)

    assert (event.previous_state, event.reason, event.reason_data, event.configuration) == (
        None,
        "",
        None,
        {},
    )
    assert (event.region, event.account, event.is_composite) == ("", "", False)


@pytest.mark.parametrize(
    ("alarm", "words"),
    [
        pytest.param("", ["name or its ARN"], id="empty"),
        pytest.param("a" * 256, ["255 characters"], id="a long name"),
        pytest.param([], ["alarm=[]", "a list of them"], id="an empty list"),
        pytest.param([7], ["alarm=[7]"], id="a number"),
        pytest.param(None, ["alarm=None"], id="None"),
        pytest.param(["a", "a"], ["twice"], id="twice"),
        pytest.param("https://console.aws.amazon.com/alarms/a", ["URL"], id="a URL"),
        pytest.param("arn:aws:sns:eu-west-1:1:a", ["sns", "cloudwatch"], id="another service's ARN"),
        pytest.param("arn:aws:cloudwatch:eu-west-1:1:dashboard/a", ["alarm:NAME"], id="a dashboard's ARN"),
    ],
)
def test_a_wrong_word_is_an_error_in_the_decorators_own_words(app: App, alarm: Any, words: list[str]) -> None:
    with pytest.raises(RegistrationError) as caught:
        app.on_alarm(alarm)

    assert str(caught.value).startswith("on_alarm(alarm=")
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("second", "is_refused"),
    [
        pytest.param("orders-errors", True, id="by name"),
        pytest.param(["x", ARN], True, id="by ARN, one of several"),
        pytest.param("orders", False, id="another"),
    ],
)
def test_two_handlers_of_one_alarm_are_refused(app: App, second: Any, is_refused: bool) -> None:
    app.on_alarm("orders-errors", name="first")(lambda event: None)
    decorator = app.on_alarm(second, name="second")

    if is_refused:
        with pytest.raises(RegistrationError, match="both get the changes of the alarm 'orders-errors'"):
            decorator(lambda event: None)
    else:
        decorator(lambda event: None)
        assert len(app.handlers) == 2


def test_alarms_of_two_regions_are_not_one(app: App) -> None:
    app.on_alarm(ARN, name="first")(lambda event: None)
    app.on_alarm(ARN.replace("eu-west-1", "us-east-1"), name="second")(lambda event: "second")

    assert app(build(ARN.replace("eu-west-1", "us-east-1")), None) == "second"


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(build("depot"), id="another alarm"),
        pytest.param(build("orders-errors") | {"alarmData": {}}, id="no alarm"),
    ],
)
def test_another_event_is_an_error_that_names_what_is_declared(app: App, event: dict[str, Any]) -> None:
    app.on_alarm(["orders-errors", "b"], name="handle")(lambda event: None)

    for run in (app, app.handler("handle")):
        with pytest.raises(UnknownEvent, match=r"'handle', @app.on_alarm\(\['orders-errors', 'b'\]\)"):
            run(event, None)


def test_a_change_as_a_cloudevent() -> None:
    raw = build(ARN, time=CHANGED)

    assert AlarmEvent(raw).to_cloudevent() == {
        "specversion": "1.0",
        "id": "orders-errors/2026-11-24T10:00:00.123+0000",
        "source": ARN,
        "type": "com.amazonaws.cloudwatch.alarm-state-change",
        "subject": "orders-errors",
        "time": "2026-11-24T10:00:00.123000Z",
        "datacontenttype": "application/json",
        "data": raw["alarmData"],
    }


def test_what_it_is_called_in_a_log() -> None:
    assert str(AlarmEvent(build("orders-errors", reason="s3cret"))) == "<AlarmEvent 'orders-errors' is ALARM>"
