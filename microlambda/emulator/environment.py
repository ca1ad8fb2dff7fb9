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

# What a Python process needs from its machine; everything else of the parent stays with the parent.
_MACHINE = ("TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_LOOPBACK = "127.0.0.1,localhost,::1"


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
    hosts = ",".join(filter(None, (kept.get("NO_PROXY") or kept.get("no_proxy"), _LOOPBACK)))
    return {**kept, **configured, **closed_to_aws(region, endpoint), "NO_PROXY": hosts, "no_proxy": hosts}


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
    closed = {**closed_to_aws(region, endpoint), "NO_PROXY": _LOOPBACK, "no_proxy": _LOOPBACK}
    return {**machine, **lambdas, **configured, **closed}


def closed_to_aws(region: str, endpoint: str | None) -> dict[str, str]:
    """Keys that open nothing, a region, and no way to others: no configuration files, no metadata service.

    Without an `endpoint` there is no AWS for the process: its calls go to a port that nothing listens on.
    """
    return {
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_SESSION_TOKEN": "test",
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


def _leads_to_aws(name: str) -> bool:
    return name.startswith("AWS_") or name in (
        "_HANDLER",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
        "BOTO_CONFIG",
    )
