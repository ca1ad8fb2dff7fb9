"""What becomes of asynchronous invocations that fail: how often and how long they are tried, where they go.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from microlambda.plan.records import InvokeConfig
from microlambda.plan.wiring import Wiring

if TYPE_CHECKING:
    from collections.abc import Iterable

    from microlambda.plan.wiring import Target
    from microlambda.runtime.triggers.asynchronous import AsyncOptions

#: What Lambda does with the role of a function where it sends something to a service.
#: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
_SENDING = {
    "sqs": ("sqs:SendMessage",),
    "sns": ("sns:Publish",),
    "lambda": ("lambda:InvokeFunction",),
    "events": ("events:PutEvents",),
}


def plan_failures(options: AsyncOptions | None, target: Target) -> Wiring:
    """Plan what a decorator says of failing invocations; nothing where it leaves them to AWS."""
    if not options:
        return Wiring()
    places = [one for one in (options.dead_letter_queue, options.on_failure) if one is not None]
    policies = {"microlambda-failures": sending(places)} if places else {}
    asked = (options.retries, options.maximum_age, options.on_failure)
    if asked == (None, None, None):
        return Wiring(policies=policies)
    record = InvokeConfig(
        key=target.key,
        name=target.function_name,
        alias=target.alias,
        retries=options.retries,
        maximum_age=options.maximum_age,
        on_failure=options.on_failure,
    )
    return Wiring(records=(record,), policies=policies)


def sending(places: Iterable[str]) -> dict[str, Any]:
    """Allow sending to these, given by their ARNs, and to nothing else."""
    return {
        "Version": "2012-10-17",
        "Statement": [one for place in dict.fromkeys(places) for one in _statements(place)],
    }


def _statements(place: str) -> list[dict[str, Any]]:
    service = place.split(":")[2]
    if service == "s3":
        return [
            {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": place},
            {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": f"{place}/*"},
        ]
    return [{"Effect": "Allow", "Action": list(_SENDING[service]), "Resource": place}]
