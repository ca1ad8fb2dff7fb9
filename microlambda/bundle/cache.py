"""The cache folder: entries appear whole or not at all.

An entry is filled in a folder beside its place and renamed into it, so two runs at once do not disturb each
other and a run that is killed leaves nothing that a later one would trust.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Changes with the layout of what is cached; older entries are then never looked at.
LAYOUT = "v1"

#: A half-made entry older than this belongs to a run that died.
_STALE = 24 * 3600  # s


def cache_folder(environ: Mapping[str, str] = os.environ, system: str = sys.platform) -> Path:
    """Find the user's cache of ours: MICROLAMBDA_CACHE_DIR, else the place that the platform has for it."""
    if chosen := environ.get("MICROLAMBDA_CACHE_DIR"):
        return Path(chosen).expanduser().resolve() / LAYOUT
    return _platform_folder(environ, system) / "microlambda" / LAYOUT


def _platform_folder(environ: Mapping[str, str], system: str) -> Path:
    xdg = environ.get("XDG_CACHE_HOME")
    if xdg and Path(xdg).is_absolute():  # the XDG specification: a relative path is to be ignored
        return Path(xdg)
    if system == "darwin":
        return Path.home() / "Library" / "Caches"
    if system == "win32" and environ.get("LOCALAPPDATA"):
        return Path(environ["LOCALAPPDATA"])
    return Path.home() / ".cache"


@contextmanager
def filling(entry: Path, *, replace: bool = False) -> Iterator[Path]:
    """Give an empty folder that becomes `entry` when the block ends well, and vanishes when it does not.

    An entry that is there by then stays, for another run made it, unless it is to be replaced.
    """
    entry.parent.mkdir(parents=True, exist_ok=True)
    _sweep(entry.parent)
    work = Path(tempfile.mkdtemp(prefix=".filling-", dir=entry.parent))
    try:
        yield work
        work.chmod(0o755)
        if replace:
            _discard(entry)
        _settle(work, entry)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _settle(work: Path, entry: Path) -> None:
    try:
        work.rename(entry)
    except OSError:
        if not entry.is_dir():
            raise
        # Another run was faster and its entry is as good as ours.


def _discard(entry: Path) -> None:
    """Remove an entry, by a rename first, so that nobody sees half of it."""
    doomed = Path(tempfile.mkdtemp(prefix=".filling-", dir=entry.parent))
    try:
        entry.rename(doomed / entry.name)
    except FileNotFoundError:
        pass  # another run removed it first
    finally:
        shutil.rmtree(doomed, ignore_errors=True)


def _sweep(folder: Path) -> None:
    limit = time.time() - _STALE
    for leftover in folder.glob(".filling-*"):
        try:
            if leftover.stat().st_mtime < limit:
                shutil.rmtree(leftover, ignore_errors=True)
        except OSError:  # removed by another run meanwhile
            continue


def replace_file(path: Path, content: bytes) -> None:
    """Write a file in one step: readers see what was there before, or all of `content`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".filling-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
