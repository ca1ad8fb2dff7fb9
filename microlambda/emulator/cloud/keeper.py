"""Keeps the embedded cloud's state in a folder: soon after it changes, and at the end."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from microlambda.emulator.errors import FolderInUse, StateUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Seconds: it is kept when nothing has come for a moment, or at the latest after a while.
_QUIET, _LATEST = 1.0, 5.0

LOCK = "in-use"


class Keeper:
    """Calls `save`, which names what cannot be kept, in a thread of its own; `say` is told of that, once."""

    def __init__(self, folder: Path, save: Callable[[], list[str]], say: Callable[[str], None]) -> None:
        self._folder = folder
        self._save = save
        self._say = say
        self._told: set[str] = set()
        self._touched = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="microlambda-keeper", daemon=True)
        self._lock: int | None = None

    def claim(self) -> None:
        """Make the folder, and take it for this process; `FolderInUse` where another has it."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self._folder / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as exc:
            raise StateUnreadable(f"nothing can be kept in {self._folder}: {exc.strerror}.") from exc
        if not _locked(self._lock):
            os.close(self._lock)
            self._lock = None
            raise FolderInUse(
                f"another process keeps its AWS in {self._folder}. End that one, or give another --data."
            )

    def start(self) -> None:
        """Begin to keep."""
        self._thread.start()

    def touch(self) -> None:
        """Say that something may have changed."""
        self._touched.set()

    def stop(self) -> None:
        """Keep what there is, and give the folder free; more calls do nothing."""
        self._stopped.set()
        self._touched.set()
        if self._thread.ident is not None:
            self._thread.join()
            self._keep()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _run(self) -> None:
        while True:
            self._touched.wait()
            waited = 0.0
            while self._touched.is_set() and waited < _LATEST and not self._stopped.is_set():
                self._touched.clear()
                self._stopped.wait(_QUIET)
                waited += _QUIET
            if self._stopped.is_set():
                return
            self._keep()

    def _keep(self) -> None:
        try:
            left = self._save()
        except OSError as exc:
            self._tell(f"the AWS could not be kept in {self._folder}: {exc.strerror}.")
            return
        if left:
            self._tell(f"Not kept in {self._folder}: what the services {', '.join(left)} hold.")

    def _tell(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._say(text)


def _locked(descriptor: int) -> bool:
    """Lock an open file for this process; it is free again when that ends, however it does."""
    try:
        import fcntl
    except ImportError:  # Windows: there nobody is kept from a folder in use
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
