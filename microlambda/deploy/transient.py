"""What fails only because AWS has not heard everywhere yet of what was made a moment ago.

IAM is eventually consistent: a role that exists is refused for some seconds. These messages, and no others,
are tried again; any other InvalidParameterValue fails at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds before each new try; together about a minute, which IAM needs at worst.
DELAYS = (1, 1, 2, 3, 5, 8, 10, 15, 15)


@dataclass(frozen=True, kw_only=True)
class Transient:
    """A call, and a part of the message by which it says "not yet"."""

    operation: str
    message: str
    source: str


TRANSIENT: tuple[Transient, ...] = (
    Transient(
        operation="CreateFunction",
        message="cannot be assumed by Lambda",
        source="https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-deployment.html",
    ),
    Transient(
        operation="UpdateFunctionConfiguration",
        message="cannot be assumed by Lambda",
        source="https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-deployment.html",
    ),
    Transient(
        operation="CreateFunction",
        message="does not have permissions to call CreateNetworkInterface",
        source="https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-networking.html",
    ),
    Transient(
        operation="UpdateFunctionConfiguration",
        message="does not have permissions to call CreateNetworkInterface",
        source="https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-networking.html",
    ),
    Transient(
        operation="CreateEventSourceMapping",
        message="does not have permissions to call ReceiveMessage",
        source="https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html",
    ),
    Transient(
        operation="CreateEventSourceMapping",
        message="Cannot access stream",
        source="https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-create.html",
    ),
    Transient(
        operation="PutBucketNotificationConfiguration",
        message="Unable to validate the following destination configurations",
        source="https://repost.aws/knowledge-center/unable-validate-destination-s3",
    ),
    Transient(
        operation="CreateSchedule",
        message="to assume the role",
        source="https://docs.aws.amazon.com/scheduler/latest/UserGuide/troubleshooting.html",
    ),
    Transient(
        operation="PutSubscriptionFilter",
        message="Could not execute the lambda function",
        source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html",
    ),
)


def is_transient(exc: ClientError) -> bool:
    """Tell whether the same call may succeed in a moment."""
    message = exc.response.get("Error", {}).get("Message", "")
    return any(one.operation == exc.operation_name and one.message in message for one in TRANSIENT)


def patiently(sleep: Callable[[float], None], call: Callable[..., Any], **arguments: Any) -> Any:
    """Make a call, and again after each of `DELAYS` while it fails with a message of the table."""
    for delay in DELAYS:
        try:
            return call(**arguments)
        except ClientError as exc:
            if not is_transient(exc):
                raise
        sleep(delay)
    return call(**arguments)
