"""Triggers end with their cloud, and leave nothing behind."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from microlambda.emulator.cloud import moto_queues

from .traces import FAILING, open_shop

pytest.importorskip("moto.server")


def running() -> set[threading.Thread]:
    return {one for one in threading.enumerate() if one.name == "microlambda-trigger"}


def test_an_event_that_is_too_old_is_given_up() -> None:
    with open_shop(retry_delays=(120.0, 120.0)) as shop:
        (url, queue), name = shop.queue("failed"), shop.tracing(FAILING)
        shop.lambdas.put_function_event_invoke_config(
            FunctionName=name,
            Qualifier="live",
            MaximumEventAgeInSeconds=60,
            DestinationConfig={"OnFailure": {"Destination": queue}},
        )

        shop.invoke(f"{name}:live", {"n": 1}, InvocationType="Event")

        record = json.loads(shop.received(url)["Body"])
        assert record["requestContext"]["condition"] == "EventAgeExceeded"
        assert record["requestContext"]["approximateInvokeCount"] == 1


def test_the_end_of_the_cloud_ends_pollers_retries_and_functions_that_still_run() -> None:
    endless = "import time\ndef act(event, context): time.sleep(600)\n"
    with open_shop(retry_delays=(600.0, 600.0)) as shop:
        url, queue = shop.queue("orders")
        stream = shop.cloud.client("kinesis")
        stream.create_stream(StreamName="clicks", ShardCount=2)
        arn = stream.describe_stream(StreamName="clicks")["StreamDescription"]["StreamARN"]
        slow, failing = shop.tracing(endless, Timeout=900), shop.tracing(FAILING)
        shop.lambdas.create_event_source_mapping(FunctionName=shop.arn(slow), EventSourceArn=queue)
        shop.lambdas.create_event_source_mapping(
            FunctionName=shop.arn(failing), EventSourceArn=arn, StartingPosition="LATEST"
        )
        shop.cloud.client("sqs").send_message(QueueUrl=url, MessageBody="x")
        shop.invoke(f"{failing}:live", 1, InvocationType="Event")
        stream.put_record(StreamName="clicks", Data=b"x", PartitionKey="1")
        shop.traces.next(slow)
        shop.traces.next(failing)
        shop.traces.next(failing)
        assert running()

    assert running() == set()
    assert shop.said == []


def test_a_cloud_without_events_has_the_thread_of_its_clock_alone() -> None:
    with open_shop():
        assert len(running()) == 1

    assert running() == set()


def test_a_sender_learns_nothing_of_a_trigger_that_fails_here(monkeypatch: pytest.MonkeyPatch) -> None:
    from microlambda.emulator.cloud.triggers.deliveries import Deliveries

    def broken(*_args: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Deliveries, "notify", broken)
    with open_shop() as shop:
        sns, name = shop.cloud.client("sns"), shop.tracing()
        topic = sns.create_topic(Name="news")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=shop.arn(name))

        assert sns.publish(TopicArn=topic, Message="x")["MessageId"]

        assert shop.said == ["a trigger failed in the embedded cloud: RuntimeError: a bug"]


def test_the_clock_ticks_by_itself() -> None:
    with open_shop() as shop:
        name = shop.tracing()
        shop.cloud.client("scheduler").create_schedule(
            Name="hourly",
            ScheduleExpression="rate(1 hour)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": shop.arn(name), "RoleArn": shop.role},
        )

        assert shop.traces.next(name)["source"] == "aws.scheduler"


def test_the_end_of_the_cloud_answers_who_waits_for_a_message_and_the_next_cloud_has_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers: list[dict[str, Any]] = []
    waits, wait = threading.Event(), moto_queues._wait_for_message

    def told(queue: Any, seconds: float) -> None:
        waits.set()
        wait(queue, seconds)

    monkeypatch.setattr(moto_queues, "_wait_for_message", told)
    with open_shop() as shop:
        (url, _arn), sqs = shop.queue("orders"), shop.cloud.client("sqs")
        waiting = threading.Thread(
            target=lambda: answers.append(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20))
        )
        waiting.start()
        assert waits.wait(60)
    waiting.join()

    assert "Messages" not in answers[0]
    with open_shop() as shop:
        url, _arn = shop.queue("orders")
        shop.cloud.client("sqs").send_message(QueueUrl=url, MessageBody="mine")
        assert shop.received(url)["Body"] == "mine"


def test_a_poller_that_fails_here_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told = threading.Event()

    def broken(*_args: object) -> None:
        told.set()
        raise RuntimeError("a bug")

    monkeypatch.setattr(moto_queues, "receive", broken)
    with open_shop() as shop:
        _url, queue = shop.queue("orders")
        shop.lambdas.create_event_source_mapping(FunctionName=shop.arn(shop.tracing()), EventSourceArn=queue)
        told.wait()

    assert shop.said == ["a trigger failed in the embedded cloud: RuntimeError: a bug"]
