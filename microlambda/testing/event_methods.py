"""`client.sqs("orders", ["a message"])`: a test sends events as their sources do.

Each method builds the true event of its source, runs it through the app's dispatcher as Lambda would, and
answers an `EventResult`. An event that no handler is declared for raises `UnknownEvent`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from microlambda.emulator.events import builder
from microlambda.runtime.events.arns import is_arn, last_part
from microlambda.testing.invoking import handlers_of, invoke_handler, send_event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from microlambda import App
    from microlambda.testing.event_result import EventResult
    from microlambda.testing.gatekeeper import Gatekeeper
    from microlambda.testing.signing import Signer
    from microlambda.testing.websocket_session import WebSocketSession


_NOTHING = object()


class EventMethods:
    """The part of the test client that is no HTTP.

    Further options of each method are the keywords of its builder, `build` in the source's module in
    `microlambda.emulator.events`: `time`, and what else the service says of itself.
    """

    app: App
    raise_errors: bool
    #: The open WebSocket connections, by their ids.
    connections: dict[str, WebSocketSession]
    #: Who lets callers in, and what signs requests.
    gatekeeper: Gatekeeper
    signer: Signer | None

    def send_event(self, event: dict[str, Any]) -> EventResult:
        """Send an event as it is; the app finds the handler that it is for."""
        return send_event(self.app, event, raise_errors=self.raise_errors)

    def invoke(self, name: str, event: Any = _NOTHING) -> EventResult:
        """Call the function of that name with any event, {} if none is given.

        `ConfigurationError` lists the names that exist.
        """
        given = {} if event is _NOTHING else event
        return invoke_handler(self.app, name, given, raise_errors=self.raise_errors)

    def _send(self, of: str, /, **options: Any) -> EventResult:
        for name in ("messages", "records", "lines", "recipients"):
            if name in options:
                _check_several(of, name, options[name])
        return self.send_event(builder(of)(**options))

    def _declared(self, source: str, word: str, name: str) -> str:
        """The ARN by which a handler declares what the test calls by its name; else the name."""
        found = [getattr(handler.trigger, word, None) for handler in handlers_of(self.app, source)]
        arns = {one for one in found if isinstance(one, str) and is_arn(one) and last_part(one) == name}
        return arns.pop() if len(arns) == 1 else name

    def _from_declared(self, source: str, told: dict[str, Any], words: dict[str, str], options: Any) -> None:
        """Add to the options what the only handler of that source and name declares beside it.

        `told` are the attributes of its trigger that the test names, `words` the others and their options.
        """
        triggers = [handler.trigger for handler in handlers_of(self.app, source)]
        meant = [one for one in triggers if all(getattr(one, key) == value for key, value in told.items())]
        if len(meant) == 1:
            for word, option in words.items():
                value = getattr(meant[0], word, None)
                if value:
                    options.setdefault(option, value)

    def s3(self, bucket: str, key: str, body: Any = b"", **options: Any) -> EventResult:
        """An object was put into a bucket; `event="ObjectRemoved:Delete"` for other things that happen to it.

        Where the app's handler of the bucket listens through EventBridge, the event comes that way.
        """
        if "through" not in options:
            triggers: list[Any] = [handler.trigger for handler in handlers_of(self.app, "s3")]
            ways = {trigger.through for trigger in triggers if trigger.bucket.rpartition(":")[2] == bucket}
            options["through"] = ways.pop() if len(ways) == 1 else "notifications"
        return self._send("s3", bucket=bucket, key=key, body=body, **options)

    def sqs(self, queue: str, messages: Sequence[Any], **options: Any) -> EventResult:
        """Messages of a queue, in one batch: bodies (JSON unless str), or `microlambda.testing.Message`s."""
        queue = self._declared("sqs", "queue", queue)
        return self._send("sqs", queue=queue, messages=messages, **options)

    def sns(self, topic: str, message: Any, **options: Any) -> EventResult:
        """A notification (JSON unless str) of a topic; `subject=` and `attributes=` go with it."""
        topic = self._declared("sns", "topic", topic)
        return self._send("sns", topic=topic, message=message, **options)

    def dynamodb(
        self,
        table: str,
        new_image: Mapping[str, Any] | None = None,
        old_image: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> EventResult:
        """A change of an item, in plain values: inserted without an old image, removed without a new one."""
        return self._send("dynamodb", table=table, new_image=new_image, old_image=old_image, **options)

    def kinesis(self, stream: str, records: Sequence[Any], **options: Any) -> EventResult:
        """Records of a stream, in one batch: data (JSON unless str or bytes)."""
        stream = self._declared("kinesis", "stream", stream)
        return self._send("kinesis", stream=stream, records=records, **options)

    def kafka(self, topic: str, messages: Sequence[Any], **options: Any) -> EventResult:
        """Records of a topic, in one batch: values (JSON unless str or bytes)."""
        words = {"cluster": "cluster", "bootstrap_servers": "bootstrap_servers"}
        self._from_declared("kafka", {"topic": topic}, words, options)
        return self._send("kafka", topic=topic, messages=messages, **options)

    def mq(self, queue: str, messages: Sequence[Any], **options: Any) -> EventResult:
        """Messages of a broker's queue, in one batch: data (JSON unless str or bytes)."""
        self._from_declared("mq", {"queue": queue}, {"broker": "broker"}, options)
        return self._send("mq", queue=queue, messages=messages, **options)

    def documentdb(self, database: str, collection: str, document: Any, **options: Any) -> EventResult:
        """A change of a document; `operation="insert"` unless said otherwise."""
        self._from_declared("documentdb", {"database": database}, {"cluster": "cluster"}, options)
        return self._send(
            "documentdb", database=database, collection=collection, document=document, **options
        )

    def eventbridge(self, source: str, detail_type: str, detail: Any = None, **options: Any) -> EventResult:
        """An event on a bus."""
        detail = {} if detail is None else detail
        return self._send("eventbridge", source=source, detail_type=detail_type, detail=detail, **options)

    def schedule(self, name: str, at: datetime | None = None, **options: Any) -> EventResult:
        """The schedule of the handler `name` is due, at a moment or now, with its declared `input`."""
        for handler in handlers_of(self.app, "schedule"):
            if handler.name == name:
                trigger: Any = handler.trigger
                options = {"input": trigger.input, "scheduler": trigger.needs_scheduler, **options}
        return self._send("schedule", name=name, handler=name, time=at, **options)

    def logs(self, log_group: str, lines: Sequence[Any], **options: Any) -> EventResult:
        """Lines of a log group."""
        return self._send("logs", log_group=log_group, lines=lines, **options)

    def alarm(self, alarm: str, **options: Any) -> EventResult:
        """An alarm changed its state, `state="ALARM"` unless said otherwise."""
        return self._send("alarm", alarm=alarm, **options)

    def email(self, sender: str, recipients: Sequence[str], subject: str = "", **options: Any) -> EventResult:
        """A mail that SES received."""
        return self._send("email", sender=sender, recipients=recipients, subject=subject, **options)

    def cognito(self, trigger: str, **options: Any) -> EventResult:
        """A moment of a user pool's flows: "PreSignUp", "PostConfirmation"..."""
        self._from_declared("cognito", {}, {"user_pool": "user_pool"}, options)
        return self._send("cognito", trigger=trigger, **options)

    def iot(self, topic: str, payload: Any, **options: Any) -> EventResult:
        """A message (JSON unless str or bytes) of an MQTT topic."""
        return self._send("iot", topic=topic, payload=payload, **options)

    def firehose(self, stream: str, records: Sequence[Any], **options: Any) -> EventResult:
        """Records for a Firehose stream's transformation: data (JSON unless str or bytes)."""
        stream = self._declared("firehose", "stream", stream)
        return self._send("firehose", stream=stream, records=records, **options)

    def websocket(self, **options: Any) -> WebSocketSession:
        """A WebSocket client, connected: `with client.websocket() as socket: socket.send(...)`.

        `headers` and `query` are the handshake's. `WebSocketRefused` where the app does not let it in.
        """
        from microlambda.testing.websocket_session import WebSocketSession

        return WebSocketSession(self, **options)


def _check_several(source: str, name: str, value: Any) -> None:
    """Refuse one where several are due: a str is a sequence, too, of its letters."""
    if isinstance(value, str | bytes | dict):
        raise TypeError(f"{source}({name}={value!r}): write a list, of one if need be.")
    if not value and source != "firehose":
        raise ValueError(f"{source}({name}={value!r}): AWS calls no function without anything in the batch.")
