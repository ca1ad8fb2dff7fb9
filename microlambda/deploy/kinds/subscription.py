"""Subscriptions of our aliases to topics of SNS; they take no tags, so their endpoint tells whose they are.

They are looked for at the topics that the plan names, and at those that the resource policies of our
functions name. Topics themselves are never made: others publish to them.
https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from microlambda.deploy.errors import DeployFailed
from microlambda.deploy.kinds.base import Attributes, Job, KindDeployer, Known, difference
from microlambda.deploy.kinds.callers import callers
from microlambda.deploy.kinds.function import live_arn
from microlambda.deploy.observed import Seen
from microlambda.plan.records import Subscription
from microlambda.plan.topics import SNS
from microlambda.runtime.events.arns import is_arn, last_part

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope

POLICY = "filter policy"

_BODY = "MessageBody"
# What takes a policy away: https://docs.aws.amazon.com/sns/latest/dg/remove-filter-policy.html
_NO_POLICY = "{}"


class SubscriptionDeployer(KindDeployer[Subscription]):
    """SNS's subscriptions of Lambda functions."""

    kind = Subscription.kind

    def observe(
        self, aws: Aws, scope: Scope, planned: Sequence[Subscription], functions: Sequence[str]
    ) -> list[Seen]:
        """List what calls one of our aliases, of every topic that may."""
        wanted = {(_topic_arn(aws, one), live_arn(aws, one.function_name)): one for one in planned}
        handlers = {topic: one for (topic, _alias), one in wanted.items()}
        aliases = {live_arn(aws, name) for name in functions} | {alias for _topic, alias in wanted}
        topics = sorted({*handlers, *callers(aws, scope, functions, SNS)})
        listed = aws.each(lambda topic: _list(aws, topic, handlers.get(topic)), topics)
        ours = [one for some in listed for one in some if one["Endpoint"] in aliases]

        def look(one: Mapping[str, Any]) -> Seen | None:
            return _seen(aws, one, wanted.get((one["TopicArn"], one["Endpoint"])))

        return [one for one in aws.each(look, ours) if one is not None]

    def compare(self, record: Subscription, seen: Seen, known: Known) -> list[str]:
        """Compare what it lets pass; whom it calls cannot differ."""
        del known
        policy, scope = seen.state["policy"], seen.state["scope"]
        return [
            *([] if policy == record.filter_policy else [POLICY]),
            *(
                difference("filter scope", scope, record.filter_scope)
                if policy and record.filter_policy
                else []
            ),
        ]

    def create(self, job: Job, record: Subscription) -> Attributes:
        """Subscribe the alias."""
        attributes = {}
        if record.filter_policy is not None:
            attributes = {
                "FilterPolicyScope": record.filter_scope,
                "FilterPolicy": _text(record.filter_policy),
            }
        answer = job.aws.client("sns").subscribe(
            TopicArn=job.resolve(record.topic),
            Protocol="lambda",
            Endpoint=job.value(record.target),
            Attributes=attributes,
            ReturnSubscriptionArn=True,
        )
        return {"arn": answer["SubscriptionArn"]}

    def update(self, job: Job, record: Subscription, seen: Seen, reasons: Sequence[str]) -> Attributes:
        """Set the policy, and its scope in an order in which both are right at every moment.

        A nested policy is one of bodies alone: their scope comes before it, that of attributes after it. A
        subscription without a policy may forget its scope, so it is told again.
        https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/sns/topic_subscription.go
        """
        if record.filter_policy is None:
            _set(job, seen, "FilterPolicy", _NO_POLICY)
            return seen.attributes
        is_new = not seen.state["policy"]
        other_scope = is_new or seen.state["scope"] != record.filter_scope
        if other_scope and record.filter_scope == _BODY:
            _set(job, seen, "FilterPolicyScope", _BODY)
        if POLICY in reasons:
            _set(job, seen, "FilterPolicy", _text(record.filter_policy))
        if other_scope and (is_new or record.filter_scope != _BODY):
            _set(job, seen, "FilterPolicyScope", record.filter_scope)
        return seen.attributes

    def remove(self, job: Job, seen: Seen) -> None:
        """Unsubscribe."""
        sns = job.aws.client("sns")
        with suppress(sns.exceptions.NotFoundException):
            sns.unsubscribe(SubscriptionArn=seen.attributes["arn"])


def _list(aws: Aws, topic: str, planned: Subscription | None) -> list[dict[str, Any]]:
    """List the subscriptions of functions to a topic; `planned` is one that is to be there."""
    sns = aws.client("sns")
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    try:
        found = [one for page in pages for one in page["Subscriptions"]]
    except sns.exceptions.NotFoundException as exc:
        if planned is None:
            return []
        raise DeployFailed(
            f"the topic {planned.declared!r} of the handler {planned.target.key!r} does not exist in "
            f"{aws.region}. Create it, or name another: topic=..."
        ) from exc
    return [one for one in found if one["Protocol"] == "lambda" and is_arn(one["SubscriptionArn"])]


def _seen(aws: Aws, one: Mapping[str, Any], record: Subscription | None) -> Seen | None:
    sns, arn = aws.client("sns"), one["SubscriptionArn"]
    try:
        attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    except sns.exceptions.NotFoundException:  # the list may name what has just gone
        return None
    return Seen(
        kind=Subscription.kind,
        address=arn if record is None else record.address,
        name=last_part(one["TopicArn"]),
        attributes={"arn": arn},
        state={
            "policy": json.loads(attributes.get("FilterPolicy") or _NO_POLICY) or None,
            "scope": attributes.get("FilterPolicyScope", "MessageAttributes"),
        },
    )


def _set(job: Job, seen: Seen, name: str, value: str) -> None:
    job.aws.client("sns").set_subscription_attributes(
        SubscriptionArn=seen.attributes["arn"], AttributeName=name, AttributeValue=value
    )


def _text(policy: Mapping[str, Any]) -> str:
    return json.dumps(policy, separators=(",", ":"), ensure_ascii=False)


def _topic_arn(aws: Aws, record: Subscription) -> str:
    return record.topic if isinstance(record.topic, str) else aws.arn("sns", record.topic.resource)
