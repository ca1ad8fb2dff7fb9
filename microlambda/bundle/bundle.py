"""Making the bundle: the app's code with the runtime, and its dependencies, in archives that Lambda runs."""

from __future__ import annotations

import glob
import re
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from microlambda.bundle import fingerprint
from microlambda.bundle.archive import SMALLEST, names, staging, write_archive
from microlambda.bundle.cache import cache_folder
from microlambda.bundle.code.follow import follow
from microlambda.bundle.code.lacking import check_complete
from microlambda.bundle.code.sources import file_of_module, find_sources, top_level
from microlambda.bundle.dependencies import Dependencies, Layout, prepare
from microlambda.bundle.errors import BundleError
from microlambda.bundle.inputs.requirement_lines import OURS
from microlambda.bundle.interruption import unwinding
from microlambda.bundle.libraries import required_libraries
from microlambda.bundle.limits import direct_upload_notes, refuse_too_large
from microlambda.bundle.own_code import OwnCode, compile_project, compile_runtime, refuse_broken_app
from microlambda.bundle.slim.account import Removed
from microlambda.bundle.sweeping import sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from microlambda.bundle.code.follow import Imports
    from microlambda.bundle.code.sources import Sources
    from microlambda.bundle.fingerprint import Wanted
    from microlambda.bundle.slim.account import Package
    from microlambda.bundle.target import Target
    from microlambda.project.pieces import Piece, Pieces
    from microlambda.project.settings import Settings


_MB = 1024 * 1024

#: As many kinds of what was left out are named in one line; the report has them all.
_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Part:
    """One archive; sizes are in bytes. `functions` are those that have it alone, empty for all."""

    key: str
    archive: Path
    size: int
    unpacked_size: int
    is_layer: bool = False
    packages: tuple[Package, ...] = ()
    functions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """What Lambda runs: the archives, the code of the most functions first, and what was left out of them."""

    parts: tuple[Part, ...]
    pieces: Pieces
    label: str
    removed: tuple[Removed, ...] = ()
    notes: tuple[str, ...] = ()

    def part(self, key: str) -> Part:
        """Give the archive of this key."""
        return next(one for one in self.parts if one.key == key)

    @property
    def code(self) -> Part:
        """Give the archive of the code that most functions share."""
        return self.parts[0]

    @property
    def layers(self) -> tuple[Part, ...]:
        """Give the archives that are layers."""
        return tuple(one for one in self.parts if one.is_layer)

    @property
    def packages(self) -> tuple[Package, ...]:
        """List what was installed, each once, in order of names."""
        found = {(one.name, one.version): one for part in self.parts for one in part.packages}
        return tuple(found[place] for place in sorted(found))

    @property
    def left_out(self) -> str:
        """Say how much was taken from the dependencies, and of what most; empty where nothing was."""
        if not self.removed:
            return ""
        shown = ", ".join(f"{one.what} {one.size / _MB:.1f}" for one in self.removed[:_SHOWN])
        total = sum(one.size for one in self.removed)
        return f"Left out of the dependencies: {total / _MB:.1f} MB ({shown})"

    @property
    def inputs_hash(self) -> str:
        """Hash what decides all of it."""
        return fingerprint.total(self.pieces)


class Shape(Enum):
    """What the archives are for: Lambda, or a container image, which may be larger.

    An image may also install the dependencies itself; then there is the code alone.
    """

    ARCHIVES = "archives"
    IMAGE = "image"
    IMAGE_OF_CODE = "image of the code"


@dataclass(frozen=True, kw_only=True)
class _Making:
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
        return archive_name(self.settings).removesuffix(".zip")


def build(
    settings: Settings,
    module: str,
    import_root: Path,
    *,
    target: Target,
    out: Path,
    say: Callable[[str], None],
    resolver: str | None = None,
    refresh: bool = False,
    shape: Shape = Shape.ARCHIVES,
) -> Bundle:
    """Make the archives of the app whose module is `module`, in the folder `out`; never imports the app.

    `resolver` is "uv" or "pip"; the best that is installed otherwise. `refresh` resolves anew what is in the
    cache. What fails raises a `ToolError` and leaves `out` as it was.
    """
    order = _Order(settings=settings, target=target, say=say, resolver=resolver, refresh=refresh, shape=shape)
    with unwinding(), _explained():
        imports = follow(settings.root, import_root, module, target)
        read = fingerprint.read_all(settings, target)
        sources = find_sources(
            settings, import_root, out=out, imports=imports, projects=fingerprint.local_projects(read)
        )
        native = _check_native(sources, target)
        every = fingerprint.wanted(settings, sources, target, read)
        say(f"Requirements: {every[0].requirements.label}")
        say(f"Target: {target}")
        own = file_of_module(sources, module)
        project = compile_project(sources, target)
        refuse_broken_app(own, project, settings.root, target)
        prepared, runtime = _prepare(order, every, sources)
        sweep(cache_folder())
        making = _Making(
            settings=settings,
            target=target,
            out=out,
            sources=sources,
            code=project + runtime,
            imports=imports,
            shape=shape,
            notes=(*imports.notes, *native),
        )
        return _write_all(making, every, prepared)


