"""`@app.on_s3_event(through="eventbridge")`: the same events in EventBridge's shape; the rule's pattern."""

from __future__ import annotations

import datetime
import json
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.data_classes import S3EventBridgeNotificationEvent as PowertoolsEvent
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.events.models import EventPattern

from microlambda import App, RegistrationError, S3Event, S3Record, UnknownEvent
from microlambda.emulator.events.origin import Origin
from microlambda.emulator.events.s3 import _ON_BUS, build

PUT = datetime.datetime(2026, 11, 24, 10, 0, 0, tzinfo=datetime.UTC)
TYPES = sorted(_ON_BUS)


def trigger_of(app: App, **options: Any) -> Any:
    app.on_s3_event(**{"bucket": "photos", "through": "eventbridge", **options}, name="handle")(
        lambda event: None
    )
    return app.handlers["handle"].trigger


@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "inferred"])
@pytest.mark.parametrize("per_record", [True, False], ids=["records", "event"])
def test_the_handler_gets_the_same_event(app: App, is_bound: bool, per_record: bool) -> None:
    seen: list[tuple[str, str, str]] = []

    @app.on_s3_event(bucket="photos", through="eventbridge", per_record=per_record)
    def handle(given: Any) -> None:
        seen.extend((one.bucket, one.key, one.event_name) for one in ([given] if per_record else given))

    event = build("photos", "a+b c%20d.jpg", through="eventbridge")
    (app.handler("handle") if is_bound else app)(event, None)

    assert seen == [("photos", "a+b c%20d.jpg", "ObjectCreated:Put")]


def test_powertools_reads_the_event_and_reads_the_same_as_we() -> None:
    raw = build(
        "photos",
        "a/ö.jpg",
        body=b"12345",
        version_id="v1",
        through="eventbridge",
        time=PUT,
        origin=Origin(region="eu-west-1", account="111122223333"),
    )

    event, theirs = S3Event(raw), PowertoolsEvent(raw)
    ours = event[0]
    assert (len(event), isinstance(ours, S3Record), event.key) == (1, True, ours.key)
    assert ours.bucket == theirs.detail.bucket.name == "photos"
    assert [ours.bucket_arn] == theirs.resources == ["arn:aws:s3:::photos"]
    assert ours.key == theirs.detail.object.key == "a/ö.jpg"
    assert ours.size == theirs.detail.object.size == 5
    assert ours.etag == theirs.detail.object.etag == "827ccb0eea8a706c4c34a16891f84e7b"
    assert ours.version_id == theirs.detail.object.version_id == "v1"
    assert ours.sequencer == theirs.detail.object.sequencer
    assert (ours.event_time, theirs.time) == (PUT, "2026-11-24T10:00:00Z")
    assert ours.region == theirs.region == "eu-west-1"
    assert ours.principal == theirs.detail.requester == "111122223333"
    assert ours.source_ip == theirs.detail.source_ip_address
    assert theirs.detail.reason == "PutObject"
    assert ours.raw is raw


@pytest.mark.parametrize("event", TYPES)
def test_every_event_has_the_name_that_notifications_give_it(event: str) -> None:
    raw = build("photos", "a.jpg", event=event, through="eventbridge")

    record = S3Event(raw)[0]

    assert record.event_name == event
    assert record.to_cloudevent()["type"] == f"com.amazonaws.s3.{event}"
    assert PowertoolsEvent(raw).detail.object.key == "a.jpg"


def test_an_event_that_notifications_have_no_name_for_keeps_its_own() -> None:
    raw = build("photos", "a.jpg", through="eventbridge")
    raw["detail"]["reason"] = "NewApi"

    assert S3Event(raw)[0].event_name == "Object Created"


def test_what_aws_may_leave_out_is_none() -> None:
    raw = build("photos", "a.jpg", event="LifecycleExpiration:Delete", through="eventbridge")
    del raw["detail"]["requester"], raw["detail"]["object"]["sequencer"]

    record = S3Event(raw)[0]

    assert (record.size, record.etag, record.version_id) == (None, None, None)
    assert (record.source_ip, record.principal, record.sequencer) == (None, None, None)


def test_a_cloudevent_is_that_of_the_notification_with_the_buss_id() -> None:
    raw = build("photos", "a b.jpg", through="eventbridge", time=PUT, origin=Origin(region="eu-west-1"))

    document = S3Event(raw).to_cloudevent()

    assert document == {
        "specversion": "1.0",
        "id": raw["id"],
        "source": "aws:s3.eu-west-1.photos",
        "type": "com.amazonaws.s3.ObjectCreated:Put",
        "subject": "a b.jpg",
        "time": "2026-11-24T10:00:00Z",
        "datacontenttype": "application/json",
        "data": raw,
    }


@pytest.mark.parametrize("event", ["s3:Replication:*", "ReducedRedundancyLostObject", "ObjectRetention:Put"])
def test_an_event_that_eventbridge_does_not_get_is_refused(app: App, event: str) -> None:
    with pytest.raises(RegistrationError, match=r"on_s3_event\(events=.*through='notifications'"):
        trigger_of(app, events=["ObjectCreated:*", event])


