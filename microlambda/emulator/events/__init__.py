"""Events as the services of AWS send them, built from what happened; one file a source, each with a `build`.

Written from wire-format facts, without a look at the views in `runtime/events` that read them: a mistake
cannot pass by being shared. The keywords of `build` are the options of `microlambda event`, by their
annotations.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

#: Source -> the module beside this one that builds its events, and one line about it.
SOURCES = {
    "alarm": "A CloudWatch alarm that changed its state.",
    "cognito": "A moment in the flows of a Cognito user pool.",
    "documentdb": "Changes in a DocumentDB collection.",
    "dynamodb": "A change in a DynamoDB table.",
    "email": "A mail that SES received.",
    "eventbridge": "An event on an EventBridge bus.",
    "firehose": "Records for a Firehose stream's transformation.",
    "iot": "A message of an MQTT topic.",
    "kafka": "Records of a Kafka topic, of MSK or of a cluster of your own.",
    "kinesis": "Records of a Kinesis stream.",
    "logs": "Lines of a CloudWatch log group.",
    "mq": "Messages of an ActiveMQ or RabbitMQ queue.",
    "s3": "An object that was put into a bucket or removed from it.",
    "schedule": "A schedule that is due.",
    "sns": "A notification of an SNS topic.",
    "sqs": "Messages of an SQS queue.",
    "websocket": "A connection, a message or an end of a WebSocket API.",
}


def builder(source: str) -> Callable[..., dict[str, Any]]:
    """The function that builds events of the source; KeyError for one that is unknown."""
    if source not in SOURCES:
        raise KeyError(source)
    build: Callable[..., dict[str, Any]] = import_module(f"{__name__}.{source}").build
    return build
