"""moto's SNS: notifications for functions, as SNS writes them, handed to us instead of to moto's Lambda.

moto loses their attributes and ids, and keeps to the scope that a filter policy had when it was set.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from microlambda.emulator.events import sns
from microlambda.runtime.triggers.filter_policy import passes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Deliver = Callable[[str, str, dict[str, Any]], None]


@contextmanager
def telling_of_notifications(deliver: Deliver) -> Iterator[None]:
    """Call back with function, topic (their ARNs) and event, for each subscription that lets it pass."""
    from moto.sns.models import Subscription

    publish = Subscription.publish

    def published(
        subscription: Any,
        message: str,
        message_id: str,
        subject: str | None = None,
        message_attributes: dict[str, Any] | None = None,
        **named: Any,
    ) -> None:
        if subscription.protocol != "lambda":
            publish(subscription, message, message_id, subject, message_attributes, **named)
            return
        if not _passes(subscription, message, message_attributes):
            return
        if named.get("message_structure") == "json":
            message = subscription._parse_message_structure(message, "lambda")
        event = _event(subscription, message, message_id, subject, message_attributes)
        deliver(subscription.endpoint, subscription.topic.arn, event)

    with patch.object(Subscription, "publish", published):
        yield


def _passes(subscription: Any, message: str, attributes: dict[str, Any] | None) -> bool:
    policy = subscription._filter_policy
    if not policy:
        return True
    by_body = subscription.attributes.get("FilterPolicyScope") == "MessageBody"
    return passes(policy, {"Message": message, "MessageAttributes": attributes}, by_body=by_body)


def _event(
    subscription: Any, message: str, message_id: str, subject: str | None, attributes: dict[str, Any] | None
) -> dict[str, Any]:
    event = sns.build(subscription.topic.arn, message, subject=subject)
    record = event["Records"][0]
    ours, own = record["EventSubscriptionArn"], subscription.arn
    record["EventSubscriptionArn"] = own
    record["Sns"] |= {
        "MessageId": message_id,
        "UnsubscribeUrl": record["Sns"]["UnsubscribeUrl"].replace(ours, own),
        "MessageAttributes": {
            name: {"Type": one["Type"], "Value": one["Value"]} for name, one in (attributes or {}).items()
        },
    }
    return event