def test_more_keys_than_a_rule_can_hold_are_refused(app: App) -> None:
    with pytest.raises(RegistrationError, match=r"4,?096"):
        trigger_of(app, prefix=[f"{number:04}/" for number in range(300)])


def test_overlapping_prefixes_are_no_matter_on_the_bus(app: App) -> None:
    trigger = trigger_of(app, prefix=["a/", "a/b/"])

    assert trigger.event_pattern["detail"]["object"] == {"key": [{"prefix": "a/"}, {"prefix": "a/b/"}]}
    assert trigger.configurations == []


@pytest.mark.parametrize(
    ("options", "pattern"),
    [
        pytest.param(
            {},
            {"detail-type": ["Object Created"], "detail": {"bucket": {"name": ["photos"]}}},
            id="a family",
        ),
        pytest.param(
            {"events": ["ObjectCreated:Put", "ObjectCreated:Copy"], "suffix": [".jpg", ".png"]},
            {
                "detail-type": ["Object Created"],
                "detail": {
                    "bucket": {"name": ["photos"]},
                    "object": {"key": [{"suffix": ".jpg"}, {"suffix": ".png"}]},
                    "reason": ["PutObject", "CopyObject"],
                },
            },
            id="some of a family",
        ),
        pytest.param(
            {"events": "ObjectRemoved:*", "prefix": "a*\\", "suffix": "z"},
            {
                "detail-type": ["Object Deleted"],
                "detail": {
                    "bucket": {"name": ["photos"]},
                    "object": {"key": [{"wildcard": "a\\*\\\\*z"}]},
                    "reason": ["DeleteObject"],
                    "deletion-type": ["Permanently Deleted", "Delete Marker Created"],
                },
            },
            id="removed by hand, both ends of the key",
        ),
        pytest.param(
            {
                "events": ["ObjectTagging:*", "ObjectRestore:*", "ObjectRemoved:Delete"],
                "bucket": "arn:aws:s3:::photos",
            },
            {
                "detail": {"bucket": {"name": ["photos"]}},
                "$or": [
                    {
                        "detail-type": [
                            "Object Restore Initiated",
                            "Object Restore Completed",
                            "Object Restore Expired",
                            "Object Tags Added",
                            "Object Tags Deleted",
                        ]
                    },
                    {
                        "detail-type": ["Object Deleted"],
                        "detail": {"reason": ["DeleteObject"], "deletion-type": ["Permanently Deleted"]},
                    },
                ],
            },
            id="several kinds",
        ),
    ],
)  # fmt: skip
def test_the_pattern_of_the_rule(app: App, options: dict[str, Any], pattern: dict[str, Any]) -> None:
    assert trigger_of(app, **options).event_pattern == {"source": ["aws.s3"], **pattern}


@given(
    st.lists(st.sampled_from(TYPES), min_size=1, unique=True),
    st.sampled_from(TYPES),
    st.sampled_from(["a/b.jpg", "a/b.png", "b/a.jpg", "*"]),
    st.sampled_from(["", "a/", "a"]),
    st.sampled_from(["", ".jpg", "g"]),
)
@settings(deadline=None)
def test_the_pattern_lets_pass_what_the_words_say(
    wanted: list[str], event: str, key: str, prefix: str, suffix: str
) -> None:
    app = App("shop")
    trigger = trigger_of(app, events=wanted, prefix=prefix, suffix=suffix)
    raw = build("photos", key, event=event, through="eventbridge")

    expected = event in wanted and key.startswith(prefix) and key.endswith(suffix)

    assert trigger.handles(raw, "eventbridge") == expected
    if not ("$or" in trigger.event_pattern or (prefix and suffix)):  # which moto does not know
        assert EventPattern.load(json.dumps(trigger.event_pattern)).matches_event(cast(Any, raw)) == expected


def test_events_of_other_services_and_ways_are_for_others(app: App) -> None:
    trigger_of(app)
    others = [
        build("photos"),
        build("films", through="eventbridge"),
        build("photos", event="TestEvent"),
        {**build("photos", through="eventbridge"), "source": "shop"},
        {**build("photos", through="eventbridge"), "detail": None},
    ]

    for event in others:
        for run in (app, app.handler("handle")):
            with pytest.raises(UnknownEvent, match="through='eventbridge'"):
                run(event, None)


def test_the_two_ways_of_one_bucket_may_have_a_handler_each(app: App) -> None:
    seen: list[str] = []
    app.on_s3_event(bucket="photos", name="one")(lambda event: seen.append("notified"))
    app.on_s3_event(bucket="photos", through="eventbridge", name="two")(
        lambda event: seen.append("by the bus")
    )

    app(build("photos"), None)
    app(build("photos", through="eventbridge"), None)

    assert seen == ["notified", "by the bus"]


@pytest.mark.parametrize("options", [{"event": "Replication:*"}, {"event": "x"}], ids=str)
def test_the_builder_refuses_what_s3_does_not_send_to_the_bus(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="ObjectCreated:Put"):
        build("photos", through="eventbridge", **options)


def test_the_builder_knows_two_ways() -> None:
    with pytest.raises(ValueError, match='"eventbridge"'):
        build("photos", through="pigeons")
