"""`@app.on_sns_message`: a subscription to a topic that exists, and the permission for the topic to call.

https://docs.aws.amazon.com/sns/latest/dg/lambda-console.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from microlambda.plan.records import Arn, Subscription
from microlambda.plan.wiring import Wiring, allow_calls, check_region
from microlambda.runtime.events.arns import is_arn, last_part

if TYPE_CHECKING:
    from microlambda.plan.wiring import Target
    from microlambda.runtime.triggers.sns import SnsTrigger

SNS = "sns.amazonaws.com"


def plan_topic(trigger: SnsTrigger, target: Target) -> Wiring:
    """Plan the subscription of a handler's alias, and before it the permission to call it."""
    check_region(target, "topic", trigger.topic)
    topic = topic_arn(trigger.topic)
    permission = allow_calls(target, SNS, statement=f"topic-{trigger.topic}", source=topic)
    subscription = Subscription(
        key=target.key,
        name=last_part(trigger.topic),
        topic=topic,
        declared=trigger.topic,
        function_name=target.function_name,
        target=target.alias,
        # as JSON has it; an empty one lets everything pass, as none does
        filter_policy=json.loads(json.dumps(trigger.filter_policy)) or None,
        filter_scope=trigger.filter_scope,
    )
    return Wiring(records=(permission, subscription))


def topic_arn(topic: str) -> Arn | str:
    """Give the ARN of a topic that is given by its name or ARN."""
    return topic if is_arn(topic) else Arn(service="sns", resource=topic)
