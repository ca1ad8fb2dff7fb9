"""`microlambda manage`: a management command of Django's in the deployed function, or here."""

from __future__ import annotations

import json
import math
import os
import re
import sys
from typing import TYPE_CHECKING, Any, ClassVar

import click

from microlambda.cli.calls import here, on_aws
from microlambda.cli.logs import without_controls
from microlambda.cli.options import profile_option, region_option
from microlambda.cli.refused_commands import check_sendable
from microlambda.project.errors import ToolError
from microlambda.project.limits import TIMEOUT
from microlambda.runtime.registration import HTTP_FUNCTION as HTTP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from microlambda.local.called import Called

# In Lambda's message of an invocation that it ended itself.
_TIMED_OUT = re.compile(r"Task timed out after ([\d.]+) seconds")

# The lines of Lambda's own around those of a call, in both of its formats.
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
_OF_LAMBDA = re.compile(
    r'(?:INIT_START|START|END|REPORT) (?:RequestId|Runtime Version): |XRAY TraceId: |\{.*"type": ?"platform\.'
)


class NoDjango(ToolError):
    """The function runs no management commands."""


class CommandTimedOut(ToolError):
    """The function's time was over before the command was through."""

    exit_code: ClassVar[int] = 124  # as GNU's timeout


@click.command(
    short_help="Run a management command of Django's, on AWS or here.",
    # Without -h: in an unknown `-chello` click would find it.
    context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]},
)
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND [ARGS]...")
@click.option("--local", is_flag=True, help="Run it on this machine instead of on AWS.")
@click.option(
    "--stage",
    metavar="STAGE",
    help="The stage whose deployed function, or whose settings, are meant.  [default: MICROLAMBDA_STAGE or "
    "dev; with --local local]",
)
@click.option(
    "--app",
    "target",
    metavar="TARGET",
    help='With --local: the App, "module:attribute", where there are several.',
)
@click.option(
    "--alone", is_flag=True, help="With --local: in a process of its own, though `microlambda local` runs."
)
@profile_option
@region_option
@click.option(
    "--json", "as_json", is_flag=True, help="Print the result, the log, the time and the memory as JSON."
)
def command(
    arguments: tuple[str, ...],
    *,
    local: bool,
    stage: str | None,
    target: str | None,
    alone: bool,
    profile: str | None,
    region: str | None,
    as_json: bool,
) -> None:
    """Run a management command where the app runs, as manage.py does, and end with its exit code.

    On AWS it runs in the deployed function `http`, in which the Django is mounted: with its environment, its
    permissions and its time. What it writes is printed when it is over, and the end of the function's log
    before that. Options of this command may stand anywhere; what follows `--` is the other's in any case:

    \b
        microlambda manage migrate --noinput --stage dev
        microlambda manage help migrate
        microlambda manage -- import --profile full

    Exit codes: the command's; 124 where the function's time was over before; 1 where it was not run, and 2
    for a command that cannot work in a function.
    """  # noqa: D301  # click's mark for lines that are kept
    if not local and (target is not None or alone):
        word = "--app" if target is not None else "--alone"
        raise click.UsageError(f"{word} is for a command on this machine: add --local.")
    if local and (profile or region):
        word = "--profile" if profile else "--region"
        raise click.UsageError(f"{word} is for a command on AWS; --local runs it on this machine.")
    check_sendable(arguments)
    event = json.dumps({"microlambda": {"manage": arguments}}).encode()
    if local:
        called = here(HTTP, event, stage=stage or "local", target=target, alone=alone, quiet=as_json)
    else:
        stage = stage or os.environ.get("MICROLAMBDA_STAGE") or "dev"
        called = on_aws(HTTP, event, stage=stage, profile=profile, region=region, log=True)
    error = _error_of(called, local=local)
    if as_json:
        click.echo(json.dumps(called.as_data(), indent=2))
        click.get_current_context().exit(_exit_code(called, error))
    _print_log(called, local=local)
    if called.error is None:
        _print_streams(_result(called))
    if error is not None:
        raise error
    click.get_current_context().exit(_exit_code(called, error))


def _result(called: Called) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(called.payload)
    return result


def _exit_code(called: Called, error: ToolError | None) -> int:
    return error.exit_code if error is not None else int(_result(called)["exit_code"])


def _error_of(called: Called, *, local: bool) -> ToolError | None:
    """Say why the command did not come to its end, if it did not."""
    if called.error is None:
        time = _result(called)["time"]
        return None if time is None else _timed_out(math.ceil(time), local=local)
    document = _result(called)
    if document.get("errorType") == "UnknownEvent":
        return NoDjango(
            f"the function {HTTP!r} runs no management commands: no Django is mounted in the app"
            + ("" if local else ", or what is deployed is of a microlambda without them")
            + ". Mount get_wsgi_application(), or name it as the app (docs/guides/django.md)"
            + ("." if local else ", and deploy.")
        )
    if found := _TIMED_OUT.search(str(document.get("errorMessage"))):
        return _timed_out(round(float(found[1])), local=local)
    return called.error


def _timed_out(seconds: int, *, local: bool) -> CommandTimedOut:
    return CommandTimedOut(
        f"the command was ended with the time of the function {HTTP!r}, which is {seconds} s. What it had "
        f"committed stays. Raise `timeout` under [functions.{HTTP}] in the settings, to {TIMEOUT[1]} at most"
        + ("." if local else ", and deploy.")
    )


# Printing ---------------------------------------------------------------


def _print_streams(result: dict[str, Any]) -> None:
    for name in ("stdout", "stderr"):
        if left_out := result["left_out"][name]:
            click.echo(
                f"The first {left_out:,} bytes of {name} are left out: a function answers with 6 MB at most.",
                err=True,
            )
    _print(result["stdout"], err=False)
    _print(result["stderr"], err=True)


def _print_log(called: Called, *, local: bool) -> None:
    """Print the end of the function's log; here it has been printed as it came."""
    if not local:
        for line in _own_lines(called.log) if called.error is None else called.log.splitlines():
            _print(f"{line}\n", err=True)


def _own_lines(log: str) -> Iterator[str]:
    """Give the lines of a log that are not Lambda's."""
    return (line for line in log.splitlines() if line and not _OF_LAMBDA.match(line))


def _print(text: str, *, err: bool) -> None:
    stream = sys.stderr if err else sys.stdout
    click.echo(without_controls(text) if stream.isatty() else text, nl=False, err=err)
