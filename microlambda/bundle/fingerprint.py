"""The hashes of inputs by which it is decided whether something has to be uploaded; nothing is built for it.

The same inputs give the same hash in any folder and on any machine, whatever bytes an interpreter of another
build would compile from them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from microlambda.bundle.bytecode import compiler_digest
from microlambda.bundle.chosen import content_hash, hash_of, local_projects, read_all
from microlambda.bundle.code.follow import follow
from microlambda.bundle.code.sources import find_sources
from microlambda.bundle.libraries import library_entries
from microlambda.bundle.own_code import runtime
from microlambda.bundle.runtime_files import left_out
from microlambda.project.pieces import FunctionPieces, Piece, Pieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from microlambda.bundle.chosen import Chosen
    from microlambda.bundle.code.sources import Sources
    from microlambda.bundle.inputs.requirements import Requirements
    from microlambda.bundle.selection import Selection
    from microlambda.bundle.target import Target
    from microlambda.project.settings import Settings

CODE, DEPENDENCIES = "code", "dependencies"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What one selection comes to, by hashes: `layer` is None where it has no dependencies to ship."""

    selection: Selection
    requirements: Requirements
    code: Piece
    layer: Piece | None = None

    @property
    def pieces(self) -> FunctionPieces:
        """Give them as plan and deploy know them."""
        return FunctionPieces(code=self.code, layers=(self.layer,) if self.layer is not None else ())


def pieces(
    settings: Settings, module: str, import_root: Path, target: Target, *, out: Path | None = None
) -> Pieces:
    """Name the archives of every function of a stage, and hash what they would be made of."""
    imports = follow(settings.root, import_root, module, target)
    every = read_all(settings, target)
    sources = find_sources(settings, import_root, out=out, imports=imports, projects=local_projects(every))
    return as_pieces(wanted(settings, sources, target, every))


def as_pieces(every: Iterable[Wanted]) -> Pieces:
    """Tell plan and deploy what there is to upload."""
    common, *others = every
    return Pieces(
        common=common.pieces,
        own={name: one.pieces for one in others for name in one.selection.functions},
    )


def wanted(
    settings: Settings, sources: Sources, target: Target, every: Sequence[Chosen]
) -> tuple[Wanted, ...]:
    """Hash what decides the archives of every selection; those of one content have one key."""
    code = _code(sources, target)
    keys: dict[str, Piece] = {}

    def piece(key: str, inputs: str) -> Piece:
        return keys.setdefault(inputs, Piece(key=key, inputs=inputs))

    if settings.single_archive:
        return tuple(
            Wanted(
                selection=one.selection,
                requirements=one.requirements,
                code=piece(CODE + one.selection.suffix, hash_of({"code": code, "with": one.inputs})),
            )
            for one in every
        )
    # What dependencies have of ours, the code's archive need not have, so it depends on them all.
    beside = piece(CODE, hash_of({"code": code, "beside": [one.inputs for one in every]}))
    return tuple(
        Wanted(
            selection=one.selection,
            requirements=one.requirements,
            code=beside,
            layer=piece(DEPENDENCIES + one.selection.suffix, one.inputs) if one.inputs else None,
        )
        for one in every
    )


def total(pieces: Pieces) -> str:
    """Hash all pieces into one word."""
    return hash_of(asdict(pieces))


def _code(sources: Sources, target: Target) -> str:
    return hash_of(
        {
            "compiler": compiler_digest(),
            "runtime": [(one.name, content_hash(one.content)) for one in (*runtime(), *library_entries())],
            "left out": sorted(left_out(runtime(), sources.files, may_be_bare=sources.may_be_bare)),
            "sources": [
                (one.name, one.is_executable, content_hash(one.path.read_bytes())) for one in sources.files
            ],
            "target": asdict(target),
        }
    )
