"""`microlambda`: the list of commands, and what happens when one of them fails.

Each command is a module beside this one with a click command called `command`. The list below knows their
names and one line about each, so `microlambda --help` imports none of them, nor what they need.
"""

from __future__ import annotations

import difflib
import importlib
import traceback
from typing import Any

import click

from microlambda.project.errors import AppImportFailed, ToolError
from microlambda.project.signals import interruptible

COMMANDS = {
    "new": "Make a project: an app, its settings, its first test.",
    "local": "Serve the app on this machine, with reload.",
    "routes": "List the app's routes.",
    "plan": "Show what a deploy would change.",
    "deploy": "Put the app on AWS; with --local, into an AWS on this machine.",
    "status": "Show what runs, which version, since when.",
    "url": "Print the URL of the deployed app.",
    "logs": "Show what the deployed app logged.",
    "event": "Print a sample event of a source.",
    "invoke": "Call one function with an event, here or on AWS.",
    "manage": "Run a management command of Django's, on AWS or here.",
    "rollback": "Let the version before serve again.",
    "delete": "Remove what deploy made.",
    "package": "Build the archive that Lambda runs.",
}

#: What a shell reports for a program that Ctrl-C ended: 128 and the number of SIGINT.
INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group that imports a command when it is called, and ends it with one message when it fails."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name the commands, in the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import the module of one command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"microlambda.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the commands from the table, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for a name that is none, say which one was probably meant."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = difflib.get_close_matches(name, COMMANDS, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Commands: {', '.join(COMMANDS)}."
            ctx.fail(f"No such command {name!r}. {hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a ToolError is printed, and any other error is a bug that keeps its traceback."""
        try:
            with interruptible():
                return super().invoke(ctx)
        except ToolError as exc:
            click.echo(described(exc), err=True)
            ctx.exit(exc.exit_code)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)


def described(error: ToolError) -> str:
    """Write an error as the user reads it: name and message, then its notes or the user's own traceback."""
    notes = list(getattr(error, "__notes__", ()))
    if not notes and isinstance(error, AppImportFailed) and error.__cause__ is not None:
        notes.append("".join(traceback.format_exception(error.__cause__)).rstrip())
    return "\n".join([f"{type(error).__name__}: {error}", *notes])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="microlambda", prog_name="microlambda", message="%(prog)s %(version)s")
def main() -> None:
    """Write app.py, serve it, test it, deploy it to AWS Lambda."""
