"""Putting a bundle together: the project's own code, beside the dependencies that are being prepared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from microlambda.bundle import fingerprint
from microlambda.bundle.assembly import Assembly, assemble
from microlambda.bundle.cache import cache_folder
from microlambda.bundle.chosen import local_projects
from microlambda.bundle.code.follow import follow
from microlambda.bundle.code.sources import file_of_module, find_sources
from microlambda.bundle.limits import refuse_huge_project
from microlambda.bundle.own_code import compile_project, compile_runtime, refuse_broken_app
from microlambda.bundle.parts import Bundle, Shape, bundle_name
from microlambda.bundle.sweeping import sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from microlambda.bundle.chosen import Chosen
    from microlambda.bundle.code.sources import Sources
    from microlambda.bundle.dependencies import Dependencies
    from microlambda.bundle.target import Target
    from microlambda.project.settings import Settings


def compose(
    settings: Settings,
    module: str,
    import_root: Path,
    *,
    target: Target,
    out: Path,
    say: Callable[[str], None],
    shape: Shape,
    read: Sequence[Chosen],
    preparing: Future[list[Dependencies]],
) -> Bundle:
    """Follow, compile and pack the project's code, and write the archives once the dependencies are there.

    For the arguments see `microlambda.bundle.bundle.build`.
    """
    imports = follow(settings.root, import_root, module, target)
    sources = find_sources(settings, import_root, out=out, imports=imports, projects=local_projects(read))
    if shape is Shape.ARCHIVES:
        sizes = {file.name: file.path.stat().st_size for file in sources.files}
        refuse_huge_project(bundle_name(settings), sizes)
    native = _check_native(sources, target)
    project = compile_project(sources, target, say)
    refuse_broken_app(file_of_module(sources, module), project, settings.root, target)
    runtime = compile_runtime(sources, target, say, whole=False)
    every = fingerprint.wanted(settings, sources, target, read)
    prepared = preparing.result()
    if any(one.use_us for one in prepared):
        # All of the runtime can be needed.
        runtime = compile_runtime(sources, target, say, whole=True)
    sweep(cache_folder())
    assembly = Assembly(
        settings=settings,
        target=target,
        out=out,
        sources=sources,
        code=project + runtime,
        imports=imports,
        shape=shape,
        notes=(*imports.notes, *native),
    )
    return assemble(assembly, every, prepared)


def _check_native(sources: Sources, target: Target) -> list[str]:
    """Refuse native libraries of the project's own that the target could not load."""
    files = [(file.name, file.path) for file in sources.files if not file.name.endswith(".py")]
    if not files:
        return []
    from microlambda.bundle.slim.native import check_native, refuse_faults

    faults = check_native(files, target)
    return refuse_faults(faults, owner=lambda _name: None, accepted=lambda _name: False)
