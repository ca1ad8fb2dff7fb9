"""What topics, buckets and rules hand to functions: if their policies allow it, asynchronously."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from microlambda.emulator.cloud import moto_queues
from microlambda.emulator.cloud.moto_adapter import ACCOUNT
from microlambda.emulator.cloud.triggers.destinations import Parcel
from microlambda.emulator.cloud.triggers.input_transformer import written_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microlambda.emulator.cloud.moto_bus import Rule
    from microlambda.emulator.cloud.triggers.asynchronous import Asynchronous
    from microlambda.emulator.cloud.triggers.caller import Caller
    from microlambda.emulator.cloud.triggers.destinations import Destinations

_SNS, _S3, _EVENTBRIDGE = "sns.amazonaws.com", "s3.amazonaws.com", "events.amazonaws.com"
_LOGS = "logs.amazonaws.com"


class Deliveries:
    """Called within the sender's request, so that each of these only looks and queues."""

    def __init__(self, caller: Caller, asynchronous: Asynchronous, destinations: Destinations) -> None:
        self._caller = caller
        self._asynchronous = asynchronous
        self._destinations = destinations

    def notify(
        self, function_arn: str, topic_arn: str, event: dict[str, Any], dead_letter: str | None
    ) -> None:
        """Deliver a notification of SNS; one that cannot be goes to the subscription's dead-letter queue.

        https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
        """
        lost = self._call(function_arn, json.dumps(event), _SNS, topic_arn)
        if lost is not None and dead_letter is not None:
            document = _as_for_queues(event["Records"][0]["Sns"])
            self._destinations.send_later(Parcel(to=dead_letter, document=document, about=function_arn))

    def tell_of_object(self, function_arn: str, bucket_arn: str, event: dict[str, Any]) -> None:
        """Deliver a notification of S3."""
        self._call(function_arn, json.dumps(event), _S3, bucket_arn)

    def send_lines(self, function_arn: str, group_arn: str, event: dict[str, Any]) -> None:
        """Deliver lines of a log group."""
        self._call(function_arn, json.dumps(event), _LOGS, f"{group_arn}:*")

    def may_send_lines(self, function_arn: str, group_arn: str) -> bool:
        """Whether CloudWatch Logs may call a function, which it looks at when it is told to."""
        return self._may_call(function_arn, _LOGS, f"{group_arn}:*")

    def match(self, rule: Rule, target: Mapping[str, Any], event: dict[str, Any]) -> bool:
        """Deliver what a rule has matched, or is due; False for targets of other kinds than ours."""
        arn = target["Arn"]
        service = arn.split(":")[2]
        if service not in ("lambda", "sqs"):
            return False
        text = written_for(target, event, rule_arn=rule.arn, rule_name=rule.name)
        if service == "sqs":
            moto_queues.send(arn, text, (target.get("SqsParameters") or {}).get("MessageGroupId"))
        elif not _is_json(text):
            self._caller.explain(f"what the rule {rule.name} makes for {arn} is no JSON: {text}")
        elif code := self._call(arn, text, _EVENTBRIDGE, rule.arn):
            self._lose(rule, target, text, code)
        return True

    def _call(self, function_arn: str, event: str, principal: str, source_arn: str) -> str | None:
        """Queue an event for a function; where it cannot be called, say so in a word."""
        if self._caller.function(function_arn) is None:
            self._caller.explain_missing(function_arn)
            return "NO_RESOURCE"
        if not self._may_call(function_arn, principal, source_arn):
            return "NO_PERMISSIONS"
        self._asynchronous.submit(function_arn, event.encode())
        return None

    def _may_call(self, function_arn: str, principal: str, source_arn: str) -> bool:
        return self._caller.may_call(
            function_arn, principal=principal, source_arn=source_arn, account=ACCOUNT
        )

    def _lose(self, rule: Rule, target: Mapping[str, Any], text: str, code: str) -> None:
        """Send what could not be delivered to the target's dead-letter queue, if it has one."""
        if queue := (target.get("DeadLetterConfig") or {}).get("Arn"):
            attributes = {
                "RULE_ARN": ("String", rule.arn),
                "TARGET_ARN": ("String", target["Arn"]),
                "ERROR_CODE": ("String", code),
            }
            parcel = Parcel(to=queue, document=text, about=target["Arn"], attributes=attributes)
            self._destinations.send_later(parcel)


def _as_for_queues(sns: Mapping[str, Any]) -> dict[str, Any]:
    """Write a notification as SNS does for queues: without what is empty, and with URL in capitals."""
    return {name.replace("Url", "URL"): value for name, value in sns.items() if value not in (None, {})}


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
