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
from microlambda.bundle.collector import while_threads_parse
from microlambda.bundle.dependencies import Dependencies, Layout, prepare
from microlambda.bundle.errors import BundleError
from microlambda.bundle.interruption import Stop, unwinding
from microlambda.bundle.limits import refuse_huge_project
from microlambda.bundle.own_code import compile_project, compile_runtime, refuse_broken_app
from microlambda.bundle.parts import Bundle, Shape, bundle_name
from microlambda.bundle.sweeping import sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from microlambda.bundle.code.sources import Sources
    from microlambda.bundle.fingerprint import Chosen
    from microlambda.bundle.target import Target
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
        read = fingerprint.read_all(settings, target)
        say(f"Requirements: {read[0].requirements.label}")
        say(f"Target: {target}")
        with _preparing(order, read) as preparing:
            imports = follow(settings.root, import_root, module, target)
            sources = find_sources(
                settings, import_root, out=out, imports=imports, projects=fingerprint.local_projects(read)
            )
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


@dataclass(frozen=True, kw_only=True)
class _Order:
    """How dependencies are to be made."""

    settings: Settings
    target: Target
    say: Callable[[str], None]
    resolver: str | None
    refresh: bool
    shape: Shape

    def prepare_all(self, every: Sequence[Chosen], stop: Stop) -> list[Dependencies]:
        """Give the dependencies of all selections, unless it is to stop; of equal ones once."""
        stop.obey()
        made: dict[str, Dependencies] = {}
        prepared = []
        for one in every:
            stop.check()
            found = made.get(one.inputs) if one.inputs else None
            prepared.append(self._prepare(one) if found is None else found)
            made[one.inputs] = prepared[-1]
        return prepared

    def _prepare(self, one: Chosen) -> Dependencies:
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


@contextmanager
def _preparing(order: _Order, every: Sequence[Chosen]) -> Iterator[Future[list[Dependencies]]]:
    """Prepare the dependencies meanwhile: the resolver waits for the network most of the time.

    What ends the block ends that, too: an app that does not compile is told at once.
    """
    stop = Stop()
    with while_threads_parse(), ThreadPoolExecutor(1) as pool:
        try:
            yield pool.submit(order.prepare_all, every, stop)
        except BaseException:
            stop.set()
            raise


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
