"""`microlambda url`: where the deployed app answers."""

from __future__ import annotations

import json

import click

from microlambda.cli.options import aws_options


@click.command(short_help="Print the URL of the deployed app.")
@aws_options
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def command(stage: str, profile: str | None, region: str | None, *, as_json: bool) -> None:
    """Print the URL of the deployed app, and nothing else."""
    from microlambda.cli.stage import deployed_scope
    from microlambda.deploy.address import find_url

    url = find_url(*deployed_scope(stage, profile=profile, region=region))
    click.echo(json.dumps({"url": url}) if as_json else url)
