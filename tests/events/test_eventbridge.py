"""`@app.on_event`: the declaration and the event; Powertools reads what we build."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import EventBridgeEvent as PowertoolsEvent

from microlambda import App, EventBridgeEvent, RegistrationError, UnknownEvent
from microlambda.emulator.events.eventbridge import build

SENT = datetime.datetime(2026, 11, 24, 10, 0, tzinfo=datetime.UTC)
INSTANCE = "arn:aws:ec2:us-east-1:123456789012:instance/i-1"


@pytest.mark.parametrize("decorator", ["on_event", "on_cw_event"])
def test_the_handler_gets_the_event_that_matches(app: App, decorator: str) -> None:
    @getattr(app, decorator)({"source": ["shop"], "detail": {"total": [{"numeric": [">", 100]}]}})  # type: ignore[untyped-decorator]
    def large(event: EventBridgeEvent) -> Any:
        return [event.source, event.detail_type, event.detail]

    event = build("shop", "Order Placed", {"total": 101})

    assert app(event, None) == app.handler("large")(event, None) == ["shop", "Order Placed", {"total": 101}]


def test_powertools_reads_the_event_and_reads_the_same_as_we() -> None:
    raw = build("aws.ec2", "State Change", {"state": "größer"}, resources=[INSTANCE], time=SENT)

    ours, theirs = EventBridgeEvent(raw), PowertoolsEvent(raw)
    assert ours.id == ours.event_id == theirs.get_id
    assert (
        (ours.source, ours.detail_type) == (theirs.source, theirs.detail_type) == ("aws.ec2", "State Change")
    )
    assert ours.detail == theirs.detail == {"state": "größer"}
    assert (ours.account, ours.region, ours.version) == (theirs.account, theirs.region, theirs.version)
    assert ours.resources == theirs.resources == [INSTANCE]
    assert (ours.time, theirs.time) == (SENT, "2026-11-24T10:00:00Z")


def test_what_a_sender_leaves_out_is_empty() -> None:
    event = EventBridgeEvent({"source": "shop", "detail-type": "x", "detail": {}})

    assert (event.id, event.account, event.region, event.resources, event.version) == ("", "", "", [], "0")


def test_each_handler_gets_what_its_pattern_matches(app: App) -> None:
    seen: list[str] = []
    app.on_event({"source": ["shop"], "detail-type": ["Sold"]}, name="sold")(
        lambda event: seen.append("sold")
    )
    app.on_event({"source": ["shop"], "detail-type": ["Lost"]}, name="lost")(
        lambda event: seen.append("lost")
    )

    app(build("shop", "Lost"), None)
    app(build("shop", "Sold"), None)

    assert seen == ["lost", "sold"]


def test_an_event_that_no_pattern_matches_is_an_error_that_names_what_is_declared(app: App) -> None:
    app.on_event({"source": ["shop"]}, bus="orders", name="handle")(lambda event: None)

    for run in (app, app.handler("handle")):
        with pytest.raises(
            UnknownEvent, match=r"\(depot\).*@app.on_event\({'source': \['shop'\]}, bus='orders'\)"
        ):
            run(build("depot", "Sold"), None)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"bus": "my bus"}, ["bus='my bus'", "256 letters"], id="a blank"),
        pytest.param({"bus": "b" * 257}, ["256 letters"], id="a long name"),
        pytest.param({"bus": ""}, ["bus=''", "name or its ARN"], id="empty"),
        pytest.param({"bus": None}, ["bus=None"], id="None"),
        pytest.param(
            {"bus": "https://events.eu-west-1.amazonaws.com/orders"}, ["URL", "'orders'"], id="a URL"
        ),
        pytest.param(
            {"bus": "arn:aws:sns:eu-west-1:1:orders"}, ["sns", "events"], id="another service's ARN"
        ),
        pytest.param({"bus": "arn:aws:events:eu-west-1:1:rule/x"}, [":event-bus/NAME"], id="a rule's ARN"),
        pytest.param({"description": "x" * 513}, ["513 characters"], id="a long description"),
        pytest.param({"retries": -1}, ["retries=-1"], id="retries"),
        pytest.param({"maximum_age": 21_601}, ["maximum_age=21601"], id="a long age"),
    ],
)
def test_a_wrong_word_is_an_error_in_the_decorators_own_words(
    app: App, options: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(RegistrationError) as caught:
        app.on_event({"source": ["shop"]}, **options)

    assert "on_event(" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("first", "second", "is_refused"),
    [
        pytest.param("default", "default", True, id="one bus"),
        pytest.param("orders", "arn:aws:events:eu-west-1:1:event-bus/orders", True, id="by name and by ARN"),
        pytest.param(
            "aws.partner/x/y", "arn:aws:events:r:1:event-bus/aws.partner/x/y", True, id="a partner's"
        ),
        pytest.param("default", "orders", False, id="two buses"),
        pytest.param(
            "arn:aws:events:r:1:event-bus/a", "arn:aws:events:r:2:event-bus/a", False, id="two accounts"
        ),
    ],
)
def test_two_handlers_of_one_pattern_on_one_bus_are_refused(
    app: App, first: str, second: str, is_refused: bool
) -> None:
    app.on_event({"source": ["shop"]}, bus=first, name="first")(lambda event: None)
    decorator = app.on_event({"source": ("shop",)}, bus=second, name="second")  # type: ignore[dict-item, unused-ignore]

    if is_refused:
        with pytest.raises(RegistrationError, match="would both get the events of the bus"):
            decorator(lambda event: None)
    else:
        decorator(lambda event: None)
        assert len(app.handlers) == 2


def test_the_declared_pattern_is_kept_as_it_was(app: App) -> None:
    pattern: dict[str, Any] = {"source": ["shop"]}
    app.on_event(pattern, name="handle")(lambda event: None)
    pattern["source"].append("depot")

    trigger: Any = app.handlers["handle"].trigger
    assert trigger.event_pattern == {"source": ["shop"]}


def test_an_event_as_a_cloudevent() -> None:
    event = EventBridgeEvent(
        build("aws.ec2", "State Change", {"state": "x"}, resources=[INSTANCE], time=SENT)
    )

    assert event.to_cloudevent() == {
        "specversion": "1.0",
        "id": event.id,
        "source": "aws.ec2",
        "type": "State Change",
        "subject": INSTANCE,
        "time": "2026-11-24T10:00:00Z",
        "datacontenttype": "application/json",
        "data": {"state": "x"},
    }


def test_what_it_is_called_in_a_log_holds_nothing_of_its_detail() -> None:
    event = EventBridgeEvent(build("shop", "Sold", {"card": "s3cret"}) | {"id": "e-1"})

    assert str(event) == "<EventBridgeEvent 'Sold' of 'shop', 'e-1'>"
