"""The build context of a container image: a folder with a Dockerfile and all that it copies."""

from __future__ import annotations

import os
import re
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from microlambda.bundle.cache import filling
from microlambda.bundle.errors import BundleError, BundleTooLarge
from microlambda.bundle.image.dockerfile import CODE, DEPENDENCIES, INSTALLING, dockerfile, is_ours
from microlambda.bundle.image.installation import installation_of
from microlambda.bundle.image.next_steps import next_steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from microlambda.bundle.inputs.requirements import Requirements
    from microlambda.bundle.target import Target

#: Of an image, uncompressed. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
IMAGE_LIMIT = 10 * 1024**3  # bytes

_MB = 1024 * 1024

#: What asks for a source, before what is wrong with it: "requirements.txt:1: lib (./lib) gives ...".
_PLACE = re.compile(r"[^\s:]+(?::\d+)?: ")

#: 1980-01-01, the date of the entries of our archives: with it Docker makes the same layer of the same files.
_DATE = 315_532_800

#: Nothing but what the Dockerfile copies, whatever else comes into the folder.
_IGNORED = f"*\n!{CODE}\n!{DEPENDENCIES}\n!{INSTALLING}\n"


@dataclass(frozen=True, kw_only=True)
class Image:
    """A build context; `unpacked_size` (bytes) is without the base image, `text` says what to run next."""

    folder: Path
    unpacked_size: int
    text: str


def write_image(
    folder: Path,
    code: Path,
    layers: Sequence[Path],
    *,
    target: Target,
    app_path: str,
    name: str,
    requirements: Requirements | None = None,
    because: str = "",
    timeout: int = 30,
    memory: int = 256,
) -> Image:
    """Write the build context into `folder`, whole or not at all.

    `code` is an archive of the code alone, `layers` are archives of layers; `app_path` is "module:attribute".
    With `requirements` there are no layers: the image's build installs them, with a compiler at hand;
    `because` is the error that made it so. A folder that an earlier run wrote is replaced, any other refused.
    """
    if requirements is not None and layers:
        raise ValueError("the dependencies of an image are layers or are installed, not both")
    _refuse_foreign(folder)
    unpacked = sum(_size(archive) for archive in (code, *layers))
    _refuse_too_large(unpacked)
    is_asked = requirements is not None and bool(requirements.lines or requirements.sources)
    installation = installation_of(requirements) if requirements is not None and is_asked else None
    fact = _fact(because)
    with filling(folder, replace=folder.exists()) as work:
        _unpack([code], work / CODE)
        if layers:
            _unpack(layers, work / DEPENDENCIES)
        if installation is not None:
            installation.write(work / INSTALLING)
        text = dockerfile(
            target, app_path, has_dependencies=bool(layers), installation=installation, because=fact
        )
        (work / "Dockerfile").write_text(text, encoding="utf-8")
        (work / ".dockerignore").write_text(_IGNORED, encoding="utf-8")
        _date(work)
    steps = next_steps(folder, name, target, installation=installation, timeout=timeout, memory=memory)
    return Image(folder=folder, unpacked_size=unpacked, text=_summary(folder, target, unpacked, fact) + steps)


def _refuse_foreign(folder: Path) -> None:
    is_free = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    if not is_free and not is_ours(folder):
        raise BundleError(
            f"{folder} is there and is no build context that `microlambda package --image` wrote, "
            "so it is not replaced. Move it away, or choose another folder with --out."
        )


def _size(archive: Path) -> int:
    with zipfile.ZipFile(archive) as opened:
        return sum(info.file_size for info in opened.infolist())


def _refuse_too_large(unpacked: int) -> None:
    if unpacked > IMAGE_LIMIT:
        raise BundleTooLarge(
            f"code and dependencies unpack to {unpacked / _MB:.0f} MB; Lambda takes images of up to 10 GB. "
            "Leave out what the app does not need, or read large data from S3 or EFS."
        )


def _unpack(archives: Iterable[Path], folder: Path) -> None:
    """Unpack archives over one another, as Lambda does with layers; all can be read by Lambda's own user."""
    folder.mkdir()
    for archive in archives:
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                path = folder.joinpath(*info.filename.split("/"))
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(opened.read(info))
                path.chmod(0o755 if info.external_attr >> 16 & 0o100 else 0o644)


def _date(folder: Path) -> None:
    """Give everything one date, and every folder its permissions, whatever this user's are by default."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            path.chmod(0o755)
        os.utime(path, (_DATE, _DATE))


def _fact(error: str) -> str:
    """Take out of an error what is the case, without what to do about it: that is done here."""
    where = _PLACE.match(error)
    start = where.end() if where else 0  # a place ends in what the fact ends in, too
    return error[:start] + re.split(r": |\. |\n", error[start:], maxsplit=1)[0].removesuffix(".")


def _summary(folder: Path, target: Target, unpacked: int, because: str) -> str:
    built = f"Its dependencies are built with it: {because}.\n" if because else ""
    return (
        f"{folder}: the build context of an image for {target}, "
        f"{unpacked / _MB:.1f} MB without the base image.\n"
        f"{built}Lambda takes images of up to 10 GB, and starts a large one more slowly.\n\n"
    )