@dataclass(frozen=True, kw_only=True)
class _Order:
    """How dependencies are to be made."""

    settings: Settings
    target: Target
    say: Callable[[str], None]
    resolver: str | None
    refresh: bool
    shape: Shape

    def prepare(self, one: Wanted) -> Dependencies:
        """Give the dependencies of one selection; the build of an image may install them itself."""
        if self.shape is Shape.IMAGE_OF_CODE:
            return Dependencies(use_us=True)  # for all that is known of them
        return prepare(
            one.requirements,
            self.target,
            options=fingerprint.slim_options(self.settings),
            layout=Layout.CODE if self.settings.single_archive else Layout.LAYER,
            root=self.settings.root,
            resolver=self.resolver,
            refresh=self.refresh,
            say=self.say,
        )


def _prepare(order: _Order, every: Sequence[Wanted], sources: Sources) -> tuple[list[Dependencies], OwnCode]:
    """Prepare all dependencies, and meanwhile compile what of the runtime the project can need.

    Where dependencies use microlambda too, all of it can be needed.
    """
    with ThreadPoolExecutor(1) as pool:
        compiling = pool.submit(compile_runtime, sources, order.target, whole=False)
        made: dict[tuple[Piece, ...], Dependencies] = {}
        for one in every:
            if one.pieces.all not in made:
                made[one.pieces.all] = order.prepare(one)
        runtime = compiling.result()
    prepared = [made[one.pieces.all] for one in every]
    if any(one.use_us for one in prepared):
        runtime = compile_runtime(sources, order.target, whole=True)
    return prepared, runtime


def total_removed(every: Iterable[tuple[Removed, ...]]) -> tuple[Removed, ...]:
    """Add up what was taken from the dependencies of all selections, the largest first."""
    files: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for removed in every:
        files.update({one.what: one.files for one in removed})
        sizes.update({one.what: one.size for one in removed})
    return tuple(Removed(what=what, files=files[what], size=size) for what, size in sizes.most_common())


@contextmanager
def _explained() -> Iterator[None]:
    """Say of what the system refuses that it is the bundle which was not made."""
    try:
        yield
    except BrokenPipeError:
        raise  # whoever read the output has gone
    except OSError as exc:
        where = f" ({exc.filename})" if isinstance(exc.filename, str) else ""
        raise BundleError(
            f"the bundle could not be made: {exc.strerror or exc}{where}. "
            "Make room there or permit it, or name another place: --out, MICROLAMBDA_CACHE_DIR."
        ) from exc


def _check_native(sources: Sources, target: Target) -> list[str]:
    """Refuse native libraries of the project's own that the target could not load."""
    files = [(file.name, file.path) for file in sources.files if not file.name.endswith(".py")]
    if not files:
        return []
    from microlambda.bundle.slim.native import check_native, refuse_faults

    faults = check_native(files, target)
    return refuse_faults(faults, owner=lambda _name: None, accepted=lambda _name: False)


def _write_all(making: _Making, every: Sequence[Wanted], prepared: Sequence[Dependencies]) -> Bundle:
    """Write the archives beside their places, look whether Lambda takes them, and put them there together."""
    notes = [note for one in every for note in one.requirements.notes]
    notes += [
        *making.notes,
        *making.sources.notes,
        *(note for one in prepared for note in one.notes),
        *making.code.notes,
    ]
    with staging(making.out) as folder:
        parts = list(_write_code(making, every, prepared, folder, notes))
        parts += _write_layers(making, every, prepared, folder)
        for one, dependencies in zip(every, prepared, strict=True):
            others = [other for other in prepared if other is not dependencies]
            notes += _check(making, one, dependencies, others, parts)
        placed = [_placed(part, making.out) for part in parts]
    if making.shape is Shape.ARCHIVES:
        for part in placed:
            notes += direct_upload_notes(part.archive.name, part.size, part.packages)
    notes += _older_notes(making, placed)
    return Bundle(
        parts=tuple(placed),
        pieces=fingerprint.as_pieces(every),
        label=every[0].requirements.label,
        removed=total_removed(one.removed for one in prepared),
        notes=tuple(dict.fromkeys(notes)),
    )


