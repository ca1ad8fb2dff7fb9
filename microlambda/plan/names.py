"""How things are called on AWS: `{app}-{stage}-{handler}`, made to fit by the rule of `runtime/naming.py`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from microlambda.plan.errors import PlanError
from microlambda.runtime import naming
from microlambda.runtime.naming import NAME_LIMIT, aws_name

if TYPE_CHECKING:
    from collections.abc import Iterable

#: What a tag's value may hold: https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html
TAG_VALUE = re.compile(r"[\w .:/=+\-@]{1,128}")

#: How many characters of an app's name are taken: AWS's names are cut far before it.
APP_LIMIT = 128

STATEMENT_LIMIT = 100
LAYER_LIMIT = 140
API_LIMIT = 128
# https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-authorizers.html
AUTHORIZER_LIMIT = 128
# "Stage name only allows a-zA-Z0-9_" is what AWS answers to others, whatever its reference says of hyphens:
# https://github.com/Miserlou/Zappa/issues/356, https://github.com/serverless/serverless/issues/4737
_NOT_OF_STAGES = re.compile(r"[^A-Za-z0-9_]")
_STAGE_LIMIT = 128  # https://docs.aws.amazon.com/apigateway/latest/api/API_CreateStage.html


def service_name(app: str, stage: str) -> str:
    """Give what the names of all functions of the stage are made of."""
    return f"{app}-{stage}"


def function_name(app: str, stage: str, handler: str) -> str:
    """Name the function of a handler."""
    return naming.function_name(service_name(app, stage), handler)


def function_prefix(app: str, stage: str) -> str:
    """Give what the names of all functions of the stage start with (and some names of others, perhaps)."""
    return _prefix(app, stage, NAME_LIMIT)


def layer_name(app: str, stage: str, archive: str) -> str:
    """Name the layer that an archive of the stage is published as."""
    return aws_name(f"{app}-{stage}-{archive}", LAYER_LIMIT)


def layer_prefix(app: str, stage: str) -> str:
    """Give what the names of all layers of the stage start with (and some names of others, perhaps)."""
    return _prefix(app, stage, LAYER_LIMIT)


def role_name(app: str, stage: str, handler: str, region: str) -> str:
    """Name the role of a handler's function. IAM is global, so it ends in the region, whatever is cut."""
    return f"{aws_name(f'{app}-{stage}-{handler}', NAME_LIMIT - len(region) - 1)}-{region}"


def in_region(role: str, region: str) -> bool:
    """Tell by a role's name whether it belongs to a function of this region."""
    return role.endswith(f"-{region}")


def role_path(app: str, stage: str) -> str:
    """Give the IAM path that all roles of the stage are under."""
    return f"/microlambda/{aws_name(app)}/{aws_name(stage)}/"


def log_group_name(function: str) -> str:
    """Name the log group that Lambda writes the function's lines to."""
    return f"/aws/lambda/{function}"


def api_name(app: str, stage: str) -> str:
    """Name the stage's API."""
    return aws_name(f"{app}-{stage}", API_LIMIT)


def authorizer_name(handler: str) -> str:
    """Name the authorizer that asks a handler; the API that it is in has no other of that name."""
    return aws_name(handler, AUTHORIZER_LIMIT)


def api_key_name(app: str, stage: str, key: str) -> str:
    """Name an API key of the stage."""
    return aws_name(f"{app}-{stage}-{key}", API_LIMIT)


def rest_stage_name(stage: str) -> str:
    """Name the stage of a REST API: `pre-prod` is `pre_prod`. None meet: each stage has an API of its own."""
    return _NOT_OF_STAGES.sub("_", stage)[:_STAGE_LIMIT]


def statement_id(text: str) -> str:
    """Name a statement of a function's resource policy."""
    return aws_name(text, STATEMENT_LIMIT)


def lock_name(app: str, stage: str) -> str:
    """Name the SSM parameter that a running deploy of the stage holds."""
    return f"{role_path(app, stage)}lock"


def check_distinct(app: str, stage: str, handlers: Iterable[str]) -> None:
    """Raise `PlanError` where two handlers have one name on AWS."""
    taken: dict[str, str] = {}
    for handler in handlers:
        name = function_name(app, stage, handler)
        if name in taken:
            raise PlanError(
                f"the handlers {taken[name]!r} and {handler!r} are both called {name!r} on AWS. "
                f"Give one of them another name: name=..."
            )
        taken[name] = handler


def _prefix(app: str, stage: str, limit: int) -> str:
    """Give what survives in all names of the stage, those included that are cut to `limit`."""
    return naming.OTHER.sub("-", f"{app}-{stage}-")[: limit - naming.DIGITS - 1]
