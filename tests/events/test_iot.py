"""`@app.on_iot_message`: the declaration, the rule's statement, MQTT matching, the event."""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microlambda import App, Blueprint, IotEvent, RegistrationError, UnknownEvent
from microlambda.emulator.events.iot import build

SENT = datetime.datetime(2026, 11, 24, 10, 0, 0, 123_000, tzinfo=datetime.UTC)


def trigger_of(app: App, **words: Any) -> Any:
    app.on_iot_message(**words)(lambda event: None)
    (handler,) = app.handlers.values()
    return handler.trigger


@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "inferred"])
def test_the_handler_gets_the_message(app: App, is_bound: bool) -> None:
    seen: list[IotEvent] = []

    @app.on_iot_message("sensors/+/temperature")
    def handle(event: IotEvent) -> None:
        seen.append(event)

    raw = build("sensors/kitchen/temperature", {"celsius": 21.5, "room": "Küche"}, client_id="k-1", time=SENT)
    result = (app.handler("handle") if is_bound else app)(raw, None)

    (event,) = seen
    assert result is None
    assert event.topic == "sensors/kitchen/temperature"
    assert event.payload == '{"celsius":21.5,"room":"Küche"}'.encode()
    assert event.json() == {"celsius": 21.5, "room": "Küche"}
    assert (event.timestamp, event.client_id, event.raw) == (SENT, "k-1", raw)


@pytest.mark.parametrize(
    ("sent", "payload"),
    [
        pytest.param(b"\x00\xff", b"\x00\xff", id="binary"),
        pytest.param("", b"", id="empty"),
        pytest.param("on", b"on", id="text"),
        pytest.param([1, None], b"[1,null]", id="JSON"),
    ],
)
def test_every_payload_comes_as_it_was_published(sent: Any, payload: bytes) -> None:
    event = IotEvent(build("t", sent))

    assert event.payload == payload


def test_a_payload_that_is_no_text_or_no_json_says_so() -> None:
    event = IotEvent(build("t", b"\x00\xff"))

    with pytest.raises(ValueError, match="utf-8"):
        _ = event.text
    with pytest.raises(ValueError, match="codec|JSON|Expecting"):
        event.json()


def test_a_message_that_came_by_http_has_no_client() -> None:
    event = IotEvent(build("t", "x", client_id=None))

    assert (event.client_id, event.trace_id, event.text) == (None, None, "x")


def test_the_rule_selects_what_the_builder_builds(app: App) -> None:
    """The statement and the events are written apart: their names must be the same."""
    trigger = trigger_of(app, topic="sensors/#")

    selected = re.findall(r" AS (\w+)", trigger.sql)

    assert set(selected) == set(build())
    assert trigger.sql.endswith(" FROM 'sensors/#'")
    assert "encode(*, 'base64') AS payload" in trigger.sql
    assert f"'{build()['eventSource']}'" in trigger.sql
    assert trigger.sql_version == "2016-03-23"


MATCHES = [
    ("sport/tennis/player1", "sport/tennis/player1", True),
    ("sport/tennis/player1", "sport/tennis/player2", False),
    ("sport/tennis/player1", "Sport/tennis/player1", False),
    ("sport/tennis/#", "sport/tennis", True),
    ("sport/tennis/#", "sport/tennis/", True),
    ("sport/tennis/#", "sport/tennis/a/b", True),
    ("sport/tennis/#", "sport/tennis2", False),
    ("#", "a/b/c", True),
    ("#", "/", True),
    ("#", "$aws/things/x", False),
    ("+/tennis/#", "sport/tennis/a", True),
    ("+/tennis/#", "$aws/tennis/a", False),
    ("sport/+", "sport/", True),
    ("sport/+", "sport", False),
    ("sport/+", "sport/a/b", False),
    ("sport/+/player1", "sport/tennis/player1", True),
    ("+", "finance", True),
    ("+", "/finance", False),
    ("/+", "/finance", True),
    ("+/+", "/finance", True),
    ("$aws/things/+/shadow/#", "$aws/things/x/shadow/update", True),
    ("$aws/#", "$aws/things", True),
    ("a/+/#", "a", False),
    ("a/+/#", "a/b", True),
]


@pytest.mark.parametrize(("topic_filter", "topic", "is_match"), MATCHES, ids=lambda value: str(value))
def test_topics_match_as_in_mqtt(app: App, topic_filter: str, topic: str, is_match: bool) -> None:
    seen: list[str | None] = []

    @app.on_iot_message(topic_filter)
    def handle(event: IotEvent) -> None:
        seen.append(event.topic)

    if is_match:
        app(build(topic, "x"), None)
    else:
        with pytest.raises(UnknownEvent, match=r"@app\.on_iot_message\(topic="):
            app(build(topic, "x"), None)

    assert seen == ([topic] if is_match else [])


levels = st.lists(st.sampled_from(["", "a", "b", "c"]), min_size=1, max_size=5)


