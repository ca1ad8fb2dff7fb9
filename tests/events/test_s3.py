"""`@app.on_s3_event` by S3's own notifications: the declaration, the event, what is in SQS and SNS."""

from __future__ import annotations

import datetime
import hashlib
import json
from typing import Any
from urllib.parse import unquote_plus

import botocore.session
import pytest
from aws_lambda_powertools.utilities.data_classes import S3Event as PowertoolsEvent
from aws_lambda_powertools.utilities.data_classes import SQSEvent as PowertoolsQueue
from hypothesis import given, settings
from hypothesis import strategies as st

from microlambda import App, RegistrationError, S3Event, S3Record, SNSEvent, SQSEvent, UnknownEvent
from microlambda.emulator.events.origin import Origin
from microlambda.emulator.events.s3 import build, encoded
from microlambda.emulator.events.sns import build as build_sns
from microlambda.emulator.events.sqs import build as build_sqs

PUT = datetime.datetime(2026, 11, 24, 10, 0, 0, 123_000, tzinfo=datetime.UTC)
PHOTOS = "arn:aws:s3:::photos"
EVERY_TYPE = botocore.session.get_session().get_service_model("s3").shape_for("Event").enum


def trigger_of(app: App, **options: Any) -> Any:
    app.on_s3_event(**{"bucket": "photos", **options}, name="handle")(lambda event: None)
    return app.handlers["handle"].trigger


@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "inferred"])
def test_the_handler_gets_the_object_with_its_key_decoded(app: App, is_bound: bool) -> None:
    seen: list[tuple[str, str]] = []

    @app.on_s3_event(bucket="photos")
    def handle(event: S3Event) -> None:
        seen.extend((record.bucket, record.key) for record in event)
        seen.append((event.bucket, event.key))

    (app.handler("handle") if is_bound else app)(build("photos", "2026/café + cake (1).jpg"), None)

    assert seen == [("photos", "2026/café + cake (1).jpg")] * 2


def test_powertools_reads_the_event_and_reads_the_same_as_we() -> None:
    raw = build(
        "photos",
        "a b/ö.json",
        body={"id": 7},
        version_id="v1",
        time=PUT,
        origin=Origin(region="eu-west-1"),
    )

    (ours,), theirs = S3Event(raw), PowertoolsEvent(raw).record
    assert ours.bucket == theirs.s3.bucket.name == "photos"
    assert ours.bucket_arn == theirs.s3.bucket.arn == PHOTOS
    assert (
        ours.key == unquote_plus(theirs.s3.get_object.key) == PowertoolsEvent(raw).object_key == "a b/ö.json"
    )
    assert ours.size == theirs.s3.get_object.size == 8
    assert ours.etag == theirs.s3.get_object.etag == hashlib.md5(b'{"id":7}').hexdigest()
    assert ours.version_id == theirs.s3.get_object.version_id == "v1"
    assert ours.sequencer == theirs.s3.get_object.sequencer
    assert ours.event_name == theirs.event_name == "ObjectCreated:Put"
    assert (ours.event_time, theirs.event_time) == (PUT, "2026-11-24T10:00:00.123Z")
    assert ours.region == theirs.aws_region == "eu-west-1"
    assert ours.principal == theirs.user_identity.principal_id
    assert ours.source_ip == theirs.request_parameters.source_ip_address


@pytest.mark.parametrize("event", ["ObjectRemoved:Delete", "s3:ObjectRemoved:DeleteMarkerCreated"])
def test_an_object_that_is_gone_has_no_size_and_no_etag(event: str) -> None:
    raw = build("photos", "a.jpg", event=event)

    record = S3Event(raw)[0]

    assert (record.size, record.etag, record.version_id) == (None, None, None)
    assert record.event_name == event.removeprefix("s3:")
    assert PowertoolsEvent(raw).record.s3.get_object.etag == ""


def test_what_aws_may_leave_out_is_none() -> None:
    raw = build("photos", "a.jpg")
    for name in ("userIdentity", "requestParameters", "responseElements"):
        del raw["Records"][0][name]

    record = S3Event(raw)[0]

    assert (record.principal, record.source_ip) == (None, None)
    assert record.to_cloudevent()["id"] == record.sequencer


