"""moto's SQS, made to do one thing at a time, and to tell when a queue may have something to read.

moto's server answers in threads and its queues know no lock: two receivers get one message, and a message
that is sent while another is deleted is lost. Of a FIFO queue, a group that failed comes in another order.
"""

from __future__ import annotations

import threading
import time
from base64 import b64encode
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from microlambda.emulator.cloud.moto_adapter import ACCOUNT
from microlambda.emulator.events import sqs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_one_at_a_time = threading.RLock()
_LONGEST_LOOK = 1.0  # s, between two looks of a long poll


@contextmanager
def telling_of_queues(changed: Callable[[str], None]) -> Iterator[None]:
    """Call back with the ARN of a queue in which a message may have become visible."""
    from moto.sqs.models import Queue, SQSBackend

    add, delete = Queue.add_message, Queue.delete_message
    receive, hide = SQSBackend.receive_message, SQSBackend.change_message_visibility
    set_attributes, purge = SQSBackend.set_queue_attributes, SQSBackend.purge_queue
    get_attributes, over = SQSBackend.get_queue_attributes, threading.Event()

    def added(queue: Any, message: Any) -> None:
        with _one_at_a_time:
            add(queue, message)
        changed(queue.queue_arn)

    def deleted(queue: Any, receipt_handle: str) -> None:
        with _one_at_a_time:
            delete(queue, receipt_handle)
        changed(queue.queue_arn)  # the next of its group may follow

    def hidden(backend: Any, queue_name: str, receipt_handle: str, visibility_timeout: int) -> None:
        with _one_at_a_time:
            hide(backend, queue_name, receipt_handle, visibility_timeout)
        changed(backend.get_queue(queue_name).queue_arn)

    def configured(backend: Any, queue_name: str, attributes: dict[str, Any]) -> Any:
        queue = set_attributes(backend, queue_name, attributes)
        changed(queue.queue_arn)
        return queue

    def counted(*args: Any, **named: Any) -> Any:
        with _one_at_a_time:  # while messages are given out, some are out of sight
            return get_attributes(*args, **named)

    def purged(backend: Any, queue_name: str) -> None:
        with _one_at_a_time:
            purge(backend, queue_name)

    def received(
        backend: Any,
        queue_name: str,
        count: int,
        wait_seconds_timeout: int,
        visibility_timeout: int,
        message_attribute_names: list[str] | None = None,
    ) -> Any:
        until = time.monotonic() + wait_seconds_timeout
        while True:
            with _one_at_a_time, _in_order(backend.get_queue(queue_name)):
                found = receive(backend, queue_name, count, 0, visibility_timeout, message_attribute_names)
            left = until - time.monotonic()
            if found or left <= 0 or over.is_set():
                return found
            _wait_for_message(backend.get_queue(queue_name), min(left, _LONGEST_LOOK))

    with (
        patch.object(Queue, "add_message", added),
        patch.object(Queue, "delete_message", deleted),
        patch.object(SQSBackend, "change_message_visibility", hidden),
        patch.object(SQSBackend, "set_queue_attributes", configured),
        patch.object(SQSBackend, "get_queue_attributes", counted),
        patch.object(SQSBackend, "purge_queue", purged),
        patch.object(SQSBackend, "receive_message", received),
    ):
        try:
            yield
        finally:
            over.set()
            _wake_waiting()


def receive(queue_arn: str, count: int, is_wanted: Callable[[], bool]) -> list[dict[str, Any]]:
    """Receive up to so many messages, as records of an event; none where there is no such queue.

    Nor are there any if they are not wanted at that very moment: what comes later stays in the queue.
    """
    queue = _queue(queue_arn)
    if queue is None:
        return []
    with _one_at_a_time:
        if not is_wanted():
            return []
        messages = _backend(queue_arn).receive_message(
            queue.name, count, 0, queue.visibility_timeout, message_attribute_names=["All"]
        )
    return [_record(queue_arn, one) for one in messages]


def seconds_to_next(queue_arn: str) -> float | None:
    """Say in how many seconds to look again for a message; None where there is none to wait for."""
    queue = _queue(queue_arn)
    if queue is None:
        return None
    now = time.time() * 1000
    with _one_at_a_time:
        moments = [max(one.visible_at, one.delayed_until) for one in queue._messages]
    if not moments:
        return None
    # what is visible was hidden a moment ago, or one of its group is in the way
    waits = [(moment - now) / 1000 + 0.002 if moment > now else _LONGEST_LOOK for moment in moments]
    return min(waits)


