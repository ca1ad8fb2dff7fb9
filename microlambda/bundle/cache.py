"""The cache folder: what is in it is whole, or is taken for absent.

Everything is written beside its place and renamed into it, so two runs at once do not disturb each other and
a run that is killed leaves nothing that a later one would trust. What was damaged since is noticed by its
hash. What nobody used for a month is swept.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from microlambda.bundle.errors import CacheUnusable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Changes with the layout of what is cached; older entries are then never looked at.
LAYOUT = "v2"

DAY = 24 * 3600  # s

#: What begins the names of what is being made, and so is nothing yet.
WORK = ".filling-"

_DIGEST = hashlib.sha256().digest_size

#: What a place says that is full, read-only, another user's, or no folder.
_REFUSALS = {
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EACCES", "EPERM", "EIO", "ENOTDIR", "EEXIST")
    if hasattr(errno, name)
}


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
def working(folder: Path) -> Iterator[Path]:
    """Give an empty folder within a folder of the cache, for the time being."""
    with explained(folder), _for_a_time(folder) as work:
        yield work


@contextmanager
def _for_a_time(folder: Path) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=WORK, dir=folder))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def filling(entry: Path, *, replace: bool = False) -> Iterator[Path]:
    """Give an empty folder that becomes `entry` when the block ends well, and vanishes when it does not.

    An entry that is there by then stays, for another run made it, unless it is to be replaced.
    """
    with _for_a_time(entry.parent) as work:
        yield work
        work.chmod(0o755)
        if replace:
            _discard(entry)
        _settle(work, entry)


def _settle(work: Path, entry: Path) -> None:
    try:
        work.rename(entry)
    except OSError:
        if not entry.is_dir():
            raise
        # Another run was faster and its entry is as good as ours.


def _discard(entry: Path) -> None:
    """Remove an entry, by a rename first, so that nobody sees half of it."""
    with _for_a_time(entry.parent) as doomed, suppress(FileNotFoundError):  # another run removed it first
        entry.rename(doomed / entry.name)


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Say of a folder of the cache that is full, or not to be written to, what to do."""
    try:
        yield
    except OSError as exc:
        named = exc.filename
        is_ours = named is None or str(named).startswith(str(folder)) or folder.is_relative_to(str(named))
        if exc.errno not in _REFUSALS or not is_ours:
            raise
        raise CacheUnusable(
            f"the cache folder {folder} cannot be written to: {exc.strerror}. "
            "Make room there or permit it, or name another folder in MICROLAMBDA_CACHE_DIR."
        ) from exc


def replace_file(path: Path, content: bytes) -> None:
    """Write a file in one step: readers see what was there before, or all of `content`."""
    with explained(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=WORK, dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def write_sealed(path: Path, content: bytes) -> None:
    """Write a file in one step, with a hash before the content."""
    replace_file(path, hashlib.sha256(content).digest() + content)


def read_sealed(path: Path) -> bytes | None:
    """Read what `write_sealed` wrote; None where that is not there, or not whole. It counts as a use."""
    content = unsealed(path)
    return content if content is not None and touched(path) else None


def unsealed(path: Path) -> bytes | None:
    """Look at what `write_sealed` wrote, as `read_sealed` does, without using it."""
    try:
        sealed = path.read_bytes()
    except OSError:
        return None
    content = sealed[_DIGEST:]
    return content if hashlib.sha256(content).digest() == sealed[:_DIGEST] else None


def touched(path: Path) -> bool:
    """Note that a file is in use, so that it is not swept; tells whether it is still there."""
    try:
        if path.stat().st_mtime < time.time() - DAY:
            os.utime(path)
    except FileNotFoundError:
        return False
    except OSError:  # a cache that may be read alone
        return path.exists()
    return True
