"""Who decides about the callers of an API's routes, in the words of the API that asks.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-control-access-to-api.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control.html
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from microlambda.plan import names
from microlambda.plan.errors import PlanError
from microlambda.plan.function_url import IAM
from microlambda.plan.protected import protected_rules, shown
from microlambda.plan.records import (
    Alias,
    Authorizer,
    FunctionUrl,
    Guard,
    HttpApi,
    Permission,
    Record,
    Ref,
    RestApi,
)
from microlambda.runtime.auth import authorizer_of
from microlambda.runtime.auth.authorizers import (
    CognitoUserPoolAuthorizer,
    CustomAuthorizer,
    FunctionAuthorizer,
    IAMAuthorizer,
    JWTAuthorizer,
)
from microlambda.runtime.errors import ConfigurationError
from microlambda.runtime.naming import LIVE

if TYPE_CHECKING:
    from microlambda import App
    from microlambda.plan.wiring import Target
    from microlambda.project.settings import Settings
    from microlambda.runtime.auth.authorizers import Authorizer as Declared
    from microlambda.runtime.routing.rule import Rule

#: An identity source in our words -> in those of the API, by its kind.
_SOURCES: dict[str, dict[str, str]] = {
    HttpApi.kind: {
        "header": "$request.header.",
        "query": "$request.querystring.",
        "context": "$context.",
        "stage": "$stageVariables.",
    },
    RestApi.kind: {
        "header": "method.request.header.",
        "query": "method.request.querystring.",
        "context": "context.",
        "stage": "stageVariables.",
    },
}


def check_authorizers(app: App, settings: Settings) -> None:
    """Refuse what the stage's ingress cannot ask, naming the view and the ingresses that can."""
    for rule in protected_rules(app):
        if rule.authorizer is None:
            continue
        found = _declared(app, rule)
        if settings.ingress not in found.ingresses:
            able = " or ".join(f"'{one}'" for one in found.ingresses)
            raise PlanError(
                f"the view of {shown(rule)} has the authorizer {found.declared()}, which the ingress "
                f"{settings.ingress!r} cannot ask. Write ingress = {able}, or give it another authorizer."
            )
        if found.scopes and not isinstance(found, JWTAuthorizer | CognitoUserPoolAuthorizer):
            # https://github.com/aws/serverless-application-model/issues/3325
            raise PlanError(
                f"the view of {shown(rule)} has scopes for {found.declared()}, and API Gateway finds them "
                "in tokens alone that it checks itself. Leave with_scopes() out, and let the authorizer look."
            )
    if settings.ingress == FunctionUrl.kind:
        _check_url(app)


def _declared(app: App, rule: Rule) -> Declared:
    try:
        return authorizer_of(app, rule.authorizer)
    except ConfigurationError as exc:
        raise PlanError(f"the view of {shown(rule)} has an authorizer that is none: {exc}") from exc


def _check_url(app: App) -> None:
    """A URL asks everybody for a signature, or nobody."""
    rules = list(app.route_table)
    opened = [rule for rule in rules if not rule.is_protected]
    if opened and len(opened) < len(rules):
        guarded = next(rule for rule in rules if rule.is_protected)
        raise PlanError(
            f"the view of {shown(guarded)} asks for a signature of AWS's, and that of {shown(opened[0])} "
            "does not: a Function URL asks at all of them or at none. Write ingress = 'http-api' or "
            "'rest-api'."
        )


def guards(app: App, ingress: str) -> dict[Rule, Guard]:
    """Give what the methods of each protected rule ask for."""
    return {rule: _guard(app, rule, ingress) for rule in protected_rules(app)}


def _guard(app: App, rule: Rule, ingress: str) -> Guard:
    if rule.authorizer is None:
        return Guard(api_key=rule.api_key_required)
    found = _declared(app, rule)
    if isinstance(found, IAMAuthorizer):
        return Guard(api_key=rule.api_key_required, authorization=IAM)
    made = _authorizer(found, ingress)
    return Guard(
        api_key=rule.api_key_required,
        authorization=made.type if made.type in ("JWT", "COGNITO_USER_POOLS") else "CUSTOM",
        authorizer=made.name,
        scopes=found.scopes,
    )


def authorizers(app: App, ingress: str) -> tuple[Authorizer, ...]:
    """List what the API asks, each once, by name."""
    made: dict[str, Authorizer] = {}
    for rule in protected_rules(app):
        found = None if rule.authorizer is None else _declared(app, rule)
        if found is None or isinstance(found, IAMAuthorizer):
            continue
        one = _authorizer(found, ingress)
        if made.setdefault(one.name, one) != one:
            raise PlanError(f"two authorizers are called {one.name!r}. Give one of them another name=...")
    return tuple(made[name] for name in sorted(made))


def _authorizer(found: Declared, ingress: str) -> Authorizer:
    if isinstance(found, JWTAuthorizer):
        return Authorizer(
            name=found.name or _name("jwt", found.issuer, *found.audience, found.header),
            type="JWT",
            identity_sources=_sources(ingress, f"header.{found.header}"),
            issuer=found.issuer,
            audience=found.audience,
        )
    if isinstance(found, CognitoUserPoolAuthorizer):
        return Authorizer(
            name=found.name or _name("cognito", *found.arns, found.header),
            type="COGNITO_USER_POOLS",
            identity_sources=_sources(ingress, f"header.{found.header}"),
            providers=found.arns,
        )
    return _of_a_function(found, ingress)


def _of_a_function(found: Declared, ingress: str) -> Authorizer:
    assert isinstance(found, FunctionAuthorizer | CustomAuthorizer)  # noqa: S101  # there are no others
    asked = found.asked
    is_token = asked.type == "token" and ingress == RestApi.kind
    own = names.authorizer_name(found.handler.name) if isinstance(found, FunctionAuthorizer) else found.name
    return Authorizer(
        name=own or _name("custom", found.declared(), *asked.identity_sources),
        type="TOKEN" if is_token else "REQUEST",
        identity_sources=_sources(ingress, *asked.identity_sources),
        target=Ref(kind=Alias.kind, key=found.handler.name)
        if isinstance(found, FunctionAuthorizer)
        else None,
        uri=found.uri if isinstance(found, CustomAuthorizer) else None,
        role=found.invoke_role_arn if isinstance(found, CustomAuthorizer) else None,
        ttl=asked.ttl,
        is_simple=asked.is_simple and ingress == HttpApi.kind,
    )


def _sources(ingress: str, *declared: str) -> tuple[str, ...]:
    written = (one.partition(".") for one in declared)
    return tuple(f"{_SOURCES[ingress][kind]}{name}" for kind, _, name in written)


def _name(word: str, *parts: str) -> str:
    return f"{word}-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:8]}"


def permissions(target: Target, made: tuple[Authorizer, ...], kind: str) -> list[Record]:
    """Let the API, of that kind, call the functions that decide; `target` is the function of all routes."""
    scope = target.scope
    return [
        Permission(
            key=f"{target.key}#{one.target.key}",
            name=names.statement_id(f"microlambda-{kind}-authorizer"),
            alias=one.target,
            function_name=names.function_name(scope.app, scope.stage, one.target.key),
            alias_name=LIVE,
            action="lambda:InvokeFunction",
            principal="apigateway.amazonaws.com",
            source=Ref(kind=kind, key=target.key, attribute="authorizers_arn"),
        )
        for one in made
        if one.target is not None
    ]
