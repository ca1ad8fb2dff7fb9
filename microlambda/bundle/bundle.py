"""Making the bundle: the app's code with the runtime, and its dependencies, in archives that Lambda runs."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from microlambda.bundle.chosen import read_all, slim_options
from microlambda.bundle.collector import while_threads_parse
from microlambda.bundle.dependencies import Dependencies, Layout, prepare
from microlambda.bundle.errors import BundleError
from microlambda.bundle.interruption import beside, own_stop, unwinding
from microlambda.bundle.parts import Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from microlambda.bundle.chosen import Chosen
    from microlambda.bundle.parts import Bundle
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
        read = read_all(settings, target)
        say(f"Requirements: {read[0].requirements.label}")
        say(f"Target: {target}")
        with _preparing(order, read) as preparing:
            # Imported while the resolver is at work, not before it is.
            from microlambda.bundle.composing import compose

            return compose(
                settings,
                module,
                import_root,
                target=target,
                out=out,
                say=say,
                shape=shape,
                read=read,
                preparing=preparing,
            )


@dataclass(frozen=True, kw_only=True)
class _Order:
    """How dependencies are to be made."""

    settings: Settings
    target: Target
    say: Callable[[str], None]
    resolver: str | None
    refresh: bool
    shape: Shape
    is_waiting: threading.Event = field(default_factory=threading.Event)  # set once others may compute

    def prepare_all(self, every: Sequence[Chosen]) -> list[Dependencies]:
        """Give the dependencies of all selections, unless it is to stop; of equal ones once."""
        stop = own_stop()
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
            options=slim_options(self.settings),
            layout=Layout.CODE if self.settings.single_archive else Layout.LAYER,
            root=self.settings.root,
            resolver=self.resolver,
            refresh=self.refresh,
            say=self.say,
            waiting=self.is_waiting.set,
        )


@contextmanager
def _preparing(order: _Order, every: Sequence[Chosen]) -> Iterator[Future[list[Dependencies]]]:
    """Prepare the dependencies meanwhile: the resolver waits for the network most of the time.

    What ends the block ends that, too: an app that does not compile is told at once.
    """
    with while_threads_parse(), beside(partial(order.prepare_all, every)) as preparing:
        preparing.add_done_callback(lambda _: order.is_waiting.set())
        # Until then both would compute, in turns, and the resolver begin the later.
        order.is_waiting.wait()
        yield preparing


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
