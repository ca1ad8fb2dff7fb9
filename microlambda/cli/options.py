"""The options and arguments that commands share, so that each means the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

Command = TypeVar("Command", bound="Callable[..., object] | click.Command")

stage_option = click.option(
    "--stage",
    envvar="MICROLAMBDA_STAGE",
    default="dev",
    show_default=True,
    show_envvar=True,
    metavar="STAGE",
    help="The stage whose settings and resources are meant.",
)

profile_option = click.option(
    "--profile",
    metavar="PROFILE",
    help="A profile of the AWS configuration; otherwise what AWS_PROFILE or the environment says.",
)

region_option = click.option(
    "--region", metavar="REGION", help="An AWS region, over the one of the settings and of the profile."
)

adopt_option = click.option(
    "--adopt",
    is_flag=True,
    help="Take over what has a planned name and is not this project's, instead of refusing.",
)

target_argument = click.argument("target", required=False, metavar="[TARGET]")


def aws_options(command: Command) -> Command:
    """Add `--stage`, `--profile` and `--region`: what each command that speaks to AWS takes."""
    return stage_option(profile_option(region_option(command)))


def note(line: str) -> None:
    """Say what is no part of the output that programs read, beside it."""
    click.echo(line, err=True)


def project_root() -> Path:
    """Find the project that the command runs in: the current folder, or the one above it with settings."""
    from microlambda.project.settings import find_project

    return find_project(Path.cwd())
