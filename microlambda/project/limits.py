"""What AWS accepts, as far as settings can ask for it.

Sources: the Lambda quotas page (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html), the
API Gateway quotas (https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html) and the service
models that botocore ships.
"""

from __future__ import annotations

import sys

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
ARCHITECTURES = ("x86_64", "arm64")

MEMORY = (128, 10_240)  # MB
TIMEOUT = (1, 900)  # s
EPHEMERAL_STORAGE = (512, 10_240)  # MB
CONCURRENCY = (0, 100_000)  # at once; an account's own limit is mostly lower
UPLOAD_LIMIT = 50 * 1024 * 1024  # bytes, zipped, in a direct upload
ENVIRONMENT_BYTES = 4_096  # the variables as one JSON document
LAYERS = 5  # of a function, ours included

#: Of a role, where the account has no other quota; the characters are those of all its inline policies.
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
MANAGED_POLICIES = 10
INLINE_POLICY_CHARACTERS = 10_240  # without white space

#: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
SUBNETS = 16
SECURITY_GROUPS = 5

#: Whose snapshots SnapStart cannot take, and of how large a /tmp it can, in MB:
#: https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html
WITHOUT_SNAP_START = ("3.11",)
SNAP_START_STORAGE = 512

DEFAULT_MEMORY = 256  # MB
DEFAULT_TIMEOUT = 30  # s
DEFAULT_EPHEMERAL_STORAGE = 512  # MB
DEFAULT_LOG_RETENTION = 30  # days

#: The longest that each ingress waits for the function, in seconds; a function that runs longer answers
#: nobody.
INGRESS_TIMEOUTS = {"http-api": 30, "rest-api": 29, "function-url": 900}

#: Where a REST API is entered: in its region, or at the nearest edge of CloudFront.
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-endpoint-types.html
ENDPOINT_TYPES = ("regional", "edge")

#: Days, as `PutRetentionPolicy` of CloudWatch Logs lists them.
LOG_RETENTIONS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)

TAG_KEY_LENGTH = 128
TAG_VALUE_LENGTH = 256
TAGS = 50

#: Set by Lambda itself; `CreateFunction` refuses them. Other AWS_* names (AWS_XRAY_CONTEXT_MISSING) may be
#: set.
#: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
RESERVED_ENVIRONMENT = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_MAX_CONCURRENCY",
        "AWS_LAMBDA_METADATA_API",
        "AWS_LAMBDA_METADATA_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SECURITY_TOKEN",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)

#: Set by the deployer: what `microlambda.runtime.entry` reads, and what the functions of tasks are named by.
OUR_ENVIRONMENT = (
    "MICROLAMBDA_APP",
    "MICROLAMBDA_HANDLER",
    "MICROLAMBDA_SERVICE",
    "MICROLAMBDA_BASE_PATH",
)


def default_python(local: tuple[int, int] = sys.version_info[:2]) -> str:
    """Choose the newest Python that Lambda has and that is not above the local interpreter."""
    usable = [version for version in PYTHONS if tuple(map(int, version.split("."))) <= local]
    return usable[-1] if usable else PYTHONS[0]


def default_timeout(function: str, ingress: str) -> int:
    """Give the timeout of a function that asks for none; `http` stays within its ingress's limit."""
    return min(DEFAULT_TIMEOUT, INGRESS_TIMEOUTS[ingress]) if function == "http" else DEFAULT_TIMEOUT
