"""The environment variables of a function's process: none of them leads to the real AWS."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microlambda.emulator.sandbox import FunctionSpec

ACCESS_KEY = "test"
SECRET_KEY = "test"  # noqa: S105 - moto takes any; no real key has this form
SESSION_TOKEN = "test"  # noqa: S105 - as above

# What a Python process needs from its machine; everything else of the parent stays with the parent.
_MACHINE = ("TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_LOOPBACK = "127.0.0.1,localhost,::1"

# Of the process that we are in, where that is a Lambda function.
_OF_LAMBDA = ("_HANDLER", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR")

# What the SDKs read to find an endpoint or an account, and closed_to_aws does not set. Other AWS_* names stay
# in a stage's environment: AWS_XRAY_CONTEXT_MISSING, or an app's own such as AWS_STORAGE_BUCKET_NAME.
# https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html#EVarSettings
_STEERING = frozenset(
    {
        "AWS_BEARER_TOKEN_BEDROCK",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CREDENTIAL_EXPIRATION",
        "AWS_CREDENTIAL_FILE",
        "AWS_DATA_PATH",
        "AWS_DEFAULT_PROFILE",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
        "AWS_ENABLE_ENDPOINT_DISCOVERY",
        "AWS_ENDPOINT_DISCOVERY_ENABLED",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "AWS_PROFILE",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_SECURITY_TOKEN",
        "AWS_USE_DUALSTACK_ENDPOINT",
        "AWS_USE_FIPS_ENDPOINT",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "BOTO_CONFIG",
    }
)


def developer_environment(
    configured: Mapping[str, str],
    *,
    region: str,
    inherited: Mapping[str, str] | None = None,
    endpoint: str | None = None,
) -> dict[str, str]:
    """The environment of `microlambda local`'s child: the developer's without AWS_*, then the stage's."""
    own = os.environ if inherited is None else inherited
    kept = {name: value for name, value in own.items() if not _leads_to_aws(name)}
    return {**kept, **_without_steering(configured), **_closed(configured, kept, region, endpoint)}


def open_environment(
    configured: Mapping[str, str], *, region: str | None, inherited: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The environment of `microlambda local --aws`'s child: the developer's way to AWS, and the stage's."""
    own = os.environ if inherited is None else inherited
    kept = {name: value for name, value in own.items() if name not in _OF_LAMBDA}
    placed = {} if region is None else {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
    return {**kept, **configured, **placed}


def archive_environment(
    configured: Mapping[str, str], *, region: str, endpoint: str | None
) -> dict[str, str]:
    """The environment of a deployed archive's process: the function's variables, not the parent's."""
    machine = {name: os.environ[name] for name in _MACHINE if name in os.environ}
    lambdas = {
        "PATH": os.environ.get("PATH", "") if sys.platform == "win32" else "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8",
        "TZ": ":UTC",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",  # the code folder is read-only, as on Lambda
    }
    closed = _closed(configured, {}, region, endpoint)
    return {**machine, **lambdas, **_without_steering(configured), **closed}


def closed_to_aws(region: str, endpoint: str | None) -> dict[str, str]:
    """Keys that open nothing, a region, and no way to others: no configuration files, no metadata service.

    Without an `endpoint` there is no AWS for the process: its calls go to a port that nothing listens on.
    """
    return {
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_SESSION_TOKEN": SESSION_TOKEN,
        "AWS_ENDPOINT_URL": endpoint or "http://127.0.0.1:9",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def lambda_variables(spec: FunctionSpec, log_stream: str) -> dict[str, str]:
    """What Lambda itself puts into a function's environment.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
    """
    return {
        "AWS_LAMBDA_FUNCTION_NAME": spec.name,
        "AWS_LAMBDA_FUNCTION_VERSION": spec.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{spec.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{spec.python}",
        "LAMBDA_TASK_ROOT": str(spec.cwd),
        "_HANDLER": spec.handler,
    }


def _closed(
    configured: Mapping[str, str], inherited: Mapping[str, str], region: str, endpoint: str | None
) -> dict[str, str]:
    """What no configured variable overrides; proxies stay, but not on the way to this machine."""
    unproxied = next(
        (
            variables[name]
            for variables in (configured, inherited)
            for name in ("no_proxy", "NO_PROXY")  # the order of Python's urllib, and so of botocore
            if variables.get(name)
        ),
        "",
    )
    # "*" means every host only while it stands alone.
    hosts = "*" if unproxied.strip() == "*" else ",".join(filter(None, (unproxied, _LOOPBACK)))
    return {**closed_to_aws(region, endpoint), "NO_PROXY": hosts, "no_proxy": hosts}


def _without_steering(configured: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in configured.items() if not _steers_sdk(name.upper())}


def _steers_sdk(name: str) -> bool:
    return name in _STEERING or name.startswith("AWS_ENDPOINT_URL")


def _leads_to_aws(name: str) -> bool:
    return name.startswith("AWS_") or name in (*_OF_LAMBDA, "BOTO_CONFIG")
