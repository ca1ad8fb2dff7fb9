"""An HTTP API before the function of all routes: one `$default` route, and the permission to call.

Protected views have routes of their own beside it, and the authorizers come with the API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from microlambda.plan import names
from microlambda.plan.authorizers import authorizers, guards, permissions
from microlambda.plan.protected import explicit_routes
from microlambda.plan.records import HttpApi, Permission, Record, Ref
from microlambda.runtime.naming import LIVE

if TYPE_CHECKING:
    from microlambda import App
    from microlambda.plan.wiring import Target
    from microlambda.project.settings import Settings


def plan_http_api(target: Target, app: App, settings: Settings) -> list[Record]:
    """Plan the API, which is found by its tags, and what lets it call the alias."""
    del settings
    asked = authorizers(app, HttpApi.kind)
    return [
        HttpApi(
            key=target.key,
            name=names.api_name(target.scope.app, target.scope.stage),
            target=target.alias,
            route="$default",
            guarded=explicit_routes(app, guards(app, HttpApi.kind)),
            authorizers=asked,
            stage="$default",
            payload="2.0",
            tags=target.tags,
        ),
        Permission(
            key=target.key,
            name=names.statement_id("microlambda-http-api"),
            alias=target.alias,
            function_name=target.function_name,
            alias_name=LIVE,
            action="lambda:InvokeFunction",
            principal="apigateway.amazonaws.com",
            source=Ref(kind=HttpApi.kind, key=target.key, attribute="source_arn"),
        ),
        *permissions(target, asked, HttpApi.kind),
    ]
