"""What boto3 raises, said as one of our errors: what was refused, of whom, and what to do."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from microlambda.deploy.errors import (
    AwsUnreachable,
    CredentialsRefused,
    DeployFailed,
    NoCredentials,
    NoRegion,
    ProfileNotFound,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from microlambda.project.errors import ToolError

#: Every error that a call to AWS may end in.
AWS_ERRORS = (boto.BotoCoreError, boto.ClientError, ResponseParserError)

_NO_CREDENTIALS = (
    "no AWS credentials were found. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws configure` "
    "or "
    "`aws sso login`, or give --profile NAME. `microlambda deploy --local` needs none."
)

_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedException"}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_REFUSED = {
    "AuthFailure",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}

_ACTION = re.compile(r"perform: (?P<action>[\w-]+:\w+)(?: on resource: (?P<resource>\S+?))?(?:[\s,.]|$)")


def explain(exc: Exception, doing: str = "", *, progress: str = "") -> ToolError:
    """Turn an error of boto3 into ours.

    `doing` is what was being done ("creating the function 'x'"), `progress` how much of it is in place
    ("3 of 7 changes were applied.").
    """
    for kinds, error, text in _BY_TYPE:
        if isinstance(exc, kinds):
            return error(" ".join(filter(None, [text.format(exc=_one_line(exc)), progress])))
    if isinstance(exc, boto.ClientError):
        return _explain_answer(exc, doing, progress)
    return DeployFailed(
        " ".join(filter(None, [f"{doing or 'a call to AWS'} failed: {_one_line(exc)}", progress]))
    )


@contextlib.contextmanager
def explained(doing: str) -> Iterator[None]:
    """Raise whatever boto3 raises inside the block as one of our errors."""
    try:
        yield
    except AWS_ERRORS as exc:
        raise explain(exc, doing) from exc


def redact(text: str, secrets: Iterable[str]) -> str:
    """Take the values of environment variables out of a text that AWS or boto3 wrote."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= 4:  # shorter ones hide nothing, and would hit half of the words
            text = text.replace(secret, "***")
    return text


def error_code(exc: boto.ClientError) -> str:
    """Give AWS's name of the error."""
    return str(exc.response.get("Error", {}).get("Code", "Unknown"))


def _explain_answer(exc: boto.ClientError, doing: str, progress: str) -> ToolError:
    code, message = error_code(exc), str(exc.response.get("Error", {}).get("Message", ""))
    doing = doing or f"the call {exc.operation_name}"
    if code in _EXPIRED:
        return CredentialsRefused(
            _joined("the AWS credentials have expired. Sign in again (`aws sso login`), then", progress)
        )
    if code in _REFUSED:
        return CredentialsRefused(
            f"AWS does not know these credentials ({code}). Check AWS_ACCESS_KEY_ID or the profile, and the "
            "clock."
        )
    if code in _DENIED:
        return DeployFailed(
            _joined(_denied(exc.operation_name, message, doing), progress, "the permission exists")
        )
    return DeployFailed(
        _joined(f"{doing} failed: {exc.operation_name} answered {code}: {message.strip()}", progress)
    )


def _denied(operation: str, message: str, doing: str) -> str:
    found = _ACTION.search(message)
    action = found["action"] if found else operation
    resource = f" on {found['resource']}" if found and found["resource"] else ""
    return f"{doing} needs {action}{resource}, which this identity lacks."


def _one_line(exc: Exception) -> str:
    return " ".join(str(exc).split())


def _joined(fact: str, progress: str, once: str = "") -> str:
    if fact.endswith("then"):
        return f"{fact} run the same command again.{' ' + progress if progress else ''}"
    fact = fact if fact.endswith(".") else f"{fact}."
    again = f"Run the same command again once {once or 'it is mended'}."
    return f"{fact} {progress} {again}" if progress else fact


_BY_TYPE: tuple[tuple[tuple[type[Exception], ...], type[ToolError], str], ...] = (
    ((boto.NoCredentialsError,), NoCredentials, _NO_CREDENTIALS),
    (
        (boto.PartialCredentialsError, boto.CredentialRetrievalError),
        NoCredentials,
        "the AWS credentials cannot be used: {exc}.",
    ),
    (
        (
            boto.SSOTokenLoadError,
            boto.UnauthorizedSSOTokenError,
            boto.TokenRetrievalError,
        ),
        CredentialsRefused,
        "the AWS sign-in has expired. Run: aws sso login",
    ),
    ((boto.NoRegionError,), NoRegion, "no region is known. Give --region, or set AWS_REGION."),
    ((boto.ProfileNotFound,), ProfileNotFound, "{exc}."),
    (
        (ResponseParserError,),
        AwsUnreachable,
        "what answered is not AWS: {exc}. Check a proxy, and AWS_ENDPOINT_URL.",
    ),
    (
        (boto.HTTPClientError, boto.ConnectionError, boto.EndpointConnectionError),
        AwsUnreachable,
        "AWS cannot be reached: {exc}. Check the network, a proxy, and AWS_ENDPOINT_URL.",
    ),
)