def delete(queue_arn: str, handles: Iterable[str]) -> None:
    """Delete messages; what is gone already is left alone."""
    from moto.sqs.exceptions import ReceiptHandleIsInvalid

    queue = _queue(queue_arn)
    for handle in handles:
        try:
            if queue is not None:
                queue.delete_message(handle)
        except ReceiptHandleIsInvalid:
            continue


def release(queue_arn: str, handles: Iterable[str]) -> None:
    """Let messages be seen again at once."""
    from moto.sqs.exceptions import SQSException

    for handle in handles:
        with suppress(SQSException):
            _backend(queue_arn).change_message_visibility(queue_arn.split(":")[5], handle, 0)


def send(queue_arn: str, body: str, group_id: str | None = None) -> None:
    """Send a message; a queue that is not there, or does not take it, loses it."""
    from moto.sqs.exceptions import SQSException

    queue = _queue(queue_arn)
    with suppress(SQSException):
        if queue is not None:
            _backend(queue_arn).send_message(queue.name, body, group_id=group_id)


@contextmanager
def _in_order(queue: Any) -> Iterator[None]:
    """Keep groups out of sight of which a message is hidden: moto would begin with the last to come back."""
    queue._pending_messages = {one for one in queue._pending_messages if not one.visible}
    if not queue.fifo_queue:
        yield
        return
    groups, every = queue.pending_message_groups, queue._messages
    queue._messages = [one for one in every if one.group_id not in groups]
    try:
        yield
    finally:  # without those that went to the dead-letter queue
        left = {id(one) for one in queue._messages}
        queue._messages = [one for one in every if one.group_id in groups or id(one) in left]


def _wait_for_message(queue: Any, seconds: float) -> None:
    with queue._messages_lock:
        queue._messages_lock.wait(min(seconds, 0.1) if queue.messages else seconds)


def _wake_waiting() -> None:
    from moto.sqs.models import sqs_backends

    queues = [
        one for backend in list(sqs_backends[ACCOUNT].values()) for one in list(backend.queues.values())
    ]
    for queue in queues:
        with queue._messages_lock:
            queue._messages_lock.notify_all()


def _backend(queue_arn: str) -> Any:
    from moto.sqs.models import sqs_backends

    return sqs_backends[ACCOUNT][queue_arn.split(":")[3]]


def _queue(queue_arn: str) -> Any:
    queue = _backend(queue_arn).queues.get(queue_arn.split(":")[5])
    return queue if queue is not None and queue.queue_arn == queue_arn else None


def _record(queue_arn: str, message: Any) -> dict[str, Any]:
    built = sqs.build(
        queue_arn,
        [
            sqs.Message(
                body=message.body,
                message_id=message.id,
                group_id=message.group_id,
                deduplication_id=message.deduplication_id,
                receive_count=message.approximate_receive_count,
            )
        ],
    )
    record: dict[str, Any] = built["Records"][0]
    record["receiptHandle"] = message.receipt_handle
    record["messageAttributes"] = {
        name: _attribute(value) for name, value in message.message_attributes.items()
    }
    record["attributes"] |= {
        "SentTimestamp": str(message.sent_timestamp),
        "ApproximateFirstReceiveTimestamp": str(message.approximate_first_receive_timestamp),
        "SenderId": message.sender_id,
    }
    if message.sequence_number is not None:
        record["attributes"]["SequenceNumber"] = message.sequence_number
    trace = (message.system_attributes or {}).get("AWSTraceHeader")
    if trace is not None:
        record["attributes"]["AWSTraceHeader"] = trace["StringValue"] if isinstance(trace, dict) else trace
    return record


def _attribute(value: dict[str, Any]) -> dict[str, Any]:
    """Write an attribute as Lambda does; moto has its bytes, or their base64 where SNS sent them."""
    common: dict[str, Any] = {"stringListValues": [], "binaryListValues": []}
    if (binary := value.get("BinaryValue")) is not None:
        text = b64encode(binary).decode() if isinstance(binary, bytes) else binary
        return {"binaryValue": text, **common, "dataType": value["DataType"]}
    return {"stringValue": str(value["StringValue"]), **common, "dataType": value["DataType"]}
