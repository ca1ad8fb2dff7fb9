"""`compile_plan`: from an App and the settings of one stage to everything that AWS is to hold for them.

Pure: it reads no file, asks AWS nothing, and answers the same for the same input. What AWS would refuse, and
what this version does not deploy, is a `PlanError` here, before the first call.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from microlambda.plan import ingresses, log_lines, names, roles, rules, schedules
from microlambda.plan.api_keys import check_api_keys
from microlambda.plan.asynchronous import plan_failures
from microlambda.plan.authorizers import check_authorizers
from microlambda.plan.errors import PlanError
from microlambda.plan.layers import foreign_layers, own_layers
from microlambda.plan.plan import Plan, Scope
from microlambda.plan.policies import SEND_TRACES, fetching, invoke_live, own_logs
from microlambda.plan.records import (
    Alias,
    Function,
    Layer,
    LogGroup,
    Record,
    Ref,
    RestApi,
    Version,
)
from microlambda.plan.triggers import is_deployed, wire
from microlambda.plan.wiring import Target, Wiring
from microlambda.project.environment import (
    base_path_variable,
    check_environment_size,
    fetched,
    references,
    resolve_environment,
)
from microlambda.project.errors import nearest
from microlambda.project.limits import (
    INGRESS_TIMEOUTS,
    SNAP_START_STORAGE,
    TAGS,
    WITHOUT_SNAP_START,
)
from microlambda.project.settings import FunctionSettings
from microlambda.runtime.naming import LIVE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from microlambda import App
    from microlambda.project.pieces import FunctionPieces, Pieces
    from microlambda.project.settings import Settings
    from microlambda.runtime.dispatch.handler import Handler

__all__ = ["HANDLER", "HTTP", "LIVE", "app_name", "compile_plan", "compile_triggers"]

HANDLER = "microlambda.runtime.entry.handler"
HTTP = "http"

#: Names that so many projects have that their AWS names would meet.
_COMMON_NAMES = ("app", "main", "__main__")


def app_name(app: App | None, settings: Settings) -> str:
    """Give the name that everything on AWS is called after: the settings', else the App's."""
    name = settings.name or (app.name if app is not None else None)
    if not name or name in _COMMON_NAMES:
        fact = f"the App is called {name!r}, as many are" if name else "the App has no name"
        raise PlanError(
            f"{fact}, and everything on AWS is named after it. Write into {_file(settings)}: "
            f'name = "{_suggestion(settings)}"'
        )
    if len(name) > names.APP_LIMIT:
        raise PlanError(
            f"the App's name has {len(name)} characters, and at most {names.APP_LIMIT} are taken: everything "
            f"on AWS is named after it. Write into {_file(settings)} a shorter one: "
            f'name = "{_suggestion(settings)}"'
        )
    if not names.TAG_VALUE.fullmatch(name):
        raise PlanError(
            f"the App's name {name!r} holds characters that AWS's tags cannot. "
            f"Use letters, digits, spaces and . : / = + - _ @"
        )
    return name


def compile_plan(
    app: App, settings: Settings, *, app_path: str, pieces: Pieces, environ: Mapping[str, str]
) -> Plan:
    """Plan one stage; `app_path` is "module:attribute", `pieces` is what the functions are made of.

    `settings.region` must be known by now, and `environ` has what `${env:NAME}` refers to.
    """
    scope = _scope(app, settings)
    _check_known(app, settings)
    functions = [settings.function(name) for name in app.functions]
    records = _functions(scope, app, functions, settings, app_path, pieces, environ)
    if HTTP in app.functions:
        target = _target(scope, settings.function(HTTP), tags=settings.tags)
        records += ingresses.PLANNERS[settings.ingress](target, app, settings)
    return _planned(scope, records)


def compile_triggers(app: App, settings: Settings, *, app_path: str, pieces: Pieces) -> Plan:
    """Plan the handlers of one stage, without its routes, for an AWS on this machine that fires them.

    `settings` need a region, an id and a name that tags take. Handlers whose triggers this version does not
    deploy are left out: `is_deployed` tells which. So is what only Lambda needs of a function: its
    environment, its layers, its network, its permissions.
    """
    scope = Scope(id=settings.id, app=settings.name or "", stage=settings.stage, region=settings.region or "")
    fired = [one.name for one in app.handlers.values() if is_deployed(one)]
    functions = [_without_lambda(settings.function(name)) for name in fired]
    return _planned(scope, _functions(scope, app, functions, settings, app_path, pieces, {}))


def _without_lambda(function: FunctionSettings) -> FunctionSettings:
    return FunctionSettings(
        name=function.name,
        stage=function.stage,
        memory=function.memory,
        timeout=function.timeout,
        reserved_concurrency=function.reserved_concurrency,
        log_format=function.log_format,
        log_retention=function.log_retention,
    )


def _functions(
    scope: Scope,
    app: App,
    functions: Sequence[FunctionSettings],
    settings: Settings,
    app_path: str,
    pieces: Pieces,
    environ: Mapping[str, str],
) -> list[Record]:
    """Plan these functions of the app, each with what fires it."""
    known = [function.name for function in functions]
    names.check_distinct(scope.app, scope.stage, known)
    tasks = [handler.name for handler in app.handlers.values() if handler.kind == TASK]
    handlers = [app.handlers[name] for name in known if name in app.handlers]
    records = list(schedules.common(scope, handlers, known, _tags(scope, settings.tags)))
    for function in functions:
        name = function.name
        _check_timeout(function, settings.ingress)
        _check_snap_start(function, settings.lambda_python)
        own = {**_own_environment(scope, app_path, name, tasks), **base_path_variable(settings, name)}
        environment = _environment(function, own, environ)
        wiring = _wiring(scope, function, app.handlers.get(name))
        records += _function(
            scope,
            settings,
            function,
            environment,
            pieces.of(name),
            tasks,
            policies=wiring.policies,
            dead_letter=_dead_letter(app.handlers.get(name)),
        )
        records += wiring.records
    return records


def _planned(scope: Scope, records: Sequence[Record]) -> Plan:
    rules.check_alone(records)
    roles.check_sizes(records, scope.region)
    # a layer that several functions share is one record, before the first of them
    distinct = {(record.kind, record.key): record for record in log_lines.linked(records)}
    return Plan(scope=scope, records=tuple(distinct.values()))


def _scope(app: App, settings: Settings) -> Scope:
    if settings.region is None:
        raise PlanError('no region is known. Write region = "eu-west-1" into the settings, or give --region.')
    return Scope(id=settings.id, app=app_name(app, settings), stage=settings.stage, region=settings.region)


def _check_known(app: App, settings: Settings) -> None:
    """Refuse by name what the app or the settings ask for and this version cannot deploy."""
    if not app.functions:
        raise PlanError(
            "the App has no routes and no handlers, so there is nothing to deploy. "
            "`microlambda delete` removes what an earlier version of it deployed."
        )
    _check_triggers(list(app.handlers.values()))
    if settings.endpoint_type is not None and settings.ingress != RestApi.kind:
        raise PlanError(
            f"endpoint_type = {settings.endpoint_type!r} is for REST APIs alone, and the ingress of stage "
            f"{settings.stage!r} is {settings.ingress!r}. Remove it, or write ingress = 'rest-api'."
        )
    if settings.base_path and settings.ingress == "function-url":
        raise PlanError(
            f"base_path = {settings.base_path!r} is for custom domains of APIs, and the ingress of stage "
            f"{settings.stage!r} is 'function-url', which has none. Remove it, or write ingress = 'http-api'."
        )
    check_api_keys(app, settings)
    check_authorizers(app, settings)
    for name in settings.function_names:
        if name not in app.functions:
            raise PlanError(
                f"[functions.{name}] names no function of this App.{nearest(name, app.functions)} "
                f"It has: {', '.join(app.functions)}."
            )
    undeployed = {
        name: None for handler in app.functions for name in settings.function(handler).undeployed
    } | dict.fromkeys(settings.undeployed)
    if undeployed:
        raise PlanError(
            f"the settings ask for {', '.join(undeployed)}, which this version does not deploy. "
            f"Remove it for stage {settings.stage!r}."
        )


def _wiring(scope: Scope, function: FunctionSettings, handler: Handler | None) -> Wiring:
    """Plan the trigger of a function's handler; the function of all routes has none."""
    if handler is None:
        return Wiring()
    target = _target(scope, function, tags=function.tags)
    failures = plan_failures(handler.trigger.asynchronous, target)
    wiring = wire(handler, target)
    return Wiring(
        records=(*failures.records, *wiring.records), policies={**failures.policies, **wiring.policies}
    )


