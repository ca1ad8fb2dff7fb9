"""An installation as a resolver leaves it, made by hand, and native libraries to put into it."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from microlambda.bundle.inputs.requirements import Requirements
from microlambda.bundle.slim.options import SlimOptions
from microlambda.bundle.slim.slimming import Slimmed, slim
from microlambda.bundle.target import Target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

X86_64, AARCH64 = 62, 183

LAMBDA = Target.for_lambda("3.13", "x86_64")


@dataclass
class Site:
    """A folder of installed distributions; `wanted` are those that the project asks for."""

    folder: Path
    wanted: list[str] = field(default_factory=list)

    def install(
        self,
        name: str,
        files: Mapping[str, str | bytes],
        *,
        version: str = "1.0",
        requires: Sequence[str] = (),
        wanted: bool = True,
    ) -> None:
        info = f"{name.replace('-', '_')}-{version}.dist-info"
        headers = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
        headers += [f"Requires-Dist: {one}" for one in requires]
        content = {f"{info}/METADATA": "\n".join([*headers, ""]), **files}
        for file, data in content.items():
            self.write(file, data)
        self.write(f"{info}/RECORD", "".join(f"{file},,\n" for file in [*content, f"{info}/RECORD"]))
        if wanted:
            self.wanted.append(name)

    def write(self, name: str, content: str | bytes = "") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def names(self) -> set[str]:
        return {p.relative_to(self.folder).as_posix() for p in self.folder.rglob("*") if p.is_file()}

    def modules(self) -> set[str]:
        """List what is there, without metadata."""
        return {name for name in self.names() if ".dist-info/" not in name}

    @property
    def size(self) -> int:
        return sum((self.folder / name).stat().st_size for name in self.names())

    def slim(
        self, *asked: str, target: Target = LAMBDA, constrained: Sequence[str] = (), **options: object
    ) -> Slimmed:
        requirements = Requirements(
            label="requirements.txt",
            direct=tuple(map(Requirement, asked or self.wanted)),
            constrained=tuple(map(Requirement, constrained)),
        )
        return slim(self.folder, requirements, target, SlimOptions(**options))  # type: ignore[arg-type]  # keywords of it


def make_elf(
    machine: int = X86_64,
    *,
    needed: Sequence[str] = ("libc.so.6",),
    versions: Sequence[str] = (),
    weak: Sequence[str] = (),
    interpreter: str = "",
    kind: int = 3,
    symbols: bytes = b"",
) -> bytes:
    """Write a library that is all header: what it asks for, and nothing that runs.

    `versions` and `weak` are versions of symbols of libc.so.6; `symbols` what a table of symbols holds.
    """
    strings = _Strings()
    names = [strings.add(one) for one in needed]
    libc = strings.add("libc.so.6")
    versioned = [(strings.add(one), 2 * (one in weak)) for one in (*versions, *weak)]
    where = strings.add(interpreter)
    table = 64 + 3 * 56
    need = table + len(strings.content)
    dynamic = need + 16 + 16 * len(versioned)
    entries = [(1, name) for name in names] + [(5, table)]
    if versioned:
        entries += [(0x6FFFFFFE, need), (0x6FFFFFFF, 1)]
    entries.append((0, 0))
    needs = struct.pack("<HHIII", 1, len(versioned), libc, 16, 0)
    for number, (name, flags) in enumerate(versioned, start=1):
        needs += struct.pack("<IHHII", 0, flags, number, name, 16 * (number < len(versioned)))
    body = strings.content + needs + b"".join(struct.pack("<qQ", *entry) for entry in entries)
    end = table + len(body)
    segments = [
        (1, 5, 0, 0, 0, end, end, 4096),
        (2, 6, dynamic, dynamic, dynamic, 16 * len(entries), 16 * len(entries), 8),
        (3 if interpreter else 0, 4, table + where, table + where, 0, len(interpreter) + 1, 0, 1),
    ]
    sections = end + len(symbols) if symbols else 0
    header = b"\x7fELF\2\1\1" + bytes(9)
    header += struct.pack(
        "<HHIQQQIHHHHHH", kind, machine, 1, 0, 64, sections, 0, 64, 56, 3, 64, bool(symbols), 0
    )
    section = struct.pack("<IIQQQQIIQQ", 0, 2, 0, 0, end, len(symbols), 0, 0, 8, 24) if symbols else b""
    return header + b"".join(struct.pack("<IIQQQQQQ", *one) for one in segments) + body + symbols + section


class _Strings:
    def __init__(self) -> None:
        self.content = b"\0"

    def add(self, text: str) -> int:
        place = len(self.content)
        self.content += text.encode() + b"\0"
        return place
