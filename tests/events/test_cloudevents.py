"""CloudEvents of every source, read by the CloudEvents project's own SDK."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from microlambda import App, SQSEvent
from microlambda.emulator.events import SOURCES, builder
from microlambda.emulator.events.sqs import Message, build


def sdk_event(document: dict[str, Any]) -> Any:
    """Read by the SDK, which refuses what the specification does."""
    return JSONFormat().read(CloudEvent, json.dumps(document).encode())


def made(source: str, said: dict[str, Any]) -> list[dict[str, Any]]:
    """The CloudEvents of the source's sample event, made of the views that a handler gets."""
    module = __import__(f"microlambda.runtime.events.{source}", fromlist=["x"])
    views = [
        kind for kind in vars(module).values() if isinstance(kind, type) and kind.__name__.endswith("Event")
    ]
    (view,) = [kind for kind in views if kind.__module__ == module.__name__]
    event: Any = view(builder(source)(**said))
    return event.to_cloudevents() if hasattr(event, "to_cloudevents") else [event.to_cloudevent()]


#: What the samples of some sources may say instead.
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((source, {}) for source in SOURCES),
    ("kafka", {"bootstrap_servers": ["kafka.example:9092"]}),
    ("mq", {"broker_kind": "rabbitmq"}),
    ("s3", {"through": "eventbridge"}),
    ("s3", {"event": "ObjectRemoved:Delete"}),
    ("schedule", {"scheduler": True}),
    ("schedule", {"input": {"full": True}}),
    ("sqs", {"queue": "orders.fifo"}),
    ("websocket", {"event_type": "MESSAGE"}),
    ("websocket", {"event_type": "DISCONNECT"}),
]


@pytest.mark.parametrize(
    ("source", "said"), [pytest.param(*one, id=f"{one[0]} {one[1] or ''}".strip()) for one in VARIANTS]
)
def test_the_sdk_reads_the_cloudevents_of_every_source(source: str, said: dict[str, Any]) -> None:
    documents = made(source, said)

    assert documents
    for document in documents:
        event = sdk_event(document)
        assert event.get_specversion() == "1.0"
        assert (event.get_id(), event.get_source()) == (document["id"], document["source"])
        assert event.get_time() is not None
        assert "data" not in document or event.get_datacontenttype() == document["datacontenttype"]
        assert event.get_subject() == document.get("subject")
        if source not in ("eventbridge", "schedule"):  # these are of whoever sent them
            assert event.get_type().startswith("com.amazonaws.")
        assert json.loads(JSONFormat().write(event)) == json.loads(json.dumps(document))


def test_each_record_is_one_cloudevent_of_its_own() -> None:
    event = SQSEvent(build("orders", ["a", "b", "c"]))

    documents = event.to_cloudevents()

    assert [document["data"] for document in documents] == ["a", "b", "c"]
    assert len({document["id"] for document in documents}) == 3
    with pytest.raises(ValueError, match="3 records"):
        event.to_cloudevent()
    assert SQSEvent(build("orders", ["a"])).to_cloudevent()["data"] == "a"


@pytest.mark.parametrize(
    ("body", "kind", "data"),
    [
        pytest.param({"id": 7}, "application/json", {"id": 7}, id="JSON"),
        pytest.param("hello", "text/plain", "hello", id="text"),
        pytest.param("[1, 2]", "application/json", [1, 2], id="a JSON list"),
        pytest.param("NaN", "text/plain", "NaN", id="what Python takes for JSON"),
        pytest.param("", "text/plain", "", id="nothing"),
    ],
)
def test_the_data_are_json_where_they_are_that(body: Any, kind: str, data: Any) -> None:
    document = SQSEvent(build("orders", [Message(body=body)])).to_cloudevent()

    assert (document["datacontenttype"], document["data"]) == (kind, data)


def test_bytes_that_are_no_text_are_base64() -> None:
    from microlambda import KinesisEvent
    from microlambda.emulator.events.kinesis import build as build_kinesis

    document = KinesisEvent(build_kinesis("clicks", [b"\xff\x00"])).to_cloudevent()

    assert document["data_base64"] == "/wA="
    assert sdk_event(document).get_data() == b"\xff\x00"


def test_a_handler_makes_them_of_what_it_gets(app: App) -> None:
    @app.on(lambda event: "jobId" in event)
    def handle(event: Any) -> Any:
        return event.to_cloudevent()

    document = app.test_client().invoke("handle", {"jobId": 7}).result

    assert sdk_event(document).get_data() == {"jobId": 7}
