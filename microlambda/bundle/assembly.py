"""Putting archives together: the code with the runtime, the dependencies beside it or with it."""

from __future__ import annotations

import glob
import shutil
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from microlambda.bundle import fingerprint
from microlambda.bundle.archive import SMALLEST, names, staging, write_archive
from microlambda.bundle.code.lacking import check_complete
from microlambda.bundle.code.sources import top_level
from microlambda.bundle.inputs.requirement_lines import OURS
from microlambda.bundle.libraries import named_libraries, required_libraries
from microlambda.bundle.limits import direct_upload_notes, refuse_too_large
from microlambda.bundle.parts import Bundle, Part, Shape, archive_name, bundle_name
from microlambda.bundle.slim.account import Removed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from microlambda.bundle.code.follow import Imports
    from microlambda.bundle.code.sources import Sources
    from microlambda.bundle.dependencies import Dependencies
    from microlambda.bundle.fingerprint import Wanted
    from microlambda.bundle.own_code import OwnCode
    from microlambda.bundle.target import Target
    from microlambda.project.pieces import Piece
    from microlambda.project.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """What the archives are made of, and where they go."""

    settings: Settings
    target: Target
    out: Path
    sources: Sources
    code: OwnCode
    imports: Imports
    shape: Shape
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name the bundle as its files are."""
        return bundle_name(self.settings)


def assemble(assembly: Assembly, every: Sequence[Wanted], prepared: Sequence[Dependencies]) -> Bundle:
    """Write the archives beside their places, look whether Lambda takes them, and put them there together."""
    notes = [note for one in every for note in one.requirements.notes]
    notes += [
        *assembly.notes,
        *assembly.sources.notes,
        *(note for one in prepared for note in one.notes),
        *assembly.code.notes,
    ]
    with staging(assembly.out) as folder:
        parts = list(_write_code(assembly, every, prepared, folder, notes))
        parts += _write_layers(assembly, every, prepared, folder)
        for one, dependencies in zip(every, prepared, strict=True):
            others = [other for other in prepared if other is not dependencies]
            notes += _check(assembly, one, dependencies, others, parts)
        placed = [_placed(part, assembly.out) for part in parts]
    if assembly.shape is Shape.ARCHIVES:
        for part in placed:
            notes += direct_upload_notes(part.archive.name, part.size, part.packages)
    notes += _older_notes(assembly, placed)
    return Bundle(
        parts=tuple(placed),
        pieces=fingerprint.as_pieces(every),
        removed=total_removed(one.removed for one in prepared),
        notes=tuple(dict.fromkeys(notes)),
    )


def _write_code(
    assembly: Assembly,
    every: Sequence[Wanted],
    prepared: Sequence[Dependencies],
    folder: Path,
    notes: list[str],
) -> Iterator[Part]:
    """Write one archive of code for each set of inputs; with a single archive its dependencies are in it."""
    if not assembly.settings.single_archive:
        path = folder / archive_name(assembly.settings)
        yield _code_beside_layers(assembly, every, prepared, path, notes)
        return
    for piece, dependencies, functions in _shared([one.code for one in every], every, prepared):
        path = folder / archive_name(assembly.settings, piece.key.removeprefix(fingerprint.CODE))
        part = _code_with_dependencies(assembly, piece, dependencies, path, notes)
        yield replace(part, functions=functions)


def _shared(
    pieces: Sequence[Piece | None], every: Sequence[Wanted], prepared: Sequence[Dependencies]
) -> Iterator[tuple[Piece, Dependencies, tuple[str, ...]]]:
    """Give each piece once, with the functions that have it alone: none where it is the common one's, too."""
    for piece in dict.fromkeys(one for one in pieces if one is not None):
        of = [number for number, one in enumerate(pieces) if one == piece]
        users = [name for number in of for name in every[number].selection.functions]
        is_common = any(every[number].selection.is_common for number in of)
        yield piece, prepared[of[0]], () if is_common else tuple(users)


