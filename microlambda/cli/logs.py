"""`microlambda logs`: what the deployed functions have written, in local time."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from microlambda.cli.options import aws_options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from microlambda.deploy.log_lines import LogLine

#: So many digits of a request's id tell it from its neighbours.
_REQUEST = 8

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
@click.option("--function", metavar="NAME", help="One function's alone, by its handler's name.")
@click.option("--filter", "pattern", metavar="PATTERN", help="Lines that match, in CloudWatch's language.")
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print each line as JSON.")
def command(
    stage: str,
    profile: str | None,
    region: str | None,
    *,
    since: datetime,
    function: str | None,
    pattern: str | None,
    follow: bool,
    as_json: bool,
) -> None:
    """Show what the deployed functions have logged, merged, each line with its local time and its request."""
    from microlambda.cli.stage import deployed_scope
    from microlambda.deploy.logs import Logs

    aws, scope = deployed_scope(stage, profile=profile, region=region)
    logs = Logs.of(aws, scope, function, pattern)
    names = short_names(logs.functions, f"{scope.app}-{scope.stage}-")
    write = _as_json if as_json else _as_text
    try:
        for line in logs.follow(since) if follow else logs.read(since):
            click.echo(write(line, names))
    except KeyboardInterrupt:
        return  # the way to end --follow


def short_names(functions: Sequence[str], prefix: str) -> dict[str, str]:
    """Name functions as briefly as tells them apart: not at all where there is one."""
    if len(functions) == 1:
        return dict.fromkeys(functions, "")
    short = {name: name.removeprefix(prefix) for name in functions}
    width = max(map(len, short.values()))
    return {name: f"{one:{width}} " for name, one in short.items()}


def _as_json(line: LogLine, _names: Mapping[str, str]) -> str:
    return json.dumps(line.as_data())


def _as_text(line: LogLine, names: Mapping[str, str]) -> str:
    moment = line.at.astimezone().isoformat(sep=" ", timespec="milliseconds")[:23]
    text = without_controls(line.text) if is_terminal() else line.text
    start = f"{moment} {names[line.function]}{line.request[:_REQUEST]:{_REQUEST}} "
    mark = "! " if line.is_error else ""
    shown = f"{start}{mark}{text}"
    return click.style(shown, fg="red") if line.is_error and is_terminal() else shown
