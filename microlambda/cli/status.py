"""`microlambda status`: what runs of a stage, which version, and since when."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from microlambda.cli.options import aws_options

if TYPE_CHECKING:
    from microlambda.deploy.versions import DeployedFunction

#: So many characters are a line where there is no terminal to be narrow.
_WIDE = 250


@click.command(short_help="Show what runs, which version, since when.")
@aws_options
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def command(stage: str, profile: str | None, region: str | None, *, as_json: bool) -> None:
    """Show the functions of the stage: the version that serves, since when, and where the app answers."""
    from microlambda.cli.stage import deployed_scope
    from microlambda.deploy.address import find_url
    from microlambda.deploy.errors import NotDeployed
    from microlambda.deploy.versions import deployed_functions

    aws, scope = deployed_scope(stage, profile=profile, region=region)
    functions = deployed_functions(aws, scope)
    try:
        url = find_url(aws, scope)
    except NotDeployed:
        url = None  # an app without routes
    where = {
        "app": scope.app,
        "stage": scope.stage,
        "region": aws.region,
        "account": aws.identity.account,
        "url": url,
    }
    if as_json:
        click.echo(json.dumps({**where, "functions": [_as_data(one) for one in functions]}, indent=2))
        return
    click.echo(f"{scope.app}, stage {scope.stage}, {aws.region}, account {aws.identity.account}")
    if url:
        click.echo(url)
    _print_table(functions)


def _print_table(functions: list[DeployedFunction]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in ("function", "version", "since (UTC)", "runtime", "memory", "timeout", "earlier versions"):
        table.add_column(name, no_wrap=True)
    for one in functions:
        data = _as_data(one)
        table.add_row(
            data["function"],
            str(data["version"] or "none"),
            data["since"] or "",
            f"{data['runtime']} {data['architecture']}",
            f"{data['memory']} MB",
            f"{data['timeout']} s",
            " ".join(map(str, data["earlier"])) or "none",
        )
    console = Console()
    # what reads it through a pipe gets whole names
    Console(width=None if console.is_terminal else _WIDE).print(table)


def _as_data(one: DeployedFunction) -> dict[str, Any]:
    configuration = one.configuration
    return {
        "function": one.name,
        "version": one.live.number if one.live is not None else None,
        "since": one.since,
        "runtime": configuration.get("Runtime"),
        "architecture": configuration.get("Architectures", ["x86_64"])[0],
        "memory": configuration.get("MemorySize"),
        "timeout": configuration.get("Timeout"),
        "earlier": [version.number for version in one.before],
    }