def test_the_key_of_intelligent_tiering_is_read_where_it_stands() -> None:
    raw = build("photos", "a.jpg", event="IntelligentTiering")
    s3 = raw["Records"][0]["s3"]
    s3["get_object"] = s3.pop("object")

    assert S3Event(raw)[0].key == PowertoolsEvent(raw).object_key == "a.jpg"


@given(st.text(st.characters(codec="utf-8"), min_size=1))
@settings(deadline=None)
def test_every_key_is_read_as_it_was_written(key: str) -> None:
    raw = build("photos", key)

    assert S3Event(raw).key == PowertoolsEvent(raw).object_key == key


@pytest.mark.parametrize(
    ("key", "written"),
    [
        pytest.param("red flower.jpg", "red+flower.jpg", id="a space"),
        pytest.param("year=2026/a+b", "year%3D2026/a%2Bb", id="signs, slashes stay"),
        pytest.param("(1)~*", "%281%29%7E*", id="as of a form"),
    ],
)
def test_keys_are_written_as_s3_does(key: str, written: str) -> None:
    assert encoded(key) == written


def test_an_event_of_two_records_has_no_key_of_its_own() -> None:
    raw = build("photos", "a.jpg")
    raw["Records"] *= 2

    with pytest.raises(ValueError, match="2 records, and was asked for key"):
        _ = S3Event(raw).key


def test_a_cloudevent_is_as_the_adapter_of_cloudevents_says() -> None:
    raw = build("photos", "a b.jpg", time=PUT, origin=Origin(region="eu-west-1"))
    record = raw["Records"][0]
    ids = record["responseElements"]

    assert S3Event(raw).to_cloudevent() == {
        "specversion": "1.0",
        "id": f"{ids['x-amz-request-id']}.{ids['x-amz-id-2']}",
        "source": "aws:s3.eu-west-1.photos",
        "type": "com.amazonaws.s3.ObjectCreated:Put",
        "subject": "a b.jpg",
        "time": "2026-11-24T10:00:00.123000Z",
        "datacontenttype": "application/json",
        "data": record,
    }


def test_what_a_record_is_called_in_a_log_names_the_object() -> None:
    event = S3Event(build("photos", "a.jpg"))

    assert str(event) == "<S3Event of 1 record>"
    assert str(event[0]) == "<S3Record ObjectCreated:Put of 'a.jpg' in 'photos'>"


