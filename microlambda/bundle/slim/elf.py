"""Reading what a native library says of itself: ELF's header, its segments and what it asks of others.

Only the parts that the loader reads are followed, by the program headers and the dynamic section: a library
without section headers works, and so has to be judged. pyelftools reads all of ELF, and takes four times
as long.

https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html and, for the versions,
https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from mmap import mmap

MAGIC = b"\x7fELF"

#: e_machine.
X86, ARM, X86_64, AARCH64 = 3, 40, 62, 183

#: e_type: an object file that is yet to be linked, and a core dump. Nothing loads them.
_OBJECT_FILE, _CORE = 1, 4

LOAD, _DYNAMIC, _INTERPRETER = 1, 2, 3
_NEEDED, _STRINGS, _VERNEED, _VERNEED_COUNT = 1, 5, 0x6FFFFFFE, 0x6FFFFFFF
_SYMBOL_TABLE = 2
_WEAK = 2  # of a version: the loader goes on without it

_HEADER_SIZE = 64
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_ENTRY = struct.Struct("<qQ")
_NEED = struct.Struct("<HHIII")
_NEEDED_VERSION = struct.Struct("<IHHII")


class BadElf(ValueError):
    """The file is cut short or damaged."""


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A part of the file and where in memory it goes, as a program header has it."""

    kind: int
    flags: int
    offset: int
    address: int
    size: int  # in the file
    memory: int
    alignment: int

    @property
    def is_congruent(self) -> bool:
        """Tell whether the loader can map it: its place in the file fits the one in memory."""
        return self.alignment <= 1 or (self.offset - self.address) % self.alignment == 0


@dataclass(frozen=True, kw_only=True)
class Elf:
    """A native library or an executable.

    `needed` are the libraries that it asks for, `versions` those of their symbols' versions that it cannot do
    without. Of one that is not 64-bit and little-endian nothing else than that is known.
    """

    machine: int
    bits: int = 64
    is_little: bool = True
    is_loadable: bool = True  # False for object files and core dumps
    interpreter: str = ""  # of an executable: the loader that the kernel starts
    needed: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    segments: tuple[Segment, ...] = ()
    table: range = field(default=range(0))  # where in the file the program headers are


def read_elf(data: bytes | mmap) -> Elf:
    """Read a file that starts with `MAGIC`; `BadElf` where it is damaged."""
    try:
        return _read(data)
    except (struct.error, IndexError, UnicodeDecodeError) as exc:
        raise BadElf(f"it is cut short, or damaged: {exc}") from exc


def _read(data: bytes | mmap) -> Elf:
    bits, is_little = 32 * data[4], data[5] == 1
    kind, machine = struct.unpack_from("<HH" if is_little else ">HH", data, 16)
    if bits != 64 or not is_little:
        return Elf(machine=machine, bits=bits, is_little=is_little)
    start, size, count = _table(data)
    segments = tuple(_segments(data, start, size, count))
    dynamic = _Dynamic(data, segments)
    return Elf(
        machine=machine,
        is_loadable=kind not in {_OBJECT_FILE, _CORE},
        interpreter=next((_text(data, one.offset) for one in segments if one.kind == _INTERPRETER), ""),
        needed=tuple(dynamic.needed()),
        versions=tuple(dynamic.versions()),
        segments=segments,
        table=range(start, start + size * count),
    )


def _table(data: bytes | mmap) -> tuple[int, int, int]:
    (start,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    return start, size, count


def _segments(data: bytes | mmap, start: int, size: int, count: int) -> Iterator[Segment]:
    for number in range(count):
        kind, flags, offset, address, _, in_file, memory, alignment = _SEGMENT.unpack_from(
            data, start + size * number
        )
        if kind == LOAD and offset + in_file > len(data):
            raise BadElf("it is cut short")
        yield Segment(
            kind=kind,
            flags=flags,
            offset=offset,
            address=address,
            size=in_file,
            memory=memory,
            alignment=alignment,
        )


def _text(data: bytes | mmap, start: int) -> str:
    end = data.find(b"\0", start)
    if end < 0:
        raise BadElf("a name in it has no end")
    return data[start:end].decode()


class _Dynamic:
    """The dynamic section, the loader's instructions; it gives places in memory, not in the file."""

    def __init__(self, data: bytes | mmap, segments: tuple[Segment, ...]) -> None:
        self.data = data
        self.loads = [one for one in segments if one.kind == LOAD]
        self.entries = [entry for one in segments if one.kind == _DYNAMIC for entry in _entries(data, one)]
        self.values = dict(self.entries)
        self.strings = self._place(self.values[_STRINGS]) if _STRINGS in self.values else 0

    def _place(self, address: int) -> int:
        for one in self.loads:
            if one.address <= address < one.address + one.size:
                return address - one.address + one.offset
        raise BadElf(f"nothing in it is loaded to {address:#x}")

    def needed(self) -> Iterator[str]:
        return (_text(self.data, self.strings + value) for tag, value in self.entries if tag == _NEEDED)

    def versions(self) -> Iterator[str]:
        if _VERNEED not in self.values:
            return
        place = self._place(self.values[_VERNEED])
        for _ in range(self.values.get(_VERNEED_COUNT, 0)):
            _, count, _, first, following = _NEED.unpack_from(self.data, place)
            yield from self._of_one(place + first, count)
            place += following

    def _of_one(self, place: int, count: int) -> Iterator[str]:
        for _ in range(count):
            _, flags, _, name, following = _NEEDED_VERSION.unpack_from(self.data, place)
            if not flags & _WEAK:
                yield _text(self.data, self.strings + name)
            place += following


def _entries(data: bytes | mmap, segment: Segment) -> Iterator[tuple[int, int]]:
    for place in range(segment.offset, segment.offset + segment.size, _ENTRY.size):
        tag, value = _ENTRY.unpack_from(data, place)
        if tag == 0:
            return
        yield tag, value


def has_symbols(data: bytes | mmap) -> bool:
    """Tell whether a 64-bit, little-endian ELF file has symbols that the loader does not need."""
    (start,) = struct.unpack_from("<Q", data, 40)
    size, count = struct.unpack_from("<HH", data, 58)
    try:
        kinds = [_SECTION.unpack_from(data, start + size * number)[1] for number in range(count)]
    except struct.error:
        return False
    return bool(start) and _SYMBOL_TABLE in kinds


def loads_the_same(first: bytes, second: bytes) -> bool:
    """Tell whether two ELF files come to the same in memory, byte for byte but for their headers."""
    try:
        one, other = read_elf(first), read_elf(second)
    except BadElf:
        return False
    return (
        [_in_memory(segment) for segment in one.segments]
        == [_in_memory(segment) for segment in other.segments]
        and all(segment.is_congruent for segment in other.segments if segment.kind == LOAD)
        and _image(first, one) == _image(second, other)
    )


def _in_memory(segment: Segment) -> tuple[int, ...]:
    size = segment.size if segment.address or segment.kind == LOAD else 0
    return segment.kind, segment.flags, segment.address, size, segment.memory, segment.alignment


def _image(data: bytes, elf: Elf) -> list[bytes]:
    """Give what is loaded, without the header and the table of segments, which hold places in the file."""
    clean = bytearray(data)
    clean[:_HEADER_SIZE] = bytes(_HEADER_SIZE)
    clean[elf.table.start : elf.table.stop] = bytes(len(elf.table))
    return [bytes(clean[one.offset : one.offset + one.size]) for one in elf.segments if one.kind == LOAD]