def _write_code(
    making: _Making, every: Sequence[Wanted], prepared: Sequence[Dependencies], folder: Path, notes: list[str]
) -> Iterator[Part]:
    """Write one archive of code for each set of inputs; with a single archive its dependencies are in it."""
    if not making.settings.single_archive:
        yield _code_beside_layers(making, prepared, folder / archive_name(making.settings), notes)
        return
    for piece, dependencies, functions in _shared([one.code for one in every], every, prepared):
        path = folder / archive_name(making.settings, piece.key.removeprefix(fingerprint.CODE))
        part = _code_with_dependencies(making, piece, dependencies, path, notes)
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
    making: _Making, prepared: Sequence[Dependencies], path: Path, notes: list[str]
) -> Part:
    """Write the code alone: on Lambda's path it stands before the layers, whatever they hold."""
    present = [one.names for one in prepared]
    in_all = set.intersection(*(required_libraries(names) for names in present))
    entries = making.code.without(in_all - making.sources.regular)
    unpacked = write_archive(path, entries, level=SMALLEST)
    hidden = {top_level(name) for names in present for name in names} & making.sources.regular
    notes += _hiding(hidden, "is not used")
    return Part(key=fingerprint.CODE, archive=path, size=path.stat().st_size, unpacked_size=unpacked)


def _code_with_dependencies(
    making: _Making, piece: Piece, dependencies: Dependencies, path: Path, notes: list[str]
) -> Part:
    """Write code and dependencies into one archive.

    Of a module that the project and a dependency both have, the project's ships; a library of the runtime's
    that is among the dependencies, as they have it.
    """
    present, regular = dependencies.names, making.sources.regular
    entries = making.code.without(required_libraries(present) - regular)
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


def _older_notes(making: _Making, placed: Sequence[Part]) -> list[str]:
    """Name the archives that an earlier run left beside these, of another form or other groups."""
    mine = {part.archive.name for part in placed}
    found = [path.name for path in sorted(making.out.glob(f"{glob.escape(making.name)}-*.zip"))]
    return [f"{name} is of an earlier run, and no part of this bundle." for name in found if name not in mine]


def _placed(part: Part, out: Path) -> Part:
    return replace(part, archive=part.archive.replace(out / part.archive.name))


def _hiding(hidden: Collection[str], what: str) -> list[str]:
    return [
        f"{name} of the project hides the dependency of the same name, which {what}."
        for name in sorted(hidden)
    ]


def _write_layers(
    making: _Making, every: Sequence[Wanted], prepared: Sequence[Dependencies], folder: Path
) -> Iterator[Part]:
    for piece, dependencies, functions in _shared([one.layer for one in every], every, prepared):
        if dependencies.archive is None:  # an image that installs them itself
            continue
        path = folder / archive_name(making.settings, f"-{piece.key}")
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
    making: _Making,
    one: Wanted,
    dependencies: Dependencies,
    others: Sequence[Dependencies],
    parts: Sequence[Part],
) -> tuple[str, ...]:
    """Refuse what could not run: more than Lambda unpacks, or an app whose imports the archives lack."""
    own = [part for part in parts if part.key in {piece.key for piece in one.pieces.all}]
    unpacked = sum(part.unpacked_size for part in own)
    if making.shape is Shape.ARCHIVES:
        refuse_too_large(unpacked, making.name, one.selection, dependencies.packages)
    if making.shape is Shape.IMAGE_OF_CODE:
        return ()  # what its build installs is not known here
    code = {name for part in own if not part.is_layer for name in names(part.archive)}
    return check_complete(
        making.imports,
        code | set(dependencies.names),
        making.target,
        requirements=one.requirements.label if one.requirements.direct else "",
        elsewhere=[name for other in others for name in other.names],
    )


def archive_name(settings: Settings, suffix: str = "") -> str:
    """Name the file of an archive: the app's name, and what tells it from its others."""
    name = settings.name or settings.root.resolve().name
    return f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', name).strip('-.') or 'bundle'}{suffix}.zip"
