"""What boto3 raises, as the user reads it."""

from __future__ import annotations

import pytest
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from microlambda.deploy import errors
from microlambda.deploy.explain import explain, redact


def refused(code: str, message: str = "no", operation: str = "CreateRole") -> boto.ClientError:
    return boto.ClientError({"Error": {"Code": code, "Message": message}}, operation)


USER = "User: arn:aws:iam::1:user/x is not authorized to perform: "
TABLE = [
    pytest.param(boto.NoCredentialsError(), errors.NoCredentials, "no AWS credentials were found", id="none"),
    pytest.param(
        boto.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
        errors.NoCredentials,
        "AWS_SECRET_ACCESS_KEY",
        id="partial",
    ),
    pytest.param(boto.NoRegionError(), errors.NoRegion, "Give --region", id="region"),
    pytest.param(boto.ProfileNotFound(profile="x"), errors.ProfileNotFound, "x", id="profile"),
    pytest.param(refused("ExpiredToken"), errors.CredentialsRefused, "have expired", id="expired"),
    pytest.param(refused("ExpiredTokenException"), errors.CredentialsRefused, "have expired", id="expired-2"),
    pytest.param(
        boto.UnauthorizedSSOTokenError(), errors.CredentialsRefused, "Run: aws sso login", id="expired-sso"
    ),
    pytest.param(
        refused("InvalidClientTokenId"),
        errors.CredentialsRefused,
        "AWS does not know these cre",
        id="unknown",
    ),
    pytest.param(
        refused("AccessDenied", f"{USER}iam:CreateRole on resource: arn:aws:iam::1:role/r because no"),
        errors.DeployFailed,
        "creating the role 'r' needs iam:CreateRole on arn:aws:iam::1:role/r, which this identity lacks.",
        id="denied",
    ),
    pytest.param(
        refused("AccessDeniedException", "denied"),
        errors.DeployFailed,
        "creating the role 'r' needs CreateRole, which this identity lacks.",
        id="denied-without-words",
    ),
    pytest.param(
        refused("AccessDeniedException", "Cross-account pass role is not allowed."),
        errors.DeployFailed,
        "which this identity lacks. AWS says: Cross-account pass role is not allowed.",
        id="denied-for-another-reason",
    ),
    pytest.param(
        boto.EndpointConnectionError(endpoint_url="https://sts.example/"),
        errors.AwsUnreachable,
        "https://sts.example/",
        id="endpoint",
    ),
    pytest.param(
        boto.ConnectTimeoutError(endpoint_url="https://sts.example/"),
        errors.AwsUnreachable,
        "sts",
        id="timeout",
    ),
    pytest.param(
        ResponseParserError("Unable to parse response:\n<html>"),
        errors.AwsUnreachable,
        "what answered is not AWS: Unable to parse response: <html>",
        id="not-aws",
    ),
    pytest.param(
        refused("InvalidSignatureException", "Signature expired: 20261120T140000Z is now earlier than"),
        errors.CredentialsRefused,
        "creating the role 'r' reached AWS with a signature that was no longer valid. Set this mach",
        id="late",
    ),
    pytest.param(
        boto.ConfigParseError(path="/x/config", error="bad"),
        errors.InvalidAwsConfig,
        "/x/config",
        id="config",
    ),
    pytest.param(
        boto.InvalidConfigError(error_msg="no source_profile 'y'"),
        errors.InvalidAwsConfig,
        "'y'",
        id="source",
    ),
    pytest.param(
        boto.InvalidRegionError(region_name="x/y"), errors.InvalidRegion, "x/y", id="invalid-region"
    ),
    pytest.param(
        refused("LimitExceeded", "too many roles"),
        errors.DeployFailed,
        "creating the role 'r' failed: CreateRole answered LimitExceeded: too many roles",
        id="other",
    ),
    pytest.param(
        boto.ParamValidationError(report="bad"),
        errors.DeployFailed,
        "creating the role 'r' failed",
        id="params",
    ),
]


@pytest.mark.parametrize(("exc", "kind", "text"), TABLE)
def test_each_error_is_one_of_ours_with_its_remedy(exc: Exception, kind: type, text: str) -> None:
    told = explain(exc, "creating the role 'r'")

    assert type(told) is kind
    assert text in str(told)
    assert "\n" not in str(told)


def test_progress_and_what_to_do_next_are_told() -> None:
    told = explain(refused("LimitExceeded"), "creating the role 'r'", progress="3 of 7 changes were applied.")

    assert str(told).endswith("3 of 7 changes were applied. Run the same command again once it is mended.")


def test_credentials_that_expire_half_way_are_told_with_the_progress() -> None:
    told = explain(refused("ExpiredToken"), "x", progress="3 of 7 changes were applied.")

    assert str(told) == (
        "the AWS credentials have expired. Sign in again (`aws sso login`), then run the same command again. "
        "3 of 7 changes were applied."
    )


JSON_FORMS = [
    pytest.param('say "no"\n', r'{"T":"say \"no\"\n"}', id="quotes"),
    pytest.param("gehe\u00efm", r'{"T":"gehe\u00efm"}', id="escaped"),
    pytest.param("gehe\u00efm\\", '{"T":"gehe\u00efm\\\\"}', id="not-escaped"),
]


@pytest.mark.parametrize(("secret", "text"), JSON_FORMS)
def test_secrets_are_taken_out_where_they_stand_as_json(secret: str, text: str) -> None:
    assert redact(text, [secret]) == '{"T":"***"}'


def test_what_aws_measured_is_cut_off_whole() -> None:
    text = 'your environment variables exceeded the 4KB limit. String measured: {"T":"a",\n"U":"b"}'

    assert redact(text, []) == "your environment variables exceeded the 4KB limit. String measured: ***"


def test_only_the_words_of_aws_are_searched_for_secrets() -> None:
    told = explain(refused("X", "a b"), "creating b", progress="1 of 2 changes were applied.", secrets=["b"])

    assert str(told).startswith("creating b failed: CreateRole answered X: a ***. 1 of 2 changes")


def test_secrets_are_taken_out_the_longest_first() -> None:
    assert redact("token abcdef and abcd, x", ["abcd", "abcdef", ""]) == "token *** and ***, x"
