"""Tells when the files that make the app have changed.

Watched are the folders of the project that may hold its modules, one by one: a virtual environment or
`node_modules` inside would cost thousands of watches. Folders elsewhere that modules were loaded from (a
library installed for editing) are watched too; installed packages and Python's own are not.
"""

from __future__ import annotations

import contextlib
import os
import sys
import sysconfig
import threading
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_IGNORED = frozenset(("__pycache__", "node_modules", "site-packages", "build", "dist"))
_SETTINGS = frozenset(("microlambda.toml", "pyproject.toml", ".env"))

# Milliseconds. A save may write several times: it is over once nothing has changed for a step. `_CHECK`
# bounds how long a change may stay unseen that came while the watching was being set up.
_STEP, _DEBOUNCE, _CHECK = 20, 200, 100

# What may happen to a file or a folder that was there a moment ago. Other errors tell nothing of it.
_GONE = (FileNotFoundError, NotADirectoryError, PermissionError)

# Seconds until the next try where the system refuses to watch.
_PAUSE = 1.0

#: When each source was changed, and its size.
Snapshot = dict[Path, tuple[int, int]]


class Watcher:
    """Calls `changed` with the changed sources, from a thread of its own, from `start` to `stop`.

    The operating system's events say when to look; what has changed is told by comparing with the last look,
    so that nothing between two looks is lost.
    """

    def __init__(self, root: Path, changed: Callable[[set[Path]], None]) -> None:
        self._root = root
        self._changed = changed
        self._elsewhere: frozenset[Path] = frozenset()
        self._seen: Snapshot = {}
        self._stopped = False
        self._interrupt = threading.Event()
        self._thread = threading.Thread(target=self._run, name="microlambda-watch", daemon=True)

    def look(self) -> None:
        """Take the files as they are now: what changes from here on is told, also before `start`."""
        self._seen = self._snapshot()

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; more calls do nothing."""
        self._stopped = True
        self._interrupt.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def follow(self, files: Iterable[str]) -> None:
        """Watch also the folders of those of the files that are developed outside the project."""
        elsewhere = frozenset(folders_elsewhere(self._root, files))
        if elsewhere != self._elsewhere:
            self._elsewhere = elsewhere
            self._seen = {**_sources(elsewhere), **self._seen}
            self._interrupt.set()

    def _folders(self) -> list[Path]:
        return [*project_folders(self._root), *self._elsewhere]

    def _snapshot(self) -> Snapshot:
        return _sources(self._folders())

    def _run(self) -> None:
        while not self._stopped:
            self._interrupt.clear()
            if self._stopped:  # the word to stop may be what has just been cleared
                return
            try:
                self._watch(self._folders())
            except FileNotFoundError:  # a folder went away since it was listed
                continue
            except Exception:  # noqa: BLE001 - watchfiles has errors of its own, of too many open files
                self._interrupt.wait(_PAUSE)

    def _watch(self, folders: list[Path]) -> None:
        """Wait for changes and tell them, until there are other folders to watch."""
        from watchfiles import watch  # 40 ms that the first start need not wait for

        looked = False
        for changes in watch(
            *folders,
            watch_filter=_matters,
            debounce=_DEBOUNCE,
            step=_STEP,
            stop_event=self._interrupt,
            rust_timeout=_CHECK,
            yield_on_timeout=True,
            recursive=False,
            raise_interrupt=False,
            ignore_permission_denied=True,
        ):
            if changes or not looked:
                looked = True
                self._compare()
                if self._folders() != folders:
                    return

    def _compare(self) -> None:
        before, self._seen = self._seen, self._snapshot()
        changed = {path for path, _ in before.items() ^ self._seen.items()}
        if changed:
            forget_bytecode(changed)
            self._changed(changed)


def _matters(_change: object, path: str) -> bool:
    return path.endswith(".py") or os.path.basename(path) in _SETTINGS or os.path.isdir(path)  # noqa: PTH119, PTH112 - a str comes, often


def _sources(folders: Iterable[Path]) -> Snapshot:
    """List the sources and settings files in the folders themselves."""
    found: Snapshot = {}
    for folder in folders:
        with contextlib.suppress(*_GONE), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".py") or entry.name in _SETTINGS:
                    with contextlib.suppress(*_GONE):
                        stat = entry.stat()
                        found[Path(entry.path)] = (stat.st_mtime_ns, stat.st_size)
    return found


def project_folders(root: Path) -> list[Path]:
    """List the folders that may hold the project's modules, the project's own first."""
    found = []
    for place, names, _ in os.walk(root):
        folder = Path(place)
        found.append(folder)
        names[:] = [name for name in names if not is_ignored(folder / name)]
    return found


def is_ignored(folder: Path) -> bool:
    """Tell whether nobody edits the app in this folder: caches, hidden folders, virtual environments."""
    return folder.name in _IGNORED or folder.name.startswith(".") or (folder / "pyvenv.cfg").is_file()


def folders_elsewhere(root: Path, files: Iterable[str]) -> set[Path]:
    """List the folders outside the project that modules under development were loaded from."""
    paths = sysconfig.get_paths()
    installed = {paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    not_watched = tuple(os.path.realpath(one) + os.sep for one in (*installed, sys.base_prefix, str(root)))
    return {
        Path(file).parent
        for file in files
        if not file.startswith(not_watched) and "site-packages" not in file and Path(file).is_file()
    }


def forget_bytecode(sources: Iterable[Path]) -> None:
    """Remove the cached bytecode of changed sources.

    Python tells stale bytecode by the source's size and the second of its change: two saves within a second
    would leave the first one running.
    """
    for source in sources:
        if source.suffix == ".py":
            Path(cache_from_source(str(source))).unlink(missing_ok=True)
