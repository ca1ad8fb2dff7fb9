"""The policy documents that functions need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from microlambda.plan.records import Arn
from microlambda.runtime.naming import LIVE

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Lambda may run as the role.
TRUST: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


def own_logs(log_group: str) -> dict[str, Any]:
    """Allow writing to the function's own log group; creating one is the deployer's work."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": Arn(service="logs", resource=f"log-group:{log_group}:*"),
            }
        ],
    }


def invoke_tasks(functions: Iterable[str]) -> dict[str, Any]:
    """Allow calling these functions, by the alias that `.delay` names, and nothing else of theirs."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "lambda:InvokeFunction",
                "Resource": [Arn(service="lambda", resource=f"function:{name}:{LIVE}") for name in functions],
            }
        ],
    }
