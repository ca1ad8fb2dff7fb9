"""URLs of functions' aliases: each alias has at most one, and it lives and goes with the function.

A URL has neither name nor tags. Ours are told by the permissions that they were made after, and go before.
Its address is AWS's choice, and another one once it was removed and made anew.
https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from microlambda.deploy.explain import is_missing_here
from microlambda.deploy.kinds.base import Attributes, Job, KindDeployer, Known, difference
from microlambda.deploy.kinds.permission import PermissionDeployer
from microlambda.deploy.observed import Seen
from microlambda.plan.compile import LIVE
from microlambda.plan.function_url import STATEMENTS
from microlambda.plan.records import FunctionUrl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Scope


class FunctionUrlDeployer(KindDeployer[FunctionUrl]):
    """Lambda Function URLs, on the alias `live`."""

    kind = FunctionUrl.kind

    def observe(
        self, aws: Aws, scope: Scope, planned: Sequence[FunctionUrl], functions: Sequence[str]
    ) -> list[Seen]:
        """Look at the alias of each of our functions; a URL of a function itself is its maker's.

        So is one of the alias, where none is planned and nothing says that it is ours.
        """
        wanted = {record.function_name for record in planned}
        seen = [one for one in aws.each(lambda name: _observe(aws, name), functions) if one is not None]
        unplanned = [one.name for one in seen if one.name not in wanted]
        statements = PermissionDeployer().observe(aws, scope, (), unplanned)
        wanted |= {one.state["function"] for one in statements if one.name.startswith(STATEMENTS)}
        return [one for one in seen if one.name in wanted]

    def compare(self, record: FunctionUrl, seen: Seen, known: Known) -> list[str]:
        """Compare who may call, how it answers, and that the app alone answers for other origins."""
        del known
        return [
            *difference("authorization", seen.state["auth_type"], record.auth_type),
            *difference("invoke mode", seen.state["invoke_mode"], record.invoke_mode),
            *(["CORS beside the app's"] if seen.state["cors"] else []),
        ]

    def create(self, job: Job, record: FunctionUrl) -> Attributes:
        """Make the URL; one that is there already, since an answer was lost, is made as planned."""
        client = job.aws.client("lambda")
        try:
            answer = client.create_function_url_config(**_wanted(record))
        except client.exceptions.ResourceConflictException:
            seen = _observe(job.aws, record.function_name)
            if seen is None:  # the function is at work on something else
                raise
            return self.update(job, record, seen, ())
        return _attributes(answer)

    def update(self, job: Job, record: FunctionUrl, seen: Seen, reasons: Sequence[str]) -> Attributes:
        """Write all of it; its address stays."""
        del seen, reasons
        # An empty Cors takes away what is there, as Terraform's provider does it.
        answer = job.aws.client("lambda").update_function_url_config(**_wanted(record), Cors={})
        return _attributes(answer)

    def remove(self, job: Job, seen: Seen) -> None:
        """Take the URL off the alias."""
        client = job.aws.client("lambda")
        try:
            client.delete_function_url_config(FunctionName=seen.name, Qualifier=LIVE)
        except client.exceptions.ResourceNotFoundException:
            return


def _observe(aws: Aws, function: str) -> Seen | None:
    client = aws.client("lambda")
    try:
        answer = client.get_function_url_config(FunctionName=function, Qualifier=LIVE)
    except client.exceptions.ResourceNotFoundException:
        return None
    except ClientError as exc:
        if is_missing_here(exc):  # not every region has URLs of functions
            return None
        raise
    return Seen(
        kind=FunctionUrl.kind,
        address=function,
        name=function,
        attributes=_attributes(answer),
        state={
            "auth_type": answer["AuthType"],
            "invoke_mode": answer.get("InvokeMode", "BUFFERED"),
            "cors": any(answer.get("Cors", {}).values()),
        },
    )


def _wanted(record: FunctionUrl) -> dict[str, Any]:
    return {
        "FunctionName": record.function_name,
        "Qualifier": LIVE,
        "AuthType": record.auth_type,
        "InvokeMode": record.invoke_mode,
    }


def _attributes(answer: Mapping[str, Any]) -> Attributes:
    url = answer["FunctionUrl"].rstrip("/")
    host = url.partition("://")[2]
    return {"id": host.partition(".lambda-url.")[0], "arn": answer["FunctionArn"], "url": url}