@given(levels=levels, places=st.sets(st.integers(0, 4)), cut=st.integers(0, 5))
def test_a_topic_with_levels_made_wild_matches_itself(levels: list[str], places: set[int], cut: int) -> None:
    """Any level may become `+`, and any end `#`."""
    from microlambda.runtime.triggers.iot import matches

    wild = ["+" if number in places else level for number, level in enumerate(levels)]

    assert matches("/".join(wild), "/".join(levels))
    assert matches("/".join([*wild[:cut], "#"]), "/".join(levels))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({}, ["a topic filter", "statement"], id="neither"),
        pytest.param({"topic": "a", "sql": "SELECT * FROM 'a'"}, ["a topic filter"], id="both"),
        pytest.param({"topic": ""}, ["topic=''"], id="empty"),
        pytest.param({"topic": 7}, ["topic=7"], id="no str"),
        pytest.param({"topic": "a/#/b"}, ["'#'", "last"], id="# in between"),
        pytest.param({"topic": "a#"}, ["'/#'"], id="# within a level"),
        pytest.param({"topic": "a/b+/c"}, ["'/+/'"], id="+ within a level"),
        pytest.param({"topic": "ü" * 129}, ["258 bytes", "256"], id="too long"),
        pytest.param({"topic": "a/b/c/d/e/f/g/h/i"}, ["8 slashes", "7"], id="too deep"),
        pytest.param({"topic": "$SYS/broker"}, ["$aws/"], id="not AWS's own"),
        pytest.param({"topic": "it's"}, ["quote"], id="a quote"),
        pytest.param({"sql": "UPDATE x"}, ["SELECT"], id="no statement"),
        pytest.param({"sql": 7}, ["sql=7", "SELECT"], id="sql is no str"),
        pytest.param({"topic": "a", "retries": 3}, ["retries=3"], id="retries"),
    ],
)
def test_a_wrong_word_is_an_error_in_the_decorators_own_words(
    app: App, options: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(RegistrationError) as caught:
        app.on_iot_message(**options)

    assert "on_iot_message(" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("topic", ["a/b/c/d/e/f/g/h", "ü" * 128, "+/+/#", "/", "#"])
def test_what_iot_takes_is_taken(app: App, topic: str) -> None:
    assert trigger_of(app, topic=topic).topic == topic


@pytest.mark.parametrize(
    "words",
    [
        pytest.param({"topic": "sensors/#"}, id="a filter"),
        pytest.param({"sql": "SELECT * FROM 'sensors/#'"}, id="a statement"),
    ],
)
def test_two_handlers_of_the_same_messages_are_refused(app: App, words: dict[str, Any]) -> None:
    @app.on_iot_message(**words)
    def first(event: IotEvent) -> None: ...

    with pytest.raises(RegistrationError, match=r"first.*second.*would both get the messages of .*sensors/#"):

        @app.on_iot_message(**words)
        def second(event: IotEvent) -> None: ...


def test_overlapping_filters_are_rules_of_their_own(app: App) -> None:
    """Each has a function; one function for both cannot tell which rule sent the message."""
    seen: list[str] = []
    app.on_iot_message("sensors/#", name="all")(lambda event: seen.append("all"))
    app.on_iot_message("sensors/+", name="one")(lambda event: seen.append("one"))
    event = build("sensors/a", "x")

    app.handler("all")(event, None)
    app.handler("one")(event, None)

    assert seen == ["all", "one"]
    with pytest.raises(UnknownEvent, match=r"'all' and 'one'.*MICROLAMBDA_HANDLER"):
        app(event, None)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param({"celsius": 31}, id="a dict"),
        pytest.param([1, 2], id="a list, by SELECT VALUE"),
        pytest.param({"topic": "mine", "payload": "no base64"}, id="keys like ours"),
    ],
)
def test_what_a_statement_of_the_users_own_selects_is_handed_over(app: App, raw: Any) -> None:
    seen: list[IotEvent] = []

    @app.on_iot_message(sql="SELECT celsius FROM 'sensors/#' WHERE celsius > 30")
    def hot(event: IotEvent) -> None:
        seen.append(event)

    app.handler("hot")(raw, None)

    (event,) = seen
    assert (event.raw, event.json(), event.topic, event.timestamp, event.client_id) == (
        raw,
        raw,
        None,
        None,
        None,
    )
    assert str(event) == "<IotEvent of a statement of its own>"


def test_a_statement_of_the_users_own_is_never_inferred(app: App) -> None:
    """It would swallow every unknown event; the error names it."""

    @app.on_iot_message(sql="SELECT celsius FROM 'sensors/#'")
    def hot(event: IotEvent) -> None: ...

    for event in ({"celsius": 31}, build("sensors/a", "x")):
        with pytest.raises(UnknownEvent, match=r"'hot', @app\.on_iot_message\(sql="):
            app(event, None)


def test_a_blueprints_handler_is_found(app: App) -> None:
    seen: list[str | None] = []
    devices = Blueprint("devices")
    devices.on_iot_message("doors/+")(lambda event: seen.append(event.topic))
    app.register_blueprint(devices)

    app(build("doors/front", "open"), None)

    assert seen == ["doors/front"]


def test_a_cloudevent_has_the_topics_arn_and_the_messages_id(lambda_context: Any) -> None:
    raw = build("sensors/kitchen", {"celsius": 21.5}, time=SENT)

    document = IotEvent(raw, lambda_context).to_cloudevent()

    assert document == {
        "specversion": "1.0",
        "id": raw["traceId"],
        "source": "arn:aws:iot:eu-west-1:123456789012:topic/sensors/kitchen",
        "type": "com.amazonaws.iot.message",
        "subject": "sensors/kitchen",
        "time": "2026-11-24T10:00:00.123000Z",
        "datacontenttype": "application/json",
        "data": {"celsius": 21.5},
    }


def test_a_cloudevent_of_another_statement_is_known_by_its_invocation(lambda_context: Any) -> None:
    document = IotEvent({"celsius": 31}, lambda_context).to_cloudevent()

    assert (document["id"], document["source"]) == ("8f507cfc-test", "aws:iot")
    assert document["data"] == {"celsius": 31}


def test_what_it_is_called_in_a_log_holds_nothing_of_its_payload() -> None:
    assert str(IotEvent(build("doors/front", "s3cret"))) == "<IotEvent on 'doors/front'>"
