"""`microlambda deploy`: the app on AWS, or with `--local` in an AWS on this machine."""

from __future__ import annotations

import click
from click.core import ParameterSource

from microlambda.cli.options import aws_options, project_root, target_argument


@click.command(short_help="Put the app on AWS; with --local, into an AWS on this machine.")
@target_argument
@aws_options
@click.option("--yes", is_flag=True, help="Remove what is planned no longer without asking.")
@click.option("--refresh", is_flag=True, help="Resolve the dependencies anew: what is not pinned may move.")
@click.option(
    "--local",
    "here",
    is_flag=True,
    help="Into an AWS on this machine, with no account and no Docker; the stage is 'local' unless named.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="With --local: the port that the app answers on; 0 is any free one.",
)
def command(
    target: str | None,
    stage: str,
    profile: str | None,
    region: str | None,
    *,
    yes: bool,
    refresh: bool,
    here: bool,
    port: int,
) -> None:
    """Bring the stage on AWS to what the app and its settings say, and print its URL.

    TARGET is "module:attribute" or "module"; without it, the settings' app, or the only one in the project.
    """
    if here:
        from microlambda.cli.embedded import deploy_here

        deploy_here(target, stage=_stage_here(stage), region=region, port=port, refresh=refresh)
    else:
        deploy_to_aws(target, stage=stage, profile=profile, region=region, yes=yes, refresh=refresh)


def deploy_to_aws(
    target: str | None,
    *,
    stage: str,
    profile: str | None,
    region: str | None,
    yes: bool,
    refresh: bool,
) -> None:
    """Deploy to the account that the credentials are of."""
    from microlambda.cli.stage import Deployment, check_stage, confirm, open_aws, terminable
    from microlambda.project.settings import load_settings

    settings = load_settings(project_root(), stage)
    aws, settings = open_aws(settings, profile=profile, region=region)
    deployment = Deployment.of(settings, target, command="deploy")
    deployment.plan()  # what cannot be planned is told before anything is asked or written
    check_stage(aws, settings)
    deployment = deployment.suited(aws).with_id(click.echo)
    question = "The plan no longer has these. Remove them?"
    deployer = deployment.deployer(aws, click.echo, refresh=refresh)
    with terminable():
        outcome = deployer.deploy(lambda changes: confirm(question, changes, yes=yes))
    if not outcome.changes:
        click.echo("No changes: everything is as planned.")
    if outcome.url:
        click.echo(outcome.url)


def _stage_here(stage: str) -> str:
    """Take `local` where nobody has named a stage."""
    source = click.get_current_context().get_parameter_source("stage")
    return "local" if source is ParameterSource.DEFAULT else stage
