"""`@app.on_sqs_message`: the declaration, the event, partial failures; Powertools reads what we build."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import SQSEvent as PowertoolsEvent

from microlambda import App, RegistrationError, SQSEvent, SQSRecord, UnknownEvent
from microlambda.emulator.events.sqs import Message, build

SENT = datetime.datetime(2026, 11, 24, 10, 0, 0, 123_000, tzinfo=datetime.UTC)


def test_the_handler_gets_every_message(app: App) -> None:
    seen: list[str] = []

    @app.on_sqs_message(queue="orders")
    def handle(event: SQSEvent) -> None:
        seen.extend(record.body for record in event)

    result = app(build("orders", ["one", "two", "three"]), None)

    assert (seen, result) == (["one", "two", "three"], None)


def test_powertools_reads_the_event_and_reads_the_same_as_we() -> None:
    message = Message(
        body={"id": 7, "name": "Zoë"},
        attributes={"kind": "new", "count": 3, "weight": 1.5, "digest": b"\x00\xff"},
        group_id="g1",
        receive_count=4,
    )

    raw = build("orders.fifo", [message, "plain"], time=SENT)

    (ours, plain), theirs = SQSEvent(raw), next(PowertoolsEvent(raw).records)
    assert ours.message_id == theirs.message_id
    assert ours.receipt_handle == theirs.receipt_handle
    assert (
        (ours.body, ours.json()) == (theirs.body, theirs.json_body) == (ours.body, {"id": 7, "name": "Zoë"})
    )
    assert ours.queue_arn == theirs.event_source_arn == "arn:aws:sqs:us-east-1:123456789012:orders.fifo"
    assert ours.group_id == theirs.attributes.message_group_id == "g1"
    assert str(ours.receive_count) == theirs.attributes.approximate_receive_count == "4"
    assert ours.sent_at == SENT
    assert ours.message_attributes == {"kind": "new", "count": 3, "weight": 1.5, "digest": b"\x00\xff"}
    digest = theirs.message_attributes["digest"]
    assert digest is not None
    assert digest.binary_value == "AP8="
    assert theirs.aws_region == "us-east-1"
    assert (plain.queue, plain.is_fifo, plain.message_attributes) == ("orders.fifo", True, {})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({}, ["queue='orders'"], id="no queue"),
        pytest.param(
            {"queue": "orders", "queue_arn": "arn:aws:sqs:r:1:q"}, ["queue='orders'"], id="two queues"
        ),
        pytest.param(
            {"queue": "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"},
            ["queue='https://sqs.eu-west-1", "URL", "'orders'"],
            id="a URL",
        ),
        pytest.param({"queue": "arn:aws:sns:eu-west-1:1:orders"}, ["sns", "sqs"], id="another service's ARN"),
        pytest.param({"queue": "or ders"}, ["80 letters"], id="no queue's name"),
        pytest.param({"queue": "q" * 81}, ["80 letters"], id="too long a name"),
        pytest.param({"queue": 7}, ["queue=7", "ARN"], id="no str"),
        pytest.param({"queue": "q", "batch_size": 0}, ["batch_size=0", "1 to 10,000"], id="no batch"),
        pytest.param({"queue": "q", "batch_size": True}, ["batch_size=True"], id="a bool"),
        pytest.param({"queue": "q", "batch_size": 11}, ["batch_size=11", "window"], id="no window"),
        pytest.param(
            {"queue": "q.fifo", "batch_size": 11, "maximum_batching_window_in_seconds": 1},
            ["FIFO", "10 messages"],
            id="a large FIFO batch",
        ),
        pytest.param(
            {"queue": "q.fifo", "maximum_batching_window_in_seconds": 1}, ["FIFO"], id="a FIFO window"
        ),
        pytest.param(
            {"queue": "q", "maximum_batching_window_in_seconds": 301}, ["0 to 300"], id="a long window"
        ),
        pytest.param({"queue": "q", "maximum_concurrency": 1}, ["2 to 1,000"], id="one at a time"),
        pytest.param({"queue": "q", "filters": []}, ["filters=[]"], id="no filters"),
        pytest.param({"queue": "q", "filters": {"id": [7]}}, ["'body' alone"], id="no filter of the body"),
        pytest.param({"queue": "q", "filters": [{"body": ["x"]}] * 6}, ["at most 5"], id="six filters"),
        pytest.param({"queue": "q", "per_record": "yes"}, ["per_record='yes'"], id="no bool"),
    ],
)
def test_a_wrong_word_is_an_error_in_the_decorators_own_words(
    app: App, options: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(RegistrationError) as caught:
        app.on_sqs_message(**options)(lambda event: None)

    assert "on_sqs_message(" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_an_unknown_keyword_is_told_with_the_nearest(app: App) -> None:
    with pytest.raises(
        TypeError, match=r"on_sqs_message\(\) takes no 'batchsize'. Did you mean 'batch_size'"
    ):
        app.on_sqs_message(queue="orders", batchsize=3)  # type: ignore[call-arg]


@pytest.mark.parametrize("queue", ["orders", "arn:aws:sqs:eu-west-1:123456789012:orders"])
def test_two_handlers_of_one_queue_are_refused(app: App, queue: str) -> None:
    @app.on_sqs_message(queue="orders")
    def first(event: SQSEvent) -> None: ...

    with pytest.raises(
        RegistrationError, match=r"first.*second.*would both get the messages of the queue 'orders'"
    ):

        @app.on_sqs_message(queue=queue)
        def second(event: SQSEvent) -> None: ...


Take = Callable[[SQSRecord], None]


@pytest.fixture
def failing(app: App) -> Callable[[str], list[str]]:
    """A handler of single messages that fails for those called "bad"; answers what it has seen."""

    def declare(queue: str) -> list[str]:
        seen: list[str] = []

        @app.on_sqs_message(queue=queue)
        def handle(record: SQSRecord) -> None:
            seen.append(record.body)
            if record.body == "bad":
                raise LookupError("this message is bad")

        return seen

    return declare


@pytest.mark.parametrize(
    ("queue", "bodies", "seen", "failed"),
    [
        pytest.param("q", ["a", "bad", "b"], ["a", "bad", "b"], [1], id="standard: those that failed"),
        pytest.param("q", ["bad", "bad"], ["bad", "bad"], [0, 1], id="standard: all of them"),
        pytest.param("q", ["a"], ["a"], [], id="standard: none"),
        pytest.param(
            "q.fifo", ["a", "bad", "b", "c"], ["a", "bad"], [1, 2, 3], id="FIFO: it and all behind it"
        ),
        pytest.param("q.fifo", ["bad", "a"], ["bad"], [0, 1], id="FIFO: all of them"),
        pytest.param("q.fifo", ["a", "b"], ["a", "b"], [], id="FIFO: none"),
    ],
)
@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "inferred"])
def test_a_failing_message_is_a_partial_failure(
    app: App,
    failing: Callable[[str], list[str]],
    caplog: pytest.LogCaptureFixture,
    queue: str,
    bodies: list[str],
    seen: list[str],
    failed: list[int],
    is_bound: bool,
) -> None:
    handled = failing(queue)
    event = build(queue, bodies)

    result = (app.handler("handle") if is_bound else app)(event, None)

    assert handled == seen
    identifiers = [event["Records"][number]["messageId"] for number in failed]
    assert result == {"batchItemFailures": [{"itemIdentifier": one} for one in identifiers]}
    assert len(caplog.records) == bodies[: len(seen)].count("bad")
    for entry in caplog.records:
        assert "LookupError" in entry.getMessage()
        assert entry.exc_info is not None


def test_an_error_of_a_handler_of_batches_fails_the_batch(app: App) -> None:
    @app.on_sqs_message(queue="orders")
    def handle(event: SQSEvent) -> None:
        raise LookupError("nothing was done")

    with pytest.raises(LookupError, match="nothing was done"):
        app(build("orders", ["a"]), None)


def test_a_message_of_another_queue_is_an_error_that_names_what_is_declared(app: App) -> None:
    @app.on_sqs_message(queue="orders")
    def handle(event: SQSEvent) -> None: ...

    for run in (app, app.handler("handle")):
        with pytest.raises(UnknownEvent, match=r"payments.*'handle', @app.on_sqs_message\(queue='orders'\)"):
            run(build("payments", ["a"]), None)


def test_what_a_record_is_called_in_a_log_holds_nothing_of_its_body() -> None:
    event = SQSEvent(build("orders", [Message(body="s3cret", message_id="m-1")]))

    assert (str(event), str(event[0])) == ("<SQSEvent of 1 record>", "<SQSRecord 'm-1' of 'orders'>")
