"""Writing the zip archive, the same bytes for the same content.

Entries have one date, one of two permissions and one compression, and stand in order of their names. Lambda
runs the code as another user than the one that unpacks it, so everything is readable by all.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from microlambda.bundle.deflate import SMALLEST as SMALLEST
from microlambda.bundle.deflate import USUAL
from microlambda.bundle.processors import processors
from microlambda.bundle.zip_file import Packed, pack, read_zip, renamed, write_zip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file of the archive."""

    name: str
    content: bytes
    is_executable: bool = False


@dataclass(frozen=True, kw_only=True)
class FoundFile:
    """A file under a folder, and the name that it has from there."""

    name: str
    path: Path
    size: int
    is_executable: bool


def walk(folder: Path, prefix: str = "") -> Iterator[FoundFile]:
    """Find the files under a folder, in no order; links to folders are not followed."""
    with os.scandir(folder) as found:
        for item in found:
            if item.is_dir(follow_symlinks=False):
                yield from walk(folder / item.name, f"{prefix}{item.name}/")
            elif item.is_file():
                stat = item.stat()
                yield FoundFile(
                    name=prefix + item.name,
                    path=folder / item.name,
                    size=stat.st_size,
                    is_executable=bool(stat.st_mode & 0o100),
                )


def is_executable(path: Path) -> bool:
    """Tell whether the file's owner may run it."""
    return bool(path.stat().st_mode & 0o100)


def write_archive(
    path: Path,
    entries: Iterable[Entry],
    *,
    base: Path | None = None,
    keep: Callable[[str], bool] | None = None,
    prefix: str = "",
    check: Callable[[int], None] | None = None,
    level: int = USUAL,
) -> int:
    """Write an archive in one step: `path` is what it was before, or whole; gives its size unpacked.

    `base` is an archive whose entries come in as they are, without being compressed again; where `keep` is
    given, only those whose names it accepts. `prefix` goes before their names then. One of `entries` takes
    the place of a base's of the same name. `check` gets the size unpacked, and raises to refuse the archive
    before it is written. `level` is that of the compression of `entries`, 1 to 9.
    """
    carried = _carried(base, keep, prefix) if base is not None else ()
    packed = {entry.name: entry for entry in carried} | _packed(entries, level)
    unpacked = sum(entry.size for entry in packed.values())
    if check is not None:
        check(unpacked)
    with replacing(path) as temporary, temporary.open("wb") as file:
        write_zip(file.write, packed.values())
    return unpacked


def _carried(base: Path, keep: Callable[[str], bool] | None, prefix: str) -> Iterator[Packed]:
    for entry in read_zip(base.read_bytes(), base.name):
        if keep is None or keep(entry.name):
            yield renamed(entry, prefix)


def _packed(entries: Iterable[Entry], level: int) -> dict[str, Packed]:
    """Compress entries at once; what comes out does not depend on how many processors there are."""

    def packed(entry: Entry) -> Packed:
        return pack(entry.name, entry.content, level, is_executable=entry.is_executable)

    made: dict[str, Packed] = {}
    with ThreadPoolExecutor(processors()) as pool:
        for one in pool.map(packed, entries):
            if one.name in made:
                raise ValueError(f"two entries are called {one.name!r}")
            made[one.name] = one
    return made


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a file beside `path` that takes its place when the block ends well, and goes when it does not."""
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


@contextmanager
def staging(out: Path) -> Iterator[Path]:
    """Give a folder inside `out` for archives that are to take their places together; it goes afterwards."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=out, ignore_cleanup_errors=True) as name:
        yield Path(name)


def content_digest(archive: bytes) -> str:
    """Hash the files of an archive but for bytecode, in 16 digits: the same for every build of a Python."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        files = [
            (one.filename, one.CRC, one.file_size, one.external_attr)
            for one in opened.infolist()
            if not one.filename.endswith(".pyc")
        ]
    return hashlib.sha256(json.dumps(sorted(files)).encode()).hexdigest()[:16]


def names(path: Path) -> list[str]:
    """List an archive's entries."""
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()
