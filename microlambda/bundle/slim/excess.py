"""What of a dependency no function needs: tests, documentation, what compilers and type checkers read.

Names decide what is looked at, and the package's own modules what goes: nothing that one of them imports or
mentions by its name is removed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from microlambda.bundle.slim.mentions import Mentions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from microlambda.bundle.slim.installation import Installation

TESTS = "tests"
STUBS = "type stubs"
SOURCES = "headers and sources"
DOCUMENTATION = "documentation"
RECORDS = "installer's records"
SCRIPTS = "console scripts"
BYTECODE = "bytecode"
HOOKS = ".pth files"

#: What tells how and from where an installation was made, with paths of this machine in it: never kept.
_TRACES = ("direct_url.json", "uv_cache.json", "uv_build.json")
_RECORDS = ("RECORD", "INSTALLER", "REQUESTED", *_TRACES)

_STUB = (".pyi",)
_SOURCE = (
    *(".h", ".hpp", ".hh", ".c", ".cc", ".cpp", ".cxx", ".pyx", ".pxd", ".pxi"),
    *(".f", ".f90", ".a", ".lib"),
)
_TEXT = re.compile(r"(?:README|CHANGES|CHANGELOG|HISTORY|NEWS|CONTRIBUTING)(?:[._-]\w+)*", re.IGNORECASE)

#: Folders that a distribution means to have beside its package, and installs into everybody's.
_STRAY = {
    "tests": TESTS,
    "test": TESTS,
    "docs": DOCUMENTATION,
    "examples": DOCUMENTATION,
    "benchmarks": TESTS,
}
_INSIDE = {"tests": TESTS, "test": TESTS, "docs": DOCUMENTATION, "doc": DOCUMENTATION}

_TEST_MODULE = re.compile(r"(?:test_.*|.*_tests?|tests?|conftest)\.py")
_CLEAR_TEST_MODULE = re.compile(r"(?:test_.*|.*_test|conftest)\.py")
_TEST_FRAMEWORK = re.compile(rb"\b(?:unittest|pytest|doctest)\b")


def find_excess(installation: Installation) -> dict[str, str]:
    """Name the files that no function needs, each with what it is."""
    return _Search(installation).found()


def must_go(name: str) -> bool:
    """Tell whether a file is removed even if it is to be kept: it has paths of this machine in it."""
    return name.rpartition("/")[2] in _TRACES and ".dist-info/" in name


class _Search:
    """The files that go, `going`, are all that look so at first; what others import is taken out again."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.names = sorted(installation.sizes)
        self.folders = {
            folder: files for folder, files in _folders(self.names).items() if self._goes(folder, files)
        }
        self.going = {name: _kind(folder) for folder, files in self.folders.items() for name in files}
        self.going.update((name, TESTS) for name in self.names if _is_conftest(name))
        self.mentions = Mentions(endings=_endings(self.names, self.going))

    def found(self) -> dict[str, str]:
        self._read_mentions()
        excess = dict(self.going)
        for name in self.names:
            if kind := self._kind_of_file(name):
                excess[name] = kind
        return excess

    def _goes(self, folder: str, files: list[str]) -> bool:
        """Tell whether a folder is what its name says."""
        parent, _, last = folder.rpartition("/")
        if not parent:
            return self._is_stray(folder, files)
        if _INSIDE[last] == DOCUMENTATION:
            return parent in self.installation.packages
        bases = [name.rpartition("/")[2] for name in files]
        if last == "test":
            return any(map(_CLEAR_TEST_MODULE.fullmatch, bases))
        return any(map(_TEST_MODULE.fullmatch, bases)) or self._uses_a_framework(files)

    def _is_stray(self, folder: str, files: list[str]) -> bool:
        """Tell whether whoever brought a folder at the top brought something else beside it."""
        brought = {self.installation.owners.get(name) for name in files}
        beside = {
            owner
            for name, owner in self.installation.owners.items()
            if owner in brought and not name.startswith((f"{folder}/", "bin/")) and ".dist-info/" not in name
        }
        return beside == brought

    def _uses_a_framework(self, files: Iterable[str]) -> bool:
        # dbt's folder `tests` holds what it runs: SQL.
        return any(
            name.endswith(".py") and _TEST_FRAMEWORK.search(self.installation.read(name)) for name in files
        )

    def _read_mentions(self) -> None:
        """Read the modules that stay; what they import stays, and is read in its turn."""
        self._read(name for name in self.names if name not in self.going)
        for name in self.names:
            if name.endswith(".dist-info/entry_points.txt"):
                text = self.installation.read(name).decode("utf-8", "replace")
                self.mentions.modules.update(_entry_points(text))
        seen: set[str] = set()
        while new := (self.mentions.modules | self._named_folders()) - seen:
            seen |= new
            self._keep(file for module in new for file in self._files_of(module))
        for files in self.folders.values():
            # Who keeps a module of a folder keeps what it may read there.
            if self._has_kept(files):
                self._keep(name for name in files if not name.endswith(".py"))

    def _has_kept(self, files: Iterable[str]) -> bool:
        return any(name.endswith(".py") and name not in self.going for name in files)

    def _read(self, names: Iterable[str]) -> None:
        for name in names:
            if name.endswith(".py"):
                self.mentions.add(name, self.installation.read(name))

    def _keep(self, names: Iterable[str]) -> None:
        self._read([name for name in names if self.going.pop(name, None)])

    def _files_of(self, module: str) -> Iterator[str]:
        """Name the files that an import of this module runs; all of a folder that is named as a whole."""
        if "/" in module:
            yield from self.folders[module]
        parts = module.split(".")
        for depth in range(1, len(parts) + 1):
            path = "/".join(parts[:depth])
            yield from (f"{path}.py", f"{path}/__init__.py")

    def _named_folders(self) -> set[str]:
        """Give the folders that something walks, by their path and so with a slash in it."""
        return {
            folder
            for folder, files in self.folders.items()
            if "/" in folder and self._is_named(folder, files)
        }

    def _is_named(self, folder: str, files: list[str]) -> bool:
        if folder.replace("/", ".") in self.mentions.texts:
            return True
        top, _, _ = folder.partition("/")
        last = folder.rpartition("/")[2]
        # Documentation with a module that others import is code which writes some: botocore.docs.
        return _kind(folder) == DOCUMENTATION and (
            self._has_kept(files)
            or last in self.mentions.folders.get(top, ())
            or any(map(self.mentions.names, files))
        )

    def _kind_of_file(self, name: str) -> str | None:
        """Name what a file is if it goes, wherever it is."""
        if kind := _kind_by_place(name, has_bin="bin" not in self.installation.packages):
            return kind
        kind = _kind_by_name(name)
        if kind == STUBS and name.partition("/")[0] in self.mentions.reads_stubs:
            return None
        return None if kind is None or self.mentions.names(name) else kind


