"""API keys, and the usage plan that lets them call the stage of a REST API. AWS chooses their values.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from microlambda.plan import names
from microlambda.plan.errors import PlanError
from microlambda.plan.protected import protected_rules, shown
from microlambda.plan.records import ApiKey, Record, Ref, RestApi, UsagePlan
from microlambda.project.limits import TAGS

if TYPE_CHECKING:
    from microlambda import App
    from microlambda.plan.wiring import Target
    from microlambda.project.settings import Settings

#: The tag that says which of the settings' keys one is.
KEY_TAG = "microlambda:key"


def check_api_keys(app: App, settings: Settings) -> None:
    """Refuse views that ask for a key which nobody has, or nobody checks; and keys that no view asks for."""
    rules = [rule for rule in protected_rules(app) if rule.api_key_required]
    asking = f"the view of {shown(rules[0])} asks for an API key" if rules else ""
    if rules and settings.ingress != RestApi.kind:
        raise PlanError(
            f"{asking}, which the ingress {settings.ingress!r} cannot check. Write ingress = 'rest-api'."
        )
    if rules and not settings.api_keys:
        raise PlanError(
            f"{asking}, and the stage {settings.stage!r} has none, so nobody could call it. "
            "Write api_keys = ['a-caller']."
        )
    if settings.api_keys and not rules:
        raise PlanError(
            f"api_keys = {list(settings.api_keys)} are for views with api_key_required=True, and this App "
            f"has none. Remove the line for stage {settings.stage!r}."
        )


def plan_api_keys(target: Target, settings: Settings) -> list[Record]:
    """Plan a key for each name, and the usage plan that they are in."""
    if not settings.api_keys:
        return []
    scope = target.scope
    if len(target.tags) >= TAGS:
        raise PlanError(f"{len(target.tags)} tags leave no room for the one that tells API keys apart.")
    return [
        *(
            ApiKey(
                key=key,
                name=names.api_key_name(scope.app, scope.stage, key),
                tags={**target.tags, KEY_TAG: key},
            )
            for key in settings.api_keys
        ),
        UsagePlan(
            key=target.key,
            name=names.api_name(scope.app, scope.stage),
            api=Ref(kind=RestApi.kind, key=target.key, attribute="id"),
            stage=names.rest_stage_name(scope.stage),
            api_keys=tuple(Ref(kind=ApiKey.kind, key=key, attribute="id") for key in settings.api_keys),
            tags=target.tags,
        ),
    ]
