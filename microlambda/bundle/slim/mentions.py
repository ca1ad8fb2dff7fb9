"""What the modules of dependencies mention: other modules that they import, files that they read.

It is read from the text, by search for a few words, not from a syntax tree: a hundred megabytes of sources
take a second, and code for a newer Python than ours is read as well. What only looks like an import, in a
docstring, counts as one: better a folder too many than a package that does not start.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NEAR = re.compile(rb"test|doc|conftest|examples|benchmarks")
_WORD = re.compile(r"(?:^|\.)(?:tests?|docs?|conftest|examples|benchmarks)(?:\.|$)")

_IMPORT = re.compile(rb"import\b")
_FROM = re.compile(rb"(?:^|[;:])[ \t]*from[ \t]*([\w.]+)[ \t\\\r\n]*$")
_ALONE = re.compile(rb"(?:^|[;:])[ \t]*$")
_NAMES = re.compile(rb"[ \t]*(\((?:#[^\n]*|[^)#])*\)|[^\n;#\\]+(?:\\\r?\n[^\n;#\\]+)*)")
_COMMENT = re.compile(rb"#[^\n]*")

_IN_TEXT = re.compile(rb"\.(?:tests?|docs?|conftest|examples|benchmarks)\b")
_DOTTED = re.compile(rb"[\w.]*")
_BEFORE = 200  # bytes; no module has a longer name

_PLAIN_FILES = (b"README", b"CHANGES", b"CHANGELOG", b"HISTORY", b"NEWS", b"CONTRIBUTING", b"METADATA")
#: How packages name data files that only look like sources, all at once. Others are so named in what takes
#: them from a compiler's folder to another one.
_PATTERNS = {".pyi": ("*.pyi", ".pyi"), ".lib": ("*.lib",), ".a": ("*.a",), ".f": ("*.f",)}

_FILE_START = re.compile(rb"[\w.*+ -]*$")
_FOLDER = re.compile(rb"docs?[\"'/]")


@dataclass
class Mentions:
    """What modules mention, of what slimming might remove.

    `modules` are imported or named in quotes, `texts` the latter alone. Files and folders are by the packages
    that mention them; `endings` are those of the files that are looked for, for the packages that have some.
    """

    endings: Mapping[str, frozenset[str]] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    files: dict[str, set[str]] = field(default_factory=dict)
    folders: dict[str, set[str]] = field(default_factory=dict)
    reads_stubs: set[str] = field(default_factory=set)

    def add(self, name: str, source: bytes) -> None:
        """Read a module, given by its name in the archive."""
        top = name.partition("/")[0]
        self.modules.update(filter(_WORD.search, _imports(source, _package(name))))
        named = set(_modules_in_text(source, _package(name)))
        self.modules |= named
        self.texts |= named
        if top in self.endings:
            self.files.setdefault(top, set()).update(_files(source, self.endings[top]))
        self.folders.setdefault(top, set()).update(_folders(source))
        # The stub says what is imported, when it is used: https://scientific-python.org/specs/spec-0001/
        if b"attach_stub" in source:
            self.reads_stubs.add(top)

    def names(self, file: str) -> bool:
        """Tell whether the package that a file is in mentions it."""
        top, _, _ = file.partition("/")
        base = file.rpartition("/")[2]
        ending = f".{base.rpartition('.')[2]}"
        return not self.files.get(top, set()).isdisjoint({base, *_PATTERNS.get(ending, ())})


def _package(name: str) -> list[str]:
    return name.split("/")[:-1]


def _imports(source: bytes, package: list[str]) -> Iterator[str]:
    is_near = _WORD.search(".".join(package)) is not None
    for found in _IMPORT.finditer(source):
        start = _start_of_line(source, found.start())
        before = source[start : found.start()]
        names = _NAMES.match(source, found.end())
        if names is None or not (is_near or _NEAR.search(source, start, names.end())):
            continue
        if origin := _FROM.search(before):
            module = _absolute(origin[1].decode("utf-8", "replace"), package)
            yield module
            yield from (f"{module}.{name}".lstrip(".") for name in _listed(names[1]))
        elif _ALONE.search(before):
            yield from _listed(names[1])


def _start_of_line(source: bytes, place: int) -> int:
    start = source.rfind(b"\n", 0, place) + 1
    while source[max(0, start - 3) : start].rstrip(b"\r\n").endswith(b"\\"):
        start = source.rfind(b"\n", 0, start - 1) + 1
    return start


def _listed(names: bytes) -> Iterator[str]:
    for one in _COMMENT.sub(b"", names).strip(b"()").split(b","):
        if words := one.replace(b"\\", b" ").split():
            yield words[0].decode("utf-8", "replace")


def _absolute(module: str, package: list[str]) -> str:
    rest = module.lstrip(".")
    level = len(module) - len(rest)
    if level:
        return ".".join([*package[: len(package) - level + 1], *filter(None, [rest])])
    return rest


def _modules_in_text(source: bytes, package: list[str]) -> Iterator[str]:
    """Give the modules that are named in quotes: for importlib, or an entry point."""
    for found in _IN_TEXT.finditer(source):
        before = source[max(0, found.start() - _BEFORE) : found.start()]
        start = len(before) - len(_trailing_name(before))
        after = _DOTTED.match(source, found.end())
        rest = source[found.end() : after.end() if after else found.end()]
        if before[start - 1 : start] in (b'"', b"'"):
            name = (before[start:] + found[0] + rest).decode("utf-8", "replace")
            # One that ends in a dot is the start of names, for a comparison.
            if not name.endswith("."):
                yield _absolute(name, package) if name.startswith(".") else name


def _trailing_name(text: bytes) -> bytes:
    end = len(text)
    start = end
    while start and (text[start - 1 : start].isalnum() or text[start - 1] in b"_."):
        start -= 1
    return text[start:]


@cache
def _file(endings: frozenset[str]) -> re.Pattern[bytes]:
    """Find files by name at the end of a text, "parse_c_type.h", or by their ending: ".pyi", "*.lib"."""
    alternatives = "|".join(sorted(map(re.escape, endings), key=len, reverse=True))
    return re.compile(rf"\.(?:{alternatives})[\"']".encode())


def _files(source: bytes, endings: frozenset[str]) -> Iterator[str]:
    for found in _file(endings).finditer(source):
        start = _FILE_START.search(source[max(0, found.start() - _BEFORE) : found.start()])
        before = start[0] if start is not None else b""
        yield (before + found[0][:-1]).decode("utf-8", "replace")
    for name in _PLAIN_FILES:
        if name in source and (name + b'"' in source or name + b"'" in source):
            yield name.decode()


def _folders(source: bytes) -> Iterator[str]:
    """Give the folders of documentation that a path in quotes has as its first or its last part."""
    for found in _FOLDER.finditer(source):
        before, after = source[found.start() - 1 : found.start()], found[0][-1:]
        if before and before in b"\"'/" and (before != b"/" or after != b"/"):
            yield found[0][:-1].decode()
