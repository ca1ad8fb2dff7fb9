"""The policy documents that functions need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from microlambda.plan.records import Arn, Placed
from microlambda.runtime.naming import LIVE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Lambda may run as the role.
TRUST: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


#: X-Ray knows no narrower resource:
#: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
SEND_TRACES: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
            "Resource": "*",
        }
    ],
}


#: What Lambda does with the role of a function in a VPC, as AWSLambdaVPCAccessExecutionRole has it:
#: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSLambdaVPCAccessExecutionRole.html
MANAGE_INTERFACES: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "ec2:CreateNetworkInterface",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSubnets",
                "ec2:DeleteNetworkInterface",
                "ec2:AssignPrivateIpAddresses",
                "ec2:UnassignPrivateIpAddresses",
            ],
            "Resource": "*",
        }
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


def invoke_live(functions: Iterable[str]) -> dict[str, Any]:
    """Allow calling these functions by their alias `live`, as `.delay` and Scheduler do, and nothing else."""
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


def fetching(references: Iterable[tuple[str, str]]) -> dict[str, dict[str, Any]]:
    """Allow fetching what the environment refers to, "ssm" or "secret" and a name, and nothing else.

    A secret's ARN ends in six characters that AWS chooses. A key of one's own needs a permission of its own.
    """
    statements = [
        {
            "Effect": "Allow",
            "Action": "ssm:GetParameters" if kind == "ssm" else "secretsmanager:GetSecretValue",
            "Resource": _fetched_arn(kind, name),
        }
        for kind, name in references
    ]
    return {"microlambda-secrets": {"Version": "2012-10-17", "Statement": statements}} if statements else {}


def asked_for(statements: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Allow what tables of `policies` in the settings ask for."""
    written = [
        {
            "Effect": "Allow",
            "Action": list(one["actions"]),
            "Resource": _placed(one["resources"]),
            **({"Condition": _placed(one["conditions"])} if one.get("conditions") else {}),
        }
        for one in statements
    ]
    return {"microlambda-settings": {"Version": "2012-10-17", "Statement": written}} if written else {}


def _placed(value: Any) -> Any:
    if isinstance(value, str):
        return Placed(text=value)
    if isinstance(value, list):
        return [_placed(one) for one in value]
    return {name: _placed(one) for name, one in value.items()} if isinstance(value, dict) else value


def _fetched_arn(kind: str, name: str) -> Arn | str:
    if name.startswith("arn:"):
        return name
    if kind == "ssm":
        return Arn(service="ssm", resource=f"parameter/{name.removeprefix('/')}")
    return Arn(service="secretsmanager", resource=f"secret:{name}-??????")
