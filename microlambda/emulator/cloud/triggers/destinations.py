"""Where records of failures go: queues, topics, functions, buses and buckets, by their ARNs.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from microlambda.emulator.cloud.triggers.workers import Workers

    Attributes = Mapping[str, tuple[str, str]]  # name -> type and value
    Send = Callable[[Any, "Parcel"], None]


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """What is sent: a document to an ARN, `about` a function or schedule; in a bucket it lies in a folder."""

    to: str
    document: Any
    about: str
    attributes: Attributes = field(default_factory=dict)
    folder: str = ""

    @property
    def text(self) -> str:
        """The document as it is sent."""
        return self.document if isinstance(self.document, str) else json.dumps(self.document)


class Destinations:
    """Sends, as any client of the cloud would; what does not arrive is explained and lost, as on AWS."""

    def __init__(self, workers: Workers, client: Callable[..., Any], explain: Callable[[str], None]) -> None:
        self._workers = workers
        self._make_client = client
        self._explain = explain
        self._clients: dict[tuple[str, str], Any] = {}
        self._guard = threading.Lock()

    def send(self, parcel: Parcel) -> None:
        """Send it to a queue, topic, function, bus or bucket."""
        service, region = parcel.to.split(":")[2:4]
        send = _SENDERS.get(service)
        if send is None:
            self._explain_loss(parcel, f"the embedded cloud sends nothing to {service}")
            return
        try:
            send(self._client(service, region), parcel)
        except (ClientError, BotoCoreError) as exc:
            self._explain_loss(parcel, str(exc))

    def send_later(self, parcel: Parcel) -> None:
        """Send without letting the caller wait."""
        self._workers.run(self.send, parcel)

    def _explain_loss(self, parcel: Parcel, why: str) -> None:
        self._explain(f"what failed in {parcel.about} was not sent to {parcel.to}: {why}")

    def _client(self, service: str, region: str) -> Any:
        with self._guard:  # making clients is not for several threads at once
            key = (service, region)
            if key not in self._clients:
                place = {"region_name": region} if region else {}
                self._clients[key] = self._make_client(service, **place)
            return self._clients[key]


def _to_queue(client: Any, parcel: Parcel) -> None:
    name, fifo = parcel.to.split(":")[5], {}
    if name.endswith(".fifo"):
        fifo = {"MessageGroupId": parcel.about, "MessageDeduplicationId": str(uuid4())}
    client.send_message(
        QueueUrl=client.get_queue_url(QueueName=name)["QueueUrl"],
        MessageBody=parcel.text,
        MessageAttributes=_attributes(parcel),
        **fifo,
    )


def _to_topic(client: Any, parcel: Parcel) -> None:
    client.publish(TopicArn=parcel.to, Message=parcel.text, MessageAttributes=_attributes(parcel))


def _to_function(client: Any, parcel: Parcel) -> None:
    client.invoke(FunctionName=parcel.to, InvocationType="Event", Payload=parcel.text.encode())


def _to_bus(client: Any, parcel: Parcel) -> None:
    document = parcel.document
    condition = document.get("requestContext", {}).get("condition") if isinstance(document, dict) else None
    came_of_it = "Success" if condition == "Success" else "Failure"
    entry = {
        "Source": "lambda",
        "DetailType": f"Lambda Function Invocation Result - {came_of_it}",
        "Detail": parcel.text,
        "Resources": [parcel.to, parcel.about],
        "EventBusName": parcel.to,
    }
    client.put_events(Entries=[entry])


def _to_bucket(client: Any, parcel: Parcel) -> None:
    now = datetime.now(UTC)
    key = f"aws/lambda/{parcel.folder}/{now:%Y/%m/%d}/{now:%Y-%m-%dT%H.%M.%S}-{uuid4()}"
    client.put_object(Bucket=parcel.to.rpartition(":")[2], Key=key, Body=parcel.text.encode())


_SENDERS: dict[str, Send] = {
    "sqs": _to_queue,
    "sns": _to_topic,
    "lambda": _to_function,
    "events": _to_bus,
    "s3": _to_bucket,
}


def _attributes(parcel: Parcel) -> dict[str, dict[str, str]]:
    return {
        name: {"DataType": kind, "StringValue": value} for name, (kind, value) in parcel.attributes.items()
    }
