"""The temporary folder of an embedded cloud, and the end of those whose process was killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

_PREFIX = "microlambda-cloud."
_MINUTE = 60.0  # a folder younger than that may not be locked yet


class CloudFolder:
    """A folder that is locked as long as its process lives.

    A process id would say less: in a container that shares the temporary folder, another process has it.
    """

    def __init__(self) -> None:
        sweep()
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._lock = _locked(self.path)

    def remove(self) -> None:
        """Remove it with all that is in it."""
        _remove(self.path)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def sweep() -> None:
    """Remove the folders that clouds of this user left when they were killed; Windows keeps no such lock."""
    if sys.platform == "win32":
        return
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            status = folder.lstat()
            if status.st_uid != os.getuid() or time.time() - status.st_mtime < _MINUTE:
                continue
            lock = _locked(folder)
            if lock is not None:
                _remove(folder)
                os.close(lock)


def _locked(folder: Path) -> int | None:
    """Lock a folder; None if somebody has it, or nobody can."""
    if sys.platform == "win32":
        return None
    import fcntl

    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return None
    return fd


def _remove(folder: Path) -> None:
    for name, folders, _ in os.walk(folder):  # unpacked archives are read-only
        for path in (Path(name), *(Path(name, child) for child in folders)):
            if not path.is_symlink():
                path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
