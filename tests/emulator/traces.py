"""Functions that tell what they are called with, and tests that wait to hear it."""

from __future__ import annotations

import json
import queue
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from microlambda.emulator.cloud import EmbeddedCloud

from .accounts import REGION, Account

#: Prints its event, then does what the test's `act` says.
TRACING = """
import json
def handler(event, context):
    print("TRACE " + json.dumps(event), flush=True)
    return act(event, context)
"""
QUIET = "def act(event, context): return None\n"
FAILING = "def act(event, context): raise ValueError('on purpose')\n"

PATIENCE = 20  # s, for the slowest of machines


class Traces:
    """Events as functions got them, by the function's name."""

    def __init__(self) -> None:
        self._queues: dict[str, queue.Queue[Any]] = defaultdict(queue.Queue)

    def take(self, name: str, line: bytes) -> None:
        """Take a line that a function printed."""
        if line.startswith(b"TRACE "):
            self._queues[name].put(json.loads(line.removeprefix(b"TRACE ")))

    def next(self, name: str) -> Any:
        """Wait for the next event of a function."""
        return self._queues[name].get(timeout=PATIENCE)

    def left(self, name: str) -> list[Any]:
        """What has come and was not asked for."""
        events = []
        while not self._queues[name].empty():
            events.append(self._queues[name].get())
        return events


class Shop(Account):
    """An account whose functions are heard."""

    traces: Traces

    def tracing(self, act: str = QUIET, **options: Any) -> str:
        """Create a function that tells its events; gives its name."""
        return self.function(act + TRACING, **options)

    def arn(self, name: str) -> str:
        """The ARN of a function's alias."""
        return f"arn:aws:lambda:{REGION}:{self.cloud.account}:function:{name}:live"

    def allow(self, name: str, service: str, source: str, **more: str) -> None:
        """Let a service call a function."""
        self.lambdas.add_permission(
            FunctionName=name,
            Qualifier="live",
            StatementId=f"s{len(source)}{abs(hash(source))}",
            Action="lambda:InvokeFunction",
            Principal=f"{service}.amazonaws.com",
            SourceArn=source,
            **more,
        )

    def queue(self, name: str, **attributes: str) -> tuple[str, str]:
        """Create a queue; gives its URL and ARN."""
        sqs = self.cloud.client("sqs")
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, answer["Attributes"]["QueueArn"]

    def received(self, url: str) -> dict[str, Any]:
        """Wait for a message."""
        sqs = self.cloud.client("sqs")
        for _ in range(PATIENCE // 5):
            answer = sqs.receive_message(
                QueueUrl=url, WaitTimeSeconds=5, MessageAttributeNames=["All"], AttributeNames=["All"]
            )
            for message in answer.get("Messages", ()):
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                found: dict[str, Any] = message
                return found
        raise TimeoutError(url)


@contextmanager
def open_shop(**options: Any) -> Iterator[Shop]:
    """Start a cloud in which events that failed are tried again at once."""
    traces = Traces()
    said: list[str] = []
    options = {"retry_delays": (0.0, 0.0), **options}
    with EmbeddedCloud(region=REGION, output=traces.take, say=said.append, **options) as cloud:
        shop = Shop(cloud, said)
        shop.traces = traces
        yield shop