def _target(scope: Scope, function: FunctionSettings, *, tags: Mapping[str, str]) -> Target:
    return Target(
        scope=scope,
        key=function.name,
        function_name=names.function_name(scope.app, scope.stage, function.name),
        alias=Ref(kind=Alias.kind, key=function.name),
        timeout=function.timeout,
        tags=_tags(scope, tags),
    )


def _dead_letter(handler: Handler | None) -> str | None:
    options = handler.trigger.asynchronous if handler is not None else None
    return options.dead_letter_queue if options else None


def _check_triggers(handlers: Sequence[Handler]) -> None:
    waiting = [one for one in handlers if not is_deployed(one)]
    if waiting:
        word = "handler" if len(waiting) == 1 else "handlers"
        names = ", ".join(f"{one.name!r} ({one.trigger.declared()})" for one in waiting)
        raise PlanError(
            f"the {word} {names} would need triggers, which this version does not deploy, so nothing is. "
            "Put them into an App of their own, or let another deployer have them."
        )


def _check_timeout(function: FunctionSettings, ingress: str) -> None:
    longest = INGRESS_TIMEOUTS[ingress]
    if function.name == HTTP and function.timeout > longest:
        raise PlanError(
            f"timeout = {function.timeout} for the function 'http' is more than {ingress} waits: {longest} "
            "s. "
            f"Write a shorter one under [functions.http]: timeout = {longest}"
        )


