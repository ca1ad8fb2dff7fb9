"""Writing the zip archive, the same bytes for the same content.

Entries have one date, one of two permissions and one compression. Lambda runs the code as another user than
the one that unpacks it, so everything is readable by all.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

#: The oldest date that a zip archive can hold.
_DATE = (1980, 1, 1, 0, 0, 0)

_REGULAR_FILE = 0o100000
_UNIX = 3

#: zlib's levels. The last is worth its time for what is small.
_LEVEL = 6
SMALLEST = 9


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file of the archive."""

    name: str
    content: bytes
    is_executable: bool = False


def folder_entries(folder: Path) -> Iterator[Entry]:
    """Read the files under a folder, in order of their names in the archive."""
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    for name, path in sorted(paths.items()):
        yield Entry(name=name, content=path.read_bytes(), is_executable=is_executable(path))


def is_executable(path: Path) -> bool:
    """Tell whether the file's owner may run it."""
    return bool(path.stat().st_mode & 0o100)


def write_archive(
    path: Path,
    entries: Iterable[Entry],
    *,
    base: Path | None = None,
    keep: Callable[[str], bool] | None = None,
    check: Callable[[int], None] | None = None,
    level: int = _LEVEL,
) -> int:
    """Write an archive in one step: `path` is what it was before, or whole; gives its size unpacked.

    `base` is an archive whose entries come in as they are, without being compressed again; where `keep` is
    given, only those whose names it accepts. `check` gets that size, and raises to refuse the archive before
    it takes its place. `level` is zlib's, for `entries`.
    """
    with _replacing(path) as temporary:
        if base is not None and keep is None:
            shutil.copyfile(base, temporary)
        with zipfile.ZipFile(temporary, "a") as archive:
            if base is not None and keep is not None:
                _copy(base, archive, keep)
            for entry in entries:
                _write(archive, entry, level)
            archive.filelist.sort(
                key=lambda info: info.filename
            )  # the directory at the end lists them in this order
            unpacked = sum(info.file_size for info in archive.filelist)
        if check is not None:
            check(unpacked)
    return unpacked


def _copy(base: Path, archive: zipfile.ZipFile, keep: Callable[[str], bool]) -> None:
    with zipfile.ZipFile(base) as source:
        for info in source.infolist():
            if keep(info.filename):
                executable = bool(info.external_attr >> 16 & 0o100)
                _write(
                    archive,
                    Entry(name=info.filename, content=source.read(info), is_executable=executable),
                    _LEVEL,
                )


def _write(archive: zipfile.ZipFile, entry: Entry, level: int) -> None:
    info = zipfile.ZipInfo(entry.name, date_time=_DATE)
    info.create_system = _UNIX
    info.external_attr = (_REGULAR_FILE | (0o755 if entry.is_executable else 0o644)) << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, entry.content, compresslevel=level)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def names(path: Path) -> list[str]:
    """List an archive's entries."""
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()
