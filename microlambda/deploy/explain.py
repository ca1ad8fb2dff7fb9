"""What boto3 raises, said as one of our errors: what was refused, of whom, and what to do."""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from microlambda.deploy.errors import (
    AwsUnreachable,
    CredentialsRefused,
    DeployFailed,
    InvalidAwsConfig,
    InvalidRegion,
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

#: How services say that the caller may not do this.
DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedException"}
)
#: How services say that there is no such thing.
NOT_FOUND = frozenset({"NoSuchEntity", "NotFoundException", "ResourceNotFoundException"})
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

# How AWS refuses a call that the region does not have: https://github.com/zappa/Zappa/issues/1425
_NOT_HERE = "Unable to determine service/operation name"

# What Lambda's refusal of a too large environment goes on with: all of it, as JSON.
_MEASURED = re.compile(r"String measured:.*", re.DOTALL)

_ACTION = re.compile(r"perform: (?P<action>[\w-]+:\w+)(?: on resource: (?P<resource>\S+?))?(?:[\s,.]|$)")


def explain(exc: Exception, doing: str = "", *, progress: str = "", secrets: Iterable[str] = ()) -> ToolError:
    """Turn an error of boto3 into ours.

    `doing` is what was being done ("creating the function 'x'"), `progress` how much of it is in place
    ("3 of 7 changes were applied."), `secrets` what AWS's own words are printed without.
    """
    if isinstance(exc, boto.ClientError):
        message = redact(str(exc.response.get("Error", {}).get("Message", "")), secrets)
        return _explain_answer(exc, message, doing, progress)
    words = redact(" ".join(str(exc).split()), secrets)
    for kinds, error, text in _BY_TYPE:
        if isinstance(exc, kinds):
            return error(" ".join(filter(None, [text.format(exc=words.rstrip(".")), progress])))
    return DeployFailed(" ".join(filter(None, [f"{doing or 'a call to AWS'} failed: {words}", progress])))


@contextlib.contextmanager
def explained(doing: str) -> Iterator[None]:
    """Raise whatever boto3 raises inside the block as one of our errors."""
    try:
        yield
    except AWS_ERRORS as exc:
        raise explain(exc, doing) from exc


def redact(text: str, secrets: Iterable[str]) -> str:
    """Take the values of environment variables, plain or as JSON, out of a text that AWS or boto3 wrote."""
    forms = {form for secret in secrets for form in _forms(secret)} - {""}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, "***")
    return _MEASURED.sub("String measured: ***", text)


def error_code(exc: boto.ClientError) -> str:
    """Give AWS's name of the error."""
    return str(exc.response.get("Error", {}).get("Code", "Unknown"))


def is_missing_here(exc: boto.ClientError) -> bool:
    """Tell whether the region has no such call at all."""
    return error_code(exc) in DENIED and _NOT_HERE in str(exc.response["Error"].get("Message", ""))


def _forms(secret: str) -> tuple[str, ...]:
    return secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]


def _explain_answer(exc: boto.ClientError, message: str, doing: str, progress: str) -> ToolError:
    code = error_code(exc)
    doing = doing or f"the call {exc.operation_name}"
    if "Signature expired" in message:
        return CredentialsRefused(
            _joined(
                f"{doing} reached AWS with a signature that was no longer valid. Set this machine's clock; "
                "if it is right, the upload took longer than the five minutes that a signature lasts: upload "
                "less, or from a faster line",
                progress,
            )
        )
    if code in _EXPIRED:
        return CredentialsRefused(
            _joined("the AWS credentials have expired. Sign in again (`aws sso login`), then", progress)
        )
    if code in _REFUSED:
        return CredentialsRefused(
            f"AWS does not know these credentials ({code}). Check AWS_ACCESS_KEY_ID or the profile, and the "
            "clock."
        )
    if is_missing_here(exc):
        there = f"{doing} needs {exc.operation_name}, which AWS does not have in this region."
        return DeployFailed(" ".join(filter(None, [there, progress, "Choose another, or plan without it."])))
    if code in DENIED:
        return DeployFailed(
            _joined(_denied(exc.operation_name, message, doing), progress, "the permission exists")
        )
    return DeployFailed(
        _joined(f"{doing} failed: {exc.operation_name} answered {code}: {message.strip()}", progress)
    )


def _denied(operation: str, message: str, doing: str) -> str:
    found = _ACTION.search(message)
    if found is None:  # then it need not be for want of a permission of the caller's
        words = f" AWS says: {message.strip().rstrip('.')}." if message.strip() else ""
        return f"{doing} needs {operation}, which this identity lacks.{words}"
    resource = f" on {found['resource']}" if found["resource"] else ""
    return f"{doing} needs {found['action']}{resource}, which this identity lacks."


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
    ((boto.InvalidRegionError,), InvalidRegion, "{exc}. Give another: --region eu-west-1"),
    (
        (boto.ConfigParseError, boto.ConfigNotFound, boto.InvalidConfigError),
        InvalidAwsConfig,
        "the AWS configuration cannot be used: {exc}. Mend the file, or the profile in it.",
    ),
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
