"""`microlambda delete`: what deploy made, away, and proved to be."""

from __future__ import annotations

import json

import click

from microlambda.cli.options import aws_options, note


@click.command(short_help="Remove what deploy made.")
@aws_options
@click.option("--logs", is_flag=True, help="Remove the logs, too; they are kept otherwise.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print what was removed as JSON.")
def command(
    stage: str, profile: str | None, region: str | None, *, logs: bool, yes: bool, as_json: bool
) -> None:
    """Remove everything of the stage from AWS, and look whether it is gone. Logs stay, unless --logs."""
    from microlambda.cli.progress import shown_progress
    from microlambda.cli.stage import confirm, deployed_scope, terminable
    from microlambda.deploy.deployer import Deployer
    from microlambda.deploy.progress import Lines
    from microlambda.plan.plan import Plan

    aws, scope = deployed_scope(stage, profile=profile, region=region)
    question = f"Remove these from stage {stage!r} of {scope.app!r} in {aws.region}?"
    progress = Lines(note) if as_json else shown_progress()
    deployer = Deployer(aws, Plan(scope=scope), archive=lambda _key: b"", progress=progress)
    with terminable():
        removed = deployer.delete(logs=logs, confirm=lambda changes: confirm(question, changes, yes=yes))
    if as_json:
        click.echo(json.dumps({"removed": [change.as_data() for change in removed]}, indent=2))
        return
    if not removed:
        click.echo(
            f"Nothing to remove: {aws.region} has nothing of stage {stage!r} of {scope.app!r} "
            f"with the id {scope.id!r}."
        )
        return
    click.echo(f"Removed; nothing of stage {stage!r} is left{'' if logs else ' but its logs'}.")
