"""`microlambda invoke`: one call of a deployed function, without a gateway between."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from microlambda.cli.options import aws_options


@click.command(short_help="Call one deployed function with an event.")
@click.argument("name", default="http", metavar="[NAME]")
@aws_options
@click.option(
    "--payload",
    default="{}",
    metavar="JSON",
    help="The event: JSON, or @FILE, or - for standard input. Default: {}",
)
@click.option("--log", is_flag=True, help="Print the end of the call's log, too.")
def command(
    name: str, stage: str, profile: str | None, region: str | None, *, payload: str, log: bool
) -> None:
    """Call the live version of the function NAME (http, if none is given) and print what it answers.

    Where the function fails, its error and traceback are printed, and the command fails too.
    """
    from microlambda.cli.stage import deployed_scope
    from microlambda.deploy.errors import FunctionFailed
    from microlambda.deploy.invocation import invoke
    from microlambda.deploy.kinds.version import error_text
    from microlambda.plan.names import function_name

    event = read_payload(payload)
    aws, scope = deployed_scope(stage, profile=profile, region=region)
    answer = invoke(aws, scope, function_name(scope.app, scope.stage, name), event, log=log)
    if answer.log:
        click.echo(answer.log.rstrip("\n"), err=True)
    if answer.error is not None:
        raise FunctionFailed(error_text(json.loads(answer.payload)))
    click.echo(answer.payload)


def read_payload(text: str) -> bytes:
    """Read the event from the argument, a file or standard input, and make sure that it is JSON."""
    if text == "-":
        content = sys.stdin.read()
    elif text.startswith("@"):
        try:
            content = Path(text[1:]).read_text()
        except (OSError, UnicodeDecodeError) as exc:
            raise click.BadParameter(f"{text[1:]} cannot be read: {exc}", param_hint="--payload") from exc
    else:
        content = text
    try:
        json.loads(content)
    except ValueError as exc:
        raise click.BadParameter(f"this is no JSON: {exc}", param_hint="--payload") from exc
    return content.encode()
