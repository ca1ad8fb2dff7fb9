"""`microlambda deploy --local`: the same deployer and the same bundle, into an AWS on this machine."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from microlambda.cli.logs import short_names
from microlambda.cli.options import project_root
from microlambda.cli.progress import shown_progress
from microlambda.cli.stage import Deployment
from microlambda.deploy.logs import readable
from microlambda.deploy.session import Aws, checked_region
from microlambda.emulator.cloud import EmbeddedCloud
from microlambda.emulator.gateway.access.jwks import keys_of_file
from microlambda.emulator.open_files import allow_many
from microlambda.emulator.server import check_free
from microlambda.local.console import Console
from microlambda.local.interrupt import until_interrupted
from microlambda.local.sources import losing, make_sources, waiting
from microlambda.local.unplayed import unplayed
from microlambda.plan.names import function_name
from microlambda.plan.records import Function
from microlambda.project.settings import load_settings, resolve_environment

if TYPE_CHECKING:
    from microlambda.deploy.deployer import Deployer
    from microlambda.plan.plan import Plan

#: Where the embedded cloud is, if neither the command nor the settings say.
REGION = "us-east-1"


def deploy_here(target: str | None, *, stage: str, region: str | None, port: int, refresh: bool) -> None:
    """Start the embedded cloud, deploy to it, print the URL, and serve until Ctrl-C."""
    settings = load_settings(project_root(), stage)
    settings = replace(settings, region=checked_region(region or settings.region or REGION))
    deployment = Deployment.of(settings, target, command="deploy --local").for_host()
    plan = deployment.plan()
    scope, names = plan.scope, _names(plan)
    for name in deployment.loaded.app.functions:
        resolve_environment(settings.function(name), os.environ)  # this AWS starts without secrets
    check_free(port)
    console = Console()
    allow_many()
    cloud = EmbeddedCloud(
        region=scope.region,
        output=lambda function, line: click.echo(
            f"{names.get(function, '')}{readable(line.decode(errors='replace'))}"
        ),
        observe=console.request,
        explain=console.explain,
        say=console.note,
        find_keys=keys_of_file(settings.root / settings.jwks) if settings.jwks else None,
    )
    with until_interrupted() as interrupt, cloud:
        click.echo("An AWS on this machine; what it holds is forgotten at the end.")
        click.echo(f"Bundling for {deployment.target}.")
        aws = Aws(cloud.client, region=scope.region)
        deployer = deployment.deployer(aws, shown_progress(), refresh=refresh)
        _prepare(cloud, deployer.plan)
        _deploy(deployer, cloud, port)
        interrupt.serving()
        click.echo(f"Stage {scope.stage!r} of {scope.app!r} is served until Ctrl-C.")
        interrupt.wait()


def _prepare(cloud: EmbeddedCloud, plan: Plan) -> None:
    """Make what handlers of events read, and say what cannot be made, so that nothing fires them."""
    if made := make_sources(cloud.client, plan, cloud.account):
        click.echo(f"Made for the handlers: {', '.join(made)}.")
    if handlers := waiting(plan, cloud.account):
        click.echo(
            f"Not fired here: {', '.join(handlers)}. What would call them is in another account. "
            "Call one yourself: microlambda event SOURCE | microlambda invoke NAME --remote"
        )
    if lost := losing(plan, cloud.account):
        click.echo(f"Not sent from here: what fails in {', '.join(lost)}. It would go to another account.")
    if words := unplayed(plan):
        click.echo(f"Kept, and without effect here: {', '.join(words)}.")


def _names(plan: Plan) -> dict[str, str]:
    """Name the functions before what they print, as `microlambda logs` does."""
    prefix = function_name(plan.scope.app, plan.scope.stage, "")
    return short_names([one.name for one in plan.of_kind(Function.kind)], prefix)


def _deploy(deployer: Deployer, cloud: EmbeddedCloud, port: int) -> None:
    outcome = deployer.deploy()
    click.echo(f"The AWS:  {cloud.endpoint} (AWS_ENDPOINT_URL for other terminals)")
    if outcome.entrance is not None:
        kind, attributes = outcome.entrance
        click.echo(f"The app:  {cloud.serve(kind, attributes['id'], port)}/")
