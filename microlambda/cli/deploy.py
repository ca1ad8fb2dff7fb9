"""`microlambda deploy`: the app on AWS, or with `--local` in an AWS on this machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from microlambda.cli.options import adopt_option, aws_options, note, project_root, target_argument
from microlambda.cli.progress import shown_progress
from microlambda.deploy.progress import Lines

if TYPE_CHECKING:
    from microlambda.deploy.deployer import Outcome
    from microlambda.deploy.progress import Progress


@click.command(short_help="Put the app on AWS; with --local, into an AWS on this machine.")
@target_argument
@aws_options
@click.option("--yes", is_flag=True, help="Remove what is planned no longer without asking.")
@click.option("--refresh", is_flag=True, help="Resolve the dependencies anew: what is not pinned may move.")
@adopt_option
@click.option("--json", "as_json", is_flag=True, help="Print what was changed, and the URL, as JSON.")
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
    adopt: bool,
    as_json: bool,
    here: bool,
    port: int,
) -> None:
    """Bring the stage on AWS to what the app and its settings say, and print its URL.

    TARGET is "module:attribute" or "module"; without it, the settings' app, or the only one in the project.
    """
    if here and as_json:
        raise click.UsageError("--json and --local exclude each other: --local goes on until Ctrl-C.")
    if _is_given("port") and not here:
        raise click.UsageError("--port goes with --local: on AWS the URL is AWS's choice.")
    if here:
        from microlambda.cli.embedded import deploy_here

        deploy_here(target, stage=_stage_here(stage), region=region, port=port, refresh=refresh)
    else:
        outcome = deploy_to_aws(
            target,
            stage=stage,
            profile=profile,
            region=region,
            yes=yes,
            refresh=refresh,
            adopt=adopt,
            progress=Lines(note) if as_json else shown_progress(),
        )
        for line in _told_as_json(outcome) if as_json else _told(outcome):
            click.echo(line)


def deploy_to_aws(
    target: str | None,
    *,
    stage: str,
    profile: str | None,
    region: str | None,
    yes: bool,
    refresh: bool,
    adopt: bool,
    progress: Progress,
) -> Outcome:
    """Deploy to the account that the credentials are of."""
    from microlambda.cli.stage import Deployment, check_stage, confirm, open_aws, terminable
    from microlambda.project.settings import load_settings

    settings = load_settings(project_root(), stage)
    aws, settings = open_aws(settings, profile=profile, region=region)
    deployment = Deployment.of(settings, target, command="deploy")
    deployment.plan()  # what cannot be planned is told before anything is asked or written
    check_stage(aws, settings)
    deployment = deployment.suited(aws).with_id(progress.say)
    question = "The plan no longer has these. Remove them?"
    deployer = deployment.deployer(aws, progress, refresh=refresh, adopt=adopt)
    with terminable():
        return deployer.deploy(lambda changes: confirm(question, changes, yes=yes))


def _told(outcome: Outcome) -> list[str]:
    unchanged = [] if outcome.changes else ["No changes: everything is as planned."]
    return [*unchanged, *([outcome.url] if outcome.url else [])]


def _told_as_json(outcome: Outcome) -> list[str]:
    changes = [change.as_data() for change in outcome.changes]
    return [json.dumps({"changes": changes, "url": outcome.url}, indent=2)]


def _stage_here(stage: str) -> str:
    """Take `local` where nobody has named a stage."""
    return stage if _is_given("stage") else "local"


def _is_given(parameter: str) -> bool:
    return click.get_current_context().get_parameter_source(parameter) is not ParameterSource.DEFAULT
