"""`microlambda plan`: what a deploy would change, and why; it changes nothing and takes no lock."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from microlambda.cli.options import adopt_option, aws_options, note, project_root, target_argument
from microlambda.deploy.changes import CREATE, REMOVE, UPDATE
from microlambda.plan.function_url import EVERYBODY, PUBLIC
from microlambda.plan.ingresses import ANSWERING
from microlambda.plan.records import FunctionUrl, HttpApi, Permission, RestApi

if TYPE_CHECKING:
    from collections.abc import Sequence

    from microlambda.deploy.changes import Change
    from microlambda.deploy.session import Aws
    from microlambda.plan.plan import Plan

#: What `--exit-code` ends with where there are changes.
CHANGES = 3


@click.command(short_help="Show what a deploy would change.")
@target_argument
@aws_options
@click.option("--refresh", is_flag=True, help="Resolve the dependencies anew: what is not pinned may move.")
@adopt_option
@click.option("--exit-code", is_flag=True, help=f"End with {CHANGES} where there are changes.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan and its changes as JSON.")
def command(
    target: str | None,
    stage: str,
    profile: str | None,
    region: str | None,
    *,
    refresh: bool,
    adopt: bool,
    exit_code: bool,
    as_json: bool,
) -> None:
    """Show what a deploy would change, and why; nothing is changed.

    TARGET is "module:attribute" or "module"; without it, the settings' app, or the only one in the project.
    """
    from microlambda.cli.stage import Deployment, check_stage, open_aws
    from microlambda.deploy.progress import Lines
    from microlambda.project.settings import load_settings

    settings = load_settings(project_root(), stage)
    aws, settings = open_aws(settings, profile=profile, region=region)
    deployment = Deployment.of(settings, target, command="plan")
    deployment.plan()  # what cannot be planned is told before anything is asked
    check_stage(aws, settings)
    deployment = deployment.suited(aws)
    deployer = deployment.deployer(aws, Lines(note), refresh=refresh, adopt=adopt)
    plan, changes = deployer.plan, deployer.changes()
    if as_json:
        click.echo(json.dumps(as_data(plan, changes, aws), indent=2))
    else:
        for line in as_lines(plan, changes, aws):
            click.echo(line)
    if changes and exit_code:
        click.get_current_context().exit(CHANGES)


def as_lines(plan: Plan, changes: Sequence[Change], aws: Aws) -> list[str]:
    """Write the changes for people."""
    where = f"{plan.scope.app}, stage {plan.scope.stage}, {aws.region}, account {aws.identity.account}"
    if not changes:
        return [f"No changes: {where} is as planned."]
    counts = {action: sum(change.action == action for change in changes) for action in _VERBS}
    summary = ", ".join(f"{count} {_VERBS[action]}" for action, count in counts.items())
    removals = [change for change in changes if change.action == REMOVE]
    then = ", once these are made" if len(removals) < len(changes) else ""
    return [
        f"{where}:",
        *(change.line for change in changes if change.action != REMOVE),
        *_section(f"Deleted{then}:", [change.line for change in removals]),
        *_section("Reachable from the internet from then on, by everybody:", _named(_opened(changes))),
        *_section("Without an API key from then on:", [f"  {way}" for way in _unkeyed(changes)]),
        *_section("Without an authorizer from then on:", [f"  {way}" for way in _unprotected(changes)]),
        *_section("No longer reachable:", _named(_closed(changes))),
        f"{summary}.",
    ]


def as_data(plan: Plan, changes: Sequence[Change], aws: Aws) -> dict[str, Any]:
    """Give plan and changes as data; environment variables by name only."""
    from microlambda.plan.view import as_data as record_as_data

    return {
        "app": plan.scope.app,
        "stage": plan.scope.stage,
        "region": aws.region,
        "account": aws.identity.account,
        "changes": [change.as_data() for change in changes],
        "deletes": [_reference(change) for change in changes if change.action == REMOVE],
        "opens": [_reference(change) for change in _opened(changes)],
        "opens_without_key": _unkeyed(changes),
        "opens_without_authorizer": _unprotected(changes),
        "closes": [_reference(change) for change in _closed(changes)],
        "resources": [record_as_data(record) for record in plan.records],
    }


def _opened(changes: Sequence[Change]) -> list[Change]:
    """Give what will answer whoever calls it, and does not now."""
    urls = [change for change in changes if change.kind in ANSWERING and _opens(change)]
    return urls or [change for change in changes if _lets_everybody(change)]


def _lets_everybody(change: Change) -> bool:
    """Tell whether it lets everybody call, where the URL is there: it answers 403 without."""
    record = change.record
    return isinstance(record, Permission) and record.principal == EVERYBODY


def _opens(change: Change) -> bool:
    record = change.record
    if isinstance(record, FunctionUrl) and record.auth_type != PUBLIC:
        return False
    if change.action != UPDATE or change.seen is None:
        return change.action == CREATE
    asked: str = change.seen.state.get("auth_type", PUBLIC)  # what a URL has asked of callers until now
    return asked != PUBLIC


def _unkeyed(changes: Sequence[Change]) -> list[str]:
    """Name what has asked for an API key until now, and will not: "GET /partners"."""
    from microlambda.deploy.kinds.rest_methods import without_key

    return [
        way
        for change in changes
        if isinstance(change.record, RestApi) and change.action == UPDATE and change.seen is not None
        for way in without_key(change.seen.state["resources"], change.record)
    ]


def _unprotected(changes: Sequence[Change]) -> list[str]:
    """Name what has asked who calls until now, and will not; a whole URL is among what is opened."""
    from microlambda.deploy.kinds import http_routes, rest_methods

    found: list[str] = []
    for change in changes:
        if change.action != UPDATE or change.seen is None:
            continue
        if isinstance(change.record, RestApi):
            found += rest_methods.unprotected(change.seen.state["resources"], change.record)
        elif isinstance(change.record, HttpApi):
            found += http_routes.unprotected(change.seen.state["routes"], change.record)
    return found


def _closed(changes: Sequence[Change]) -> list[Change]:
    return [change for change in changes if change.kind in ANSWERING and change.action == REMOVE]


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return ["", title, *lines] if lines else []


def _named(changes: Sequence[Change]) -> list[str]:
    return [f"  {change.title}{_url(change)}" for change in changes]


def _url(change: Change) -> str:
    url = change.seen.attributes.get("url") if change.seen is not None else None
    return f" ({url}/)" if url else ""


def _reference(change: Change) -> dict[str, str]:
    return {"kind": change.kind, "name": change.name}


_VERBS = {"create": "to create", "update": "to change", "remove": "to remove"}
