"""What Lambda does with asynchronous invocations of the alias `live` that fail.

What is not planned is AWS's own: two more tries, six hours, nowhere. The call that puts it replaces all.
https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from microlambda.deploy.kinds.base import Attributes, Job, KindDeployer, Known, difference
from microlambda.deploy.observed import Seen
from microlambda.plan.compile import LIVE
from microlambda.plan.records import InvokeConfig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope


class InvokeConfigDeployer(KindDeployer[InvokeConfig]):
    """Configurations of asynchronous invocations."""

    kind = InvokeConfig.kind

    def observe(
        self, aws: Aws, scope: Scope, planned: Sequence[InvokeConfig], functions: Sequence[str]
    ) -> list[Seen]:
        """Look at the alias of each of our functions."""
        del scope, planned
        return [one for one in aws.each(lambda name: _observe(aws, name), functions) if one is not None]

    def compare(self, record: InvokeConfig, seen: Seen, known: Known) -> list[str]:
        """Compare tries, age and destination."""
        del known
        return [
            *difference("retries", seen.state["retries"], record.retries),
            *difference("maximum age", seen.state["maximum_age"], record.maximum_age, " s"),
            *difference("on failure", seen.state["on_failure"], record.on_failure),
        ]

    def create(self, job: Job, record: InvokeConfig) -> Attributes:
        """Put it; a role that has just been allowed to send there is waited for."""
        job.call(
            job.aws.client("lambda").put_function_event_invoke_config,
            FunctionName=record.name,
            Qualifier=LIVE,
            **_arguments(record),
        )
        return {}

    def update(self, job: Job, record: InvokeConfig, seen: Seen, reasons: Sequence[str]) -> Attributes:
        """Put it anew."""
        del seen, reasons
        return self.create(job, record)

    def remove(self, job: Job, seen: Seen) -> None:
        """Leave it to AWS again."""
        client = job.aws.client("lambda")
        try:
            client.delete_function_event_invoke_config(FunctionName=seen.name, Qualifier=LIVE)
        except client.exceptions.ResourceNotFoundException:
            return


def _observe(aws: Aws, function: str) -> Seen | None:
    client = aws.client("lambda")
    try:
        answer = client.get_function_event_invoke_config(FunctionName=function, Qualifier=LIVE)
    except client.exceptions.ResourceNotFoundException:
        return None
    return Seen(
        kind=InvokeConfig.kind,
        address=function,
        name=function,
        state=_read(answer),
    )


def _read(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "retries": answer.get("MaximumRetryAttempts"),
        "maximum_age": answer.get("MaximumEventAgeInSeconds"),
        "on_failure": answer.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"),
    }


def _arguments(record: InvokeConfig) -> dict[str, Any]:
    asked = {
        "MaximumRetryAttempts": record.retries,
        "MaximumEventAgeInSeconds": record.maximum_age,
        "DestinationConfig": {"OnFailure": {"Destination": record.on_failure}} if record.on_failure else None,
    }
    return {name: value for name, value in asked.items() if value is not None}
