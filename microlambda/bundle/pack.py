"""A folder of dependencies made into an archive in one go: compiling and compressing overlap."""

from __future__ import annotations

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO

from microlambda.bundle.archive import replacing, walk
from microlambda.bundle.bytecode import TASK_ROOT, bytecode_name, compiler_build
from microlambda.bundle.compiler import Module, Problem, compile_modules
from microlambda.bundle.deflate import USUAL, deflate_identity
from microlambda.bundle.earlier import digest
from microlambda.bundle.interruption import own_stop
from microlambda.bundle.processors import processors
from microlambda.bundle.zip_file import pack, write_zip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from microlambda.bundle.archive import FoundFile
    from microlambda.bundle.compiler import Compiler
    from microlambda.bundle.earlier import EarlierArchives
    from microlambda.bundle.target import Target
    from microlambda.bundle.zip_file import Packed


#: From this size on a library is worth a start before the others.
_LARGE = 256 * 1024  # bytes


@dataclass(frozen=True, kw_only=True)
class ArchiveFacts:
    """What is known of an archive: sizes in bytes; files go by their names as they are imported.

    `digests` has what each entry was made of, and `problems` what does not compile. `mentions` tells whether
    the word that was looked for stands anywhere in the files.
    """

    size: int
    unpacked: int
    sha256: str
    digests: Mapping[str, str]
    problems: Mapping[str, Problem] = field(default_factory=dict)
    mentions: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """List the entries, in order."""
        return tuple(self.digests)


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
    earlier: EarlierArchives | None = None,
) -> ArchiveFacts:
    """Write the archive of a folder, with bytecode where there is an interpreter of the target's version.

    `prefix` goes before the names in the archive; `task_root` is the folder on Lambda that the names without
    it are in: `python/` and /opt/python for a layer. `mention` is a word to look for meanwhile. What was made
    for one of the `earlier` archives is taken from there.
    """
    entries = Entries(prefix=prefix, level=level, earlier=earlier)
    with Packing(site, entries, mention) as packing:
        return packing.write(path, target, interpreter, task_root)


class Entries:
    """Entries by their names without the prefix: what each is made of, and those that exist already.

    For the arguments see `make_archive`.
    """

    def __init__(
        self, *, prefix: str = "", level: int = USUAL, earlier: EarlierArchives | None = None
    ) -> None:
        self._prefix = prefix
        self._level = level
        self._form = f"{deflate_identity()} {level}"
        self._earlier = earlier
        self._ahead: dict[str, Future[Packed | None]] = {}
        self.digests: dict[str, str] = {}

    def find(self, name: str, *made_of: str | bytes) -> Packed | None:
        """Note what an entry is made of; gives it where that was done before."""
        self.digests[name] = digest(self._form, *made_of)
        found = self._found(self.digests[name])
        return None if found is None else replace(found, name=self._prefix + name)

    def _found(self, wanted: str) -> Packed | None:
        ahead = self._ahead.get(wanted)
        found = ahead.result() if ahead is not None else None
        return found if found is not None or self._earlier is None else self._earlier.find(wanted)

    def make_ahead(self, content_of: Callable[[], bytes | Problem], *made_of: str | bytes) -> None:
        """Compress what may become an entry, for `find` to find, which waits for it; a problem is none."""
        wanted = digest(self._form, *made_of)
        if wanted in self._ahead or self._found(wanted) is not None:
            return
        made = self._ahead[wanted] = Future()
        packed = None
        try:
            content = content_of()
            packed = pack("", content, self._level) if isinstance(content, bytes) else None
        finally:
            made.set_result(packed)

    def make(self, name: str, content: bytes) -> Packed:
        """Compress an entry."""
        return pack(self._prefix + name, content, self._level)


