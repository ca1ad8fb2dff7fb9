"""Keeping the cache from growing without end: what nobody used for a month is removed, once a day at most."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from microlambda.bundle.cache import DAY, WORK, unsealed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: What was not used for this long is removed.
UNUSED = 30 * DAY

#: Work that is older than this belongs to a run that died.
STALE = DAY

#: The file whose age tells when a cache was swept last.
_SWEPT = ".swept"


def sweep(root: Path) -> None:
    """Remove from a cache what is old; does nothing if that was done today, or cannot be done.

    Reading a file of the cache makes it young again, so what a run uses is never swept under it.
    """
    with suppress(OSError):
        if not _is_due(root / _SWEPT):
            return
        files = list(_files(root))
        for path in files:
            if path.suffix != ".zip" and _is_older(path, UNUSED):
                _remove_unless_used(path, root)
        used = set(_archives_in_use(files))
        for path in files:
            if path.suffix == ".zip" and path not in used and _is_older(path, UNUSED):
                path.unlink(missing_ok=True)


def _is_due(mark: Path) -> bool:
    if not mark.parent.is_dir() or (mark.exists() and not _is_older(mark, DAY)):
        return False
    mark.touch()  # before the work, so that another run leaves it to this one
    os.utime(mark)
    return True


def _is_older(path: Path, age: float) -> bool:
    try:
        return path.stat().st_mtime < time.time() - age
    except OSError:  # removed by another run meanwhile
        return False


def _files(folder: Path) -> Iterator[Path]:
    """Find what is kept; work in progress is not looked into, and removed if it is a dead run's."""
    for path in folder.iterdir():
        if path.name.startswith(WORK):
            if _is_older(path, STALE):
                _remove(path)
        elif path.is_dir():
            yield from _files(path)
        elif path.name != _SWEPT:
            yield path


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _remove_unless_used(path: Path, root: Path) -> None:
    """Remove a file, unless another run turns out to have used it since it was looked at."""
    doomed = Path(tempfile.mkdtemp(prefix=WORK, dir=root))
    try:
        with suppress(OSError):
            moved = path.rename(doomed / path.name)
            if not _is_older(moved, UNUSED):
                moved.rename(path)
    finally:
        shutil.rmtree(doomed, ignore_errors=True)


def _archives_in_use(files: Iterable[Path]) -> Iterator[Path]:
    for manifest in files:
        if manifest.suffix == ".json":
            with suppress(KeyError, TypeError, ValueError):
                yield manifest.with_name(json.loads(unsealed(manifest) or b"null")["archive"])
