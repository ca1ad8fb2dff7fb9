"""`@app.on_s3_event`: notifications of a bucket that exists, or a rule for what it sends to EventBridge.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from microlambda.plan.records import Arn, BucketNotifications, Rule
from microlambda.plan.rules import DEFAULT_BUS, allow, trigger_name
from microlambda.plan.wiring import Wiring, allow_calls

if TYPE_CHECKING:
    from microlambda.plan.wiring import Target
    from microlambda.runtime.triggers.s3 import S3Trigger

S3 = "s3.amazonaws.com"


def plan_bucket(trigger: S3Trigger, target: Target) -> Wiring:
    """Plan how a bucket tells of its objects, and before it the permission to call the handler."""
    if trigger.is_on_bus:
        rule = _rule(trigger, target)
        return Wiring(records=(allow(rule, target), _told(trigger, target), rule))
    permission = allow_calls(
        target,
        S3,
        statement=f"bucket-{trigger.bucket_name}",
        source=Arn(service="s3", resource=trigger.bucket_name, is_placeless=True),
        of_account=True,  # a bucket's name may be another's tomorrow
    )
    return Wiring(records=(permission, _told(trigger, target)))


def _told(trigger: S3Trigger, target: Target) -> BucketNotifications:
    return BucketNotifications(
        key=target.key,
        name=trigger.bucket_name,
        function_name=target.function_name,
        target=target.alias,
        notifications=tuple(trigger.configurations),
        on_bus=trigger.is_on_bus,
    )


def _rule(trigger: S3Trigger, target: Target) -> Rule:
    return Rule(
        key=target.key,
        name=trigger_name(target, 1),
        bus=DEFAULT_BUS,
        pattern=trigger.event_pattern,
        target=target.alias,
        tags=target.tags,
    )