def _folders(names: Iterable[str]) -> Mapping[str, list[str]]:
    """Group files by the folders above them whose names say that they may go."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in names:
        first, *inner = name.split("/")[:-1] or [""]
        if first.endswith(".dist-info"):
            continue
        if first in _STRAY:
            found[first].append(name)
        for depth, part in enumerate(inner, start=2):
            if part in _INSIDE:
                found["/".join(name.split("/")[:depth])].append(name)
    return found


def _endings(names: Iterable[str], going: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Give the endings of the files that go unless they are mentioned, by the package that they are in."""
    found: dict[str, set[str]] = defaultdict(set)
    for name in names:
        if _kind_by_name(name) is not None or going.get(name) == DOCUMENTATION:
            found[name.partition("/")[0]].add(name.rpartition("/")[2].rpartition(".")[2])
    return {top: frozenset(endings) for top, endings in found.items()}


def _kind(folder: str) -> str:
    parent, _, last = folder.rpartition("/")
    return _INSIDE[last] if parent else _STRAY[last]


def _kind_by_place(name: str, *, has_bin: bool) -> str | None:
    top, _, rest = name.partition("/")
    if "__pycache__" in name.split("/")[:-1]:
        return BYTECODE
    if not rest:
        return _kind_at_top(top)
    if top == "bin" and has_bin:
        return SCRIPTS
    if name.startswith(("share/man/", "share/doc/")):
        return DOCUMENTATION
    return RECORDS if top.endswith(".dist-info") and rest in _RECORDS else None


def _kind_at_top(name: str) -> str | None:
    if name.endswith(".pth"):
        return HOOKS
    return RECORDS if name == ".lock" else None


def _kind_by_name(name: str) -> str | None:
    parent, _, base = name.rpartition("/")
    if ".dist-info" in parent.partition("/")[0]:
        return None
    if base.endswith(_STUB) or base == "py.typed":
        return STUBS
    if base.endswith(_SOURCE):
        return SOURCES
    return DOCUMENTATION if "/" not in parent and _is_text(base) else None


def _is_text(base: str) -> bool:
    stem, dot, ending = base.rpartition(".")
    return (
        bool(_TEXT.fullmatch(stem)) and ending in {"md", "rst", "txt"} if dot else bool(_TEXT.fullmatch(base))
    )


def _is_conftest(name: str) -> bool:
    return name.rpartition("/")[2] == "conftest.py"


def _entry_points(text: str) -> Iterator[str]:
    for line in text.splitlines():
        _, _, value = line.partition("=")
        yield value.partition(":")[0].partition("[")[0].strip()