class Packing:
    """The archive of a folder in the making; what is slow can be begun before all that goes has gone.

    For the arguments see `make_archive`; `compilers` gives those that run already.
    """

    def __init__(
        self,
        site: Path,
        entries: Entries,
        mention: str = "",
        *,
        compilers: Callable[[], Sequence[Compiler]] = tuple,
    ) -> None:
        self._site = site
        self._compilers = compilers
        self._entries = entries
        self._mention = mention.encode()
        self._stop = own_stop()
        self._pool = ThreadPoolExecutor(processors())
        self._begun: dict[str, Future[Packed]] = {}
        self._packed: dict[str, Packed] = {}
        self._mentioning: set[str] = set()

    def __enter__(self) -> Packing:
        return self

    def __exit__(self, *exc: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def begin(self) -> None:
        """Begin with the large libraries: nearly all stay, and none is written to from here on."""
        large = [one for one in walk(self._site) if one.size >= _LARGE and ".so" in one.name]
        for file in sorted(large, key=largest_first):
            self._begun[file.name] = self._pool.submit(self._pack_file, file)

    def write(
        self, path: Path, target: Target, interpreter: str | None, task_root: str = TASK_ROOT
    ) -> ArchiveFacts:
        """Pack what is in the folder now."""
        problems = self._pack(list(walk(self._site)), target, interpreter, task_root)
        with replacing(path) as temporary, temporary.open("wb") as file:
            hashing = _Hashing(file)
            write_zip(hashing.write, self._packed.values())
        return ArchiveFacts(
            size=hashing.size,
            unpacked=sum(entry.size for entry in self._packed.values()),
            sha256=hashing.digest.hexdigest(),
            digests={name: self._entries.digests[name] for name in sorted(self._packed)},
            problems=problems,
            mentions=not self._mentioning.isdisjoint(self._packed),
        )

    def _pack(
        self, files: list[FoundFile], target: Target, interpreter: str | None, task_root: str
    ) -> dict[str, Problem]:
        """Pack all files and their bytecode; gives what is wrong with those that do not compile."""
        files.sort(key=largest_first)
        if interpreter is not None:  # in the place of bytecode that a wheel brings
            ours = {bytecode_name(file.name, target) for file in files if file.name.endswith(".py")}
            files = [file for file in files if file.name not in ours]
        packing = {
            file.name: self._begun.get(file.name) or self._pool.submit(self._pack_file, file)
            for file in files
        }
        problems: dict[str, Problem] = {}
        if interpreter is not None:
            lacking = self._lacking(files, target, interpreter, task_root)
            problems = self._compile(lacking, target, interpreter, packing)
        self._packed |= {name: future.result() for name, future in packing.items()}
        return problems

    def _pack_file(self, file: FoundFile) -> Packed:
        self._stop.check()
        content = file.path.read_bytes()
        if self._mention and self._mention in content:
            self._mentioning.add(file.name)
        entry = self._entries.find(file.name, *file_made_of(content)) or self._entries.make(
            file.name, content
        )
        return replace(entry, is_executable=file.is_executable)

    def _lacking(
        self, files: Iterable[FoundFile], target: Target, interpreter: str, task_root: str
    ) -> list[Module]:
        """Take the bytecode that exists already; gives the modules of which there is none."""
        lacking = []
        for file in files:
            if not file.name.endswith(".py"):
                continue
            self._stop.check()
            module = module_of(file, task_root, file.path.read_bytes)
            place = bytecode_name(file.name, target)
            found = self._entries.find(place, *bytecode_made_of(module, interpreter))
            if found is None:
                lacking.append(module)
            else:
                self._packed[place] = found
        return lacking

    def _compile(
        self,
        modules: list[Module],
        target: Target,
        interpreter: str,
        packing: dict[str, Future[Packed]],
    ) -> dict[str, Problem]:
        problems = {}
        for module, made in compile_modules(modules, interpreter, self._compilers()):
            self._stop.check()
            if isinstance(made, Problem):
                problems[module.name] = made
            else:
                place = bytecode_name(module.name, target)
                packing[place] = self._pool.submit(self._entries.make, place, made)
        return problems


def module_of(file: FoundFile, task_root: str, read: Callable[[], bytes]) -> Module:
    """Give a file as the module that it is below `task_root`."""
    return Module(name=file.name, path=f"{task_root}/{file.name}", read=read)


def file_made_of(content: bytes) -> tuple[str | bytes, ...]:
    """Give what decides the bytes of a file's entry."""
    return "file", content


def bytecode_made_of(module: Module, interpreter: str) -> tuple[str | bytes, ...]:
    """Give what decides the bytes of the entry of a module's bytecode."""
    return "bytecode", compiler_build(interpreter), module.path, module.read()


def largest_first(file: FoundFile) -> tuple[int, str]:
    """Give the key by which files are sorted: one that is begun last would keep one processor busy alone."""
    return -file.size, file.name


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
