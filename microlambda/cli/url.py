"""`microlambda url`: where the deployed app answers."""

from __future__ import annotations

import click

from microlambda.cli.options import aws_options


@click.command(short_help="Print the URL of the deployed app.")
@aws_options
def command(stage: str, profile: str | None, region: str | None) -> None:
    """Print the URL of the deployed app, and nothing else."""
    from microlambda.cli.stage import deployed_scope
    from microlambda.deploy.address import find_url

    click.echo(find_url(*deployed_scope(stage, profile=profile, region=region)))
