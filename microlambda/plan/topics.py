"""`@app.on_sns_message`: a subscription to a topic that exists, and the permission for the topic to call.

https://docs.aws.amazon.com/sns/latest/dg/lambda-console.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from microlambda.plan.errors import PlanError
from microlambda.plan.names import statement_id
from microlambda.plan.records import Arn, Permission, Subscription
from microlambda.plan.wiring import Wiring
from microlambda.runtime.events.arns import is_arn, last_part
from microlambda.runtime.naming import LIVE

if TYPE_CHECKING:
    from microlambda.plan.wiring import Target
    from microlambda.runtime.triggers.sns import SnsTrigger

SNS = "sns.amazonaws.com"


def plan_topic(trigger: SnsTrigger, target: Target) -> Wiring:
    """Plan the subscription of a handler's alias, and before it the permission to call it."""
    _check_region(trigger.topic, target)
    topic = topic_arn(trigger.topic)
    permission = Permission(
        key=target.key,
        # another topic is another statement, so that the old one stays meanwhile
        name=statement_id(f"microlambda-topic-{trigger.topic}"),
        alias=target.alias,
        function_name=target.function_name,
        alias_name=LIVE,
        action="lambda:InvokeFunction",
        principal=SNS,
        source=topic,
    )
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


def _check_region(topic: str, target: Target) -> None:
    region = topic.split(":")[3] if is_arn(topic) else target.scope.region
    if region != target.scope.region:
        raise PlanError(
            f"the handler {target.key!r} listens to a topic in {region}, {topic!r}, and is deployed to "
            f"{target.scope.region}. Deploy it there, or name a topic that is here."
        )
