"""`microlambda invoke`: one call of one function with an event, here or on AWS."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from microlambda.cli.calls import here, on_aws
from microlambda.cli.options import profile_option, region_option

if TYPE_CHECKING:
    from microlambda.local.called import Called

#: The exit code where the function answered that some records of a batch failed.
SOME_FAILED = 3


def _refuse_payload(_ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
    if value is not None:
        raise click.UsageError(
            "--payload is called --event: --event FILE, --event - for standard input, or --event JSON; "
            "and --remote calls the deployed function."
        )


@click.command(short_help="Call one function with an event, here or on AWS.")
@click.argument("name", default="http", metavar="[NAME]")
@click.option(
    "--event",
    metavar="FILE|-|JSON",
    help="A file, or - for standard input, or JSON that begins with { or [. "
    "Without it, what is piped in, else {}.",
)
@click.option("--remote", is_flag=True, help="Call what is deployed, on AWS.")
@click.option(
    "--stage",
    metavar="STAGE",
    help="The stage whose settings, or whose deployed function, are meant.  [default: local; with --remote "
    "MICROLAMBDA_STAGE or dev]",
)
@click.option(
    "--app", "target", metavar="TARGET", help='Here: the App, "module:attribute", where there are several.'
)
@click.option("--alone", is_flag=True, help="Here: in a process of its own, though `microlambda local` runs.")
@profile_option
@region_option
@click.option(
    "--log/--no-log",
    default=True,
    help="With --remote, print the end of the log (the default) or not; here it always is.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print the answer, the log, the time and the memory as JSON."
)
@click.option("--payload", hidden=True, expose_value=False, callback=_refuse_payload)
def command(
    name: str,
    *,
    event: str | None,
    remote: bool,
    stage: str | None,
    target: str | None,
    alone: bool,
    profile: str | None,
    region: str | None,
    log: bool,
    as_json: bool,
) -> None:
    """Call the function NAME (http, if none is given) once, and print what it answers.

    Here it runs in a process of its own, with the environment and the timeout of the stage `local`, closed to
    AWS; or, where `microlambda local` runs for the project, from there, with the AWS inside that. What it
    prints and logs goes to standard error, the answer alone to standard output; with --json everything is in
    one object.

    Exit codes: 0, 1 where the function failed, 2 for a mistake in the command, 3 where it answered that some
    records of a batch failed.
    """
    if remote and (target is not None or alone):
        word = "--app" if target is not None else "--alone"
        raise click.UsageError(f"{word} is for a call on this machine; on AWS is what was deployed.")
    if not remote and (profile or region):
        word = "--profile" if profile else "--region"
        raise click.UsageError(f"{word} is for a call on AWS: add --remote.")
    given = read_event(event)
    if remote:
        stage = stage or os.environ.get("MICROLAMBDA_STAGE") or "dev"
        called = on_aws(name, given, stage=stage, profile=profile, region=region, log=log or as_json)
    else:
        stage = stage or "local"
        called = here(name, given, stage=stage, target=target, alone=alone, quiet=as_json)
    if as_json:
        _end_as_json(called)
    if remote and called.log:
        click.echo(called.log.rstrip("\n"), err=True)
    if called.error is not None:
        raise called.error
    click.echo(called.payload)
    if failed := called.failed_records:
        word = "record" if len(failed) == 1 else "records"
        click.echo(f"{name!r} reported {len(failed)} {word} as failed: {', '.join(failed)}", err=True)
        click.get_current_context().exit(SOME_FAILED)


def _end_as_json(called: Called) -> NoReturn:
    click.echo(json.dumps(called.as_data(), indent=2))
    code = SOME_FAILED if called.failed_records else 0
    sys.exit(code if called.error is None else called.error.exit_code)


# The event --------------------------------------------------------------


def read_event(text: str | None) -> bytes:
    """Read the event from where `--event` says, and make sure that it is JSON."""
    if text is None:
        content, place = "" if sys.stdin.isatty() else _standard_input(), "what came from standard input"
        if not content.strip():
            return b"{}"
    elif text == "-":
        content, place = _standard_input(), "what came from standard input"
    elif text.lstrip()[:1] in ("{", "["):
        content, place = text, "this"
    else:
        content, place = _file(Path(text)), text
    try:
        json.loads(content)
    except ValueError as exc:
        raise click.BadParameter(f"{place} is no JSON: {exc}", param_hint="--event") from exc
    return content.encode()


def _standard_input() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise click.BadParameter(f"standard input is no UTF-8: {exc}", param_hint="--event") from exc


def _file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as exc:
        why = getattr(exc, "strerror", None) or exc
        hint = " Write a file's name without the @." if str(path).startswith("@") else ""
        message = (
            f"{path} is no JSON, which begins with {{ or [, and as a file it cannot be read: {why}.{hint}"
        )
        raise click.BadParameter(message, param_hint="--event") from exc
