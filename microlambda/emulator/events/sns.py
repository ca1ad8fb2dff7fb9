"""A notification as SNS delivers it to Lambda.

https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from microlambda.emulator.events.origin import ORIGIN, Origin, as_text, iso, moment, new_id


def build(
    topic: str = "news",
    message: Any = "Hello from SNS!",
    *,
    subject: str | None = None,
    attributes: Mapping[str, Any] | None = None,
    time: datetime | None = None,
    origin: Origin = ORIGIN,
) -> dict[str, Any]:
    """The event of one message of a topic (its name or ARN), which is JSON unless str.

    `attributes` are the sender's: str, numbers, bytes, or lists (`String.Array`).
    """
    arn = origin.arn("sns", topic)
    subscription = f"{arn}:{new_id()}"
    region = arn.split(":")[3]
    host = f"https://sns.{region}.amazonaws.com"
    return {
        "Records": [
            {
                "EventVersion": "1.0",
                "EventSubscriptionArn": subscription,
                "EventSource": "aws:sns",
                "Sns": {
                    "Type": "Notification",
                    "MessageId": new_id(),
                    "TopicArn": arn,
                    "Subject": subject,
                    "Message": as_text(message),
                    "Timestamp": iso(moment(time)),
                    "SignatureVersion": "1",
                    "Signature": "EXAMPLE==",
                    "SigningCertUrl": f"{host}/SimpleNotificationService-EXAMPLE.pem",
                    "UnsubscribeUrl": f"{host}/?Action=Unsubscribe&SubscriptionArn={subscription}",
                    "MessageAttributes": {
                        name: _attribute(value) for name, value in (attributes or {}).items()
                    },
                },
            }
        ]
    }


def _attribute(value: Any) -> dict[str, str]:
    if isinstance(value, bytes):
        return {"Type": "Binary", "Value": b64encode(value).decode()}
    if isinstance(value, list | tuple):
        return {"Type": "String.Array", "Value": json.dumps(value, ensure_ascii=False)}
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"Type": "Number", "Value": str(value)}
    return {"Type": "String", "Value": as_text(value)}