# The declaration -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"bucket": "s3://photos/a.jpg"}, ["URL", "'photos'"], id="a URL of s3"),
        pytest.param(
            {"bucket": "https://photos.s3.eu-west-1.amazonaws.com/a.jpg"}, ["URL", "'photos'"], id="a URL"
        ),
        pytest.param(
            {"bucket": "https://s3.eu-west-1.amazonaws.com/photos/a.jpg"},
            ["URL", "'photos'"],
            id="an old URL",
        ),
        pytest.param({"bucket": "Photos"}, ["bucket='Photos'", "3 to 63 lowercase"], id="upper case"),
        pytest.param({"bucket": "ab"}, ["3 to 63"], id="too short a name"),
        pytest.param({"bucket": "a" * 64}, ["3 to 63"], id="too long a name"),
        pytest.param({"bucket": "a..b"}, ["3 to 63"], id="two dots"),
        pytest.param({"bucket": "192.168.5.4"}, ["no IP address"], id="an IP address"),
        pytest.param({"bucket": "-photos"}, ["3 to 63"], id="a hyphen in front"),
        pytest.param({"bucket": None}, ["bucket=None", "'photos'"], id="no bucket"),
        pytest.param({"bucket": "arn:aws:sqs:r:1:photos"}, ["sqs", "s3"], id="another service's ARN"),
        pytest.param({"bucket": f"{PHOTOS}/*"}, ["no bucket's ARN", "without a key"], id="objects' ARN"),
        pytest.param(
            {"bucket": "arn:aws:s3:eu-west-1:1:accesspoint/x"}, ["no bucket's ARN"], id="an access point"
        ),
        pytest.param(
            {"events": "s3:ObjectCreate:*"},
            ["events='s3:ObjectCreate:*'", "Did you mean 's3:ObjectCreated:*'"],
            id="a near miss",
        ),
        pytest.param({"events": []}, ["events=[]"], id="no events"),
        pytest.param({"events": 7}, ["events=7"], id="no str"),
        pytest.param({"events": ["ObjectCreated:Put"] * 2}, ["twice"], id="an event twice"),
        pytest.param(
            {"events": ["s3:ObjectCreated:Put", "ObjectCreated:*"]},
            ["of one kind", "Leave one"],
            id="in another",
        ),
        pytest.param({"prefix": ["a/", "a/b/"]}, ["begin with 'a/' and with 'a/b/'"], id="prefixes overlap"),
        pytest.param({"prefix": ["", "a"]}, ["prefix=['', 'a']"], id="all and some"),
        pytest.param({"suffix": ["jpg", "pg"]}, ["end with 'jpg' and with 'pg'"], id="suffixes overlap"),
        pytest.param({"suffix": "*.jpg"}, ["'*'", "suffix='.jpg'"], id="a wildcard in front"),
        pytest.param({"prefix": "a/*"}, ["'*'", "prefix='a/'"], id="a wildcard behind"),
        pytest.param({"prefix": "year%3D2026/"}, ["not encoded", "prefix='year=2026/'"], id="encoded"),
        pytest.param({"prefix": "é" * 513}, ["1,024 bytes"], id="longer than a key"),
        pytest.param({"prefix": [f"{n:03}/" for n in range(101)]}, ["101", "takes 100"], id="too many"),
        pytest.param({"prefix": None}, ["prefix=None"], id="no prefix"),
        pytest.param({"through": "eventbrige"}, ["Did you mean 'eventbridge'"], id="another way"),
        pytest.param({"retries": 3}, ["retries=3", "0 to 2"], id="retries"),
        pytest.param({"per_record": 1}, ["per_record=1"], id="no bool"),
    ],
)
def test_a_wrong_word_is_an_error_in_the_decorators_own_words(
    app: App, options: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(RegistrationError) as caught:
        trigger_of(app, **options)

    assert "on_s3_event(" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("event", EVERY_TYPE)
def test_every_event_that_s3_has_may_be_asked_for(app: App, event: str) -> None:
    assert trigger_of(app, events=event).events == (event,)


@pytest.mark.parametrize("events", ["ObjectRemoved:*", ["s3:ObjectRemoved:*"], iter(["ObjectRemoved:*"])])
def test_one_event_or_several_with_s3_in_front_or_not(app: App, events: Any) -> None:
    assert trigger_of(app, events=events).events == ("s3:ObjectRemoved:*",)


def test_what_the_deployer_gives_to_s3(app: App) -> None:
    trigger = trigger_of(
        app,
        bucket=PHOTOS,
        events=["ObjectCreated:Put", "ObjectRemoved:*"],
        prefix=["my photos/", "year=2026/"],
        suffix=[".jpg", "~(é)"],
        retries=1,
    )

    events = ("s3:ObjectCreated:Put", "s3:ObjectRemoved:*")
    assert trigger.bucket_name == "photos"
    assert trigger.configurations == [
        (events, "my+photos/", ".jpg"),
        (events, "my+photos/", "%7E(%C3%A9)"),
        (events, "year%3D2026/", ".jpg"),
        (events, "year%3D2026/", "%7E(%C3%A9)"),
    ]
    assert trigger.event_pattern is None
    assert (trigger.asynchronous.retries, trigger.asynchronous.maximum_age) == (1, None)


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        pytest.param({}, {}, "s3:ObjectCreated:* of objects in the bucket 'photos'", id="the same"),
        pytest.param({}, {"bucket": PHOTOS}, "'photos'", id="by its ARN"),
        pytest.param({}, {"events": "ObjectCreated:Copy"}, "s3:ObjectCreated:Copy of", id="in a family"),
        pytest.param({"prefix": "a/"}, {"prefix": "a/b/"}, "'photos'", id="prefixes overlap"),
        pytest.param({"prefix": "a/"}, {"suffix": ".jpg"}, "'photos'", id="one has another end"),
        pytest.param({"suffix": ["pg", "x"]}, {"suffix": [".jpg", ".y"]}, "'photos'", id="suffixes overlap"),
        pytest.param({}, {"bucket": "films"}, None, id="another bucket"),
        pytest.param({}, {"events": "ObjectRemoved:*"}, None, id="other events"),
        pytest.param({"events": "ObjectCreated:Put"}, {"events": "ObjectCreated:Copy"}, None, id="beside it"),
        pytest.param({"prefix": "a/"}, {"prefix": "b/"}, None, id="other prefixes"),
        pytest.param(
            {"prefix": "a/", "suffix": ".jpg"}, {"prefix": "a/", "suffix": ".png"}, None, id="other suffixes"
        ),
        pytest.param({}, {"through": "eventbridge"}, None, id="another way"),
    ],
)
@pytest.mark.parametrize("through", ["notifications", "eventbridge"])
def test_two_handlers_of_the_same_events_are_refused(
    app: App, first: dict[str, Any], second: dict[str, Any], shared: str | None, through: str
) -> None:
    other_way: dict[str, Any] = {}
    if "through" in second and through == "eventbridge":
        other_way = {"through": "notifications"}
    app.on_s3_event(**{"bucket": "photos", "through": through, **first}, name="first")(lambda event: None)
    declare = app.on_s3_event(
        **{"bucket": "photos", "through": through, **second, **other_way}, name="second"
    )

    if shared is None:
        declare(lambda event: None)
        assert set(app.handlers) == {"first", "second"}
    else:
        with pytest.raises(RegistrationError, match="would both get") as caught:
            declare(lambda event: None)
        assert shared in str(caught.value)


