"""`microlambda rollback`: the versions that served before, serving again."""

from __future__ import annotations

import json
from functools import partial

import click

from microlambda.cli.options import aws_options


@click.command(short_help="Let the version before serve again.")
@aws_options
@click.option("--to", type=click.IntRange(1), metavar="VERSION", help="This version, and not the one before.")
@click.option("--function", metavar="NAME", help="One function's alone, by its handler's name.")
@click.option("--json", "as_json", is_flag=True, help="Print what went from where to where, as JSON.")
def command(
    stage: str,
    profile: str | None,
    region: str | None,
    *,
    to: int | None,
    function: str | None,
    as_json: bool,
) -> None:
    """Move each function back to the version before the one that serves, in one call each.

    Code and configuration go back, and nothing else: what triggers them stays as it is. The next deploy makes
    the stage again what the app and the settings say.
    """
    from microlambda.cli.stage import deployed_scope, terminable
    from microlambda.deploy.versions import chosen, deployed_functions, roll_back, ways_back

    aws, scope = deployed_scope(stage, profile=profile, region=region)
    functions = chosen(deployed_functions(aws, scope), scope, function)
    moves = ways_back(functions, to)
    say = partial(click.echo, err=as_json)
    staying = [one.name for one in functions if all(move.function is not one for move in moves)]
    for name in staying:
        say(f"{name} has no earlier version, and stays as it is.")
    with terminable():
        roll_back(aws, scope, moves, say=say)
    if as_json:
        told = {"moved": [move.as_data() for move in moves], "staying": staying}
        click.echo(json.dumps(told, indent=2))