def _code_beside_layers(
    assembly: Assembly,
    every: Sequence[Wanted],
    prepared: Sequence[Dependencies],
    path: Path,
    notes: list[str],
) -> Part:
    """Write the code alone: on Lambda's path it stands before the layers, whatever they hold.

    A library of the runtime's is left to the layers where all requirements name it. What they only come to
    may be otherwise in a layer that was made on another day.
    """
    present = [one.names for one in prepared]
    in_all = set.intersection(
        *(
            named_libraries(one.requirements.direct) & required_libraries(names)
            for one, names in zip(every, present, strict=True)
        )
    )
    entries = assembly.code.without(in_all - assembly.sources.regular)
    unpacked = write_archive(path, entries, level=SMALLEST)
    hidden = {top_level(name) for names in present for name in names} & assembly.sources.regular
    notes += _hiding(hidden, "is not used")
    return Part(key=fingerprint.CODE, archive=path, size=path.stat().st_size, unpacked_size=unpacked)


def _code_with_dependencies(
    assembly: Assembly, piece: Piece, dependencies: Dependencies, path: Path, notes: list[str]
) -> Part:
    """Write code and dependencies into one archive.

    Of a module that the project and a dependency both have, the project's ships; a library of the runtime's
    that is among the dependencies, as they have it.
    """
    present, regular = dependencies.names, assembly.sources.regular
    entries = assembly.code.without(required_libraries(present) - regular)
    taken = {entry.name for entry in entries}
    # Beside a module of ours without its source, Python would take a source of that name.
    taken |= {name.removesuffix("c") for name in taken if name.endswith(".pyc")}
    dropped = {name for name in present if name in taken or top_level(name) in {*regular, OURS}}
    keep = (lambda name: name not in dropped) if dropped else None
    unpacked = write_archive(path, entries, base=dependencies.archive, keep=keep, level=SMALLEST)
    notes += _hiding({top_level(name) for name in dropped} - {OURS}, "is left out")
    return Part(
        key=piece.key,
        archive=path,
        size=path.stat().st_size,
        unpacked_size=unpacked,
        packages=dependencies.packages,
    )


def _older_notes(assembly: Assembly, placed: Sequence[Part]) -> list[str]:
    """Name the archives that an earlier run left beside these, of another form or other groups."""
    mine = {part.archive.name for part in placed}
    found = [path.name for path in sorted(assembly.out.glob(f"{glob.escape(assembly.name)}-*.zip"))]
    return [f"{name} is of an earlier run, and no part of this bundle." for name in found if name not in mine]


def _placed(part: Part, out: Path) -> Part:
    return replace(part, archive=part.archive.replace(out / part.archive.name))


def _hiding(hidden: Collection[str], what: str) -> list[str]:
    return [
        f"{name} of the project hides the dependency of the same name, which {what}."
        for name in sorted(hidden)
    ]


def _write_layers(
    assembly: Assembly, every: Sequence[Wanted], prepared: Sequence[Dependencies], folder: Path
) -> Iterator[Part]:
    for piece, dependencies, functions in _shared([one.layer for one in every], every, prepared):
        if dependencies.archive is None:  # an image that installs them itself
            continue
        path = folder / archive_name(assembly.settings, f"-{piece.key}")
        shutil.copyfile(dependencies.archive, path)
        yield Part(
            key=piece.key,
            archive=path,
            size=path.stat().st_size,
            unpacked_size=dependencies.unpacked_size,
            is_layer=True,
            packages=dependencies.packages,
            functions=functions,
        )


def _check(
    assembly: Assembly,
    one: Wanted,
    dependencies: Dependencies,
    others: Sequence[Dependencies],
    parts: Sequence[Part],
) -> tuple[str, ...]:
    """Refuse what could not run: more than Lambda unpacks, or an app whose imports the archives lack."""
    own = [part for part in parts if part.key in {piece.key for piece in one.pieces.all}]
    unpacked = sum(part.unpacked_size for part in own)
    if assembly.shape is Shape.ARCHIVES:
        refuse_too_large(unpacked, assembly.name, one.selection, dependencies.packages)
    if assembly.shape is Shape.IMAGE_OF_CODE:
        return ()  # what its build installs is not known here
    code = {name for part in own if not part.is_layer for name in names(part.archive)}
    return check_complete(
        assembly.imports,
        code | set(dependencies.names),
        assembly.target,
        requirements=one.requirements.label if one.requirements.direct else "",
        elsewhere=[name for other in others for name in other.names],
    )


def total_removed(every: Iterable[tuple[Removed, ...]]) -> tuple[Removed, ...]:
    """Add up what was taken from the dependencies of all selections, the largest first."""
    files: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for removed in every:
        files.update({one.what: one.files for one in removed})
        sizes.update({one.what: one.size for one in removed})
    return tuple(Removed(what=what, files=files[what], size=size) for what, size in sizes.most_common())
