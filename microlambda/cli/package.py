"""`microlambda package`: the archive that Lambda runs, as a file."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from microlambda.cli.options import project_root, stage_option, target_argument
from microlambda.project.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from microlambda.bundle.bundle import Bundle

_MB = 1024 * 1024


@click.command(short_help="Build the archive that Lambda runs.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build"),
    show_default=True,
    metavar="FOLDER",
    help="Where the archive is written.",
)
@stage_option
@click.option("--resolver", type=click.Choice(["uv", "pip"]), help="uv where it is installed, otherwise pip.")
@click.option("--refresh", is_flag=True, help="Resolve the dependencies anew, whatever the cache holds.")
@target_argument
def command(out: Path, stage: str, resolver: str | None, refresh: bool, target: str | None) -> None:
    """Build the zip archive that Lambda runs: code, dependencies and runtime.

    The dependencies are those of the target: the Python version and the architecture that the settings
    name. TARGET is the app, "module:attribute"; its module is found and not imported.
    """
    from microlambda.bundle.bundle import archive_path, build
    from microlambda.bundle.target import Target
    from microlambda.project.layout import locate
    from microlambda.project.settings import load_settings

    root = project_root()
    settings = load_settings(root, stage)
    with _older_named(archive_path(settings, out)):
        place = locate(root, target or settings.app)
        bundle = build(
            settings,
            place.module,
            place.import_root,
            target=Target.for_lambda(settings.python, settings.architecture),
            out=out.resolve(),
            say=click.echo,
            resolver=resolver,
            refresh=refresh,
        )
    _report(bundle, out)


@contextmanager
def _older_named(archive: Path) -> Iterator[None]:
    """Say of an archive that a failed run leaves where it was that it is an earlier one."""
    try:
        yield
    except ToolError as exc:
        if archive.is_file():
            exc.add_note(f"{archive} is the archive of an earlier run; this one made none.")
        raise


def _report(bundle: Bundle, out: Path) -> None:
    for note in bundle.notes:
        click.echo(f"Note: {note}")
    count = len(bundle.packages)
    packages = "no packages" if count == 0 else "1 package" if count == 1 else f"{count} packages"
    click.echo(
        f"{out / bundle.archive.name}: {bundle.size / _MB:.1f} MB, "
        f"{bundle.unpacked_size / _MB:.1f} MB unpacked, {packages}"
    )
