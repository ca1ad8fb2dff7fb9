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
from microlambda.bundle.inputs.configuration import uv_configuration
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
    from collections.abc import Iterable, Sequence
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
    every = read_all(settings, target)
    sources = find_sources(settings, import_root, out=out, imports=imports, projects=local_projects(every))
    return as_pieces(wanted(settings, sources, target, every))


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


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A selection, the requirements that it comes to, and the hash of these: empty where none ship."""

    selection: Selection
    requirements: Requirements
    inputs: str


def read_all(settings: Settings, target: Target) -> tuple[Chosen, ...]:
    """Read the requirements of every selection, the common one first."""
    options = slim_options(settings)

    def chosen(selection: Selection) -> Chosen:
        requirements = _requirements(settings, target, selection)
        inputs = _dependencies(requirements, options, target, settings.root)
        return Chosen(selection=selection, requirements=requirements, inputs=inputs)

    return tuple(map(chosen, selections(settings)))


def local_projects(every: Iterable[Chosen]) -> frozenset[Path]:
    """Name the folders of this machine that are required: projects of their own."""
    return frozenset(
        source.folder
        for one in every
        for source in one.requirements.sources
        if source.folder is not None and source.folder.is_dir()
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
                code=piece(CODE + one.selection.suffix, _hash({"code": code, "with": one.inputs})),
            )
            for one in every
        )
    # What dependencies have of ours, the code's archive need not have, so it depends on them all.
    beside = piece(CODE, _hash({"code": code, "beside": [one.inputs for one in every]}))
    return tuple(
        Wanted(
            selection=one.selection,
            requirements=one.requirements,
            code=beside,
            layer=piece(DEPENDENCIES + one.selection.suffix, one.inputs) if one.inputs else None,
        )
        for one in every
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


def _dependencies(requirements: Requirements, options: SlimOptions, target: Target, root: Path) -> str:
    """Hash what decides the dependencies; empty where there are none to ship."""
    if has_none(requirements, options):
        return ""
    return _hash(
        {
            "requirements": sorted(set(requirements.portable)),
            "configuration": uv_configuration(root),
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
