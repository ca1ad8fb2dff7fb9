"""What the embedded cloud's services send by themselves stays on this machine."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from microlambda.emulator.cloud import EmbeddedCloud, outgoing
from microlambda.emulator.server import Server

from .accounts import REGION

pytest.importorskip("moto.server")

OUTSIDE = "http://hooks.example.com/services/secret"


@dataclass
class Receiver:
    """A server on this machine: a webhook of the developer's, or a proxy on the way out."""

    url: str = ""
    taken: list[tuple[str, bytes]] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.taken.append((environ["REQUEST_URI"], environ["wsgi.input"].read()))
        if environ["PATH_INFO"] == "/moved":
            start_response("307 Temporary Redirect", [("Location", OUTSIDE)])
        else:
            start_response("200 OK", [])
        return [b""]


def receiver() -> Iterator[Receiver]:
    taker = Receiver()
    with Server(taker) as server:
        taker.url = server.url
        yield taker


hook = pytest.fixture(receiver)
way_out = pytest.fixture(receiver)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def cloud(said: list[str], way_out: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedCloud]:
    """A cloud in a process whose way out is a proxy of ours: what would leave the machine comes there."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, way_out.url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("urllib.request._opener", None)  # it keeps the proxies that it first heard of
    with EmbeddedCloud(region=REGION, say=said.append) as cloud:
        yield cloud


def publish(cloud: EmbeddedCloud, url: str) -> None:
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="topic")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol=url.partition(":")[0], Endpoint=url)
    sns.publish(TopicArn=topic, Message="hello")


def call_api_destination(cloud: EmbeddedCloud, url: str) -> None:
    events = cloud.client("events")
    connection = events.create_connection(
        Name="connection",
        AuthorizationType="API_KEY",
        AuthParameters={"ApiKeyAuthParameters": {"ApiKeyName": "k", "ApiKeyValue": "v"}},
    )
    destination = events.create_api_destination(
        Name="destination",
        ConnectionArn=connection["ConnectionArn"],
        InvocationEndpoint=url,
        HttpMethod="POST",
    )
    events.put_rule(Name="rule", EventPattern=json.dumps({"source": ["shop"]}))
    events.put_targets(Rule="rule", Targets=[{"Id": "1", "Arn": destination["ApiDestinationArn"]}])
    events.put_events(Entries=[{"Source": "shop", "DetailType": "sold", "Detail": "{}"}])


def put_record(cloud: EmbeddedCloud, url: str) -> None:
    firehose = cloud.client("firehose")
    firehose.create_delivery_stream(
        DeliveryStreamName="stream",
        HttpEndpointDestinationConfiguration={
            "EndpointConfiguration": {"Url": url},
            "S3Configuration": {
                "RoleARN": "arn:aws:iam::123456789012:role/r",
                "BucketARN": "arn:aws:s3:::bucket",
            },
        },
    )
    firehose.put_record(DeliveryStreamName="stream", Record={"Data": b"hello"})


SENDERS = pytest.mark.parametrize("send", [publish, call_api_destination, put_record])


@SENDERS
def test_what_is_for_another_machine_is_not_sent_but_named(
    cloud: EmbeddedCloud, way_out: Receiver, said: list[str], monkeypatch: pytest.MonkeyPatch, send: Any
) -> None:
    monkeypatch.setenv("MOTO_EVENTS_INVOKE_HTTP", "true")

    send(cloud, OUTSIDE)

    assert way_out.taken == []
    assert [line for line in said if "not sent" in line] == [
        "not sent: POST to http://hooks.example.com; the embedded cloud delivers on this machine only"
    ]


@SENDERS
def test_what_is_for_this_machine_arrives_without_a_proxy(
    cloud: EmbeddedCloud, hook: Receiver, way_out: Receiver, monkeypatch: pytest.MonkeyPatch, send: Any
) -> None:
    monkeypatch.setenv("MOTO_EVENTS_INVOKE_HTTP", "true")

    send(cloud, f"{hook.url}/hook")

    assert [path for path, _ in hook.taken] == ["/hook"]
    assert way_out.taken == []


@pytest.mark.parametrize("url", ["https://hooks.example.com/", "http://10.0.0.1/", "http://[2001:db8::1]/"])
def test_no_address_outside_is_reached(
    cloud: EmbeddedCloud, way_out: Receiver, said: list[str], url: str
) -> None:
    publish(cloud, url)

    assert way_out.taken == []
    assert len([line for line in said if "not sent" in line]) == 1


def test_a_redirect_does_not_lead_out(
    cloud: EmbeddedCloud, hook: Receiver, way_out: Receiver, said: list[str]
) -> None:
    publish(cloud, f"{hook.url}/moved")

    assert [path for path, _ in hook.taken] == ["/moved"]
    assert way_out.taken == []
    assert any("hooks.example.com" in line for line in said)


def test_a_reference_in_an_openapi_document_does_not_lead_out(
    cloud: EmbeddedCloud, way_out: Receiver
) -> None:
    document = {
        "openapi": "3.0.0",
        "info": {"title": "api", "version": "1", "description": "d"},
        "paths": {"/": {"$ref": OUTSIDE}},
    }

    with pytest.raises(cloud.client("apigateway").exceptions.ClientError):
        cloud.client("apigateway").import_rest_api(failOnWarnings=True, body=json.dumps(document).encode())

    assert way_out.taken == []


def test_everybody_else_in_this_process_reaches_whom_they_like(
    cloud: EmbeddedCloud, way_out: Receiver
) -> None:
    answer = requests.get(OUTSIDE, timeout=20)

    assert answer.status_code == 200
    assert [path for path, _ in way_out.taken] == [OUTSIDE]
    assert cloud.client("sts").get_caller_identity()["Account"] == cloud.account


def test_the_end_of_the_cloud_undoes_it() -> None:
    before = (requests.Session.send, socket.getaddrinfo)

    with EmbeddedCloud(region=REGION):
        pass

    assert (requests.Session.send, socket.getaddrinfo) == before


def test_a_receiver_may_ask_the_cloud_something_before_it_answers(cloud: EmbeddedCloud) -> None:
    found: list[str] = []

    def curious(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
        found.extend(cloud.client("sns").list_topics()["Topics"][0]["TopicArn"].split(":")[-1:])
        start_response("200 OK", [])
        return [b""]

    with Server(curious) as hook:
        publish(cloud, hook.url)

    assert found == ["topic"]


def test_nobody_at_an_address_here_fails_no_sender(cloud: EmbeddedCloud, said: list[str]) -> None:
    with Server(lambda *_: []) as gone:
        url = gone.url

    publish(cloud, url)

    assert len([line for line in said if line.startswith(f"not sent: POST to {url.rpartition(':')[0]}")]) == 1


def test_a_receiver_that_never_answers_is_waited_for_no_longer_than_sns_waits(
    cloud: EmbeddedCloud, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing, "PATIENCE", 0.1)
    over = threading.Event()

    def silent(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
        over.wait()
        start_response("200 OK", [])
        return [b""]

    with Server(silent) as hook:
        publish(cloud, hook.url)
        over.set()

    assert any(line.startswith("not sent: POST to http://127.0.0.1") for line in said)


def test_a_slow_upload_keeps_nobody_waiting(cloud: EmbeddedCloud) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="slow", CreateBucketConfiguration={"LocationConstraint": REGION})
    head = "PUT /slow/key HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\n\r\n"

    with socket.create_connection(("127.0.0.1", int(cloud.endpoint.rpartition(":")[2]))) as upload:
        upload.sendall(head.encode() + b"ha")
        while not s3.list_buckets()["Buckets"]:
            pass
        upload.sendall(b"lf")
        assert upload.recv(100).startswith(b"HTTP/1.1 200")

    assert s3.get_object(Bucket="slow", Key="key")["Body"].read() == b"half"
