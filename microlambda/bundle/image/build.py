"""From a project to the build context of an image: as archives where that can be, else with a compiler."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from microlambda.bundle.bundle import build
from microlambda.bundle.chosen import common_requirements
from microlambda.bundle.errors import NoFittingWheel
from microlambda.bundle.image.app_path import app_path
from microlambda.bundle.image.context import Image, write_image
from microlambda.bundle.parts import Bundle, Shape, archive_name
from microlambda.bundle.selection import selections

if TYPE_CHECKING:
    from collections.abc import Callable

    from microlambda.bundle.target import Target
    from microlambda.project.layout import ModulePlace
    from microlambda.project.settings import Settings

HTTP = "http"


@dataclass(frozen=True, kw_only=True)
class BuiltImage:
    """A build context, and what there is to say of what went into it."""

    image: Image
    notes: tuple[str, ...]


def build_image(
    settings: Settings,
    place: ModulePlace,
    *,
    target: Target,
    out: Path,
    say: Callable[[str], None],
    resolver: str | None = None,
    refresh: bool = False,
) -> BuiltImage:
    """Write the build context of the app's image into the folder `out`.

    Dependencies are those that all functions share. Where one of them has no wheel for the target, all are
    installed by the image's own build, which has a compiler.
    """
    settings = replace(settings, single_archive=False)
    path = app_path(place)

    def made(shape: Shape, folder: Path) -> Bundle:
        return build(
            settings,
            place.module,
            place.import_root,
            target=target,
            out=folder,
            say=say,
            resolver=resolver,
            refresh=refresh,
            shape=shape,
        )

    with TemporaryDirectory(prefix="microlambda-image-") as name:
        because = ""
        try:
            bundle = made(Shape.IMAGE, Path(name))
        except NoFittingWheel as exc:
            because = str(exc)
            bundle = made(Shape.IMAGE_OF_CODE, Path(name))
        function = settings.function(HTTP)
        image = write_image(
            out / f"{archive_name(settings).removesuffix('.zip')}-image",
            bundle.code.archive,
            [part.archive for part in bundle.layers if not part.functions],
            target=target,
            app_path=path,
            name=archive_name(settings).removesuffix(".zip"),
            requirements=common_requirements(settings, target) if because else None,
            because=because,
            timeout=function.timeout,
            memory=function.memory,
        )
    return BuiltImage(image=image, notes=(*bundle.notes, *_own_notes(settings)))


def _own_notes(settings: Settings) -> list[str]:
    """Say which functions ask for more than what is in the image."""
    return [
        f"the image has no {one}, which {', '.join(one.functions)} asks for. "
        "Name it at the top of the settings to have it in the image."
        for one in selections(settings)
        if one.functions
    ]
