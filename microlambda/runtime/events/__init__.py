"""Which source sent an event; the classes of its views stand beside this file, one file a source."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: `Records[0].eventSource` -> source. SNS writes its key with a capital E.
_BY_RECORD = {
    "aws:s3": "s3",
    "aws:sqs": "sqs",
    "aws:sns": "sns",
    "aws:dynamodb": "dynamodb",
    "aws:kinesis": "kinesis",
    "aws:ses": "email",
}

#: `eventSource` of the event itself -> source.
_BY_EVENT = {
    "aws:kafka": "kafka",
    "aws:SelfManagedKafka": "kafka",
    "aws:amq": "mq",
    "aws:rmq": "mq",
    "aws:docdb": "documentdb",
    "aws:iot": "iot",  # set by the statement of our own rules: what a device sends has no shape of its own
}


def source_of(event: Any) -> str | None:
    """The source's word by the event's shape alone ("sqs", "schedule"...); None for an unknown shape."""
    if type(event) is not dict:
        return None
    records = event.get("Records")
    if type(records) is list and records and type(records[0]) is dict:
        return _known(_BY_RECORD, records[0].get("eventSource") or records[0].get("EventSource"))
    if "eventSource" in event:
        return _known(_BY_EVENT, event["eventSource"])
    return _by_keys(event)


def _known(sources: dict[str, str], name: Any) -> str | None:
    return sources.get(name) if type(name) is str else None


def _by_keys(event: dict[str, Any]) -> str | None:  # noqa: PLR0911  # a table, a shape on each line
    if "source" in event and "detail-type" in event:
        return _on_a_bus(event)
    if event.get("source") == "aws.cloudwatch" and "alarmArn" in event:
        return "alarm"
    if type(event.get("awslogs")) is dict:
        return "logs"
    # Some events of Firehose lack its ARN; those of Kinesis Analytics have an application's.
    if "records" in event and event.keys() & _FIREHOSE and "applicationArn" not in event:
        return "firehose"
    if "triggerSource" in event and "userPoolId" in event:
        return "cognito"
    if event.get("Event") == "s3:TestEvent":
        return "s3"
    if event.get("type") in ("TOKEN", "REQUEST") and event.keys() & {"methodArn", "routeArn"}:
        return "authorizer"
    context = event.get("requestContext")
    if type(context) is dict and "connectionId" in context and "eventType" in context:
        return "websocket"
    ours = event.get("microlambda")
    return "task" if type(ours) is dict and "task" in ours else None


_FIREHOSE = {"deliveryStreamArn", "invocationId"}


def _on_a_bus(event: dict[str, Any]) -> str:
    if event["source"] == "aws.scheduler" or (
        event["source"] == "aws.events" and event["detail-type"] == "Scheduled Event"
    ):
        return "schedule"
    return "eventbridge"
