"""`microlambda deploy --local`: the same deployer and the same bundle, into an AWS on this machine."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from microlambda.cli.local import until_interrupted
from microlambda.cli.options import project_root
from microlambda.cli.stage import Deployment
from microlambda.deploy.logs import readable
from microlambda.deploy.session import Aws
from microlambda.emulator.cloud import EmbeddedCloud
from microlambda.local.console import Console
from microlambda.project.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from microlambda.deploy.deployer import Deployer
    from microlambda.plan.plan import Scope

#: Where the embedded cloud is, if neither the command nor the settings say.
REGION = "us-east-1"


def deploy_here(target: str | None, *, stage: str, region: str | None, port: int) -> None:
    """Start the embedded cloud, deploy to it, print the URL, and serve until Ctrl-C."""
    settings = load_settings(project_root(), stage)
    settings = replace(settings, region=region or settings.region or REGION)
    deployment = Deployment.of(settings, target, command="deploy --local").for_host()
    plan = deployment.plan()
    console = Console()
    cloud = EmbeddedCloud(
        region=plan.scope.region,
        output=lambda _function, line: click.echo(readable(line.decode(errors="replace"))),
        observe=console.request,
        say=console.note,
    )
    with until_interrupted(), _closed_to_aws(), cloud:
        click.echo("An AWS on this machine; what it holds is forgotten at the end.")
        click.echo(f"Bundling for {deployment.target}.")
        aws = Aws(cloud.client, region=plan.scope.region)
        _deploy(deployment.deployer(aws, click.echo), cloud, plan.scope, port)
        threading.Event().wait()


@contextmanager
def _closed_to_aws() -> Iterator[None]:
    """Take the developer's own AWS out of this process: moto, which runs in it, would read a profile."""
    before = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    for name in before:
        del os.environ[name]
    files = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    os.environ.update(files | {"AWS_EC2_METADATA_DISABLED": "true"})
    try:
        yield
    finally:
        for name in [one for one in os.environ if one.startswith("AWS_")]:
            del os.environ[name]
        os.environ.update(before)


def _deploy(deployer: Deployer, cloud: EmbeddedCloud, scope: Scope, port: int) -> None:
    outcome = deployer.deploy()
    click.echo(f"The AWS:  {cloud.endpoint} (AWS_ENDPOINT_URL for other terminals)")
    if outcome.api_id is not None:
        click.echo(f"The app:  {cloud.serve_api(outcome.api_id, port)}/")
    click.echo(f"Stage {scope.stage!r} of {scope.app!r} is served until Ctrl-C.")
