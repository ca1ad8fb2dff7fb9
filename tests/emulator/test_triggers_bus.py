"""Rules of EventBridge in the embedded cloud: what they match, and what their targets get."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import EventBridgeEvent

from microlambda.emulator.cloud.triggers.input_transformer import written_for

from .accounts import REGION
from .traces import Shop, open_shop

pytest.importorskip("moto.server")


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


def ruled(
    shop: Shop,
    name: str,
    pattern: Mapping[str, Any],
    *,
    bus: str = "default",
    state: str = "ENABLED",
    **target: Any,
) -> str:
    events = shop.cloud.client("events")
    rule = f"rule-{name}"
    answer = events.put_rule(Name=rule, EventBusName=bus, EventPattern=json.dumps(pattern), State=state)
    events.put_targets(Rule=rule, EventBusName=bus, Targets=[{"Id": "live", "Arn": shop.arn(name), **target}])
    return str(answer["RuleArn"])


def put(shop: Shop, source: str, detail: object = None, **more: Any) -> str:
    entry = {"Source": source, "DetailType": "sold", "Detail": json.dumps(detail or {}), **more}
    answer = shop.cloud.client("events").put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 0
    return str(answer["Entries"][0]["EventId"])


@pytest.mark.parametrize("bus", ["default", "mine"])
def test_an_event_reaches_the_function_as_eventbridge_writes_it(shop: Shop, bus: str) -> None:
    if bus != "default":
        shop.cloud.client("events").create_event_bus(Name=bus)
    name = shop.tracing()
    shop.allow(name, "events", ruled(shop, name, {"source": [f"shop.{bus}"]}, bus=bus))

    put(shop, "other", EventBusName=bus)
    event_id = put(
        shop,
        f"shop.{bus}",
        {"total": 7},
        EventBusName=bus,
        Resources=["arn:aws:s3:::x"],
        Time=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )

    event = EventBridgeEvent(shop.traces.next(name))
    assert (event.get_id, event.source, event.detail_type) == (event_id, f"shop.{bus}", "sold")
    assert (event.detail, event.resources) == ({"total": 7}, ["arn:aws:s3:::x"])
    assert (event.account, event.region) == (shop.cloud.account, REGION)
    assert (event.time, event.version) == ("2026-01-02T03:04:05Z", "0")
    assert set(event.raw_event) == {
        *("version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail")
    }


@pytest.mark.parametrize(
    ("wanted", "yes", "no"),
    [
        pytest.param([{"prefix": {"equals-ignore-case": "EU-"}}], "eu-west", "us-east", id="prefix"),
        pytest.param([{"suffix": ".png"}], "a.png", "a.jpg", id="suffix"),
        pytest.param([{"anything-but": {"suffix": [".png", ".gif"]}}], "a.jpg", "a.gif", id="anything but"),
        pytest.param([{"anything-but": {"wildcard": "*/tmp/*"}}], "a/b", "a/tmp/b", id="but wildcard"),
        pytest.param([{"numeric": [">", 1, "<=", 5]}], 5, 1, id="numeric"),
        pytest.param([{"exists": True}], "x", None, id="exists"),
        pytest.param([{"cidr": "10.0.0.0/24"}], "10.0.0.7", "10.0.1.7", id="cidr"),
        pytest.param([{"equals-ignore-case": "yes"}], "YES", "no", id="equals ignore case"),
        pytest.param([{"wildcard": "a*b*c"}], "a-b-c", "a-c-b", id="wildcard"),
    ],
)
def test_every_operator_of_patterns_is_known(shop: Shop, wanted: list[Any], yes: Any, no: Any) -> None:
    name = shop.tracing()
    source = f"operators.{name}"
    shop.allow(name, "events", ruled(shop, name, {"source": [source], "detail": {"x": wanted}}))

    put(shop, source, {} if no is None else {"x": no})
    put(shop, source, {"x": yes})

    assert EventBridgeEvent(shop.traces.next(name)).detail == {"x": yes}


def test_a_rule_that_is_off_matches_nothing(shop: Shop) -> None:
    name, events = shop.tracing(), shop.cloud.client("events")
    shop.allow(name, "events", ruled(shop, name, {"source": ["switched"]}, state="DISABLED"))

    put(shop, "switched", {"n": 1})
    events.enable_rule(Name=f"rule-{name}")
    put(shop, "switched", {"n": 2})

    assert EventBridgeEvent(shop.traces.next(name)).detail == {"n": 2}


def test_a_rule_that_may_not_call_is_told_and_its_event_goes_to_the_dead_letter_queue(shop: Shop) -> None:
    name, (url, queue) = shop.tracing(), shop.queue("dead")
    rule = ruled(shop, name, {"source": ["refused"]}, DeadLetterConfig={"Arn": queue})

    put(shop, "refused", {"n": 1})

    assert json.loads(shop.received(url)["Body"])["detail"] == {"n": 1}
    assert any(line.startswith(f"{rule} may not call {shop.arn(name)}") for line in shop.said)


def test_queues_get_the_same_event_as_functions(shop: Shop) -> None:
    name, (url, queue), events = shop.tracing(), shop.queue("heard"), shop.cloud.client("events")
    shop.allow(name, "events", ruled(shop, name, {"source": ["both"]}))
    events.put_targets(Rule=f"rule-{name}", Targets=[{"Id": "queue", "Arn": queue}])

    put(shop, "both", {"n": 1})

    assert json.loads(shop.received(url)["Body"]) == shop.traces.next(name)


def test_a_target_that_is_not_played_here_is_told_and_fails_nobody(shop: Shop) -> None:
    name, events = shop.tracing(), shop.cloud.client("events")
    shop.allow(name, "events", ruled(shop, name, {"source": ["machine"]}))
    machine = f"arn:aws:states:{REGION}:{shop.cloud.account}:stateMachine:x"
    target = {"Id": "machine", "Arn": machine, "RoleArn": shop.role}
    events.put_targets(Rule=f"rule-{name}", Targets=[target])

    put(shop, "machine", {"n": 1})

    assert EventBridgeEvent(shop.traces.next(name)).detail == {"n": 1}
    assert any(machine in line for line in shop.said)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        pytest.param({"Input": '{"fixed": 1}'}, {"fixed": 1}, id="a constant"),
        pytest.param({"InputPath": "$.detail.items[1]"}, {"n": 2}, id="a part"),
        pytest.param(
            {
                "InputTransformer": {
                    "InputPathsMap": {"first": "$.detail.items[0].n", "from": "$.source"},
                    "InputTemplate": '{"first":<first>,"from":<from>,"text":"n <first> of \\"<from>\\""}',
                }
            },
            {"first": 1, "from": "transformed", "text": 'n 1 of "transformed"'},
            id="a template",
        ),
    ],
)
def test_a_target_gets_what_it_asks_for(shop: Shop, target: dict[str, Any], expected: Any) -> None:
    name = shop.tracing()
    source = "transformed"
    rule = ruled(shop, name, {"source": [source], "detail": {"of": [name]}}, **target)
    shop.allow(name, "events", rule)

    put(shop, source, {"of": name, "items": [{"n": 1}, {"n": 2}]})

    assert shop.traces.next(name) == expected


EVENT: dict[str, Any] = {
    "id": "1",
    "time": "2026-01-02T03:04:05Z",
    "detail-type": 'a "quoted" type',
    "resources": ["r"],
    "detail": {"n": 1.5, "none": None, "list": [{"a": 1}, {"a": 2}], "text": "é"},
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        pytest.param("<type>", '"a \\"quoted\\" type"', id="a text alone"),
        pytest.param('"It is <type>."', '"It is a \\"quoted\\" type."', id="a text in a text"),
        pytest.param('{"a":<n>,"b":<none>}', '{"a":1.5,"b":null}', id="a number and null"),
        pytest.param('{"a":<list>}', '{"a":[{"a": 1}, {"a": 2}]}', id="a list"),
        pytest.param('{"a":"<list>"}', '{"a":"[{\\"a\\": 1}, {\\"a\\": 2}]"}', id="a list in a text"),
        pytest.param("<all>", "[1, 2]", id="all of a list"),
        pytest.param('{"a":<missing>,"b":"x<missing>"}', '{"a":null,"b":"x"}', id="nothing there"),
        pytest.param('"<unknown>"', '"<unknown>"', id="no variable"),
        pytest.param('{"r":<aws.events.rule-arn>}', '{"r":"arn:rule"}', id="the rule"),
        pytest.param('"<aws.events.rule-name>"', '"rule"', id="the rule's name"),
        pytest.param("<aws.events.event.json>", json.dumps(EVENT), id="the event"),
    ],
)
def test_templates_are_filled_in(template: str, expected: str) -> None:
    paths = {
        "type": "$.detail-type",
        "n": "$.detail.n",
        "none": "$.detail.none",
        "list": "$.detail.list",
        "all": "$.detail.list[*].a",
        "missing": "$.detail.nothing.here",
    }
    target = {"InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}}

    assert written_for(target, EVENT, rule_arn="arn:rule", rule_name="rule") == expected


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param({"source": [{"bogus": 1}]}, id="an operator of nobody"),
        pytest.param({"source": [{"prefix": 5}]}, id="a prefix that is no text"),
        pytest.param({"detail": {"n": [{"numeric": ["x"]}]}}, id="no comparison"),
        pytest.param(["source"], id="no object"),
    ],
)
def test_a_pattern_that_cannot_be_matched_with_is_refused_and_fails_no_sender(
    shop: Shop, pattern: Any
) -> None:
    events = shop.cloud.client("events")

    with pytest.raises(events.exceptions.InvalidEventPatternException):
        events.put_rule(Name="impossible", EventPattern=json.dumps(pattern))

    put(shop, "anything", {"n": 1})