def _check_snap_start(function: FunctionSettings, python: str) -> None:
    if not function.snap_start:
        return
    if python in WITHOUT_SNAP_START:
        raise PlanError(
            f"snap_start for the function {function.name!r} needs Python 3.12 or newer, and python is "
            f'{python}. Write python = "3.12", or a newer one, or remove snap_start.'
        )
    if function.ephemeral_storage > SNAP_START_STORAGE:
        raise PlanError(
            f"snap_start for the function {function.name!r} goes with {SNAP_START_STORAGE} MB of "
            f"ephemeral_storage at most, and it has {function.ephemeral_storage}. Remove one of them."
        )


def _own_environment(scope: Scope, app_path: str, handler: str, tasks: list[str]) -> dict[str, str]:
    """Give what the runtime reads: the app, the handler, and what the functions of tasks are named by."""
    own = {"MICROLAMBDA_APP": app_path, "MICROLAMBDA_HANDLER": handler}
    if tasks:
        own["MICROLAMBDA_SERVICE"] = names.service_name(scope.app, scope.stage)
    return own


def _environment(
    function: FunctionSettings, own: Mapping[str, str], environ: Mapping[str, str]
) -> dict[str, str]:
    environment = {**resolve_environment(function, environ, on_aws=True), **own}
    check_environment_size(environment, function)
    return environment


def _function(
    scope: Scope,
    settings: Settings,
    function: FunctionSettings,
    environment: Mapping[str, str],
    pieces: FunctionPieces,
    tasks: list[str],
    *,
    policies: Mapping[str, Mapping[str, Any]],
    dead_letter: str | None,
) -> list[Record]:
    key, name = function.name, names.function_name(scope.app, scope.stage, function.name)
    tags, code_hash = _tags(scope, function.tags), pieces.code.inputs
    layers = own_layers(scope, settings, pieces)
    allowed = {
        **_policies(scope, name, tasks, tracing=function.tracing),
        **fetching(fetched(function)),
        **roles.in_vpc(function),
        **policies,
    }
    return [
        *roles.plan_role(scope, function, allowed, tags),
        LogGroup(key=key, name=names.log_group_name(name), retention=function.log_retention, tags=tags),
        *layers,
        Function(
            key=key,
            name=name,
            role=roles.runs_as(function),
            log_group=Ref(kind=LogGroup.kind, key=key, attribute="name"),
            handler=HANDLER,
            runtime=f"python{settings.python}",
            architecture=settings.architecture,
            memory=function.memory,
            timeout=function.timeout,
            ephemeral_storage=function.ephemeral_storage,
            tracing="Active" if function.tracing else "PassThrough",
            log_format={"text": "Text", "json": "JSON"}[function.log_format],
            reserved_concurrency=function.reserved_concurrency,
            dead_letter=dead_letter,
            environment=environment,
            from_shell=tuple(references(function)),
            archive=pieces.code.key,
            code_hash=code_hash,
            code_sha256=pieces.code.content,
            layers=(
                *(Ref(kind=Layer.kind, key=layer.key) for layer in layers),
                *foreign_layers(scope, function, len(layers)),
            ),
            subnets=function.subnets,
            security_groups=function.security_groups,
            snap_start="PublishedVersions" if function.snap_start else "None",
            needs=roles.needs(function, allowed),
            tags=tags,
        ),
        Version(key=key, name=name, function=Ref(kind=Function.kind, key=key), code_hash=code_hash),
        Alias(
            key=key,
            name=LIVE,
            function=Ref(kind=Function.kind, key=key),
            function_name=name,
            version=Ref(kind=Version.kind, key=key, attribute="version"),
            code_hash=code_hash,
        ),
    ]


def _policies(scope: Scope, function: str, tasks: list[str], *, tracing: bool) -> dict[str, dict[str, Any]]:
    policies = {"microlambda-logs": own_logs(names.log_group_name(function))}
    if tracing:
        policies["microlambda-tracing"] = SEND_TRACES
    if tasks:
        called = [names.function_name(scope.app, scope.stage, task) for task in tasks]
        policies["microlambda-tasks"] = invoke_live(called)
    return policies


def _tags(scope: Scope, own: Mapping[str, str]) -> dict[str, str]:
    tags = {**own, **scope.tags}
    if len(tags) > TAGS:
        raise PlanError(
            f"{len(tags)} tags are more than AWS keeps on one resource: {TAGS}, three of them ours."
        )
    return tags


def _file(settings: Settings) -> str:
    if settings.source is not None and settings.source.name == "pyproject.toml":
        return "pyproject.toml, under [tool.microlambda]"
    return "microlambda.toml"


def _suggestion(settings: Settings) -> str:
    folder = re.sub(r"[^a-z0-9-]+", "-", settings.root.resolve().name.lower()).strip("-")
    return folder if folder and folder not in _COMMON_NAMES else "my-service"


TASK = "task"
