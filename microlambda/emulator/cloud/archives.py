"""Deployed archives on disk: unpacked once for each content, and read-only, as on Lambda."""

from __future__ import annotations

import hashlib
import io
import shutil
import threading
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Archives:
    """The unpacked archives of one embedded cloud, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._guard = threading.Lock()

    def unpacked(self, content: bytes) -> Path:
        """The folder with an archive's files."""
        folder = self._folder / hashlib.sha256(content).hexdigest()[:32]
        with self._guard:
            if not folder.exists():
                unfinished = folder.with_suffix(".unfinished")
                shutil.rmtree(unfinished, ignore_errors=True)
                unfinished.mkdir(parents=True)
                with zipfile.ZipFile(io.BytesIO(content)) as archive:
                    archive.extractall(unfinished)
                    executable = {
                        info.filename for info in archive.infolist() if info.external_attr >> 16 & 0o100
                    }
                _make_read_only(unfinished, executable)
                unfinished.rename(folder)
        return folder


def _make_read_only(folder: Path, executable: set[str]) -> None:
    for path in folder.rglob("*"):
        runs = path.is_dir() or path.relative_to(folder).as_posix() in executable
        path.chmod(0o555 if runs else 0o444)
