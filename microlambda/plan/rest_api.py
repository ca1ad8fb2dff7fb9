"""A REST API before the function of all routes: two paths for everything, and the permission to call.

Protected views have resources of their own beside them; authorizers and API keys come with the API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from microlambda.plan import names
from microlambda.plan.api_keys import plan_api_keys
from microlambda.plan.authorizers import authorizers, guards, permissions
from microlambda.plan.gateway_answers import failure_fields
from microlambda.plan.protected import explicit_resources
from microlambda.plan.records import Permission, Record, Ref, RestApi
from microlambda.project.limits import ENDPOINT_TYPES, INGRESS_TIMEOUTS
from microlambda.runtime.naming import LIVE

if TYPE_CHECKING:
    from microlambda import App
    from microlambda.plan.wiring import Target
    from microlambda.project.settings import Settings
    from microlambda.runtime.http.cors import CORS

#: The gateway's own answers: every one that nobody has given anything falls back on one of these two.
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
ANSWERS = ("DEFAULT_4XX", "DEFAULT_5XX")

_HEADER = "gatewayresponse.header."


def plan_rest_api(target: Target, app: App, settings: Settings) -> list[Record]:
    """Plan the API, which is found by its tags, and what lets it call the alias."""
    asked = authorizers(app, RestApi.kind)
    return [
        RestApi(
            key=target.key,
            name=names.api_name(target.scope.app, target.scope.stage),
            target=target.alias,
            resources=explicit_resources(app, guards(app, RestApi.kind)),
            authorizers=asked,
            stage=names.rest_stage_name(target.scope.stage),
            endpoint_type=(settings.endpoint_type or ENDPOINT_TYPES[0]).upper(),
            binary_types=("*/*",),
            timeout=INGRESS_TIMEOUTS[RestApi.kind] * 1000,
            answers={} if app.cors is None else dict.fromkeys(ANSWERS, _parameters(app.cors)),
            tags=target.tags,
        ),
        *plan_api_keys(target, settings),
        Permission(
            key=target.key,
            name=names.statement_id("microlambda-rest-api"),
            alias=target.alias,
            function_name=target.function_name,
            alias_name=LIVE,
            action="lambda:InvokeFunction",
            principal="apigateway.amazonaws.com",
            source=Ref(kind=RestApi.kind, key=target.key, attribute="source_arn"),
        ),
        *permissions(target, asked, RestApi.kind),
    ]


def _parameters(cors: CORS | None) -> dict[str, str]:
    """Write header fields as a gateway response has them: static values stand in single quotes."""
    return {f"{_HEADER}{name}": f"'{value}'" for name, value in failure_fields(cors).items()}
