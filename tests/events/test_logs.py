"""`@app.on_log_events`: the declaration, the event, single lines; Powertools reads what we build."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import CloudWatchLogsEvent as PowertoolsEvent

from microlambda import App, LogRecord, LogsEvent, RegistrationError, UnknownEvent
from microlambda.emulator.events.logs import build, control_message, packed

LOGGED = datetime.datetime(2026, 11, 24, 10, 0, 0, 123_000, tzinfo=datetime.UTC)
GROUP = "/aws/lambda/orders"
ARN = f"arn:aws:logs:us-east-1:123456789012:log-group:{GROUP}"


def test_the_client_sends_the_lines_that_match(app: App) -> None:
    app.on_log_events(GROUP, name="alarm", filter_pattern="?ERROR ?WARN")(
        lambda event: [line.message for line in event]
    )
    client = app.test_client()

    result = client.logs(GROUP, ["INFO a", "ERROR b", "WARN c", "ERROR b"])
    nothing = client.logs(GROUP, ["INFO a"])

    assert result.result == ["ERROR b", "WARN c", "ERROR b"]
    assert [line["message"] for line in result.filtered] == ["INFO a"]
    assert (nothing.event, nothing.result, len(nothing.filtered)) == (None, None, 1)


@pytest.mark.parametrize("declared", [GROUP, ARN, f"{ARN}:*"], ids=["name", "ARN", "ARN with a star"])
@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "inferred"])
def test_the_handler_gets_every_line(app: App, declared: str, is_bound: bool) -> None:
    @app.on_log_events(declared)
    def handle(event: LogsEvent) -> Any:
        return [event.log_group, [record.message for record in event]]

    result = (app.handler("handle") if is_bound else app)(build(GROUP, ["one", "zwölf", "three"]), None)

    assert result == [GROUP, ["one", "zwölf", "three"]]


def test_powertools_reads_the_event_and_reads_the_same_as_we() -> None:
    raw = build(f"{ARN}:*", [{"level": "info", "name": "Zoë"}, "plain"], log_stream="s/1", time=LOGGED)

    ours, theirs = LogsEvent(raw), PowertoolsEvent(raw).parse_logs_data()
    assert (ours.log_group, ours.log_stream) == (theirs.log_group, theirs.log_stream) == (GROUP, "s/1")
    assert ours.owner == theirs.owner == "123456789012"
    assert ours.subscription_filters == theirs.subscription_filters == ["orders"]
    assert not ours.is_control_message
    assert theirs.message_type == "DATA_MESSAGE"
    assert len(ours) == len(theirs.log_events) == 2
    for mine, other in zip(ours, theirs.log_events, strict=True):
        assert (mine.id, mine.message) == (other.get_id, other.message)
        assert mine.extracted_fields == other.extracted_fields == {}
    assert ours[0].json() == {"level": "info", "name": "Zoë"}
    assert [record.timestamp for record in ours] == [LOGGED, LOGGED + datetime.timedelta(milliseconds=1)]
    assert theirs.log_events[0].timestamp == 1_795_514_400_123
    with pytest.raises(ValueError, match="Expecting value"):
        ours[1].json()


def test_fields_that_the_filter_pattern_names() -> None:
    line = {"id": "1", "timestamp": 0, "message": "INFO hi", "extractedFields": {"level": "INFO"}}

    event = LogsEvent(packed({"logGroup": GROUP, "logEvents": [line]}))

    assert event[0].extracted_fields == {"level": "INFO"}
    assert event[0].raw == line
    assert (event.owner, event.log_stream, event.subscription_filters) == ("", "", [])


@pytest.mark.parametrize("bodies", [[], ["a"]], ids=["no lines", "a line"])
def test_an_event_is_as_long_as_its_lines(bodies: list[str]) -> None:
    assert len(LogsEvent(build(GROUP, bodies))) == len(bodies)


@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "inferred"])
def test_single_lines_are_each_run_and_the_first_error_fails_the_invocation(
    app: App, caplog: pytest.LogCaptureFixture, is_bound: bool
) -> None:
    seen: list[str] = []

    @app.on_log_events(GROUP)
    def handle(record: LogRecord) -> None:
        seen.append(record.message)
        if record.message == "bad":
            raise LookupError("this line is bad")

    with pytest.raises(LookupError, match="this line is bad"):
        (app.handler("handle") if is_bound else app)(build(GROUP, ["a", "bad", "b"]), None)

    assert seen == ["a", "bad", "b"]
    assert len(caplog.records) == 1


@pytest.mark.parametrize("names", [["one"], ["one", "two"]], ids=["one handler", "two handlers"])
def test_cloudwatchs_own_message_is_acknowledged(app: App, names: list[str]) -> None:
    def never(event: LogsEvent) -> None:
        raise AssertionError

    for name in names:
        app.on_log_events(f"/{name}", name=name)(never)

    assert app(control_message(), None) is None
    assert app.handler("one")(control_message(), None) is None


def test_of_two_filters_of_one_group_the_filters_name_tells_whose_lines_they_are(app: App) -> None:
    seen: list[str] = []
    app.on_log_events(GROUP, name="archive")(lambda event: seen.append("archive"))
    app.on_log_events(GROUP, filter_pattern="ERROR", name="alert")(lambda event: seen.append("alert"))

    app(build(GROUP, ["a"], subscription_filter="shop-dev-alert"), None)
    app(build(GROUP, ["a"], subscription_filter="shop-dev-archive"), None)
    with pytest.raises(UnknownEvent, match="'archive' and 'alert'"):
        app(build(GROUP, ["a"], subscription_filter="x"), None)

    assert seen == ["alert", "archive"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"log_group": "a b"}, ["log_group='a b'", "512 letters"], id="a blank"),
        pytest.param({"log_group": "a" * 513}, ["512 letters"], id="a long name"),
        pytest.param({"log_group": "größe"}, ["512 letters"], id="other letters"),
        pytest.param({"log_group": ""}, ["name or its ARN"], id="empty"),
        pytest.param({"log_group": 7}, ["log_group=7"], id="a number"),
        pytest.param({"log_group": "https://x/y"}, ["URL"], id="a URL"),
        pytest.param({"log_group": "arn:aws:s3:::x"}, ["s3", "logs"], id="another service's ARN"),
        pytest.param({"log_group": "arn:aws:logs:r:1:destination:x"}, ["log-group:NAME"], id="a destination"),
        pytest.param(
            {"log_group": "a", "filter_pattern": "x" * 1025}, ["1,025 characters"], id="a long pattern"
        ),
        pytest.param({"log_group": "a", "filter_pattern": None}, ["filter_pattern=None"], id="no pattern"),
        pytest.param({"log_group": "a", "filter_pattern": "{ $.a = "}, ["ends with '}'"], id="an open brace"),
        pytest.param({"log_group": "a", "filter_pattern": "[a, b"}, ["ends with ']'"], id="an open bracket"),
        pytest.param({"log_group": "a", "filter_pattern": '"a'}, ["without its partner"], id="an open quote"),
        pytest.param({"log_group": "a", "per_record": 1}, ["per_record=1"], id="no bool"),
        pytest.param({"log_group": "a", "retries": 3}, ["retries=3"], id="retries"),
    ],
)
def test_a_wrong_word_is_an_error_in_the_decorators_own_words(
    app: App, options: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(RegistrationError) as caught:
        app.on_log_events(**options)(lambda event: None)

    assert "on_log_events(" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("first", "second", "is_refused"),
    [
        pytest.param({"log_group": GROUP}, {"log_group": f"{ARN}:*"}, True, id="by name and by ARN"),
        pytest.param(
            {"log_group": GROUP, "filter_pattern": "E"},
            {"log_group": GROUP, "filter_pattern": "E"},
            True,
            id="one filter",
        ),
        pytest.param(
            {"log_group": GROUP}, {"log_group": GROUP, "filter_pattern": "E"}, False, id="two filters"
        ),
        pytest.param({"log_group": GROUP}, {"log_group": "/x"}, False, id="two groups"),
        pytest.param({"log_group": ARN}, {"log_group": ARN.replace("us-", "eu-")}, False, id="two regions"),
    ],
)
def test_two_handlers_of_the_same_lines_are_refused(
    app: App, first: dict[str, Any], second: dict[str, Any], is_refused: bool
) -> None:
    app.on_log_events(name="first", **first)(lambda event: None)
    decorator = app.on_log_events(name="second", **second)

    if is_refused:
        with pytest.raises(RegistrationError, match=f"would both get the lines .*{GROUP}"):
            decorator(lambda event: None)
    else:
        decorator(lambda event: None)
        assert len(app.handlers) == 2


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(build("/other", ["a"]), id="another group"),
        pytest.param(build(ARN.replace("123456789012", "999999999999"), ["a"]), id="another account"),
        pytest.param({"awslogs": {"data": "!"}}, id="no base64"),
        pytest.param({"awslogs": {"data": "aGVsbG8="}}, id="no gzip"),
        pytest.param(packed([1]), id="no object"),
        pytest.param({"awslogs": {}}, id="nothing"),
        pytest.param({"awslogs": {"data": None}}, id="null"),
    ],
)
def test_another_event_is_an_error_that_names_what_is_declared(app: App, event: dict[str, Any]) -> None:
    app.on_log_events(ARN, filter_pattern="ERROR", name="handle")(lambda event: None)

    for run in (app, app.handler("handle")):
        with pytest.raises(
            UnknownEvent, match=r"'handle', @app.on_log_events\('arn.*', filter_pattern='ERROR'\)"
        ):
            run(event, None)


def test_lines_are_unpacked_once(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    import zlib

    unpacked: list[int] = []
    unpack: Callable[..., bytes] = zlib.decompress

    def counted(*args: Any, **options: Any) -> bytes:
        unpacked.append(1)
        return unpack(*args, **options)

    monkeypatch.setattr(zlib, "decompress", counted)
    app.on_log_events(GROUP, name="handle")(lambda event: [len(event), len(list(event)), event.log_group])

    app(build(GROUP, ["a", "b"]), None)

    assert len(unpacked) == 1


def test_each_line_is_a_cloudevent() -> None:
    event = LogsEvent(build(GROUP, ['{"a": 1}', "plain"], time=LOGGED, log_stream="s"))

    first, second = event.to_cloudevents()
    assert first == {
        "specversion": "1.0",
        "id": event[0].id,
        "source": GROUP,
        "type": "com.amazonaws.logs.log-event",
        "subject": "s",
        "time": "2026-11-24T10:00:00.123000Z",
        "datacontenttype": "application/json",
        "data": {"a": 1},
    }
    assert (second["id"], second["data"]) == (event[1].id, "plain")


def test_what_a_line_is_called_in_a_log_holds_nothing_of_it() -> None:
    event = LogsEvent(build(GROUP, ["s3cret"]))

    assert (str(event), str(event[0])) == (
        "<LogsEvent of 1 record>",
        f"<LogRecord {event[0].id!r} of '{GROUP}'>",
    )
