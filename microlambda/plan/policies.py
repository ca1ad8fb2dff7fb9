"""The policy documents that every function needs."""

from __future__ import annotations

from typing import Any

from microlambda.plan.records import Arn

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
