"""What moto keeps of asynchronous invocations: a configuration and a dead-letter queue.

moto has one configuration for all of a function's qualifiers, which holds here for each of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from microlambda.emulator.cloud.deployed import FunctionName, FunctionNotFound
from microlambda.emulator.cloud.moto_adapter import ACCOUNT, function_arn

#: What Lambda does unless told otherwise.
#: https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html
RETRIES, MAXIMUM_AGE = 2, 21_600


@dataclass(frozen=True, kw_only=True)
class InvokeConfig:
    """How often and how long (s) an event is tried, and where what came of it goes."""

    retries: int = RETRIES
    maximum_age: float = MAXIMUM_AGE
    on_failure: str | None = None
    on_success: str | None = None
    dead_letter: str | None = None


def invoke_config(arn: str) -> InvokeConfig:
    """Look up what was configured for a function, version or alias, given by its ARN."""
    region, name = arn.split(":")[3], FunctionName.parse(arn)
    asked = _asked(region, name)
    destinations = asked.get("DestinationConfig") or {}
    return InvokeConfig(
        retries=_or(asked.get("MaximumRetryAttempts"), RETRIES),
        maximum_age=_or(asked.get("MaximumEventAgeInSeconds"), MAXIMUM_AGE),
        on_failure=(destinations.get("OnFailure") or {}).get("Destination") or None,
        on_success=(destinations.get("OnSuccess") or {}).get("Destination") or None,
        dead_letter=_dead_letter(region, name),
    )


def _or(value: int | None, default: int) -> int:
    return default if value is None else int(value)


def _asked(region: str, name: FunctionName) -> dict[str, Any]:
    configs = _function(region, FunctionName(name=name.name, qualifier=None)).event_invoke_config
    found: dict[str, Any] = configs[0].response() if configs else {}
    return found


def _dead_letter(region: str, name: FunctionName) -> str | None:
    asked = getattr(_function(region, name), "asked", {})
    return (asked.get("DeadLetterConfig") or {}).get("TargetArn") or None


def _function(region: str, name: FunctionName) -> Any:
    from moto.awslambda.exceptions import UnknownAliasException, UnknownFunctionException
    from moto.awslambda.models import lambda_backends

    try:
        return lambda_backends[ACCOUNT][region].get_function(name.name, name.qualifier)
    except (UnknownFunctionException, UnknownAliasException) as exc:
        raise FunctionNotFound(function_arn(region, name)) from exc
