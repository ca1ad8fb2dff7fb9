"""`@app.on_sns_message`.

https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
"""

from __future__ import annotations

from ..events.arns import is_same, last_part, may_be_same
from ..events.sns import SNSEvent, SNSRecord
from .asynchronous import AsyncOptions
from .base import Trigger, checked_choice, refuse
from .names import checked_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_DECORATOR = "on_sns_message"
_ATTRIBUTES, _BODY = "MessageAttributes", "MessageBody"
_ARN_COLONS = 5


class SnsTrigger(Trigger):
    """A topic, by its name or ARN, and what the subscription lets pass: all without a `filter_policy`."""

    decorator = _DECORATOR
    source = "sns"
    event_class = SNSEvent
    record_class = SNSRecord

    def __init__(
        self, *, topic: str, filter_policy: Mapping[str, Any] | None, filter_scope: str, **options: Any
    ) -> None:
        self.topic = _checked_topic(topic)
        self.filter_scope = checked_choice(_DECORATOR, "filter_scope", filter_scope, (_ATTRIBUTES, _BODY))
        self.filter_policy = filter_policy
        self.asynchronous = AsyncOptions(_DECORATOR, **options)
        if filter_policy is not None:
            from .filter_policy import check_policy

            check_policy(_DECORATOR, filter_policy, may_nest=self.filter_scope == _BODY)

    def fits(self, event: dict[str, Any]) -> bool:
        """By the topic, and as SNS does by the filter policy."""
        sns = event["Records"][0]["Sns"]
        if not is_same(self.topic, sns["TopicArn"], last_part(sns["TopicArn"])):
            return False
        if self.filter_policy is None:
            return True
        from .filter_policy import passes

        return passes(self.filter_policy, sns, by_body=self.filter_scope == _BODY)

    def shared_with(self, other: SnsTrigger) -> str | None:
        """The same topic with the same policy: with another one it is another subscription."""
        if not may_be_same(self.topic, other.topic) or self._passing() != other._passing():
            return None
        which = "the notifications" if self.filter_policy is None else "the same notifications"
        return f"{which} of the topic {last_part(self.topic)!r}"

    def _passing(self) -> Any:
        """What passes: the same for two that pass the same."""
        if self.filter_policy is None:
            return None
        from .patterns import canonical

        return self.filter_scope, canonical(self.filter_policy)

    def declared(self) -> str:
        """With the topic and the policy."""
        from .mapping import described

        words = {"topic": self.topic, "filter_policy": self.filter_policy}
        if self.filter_policy is not None and self.filter_scope != _ATTRIBUTES:
            words["filter_scope"] = self.filter_scope
        return described(_DECORATOR, words)


def _checked_topic(topic: object) -> str:
    name = checked_name(
        _DECORATOR,
        "topic",
        topic,
        service="sns",
        pattern=r"[A-Za-z0-9_-]{1,256}(\.fifo)?",
        rule="a topic's name has up to 256 letters, digits, '-' and '_'.",
        example="news",
    )
    if name.startswith("arn:") and name.count(":") > _ARN_COLONS:
        why = f"that is a subscription's ARN. Write the topic's, {name.rpartition(':')[0]!r}."
        raise refuse(_DECORATOR, "topic", name, why)
    if name.endswith(".fifo"):
        # https://docs.aws.amazon.com/sns/latest/dg/fifo-message-delivery.html
        why = "SNS delivers FIFO topics to queues alone. Subscribe a queue, and use @app.on_sqs_message."
        raise refuse(_DECORATOR, "topic", name, why)
    return name
