"""The hashes of inputs by which it is decided whether something has to be uploaded; nothing is built for it.

The same inputs give the same hash in any folder and on any machine, whatever bytes an interpreter of another
build would compile from them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from microlambda.bundle.bytecode import compiler_digest
from microlambda.bundle.code.follow import follow
from microlambda.bundle.code.sources import find_sources
from microlambda.bundle.dependencies import has_none, with_sdk
from microlambda.bundle.inputs.content import local_content
from microlambda.bundle.inputs.requirements import read_requirements
from microlambda.bundle.libraries import library_entries
from microlambda.bundle.own_code import runtime
from microlambda.bundle.runtime_files import left_out
from microlambda.bundle.selection import selections
from microlambda.bundle.slim.options import SlimOptions
from microlambda.bundle.slim.rules import rules_digest
from microlambda.project.pieces import FunctionPieces, Piece, Pieces

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

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
    return as_pieces(wanted(settings, find_sources(settings, import_root, out=out, imports=imports), target))


def slim_options(settings: Settings) -> SlimOptions:
    """Take from the settings what they say of slimming."""
    return SlimOptions(keep=settings.keep, strip=settings.strip, sdk=settings.sdk)


def as_pieces(every: Iterable[Wanted]) -> Pieces:
    """Tell plan and deploy what there is to upload."""
    common, *others = every
    return Pieces(
        common=common.pieces,
        own={name: one.pieces for one in others for name in one.selection.functions},
    )


def wanted(settings: Settings, sources: Sources, target: Target) -> tuple[Wanted, ...]:
    """Read the requirements of every selection, the common one first, and hash what decides each archive."""
    chosen = selections(settings)
    options = slim_options(settings)
    read = [_requirements(settings, target, one) for one in chosen]
    dependencies = [_dependencies(requirements, options, target) for requirements in read]
    code = _code(sources, target)
    if settings.single_archive:
        return tuple(
            Wanted(
                selection=selection,
                requirements=requirements,
                code=Piece(key=CODE + selection.suffix, inputs=_hash([code, own])),
            )
            for selection, requirements, own in zip(chosen, read, dependencies, strict=True)
        )
    # What dependencies have of ours, the code's archive need not have, so it depends on them all.
    piece = Piece(key=CODE, inputs=_hash([code, *dependencies]))
    return tuple(
        Wanted(
            selection=selection,
            requirements=requirements,
            code=piece,
            layer=Piece(key=DEPENDENCIES + selection.suffix, inputs=own) if own else None,
        )
        for selection, requirements, own in zip(chosen, read, dependencies, strict=True)
    )


def common_requirements(settings: Settings, target: Target) -> Requirements:
    """Read the requirements that all functions share."""
    return _requirements(settings, target, selections(settings)[0])


def _requirements(settings: Settings, target: Target, selection: Selection) -> Requirements:
    read = read_requirements(settings, target, groups=selection.groups, extras=selection.extras)
    return with_sdk(read, slim_options(settings))


def total(pieces: Pieces) -> str:
    """Hash all pieces into one word."""
    return _hash(asdict(pieces))


def _code(sources: Sources, target: Target) -> str:
    return _hash(
        {
            "compiler": compiler_digest(),
            "runtime": [(one.name, _digest(one.content)) for one in (*runtime(), *library_entries())],
            "left out": sorted(left_out(runtime(), sources.files)),
            "sources": [
                (one.name, one.is_executable, _digest(one.path.read_bytes())) for one in sources.files
            ],
            "target": asdict(target),
        }
    )


def _dependencies(requirements: Requirements, options: SlimOptions, target: Target) -> str:
    """Hash what decides the dependencies; empty where there are none to ship."""
    if has_none(requirements, options):
        return ""
    return _hash(
        {
            "requirements": requirements.portable,
            "content": local_content(requirements),
            "options": asdict(options),
            "rules": rules_digest(),
            "target": asdict(target),
        }
    )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _hash(parts: Any) -> str:
    return _digest(json.dumps(parts, sort_keys=True).encode())
