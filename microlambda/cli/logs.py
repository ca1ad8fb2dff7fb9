"""`microlambda logs`: what a deployed function has written, in local time."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta

import click

from microlambda.cli.options import aws_options

_SPAN = re.compile(r"(?P<number>\d+)(?P<unit>[smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


# C0 but tab and newline, DEL, and C1, whose U+009B begins what ESC [ does.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def without_controls(text: str) -> str:
    """Take out what a terminal would obey: log lines hold what strangers have sent."""
    return _CONTROLS.sub("", text)


def is_terminal() -> bool:
    """Tell whether the lines go to a terminal."""
    return sys.stdout.isatty()


def read_since(_ctx: click.Context, param: click.Parameter, value: str) -> datetime:
    """Read a moment: a span back from now (`10m`, `2h`, `1d`), or a date and time in local time."""
    if found := _SPAN.fullmatch(value):
        return datetime.now(UTC) - timedelta(**{_UNITS[found["unit"]]: int(found["number"])})
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except ValueError as exc:
        message = f"{value!r} is neither a span (10m, 2h, 1d) nor a time (2026-11-20T14:05)."
        raise click.BadParameter(message, param=param) from exc


@click.command(short_help="Show what the deployed app logged.")
@aws_options
@click.option(
    "--since",
    callback=read_since,
    default="10m",
    show_default=True,
    help="A span back from now (10m, 2h, 1d), or a local time.",
)
@click.option("--function", default="http", show_default=True, metavar="NAME", help="Whose log it is.")
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until Ctrl-C.")
def command(
    stage: str,
    profile: str | None,
    region: str | None,
    *,
    since: datetime,
    function: str,
    follow: bool,
) -> None:
    """Show what a deployed function has logged, each line with its local time."""
    from microlambda.cli.stage import deployed_scope
    from microlambda.deploy.logs import follow_logs, read_logs
    from microlambda.plan.names import function_name

    aws, scope = deployed_scope(stage, profile=profile, region=region)
    read = follow_logs if follow else read_logs
    try:
        for line in read(aws, scope, function_name(scope.app, scope.stage, function), since=since):
            moment = line.at.astimezone().isoformat(sep=" ", timespec="milliseconds")
            click.echo(f"{moment[:23]} {without_controls(line.text) if is_terminal() else line.text}")
    except KeyboardInterrupt:
        return  # the way to end --follow
