"""A folder of dependencies made into an archive in one go: compiling and compressing overlap."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from microlambda.bundle.archive import replacing, walk
from microlambda.bundle.bytecode import TASK_ROOT, KeptBytecode, bytecode_name
from microlambda.bundle.compiler import Module, Problem, compile_modules
from microlambda.bundle.deflate import USUAL
from microlambda.bundle.processors import processors
from microlambda.bundle.zip_file import pack, write_zip

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from microlambda.bundle.archive import FoundFile
    from microlambda.bundle.target import Target
    from microlambda.bundle.zip_file import Packed


@dataclass(frozen=True, kw_only=True)
class ArchiveFacts:
    """What is known of an archive: sizes in bytes, and names and problems of files, as they are imported.

    `mentions` tells whether the word that was looked for stands anywhere in its files.
    """

    size: int
    unpacked: int
    sha256: str
    names: tuple[str, ...]
    problems: Mapping[str, Problem] = field(default_factory=dict)
    mentions: bool = False


def make_archive(
    site: Path,
    path: Path,
    *,
    target: Target,
    interpreter: str | None,
    prefix: str = "",
    task_root: str = TASK_ROOT,
    mention: str = "",
    level: int = USUAL,
    bytecode: Path | None = None,
) -> ArchiveFacts:
    """Write the archive of a folder, with bytecode where there is an interpreter of the target's version.

    `prefix` goes before the names in the archive; `task_root` is the folder on Lambda that the names without
    it are in: `python/` and /opt/python for a layer. `mention` is a word to look for meanwhile. In the folder
    `bytecode` that of each file is kept, for other archives that have the file.
    """
    kept = KeptBytecode(folder=bytecode, interpreter=interpreter) if bytecode and interpreter else None
    packing = _Packing(list(walk(site)), prefix, mention, level, kept)
    problems = packing.run(target, interpreter, task_root)
    entries = list(packing.packed.values())
    with replacing(path) as temporary, temporary.open("wb") as file:
        hashing = _Hashing(file)
        write_zip(hashing.write, entries)
    return ArchiveFacts(
        size=hashing.size,
        unpacked=sum(entry.size for entry in entries),
        sha256=hashing.digest.hexdigest(),
        names=tuple(sorted(packing.packed)),
        problems=problems,
        mentions=packing.mentions,
    )


class _Packing:
    """The entries of an archive in the making, by their names without the prefix."""

    def __init__(
        self,
        files: Sequence[FoundFile],
        prefix: str,
        mention: str,
        level: int,
        kept: KeptBytecode | None,
    ) -> None:
        # The largest first: one that is begun last would keep one processor busy alone.
        self._files = sorted(files, key=lambda file: (-file.size, file.name))
        self._prefix = prefix
        self._mention = mention.encode()
        self._level = level
        self._kept = kept
        self.packed: dict[str, Packed] = {}
        self.mentions = False

    def run(self, target: Target, interpreter: str | None, task_root: str) -> dict[str, Problem]:
        """Pack all files and their bytecode; gives what is wrong with those that do not compile."""
        problems: dict[str, Problem] = {}
        made: dict[str, Future[Packed]] = {}
        with ThreadPoolExecutor(processors()) as pool:
            try:
                packing = {file.name: pool.submit(self._pack_file, file) for file in self._files}
                for name, content in self._compiled(interpreter, task_root):
                    if isinstance(content, Problem):
                        problems[name] = content
                    else:
                        place = bytecode_name(name, target)
                        made[place] = pool.submit(pack, self._prefix + place, content, self._level)
                self.packed = {name: future.result() for name, future in (packing | made).items()}
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
        return problems

    def _pack_file(self, file: FoundFile) -> Packed:
        content = file.path.read_bytes()
        if self._mention and self._mention in content:
            self.mentions = True
        return pack(self._prefix + file.name, content, self._level, is_executable=file.is_executable)

    def _compiled(self, interpreter: str | None, task_root: str) -> Iterator[tuple[str, bytes | Problem]]:
        if interpreter is None:
            return
        modules = [
            Module(name=file.name, path=f"{task_root}/{file.name}", read=file.path.read_bytes)
            for file in self._files
            if file.name.endswith(".py")
        ]
        lacking = []
        for module in modules:
            found = self._kept.read(module.path, module.read()) if self._kept is not None else None
            if found is None:
                lacking.append(module)
            else:
                yield module.name, found
        for module, made in compile_modules(lacking, interpreter):
            if self._kept is not None and isinstance(made, bytes):
                self._kept.keep(module.path, module.read(), made)
            yield module.name, made


class _Hashing:
    """A file that is hashed while it is written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, content: bytes | bytearray | memoryview) -> None:
        """Write, hash and count."""
        self._file.write(content)
        self.digest.update(content)
        self.size += len(content)
