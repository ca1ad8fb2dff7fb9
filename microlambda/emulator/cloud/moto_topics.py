"""moto's SNS: notifications for functions, as SNS writes them, handed to us instead of to moto's Lambda.

moto loses their attributes and ids, keeps to the scope that a filter policy had when it was set, and knows
not all that a policy may say.
"""

from __future__ import annotations

import copy
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from microlambda.emulator.events import sns
from microlambda.runtime.errors import RegistrationError
from microlambda.runtime.triggers.filter_policy import check_policy, passes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Deliver = Callable[[str, str, dict[str, Any], str | None], None]


@contextmanager
def telling_of_notifications(deliver: Deliver) -> Iterator[None]:
    """Call back for each subscription of a function that lets a notification pass.

    Told are function and topic (their ARNs), the event, and the subscription's dead-letter queue or None.
    """
    from moto.sns.models import SNSBackend, Subscription

    publish = Subscription.publish

    def published(
        subscription: Any,
        message: str,
        message_id: str,
        subject: str | None = None,
        message_attributes: dict[str, Any] | None = None,
        **named: Any,
    ) -> None:
        if not _passes(subscription, message, message_attributes):
            return
        if subscription.protocol != "lambda":
            passed = copy.copy(subscription)
            passed._filter_policy_matcher = None
            publish(passed, message, message_id, subject, message_attributes, **named)
            return
        if named.get("message_structure") == "json":
            message = subscription._parse_message_structure(message, "lambda")
        event = _event(subscription, message, message_id, subject, message_attributes)
        deliver(subscription.endpoint, subscription.topic.arn, event, _dead_letter(subscription))

    with (
        patch.object(Subscription, "publish", published),
        patch.object(SNSBackend, "_validate_filter_policy", _check),
    ):
        yield


def _check(_backend: Any, policy: Any, scope: str | None) -> None:
    """Refuse a policy that SNS refuses; an empty one lets everything pass."""
    from moto.sns.exceptions import SNSInvalidParameter

    if policy == {}:
        return
    try:
        check_policy("Subscribe", policy, may_nest=scope == "MessageBody")
    except RegistrationError as exc:
        raise SNSInvalidParameter(f"Invalid parameter: FilterPolicy: {exc}") from exc


def _dead_letter(subscription: Any) -> str | None:
    try:
        redrive = json.loads(subscription.attributes.get("RedrivePolicy") or "{}")
    except ValueError:
        return None
    return redrive.get("deadLetterTargetArn") or None


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
