"""`microlambda package`: the archives that Lambda runs, as files, or the build context of an image."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from microlambda.cli.options import project_root, stage_option, target_argument
from microlambda.project.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from microlambda.bundle.code.trial import Trial
    from microlambda.bundle.parts import Bundle, Part
    from microlambda.bundle.target import Target
    from microlambda.project.layout import ModulePlace
    from microlambda.project.pieces import FunctionPieces
    from microlambda.project.settings import Settings

_MB = 1024 * 1024


@click.command(short_help="Build the archives that Lambda runs.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build"),
    show_default=True,
    metavar="FOLDER",
    help="Where the archives are written.",
)
@stage_option
@click.option("--resolver", type=click.Choice(["uv", "pip"]), help="uv where it is installed, otherwise pip.")
@click.option("--single", is_flag=True, help="One archive, with the dependencies in it and not in a layer.")
@click.option(
    "--image", "as_image", is_flag=True, help="Write the build context of a container image instead."
)
@click.option("--check", is_flag=True, help="Import the app from the archives alone, in a clean process.")
@click.option("--report", "with_report", is_flag=True, help="Show what takes the room, and time the import.")
@click.option("--refresh", is_flag=True, help="Resolve the dependencies anew, whatever the cache holds.")
@target_argument
def command(
    out: Path,
    stage: str,
    resolver: str | None,
    target: str | None,
    *,
    single: bool,
    as_image: bool,
    check: bool,
    with_report: bool,
    refresh: bool,
) -> None:
    """Build what Lambda runs: the code with the runtime, and the dependencies, as a layer.

    The dependencies are those of the target: the Python version and the architecture that the settings
    name. TARGET is the app, "module:attribute"; its module is found and not imported, but for --check and
    --report, from the archives alone.
    """
    from microlambda.project.attribute import check_attribute
    from microlambda.project.layout import locate
    from microlambda.project.settings import load_settings

    if as_image and (single or check or with_report):
        raise click.UsageError(
            "--image goes with none of --single, --check and --report: it makes no archives."
        )
    root = project_root()
    settings = load_settings(root, stage)
    settings = replace(settings, single_archive=settings.single_archive or single)
    packaging = _Packaging(settings=settings, out=out, resolver=resolver, refresh=refresh)
    with _older_named(packaging.archive):
        place = locate(root, target or settings.app)
        check_attribute(place)
        bundle = None
        if as_image:
            packaging.image(place)
        else:
            bundle = packaging.archives(place)
    if bundle is None:
        return
    if with_report:
        trial = packaging.try_import(bundle.pieces.common, bundle, place.module)
        packaging.report(bundle, trial)
        trial.refuse_missing()
    if check:
        packaging.check(bundle, place.module)


@dataclass(frozen=True, kw_only=True)
class _Packaging:
    """What to make and where."""

    settings: Settings
    out: Path
    resolver: str | None
    refresh: bool

    @property
    def target(self) -> Target:
        """Give what it is made for."""
        from microlambda.bundle.target import Target

        return Target.for_lambda(self.settings.python, self.settings.architecture)

    @property
    def archive(self) -> Path:
        """Name the archive of the code."""
        from microlambda.bundle.parts import archive_name

        return self.out / archive_name(self.settings)

    def archives(self, place: ModulePlace) -> Bundle:
        """Write archives, and say what is in them."""
        from microlambda.bundle.bundle import build

        bundle = build(
            self.settings,
            place.module,
            place.import_root,
            target=self.target,
            out=self.out.resolve(),
            say=click.echo,
            resolver=self.resolver,
            refresh=self.refresh,
        )
        _tell_notes(bundle.notes)
        _tell(bundle, self.out)
        return bundle

    def try_import(self, pieces: FunctionPieces, bundle: Bundle, module: str) -> Trial:
        """Import the app from the archives of one function, or of those that have none of their own."""
        from microlambda.bundle.code.trial import try_import

        archives = [bundle.part(piece.key).archive for piece in pieces.all]
        return try_import(archives, module, self.target)

    def check(self, bundle: Bundle, module: str) -> None:
        """Import the app as each function has it; what is missing, or could not be tried, is an error."""
        own: dict[FunctionPieces, list[str]] = {}
        for name, pieces in bundle.pieces.own.items():
            own.setdefault(pieces, []).append(name)
        for pieces, names in {bundle.pieces.common: [], **own}.items():
            trial = self.try_import(pieces, bundle, module)
            whose = f" of {', '.join(names)}" if names else ""
            if trial.is_imported:
                click.echo(f"The app imports from its archives{whose} alone: {trial.summary}")
                continue
            trial.refuse_missing()
            trial.refuse_untried()
            _tell_notes(trial.notes)

    def report(self, bundle: Bundle, trial: Trial) -> None:
        """Print the report, and write it as a page."""
        from rich.console import Console

        from microlambda.bundle.report.page import as_html
        from microlambda.bundle.report.report import Report
        from microlambda.bundle.report.text import as_text

        report = Report.of(bundle, name=self.archive.stem, target=str(self.target), trial=trial)
        as_text(report, Console())
        page = self.out / f"{self.archive.stem}-report.html"
        page.write_text(as_html(report), encoding="utf-8")
        click.echo(f"{page}: the report as a page")

    def image(self, place: ModulePlace) -> None:
        """Write the build context of an image, and say what to run next."""
        from microlambda.bundle.image.build import build_image

        built = build_image(
            self.settings,
            place,
            target=self.target,
            out=self.out.resolve(),
            say=click.echo,
            resolver=self.resolver,
            refresh=self.refresh,
        )
        _tell_notes(built.notes)
        click.echo(built.image.text)


@contextmanager
def _older_named(archive: Path) -> Iterator[None]:
    """Say of an archive that a failed run leaves where it was that it is an earlier one."""
    try:
        yield
    except ToolError as exc:
        if archive.is_file():
            exc.add_note(f"{archive} is the archive of an earlier run; this one made none.")
        raise


def _tell_notes(notes: tuple[str, ...]) -> None:
    for note in notes:
        click.echo(f"Note: {note}")


def _tell(bundle: Bundle, out: Path) -> None:
    if bundle.left_out:
        click.echo(bundle.left_out)
    for part in bundle.parts:
        click.echo(
            f"{out / part.archive.name}: {part.size / _MB:.1f} MB, {part.unpacked_size / _MB:.1f} MB unpacked"
            f"{_holds(part, bundle)}"
        )


def _holds(part: Part, bundle: Bundle) -> str:
    """Say what is in an archive: packages, and whose they are where not all functions have them."""
    count = len(part.packages)
    packages = "no packages" if count == 0 else "1 package" if count == 1 else f"{count} packages"
    if part.is_layer:
        packages = f"the layer of {packages}"
    elif bundle.layers:
        packages = "the code"
    of = f", for {', '.join(part.functions)} alone" if part.functions else ""
    return f", {packages}{of}"