# Which handler ---------------------------------------------------------------------------------------


@pytest.fixture
def sorted_app(app: App) -> App:
    """An app with a handler for each kind of what happens in one bucket."""
    app.on_s3_event(bucket="photos", prefix="in/", suffix=[".jpg", ".png"], name="pictures")(
        lambda event: None
    )
    app.on_s3_event(bucket="photos", prefix="in/", suffix=".txt", name="texts")(lambda event: None)
    app.on_s3_event(bucket="photos", events=["ObjectRemoved:*", "ObjectAcl:Put"], name="rest")(
        lambda event: None
    )
    app.on_s3_event(bucket="arn:aws:s3:::films", name="films")(lambda event: None)
    return app


@pytest.mark.parametrize(
    ("event", "name"),
    [
        pytest.param(build("photos", "in/a.png"), "pictures", id="by the suffix"),
        pytest.param(
            build("photos", "in/ä b.txt", event="ObjectCreated:Copy"), "texts", id="by the other suffix"
        ),
        pytest.param(build("photos", "in/a.png", event="ObjectRemoved:Delete"), "rest", id="by the event"),
        pytest.param(build("photos", "x", event="ObjectAcl:Put"), "rest", id="by the other event"),
        pytest.param(build("films", "in/a.png"), "films", id="by the bucket"),
        pytest.param(build("photos", "out/a.png"), None, id="another prefix"),
        pytest.param(build("photos", "in/a.gif"), None, id="another suffix"),
        pytest.param(build("photos", "in/a.png", event="ObjectRestore:Post"), None, id="another event"),
        pytest.param(build("music", "in/a.png"), None, id="another bucket"),
        pytest.param(build("photos", "in/a.png", through="eventbridge"), None, id="another way"),
        pytest.param({"Records": [{"eventSource": "aws:s3"}]}, None, id="broken"),
    ],
)
def test_bound_and_inferred_handlers_take_the_same_events(
    sorted_app: App, event: dict[str, Any], name: str | None
) -> None:
    for one in sorted_app.handlers:
        if one == name:
            assert sorted_app.handler(one)(event, None) is None
        else:
            with pytest.raises(UnknownEvent, match=r"@app.on_s3_event\(bucket='"):
                sorted_app.handler(one)(event, None)
    if name is None:
        with pytest.raises(UnknownEvent, match="'pictures'.*'films'"):
            sorted_app(event, None)
    else:
        assert sorted_app(event, None) is None


def test_an_error_tells_what_is_declared(app: App) -> None:
    trigger_of(app, events="ObjectRemoved:*", prefix=["a/", "b/"], suffix=".jpg", through="eventbridge")

    with pytest.raises(UnknownEvent) as caught:
        app(build("photos"), None)

    declared = (
        "@app.on_s3_event(bucket='photos', events='s3:ObjectRemoved:*', prefix=['a/', 'b/'], suffix='.jpg', "
        "through='eventbridge')"
    )
    assert declared in str(caught.value)
    assert "photos" in str(caught.value)


