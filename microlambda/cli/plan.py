"""`microlambda plan`: what a deploy would change, and why; it changes nothing and takes no lock."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from microlambda.cli.options import aws_options, project_root, target_argument

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
@click.option("--exit-code", is_flag=True, help=f"End with {CHANGES} where there are changes.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan and its changes as JSON.")
def command(
    target: str | None,
    stage: str,
    profile: str | None,
    region: str | None,
    *,
    refresh: bool,
    exit_code: bool,
    as_json: bool,
) -> None:
    """Show what a deploy would change, and why; nothing is changed.

    TARGET is "module:attribute" or "module"; without it, the settings' app, or the only one in the project.
    """
    from microlambda.cli.stage import Deployment, check_stage, open_aws
    from microlambda.project.settings import load_settings

    settings = load_settings(project_root(), stage)
    aws, settings = open_aws(settings, profile=profile, region=region)
    deployment = Deployment.of(settings, target, command="plan")
    deployment.plan()  # what cannot be planned is told before anything is asked
    check_stage(aws, settings)
    deployment = deployment.suited(aws)
    deployer = deployment.deployer(aws, note, refresh=refresh)
    plan, changes = deployer.plan, deployer.changes()
    if as_json:
        click.echo(json.dumps(as_data(plan, changes, aws), indent=2))
    else:
        for line in as_lines(plan, changes, aws):
            click.echo(line)
    if changes and exit_code:
        click.get_current_context().exit(CHANGES)


def note(line: str) -> None:
    """Say what is no part of the plan, beside the output that programs read."""
    click.echo(line, err=True)


def as_lines(plan: Plan, changes: Sequence[Change], aws: Aws) -> list[str]:
    """Write the changes for people."""
    where = f"{plan.scope.app}, stage {plan.scope.stage}, {aws.region}, account {aws.identity.account}"
    if not changes:
        return [f"No changes: {where} is as planned."]
    counts = {action: sum(change.action == action for change in changes) for action in _VERBS}
    summary = ", ".join(f"{count} {_VERBS[action]}" for action, count in counts.items())
    return [f"{where}:", *(change.line for change in changes), f"{summary}."]


def as_data(plan: Plan, changes: Sequence[Change], aws: Aws) -> dict[str, Any]:
    """Give plan and changes as data; environment variables by name only."""
    from microlambda.plan.view import as_data as record_as_data

    return {
        "app": plan.scope.app,
        "stage": plan.scope.stage,
        "region": aws.region,
        "account": aws.identity.account,
        "changes": [change.as_data() for change in changes],
        "resources": [record_as_data(record) for record in plan.records],
    }


_VERBS = {"create": "to create", "update": "to change", "remove": "to remove"}
