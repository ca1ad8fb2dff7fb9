"""Making the bundle: the app's code with the runtime, and its dependencies, in archives that Lambda runs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from microlambda.bundle import fingerprint
from microlambda.bundle.assembly import Assembly, assemble
from microlambda.bundle.cache import cache_folder
from microlambda.bundle.code.follow import follow
from microlambda.bundle.code.sources import file_of_module, find_sources
from microlambda.bundle.dependencies import Dependencies, Layout, prepare
from microlambda.bundle.errors import BundleError
from microlambda.bundle.interruption import unwinding
from microlambda.bundle.own_code import OwnCode, compile_project, compile_runtime, refuse_broken_app
from microlambda.bundle.parts import Bundle, Shape
from microlambda.bundle.sweeping import sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from microlambda.bundle.code.sources import Sources
    from microlambda.bundle.fingerprint import Wanted
    from microlambda.bundle.target import Target
    from microlambda.project.pieces import Piece
    from microlambda.project.settings import Settings


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
