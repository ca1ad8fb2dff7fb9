"""The zip format, as far as Lambda needs it: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT.

Entries come compressed, each by itself, so that many are compressed at once and those of another archive are
taken over as they are. All have one date and one of two permissions.
"""

from __future__ import annotations

import io
import mmap
import struct
import zipfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from microlambda.bundle.deflate import crc32, deflated
from microlambda.bundle.errors import BundleError, BundleTooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")

#: 1 January 1980, the oldest date that a zip archive can hold, as MS-DOS writes it; the time is zero.
_DATE = 1 << 5 | 1

_REGULAR_FILE = 0o100000
_UNIX = 3 << 8
_VERSION = 20  # 2.0, the one that brought deflate
_VERSION_64 = 45
_UTF8_NAME = 0x800

#: What the plain format has no room for.
_MAX_16 = 0xFFFF
_MAX_32 = 0xFFFFFFFF


@dataclass(frozen=True, kw_only=True)
class Packed:
    """An entry as it lies in an archive: `data` is deflated or stored, `size` what it unpacks to."""

    name: str
    size: int
    crc: int
    data: bytes | memoryview
    is_deflated: bool = True
    is_executable: bool = False

    @property
    def method(self) -> int:
        """Give the format's number for the compression."""
        return zipfile.ZIP_DEFLATED if self.is_deflated else zipfile.ZIP_STORED

    @property
    def encoded_name(self) -> bytes:
        """Give the name as the archive holds it."""
        try:
            name = self.name.encode()
        except UnicodeEncodeError as exc:
            raise BundleError(
                f"the name of the file {self.name!r} is not UTF-8, as names in an archive have to be. "
                "Rename the file, or exclude it."
            ) from exc
        if len(name) > _MAX_16:
            raise BundleError(f"the name of the file {self.name[:60]!r}... is too long for an archive.")
        return name


def pack(name: str, content: bytes, level: int, *, is_executable: bool = False) -> Packed:
    """Compress a file, where that makes it smaller."""
    data = deflated(content, level)
    is_deflated = len(data) < len(content)
    return Packed(
        name=name,
        size=len(content),
        crc=crc32(content),
        data=data if is_deflated else content,
        is_deflated=is_deflated,
        is_executable=is_executable,
    )


def write_zip(write: Callable[[bytes | bytearray | memoryview], object], entries: Iterable[Packed]) -> None:
    """Write an archive, by calls of `write`: entries in order of their names, then the directory of them."""
    directory, offset, count = bytearray(), 0, 0
    for entry in sorted(entries, key=lambda entry: entry.name):
        _refuse_huge(max(offset, entry.size, len(entry.data)), entry.name)
        header, listed = _headers(entry, offset)
        write(header)
        write(entry.data)
        directory += listed
        offset += len(header) + len(entry.data)
        count += 1
    _refuse_huge(offset + len(directory), "its directory")
    write(directory)
    write(_end(count, len(directory), offset))


def _refuse_huge(size: int, what: str) -> None:
    """Refuse what only zip64 could hold: sixteen times as much as Lambda unpacks."""
    if size >= _MAX_32:
        raise BundleTooLarge(f"the archive passes 4 GB at {what}; Lambda accepts 250 MB unpacked.")


def _headers(entry: Packed, offset: int) -> tuple[bytes, bytes]:
    """Make what stands before an entry and what stands for it in the directory."""
    name = entry.encoded_name
    flags = 0 if name.isascii() else _UTF8_NAME
    common = (flags, entry.method, 0, _DATE, entry.crc, len(entry.data), entry.size, len(name), 0)
    mode = _REGULAR_FILE | (0o755 if entry.is_executable else 0o644)
    local = _LOCAL.pack(b"PK\3\4", _VERSION, *common)
    central = _CENTRAL.pack(b"PK\1\2", _UNIX | _VERSION, _VERSION, *common, 0, 0, 0, mode << 16, offset)
    return local + name, central + name


def _end(count: int, size: int, offset: int) -> bytes:
    """Make the end of an archive; more than 65,534 entries take the longer form before it."""
    shown = min(count, _MAX_16)
    end = _END.pack(b"PK\5\6", 0, 0, shown, shown, size, offset, 0)
    if count < _MAX_16:
        return end
    versions = (_UNIX | _VERSION_64, _VERSION_64)
    rest = _END_64.size - 12  # the record's own size leaves out its first two fields
    longer = _END_64.pack(b"PK\6\6", rest, *versions, 0, 0, count, count, size, offset)
    return longer + _LOCATOR_64.pack(b"PK\6\7", 0, offset + size, 1) + end


def map_zip(path: Path) -> dict[str, Packed]:
    """Give the entries of an archive by their names; of the file only what is used is read."""
    with path.open("rb") as file:
        view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        try:
            with zipfile.ZipFile(file) as archive:
                return {info.filename: _read(view, info) for info in archive.infolist()}
        except (zipfile.BadZipFile, struct.error) as exc:
            raise BundleError(f"{path.name} is no whole zip archive: {exc}.") from exc


def read_zip(content: bytes, what: str) -> Iterator[Packed]:
    """Give the entries of an archive as they lie there; `what` names it in errors."""
    view = memoryview(content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            listed = archive.infolist()
        for info in listed:
            yield _read(view, info)
    except (zipfile.BadZipFile, struct.error) as exc:
        raise BundleError(f"{what} is no whole zip archive: {exc}. Remove it, and run this again.") from exc


def _read(view: memoryview, info: zipfile.ZipInfo) -> Packed:
    header = _LOCAL.unpack_from(view, info.header_offset)
    start = info.header_offset + _LOCAL.size + header[-2] + header[-1]
    data = view[start : start + info.compress_size]
    if len(data) != info.compress_size or info.compress_type not in (0, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile(f"{info.filename} cannot be read")
    return Packed(
        name=info.filename,
        size=info.file_size,
        crc=info.CRC,
        data=data,
        is_deflated=info.compress_type == zipfile.ZIP_DEFLATED,
        is_executable=bool(info.external_attr >> 16 & 0o100),
    )


def renamed(entry: Packed, prefix: str) -> Packed:
    """Put an entry under a folder: `prefix` ends with a slash, or is empty."""
    return replace(entry, name=prefix + entry.name) if prefix else entry
