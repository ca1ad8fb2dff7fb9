"""What fails only because AWS has not heard everywhere yet of what was made a moment ago.

IAM is eventually consistent: a role that exists is refused for some seconds. These errors, and no others, are
tried again; any other InvalidParameterValue fails at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Seconds before each new try; together about a minute, which IAM needs at worst.
DELAYS = (1, 1, 2, 3, 5, 8, 10, 15, 15)


@dataclass(frozen=True, kw_only=True)
class Transient:
    """A call, and the parts of its error, code or message, by which it says "not yet"."""

    operation: str
    says: tuple[str, ...]
    source: str


TRANSIENT: tuple[Transient, ...] = (
    Transient(
        operation="PutRolePolicy",
        says=("NoSuchEntity", "The role with name"),
        source="https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html",
    ),
    Transient(
        operation="AttachRolePolicy",
        says=("NoSuchEntity", "The role with name"),
        source="https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html",
    ),
    Transient(
        operation="DeleteRole",
        says=("DeleteConflict",),
        source="https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html",
    ),
    Transient(
        operation="CreateFunction",
        says=("cannot be assumed by Lambda",),
        source="https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-deployment.html",
    ),
    Transient(
        operation="UpdateFunctionConfiguration",
        says=("cannot be assumed by Lambda",),
        source="https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-deployment.html",
    ),
    Transient(
        operation="CreateFunction",
        says=("KMS key is invalid for CreateGrant", "does not refer to a valid principal"),
        source="https://github.com/hashicorp/terraform-provider-aws/issues/4633",
    ),
    Transient(
        operation="UpdateFunctionConfiguration",
        says=("KMS key is invalid for CreateGrant", "does not refer to a valid principal"),
        source="https://github.com/hashicorp/terraform-provider-aws/issues/4633",
    ),
    Transient(
        operation="CreateFunction",
        says=("does not have permissions to call CreateNetworkInterface",),
        source="https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-networking.html",
    ),
    Transient(
        operation="UpdateFunctionConfiguration",
        says=("does not have permissions to call CreateNetworkInterface",),
        source="https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-networking.html",
    ),
    *(
        Transient(
            operation=operation,
            says=("throttled by EC2",),  # several functions at a time go into a VPC
            source="https://github.com/hashicorp/terraform-provider-aws/pull/3062",
        )
        for operation in ("CreateFunction", "UpdateFunctionConfiguration")
    ),
    *(
        Transient(
            operation=operation,
            says=("execution role does not have permissions to call",),
            source="https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html",
        )
        for operation in ("CreateFunction", "UpdateFunctionConfiguration", "PutFunctionEventInvokeConfig")
    ),
    *(
        Transient(
            operation=operation,
            says=("does not have permissions to call", what),
            source="https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html",
        )
        for operation in ("CreateEventSourceMapping", "UpdateEventSourceMapping")
        for what in ("SendMessage", "Publish", "PutObject", "ListBucket")
    ),
    Transient(
        operation="CreateEventSourceMapping",
        says=("does not have permissions to call ReceiveMessage",),
        source="https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html",
    ),
    Transient(
        operation="CreateEventSourceMapping",
        says=("Cannot access stream",),
        source="https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-create.html",
    ),
    Transient(
        operation="PutBucketNotificationConfiguration",
        says=("Unable to validate the following destination configurations",),
        source="https://repost.aws/knowledge-center/unable-validate-destination-s3",
    ),
    Transient(
        operation="CreateSchedule",
        says=("to assume the role",),
        source="https://docs.aws.amazon.com/scheduler/latest/UserGuide/troubleshooting.html",
    ),
    Transient(
        operation="UpdateSchedule",
        says=("to assume the role",),
        source="https://docs.aws.amazon.com/scheduler/latest/UserGuide/troubleshooting.html",
    ),
    *(
        Transient(
            operation=operation,
            says=("TooManyRequestsException",),  # one in 30 seconds is all that an account may
            source="https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html",
        )
        for operation in ("CreateRestApi", "DeleteRestApi")
    ),
    *(
        Transient(
            operation=operation,
            says=("TooManyRequestsException",),  # one in 20 seconds is all that an account may
            source="https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html",
        )
        for operation in ("CreateUsagePlan", "UpdateUsagePlan", "DeleteUsagePlan")
    ),
    Transient(
        operation="DeleteUsagePlan",
        says=("there are API Stages associated with it",),  # they were, a moment ago
        source="https://github.com/serverless/serverless/issues/4006",
    ),
    Transient(
        operation="PutSubscriptionFilter",
        says=("Could not execute the lambda function",),
        source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html",
    ),
    Transient(
        operation="Invoke",
        says=("TooManyRequestsException",),
        source="https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html",
    ),
    Transient(
        operation="Invoke",
        says=("ResourceConflictException",),
        source="https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html",
    ),
    Transient(
        operation="Invoke",
        says=("KMSAccessDenied",),
        source="https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html",
    ),
)


def is_transient(exc: ClientError) -> bool:
    """Tell whether the same call may succeed in a moment."""
    error = exc.response.get("Error", {})
    told = f"{error.get('Code', '')}: {error.get('Message', '')}"
    return any(
        one.operation == exc.operation_name and all(part in told for part in one.says) for one in TRANSIENT
    )


def is_contended(error: Mapping[str, str]) -> bool:
    """Tell whether API Gateway refused a call because another change of the same API is under way.

    Any of its calls may be: https://github.com/hashicorp/terraform-provider-aws/issues/18018.
    """
    return error.get("Code") == "ConflictException" and "try again later" in error.get("Message", "")


def patiently(sleep: Callable[[float], None], call: Callable[..., Any], **arguments: Any) -> Any:
    """Make a call, and again after each of `DELAYS` while it fails with an error of the table."""
    for delay in DELAYS:
        try:
            return call(**arguments)
        except ClientError as exc:
            if not is_transient(exc):
                raise
        sleep(delay)
    return call(**arguments)