def test_the_handler_of_one_record_raises_what_went_wrong(app: App, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []

    @app.on_s3_event(bucket="photos")
    def handle(record: S3Record) -> None:
        seen.append(record.key)
        raise LookupError(record.key)

    raw = build("photos", "a.jpg")
    raw["Records"] += build("photos", "b.jpg")["Records"]

    with pytest.raises(LookupError, match="a.jpg"):
        app(raw, None)

    assert seen == ["a.jpg", "b.jpg"]
    assert len(caplog.records) == 2


# S3's test -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("per_record", [True, False], ids=["records", "event"])
@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "inferred"])
def test_s3s_test_is_acknowledged_and_runs_no_handler(app: App, per_record: bool, is_bound: bool) -> None:
    @app.on_s3_event(bucket="photos", prefix="in/", per_record=per_record)
    def handle(event: Any) -> None:
        raise AssertionError

    run = app.handler("handle") if is_bound else app

    assert run(build("photos", event="s3:TestEvent"), None) is None


def test_s3s_test_is_acknowledged_where_a_bucket_has_several_handlers(sorted_app: App) -> None:
    for run in (sorted_app, sorted_app.handler("texts")):
        assert run(build("photos", event="TestEvent"), None) is None


def test_s3s_test_of_another_bucket_is_an_error(app: App) -> None:
    trigger_of(app)

    for run in (app, app.handler("handle")):
        with pytest.raises(UnknownEvent, match="'photos'"):
            run(build("films", event="TestEvent"), None)


# In messages of SQS and SNS --------------------------------------------------------------------------


def in_sqs(body: Any) -> dict[str, Any]:
    return build_sqs("uploads", [body])


def in_sns_in_sqs(message: Any) -> dict[str, Any]:
    return in_sqs(build_sns("uploads", message)["Records"][0]["Sns"])


@pytest.mark.parametrize("through", ["notifications", "eventbridge"])
def test_the_event_in_a_message_of_a_queue(through: str) -> None:
    raw = in_sqs(build("photos", "a b.jpg", body=b"123", through=through))

    event = SQSEvent(raw)[0].s3()

    assert [(one.bucket, one.key, one.size) for one in event] == [("photos", "a b.jpg", 3)]
    if through == "notifications":
        theirs = next(PowertoolsQueue(raw).records).decoded_nested_s3_event
        assert (event.bucket, event.key) == (theirs.bucket_name, theirs.object_key)


def test_the_event_in_a_notification_in_a_message_of_a_queue() -> None:
    raw = in_sns_in_sqs(build("photos", "a b.jpg"))

    event = SQSEvent(raw)[0].s3()

    theirs = next(PowertoolsQueue(raw).records).decoded_nested_sns_event
    nested = PowertoolsEvent(json.loads(theirs.message))
    assert (event.bucket, event.key) == (nested.bucket_name, nested.object_key) == ("photos", "a b.jpg")


def test_the_event_in_a_notification() -> None:
    event = SNSEvent(build_sns("uploads", build("photos", "a b.jpg")))[0].s3()

    assert (event.bucket, event.key, event.context) == ("photos", "a b.jpg", None)


def test_s3s_test_in_a_message_is_an_event_without_records() -> None:
    test = build("photos", event="TestEvent")

    for event in (SQSEvent(in_sqs(test))[0].s3(), SQSEvent(in_sns_in_sqs(test))[0].s3()):
        assert (list(event), len(event), event.to_cloudevents()) == ([], 0, [])
        assert str(event) == "<S3Event of 0 records>"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="an empty dict"),
        pytest.param([], id="a list"),
        pytest.param("7", id="a number"),
        pytest.param({"Records": []}, id="no records"),
        pytest.param({"Records": [7]}, id="records of another kind"),
        pytest.param(build_sqs(), id="an event of SQS"),
        pytest.param({"source": "aws.s3", "detail": {"eventName": "PutObject"}}, id="an event of CloudTrail"),
        pytest.param({"source": "aws.s3", "detail": "object"}, id="a detail of another kind"),
    ],
)
def test_another_body_is_an_error_that_names_the_message(body: Any) -> None:
    record = SQSEvent(in_sqs(body))[0]
    nested = SQSEvent(in_sns_in_sqs(body))[0]

    with pytest.raises(ValueError, match=f"<SQSRecord '{record.message_id}' of 'uploads'>"):
        record.s3()
    with pytest.raises(ValueError, match="<SNSRecord '.*' of 'uploads'> carries is no event of S3"):
        nested.s3()


def test_a_notification_that_is_no_json_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match="<SNSRecord '.*' of 'news'>"):
        SNSEvent(build_sns("news", "hello"))[0].s3()


def test_a_body_that_is_no_json_is_an_error() -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        SQSEvent(in_sqs("hello"))[0].s3()
