"""Partial failures beside Powertools' batch processor, over the same batches and the same bad records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    SqsFifoPartialProcessor,
    process_partial_response,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from microlambda import App
from microlambda.emulator.events import builder


def theirs(processor: Any, event: dict[str, Any], read: Any) -> list[Any]:
    """The identifiers that Powertools reports."""

    def handle(record: Any) -> None:
        if "bad" in read(record):
            raise LookupError

    report = process_partial_response(event=event, record_handler=handle, processor=processor, context=None)
    return [failure["itemIdentifier"] for failure in report["batchItemFailures"]]


def ours(decorator: str, words: dict[str, Any], event: dict[str, Any], read: Any) -> list[Any]:
    """The identifiers that we report."""
    app = App("shop")

    @getattr(app, decorator)(**words, per_record=True)  # type: ignore[untyped-decorator]
    def handle(record: Any) -> None:
        if "bad" in read(record):
            raise LookupError

    return [failure["itemIdentifier"] for failure in app(event, None)["batchItemFailures"]]


bodies = st.lists(st.sampled_from(["good", "bad"]), min_size=1, max_size=6)


@pytest.mark.parametrize("queue", ["orders", "orders.fifo"])
@settings(max_examples=60, deadline=None)
@given(sent=bodies)
def test_messages_of_a_queue(queue: str, sent: Sequence[str]) -> None:
    event = builder("sqs")(queue=queue, messages=sent)
    is_fifo = queue.endswith(".fifo")
    processor: Any = SqsFifoPartialProcessor if is_fifo else BatchProcessor
    made = processor() if is_fifo else processor(event_type=EventType.SQS)
    made.raise_on_entire_batch_failure = False

    expected = theirs(made, event, lambda record: record.body)

    assert ours("on_sqs_message", {"queue": queue}, event, lambda record: record.body) == expected


@settings(max_examples=60, deadline=None)
@given(sent=bodies)
def test_records_of_a_stream_are_read_on_from_the_first_failure(sent: Sequence[str]) -> None:
    event = builder("kinesis")(stream="clicks", records=sent)
    processor = BatchProcessor(event_type=EventType.KinesisDataStreams, raise_on_entire_batch_failure=False)

    # It goes on after a failure and reports all of them; Lambda reads on from the lowest.
    expected = theirs(processor, event, lambda record: record.kinesis.data_as_text())[:1]

    assert ours("on_kinesis_record", {"stream": "clicks"}, event, lambda record: record.text) == expected


@settings(max_examples=60, deadline=None)
@given(sent=bodies)
def test_changes_of_a_table_are_read_on_from_the_first_failure(sent: Sequence[str]) -> None:
    event = builder("dynamodb")(
        table="orders", changes=[{"id": number, "name": name} for number, name in enumerate(sent)]
    )
    processor = BatchProcessor(event_type=EventType.DynamoDBStreams, raise_on_entire_batch_failure=False)

    expected = theirs(processor, event, lambda record: record.dynamodb.new_image["name"])[:1]

    reported = ours("on_dynamodb_record", {"table": "orders"}, event, lambda record: record.new_image["name"])
    assert reported == expected
