"""Compiling and compressing wheels while the resolver still fetches others.

It waits for the network, and the processors have little to do meanwhile. What of it goes into the archive is
not known yet: an entry that was made is taken where it is found by what it is made of, and else forgotten.
One thread does so, and one compiler: more of them would keep the resolver from its own work.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import PurePosixPath
from queue import SimpleQueue
from typing import TYPE_CHECKING

from microlambda.bundle.archive import walk
from microlambda.bundle.errors import BundleError
from microlambda.bundle.pack import bytecode_made_of, file_made_of, largest_first, module_of
from microlambda.bundle.processors import let_others_go_first

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from microlambda.bundle.archive import FoundFile
    from microlambda.bundle.compiler import Compiler
    from microlambda.bundle.pack import Entries

#: Seconds between two looks at a folder.
_INTERVAL = 0.01

#: Seconds after which a change of a folder shows in its time: a file system's clock ticks slowly.
_SETTLED = 0.1

#: Folders of which next to nothing is kept.
_SELDOM_KEPT = frozenset(("tests", "test", "docs", "doc", "include"))
_NEVER_KEPT = (".pyi", ".h", ".pyx", ".pxd", ".pyc", ".a")


class Ahead:
    """Entries of the wheels that come to stand in a folder, made in a thread until `end` is called.

    `find` gives the folder, in which each wheel is a folder, or None; `interpreter` compiles modules for
    their place below `task_root`, with the first of the `compilers`, which are given once they run. What
    comes once `watches` is set is seen.
    """

    def __init__(
        self,
        find: Callable[[], Path | None],
        entries: Entries,
        *,
        interpreter: str | None,
        task_root: str,
        compilers: Callable[[], Sequence[Compiler]],
    ) -> None:
        self._find = find
        self._entries = entries
        self._interpreter = interpreter
        self._task_root = task_root
        self._compilers = compilers
        self.watches = threading.Event()
        self._over = threading.Event()
        self._found: SimpleQueue[FoundFile | None] = SimpleQueue()
        self._pool = ThreadPoolExecutor(2)
        self._running = [self._pool.submit(self._watch)]

    def __enter__(self) -> Ahead:
        return self

    def __exit__(self, *exc: object) -> None:
        self.end()
        self._pool.shutdown()
        for one in self._running:
            one.result()

    def end(self) -> None:
        """Begin nothing more; who wants what was begun waits for it."""
        self._over.set()
        self._found.put(None)

    def _watch(self) -> None:
        """Look for wheels that are new; the first one starts the work."""
        with suppress(OSError, BundleError):
            folder = self._find()
            if folder is None:
                return
            wheels = _new_in(folder)
            next(wheels)  # those that were there
            self.watches.set()
            while not self._over.wait(_INTERVAL):
                for wheel in next(wheels):
                    if len(self._running) == 1:
                        self._running.append(self._pool.submit(self._work))
                    for file in sorted(walk(wheel), key=largest_first):
                        if _is_likely(file.name):
                            self._found.put(file)

    def _work(self) -> None:
        # A file that is gone was wanted by nobody; a compiler that died tells whoever needs it.
        with suppress(OSError, BundleError):
            compiler = self._compilers()[0] if self._interpreter is not None else None
            let_others_go_first(threading.get_native_id(), None if compiler is None else compiler.pid)
            while (file := self._found.get()) is not None and not self._over.is_set():
                self._make(file, compiler)

    def _make(self, file: FoundFile, compiler: Compiler | None) -> None:
        content = file.path.read_bytes()
        self._entries.make_ahead(lambda: content, *file_made_of(content))
        if compiler is not None and file.name.endswith(".py"):
            module = module_of(file, self._task_root, lambda: content)
            made_of = bytecode_made_of(module, str(self._interpreter))
            self._entries.make_ahead(lambda: compiler.compile(module), *made_of)


def _new_in(folder: Path) -> Iterator[list[Path]]:
    """Give what is new in a folder, each time that it is asked for; first all that is there."""
    known: set[str] = set()
    looked = 0.0
    while True:
        changed = folder.stat().st_mtime if folder.is_dir() else None
        is_new = changed is not None and changed > looked - _SETTLED
        looked = time.time()
        new = [one for one in folder.iterdir() if one.name not in known] if is_new else []
        known.update(one.name for one in new)
        yield new


def _is_likely(name: str) -> bool:
    """Is that a file that most bundles keep, by its name?"""
    return _SELDOM_KEPT.isdisjoint(PurePosixPath(name).parts) and not name.endswith(_NEVER_KEPT)
